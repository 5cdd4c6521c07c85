"""What is written as YAML reads back as the same value, here and in PyYAML."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from support.fuzz import EXAMPLES

from orion_deploy.checklist.yaml_nodes import MapNode, Source, compose
from orion_deploy.checklist.yaml_text import entry, parameter, scalar, value
from orion_deploy.checklist.yaml_values import plain_value, text

TEXTS = st.text(
    alphabet=st.one_of(
        st.sampled_from(
            list("ab 01-:#[]{},&*!|>'\"%@`~?.<=\\\n\n\t\r\u2028\ufeff\x85\x00\u00e9\u4e2d\U0001f600_e")
        ),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=40,
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def read(lines: list[str]) -> MapNode:
    """Compose lines that are a mapping."""
    node = compose(Source("\n".join(lines) + "\n", "a.yaml"))
    assert isinstance(node, MapNode)
    return node


@settings(deadline=None, max_examples=EXAMPLES)
@given(TEXTS)
def test_any_text_comes_back(words: str) -> None:
    """As a value, within brackets, and as an entry, at the margin and indented, for this reader and for PyYAML."""
    source = Source("", "a.yaml")
    for lines, depth in (
        ([f"k: {scalar(words)}"], 0),
        (entry("k", words, ""), 0),
        (["x:", "  - a: 1", *entry("k", words, "    ")], 1),
    ):
        node = read(lines)
        if depth:
            node = node.get("x").items[0]  # type: ignore[union-attr]
        assert text(source, "k", node.entries["k"][1]) == words
    assert yaml.safe_load(f"k: {scalar(words)}")["k"] == words
    assert yaml.safe_load(f"[{scalar(words, in_flow=True)}]") == [words]
    assert yaml.safe_load("\n".join(entry("k", words, "")) + "\n")["k"] == words


@settings(deadline=None, max_examples=EXAMPLES)
@given(TEXTS)
def test_a_stripped_text_comes_back_but_for_its_ends(words: str) -> None:
    """Prose and scripts keep every character between their first and last lines."""
    node = read(entry("k", words, "", is_stripped=True))
    assert text(Source("", "a.yaml"), "k", node.entries["k"][1]).strip("\n") == words.strip("\n")


@settings(deadline=None, max_examples=EXAMPLES)
@given(JSON)
def test_any_parameter_comes_back_with_its_type(item: object) -> None:
    """Numbers, truth, nothing, texts, lists and mappings come back as what they were."""
    source = Source("", "a.yaml")
    assert plain_value(source, read([f"k: {value(item)}"]).entries["k"][1]) == item
    assert plain_value(source, read(parameter("k", item, "")).entries["k"][1]) == item


@pytest.mark.parametrize(
    ("words", "written"),
    [
        ("Stop the application", "Stop the application"),
        ("~/Orion/data/orion.db", "~/Orion/data/orion.db"),
        ("15-30 minutes", "15-30 minutes"),
        ("1.0", '"1.0"'),
        ("no", '"no"'),
        ("null", '"null"'),
        ("", '""'),
        ("a: b", '"a: b"'),
        ("- a", '"- a"'),
        ("22:30", '"22:30"'),
        ("2026-01-29", '"2026-01-29"'),
        ("a # b", '"a # b"'),
        ("N \u2265 0", "N \u2265 0"),
        ("\u202ex", '"\\u202ex"'),
    ],
)
def test_what_is_quoted(words: str, written: str) -> None:
    """Plain words stay plain; what any YAML reader takes for something else, or nobody sees, is quoted."""
    assert scalar(words) == written


def test_lines_become_a_block() -> None:
    """A script of several lines is a literal block, indented below its key."""
    assert entry("run", "a\n\n  b\n", "  ", is_stripped=True) == ["  run: |", "    a", "", "      b"]
    assert entry("run", "  a\nb", "") == ["run: |2-", "    a", "  b"]
