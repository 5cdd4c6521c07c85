"""The palette: every action by name, with its key, and every step to jump to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from orion_deploy.tui.keys import ACTIONS, MOVE, shown_key

if TYPE_CHECKING:
    from orion_deploy.tui.screens.main import MainScreen

STEPS_OFFERED_MAX = 200
NOT_OFFERED = frozenset(("palette",))


class Commands(Provider):
    """Actions and steps. Titles are `Content`: text of a checklist is never markup."""

    @property
    def main(self) -> MainScreen:
        """The screen under the palette."""
        from orion_deploy.tui.screens.main import MainScreen

        screen = self.app.screen_stack[0]
        assert isinstance(screen, MainScreen)
        return screen

    def _actions(self) -> list[tuple[str, str, Callable[[], None]]]:
        main = self.main
        return [
            (
                f"{action.label}: {action.help}",
                f"key {shown_key(action, main.keymap)}",
                partial(main.acting.act, action.id),
            )
            for action in ACTIONS
            if action.group != MOVE and action.id not in NOT_OFFERED
        ]

    async def discover(self) -> Hits:
        """Every action, before anything is typed."""
        for title, help_text, act in self._actions():
            yield DiscoveryHit(Content(title), act, help=help_text)

    async def search(self, query: str) -> Hits:
        """Actions and steps that match."""
        matcher = self.matcher(query)
        for title, help_text, act in self._actions():
            score = matcher.match(title)
            if score > 0:
                score += title.startswith(query.strip())
                yield Hit(score, Content(title), act, help=help_text)
        found = 0
        for number, row in enumerate(self.main.board.rows):
            score = matcher.match(row.title)
            if score > 0 and found < STEPS_OFFERED_MAX:
                found += 1
                go = partial(self.main.outline.go_to, number, center=True)
                yield Hit(score, Content(row.title), go, help=f"go to this {row.kind}")
