"""What decides which way back to take, on a panel: shown as it is found out, on other threads than the screen's."""

from __future__ import annotations

from collections.abc import Callable

from orion_deploy.kinds.sqlite.way_facts import Told, WayBack, follows, told
from orion_deploy.kinds.verdict import Json
from orion_deploy.run.session import Session
from orion_deploy.run.way_back import WaysBack
from orion_deploy.text import plain_line
from orion_deploy.tui.lines import Line, Span, line, wrap
from orion_deploy.tui.words import clock, minutes

LABEL_COLUMNS = 11


class LiveWays:
    """The facts behind a panel, while it is up."""

    def __init__(self, session: Session) -> None:
        self._now = session.edge.now
        self._ways = WaysBack(session)

    def start(self, on_news: Callable[[], None]) -> None:
        """Begin to look; `on_news` is called on another thread."""
        self._ways.start(on_news)

    def stop(self) -> None:
        """The panel goes."""
        self._ways.stop()

    def lines(self, width: int) -> list[Line]:
        """What is known now; nothing where the checklist has no database."""
        if not self._ways:
            return []
        return way_back_lines(self._ways.ways, self._ways.fault, self._now(), width)

    def to_json(self) -> dict[str, Json]:
        """What is known now, for the record."""
        return self._ways.to_json()


def way_back_lines(ways: tuple[WayBack, ...], fault: str, now: float, width: int) -> list[Line]:
    """The facts of every database, and what follows from them."""
    lines = [line("What decides", "heading")]

    def ago(at: float) -> str:
        return f"{clock(at, now)}, {minutes(now - at)} ago"

    for way in ways:
        for fact in told(way, ago):
            lines += wrap(_spans(fact), width, hang=" " * LABEL_COLUMNS)
        for sentence in follows(way):
            lines += wrap((Span("→ ", "key"), Span(plain_line(sentence), "bold")), width, hang="  ")
    if fault:
        lines += wrap((Span("! ", "warn"), Span(plain_line(fault))), width, hang="  ")
    return lines


def _spans(fact: Told) -> tuple[Span, ...]:
    return (
        Span(f"{fact.label:<{LABEL_COLUMNS}}", "dim"),
        Span(plain_line(fact.text), fact.role),
    )
