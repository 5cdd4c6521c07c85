"""What all hands share: an act is done, what is refused is said, what has changed is painted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from orion_deploy.errors import OrionError, RefusedError
from orion_deploy.tui import flow

if TYPE_CHECKING:
    from textual.screen import Screen

    from orion_deploy.tui.screens.main import MainScreen


class Hands:
    """The base of the acts of the main screen."""

    def __init__(self, main: MainScreen) -> None:
        self.main = main
        self.session = main.session
        self.board = main.board

    def do(self, act: Callable[[], object]) -> bool:
        """Do an act and have it painted; whether it was done.

        What is refused is said in the notice line; what could not be put on disk gets a screen of its own.
        """
        is_done = True
        try:
            act()
        except RefusedError as error:
            self.main.say(f"{error.what}{': ' + error.help if error.help else ''}")
            is_done = False
        except OrionError as error:
            from orion_deploy.tui.screens.fault import fault_panel

            self.main.app.push_screen(fault_panel(error))
            is_done = False
        self.main.on_changed()
        return is_done

    def ask(self, panel: Screen[str | None], then: Callable[[str], object]) -> None:
        """Show a panel; `then` gets its answer, if there is one."""

        def answered(answer: str | None) -> None:
            if answer is not None:
                then(answer)

        self.main.app.push_screen(panel, answered)

    def decide(self, decision: flow.Decision, edited: str | None = None) -> None:
        """Carry a decision out."""
        raise NotImplementedError

    def go_to(self, step_id: str) -> None:
        """Put the cursor on a step."""
        row = self.board.row_of(step_id)
        if row is not None:
            self.main.outline.go_to(row, center=True)

    def do_next(self) -> None:
        """To the next open step."""
        step_id = self.board.next_open(self.main.outline.cursor)
        if step_id is None and self.board.totals().settled < self.board.totals().total:
            self.main.say("what is open waits for a choice, or lies on the other way back", "warn")
        elif step_id is None:
            self.main.say("every step is settled; F closes the run", "ok")
        else:
            self.go_to(step_id)
