"""`needs` and `when`, whatever their number and their shape."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orion_deploy.checklist.model import StepFacts, Variable
from orion_deploy.checklist.references import Named, check_references
from orion_deploy.errors import ChecklistError


def named(name: str, *needs: str, parent: str = "") -> Named:
    """A step that needs others."""
    return Named(name, StepFacts(needs=needs), parent=parent)


def test_a_chain_as_long_as_the_checklist() -> None:
    """Ten thousand steps that need one another are walked without recursion, and their circle is found."""
    steps = [named(f"s{n}", *([f"s{n - 1}"] if n else [])) for n in range(10_000)]
    started = time.process_time()
    check_references(steps, ())
    with pytest.raises(ChecklistError, match="circle"):
        check_references([named("s0", "s9999"), *steps[1:]], ())
    assert time.process_time() - started < 3


def test_a_step_may_need_what_it_holds_but_not_what_holds_it() -> None:
    """A parent waits for its sub-step; a sub-step cannot wait for its parent, which is ticked after it."""
    check_references([named("a", "b"), named("b", parent="a")], ())
    with pytest.raises(ChecklistError, match="part of"):
        check_references([named("a"), named("b", parent="a"), named("c", "a", parent="b")], ())


@pytest.mark.parametrize(
    ("need", "hint"),
    [("bakcup", "`backup`"), ("deploy", "`main.deploy`"), ("main.deplyo", "`main.deploy`"), ("zzz", "show")],
)
def test_an_unknown_step_gets_the_nearest(need: str, hint: str) -> None:
    """By the whole id, or by its last part."""
    with pytest.raises(ChecklistError) as raised:
        check_references([named("backup"), named("main.deploy"), named("x", need)], ())
    assert hint in raised.value.help


def test_conditions_name_variables() -> None:
    """A `when` on a declared variable is fine; on another, or in words, it is not."""
    variables = (Variable("TARGET"),)
    check_references([Named("a", StepFacts(when="TARGET == x"))], variables)
    for condition in ("TARGTE", "on Fridays", "TARGET ="):
        with pytest.raises(ChecklistError, match="not understood"):
            check_references([Named("a", StepFacts(when=condition))], variables)


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 5), max_size=3), min_size=6, max_size=6))
def test_a_circle_is_found_exactly_where_there_is_one(graph: list[list[int]]) -> None:
    """For any graph: refused if and only if some step reaches itself."""
    reach = {n: set(graph[n]) for n in range(6)}
    for _ in range(6):
        reach = {n: reach[n].union(*(reach[m] for m in reach[n])) for n in reach}
    steps = [named(f"s{n}", *(f"s{m}" for m in graph[n])) for n in range(6)]
    assert is_refused(steps) == any(n in reach[n] for n in reach)


def is_refused(steps: list[Named]) -> bool:
    """Whether the steps are refused."""
    try:
        check_references(steps, ())
    except ChecklistError:
        return True
    return False
