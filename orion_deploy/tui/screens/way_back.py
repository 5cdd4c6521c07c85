"""What decides which way back to take, on a panel: shown as it is found out, on other threads than the screen's."""

from __future__ import annotations

from collections.abc import Callable

from orion_deploy.kinds.sqlite.way_facts import LOOKING, Told, WayBack, follows, told
from orion_deploy.kinds.verdict import Json
from orion_deploy.run.session import Session
from orion_deploy.run.triggers import Trigger, triggers, with_triggers
from orion_deploy.run.way_back import WaysBack
from orion_deploy.text import plain_line
from orion_deploy.tui.lines import Line, Span, line, wrap
from orion_deploy.tui.watch_lines import sign_of
from orion_deploy.tui.watches import Watches
from orion_deploy.tui.words import Sign, clock, minutes

LABEL_COLUMNS = 11


class LiveWays:
    """The facts behind a panel, while it is up; with `watches` also what those see."""

    def __init__(self, session: Session, watches: Watches | None = None) -> None:
        self._session = session
        self._now = session.edge.now
        self._ways = WaysBack(session)
        self._watches = watches
        self._on_news: Callable[[], None] | None = None

    def start(self, on_news: Callable[[], None]) -> None:
        """Begin to look; `on_news` is called on another thread."""
        self._ways.start(on_news)
        if self._watches is not None:
            self._on_news = on_news
            self._watches.followers.append(on_news)

    def stop(self) -> None:
        """The panel goes."""
        self._ways.stop()
        if self._watches is not None and self._on_news in self._watches.followers:
            self._watches.followers.remove(self._on_news)

    def triggers(self) -> tuple[Trigger, ...]:
        """What speaks for turning back now, and what was looked at and does not."""
        session = self._session
        seen = self._watches.all if self._watches is not None else ()
        return triggers(session.checklist, session.state, seen, self._now())

    def sign_of(self, step_id: str) -> Sign | None:
        """How the open watch of a step stands; None where it has none."""
        seen = self._watches.of(step_id) if self._watches is not None else None
        return sign_of(seen, self._now()) if seen is not None and seen.is_open else None

    def lines(self, width: int) -> list[Line]:
        """What is known now; nothing where the checklist has no database."""
        if not self._ways:
            return []
        return way_back_lines(self._ways.ways, self._ways.fault, self._now(), width)

    def to_json(self) -> dict[str, Json]:
        """What is known now, for the record."""
        return with_triggers(self._ways.to_json(), self.triggers())


def way_back_lines(ways: tuple[WayBack, ...], fault: str, now: float, width: int) -> list[Line]:
    """What follows from the facts of every database, so that it is read first, and below it the facts."""
    lines = [line("What decides", "heading")]

    def ago(at: float) -> str:
        return f"{clock(at, now)}, {minutes(now - at)} ago"

    for way in ways:
        for sentence in follows(way) or (LOOKING,):
            role = "dim" if sentence == LOOKING else "bold"
            lines += wrap((Span("→ ", "key"), Span(plain_line(sentence), role)), width, hang="  ")
        for fact in told(way, ago):
            lines += wrap(_spans(fact), width, hang=" " * LABEL_COLUMNS)
    if fault:
        lines += wrap((Span("! ", "warn"), Span(plain_line(fault))), width, hang="  ")
    return lines


def _spans(fact: Told) -> tuple[Span, ...]:
    return (
        Span(f"{fact.label:<{LABEL_COLUMNS}}", "dim"),
        Span(plain_line(fact.text), fact.role),
    )
