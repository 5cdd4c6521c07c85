"""Find a step by its words: the cursor moves while one types."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Input

from orion_deploy.tui.board import Row
from orion_deploy.tui.lines import Span, line
from orion_deploy.tui.patience import Patience
from orion_deploy.tui.screens.panel import Typed, keys_hint
from orion_deploy.tui.widgets.bars import LinesBar
from orion_deploy.tui.widgets.outline import Outline


def matches(rows: list[Row], words: str) -> list[int]:
    """The rows whose title, or id, holds all of the words, in any case of letters."""
    wanted = words.casefold().split()
    if not wanted:
        return []
    return [
        number
        for number, row in enumerate(rows)
        if all(word in row.title.casefold() or word in row.id.casefold() for word in wanted)
    ]


class SearchScreen(ModalScreen[None]):
    """A line at the bottom. Enter stays at the found step, Esc goes back to where one was."""

    AUTO_FOCUS = "#typed"

    def __init__(self, outline: Outline) -> None:
        super().__init__()
        self.outline = outline
        self.start = outline.cursor
        self.found: list[int] = []
        self.place = 0
        self.patience = Patience(window_s=0.0)

    def compose(self) -> ComposeResult:
        """The line, and how much was found."""
        yield Typed(takes_paste=True, password=False, value="")
        yield LinesBar(1, id="hint")

    def on_mount(self) -> None:
        """Begin."""
        self._tell()
        self.call_after_refresh(self.patience.shown)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Go to the first match behind where one was, going round."""
        event.stop()
        board = self.outline.board
        self.found = matches(board.rows, event.value) if board is not None else []
        self.place = next((n for n, row in enumerate(self.found) if row >= self.start), 0)
        self._go()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Stay there."""
        event.stop()
        self.dismiss(None)

    def on_key(self, event: events.Key) -> None:
        """Up and down go through the matches; Esc goes back."""
        if event.key in ("up", "down"):
            event.stop()
            if self.found:
                self.place = (self.place + (1 if event.key == "down" else -1)) % len(self.found)
                self._go()
        elif event.key == "escape":
            event.stop()
            self.outline.go_to(self.start, center=True)
            self.dismiss(None)

    def _go(self) -> None:
        self.outline.go_to(self.found[self.place] if self.found else self.start, center=True)
        self._tell()

    def _tell(self) -> None:
        hint = keys_hint(("↑ ↓", "other matches"), ("Enter", "stay"), ("Esc", "back"))
        typed = self.query_one(Typed).value
        if typed and not self.found:
            count = line("no step has these words  ", "bad")
        elif typed:
            count = line(f"{self.place + 1} of {len(self.found):,}  ", "bold")
        else:
            count = line("find a step  ", "bold")
        self.query_one("#hint", LinesBar).show([(Span(" "), *count, *hint)])
