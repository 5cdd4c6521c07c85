"""Closing a run: what it leaves open, by what that means; a word; and a reason where it is grave."""

from __future__ import annotations

from orion_deploy.run.closing import Open
from orion_deploy.run.session import Session
from orion_deploy.text import plain_line
from orion_deploy.tui.lines import EMPTY, Line, Span, line, wrap
from orion_deploy.tui.screens.asking import warning_lines
from orion_deploy.tui.screens.panel import Panel, TypePanel, needed, word_check, word_label

ROWS_MAX = 60
LABEL_COLUMNS = 18
WORD = "close"


def finish_panel(session: Session, left: Open) -> Panel[str]:
    """What the result will be, what is open, and a word to close the run."""
    result = session.result

    def build(width: int) -> list[Line]:
        role = "warn" if left.is_grave else "bold"
        lines = wrap((Span("The result will be: "), Span(plain_line(result), role)), width)
        lines += [EMPTY, *warning_lines(left.sentences, width)]
        lines += wrap(line("A closed run cannot be gone on with."), width)
        if left.rows:
            lines += [EMPTY, line("What is left open", "heading")]
        for what, _, title in left.rows[:ROWS_MAX]:
            role = "bad" if "fails" in what else "warn" if what != "open" else "dim"
            spans = (Span(f"{what:<{LABEL_COLUMNS}}", role), Span(plain_line(title)))
            lines += wrap(spans, width, hang=" " * LABEL_COLUMNS)
        if len(left.rows) > ROWS_MAX:
            lines.append(line(f"and {len(left.rows) - ROWS_MAX:,} more", "dim"))
        return lines

    return TypePanel(
        "Close the run for good?",
        build,
        word_label(WORD, "to close the run"),
        word_check(WORD),
        is_grave=True,
        takes_paste=False,
        enter="goes on to the reason" if left.is_grave else "closes the run",
    )


def finish_reason_panel(left: Open) -> Panel[str]:
    """Why a run is closed that leaves a watch, a gate or something mandatory open."""
    return TypePanel(
        "Close it all the same?",
        lambda width: warning_lines(left.sentences, width),
        "Reason:",
        needed,
        is_grave=True,
        enter="closes the run",
    )
