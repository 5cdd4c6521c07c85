"""Turning back: what led here, what has been done, what the way back is; then a reason, and the path changes."""

from __future__ import annotations

from collections.abc import Sequence

from orion_deploy.checklist.escalation import escalations
from orion_deploy.checklist.model import SectionKind
from orion_deploy.run.session import Session
from orion_deploy.run.triggers import SIGNS as SIGNS_OF
from orion_deploy.run.triggers import Trigger
from orion_deploy.text import plain_line
from orion_deploy.tui.board import Board
from orion_deploy.tui.lines import EMPTY, Line, Span, line, wrap
from orion_deploy.tui.page import escalation_lines
from orion_deploy.tui.prose import prose_lines
from orion_deploy.tui.screens.panel import Panel, TypePanel, needed, word_check, word_label
from orion_deploy.tui.screens.way_back import LiveWays
from orion_deploy.tui.words import SIGNS, clock

STEPS_LISTED_MAX = 30
TRIGGERS_SHOWN_MAX = 30
WORD_ROLLBACK = "rollback"


def rollback_lines(session: Session, board: Board, live: LiveWays, width: int) -> list[Line]:
    """What decides which way, what speaks for it, when to turn back, whom to turn to, what has run, and the way back."""
    parts = (
        live.lines(width),
        trigger_lines(live.triggers(), session.edge.now(), width),
        _prose(board, width),
        escalation_lines(escalations(session.checklist), width),
        _ran(session, board, live, width),
        _way(session, board, width),
    )
    lines: list[Line] = []
    for part in parts:
        if part:
            lines += [*([EMPTY] if lines else []), *part]
    return lines


def trigger_lines(found: Sequence[Trigger], now: float, width: int) -> list[Line]:
    """What was looked at: what speaks for turning back, and what does not, each with its value."""
    lines = [line("What speaks for it, as seen now", "heading")]
    if not any(trigger.is_for_it for trigger in found):
        lines += wrap(line("Nothing that was run or watched speaks for it.", "dim"), width)
    for trigger in found[:TRIGGERS_SHOWN_MAX]:
        sign = SIGNS_OF[trigger.what]
        when = f"since {clock(trigger.since, now)}" if trigger.since else ""
        if trigger.until is not None:
            when = f"{clock(trigger.since, now)} to {clock(trigger.until, now)}, not now"
        spans = [
            Span(f"{sign.text:<11} ", sign.role),
            Span(trigger.title, "bold" if trigger.is_for_it else ""),
            Span(f"  {when}" if when else "", "warn" if trigger.until is not None else "bad"),
            Span(f"  {trigger.text}", "" if trigger.is_for_it else "dim"),
        ]
        lines += wrap(spans, width, hang=" " * 12)
    if (more := len(found) - TRIGGERS_SHOWN_MAX) > 0:
        lines.append(line(f"and {more} more", "dim"))
    return lines


def _prose(board: Board, width: int) -> list[Line]:
    """What the checklist says of turning back: its own triggers."""
    lines: list[Line] = []
    for section in board.sections:
        if section.kind is SectionKind.ROLLBACK and section.body.strip():
            lines += [*([EMPTY] if lines else []), line(plain_line(section.title), "heading")]
            lines += prose_lines(section.body, width)
    return lines


def _ran(session: Session, board: Board, live: LiveWays, width: int) -> list[Line]:
    """The steps of this run that have been run."""
    state, now = session.state, session.edge.now()
    ran = [
        (step_id, step_state)
        for step_id, step_state in state.steps.items()
        if step_state.attempts and board.row_of(step_id) is not None
    ]
    lines = [line("What has run so far", "heading")]
    for step_id, step_state in ran[-STEPS_LISTED_MAX:]:
        sign = live.sign_of(step_id) or SIGNS[step_state.status]
        last = step_state.attempts[-1]
        spans = [
            Span(f"{sign.text:<11} ", sign.role),
            Span(f"{clock(last.started_at, now)}  ", "dim"),
            Span(plain_line(session.step(step_id).title)),
        ]
        if step_state.verdict is not None and step_state.verdict.value:
            spans.append(Span(f"  {plain_line(step_state.verdict.value)}", "dim"))
        lines += wrap(spans, width, hang=" " * 12)
    if not ran:
        lines.append(line("Nothing: no step of this run has been run.", "dim"))
    return lines


def _way(session: Session, board: Board, width: int) -> list[Line]:
    """The steps of the way back."""
    lines = [line("The way back", "heading")]
    for row in board.rows:
        if row.kind == "step" and board.sections[row.section].kind is SectionKind.ROLLBACK:
            sign = board.sign_of(row.id)
            why = session.state.step(row.id).reason if session.state.step(row.id).is_passed_over else ""
            spans = [Span(f"  {sign.text:<11} ", sign.role), Span(row.title)]
            if why:
                spans.append(Span(f"  {plain_line(board.with_titles(why))}", "dim"))
            lines += wrap(spans, width, hang=" " * 14)
    return lines


def rollback_panel(session: Session, board: Board, live: LiveWays) -> Panel[str]:
    """The panel; a reason that is given enters the rollback. No step runs by that."""
    return TypePanel(
        "ROLLBACK: turn back?",
        lambda width: rollback_lines(session, board, live, width),
        "Why do you turn back?",
        needed,
        is_grave=True,
        takes_paste=False,
        enter="enters the rollback (nothing runs yet)",
    ).following(live)


def fired_panel(session: Session, board: Board, live: LiveWays, reason: str) -> Panel[str]:
    """The same where a trigger fired: it comes by itself, so only the word answers it, and the reason is filled in."""

    def build(width: int) -> list[Line]:
        lines = wrap((Span("The reason: ", "label"), Span(reason, "bold")), width, hang="  ")
        lines += wrap(line("To give another one: Esc, then R.", "dim"), width)
        return [*lines, EMPTY, *rollback_lines(session, board, live, width)]

    return TypePanel(
        "A WATCH FIRED: turn back?",
        build,
        word_label(WORD_ROLLBACK, "to turn back for this reason"),
        word_check(WORD_ROLLBACK),
        is_grave=True,
        takes_paste=False,
        enter="enters the rollback (nothing runs yet)",
    ).following(live)
