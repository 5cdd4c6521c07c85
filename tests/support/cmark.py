"""GitHub's own parser as a witness: its HTML and our tree, both as one outline of items, code and headings."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from orion_deploy.checklist.markdown_blocks import parse_blocks
from orion_deploy.checklist.markdown_tree import CODE, HEADING, ITEM
from orion_deploy.checklist.titles import plain_title

Entry = tuple[str, int, str]
"""What it is, how many items are around it, and its line, text or content."""


def cmark_outline(cmark: Any, source: str) -> list[Entry]:
    """The outline of what cmark-gfm renders."""
    from cmarkgfm.cmark import Options  # type: ignore[import-untyped,unused-ignore]

    html = cmark.markdown_to_html_with_extensions(
        source, options=Options.CMARK_OPT_SOURCEPOS, extensions=["table", "strikethrough", "autolink"]
    )
    reader = _Html()
    reader.feed(html)
    reader.close()
    return reader.entries


def our_outline(source: str) -> list[Entry]:
    """The outline of what we parse."""
    lines = source.split("\n")
    if lines[-1] == "":
        lines.pop()
    parsed = parse_blocks(lines)
    entries: list[Entry] = []
    stack = [(parsed.document, 0)]
    while stack:
        block, depth = stack.pop()
        inner = depth
        if block.kind == ITEM:
            entries.append(("item", depth, str(block.line)))
            inner += 1
        elif block.kind == CODE:
            entries.append(("code", depth, _code("".join(line + "\n" for line in block.text))))
        elif block.kind == HEADING:
            entries.append(("heading", depth, f"{block.level} {_words(block.text, parsed.references)}"))
        stack.extend((child, inner) for child in reversed(block.children))
    return entries


def _words(text: list[str], references: set[str]) -> str:
    return plain_title("\n".join(text).rstrip(), references)


def _code(text: str) -> str:
    """Code without leading spaces: behind a tab that is partly indentation cmark-gfm leaves more than the specification."""
    return "\n".join(line.lstrip(" ") for line in text.split("\n"))


class _Html(HTMLParser):
    """Collects items, code and headings from rendered HTML."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.entries: list[Entry] = []
        self._depth = 0
        self._kind = ""
        self._text = ""
        self._level = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "li":
            position = dict(attrs)["data-sourcepos"] or ""
            self.entries.append(("item", self._depth, position.split(":")[0]))
            self._depth += 1
        elif tag == "pre" or (len(tag) == 2 and tag[0] == "h" and tag[1].isdigit()):
            self._kind, self._text, self._level = "code" if tag == "pre" else "heading", "", tag[1]

    def handle_endtag(self, tag: str) -> None:
        if tag == "li":
            self._depth -= 1
        elif self._kind == "code" and tag == "pre":
            self.entries.append(("code", self._depth, _code(self._text)))
            self._kind = ""
        elif self._kind == "heading" and tag == f"h{self._level}":
            self.entries.append(("heading", self._depth, f"{self._level} {' '.join(self._text.split())}"))
            self._kind = ""

    def handle_data(self, data: str) -> None:
        if self._kind:
            self._text += data
