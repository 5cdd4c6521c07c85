"""What Enter and Space mean: one decision from the state of a real run."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.sessions import book as write_book
from support.sessions import opened
from support.stage import Stage
from support.way_back import deployed

from orion_deploy.checklist.choices import options_of
from orion_deploy.tui import flow, offered
from orion_deploy.tui.board import Board
from orion_deploy.tui.keys import BY_ID


def test_enter_runs_what_is_ready(stage: Stage) -> None:
    """A plain command runs by Enter alone, and not in the terminal."""
    assert flow.on_run(stage.session, stage.row("order queue")) == flow.Launch(
        stage.row("order queue").id, is_interactive=False
    )


def test_enter_refuses_what_only_a_person_can_do(stage: Stage) -> None:
    """A manual step has nothing to run, and the refusal says what to do instead."""
    decision = flow.on_run(stage.session, stage.row("quiet hour"))
    assert isinstance(decision, flow.Refuse)
    assert "a person does it" in decision.why


@pytest.mark.hazard("steps that kill, one key away", half="ours")
def test_enter_asks_for_a_word_before_a_step_that_kills(stage: Stage) -> None:
    """`pkill` needs another gesture, and after the word it runs."""
    row = stage.row("Stop the shop", "Deployment")
    decision = flow.on_run(stage.session, row)
    assert isinstance(decision, flow.Confirm)
    assert decision.word == "run"
    assert any("ends processes" in why for why in decision.why)
    assert isinstance(flow.on_run(stage.session, row, is_confirmed=True), flow.Launch)


def test_enter_never_repeats_a_command_by_itself(stage: Stage) -> None:
    """A command that ran asks for the word `again`, whatever became of it."""
    stage.run("order queue")
    decision = flow.on_run(stage.session, stage.row("order queue"))
    assert isinstance(decision, flow.Confirm)
    assert decision.word == "again"
    assert "it has run before" in decision.why[0]
    stage.session.tick(stage.row("order queue").id)
    assert isinstance(flow.on_run(stage.session, stage.row("order queue")), flow.Confirm)


def test_enter_goes_on_with_the_next_block(stage: Stage) -> None:
    """The second command of a step is another one: it needs no word."""
    stage.run("Count the rows")
    assert isinstance(flow.on_run(stage.session, stage.row("Count the rows")), flow.Launch)
    assert stage.session.next_block(stage.row("Count the rows").id) == 1


def test_enter_asks_for_a_missing_value_first(stage: Stage) -> None:
    """A placeholder stops the step until it has a value; edited text carries its own."""
    stage.session.tick(stage.row("Stop the shop", "Deployment").id, reason="it is down")
    row = stage.row("Release the version")
    decision = flow.on_run(stage.session, row)
    assert isinstance(decision, flow.AskValues)
    assert decision.missing.placeholders == ("<VERSION>",)
    assert isinstance(flow.on_run(stage.session, row, edited="printf 2.4"), flow.Confirm)
    stage.session.set_variable("<VERSION>", "2.4")
    assert isinstance(flow.on_run(stage.session, row), flow.Launch)


def test_what_reads_from_the_terminal_gets_it(stage: Stage) -> None:
    """A step with `read` runs in the real terminal."""
    stage.session.tick(stage.row("Stop the shop", "Deployment").id, reason="it is down")
    assert flow.on_run(stage.session, stage.row("Tell the registry")) == flow.Launch(
        stage.row("Tell the registry").id, is_interactive=True
    )


def test_edited_text_is_looked_at_like_any_other(stage: Stage) -> None:
    """What was edited needs a word, and what it would destroy is said."""
    decision = flow.on_run(stage.session, stage.row("order queue"), edited="rm -rf /")
    assert isinstance(decision, flow.Confirm)
    assert any("edited" in why for why in decision.why)
    assert len(decision.why) > 1


def test_the_way_back_is_closed_until_it_is_entered(stage: Stage) -> None:
    """Steps of the rollback do not run by a slip; once entered, a choice asks first."""
    row = stage.row("Choose the way back")
    assert isinstance(flow.on_run(stage.session, row), (flow.Refuse, flow.Choose))
    stop = flow.on_run(stage.session, stage.row("Stop the shop", "Rollback"))
    assert isinstance(stop, flow.Refuse)
    assert "enter the rollback first" in stop.why
    stage.session.enter_rollback("orders fail")
    assert flow.on_run(stage.session, row) == flow.Choose(row.id)
    stage.session.choose(row.id, 2)
    assert isinstance(flow.on_run(stage.session, row), flow.Launch)


def test_space_ticks_asks_or_refuses(stage: Stage) -> None:
    """A manual step ticks; a mandatory one that was not run needs a reason; a done one says how to go back."""
    quiet = stage.row("quiet hour")
    assert flow.on_tick(stage.session, quiet) == flow.Tick(quiet.id)
    stop = flow.on_tick(stage.session, stage.row("Stop the shop", "Deployment"))
    assert isinstance(stop, flow.AskReason)
    stage.session.tick(quiet.id)
    done = flow.on_tick(stage.session, quiet)
    assert isinstance(done, flow.Refuse)
    assert "u takes the tick back" in done.why
    assert isinstance(flow.on_tick(stage.session, stage.section_row("Deployment")), flow.Refuse)


def test_enter_on_a_section_asks_whether_it_is_complete(stage: Stage) -> None:
    """Completing a section is an act of its own."""
    row = stage.section_row("Deployment")
    assert flow.on_run(stage.session, row) == flow.CompleteSection(row.section)


def test_nothing_runs_before_the_commands_were_approved(tmp_path: Path) -> None:
    """An unapproved checklist can be ticked; Enter shows its commands."""
    from orion_deploy.run.opening import open_session

    path = write_book(tmp_path, "# A\n\n- [ ] one\n  ```bash\n  true\n  ```\n- [ ] two\n")
    session = open_session(path, cwd=str(tmp_path))
    try:
        board = Board(session.checklist, session.state)
        assert isinstance(flow.on_run(session, board.rows[1]), flow.Approve)
        assert isinstance(flow.on_tick(session, board.rows[2]), flow.Tick)
    finally:
        session.close()


def test_who_looks_on_is_told_who_holds_the_run(book: Path) -> None:
    """Every acting key is off with the same reason; looking, copying and moving are not."""
    from orion_deploy.run.opening import open_session

    with opened(book, cwd=str(book.parent)):
        second = open_session(book, cwd=str(book.parent), look_on=True)
        try:
            board = Board(second.checklist, second.state)
            row = board.rows[board.row_of(next(iter(board.steps))) or 0]
            for action in ("run", "tick", "skip", "note", "rollback", "finish", "edit"):
                assert "holds the run; you are looking on" in offered.why_not(second, board, row, action), (
                    action
                )
            for action in ("copy", "search", "help", "down", "leave"):
                assert offered.why_not(second, board, row, action) == ""
            decision = flow.on_run(second, row)
            assert isinstance(decision, flow.Refuse)
            assert "looking on" in decision.why
        finally:
            second.close()


def test_a_question_is_answered_by_word_value_or_choice(tmp_path: Path) -> None:
    """`people.*` steps need no process: Enter asks what they ask."""
    text = "# A\n" + "".join(
        f"\n- [ ] {title}\n  ```yaml step\n  check:\n    {call}\n  ```\n"
        for title, call in (
            ("plain", "people.confirm: {question: Is it calm?}"),
            ("word", "people.confirm: {question: Sure?, word: CALM}"),
            ("value", "people.confirm: {question: How many?, value: number}"),
            ("choice", "people.choice: {question: Which?, options: [left, right]}"),
        )
    )
    with opened(write_book(tmp_path, text), cwd=str(tmp_path)) as driven:
        board = Board(driven.session.checklist, driven.session.state)
        rows = {row.title: row for row in board.rows if row.kind == "step"}
        assert isinstance(flow.on_run(driven.session, rows["plain"]), flow.Refuse)
        assert isinstance(flow.on_tick(driven.session, rows["plain"]), flow.Tick)
        for title, field, value in (
            ("word", "word", "CALM"),
            ("value", "value", "number"),
            ("choice", "options", options_of(driven.session.step(rows["choice"].id))),
        ):
            decision = flow.on_run(driven.session, rows[title])
            assert isinstance(decision, flow.AskPerson)
            assert getattr(decision, field) == value
            assert flow.on_tick(driven.session, rows[title]) == decision
        choices = flow.question_of(driven.session.step(rows["choice"].id))
        assert choices is not None
        assert [option.title for option in choices.options] == ["left", "right"]


def test_typed_actions_that_change_what_counts_ask_for_their_word(tmp_path: Path) -> None:
    """Stopping a program and changing a database need the word of the kind; checks and backups do not."""
    calls = {
        "action: {process.stop: {program: shop}}": "stop",
        "action: {sqlite.restore: {path: a.db}}": "restore",
        "check: {process.absent: {program: shop}}": "",
        "action: {sqlite.backup: {path: a.db, folder: b}}": "",
    }
    text = "# A\n" + "".join(
        f"\n- [ ] {n}\n  ```yaml step\n  {call}\n  ```\n" for n, call in enumerate(calls)
    )
    with opened(write_book(tmp_path, text), cwd=str(tmp_path)) as driven:
        board = Board(driven.session.checklist, driven.session.state)
        steps = [row for row in board.rows if row.kind == "step"]
        for row, word in zip(steps, calls.values(), strict=True):
            decision = flow.on_run(driven.session, row)
            assert (decision.word if isinstance(decision, flow.Confirm) else "") == word


def test_every_action_has_an_answer_on_every_row(stage: Stage) -> None:
    """Asking why a key is off never fails, on sections, steps and blocks alike."""
    for row in stage.board.rows:
        assert offered.run_label(stage.session, stage.board, row)
        for action in BY_ID:
            assert isinstance(offered.why_not(stage.session, stage.board, row, action), str)


def test_the_other_way_back_asks_for_a_reason_first(tmp_path: Path) -> None:
    """Once one way was gone, Enter on the other asks for a reason with what it would lose; then for the word of its kind; then it may run."""
    with opened(deployed(tmp_path), cwd=str(tmp_path)) as driven:
        session = driven.session
        session.enter_rollback("to see")
        session.choose("way", "1")
        board = Board(session.checklist, session.state)
        rows = {row.id: row for row in board.rows if row.kind == "step"}
        assert isinstance(flow.on_run(session, rows["restore"]), flow.Confirm)
        assert driven.run("down").is_good
        board.update(session.state)
        assert board.next_open(-1) is None
        asked = flow.on_run(session, rows["restore"])
        assert isinstance(asked, flow.AskOverride)
        assert "would lose everything written since" in asked.why
        word = flow.on_run(session, rows["restore"], override="so be it")
        assert isinstance(word, flow.Confirm)
        assert (word.word, word.override) == ("restore", "so be it")
        ready = flow.on_run(session, rows["restore"], is_confirmed=True, override="so be it")
        assert isinstance(ready, flow.Launch)
        assert ready.override == "so be it"
