"""Markdown's blocks, line by line: exactly where GitHub sees a list, a task, a fence, and nothing of what stands within a line.

The algorithm is the one of the specification's appendix ("phase 1"): match the open containers, open new
blocks, add the rest of the line. It follows GitHub Flavored Markdown 0.29, and where that leaves a choice
its reference implementation. No recursion, no look-back: its time is the length of the text.
"""

from __future__ import annotations

import re
from typing import Final

from orion_deploy.checklist.markdown_marks import (
    DEFINITION,
    FENCE,
    HEADING_MARK,
    HTML_KINDS,
    HTML_LOOSE,
    HTML_TO_BLANK,
    MARKER,
    RULE_LINE,
    STARTERS,
    TABLE_RULE,
    UNDERLINE,
    behind_quote,
    cells_in,
    closes,
    cut,
    expand,
)
from orion_deploy.checklist.markdown_tree import (
    CODE,
    HEADING,
    HTML,
    ITEM,
    LIST,
    PARAGRAPH,
    QUOTE,
    RULE,
    TABLE,
    Block,
    Parsed,
)
from orion_deploy.checklist.titles import LABEL_CHARACTERS_MAX, is_destination, label_of

CONTAINERS_MAX: Final = 500
"""Lists, items and quotes within one another; a list and its item are two. Deeper markers are text."""


def parse_blocks(lines: list[str], start: int = 0) -> Parsed:
    """Read the lines (without their line breaks) from index `start` on."""
    parser = _Parser(lines)
    parser.run(start)
    return parser.parsed


