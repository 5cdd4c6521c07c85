"""What the screens know of the run's watches: read when something was seen, never by a clock of its own."""

from __future__ import annotations

from collections.abc import Callable

from orion_deploy.run.session import Session
from orion_deploy.run.watches.standing import Seen, Summary, summary
from orion_deploy.tui.board import Watching
from orion_deploy.tui.watch_lines import row_words


class Watches:
    """The last watch of each step that has one, as last read."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.all: tuple[Seen, ...] = ()
        self.followers: list[Callable[[], None]] = []
        """Screens that show them, told after each reading."""

    def read(self) -> None:
        """Read what has changed since."""
        self.all = tuple(self._session.seen_watches())
        for follower in self.followers:
            follower()

    @property
    def open(self) -> tuple[Seen, ...]:
        """Those under way."""
        return tuple(seen for seen in self.all if seen.is_open)

    @property
    def first_fired(self) -> str:
        """The step of the first open watch that fired; empty where none did."""
        return next((seen.record.step for seen in self.open if seen.record.fired_count), "")

    def of(self, step_id: str) -> Seen | None:
        """The last watch of a step."""
        return next((seen for seen in self.all if seen.record.step == step_id), None)

    def rows(self, now: float) -> dict[str, Watching]:
        """What the rows of the steps under watch say."""
        return {seen.record.step: Watching(*row_words(seen, now)) for seen in self.open}

    def summary(self, now: float) -> Summary:
        """What the strip says."""
        return summary(self.open, now)
