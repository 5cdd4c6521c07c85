"""The outline's data: rows in document order, counts that follow the state, the way to the next open step."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from support.build import checklist, code, section, state_after, step

from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.checklist.model import Checklist, SectionKind, StepFacts
from orion_deploy.run import events as ev
from orion_deploy.run import progress
from orion_deploy.run.choices import consequences
from orion_deploy.run.fold import advance
from orion_deploy.run.state import RunState, Status
from orion_deploy.tui.board import Board
from orion_deploy.tui.widgets.outline import row_line

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


def test_a_row_says_that_it_waits_for_a_choice_or_is_not_applicable() -> None:
    """Waiting steps are not the next; the answer repaints every row that depends on it; the way that was not taken says so, and counts as settled."""
    call = KindCall("people.choice", {"question": "q", "options": {"down": "Down", "up": "Up"}})
    way = replace(step("way"), facts=StepFacts(check=call))
    down, up = (replace(step(name), facts=StepFacts(when=f"way == {name}")) for name in ("down", "up"))
    book = checklist(section("Back", way, down, up, step("after")))
    board = Board(book, RunState())
    words = [board.sign_of(i).word for i in ("way", "down", "up")]
    assert words == ["todo", "waits", "waits"]
    assert board.next_open(1) == "after"
    state = advance(board.state, ev.Ticked(step="way", value="Down"))
    for event in consequences(book, state, {}):
        state = advance(state, event)
    rows = {board.rows[row].id for row in board.update(state)}
    assert {"way", "down", "up"} <= rows
    assert [board.sign_of(i).word for i in ("way", "down", "up")] == ["done", "todo", "n/a"]
    assert board.next_open(1) == "down"
    assert board.section_progress(0) == (2, 4)
    assert board.totals().skipped == 0
    row = next(row for row in board.rows if row.id == "up")
    shown = "".join(span.text for span in row_line(board, row, 80, is_current=False))
    assert "- n/a" in shown
    assert "`way` is “Down”" in shown
