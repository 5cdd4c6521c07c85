"""The strip that never leaves, the line for what the app has to say, and the key bar. Each paints lines that it is given."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from orion_deploy.tui.lines import EMPTY, Line, width_of
from orion_deploy.tui.messages import Act
from orion_deploy.tui.paint import palette_of, strip_of


class LinesBar(Widget):
    """A few fixed lines."""

    def __init__(self, height: int = 1, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.styles.height = height
        self.lines: Sequence[Line] = ()

    def show(self, lines: Sequence[Line]) -> None:
        """Show other lines; paints only those that differ."""
        before, self.lines = self.lines, tuple(lines)
        for y in range(max(len(before), len(self.lines))):
            old = before[y] if y < len(before) else EMPTY
            new = self.lines[y] if y < len(self.lines) else EMPTY
            if old != new:
                self.refresh(Region(0, y, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        """Paint one line."""
        content = self.lines[y] if y < len(self.lines) else EMPTY
        return strip_of(content, self.size.width, palette_of(self.app.current_theme), self.rich_style)


class KeyBar(LinesBar):
    """The keys that matter now. A click on one is the same as the key."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(1, id=id)
        self.places: list[tuple[int, int, str]] = []

    def show_keys(self, keys: Sequence[tuple[str, Line]]) -> None:
        """Show `(action, spans)` in order; the caller chose what fits."""
        content: list[object] = []
        self.places = []
        column = 0
        for action, spans in keys:
            width = width_of(spans)
            self.places.append((column, column + width, action))
            column += width
            content += spans
        self.show([tuple(content)])  # type: ignore[arg-type]  # spans of lines are spans

    def on_click(self, event: events.Click) -> None:
        """Ask for the action of the key that was clicked."""
        for start, end, action in self.places:
            if start <= event.x < end:
                self.post_message(Act(action))
