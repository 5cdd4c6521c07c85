"""A page of lines, laid out for its width, painted line by line, scrolled by keys or wheel."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import events
from textual.binding import Binding
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from orion_deploy.tui.lines import EMPTY, Line
from orion_deploy.tui.paint import palette_of, strip_of

TEXT_COLUMNS_MAX = 100
"""Longer lines of prose are hard to read (Bringhurst: 45 to 75 characters; code needs more)."""

Build = Callable[[int], Sequence[Line]]


class LinesView(ScrollView, can_focus=True):
    """Shows the lines that `build(width)` gives; built again only when the width or the content changes."""

    DEFAULT_CSS = """
    LinesView { scrollbar-size-vertical: 1; overflow-x: hidden; overflow-y: auto; }
    """
    BINDINGS = [  # noqa: RUF012  # Textual declares it so
        Binding("up,k", "scroll_up", show=False),
        Binding("down,j", "scroll_down", show=False),
        Binding("pageup,ctrl+b", "page_up", show=False),
        Binding("pagedown,ctrl+f", "page_down", show=False),
        Binding("home", "scroll_home", show=False),
        Binding("end", "scroll_end", show=False),
    ]

    def __init__(self, build: Build | None = None, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._build = build
        self._built_for = -1
        self.lines: Sequence[Line] = ()

    def show(self, build: Build, *, keep_place: bool = False) -> None:
        """Show other content, from its top unless `keep_place`."""
        self._build = build
        self._built_for = -1
        self._lay_out()
        if not keep_place and self.scroll_offset.y:
            self.scroll_to(y=0, animate=False)
        self.refresh()

    @property
    def text_width(self) -> int:
        """Columns for text: the widget's, less one kept for the scrollbar, at most `TEXT_COLUMNS_MAX`."""
        return max(10, min(self.size.width - 1, TEXT_COLUMNS_MAX))

    def _lay_out(self) -> None:
        width = self.text_width
        if self._build is None or not self.size.width or self._built_for == width:
            return
        self._built_for = width
        self.lines = self._build(width)
        self.virtual_size = Size(width, len(self.lines))

    def on_resize(self, _event: events.Resize) -> None:
        """Lay the lines out for the new width."""
        self._lay_out()

    def on_mount(self) -> None:
        """Lay the lines out for the first time."""
        self._lay_out()

    def render_line(self, y: int) -> Strip:
        """Paint one line."""
        number = y + self.scroll_offset.y
        content = self.lines[number] if number < len(self.lines) else EMPTY
        return strip_of(content, self.size.width, palette_of(self.app.current_theme), self.rich_style)

    def action_page_up(self) -> None:
        """One page up, at once: an animated page is a page that cannot be read."""
        self.scroll_page_up(animate=False)

    def action_page_down(self) -> None:
        """One page down."""
        self.scroll_page_down(animate=False)

    def action_scroll_home(self) -> None:
        """To the first line."""
        self.scroll_home(animate=False)

    def action_scroll_end(self) -> None:
        """To the last line."""
        self.scroll_end(animate=False)

    def action_scroll_up(self) -> None:
        """One line up."""
        self.scroll_up(animate=False)

    def action_scroll_down(self) -> None:
        """One line down."""
        self.scroll_down(animate=False)
