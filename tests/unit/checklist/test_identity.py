"""Ids are words that stay; digests change with what a step says and would run, and with nothing else."""

from __future__ import annotations

import re
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orion_deploy.checklist.code import block_of
from orion_deploy.checklist.identity import (
    ID_CHARACTERS_MAX,
    SLUG_CHARACTERS_MAX,
    Ids,
    digest_of,
    facts_json,
    slug,
)
from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.checklist.model import Expectation, Option, StepFacts

NAME = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)*")


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Stop the application", "stop-the-application"),
        ("Don't stop: `it` (2 GB)", "dont-stop-it-2-gb"),
        ("Überprüfe das Café", "uberprufe-das-cafe"),
        ("✅ Done", "done"),
        ("", "untitled"),
        ("!!!", "untitled"),
    ],
)
def test_slug(title: str, name: str) -> None:
    """Words become lower-case ASCII."""
    assert slug(title) == name


def test_slug_of_other_scripts() -> None:
    """Titles that ASCII cannot tell apart get names that differ."""
    first, second = slug("检查数据库"), slug("检查服务器")
    assert first != second
    assert NAME.fullmatch(first)
    assert slug("检查 nginx 日志").startswith("nginx-")
    assert slug("检查 nginx 日志") != slug("重启 nginx 日志")


def test_slug_of_long_titles() -> None:
    """Long titles that differ at their end differ in their names, which end at a word and are bounded."""
    first, second = slug("wait " * 20 + "now"), slug("wait " * 20 + "later")
    assert first != second
    assert len(first) <= SLUG_CHARACTERS_MAX
    assert re.fullmatch(r"(?:wait-)+[0-9a-f]{6}", first)


@given(st.text(max_size=300), st.text(max_size=80))
def test_ids_are_safe(parent: str, title: str) -> None:
    """Whatever a title holds, its id is bounded, and safe as a word of a shell and as a file's name."""
    ids = Ids()
    outer = ids.make("", parent)
    for name in (outer, ids.make(outer, title), ids.make(outer, title)):
        assert NAME.fullmatch(name)
        assert len(name) <= ID_CHARACTERS_MAX + 2


def test_ids_are_unique_by_order() -> None:
    """Equal titles are numbered in order; a name that the author chose is never given away."""
    ids = Ids()
    assert ids.claim("section.check-2")
    assert not ids.claim("section.check-2")
    assert [ids.make("section", "Check") for _ in range(3)] == [
        "section.check",
        "section.check-3",
        "section.check-4",
    ]
    assert ids.make("other", "Check") == "other.check"


def test_deep_ids_stay_apart() -> None:
    """However deep steps nest, ids are bounded and differ."""
    ids, name, seen = Ids(), "", set()
    for _ in range(300):
        name = ids.make(name, "Inner step with a longish title")
        seen.add(name)
    assert len(seen) == 300
    assert max(map(len, seen)) <= ID_CHARACTERS_MAX


def _command(text: str) -> tuple[object, ...]:
    return (block_of(text, "bash", 1),)


def test_digest_ignores_layout() -> None:
    """White space around words, blank lines around code and the place in the file change no digest."""
    first = digest_of("Stop  it", "some\n  prose", [block_of("a\nb", "bash", 3)])
    second = digest_of("Stop it", "some prose\n", [block_of("\na  \nb\n", "Bash", 99)])
    assert first == second
    assert re.fullmatch(r"[0-9a-f]{16}", first)


@pytest.mark.parametrize(
    "changed",
    [
        digest_of("Stop them", "prose", [block_of("rm -rf /tmp", "bash", 1)]),
        digest_of("Stop it", "other prose", [block_of("rm -rf /tmp", "bash", 1)]),
        digest_of("Stop it", "prose", [block_of("rm -rf / tmp", "bash", 1)]),
        digest_of("Stop it", "prose", [block_of("rm -rf /tmp", "bash", 1, option=1)]),
        digest_of("Stop it", "prose", [block_of("rm -rf /tmp", "bash", 1)], [Option(1, "a", 1)]),
        digest_of("Stop it", "prose", [block_of("rm -rf /tmp", "bash", 1)], facts=StepFacts(timeout_s=5)),
        digest_of("Stop it", "prose"),
    ],
)
def test_digest_tells_changes(changed: str) -> None:
    """Title, prose, each character of a command, options and facts are what a step is."""
    assert changed != digest_of("Stop it", "prose", [block_of("rm -rf /tmp", "bash", 1)])


def test_digest_of_facts_ignores_lines() -> None:
    """A check that moved in the file is the same check; one with another parameter is not."""

    def digest(table: str, line: int) -> str:
        call = KindCall("sqlite.schema", MappingProxyType({"table": table}), line)
        return digest_of("a", facts=StepFacts(check=call, expect=(Expectation("x", "contains", "x", line),)))

    assert digest("t", 1) == digest("t", 50)
    assert digest("t", 1) != digest("u", 1)


def test_facts_json_says_only_what_is_said() -> None:
    """Keys are those of the YAML format; silence stays silent."""
    assert facts_json(StepFacts()) == {}
    facts = StepFacts(
        action=KindCall("sqlite.backup", MappingProxyType({"database": "a.db"})), auto=False, needs=("a",)
    )
    assert facts_json(facts) == {
        "action": {"sqlite.backup": {"database": "a.db"}},
        "auto": False,
        "needs": ["a"],
    }