class _Parser:
    """The state between two lines: the open containers, outermost first, and the open leaf, which stands in the last one."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.parsed = Parsed()
        self.stack = [self.parsed.document]
        self.leaf: Block | None = None
        self.quotes = 0
        """Number of quotes among the open containers."""
        self.number = 0
        """The line that is being read, 1-based."""

    def run(self, start: int) -> None:
        """Read all lines from index `start` on."""
        lines, count = self.lines, len(self.lines)
        index = start
        while index < count:
            leaf = self.leaf
            if leaf is not None and leaf.is_fenced and not self.quotes:
                index = self._fence_lines(leaf, index)
                continue
            line = lines[index]
            index += 1
            self.number = index
            if self.quotes:
                self._match(line)
                continue
            rest = line.lstrip(" \t")
            if rest:
                indent = len(line) - len(rest)
                if indent and "\t" in line[:indent]:
                    line = line[:indent].expandtabs(4) + rest
                    indent = len(line) - len(rest)
                stack = self.stack
                depth = len(stack)
                while stack[depth - 1].column > indent:
                    depth -= 1
                self._add(line, stack[depth - 1].column, indent, depth)
            elif leaf is not None or not self.stack[-1].children:
                top = self.stack[-1]
                is_left = top.kind == ITEM and not top.children and len(line.expandtabs(4)) < top.column
                self._add_blank(top.column, len(self.stack) - is_left)
        self.number = 0
        self._close(1)

    def _fence_lines(self, leaf: Block, index: int) -> int:
        """Read the lines of an open fence as long as they belong to it; return the index of the next line."""
        lines, base, text = self.lines, self.stack[-1].column, leaf.text
        fence_char, margin = leaf.marker[0], base + leaf.width
        for at in range(index, len(lines)):
            line = lines[at]
            rest = line.lstrip(" \t")
            indent = len(line) - len(rest)
            if "\t" in line[:indent]:
                indent = len(line[:indent].expandtabs(4))
            if rest:
                if indent < base:
                    leaf.broken_by = at + 1
                    self.leaf = None
                    return at
                leaf.end = at + 1
                if rest[0] == fence_char and indent - base < 4 and closes(rest, leaf.marker):
                    leaf.is_closed = True
                    self.leaf = None
                    return at + 1
            text.append(cut(line, min(indent, margin)))
        return len(lines)

    def _match(self, line: str) -> None:
        """Match a line against the open containers, one by one: some are quotes, so that columns are relative."""
        stack, position, depth = self.stack, 0, 1
        line, indent = expand(line, 0)
        while depth < len(stack):
            block = stack[depth]
            if block.kind == QUOTE:
                if indent - position > 3 or not line.startswith(">", indent):
                    break
                position, line, indent = behind_quote(line, indent)
            elif block.kind == ITEM:
                if indent - position >= block.width:
                    position += block.width
                elif indent == len(line) and block.children:
                    position = indent
                else:
                    break
            depth += 1
        if indent == len(line):
            self._add_blank(position, depth)
        else:
            self._add(line, position, indent, depth)

    def _add_blank(self, position: int, depth: int) -> None:
        """Add a blank line that `depth` of the containers match."""
        leaf = self.leaf
        if leaf is not None and depth == len(self.stack):
            if leaf.kind == CODE:
                margin = position + (leaf.width if leaf.is_fenced else 4)
                leaf.text.append(cut(self.lines[self.number - 1], margin))
                return
            if leaf.kind == HTML and leaf.level < HTML_TO_BLANK:
                leaf.text.append("")
                return
        self._close(depth)

    def _add(self, line: str, position: int, indent: int, depth: int) -> None:
        """Add a line that is not blank.

        `depth` containers match, their content begins at column `position`, the first character that is no
        space stands at `indent`.
        """
        leaf = self.leaf
        inside = ""
        if leaf is not None and depth == len(self.stack):
            if leaf.kind == HTML:
                self._html_line(leaf, line[position:])
                return
            if leaf.kind == CODE and self._code_line(leaf, line, position, indent):
                return
            inside = leaf.kind
        is_text_open = leaf is not None and leaf.kind == PARAGRAPH
        is_indented = False
        while indent - position < 4:
            if line[indent] not in STARTERS:
                break
            if line[indent] == ">" and len(self.stack) < CONTAINERS_MAX:
                self._open(Block(QUOTE, self.number, indent), depth)
                self.quotes += 1
                position, line, indent = behind_quote(line, indent)
            elif self._starts_leaf(line, position, indent, depth, inside):
                return
            elif (marker := self._marker(line, indent, inside)) is not None:
                position, line, indent = self._open_item(line, position, marker, depth)
            else:
                break
            depth, inside, is_text_open = len(self.stack), "", False
            if indent == len(line):
                return
        else:
            is_indented = True
            if not is_text_open:
                code = self._open_leaf(CODE, indent, depth)
                code.text.append(cut(self.lines[self.number - 1], position + 4))
                return
        text = line[indent:]
        if leaf is None or not (is_text_open or inside == TABLE):
            self._open_leaf(PARAGRAPH, indent, depth).text.append(text)
        elif is_indented or inside != PARAGRAPH or not self._starts_table(leaf, text):
            leaf.text.append(text)
            leaf.end = self.number

    def _code_line(self, leaf: Block, line: str, position: int, indent: int) -> bool:
        """Add a line to open code, or close indented code that it does not belong to."""
        if not leaf.is_fenced:
            if indent - position < 4:
                self._close(len(self.stack))
                return False
            leaf.text.append(cut(self.lines[self.number - 1], position + 4))
        elif indent - position < 4 and line[indent] == leaf.marker[0] and closes(line[indent:], leaf.marker):
            leaf.is_closed = True
            self.leaf = None
        else:
            leaf.text.append(cut(self.lines[self.number - 1], min(indent, position + leaf.width)))
        leaf.end = self.number
        return True

    def _html_line(self, leaf: Block, line: str) -> None:
        leaf.text.append(line)
        leaf.end = self.number
        end = HTML_KINDS[leaf.level][1]
        if end is not None and end.search(line):
            self.leaf = None

    def _starts_leaf(self, line: str, position: int, indent: int, depth: int, inside: str) -> bool:
        """Open the leaf that begins at `indent`, if one does."""
        char = line[indent]
        if char == "#":
            return self._starts_heading(line, indent, depth)
        if char in "`~":
            fence = FENCE.match(line, indent)
            if fence is None:
                return False
            block = self._open_leaf(CODE, indent, depth)
            block.is_fenced = True
            block.marker = fence["fence"] or fence["tildes"]
            block.info = (fence["info"] or fence["words"] or "").strip(" \t")
            block.width = indent - position
            return True
        if char == "<":
            for level, (start, _) in enumerate(HTML_KINDS):
                if start.match(line, indent) and (level != HTML_LOOSE or inside != PARAGRAPH):
                    block = self._open_leaf(HTML, indent, depth)
                    block.level = level
                    self._html_line(block, line[position:])
                    return True
            return False
        if char in "=-" and inside == PARAGRAPH and UNDERLINE.match(line, indent):
            return self._underline(line[indent:])
        if char in "*-_" and RULE_LINE.match(line, indent):
            self._open_leaf(RULE, indent, depth)
            self.leaf = None
            return True
        return False

    def _starts_heading(self, line: str, indent: int, depth: int) -> bool:
        marks = HEADING_MARK.match(line, indent)
        if marks is None:
            return False
        block = self._open_leaf(HEADING, indent, depth)
        block.level = len(marks[1])
        text = line[marks.end() :].rstrip(" \t")
        bare = text.rstrip("#")
        block.text.append(bare.rstrip(" \t") if not bare or bare[-1] in " \t" else text)
        self.leaf = None
        return True

    def _underline(self, underline: str) -> bool:
        """Make the open paragraph a heading; where nothing but link definitions stands in it, `underline` is its text."""
        leaf = self.leaf
        assert leaf is not None
        self._take_definitions(leaf)
        leaf.end = self.number
        if leaf.text:
            leaf.kind = HEADING
            leaf.level = 1 if underline[0] == "=" else 2
            self.leaf = None
        else:
            leaf.line = self.number
            leaf.text.append(underline)
        return True

    def _starts_table(self, leaf: Block, text: str) -> bool:
        """Make the last line of the open paragraph a table's head, if `text` is the rule under it."""
        if (
            text[0] not in "|:-\f\v"
            or not TABLE_RULE.match(text)
            or cells_in(text) != cells_in(leaf.text[-1])
        ):
            return False
        table = leaf
        if len(leaf.text) > 1:
            leaf.text.pop()
            leaf.end = self.number - 2
            table = self._open_leaf(TABLE, leaf.column, len(self.stack))
        table.kind = TABLE
        table.line, table.end = self.number - 1, self.number
        return True

    def _marker(self, line: str, indent: int, inside: str) -> re.Match[str] | None:
        """Return the list marker at `indent`. In a paragraph only one that begins at 1 and is not empty counts."""
        marker = MARKER.match(line, indent)
        if marker is None:
            return None
        if inside == PARAGRAPH and (
            not line[marker.end() :].strip(" \t") or (marker[2] is not None and int(marker[2]) != 1)
        ):
            return None
        if len(self.stack) + 1 >= CONTAINERS_MAX:
            self.parsed.too_deep = self.parsed.too_deep or self.number
            return None
        return marker

    def _open_item(self, line: str, position: int, marker: re.Match[str], depth: int) -> tuple[int, str, int]:
        """Open an item, and a list where none of its kind is open; return where its content begins."""
        start, end = marker.span()
        sign = marker[0][-1]
        top = self.stack[depth - 1]
        if top.kind != LIST or top.marker != sign:
            block = Block(LIST, self.number, position)
            block.marker = sign
            self._open(block, depth)
            depth = len(self.stack)
        line, indent = expand(line, end)
        spaces = indent - end
        column = end + spaces if 1 <= spaces <= 4 and indent < len(line) else end + 1
        item = Block(ITEM, self.number, column)
        item.width = column - position
        item.level = start
        self._open(item, depth)
        return column, line, indent

    def _open(self, block: Block, depth: int) -> None:
        """Close what does not match, and open a container. Only an item can stand in a list."""
        self._close(depth)
        if self.stack[-1].kind == LIST and block.kind != ITEM:
            self.stack.pop()
        self.stack[-1].children.append(block)
        self.stack.append(block)

    def _open_leaf(self, kind: str, column: int, depth: int) -> Block:
        """Close what does not match, and open a leaf."""
        self._close(depth)
        if self.stack[-1].kind == LIST:
            self.stack.pop()
        self.leaf = Block(kind, self.number, column)
        self.stack[-1].children.append(self.leaf)
        return self.leaf

    def _close(self, depth: int) -> None:
        """Close the open leaf, and all containers but the first `depth`."""
        leaf = self.leaf
        if leaf is not None:
            self.leaf = None
            if leaf.kind == PARAGRAPH:
                self._take_definitions(leaf)
                if not leaf.text:
                    self.stack[-1].children.pop()
            elif leaf.is_fenced:
                leaf.broken_by = self.number
            elif leaf.kind == CODE:
                while leaf.text and not leaf.text[-1].strip(" \t"):
                    leaf.text.pop()
        if len(self.stack) > depth:
            if self.quotes:
                self.quotes -= sum(block.kind == QUOTE for block in self.stack[depth:])
            del self.stack[depth:]

    def _take_definitions(self, leaf: Block) -> None:
        """Take the link definitions off the start of a paragraph, and keep their labels."""
        if not leaf.text[0].startswith("["):
            return
        text, at = "\n".join(leaf.text), 0
        while match := DEFINITION.match(text, at):
            label = label_of(match["label"])
            if not label or len(label) > LABEL_CHARACTERS_MAX or not is_destination(match["to"]):
                break
            self.parsed.references.add(label)
            at = match.end()
        if at:
            leaf.line += text.count("\n", 0, at)
            leaf.text = text[at:].split("\n") if at < len(text) else []
