"""Playing the app without a terminal: keys, and waiting for what they bring about."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from textual import events
from textual.pilot import Pilot

from orion_deploy.run.opening import open_session
from orion_deploy.run.session import Session
from orion_deploy.run.state import Status
from orion_deploy.tui.app import Relay
from orion_deploy.tui.orion import OrionApp
from orion_deploy.tui.patience import Patience

SECONDS_MAX = 20.0


class Player:
    """One app under test."""

    def __init__(self, app: OrionApp, pilot: Pilot[int]) -> None:
        self.app = app
        self.pilot = pilot
        self.session: Session = app.session

    async def until(self, condition: Callable[[], bool], what: str = "it") -> None:
        """Wait for a condition. Raises AssertionError when it does not come true in time."""
        deadline = time.monotonic() + SECONDS_MAX
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"{what} never happened; on top is {self.app.screen}:\n{self.shown}")
            await asyncio.sleep(0.01)

    async def ready(self) -> None:
        """Wait until the screen on top takes keys."""
        await self.until(lambda: not self._patience.refuses(time.monotonic()), "the screen")
        await self.pilot.pause()

    @property
    def _patience(self) -> Patience:
        return getattr(self.app.screen, "patience", self.app.main.patience)

    async def press(self, *keys: str) -> None:
        """Press keys, each when the screen on top takes it, and no key that acts is taken for a repeat."""
        for key in keys:
            await self.ready()
            await asyncio.sleep(self.app.main.patience.window_s)
            await self.pilot.press(key)
            await self.pilot.pause()

    async def hold(self, *keys: str) -> None:
        """Type keys all at once, as typing ahead or a key that is held does."""
        characters = {"enter": "\r", "space": " "}
        for key in keys:
            self.app.post_message(events.Key(key, characters.get(key, key)))
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        """Type a text into the line of the panel on top."""
        await self.ready()
        await self.pilot.press(*text)
        await self.pilot.pause()

    async def go(self, words: str) -> str:
        """Put the cursor on the step whose title holds the words; returns its id."""
        rows = self.app.main.board.rows
        number = next(n for n, row in enumerate(rows) if words in row.title)
        self.app.main.outline.go_to(number, center=True)
        await self.pilot.pause()
        return rows[number].id

    def status(self, words: str) -> Status:
        """The status of the step whose title holds the words."""
        row = next(row for row in self.app.main.board.rows if words in row.title)
        return self.session.state.step(row.id).status

    @property
    def at(self) -> str:
        """The title of the row under the cursor."""
        row = self.app.main.row
        return row.title if row is not None else ""

    @property
    def shown(self) -> str:
        """The screen as text."""
        lines = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in lines)


@asynccontextmanager
async def playing(
    path: Path,
    *,
    size: tuple[int, int] = (120, 40),
    approve: bool = True,
    look_on: bool = False,
    keymap: dict[str, str] | None = None,
) -> AsyncIterator[Player]:
    """The app on a checklist, closed in good order at the end."""
    relay = Relay()
    session = open_session(path, cwd=str(path.parent), on_ended=relay, look_on=look_on)
    if approve and session.needs_approval and not session.read_only:
        session.approve()
    app = OrionApp(session, keymap or {})
    relay.to = app.relay()
    try:
        async with app.run_test(size=size) as pilot:
            player = Player(app, pilot)
            await player.ready()
            yield player
    finally:
        if not app.has_left:
            session.close()
