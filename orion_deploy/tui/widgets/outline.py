"""The steps: a row per section, step and loose block. It looks states up when it paints, and holds none."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from orion_deploy.run.state import CONDITION_PREFIX, SETTLED, Status
from orion_deploy.text import plain_line
from orion_deploy.tui.board import Board, Row
from orion_deploy.tui.lines import Line, Span, fit
from orion_deploy.tui.messages import Act, RowMoved
from orion_deploy.tui.paint import cursor_style, palette_of, strip_of
from orion_deploy.tui.words import STATUS_COLUMNS

ROWS_KEPT_ABOVE = 2
"""Rows that stay visible around the cursor while it moves."""


class Outline(ScrollView, can_focus=True, inherit_bindings=False):
    """The outline with its cursor. Keys come from the screen, which calls `move`."""

    DEFAULT_CSS = """
    Outline { scrollbar-size-vertical: 1; overflow-x: hidden; overflow-y: auto; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.board: Board | None = None
        self.cursor = 0

    def show(self, board: Board) -> None:
        """Show a checklist's rows."""
        self.board = board
        self.virtual_size = Size(1, len(board.rows))
        self.refresh()

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        if self.board is None or not self.board.rows:
            return None
        return self.board.rows[self.cursor]

    def go_to(self, row: int, *, center: bool = False) -> None:
        """Put the cursor on a row, and the row on the screen."""
        if self.board is None or not self.board.rows:
            return
        row = max(0, min(row, len(self.board.rows) - 1))
        old, self.cursor = self.cursor, row
        top, height = self.scroll_offset.y, max(1, self.scrollable_content_region.height)
        margin = min(ROWS_KEPT_ABOVE, (height - 1) // 2)
        target = top
        if center and not top <= row < top + height:
            target = row - height // 3
        elif row - margin < top:
            target = row - margin
        elif row + margin >= top + height:
            target = row + margin - height + 1
        target = max(0, min(target, len(self.board.rows) - height))
        if target != top:
            self.scroll_to(y=target, animate=False)
            self.refresh()
        else:
            self.refresh_line(old)
            self.refresh_line(row)
        if old != row:
            self.post_message(RowMoved(row))

    def move(self, rows: int) -> None:
        """Move the cursor by some rows."""
        self.go_to(self.cursor + rows)

    def move_page(self, pages: int) -> None:
        """Move the cursor by pages."""
        self.move(pages * max(1, self.scrollable_content_region.height - 1))

    def paint_rows(self, rows: list[int]) -> None:
        """Paint rows again whose state changed, where they are on the screen."""
        top, height = self.scroll_offset.y, self.size.height
        visible = [row for row in rows if top <= row < top + height]
        if visible:
            self.refresh(*(Region(0, row - top, self.size.width, 1) for row in visible))

    def render_line(self, y: int) -> Strip:
        """Paint one row."""
        number = y + self.scroll_offset.y
        base, palette, width = self.rich_style, palette_of(self.app.current_theme), self.size.width
        if self.board is None or number >= len(self.board.rows):
            return Strip.blank(width, base)
        is_current = number == self.cursor
        if is_current:
            base += cursor_style(self.app.current_theme, has_focus=self.has_focus)
        content = row_line(self.board, self.board.rows[number], width, is_current=is_current)
        return strip_of(content, width, palette, base)

    def on_click(self, event: events.Click) -> None:
        """A click selects; a second one on the same row runs it, by way of the same question as Enter."""
        row = event.y + self.scroll_offset.y
        if self.board is None or row >= len(self.board.rows):
            return
        self.focus()
        if event.chain >= 2 and row == self.cursor:
            self.post_message(Act("run"))
        else:
            self.go_to(row)


def row_line(board: Board, row: Row, width: int, *, is_current: bool) -> Line:
    """The spans of a row: cursor, status glyph and word, title; a section's progress stands at the right."""
    mark = Span("› " if is_current else "  ", "accent")
    if row.kind == "section":
        settled, total = board.section_progress(row.section)
        count = f" {settled} of {total}" if total else ""
        if total and not settled and not board.is_on_path(row) and board.state.rollback_at is None:
            count = " way back: R"
        indent = "  " * max(0, row.depth - 2)
        title = fit(f"{indent}{row.title}", width - cell_len(count) - 3)
        gap = " " * max(0, width - 3 - cell_len(title) - cell_len(count))
        is_complete = total > 0 and settled == total
        role = "heading" if board.is_on_path(row) or is_current else "heading.off"
        return (mark, Span(title, role), Span(gap), Span(count, "ok" if is_complete else "dim"))
    status = board.status(row.id)
    sign = board.sign_of(row.id)
    if row.kind == "block" and status is Status.TODO:
        sign = sign._replace(glyph="$", word="block")
    blocks_done = board.step_state(row.id).blocks_done
    if status is Status.TODO and blocks_done:
        blocks = (
            len(board.steps[row.id].scripts(board.step_state(row.id).option)) if row.kind == "step" else 1
        )
        sign = sign._replace(word=f"{blocks_done} of {blocks}", role="warn")
    right = ""
    if status is Status.RUNNING and row.id in board.watching:
        sign, wordings = board.watching[row.id]
        room = width - STATUS_COLUMNS - 5 - 2 * row.depth - cell_len(row.title)
        right = next((f" {words}" for words in wordings if cell_len(words) <= room), "")
    elif board.step_state(row.id).is_passed_over:
        why = f" {board.step_state(row.id).reason.removeprefix(CONDITION_PREFIX)}"
        room = width - STATUS_COLUMNS - 5 - 2 * row.depth - cell_len(row.title)
        right = plain_line(why) if cell_len(why) <= room else ""
    word = sign.text.ljust(STATUS_COLUMNS) + " "
    is_quiet = status in SETTLED or not board.is_on_path(row)
    role = "dim" if is_quiet and not is_current else ""
    if row.kind == "block":
        role = "code"
    title = fit("  " * row.depth + row.title, width - 2 - len(word) - 1 - len(right))
    if not right:
        return (mark, Span(word, sign.role), Span(title, role))
    gap = " " * (width - 3 - len(word) - cell_len(title) - cell_len(right))
    return (mark, Span(word, sign.role), Span(title, role), Span(gap + right, sign.role))
