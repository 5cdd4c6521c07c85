"""Rows with a cursor, laid out for their width and painted when they are seen: a list to choose from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual import events
from textual.binding import Binding
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from orion_deploy.tui.lines import Line, Span
from orion_deploy.tui.paint import cursor_style, palette_of, strip_of

RowBuild = Callable[[int], Sequence[Line]]
"""The rows, each one line, for a width."""


class RowsView(ScrollView, can_focus=True, inherit_bindings=False):
    """The rows that `build(width)` gives; `Moved` and `Chosen` say what the cursor does."""

    DEFAULT_CSS = """
    RowsView { scrollbar-size-vertical: 1; overflow-x: hidden; overflow-y: auto; }
    """
    BINDINGS = [  # noqa: RUF012  # Textual declares it so
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("home", "move(-100000)", show=False),
        Binding("end", "move(100000)", show=False),
        Binding("enter", "choose", show=False),
    ]

    @dataclass
    class Moved(Message):
        """The cursor stands on another row."""

        view: RowsView

        def __post_init__(self) -> None:
            """Let Textual set the message up."""
            super().__post_init__()

    @dataclass
    class Chosen(Message):
        """Enter, or a second click, on the row of the cursor."""

        view: RowsView

        def __post_init__(self) -> None:
            """Let Textual set the message up."""
            super().__post_init__()

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.cursor = 0
        self._build: RowBuild = lambda _width: ()
        self._rows: Sequence[Line] = ()

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    def show(self, build: RowBuild, cursor: int | None = None) -> None:
        """Show other rows; the cursor stays where it is, or goes to `cursor`."""
        self._build = build
        self._lay_out()
        self._go(self.cursor if cursor is None else cursor)
        self.refresh()

    def _lay_out(self) -> None:
        self._rows = self._build(max(10, self.size.width - 3)) if self.size.width else ()
        self.virtual_size = Size(1, len(self._rows))

    def on_resize(self, _event: events.Resize) -> None:
        """Lay the rows out for the new width."""
        self._lay_out()
        self._go(self.cursor)

    def _go(self, row: int) -> bool:
        row = max(0, min(row, len(self._rows) - 1)) if self._rows else row
        is_moved, self.cursor = row != self.cursor, row
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if row < top:
            self.scroll_to(y=row, animate=False)
        elif row >= top + height:
            self.scroll_to(y=row - height + 1, animate=False)
        return is_moved

    def action_move(self, rows: int) -> None:
        """Some rows on."""
        if self._go(self.cursor + rows):
            self.refresh()
            self.post_message(self.Moved(self))

    def action_choose(self) -> None:
        """This one."""
        if self._rows:
            self.post_message(self.Chosen(self))

    def on_click(self, event: events.Click) -> None:
        """A click selects; a second one on the same row chooses."""
        row = event.y + self.scroll_offset.y
        if row >= len(self._rows):
            return
        self.focus()
        if event.chain >= 2 and row == self.cursor:
            self.action_choose()
        else:
            self.action_move(row - self.cursor)

    def render_line(self, y: int) -> Strip:
        """Paint one row."""
        number = y + self.scroll_offset.y
        base, palette, width = self.rich_style, palette_of(self.app.current_theme), self.size.width
        if number >= len(self._rows):
            return Strip.blank(width, base)
        is_current = number == self.cursor
        if is_current:
            base += cursor_style(self.app.current_theme, has_focus=self.has_focus)
        return strip_of(
            (Span("› " if is_current else "  ", "accent"), *self._rows[number]), width, palette, base
        )
