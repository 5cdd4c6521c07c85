"""What is offered at a row: what Enter is called there, and which actions are off, with the reason. Cheap: asked at every move."""

from __future__ import annotations

from orion_deploy.checklist.choices import options_of
from orion_deploy.run.session import Session
from orion_deploy.run.state import Status
from orion_deploy.tui.board import Board, Row
from orion_deploy.tui.flow import has_run_before, question_of


def why_not(session: Session | None, board: Board, row: Row | None, action: str) -> str:
    """Why an action is off now, in one sentence; empty when it can be asked for. Cheap: asked at every move."""
    if session is None or row is None:
        return ""
    state = session.state
    step = board.steps.get(row.id) if row.kind == "step" else None
    step_state = state.step(row.id) if row.kind != "section" else None
    is_watched = step_state is not None and step_state.is_watched
    is_running = step_state is not None and step_state.status is Status.RUNNING
    if action in _ACTING and session.read_only:
        return why_only_read(session)
    if action == "take_over" and not session.read_only:
        return "the run is yours already"
    if action == "take_over" and (session.held_by is not None or not session.looks_on):
        return why_only_read(session)
    if (
        action in (*_ACTING, "take_over")
        and action not in ("note", "rollback")
        and state.finished_at is not None
    ):
        return "the run is finished; start a new one"
    if action in ("skip", "untick", "edit", "choose", "output") and row.kind == "section":
        return "it is a section; go to one of its steps"
    match action:
        case "run" if is_watched:
            return "it is being watched; w shows what was seen, x ends the watch"
        case "tick" | "skip" | "edit" | "untick" if is_watched:
            return "it is being watched; wait for its end, or end the watch with x"
        case "run" if is_running:
            return "it is running; o shows its output, x cancels it"
        case "tick" | "skip" | "edit" | "untick" if is_running:
            return "it is running; wait for its end, or cancel it with x"
        case "tick" if row.kind == "section":
            return "Space ticks a step; Enter on a section completes it"
        case "tick" if step_state is not None and step_state.status is Status.DONE:
            return "it is done already; u takes the tick back"
        case "cancel" if not is_watched and not state.running and not session.verifying:
            return "nothing is running"
        case "untick" if step_state is not None and step_state.status in (Status.TODO, Status.RUNNING):
            return "there is no tick to take back"
        case "skip" if row.kind == "block":
            return "this block is no step: it may simply be left out"
        case "output" if step_state is not None and not step_state.attempts:
            return "it has not run yet: there is no output"
        case "criteria" if not board.has_criteria:
            return "this checklist has no criteria and no gates"
        case "watches" if not board.has_watches:
            return "no step of this checklist is a watch"
        case "choose" if step is None or not options_of(step):
            return "it is not a choice"
        case "edit" if not _has_script(session, row):
            return "there is no command to edit"
        case "forget" if state.carried_from is None:
            return "no step has left a folder or a variable for later ones"
        case "rollback" if not board.has_rollback:
            return "this checklist has no rollback section"
        case "approve" if state.approved and session.checklist.digest in state.approved:
            return "the commands are approved already"
        case _:
            return ""


def why_only_read(session: Session) -> str:
    """Why a run that can only be read can only be read, and what to do about it."""
    if session.held_by is not None:
        return f"{session.held_by.who} holds the run; you are looking on"
    if session.looks_on and session.state.finished_at is None:
        return "you are looking on; nobody holds the run now: O takes it over"
    return "the run can only be read"


def run_label(session: Session, board: Board, row: Row | None) -> str:
    """What Enter means on this row, in a word or two."""
    if row is None or row.kind == "section":
        return "complete"
    state = board.step_state(row.id)
    step = board.steps.get(row.id)
    if state.status is Status.UNKNOWN:
        return "decide"
    if state.is_watched:
        return "watch"
    if state.status is Status.RUNNING:
        return "run"
    if step is not None and question_of(step) is not None:
        return "answer"
    if step is not None and step.facts.watch is not None:
        return "watch again" if state.attempts else "watch"
    if step is not None and step.options and state.option is None:
        return "choose"
    if step is not None and state.attempts and has_run_before(session, step, state):
        return "run again"
    return "run"


_ACTING = frozenset(
    (
        "run",
        "edit",
        "choose",
        "cancel",
        "tick",
        "untick",
        "skip",
        "note",
        "rollback",
        "approve",
        "finish",
        "forget",
    )
)


def _has_script(session: Session, row: Row) -> bool:
    return row.kind != "section" and bool(session.scripts(row.id))
