"""How far a run is."""

from __future__ import annotations

import pytest
from support.build import checklist, section, state_after, step

from orion_deploy.checklist.model import SectionKind
from orion_deploy.run import events as ev
from orion_deploy.run import progress
from orion_deploy.run.state import RunState

BOOK = checklist(
    section("One", step("a"), step("b", steps=(step("c", depth=1),))),
    section("Gates", step("g"), kind=SectionKind.GATES),
    section("Criteria", step("k"), kind=SectionKind.CRITERIA),
    section("Back", step("r1"), step("r2"), kind=SectionKind.ROLLBACK),
    section("Two", step("d", mandatory=True)),
)


def test_the_forward_path_ends_with_criteria_then_gates_and_has_no_rollback() -> None:
    """Criteria and gates come last wherever they stand in the file; rollback never comes."""
    assert [s.id for _, s in progress.forward(BOOK)] == ["a", "b", "c", "d", "k", "g"]
    assert [s.id for _, s in progress.path(BOOK, state_after(ev.RollbackEntered()))] == ["r1", "r2"]


def test_the_next_open_step_goes_round_and_ends_with_none() -> None:
    """`g` finds the next open step behind the cursor, then from the top; none when all are settled."""
    state = state_after(ev.Ticked(step="a"), ev.Skipped(step="d", reason="no"), ev.Ticked(step="k"))
    following = progress.next_open(BOOK, state, after="c")
    assert following is not None
    assert following.id == "g"
    around = progress.next_open(BOOK, state, after="g")
    assert around is not None
    assert around.id == "b"
    every = state_after(*(ev.Ticked(step=i) for i in "abcdkg"))
    assert progress.next_open(BOOK, every) is None


@pytest.mark.hazard("what is outstanding is forgotten", half="ours")
def test_counts_say_overrides_and_what_is_open() -> None:
    """Each status is counted along the path, and overrides with it."""
    state = state_after(ev.Ticked(step="a"), ev.Skipped(step="d", reason="down", override=True))
    counted = progress.overall(BOOK, state)
    assert (counted.total, counted.done, counted.skipped, counted.open, counted.overrides) == (6, 1, 1, 4, 1)


def test_a_section_counts_its_own_steps_with_sub_steps() -> None:
    """`4 of 7` counts the steps of the section and their sub-steps."""
    assert progress.of_section(BOOK.sections[0], state_after(ev.Ticked(step="c"))).total == 3
    assert progress.of_section(BOOK.sections[0], RunState()).is_complete is False
