"""Panels around a watch."""

from __future__ import annotations

from collections.abc import Sequence

from orion_deploy.checklist.model import Step
from orion_deploy.run.watches.standing import Seen
from orion_deploy.text import plain_line
from orion_deploy.tui.lines import EMPTY, Line, Span, line, wrap
from orion_deploy.tui.screens.panel import Panel, TypePanel, needed
from orion_deploy.tui.watch_lines import watch_head


def end_panel(seen: Seen, step: Step, running: Sequence[str], now: float) -> Panel[str]:
    """Why a watch is to end before its time; `running` are the titles of steps that run, which this does not stop."""

    def build(width: int) -> list[Line]:
        lines = [*wrap(line(plain_line(step.title), "bold"), width), EMPTY]
        lines += watch_head(seen, now, width)
        text = "It ends for good: what it saw is kept, and it has not shown that all is well. You decide about the step."
        lines += [EMPTY, *wrap(line(text), width)]
        for title in running:
            warning = f"this ends the watch only; “{title}” goes on running (x on its row stops it)"
            lines += wrap((Span("! ", "warn"), Span(warning)), width, hang="  ")
        return lines

    return TypePanel(
        "End the watch before its time?", build, "Reason:", needed, is_grave=True, enter="ends the watch"
    )
