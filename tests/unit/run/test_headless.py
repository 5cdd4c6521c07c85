"""The order in which steps are worked without a screen, and what the state of steps amounts to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.build import checklist, section, state_after, step

from orion_deploy.checklist.model import Step
from orion_deploy.errors import ExitCode
from orion_deploy.run import events as ev
from orion_deploy.run.headless import code_of, working_order
from orion_deploy.run.progress import forward


def order(*steps: Step) -> list[str]:
    """The ids as they are worked; a return to a parent with `<`."""
    book = checklist(section("One", *steps))
    return [("<" if is_return else "") + each.id for _, each, is_return in working_order(forward(book))]


def test_a_parent_without_a_command_comes_behind_its_sub_steps() -> None:
    """It is ticked when they are; one with a command runs first and is ticked behind them."""
    inner = step("inner", steps=(step("leaf", depth=2),), depth=1)
    assert order(step("outer", steps=(inner, step("last", depth=1))), step("next")) == [
        "leaf",
        "<inner",
        "last",
        "<outer",
        "next",
    ]
    assert order(step("runs", "true", steps=(step("sub", depth=1),)), step("next")) == [
        "runs",
        "sub",
        "<runs",
        "next",
    ]


def test_a_section_ends_what_waits_in_it() -> None:
    """A parent at the end of a section comes before the next section begins."""
    book = checklist(
        section("One", step("parent", steps=(step("child", depth=1),))), section("Two", step("other"))
    )
    assert [each.id for _, each, _ in working_order(forward(book))] == ["child", "parent", "other"]


@st.composite
def trees(draw: st.DrawFn) -> Step:
    """A step with sub-steps, three levels deep at most."""
    names = iter(range(1000))

    def grow(depth: int) -> Step:
        below = draw(st.integers(0, 3)) if depth < 3 else 0
        script = draw(st.sampled_from(["", "true"]))
        name = f"s{next(names)}"
        return step(name, script, depth=depth, steps=tuple(grow(depth + 1) for _ in range(below)))

    return grow(0)


@given(st.lists(trees(), max_size=4))
def test_every_step_is_worked_and_no_parent_is_left_before_its_sub_steps(roots: list[Step]) -> None:
    """Each step comes once, or twice where it runs and has sub-steps; its last time is behind all of them."""
    renamed = [_renamed(root, f"r{number}") for number, root in enumerate(roots)]
    book = checklist(section("One", *renamed))
    worked = [each.id for _, each, _ in working_order(forward(book))]
    for _, each in book.walk():
        twice = bool(each.steps) and bool(each.code)
        assert worked.count(each.id) == 1 + twice
        for inner in each.steps:
            assert max(_places(worked, each.id)) > max(_places(worked, inner.id))


def _places(worked: list[str], step_id: str) -> list[int]:
    return [place for place, each in enumerate(worked) if each == step_id]


def _renamed(root: Step, prefix: str) -> Step:
    from dataclasses import replace

    return replace(root, id=f"{prefix}-{root.id}", steps=tuple(_renamed(each, prefix) for each in root.steps))


VERDICTS: dict[str, dict[str, Any]] = {
    "passed": {"outcome": "passed", "reason": "so"},
    "failed": {"outcome": "failed", "reason": "so"},
}


@pytest.mark.parametrize(
    ("events", "code"),
    [
        ((), ExitCode.PERSON_NEEDED),
        ((ev.Ticked(step="a"),), ExitCode.FINE),
        ((ev.Skipped(step="a", reason="x"),), ExitCode.FINE),
        (
            (ev.Started(step="a", attempt=1), ev.Finished(step="a", attempt=1, verdict=VERDICTS["failed"])),
            ExitCode.FAILED,
        ),
        (
            (ev.Started(step="a", attempt=1), ev.Finished(step="a", attempt=1, verdict=VERDICTS["passed"])),
            ExitCode.PERSON_NEEDED,
        ),
        ((ev.Started(step="a", attempt=1), ev.Lost(step="a", attempt=1)), ExitCode.UNKNOWN),
    ],
)
def test_the_code_of_a_state(events: tuple[ev.Event, ...], code: ExitCode) -> None:
    """Unknown before failed before open; settled is fine."""
    assert code_of([step("a")], state_after(*events)) is code


def test_unknown_weighs_more_than_failed() -> None:
    """Of several, the one that a person must look at first."""
    state = state_after(
        ev.Started(step="a", attempt=1),
        ev.Finished(step="a", attempt=1, verdict=VERDICTS["failed"]),
        ev.Started(step="b", attempt=1),
        ev.Lost(step="b", attempt=1),
    )
    assert code_of([step("a"), step("b")], state) is ExitCode.UNKNOWN
