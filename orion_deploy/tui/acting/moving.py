"""Moving about: the cursor, the panes."""

from __future__ import annotations

from orion_deploy.tui.acting.base import Hands


class Moving(Hands):
    """Acts that change nothing but what is seen."""

    def do_up(self) -> None:
        """One row up."""
        self.main.outline.move(-1)

    def do_down(self) -> None:
        """One row down."""
        self.main.outline.move(1)

    def do_page_up(self) -> None:
        """One page up."""
        self.main.outline.move_page(-1)

    def do_page_down(self) -> None:
        """One page down."""
        self.main.outline.move_page(1)

    def do_first(self) -> None:
        """The first row."""
        self.main.outline.go_to(0)

    def do_last(self) -> None:
        """The last row."""
        self.main.outline.go_to(len(self.board.rows) - 1)

    def do_step_pane(self) -> None:
        """Into the step: arrows scroll it; where there is little room it takes all of it."""
        self.main.page.focus()
        self.main.set_class(True, "zoom")

    def do_outline(self) -> None:
        """Back to the steps."""
        self.main.outline.focus()
        self.main.set_class(False, "zoom")
