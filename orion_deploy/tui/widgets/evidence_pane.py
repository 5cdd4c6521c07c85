"""What the step's run left: its head (expectation above verdict), and the end of its output, live while it runs.

The output is read from its file when it has grown, and only as much of it as can be seen: decoding
everything would stop the keys (docs/screens.md, "Speed").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import events
from textual.strip import Strip
from textual.widget import Widget

from orion_deploy.tui.lines import EMPTY, Line
from orion_deploy.tui.paint import palette_of, strip_of

Head = Callable[[int], Sequence[Line]]
Tail = Callable[[int, int], Sequence[Line]]
"""Lines of the output's end, for a height and a width."""


class EvidencePane(Widget):
    """Head and tail of one attempt."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._head: Head | None = None
        self._tail: Tail | None = None
        self._lines: list[Line] = []

    def show(self, head: Head | None, tail: Tail | None) -> None:
        """Show an attempt, or nothing."""
        self._head, self._tail = head, tail
        self.renew()

    def wanted_rows(self, rows_max: int) -> int:
        """How many rows the attempt would fill, at most `rows_max`; 0 where there is none."""
        width = max(10, self.size.width - 1)
        if self._head is None:
            return 0
        rows = len(self._head(width))
        if self._tail is not None and rows < rows_max:
            rows += len(self._tail(rows_max - rows, width))
        return min(rows, rows_max)

    def renew(self) -> None:
        """Ask for head and tail again, and paint them."""
        width, height = self.size.width, self.size.height
        if self._head is None or not width or not height:
            self._lines = []
        else:
            head = list(self._head(max(10, width - 1)))[:height]
            tail = self._tail(height - len(head), max(10, width - 1)) if self._tail else ()
            self._lines = [*head, *tail]
        self.refresh()

    def on_resize(self, _event: events.Resize) -> None:
        """Lay out for the new size."""
        self.renew()

    def render_line(self, y: int) -> Strip:
        """Paint one line."""
        content = self._lines[y] if y < len(self._lines) else EMPTY
        return strip_of(content, self.size.width, palette_of(self.app.current_theme), self.rich_style)
