"""The whole output of an attempt: to read, to search, to follow, to copy."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Input

from orion_deploy.checklist.model import Role
from orion_deploy.run.session import Session
from orion_deploy.tui import flow
from orion_deploy.tui.board import Board, Row
from orion_deploy.tui.lines import Line, Span, bounded, line, width_of, wrap
from orion_deploy.tui.output_text import OutputText, Readable
from orion_deploy.tui.paint import palette_of, strip_of
from orion_deploy.tui.patience import Patience
from orion_deploy.tui.screens.panel import Typed, keys_hint
from orion_deploy.tui.widgets.bars import LinesBar
from orion_deploy.tui.words import size

FOLLOW_S = 0.1
COPY_BYTES_MAX = 74_000
"""Terminals take about 100,000 base64 characters of OSC 52 (xterm, tmux); of more only the end is copied."""
COLUMNS_AT_ONCE = 20


class OutputView(ScrollView, can_focus=True, inherit_bindings=False):
    """Lines painted when they are seen. Keys come from its screen."""

    DEFAULT_CSS = """
    OutputView { scrollbar-size-vertical: 1; overflow-x: hidden; overflow-y: scroll; }
    """

    def __init__(self, text: OutputText) -> None:
        super().__init__(id="text")
        self.text = text
        self.left = 0
        self.words = ""
        self.found = -1

    def renew(self) -> None:
        """Take in how many lines there are, and paint."""
        self.virtual_size = Size(1, self.text.count)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Paint one line; what was searched for is marked."""
        number = y + self.scroll_offset.y
        palette, width = palette_of(self.app.current_theme), self.size.width
        if number >= self.text.count:
            return Strip.blank(width, self.rich_style)
        text = bounded(self.text.text(number))[self.left :]
        content: Line = line(text, "output")
        if number == self.found and not self.words:
            content = line(text or " ", "found")
        at = text.casefold().find(self.words.casefold()) if self.words else -1
        if at >= 0:
            end = at + len(self.words)
            role = "found" if number == self.found else "accent"
            content = (Span(text[:at], "output"), Span(text[at:end], role), Span(text[end:], "output"))
        return strip_of(content, width, palette, self.rich_style)


