"""YAML is read as texts with places; what is clever, too large or not YAML is refused where it stands."""

from __future__ import annotations

import time

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from support.bad_checklists.yaml_files import REFUSED
from support.fuzz import EXAMPLES

from orion_deploy.checklist.yaml_nodes import (
    DEPTH_MAX,
    NODES_MAX,
    SOURCE_BYTES_MAX,
    ListNode,
    MapNode,
    Scalar,
    Source,
    compose,
)
from orion_deploy.errors import ChecklistError


def fault(text: str) -> ChecklistError:
    """The error that `text` gives."""
    with pytest.raises(ChecklistError) as raised:
        compose(Source(text, "deploy.yaml"))
    return raised.value


@pytest.mark.parametrize(("text", "words", "line", "column", "width"), REFUSED)
def test_what_is_refused_is_pointed_at(text: str, words: str, line: int, column: int, width: int) -> None:
    """Every refused construct is named, with its line, column and caret."""
    error = fault(text)
    assert words in error.what
    assert error.where is not None
    assert (error.where.line, error.where.column, error.where.width) == (line, column, width)
    assert error.render().isprintable() or "\n" in error.render()


def test_the_pure_parser_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without libyaml the tree and the refusals are the same."""
    text = "a: 1\nb: [x, {c: 'd'}]\ne: |\n  f\n  g\n"
    fast = shape(compose(Source(text, "a.yaml")))
    monkeypatch.delattr(yaml, "CSafeLoader")
    assert shape(compose(Source(text, "a.yaml"))) == fast
    for case in REFUSED[:14]:
        error = fault(case[0])
        assert case[1] in error.what
        assert error.where is not None
        assert error.where.line == case[2]


def shape(node: object) -> object:
    """A node as plain data with its places."""
    if isinstance(node, Scalar):
        return (node.value, node.is_plain, node.line, node.column)
    if isinstance(node, ListNode):
        return [shape(item) for item in node.items]
    if isinstance(node, MapNode):
        return {key: (shape(mark), shape(value)) for key, (mark, value) in node.entries.items()}
    return node


def test_depth_has_a_cap() -> None:
    """The deepest allowed nesting is read, one more is refused, and 100,000 cost no more than that."""
    assert compose(Source("[" * DEPTH_MAX + "]" * DEPTH_MAX, "a.yaml")) is not None
    assert str(DEPTH_MAX) in fault("[" * (DEPTH_MAX + 1) + "]" * (DEPTH_MAX + 1)).what
    started = time.process_time()
    for opening in ("[", "{a: ", "- ", "? "):
        assert fault(opening * 100_000).where is not None
    assert time.process_time() - started < 1


def test_size_has_a_cap_in_bytes_before_parsing() -> None:
    """One megabyte is read; one byte more is refused, counted in UTF-8, without parsing it."""
    filler = "x" * (SOURCE_BYTES_MAX - 3)
    assert compose(Source("a: " + filler, "a.yaml")) is not None
    assert "1,000,001 bytes" in fault("a: " + filler + "x").what
    assert "bytes" in fault("a: " + "\u00e4" * (SOURCE_BYTES_MAX // 2)).what
    started = time.process_time()
    fault("[" * 50_000_000)
    assert time.process_time() - started < 0.5


def test_nothing_is_none() -> None:
    """A text without a value composes to None; `null` in quotes is a text."""
    for text in ("", "\n\n", "# only a comment\n", "---\n", "---\n...\n"):
        assert compose(Source(text, "a.yaml")) is None
    node = compose(Source("'null'", "a.yaml"))
    assert isinstance(node, Scalar)
    assert not node.is_nothing


@pytest.mark.parametrize(
    ("written", "number", "boolean", "is_nothing"),
    [
        ("5", 5, None, False),
        ("-5", -5, None, False),
        ("2.5", 2.5, None, False),
        ("1e3", 1000.0, None, False),
        ("0", 0, None, False),
        ("0644", None, None, False),
        ("0x1F", None, None, False),
        ("1_000", None, None, False),
        ("12:30", None, None, False),
        ("2026-01-29", None, None, False),
        (".5", None, None, False),
        (".inf", None, None, False),
        ("'5'", None, None, False),
        ("9" * 5000, None, None, False),
        ("1e999", None, None, False),
        ("true", None, True, False),
        ("false", None, False, False),
        ("True", None, None, False),
        ("yes", None, None, False),
        ("on", None, None, False),
        ("'true'", None, None, False),
        ("~", None, None, True),
        ("null", None, None, True),
        ("Null", None, None, False),
    ],
)
def test_what_a_plain_scalar_means(
    written: str, number: float | None, boolean: bool | None, is_nothing: bool
) -> None:
    """Only decimal numbers, true, false, null and ~ mean a value; every YAML 1.1 surprise stays a text."""
    node = compose(Source(written, "a.yaml"))
    assert isinstance(node, Scalar)
    assert (node.number, node.boolean, node.is_nothing) == (number, boolean, is_nothing)


def test_columns_count_from_the_margin_of_the_file() -> None:
    """A fault in an indented block points to its column in the Markdown file, and shows that file's line."""
    file_lines = ["- [ ] Step", "  > ```yaml step", "  > id: x", "  > id: y", "  > ```"]
    with pytest.raises(ChecklistError) as raised:
        compose(Source("id: x\nid: y\n", "deploy.md", 3, file_lines))
    where = raised.value.where
    assert where is not None
    assert (where.line, where.column, where.source) == (4, 5, "  > id: y")
    assert "line 3" in raised.value.help


@settings(deadline=None, max_examples=EXAMPLES)
@given(
    st.text(
        alphabet=st.sampled_from(list("ab:-? []{},&*!|>'\"%@`#\t\n\r 01~<.\\\x00\ufeff\u2028")), max_size=60
    )
)
def test_any_text_is_a_tree_or_an_error(text: str) -> None:
    """Whatever is written, it composes or gives a ChecklistError whose line exists; within a second."""
    error = outcome(text)
    if error is not None:
        assert error.where is not None
        assert 0 <= error.where.line <= text.count("\n") + text.count("\r") + 1
        assert error.render()


def outcome(text: str) -> ChecklistError | None:
    """The error that `text` gives, or None."""
    try:
        compose(Source(text, "a.yaml"))
    except ChecklistError as error:
        return error
    return None


def test_the_number_of_values_has_a_cap() -> None:
    """The densest megabyte is refused at its cap and not read to its end."""
    assert compose(Source("- a\n" * (NODES_MAX - 1), "a.yaml")) is not None
    for text in (
        "[" + "a," * 499_990 + "]",
        "{" + ",".join(f"k{i}" for i in range(135_000)) + "}",
    ):
        assert len(text) <= SOURCE_BYTES_MAX
        started = time.process_time()
        assert "200,000 values" in fault(text).what
        assert time.process_time() - started < 2
