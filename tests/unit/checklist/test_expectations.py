"""Comments announce what to expect; only what a machine can decide without guessing becomes a matcher."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orion_deploy.checklist.code import block_of
from orion_deploy.checklist.expectations import (
    EXPECTATIONS_MAX,
    TEXT_CHARACTERS_MAX,
    expectation_of,
    expectations_in,
    expectations_of,
)
from orion_deploy.checklist.model import Expectation, Step, StepFacts


@pytest.mark.parametrize(
    ("comment", "matcher", "value"),
    [
        ("Should return 0 (since app is stopped)", "number", "== 0"),
        ("Should be 0", "number", "== 0"),
        ("Expected: 200", "number", "== 200"),
        ("Should be < 5", "number", "< 5"),
        ("should be at most 5", "number", "<= 5"),
        ("Should return more than 100", "number", "> 100"),
        ("should be ≥ 3, usually", "number", ">= 3"),
        ("Should return exactly 3", "number", "== 3"),
        ("Expected exit code: 0", "status", "0"),
        ("exit code should be 0", "status", "0"),
        ("Should exit with 1", "status", "1"),
        ("Should return exit status 2", "status", "2"),
        ("Should return nothing", "nothing", ""),
        ("Should be empty", "nothing", ""),
        ("Expected: no output", "nothing", ""),
        ("Should print no rows", "nothing", ""),
        ("Should show: idx_conversations", "contains", "idx_conversations"),
        ("Should print v1.2.3.", "contains", "v1.2.3"),
        ("Expected output: 'hello world'", "contains", "hello world"),
        ('Should contain "it is done" (in green)', "contains", "it is done"),
        ("Should equal `a b`", "equals", "a b"),
        ("Should show: a_b | TEXT", "regex", r"a_b\s*\|\s*TEXT"),
        ("Expected: active", "regex", r"\bactive\b"),
        ("Should match /^v\\d+$/", "regex", r"^v\d+$"),
    ],
)
def test_decidable(comment: str, matcher: str, value: str) -> None:
    """The plain forms are read."""
    expectation = expectation_of(comment, 3)
    assert expectation == Expectation(comment, matcher, value, 3, from_comment=True)


@pytest.mark.parametrize(
    "comment",
    [
        "Should be running",
        "Should be less than 100ms",
        "Should not show errors",
        "Should show the new version",
        "Expected: all tests pass",
        "Should return N rows",
        'Look for: "[Registry] Restored N requests"',
        "Column should be gone",
        "Should list 3 pods",
        "The count should match the one above",
        "Should show <VERSION>",
        'Should show "Restored {n} rows"',
        "Should match /[/",
        "Should return",
    ],
)
def test_for_a_person(comment: str) -> None:
    """What needs judgement stays in the author's words."""
    expectation = expectation_of(comment)
    assert expectation is not None
    assert (expectation.matcher, expectation.text) == ("prose", comment)


@pytest.mark.parametrize(
    "comment", ["Check column exists", "If >10k rows, it may take >5s", "Kill if necessary", "", "unexpected"]
)
def test_no_expectation(comment: str) -> None:
    """Other comments announce nothing."""
    assert expectation_of(comment) is None


def test_lines_and_places() -> None:
    """Each has its line in the file; `#` in a string or within a word is no comment."""
    script = "echo '# should return 1'\na=b#should\necho $?  # Should be 0 (success)\n\n# Expected: nothing\n"
    assert [(e.matcher, e.value, e.line) for e in expectations_in(script, 40)] == [
        ("number", "== 0", 43),
        ("nothing", "", 45),
    ]


def test_lists_are_joined() -> None:
    """A list under `Look for:` is one expectation."""
    script = '# Look for:\n# - "Failed" (writes)\n# - others\ntail log'
    (found,) = expectations_in(script)
    assert (found.text, found.matcher) == ('Look for: "Failed" (writes); others', "prose")


def test_the_authors_key_is_louder() -> None:
    """Where a step says `expect`, its comments offer nothing."""
    code = (block_of("a\n# Should return 0", "bash", 5),)
    stated = Expectation("ok", "contains", "ok")
    assert expectations_of(Step("a", "A", 1, code=code))[0].line == 7
    assert expectations_of(Step("a", "A", 1, code=code, facts=StepFacts(expect=(stated,)))) == (stated,)


@given(st.text(max_size=200))
def test_any_comment(comment: str) -> None:
    """No comment raises."""
    expectation_of(comment)
    expectations_in("# " + comment)


def test_bounds() -> None:
    """Long comments, many comments and large scripts cost little and give little."""
    begin = time.process_time()
    assert expectations_in("#" * 1_000_000 + " should return 0") == ()
    assert len(expectations_in("# should return 0\n" * 2_000)) == EXPECTATIONS_MAX
    (long,) = expectations_in("# should return " + "(" * 100_000)
    assert len(long.text) <= TEXT_CHARACTERS_MAX
    assert time.process_time() - begin < 1
