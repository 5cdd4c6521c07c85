"""Markdown that says something else than its author meant: fences that end early, tick boxes that GitHub does not see.

A finding has the line where the damage shows and says how it comes about. Nothing here changes what is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from orion_deploy.checklist.markdown_tree import CODE, HTML, ITEM, PARAGRAPH, Block, Parsed
from orion_deploy.checklist.model import Problem

_FENCE = re.compile(r"[ \t>]*(?:```|~~~)")
_TICK_BOX = re.compile(r"[-*+]\[[ xX]\]\s|[-*+]\s+\[\]\s|(?:[-*+]|\d{1,9}[.)])\s+\[[ xX]\]\s|\[[ xX]\]\s+\S")
_ITEM_BOX = re.compile(r"\[(?:[ xX]\](?![(\[:])\S|\]\s|\s{2,}\]|\s[xX]\]|[xX]\s\])|\[[ xX]\]$")
_COMMENT: Final = 1


def damage_in(parsed: Parsed, lines: list[str]) -> list[Problem]:
    """Return what looks damaged, in the order of the file."""
    problems: list[Problem] = []
    if parsed.too_deep:
        problems.append(
            Problem("nested-too-deep", "this list is nested too deep to be read", parsed.too_deep)
        )
    stack: list[tuple[Block, Block | None]] = [(parsed.document, None)]
    while stack:
        block, parent = stack.pop()
        if block.kind == CODE:
            if not block.is_closed:
                problems += _in_code(block, lines)
        elif block.kind == PARAGRAPH:
            if len(block.text) > 1 or "[" in block.text[0]:
                problems += _in_paragraph(block, parent)
        elif block.kind == HTML and block.level != _COMMENT:
            problems += _in_html(block)
        if block.children:
            stack += [(inner, block) for inner in reversed(block.children)]
    return problems


def _in_code(block: Block, lines: list[str]) -> Iterator[Problem]:
    if not block.is_fenced:
        if _FENCE.match(block.text[0]):
            help = "indent the fence by less than four columns more than the text that it belongs to"
            yield Problem(
                "fence-indented",
                "this fence is indented so far that it is code itself",
                block.line,
                help=help,
            )
        elif any(_TICK_BOX.match(line.lstrip()) for line in block.text):
            help = "indent the task like the ones around it"
            yield Problem(
                "task-in-code",
                "this task is indented so far that it is code, not a task",
                block.line,
                help=help,
            )
    elif block.broken_by:
        shown = lines[block.broken_by - 1].strip()[:40]
        what = f"the code block of line {block.line} ends here, before its closing fence: `{shown}` is not indented enough"
        help = "indent every line of the block as far as its opening fence"
        yield Problem("fence-broken", what, block.broken_by, help=help)
    else:
        what = "this code block has no closing fence: everything up to the end of the file is code"
        yield Problem("fence-open", what, block.line, help=f"close it with a line `{block.marker}`")


def _in_paragraph(block: Block, parent: Block | None) -> Iterator[Problem]:
    is_item_text = parent is not None and parent.kind == ITEM and parent.children[0] is block
    for number, text in enumerate(block.text):
        line = block.line + number
        if number and _FENCE.match(text):
            help = "indent the fence like the text above it"
            yield Problem(
                "fence-in-text", "this fence is indented so far that it is text, not code", line, help=help
            )
        elif "[" not in text:
            continue
        elif not number and is_item_text:
            if _ITEM_BOX.match(text):
                help = "a tick box is `[ ]` or `[x]` and a space behind it"
                yield Problem("tick-box", "GitHub sees no tick box here", line, help=help)
        elif _TICK_BOX.match(text):
            help = "a task is a list item, with a space on both sides of its tick box: `- [ ] Stop the app`"
            yield Problem("tick-box", "GitHub sees text here, not a task", line, help=help)


def _in_html(block: Block) -> Iterator[Problem]:
    help = "leave an empty line between the HTML and what follows"
    for number, text in enumerate(block.text):
        line = block.line + number
        if _FENCE.match(text):
            yield Problem("fence-in-html", "this fence is HTML for GitHub, not code", line, help=help)
        elif _TICK_BOX.match(text.lstrip()):
            yield Problem("task-in-html", "this is HTML for GitHub, not a task", line, help=help)
