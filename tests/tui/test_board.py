"""The outline's data: rows in document order, counts that follow the state, the way to the next open step."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from support.build import checklist, code, section, state_after, step

from orion_deploy.checklist.model import Checklist, SectionKind
from orion_deploy.run import events as ev
from orion_deploy.run import progress
from orion_deploy.run.fold import advance
from orion_deploy.run.state import RunState, Status
from orion_deploy.tui.board import Board

BOOK = checklist(
    section("Before", step("look", "true"), step("ask", steps=(step("ann", depth=1), step("bob", depth=1)))),
    section("Deploy", step("stop", "true", mandatory=True), step("start")),
    section("Back", step("undo", "true"), kind=SectionKind.ROLLBACK),
    section("Criteria", step("calm"), kind=SectionKind.CRITERIA),
)


def test_rows_stand_in_document_order() -> None:
    """Sections, steps and sub-steps, parents first; a block under no step has its own row where it stands."""
    loose = replace(
        section("Loose", replace(step("one"), line=5), replace(step("two"), line=9)),
        code=(replace(code("make ready"), line=7),),
    )
    board = Board(checklist(BOOK.sections[0], loose), RunState())
    assert [(row.kind, row.id) for row in board.rows] == [
        ("section", "before"), ("step", "look"), ("step", "ask"), ("step", "ann"), ("step", "bob"),
        ("section", "loose"), ("step", "one"), ("block", "loose#1"), ("step", "two"),
    ]  # fmt: skip
    assert board.rows[7].title == "make ready"
    assert [row.depth for row in board.rows if row.kind == "step"] == [0, 0, 1, 1, 0, 0]


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["look", "ask", "ann", "bob", "stop", "start", "undo", "calm"]),
        st.sampled_from(["tick", "skip", "untick", "rollback"]),
    ),
    max_size=12,
)


@given(ACTS)
def test_counts_kept_by_difference_are_the_counts(acts: list[tuple[str, str]]) -> None:
    """After any acts, one by one, the board says what counting everything says."""
    state = state_after(ev.Opened(checklist="a", digest="0", cwd="/"))
    board = Board(BOOK, state)
    for number, (step_id, act) in enumerate(acts):
        event: ev.Event
        match act:
            case "tick":
                event = ev.Ticked(step=step_id)
            case "skip":
                event = ev.Skipped(step=step_id, reason="r")
            case "untick":
                event = ev.Unticked(step=step_id)
            case _:
                event = ev.RollbackEntered(reason="r")
        state = advance(state, replace(event, at=2000.0 + number, by="ann@host"))
        board.update(state)
    overall = progress.overall(BOOK, state)
    totals = board.totals()
    assert (totals.settled, totals.total) == (overall.settled, overall.total)
    for number, part in enumerate(board.sections):
        counts = progress.of_section(part, state)
        assert board.section_progress(number) == (counts.settled, counts.total)
    expected = progress.next_open(BOOK, state)
    assert board.next_open(-1) == (expected.id if expected else None)


def test_an_update_names_the_rows_that_differ() -> None:
    """A tick repaints its own row and its section's count, and nothing else."""
    state = state_after(ev.Opened(checklist="a", digest="0", cwd="/"))
    board = Board(BOOK, state)
    dirty = board.update(advance(state, ev.Ticked(step="stop", at=5.0, by="a")))
    assert {board.rows[row].id for row in dirty} == {"stop", "deploy"}
    assert board.status("stop") is Status.DONE
    assert board.update(board.state) == []


def test_the_next_open_step_goes_round_and_keeps_to_the_path() -> None:
    """Behind the last step comes the first open one; the rollback is only the path once it was entered."""
    state = state_after(ev.Opened(checklist="a", digest="0", cwd="/"), ev.Ticked(step="look"))
    board = Board(BOOK, state)
    assert board.next_open(board.row_of("start") or 0) == "calm"
    assert board.next_open(board.row_of("calm") or 0) == "ask"
    board.update(advance(state, ev.RollbackEntered(reason="r", at=9.0, by="a")))
    assert board.next_open(0) == "undo"


def test_ids_in_sentences_become_titles() -> None:
    """A person reads titles; what is no step stays as it is."""
    board = Board(BOOK, RunState())
    assert (
        board.with_titles("the mandatory step `stop` before it is todo; `x`")
        == "the mandatory step “Stop” before it is todo; `x`"
    )


def test_an_empty_checklist_has_an_empty_board() -> None:
    """No sections, no rows, nothing open."""
    empty: Checklist = checklist()
    board = Board(empty, RunState())
    assert board.rows == []
    assert board.next_open(0) is None
    assert board.totals().total == 0
