"""Lines of text with roles, wrapped to a width. A role says what a piece of text is, never which colour it has.

Text in a `Span` has been through `plain` or `stripped`; whoever makes one sees to that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

TAB_COLUMNS = 4
LINE_CHARACTERS_MAX = 20_000
"""Characters of one source line that are laid out; what is longer is cut, and says so."""


class Span(NamedTuple):
    """A piece of text and its role."""

    text: str
    role: str = ""


Line = tuple[Span, ...]
EMPTY: Line = ()


def line(text: str, role: str = "") -> Line:
    """One line of one span."""
    return (Span(text, role),)


def text_of(content: Line) -> str:
    """The line's text without roles."""
    return "".join(span.text for span in content)


def width_of(content: Iterable[Span]) -> int:
    """Columns that the spans take."""
    return sum(cell_len(span.text) for span in content)


def fit(text: str, width: int) -> str:
    """Return `text` cut to `width` columns, with an ellipsis where something was cut."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…"


def wrap(content: Sequence[Span], width: int, *, hang: str = "", hang_role: str = "dim") -> list[Line]:
    """Break a line between words so that it fits `width`; continuation lines begin with `hang`.

    A word that is longer than the width is broken within. At least one line is returned.
    """
    width = max(width, cell_len(hang) + 4)
    if width_of(content) <= width:
        return [tuple(content)]
    lines: list[Line] = []
    row: list[Span] = []
    column = 0

    def end_row() -> None:
        nonlocal row, column
        lines.append(tuple(row))
        row = [Span(hang, hang_role)] if hang else []
        column = cell_len(hang)

    start = 0
    for word, role in _words(content):
        size = cell_len(word)
        if column + size <= width:
            row.append(Span(word, role))
            column += size
            continue
        if word.isspace():
            end_row()
            start = column
            continue
        if column > start:
            end_row()
            start = column
        for piece in _pieces(word, width - column, width - cell_len(hang)):
            size = cell_len(piece)
            if column + size > width:
                end_row()
            row.append(Span(piece, role))
            column += size
    lines.append(tuple(row))
    return lines


def _words(content: Sequence[Span]) -> Iterator[Span]:
    for text, role in content:
        at = 0
        for end in range(1, len(text) + 1):
            if end == len(text) or text[end].isspace() != text[at].isspace():
                yield Span(text[at:end], role)
                at = end


def _pieces(word: str, first: int, rest: int) -> Iterator[str]:
    """Cut a word into pieces of at most `first`, then `rest` columns."""
    room, piece, size = max(first, 1), "", 0
    for char in word:
        wide = cell_len(char)
        if size + wide > room and piece:
            yield piece
            room, piece, size = max(rest, 1), "", 0
        piece += char
        size += wide
    if piece:
        yield piece


def bounded(text: str) -> str:
    """Return a line without tabs and not longer than what is laid out."""
    text = text.expandtabs(TAB_COLUMNS)
    if len(text) > LINE_CHARACTERS_MAX:
        return f"{text[:LINE_CHARACTERS_MAX]}… ({len(text) - LINE_CHARACTERS_MAX:,} more characters)"
    return text