class OutputScreen(ModalScreen[None]):
    """The pager. It follows a running step for as long as one is at the end."""

    AUTO_FOCUS = "#text"
    BINDINGS = [  # noqa: RUF012  # Textual declares it so
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j,enter", "move(1)", show=False),
        Binding("pageup,b,ctrl+b", "page(-1)", show=False),
        Binding("pagedown,space,ctrl+f", "page(1)", show=False),
        Binding("home", "top", show=False),
        Binding("end,f", "bottom", show=False),
        Binding("left,h", f"shift(-{COLUMNS_AT_ONCE})", show=False),
        Binding("right,l", f"shift({COLUMNS_AT_ONCE})", show=False),
        Binding("slash", "search", show=False),
        Binding("n", "found(1)", show=False),
        Binding("N", "found(-1)", show=False),
        Binding("c", "copy", show=False),
        Binding("escape,q,o", "back", show=False),
    ]

    KEYS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("/", "search"),
        ("n N", "next, previous"),
        ("← →", "long lines"),
        ("c", "copy"),
        ("Esc", "back"),
    )

    def __init__(
        self,
        output: Readable,
        title: str,
        still_runs: Callable[[], bool],
        *,
        at_row: int | None = None,
        note: str = "",
    ) -> None:
        """`at_row` is the line to stand at, marked; `note` is said at first."""
        super().__init__()
        self.at_row = at_row
        self.note = note
        self.text = OutputText(output)
        self.heading = title
        self.still_runs = still_runs
        self.patience = Patience(window_s=0.0)
        self.matches: list[int] = []
        self.add_class("tall")

    def compose(self) -> ComposeResult:
        """The lines, a line for the search, the keys."""
        with Vertical(id="panel") as panel:
            panel.border_title = Content(self.heading)
            yield OutputView(self.text)
            yield LinesBar(1, id="hint")

    def on_mount(self) -> None:
        """Read, and stand at the end of what still grows, at the beginning of what has ended."""
        self.view = self.query_one(OutputView)
        self.text.read_all()
        self.view.renew()
        self._tell(self.note and f"{self.note}  ")
        if self.at_row is not None:
            self.view.found = self.at_row
            self.call_after_refresh(self._stand_at, self.at_row)
        if self.still_runs():
            self.call_after_refresh(self.action_bottom)
            self._timer = self.set_interval(FOLLOW_S, self.follow)
        self.call_after_refresh(self.patience.shown)

    def _stand_at(self, row: int) -> None:
        """Show a line with what is around it."""
        self.view.scroll_to(y=max(0, row - self.view.size.height // 3), animate=False)

    def follow(self) -> None:
        """Read on; stay at the end if one was there."""
        was_at_end = self.view.scroll_offset.y >= self.view.max_scroll_y
        if self.text.refresh():
            self.view.renew()
            if was_at_end:
                self.view.scroll_end(animate=False)
            self._tell()
        elif not self.still_runs():
            self._timer.stop()
            self._tell()

    def _tell(self, note: str = "") -> None:
        facts = f"{self.text.count:,} lines, {size(self.text.size_bytes)}"
        running = "▸ running, End follows" if self.still_runs() else ""
        self.query_one("#panel").border_subtitle = Content(" · ".join(t for t in (running, facts) if t))
        hint = keys_hint(*self.KEYS)
        bar = self.query_one("#hint", LinesBar)
        rows: list[Line] = [(Span(note, "bold"), *hint)]
        if note and width_of(rows[0]) > bar.size.width:
            rows = [*wrap((Span(note.strip(), "bold"),), bar.size.width), tuple(hint)]
        bar.styles.height = len(rows)
        bar.show(rows)

    def action_move(self, rows: int) -> None:
        """Some lines on."""
        self.view.scroll_to(y=self.view.scroll_offset.y + rows, animate=False)

    def action_page(self, pages: int) -> None:
        """Some pages on."""
        self.action_move(pages * max(1, self.view.size.height - 1))

    def action_top(self) -> None:
        """To the beginning."""
        self.view.scroll_to(y=0, animate=False)

    def action_bottom(self) -> None:
        """To the end; it follows from there."""
        self.view.scroll_to(y=self.view.max_scroll_y, animate=False)

    def action_shift(self, columns: int) -> None:
        """To the right, where lines are long."""
        self.view.left = max(0, self.view.left + columns)
        self.view.refresh()

    def action_search(self) -> None:
        """Type words to look for."""
        if not self.query(Typed):
            self.query_one("#panel").mount(
                Typed(takes_paste=True, password=False, value=self.view.words), after="#text"
            )
            self.query_one(Typed).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Look for the words, from the first visible line on."""
        event.stop()
        self.view.words = event.value
        self.matches = self.text.find(event.value)
        self._close_search()
        top = self.view.scroll_offset.y
        self._show_match(next((n for n, row in enumerate(self.matches) if row >= top), 0))

    def on_key(self, event: events.Key) -> None:
        """Esc closes the search line first."""
        if event.key == "escape" and self.query(Typed):
            event.stop()
            event.prevent_default()
            self._close_search()

    def _close_search(self) -> None:
        self.query(Typed).remove()
        self.view.focus()

    def action_found(self, step: int) -> None:
        """The next or previous match."""
        if self.view.words and not self.matches:
            self.matches = self.text.find(self.view.words)
        here = self.view.found
        later = [n for n, row in enumerate(self.matches) if row > here]
        earlier = [n for n, row in enumerate(self.matches) if row < here]
        if step > 0:
            self._show_match(later[0] if later else 0)
        else:
            self._show_match(earlier[-1] if earlier else len(self.matches) - 1)

    def _show_match(self, place: int) -> None:
        if not self.matches:
            self.view.found = -1
            self._tell("not found  " if self.view.words else "")
            self.view.refresh()
            return
        self.view.found = self.matches[place]
        top, height = self.view.scroll_offset.y, self.view.size.height
        if not top <= self.view.found < top + height:
            self.view.scroll_to(y=max(0, self.view.found - height // 3), animate=False)
        self._tell(f"match {place + 1:,} of {len(self.matches):,}  ")
        self.view.refresh()

    def action_copy(self) -> None:
        """Copy the output, made safe; of a long one the end."""
        lines: list[str] = []
        room = COPY_BYTES_MAX
        for number in range(self.text.count - 1, -1, -1):
            text = self.text.text(number)
            room -= len(text.encode("utf-8", "replace")) + 1
            if room < 0:
                break
            lines.append(text)
        self.app.copy_to_clipboard("\n".join(reversed(lines)))
        self._tell(f"copied {len(lines):,} of {self.text.count:,} lines  ")

    def action_back(self) -> None:
        """Back to the steps."""
        self.dismiss(None)


def script_to_copy(session: Session, board: Board, row: Row) -> str:
    """The command that would run next, else the reference or sample of the step, else nothing; commands stand alone.

    Raises OrionError as `Session.to_copy`.
    """
    if row.kind == "section":
        step, blocks = None, board.sections[row.section].code
    else:
        step = session.step(row.id)
        if script := flow.next_script(session, row.id):
            return session.to_copy(script, step)
        blocks = step.code
    for role in (Role.REFERENCE, Role.COMMAND, Role.INSTRUCTION, Role.SAMPLE):
        for block in blocks:
            if block.role is role:
                text = block.script or block.text
                return text if role is Role.SAMPLE else session.to_copy(text, step)
    return ""
