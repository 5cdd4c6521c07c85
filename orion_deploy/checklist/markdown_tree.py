"""The tree of a Markdown document's blocks: what the parser leaves and the reader walks."""

from __future__ import annotations

from typing import Final

DOCUMENT: Final = "document"
QUOTE: Final = "quote"
LIST: Final = "list"
ITEM: Final = "item"
PARAGRAPH: Final = "paragraph"
HEADING: Final = "heading"
CODE: Final = "code"
HTML: Final = "html"
RULE: Final = "rule"
TABLE: Final = "table"


class Block:
    """A block of the document. Lines are 1-based; `end` is the last line that says something."""

    __slots__ = (
        "broken_by",
        "children",
        "column",
        "end",
        "info",
        "is_closed",
        "is_fenced",
        "kind",
        "level",
        "line",
        "marker",
        "text",
        "width",
    )

    def __init__(self, kind: str, line: int, column: int) -> None:
        self.kind = kind
        self.line = line
        self.end = line
        self.column = column
        """Of a container: where its content begins. Of a leaf: where it begins."""
        self.children: list[Block] = []
        self.text: list[str] = []
        """Lines of a leaf: of a paragraph and a heading without indentation, of code as code."""
        self.info = ""
        """Of a fence: its info string. Of HTML: `comment` for a comment."""
        self.marker = ""
        """Of a list: `-`, `*`, `+`, `.` or `)`. Of a fence: the fence."""
        self.level = 0
        """Of a heading: 1 to 6. Of HTML: which of the seven kinds (from 0)."""
        self.width = 0
        """Of an item: columns from its list's start to its content. Of a fence: its indentation."""
        self.is_fenced = False
        self.is_closed = False
        """Of a fence: its closing fence was seen."""
        self.broken_by = 0
        """Of a fence without a closing one: the line that ended it, 0 for the end of the file."""

    @property
    def is_ordered(self) -> bool:
        """Whether a list is numbered."""
        return self.marker in (".", ")")


class Parsed:
    """What was read: the document, the labels of its link definitions, and markers too deep to be seen."""

    __slots__ = ("document", "references", "too_deep")

    def __init__(self) -> None:
        self.document = Block(DOCUMENT, 1, 0)
        self.references: set[str] = set()
        self.too_deep = 0
        """The first line with a marker nested deeper than `CONTAINERS_MAX`, 0 if there is none."""
