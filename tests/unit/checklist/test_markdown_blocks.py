"""Blocks stand exactly where GitHub sees them."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orion_deploy.checklist.markdown_blocks import CONTAINERS_MAX, parse_blocks
from orion_deploy.checklist.markdown_tree import CODE, DOCUMENT, HEADING, ITEM, LIST, PARAGRAPH, QUOTE, Block

EXAMPLES = int(os.environ.get("ORION_FUZZ_EXAMPLES", "150"))
"""The long form: `ORION_FUZZ_EXAMPLES=20000 pytest tests/unit/checklist/test_markdown_blocks.py`."""


def outline(source: str) -> str:
    """The blocks of a text in one line: `i1` an item of line 1, `c` code, `h2` a heading of level 2, `p`, `q`, `t`, `-`."""
    lines = source.split("\n")
    if lines[-1] == "":
        lines.pop()

    def told(block: Block) -> str:
        if block.kind in (DOCUMENT, LIST):
            return " ".join(map(told, block.children))
        if block.kind == ITEM:
            return f"i{block.line}({' '.join(map(told, block.children))})"
        if block.kind == QUOTE:
            return f"q({' '.join(map(told, block.children))})"
        if block.kind == CODE:
            return f"c{block.line}{block.text}"
        if block.kind == HEADING:
            return f"h{block.level}"
        return {"paragraph": "p", "html": "html", "rule": "-", "table": "t"}[block.kind]

    return told(parse_blocks(lines).document)


# Each outline was compared with what cmark-gfm 0.29 makes of the text.
CASES = {
    "- a\n- b": "i1(p) i2(p)",
    "- a\n  - b\n    - c": "i1(p i2(p i3(p)))",
    "* a\n+ b\n1. c\n2) d": "i1(p) i2(p) i3(p) i4(p)",
    "1. - a": "i1(i1(p))",
    "-   a\n\n    ```\n    x\n    ```": "i1(p c3['x'])",
    "-   a\n  ```\n  x\n  ```": "i1(p) c2['x']",
    "- a\n```\nx\n```": "i1(p) c2['x']",
    "-\ta\n\n\t\tcode": "i1(p c3['code'])",
    "-      code": "i1(c1[' code'])",
    "> - a\n>   ```sh\n>   x\n>   ```": "q(i1(p c2['x']))",
    "> a\nb": "q(p)",
    "> ```\nb": "q(c1[]) p",
    ">\n    >": "q() c2['>']",
    "- a\nlazy": "i1(p)",
    "- a\n\nnot lazy": "i1(p) p",
    "text\n- a": "p i2(p)",
    "text\n1. a": "p i2(p)",
    "text\n2. a": "p",
    "text\n-\n": "h2",
    "text\n*\n": "p",
    "-\n\n  a": "i1() p",
    "-\n  a": "i1(p)",
    "    - a": "c1['- a']",
    "- a\n      - b": "i1(p)",
    "- a\n\n      - b": "i1(p c3['- b'])",
    "```\na\n": "c1['a']",
    "~~~ sh\na\n```\n~~~~": "c1['a', '```']",
    "````\n```\n````": "c1['```']",
    "``` a`b\n": "p",
    "   ```\n   a\n  b\n   ```": "c1['a', 'b']",
    "    ```\n    a": "c1['```', 'a']",
    "# a\nb\n===\nc\n---\n---": "h1 h1 h2 -",
    "#a": "p",
    "* * *\n- - -\n___": "- - -",
    "- * * *": "i1(-)",
    "<!-- - [ ] a\n- [ ] b -->\n- [ ] c": "html i3(p)",
    "<details>\n- [ ] a\n\n- [ ] b": "html i4(p)",
    "<b>\n- a": "html",
    "x <b>\n- a": "p i2(p)",
    "| a |\n| - |\n| b |\nc": "t",
    "a | b\n- | -\nc\n\nd": "p i2(p) p",
    "a | b\n--- | ---\nc\n\nd": "t p",
    "a\nb | c\n:-- | --:\n- d": "p t i4(p)",
    "[a]: /b\n- c": "i2(p)",
    "[a]: /b": "",
    "[a]: /b c": "p",
    "\ta": "c1['a']",
    "  \ta\n\n\tb": "c1['a', '', 'b']",
    "- a\n\n\n\n  b": "i1(p p)",
    "1. a\n   2. b\n   1. c": "i1(p i3(p))",
    "10) a\n    b": "i1(p)",
    "1234567890. a": "p",
    "- [ ] a\n  > - [x] b": "i1(p q(i2(p)))",
    "+    t\n    ```": "i1(p)",
}


@pytest.mark.parametrize("source", CASES)
def test_outline(source: str) -> None:
    """A text has the blocks that GitHub's parser finds in it."""
    assert outline(source) == CASES[source]


def test_endings_of_fences() -> None:
    """A fence knows whether it was closed, and which line broke it."""
    document = parse_blocks(["- a", "  ```", "x", "", "```"]).document
    inside, outside = document.children[0].children[0].children[1], document.children[2]
    assert (inside.is_closed, inside.broken_by, inside.end) == (False, 3, 2)
    assert (outside.kind, outside.is_closed, outside.broken_by) == (CODE, False, 0)


def test_definitions() -> None:
    """Link definitions are no text; their labels are kept, however they are written."""
    parsed = parse_blocks(["[A  b]: <x y> 'title'", "[c]:", "  /d", "text"])
    assert parsed.references == {"a b", "c"}
    assert [block.text for block in parsed.document.children] == [["text"]]


def test_depth_is_capped() -> None:
    """Two hundred lists within one another are read; markers beyond the cap are text, and it is said where."""
    deep = parse_blocks(["  " * depth + "- a" for depth in range(200)])
    assert (deep.too_deep, _depth(deep.document)) == (0, 401)
    deeper = parse_blocks(["- " * 100_000 + "a"])
    assert (deeper.too_deep, _depth(deeper.document)) == (1, CONTAINERS_MAX - 1)


def _depth(block: Block) -> int:
    depth, level = 0, [block]
    while level:
        depth += 1
        level = [inner for each in level for inner in each.children if inner.kind != PARAGRAPH]
    return depth


PIECES = st.sampled_from(
    ["- ", "* ", "+ ", "1. ", "2) ", "-   ", "> ", "```", "~~~", "```sh", "# h", "===", "---", "text", "[ ] t", "[x] t", "[ ]",
     "<div>", "</div>", "<!-- c", "-->", "<b>", "    ", "\t", "  ", "-", "[f]: /u", "|a|b|", "|-|-|", "`x`", "**b**", "[f]"]
)  # fmt: skip
LINES = st.lists(
    st.tuples(st.sampled_from(["", "", "  ", "   ", "    ", "      ", "\t"]), st.lists(PIECES, max_size=3))
)
TEXTS = LINES.map(lambda lines: "\n".join(margin + "".join(pieces) for margin, pieces in lines) + "\n")


@settings(max_examples=EXAMPLES, deadline=None)
@given(TEXTS)
def test_same_blocks_as_cmark(source: str) -> None:
    """Any text has the same items, code and headings as in GitHub's own parser (where `cmarkgfm` is installed)."""
    cmark = pytest.importorskip(
        "cmarkgfm", reason="the package cmarkgfm is not installed: nothing to compare with"
    )
    from support.cmark import cmark_outline, our_outline

    assert our_outline(source) == cmark_outline(cmark, source)


@st.composite
def orderly(draw: st.DrawFn, depth: int = 0) -> list[str]:
    """A well-formed list: tasks with prose, code and sub-lists, indented as their markers ask."""
    marker = draw(st.sampled_from(["- ", "* ", "1. ", "-   ", "1)  "]))
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        body = [draw(st.sampled_from(["[ ] a", "[x] b", "plain", "**bold**"]))]
        if draw(st.booleans()):
            body += ["", "prose", "more prose"]
        if draw(st.booleans()):
            fence = draw(st.sampled_from(["```", "~~~~"]))
            body += [
                f"{fence}sh",
                *draw(st.lists(st.sampled_from(["x", "", "  - [ ] y", "# z"]), max_size=3)),
                fence,
            ]
        if depth < 3 and draw(st.booleans()):
            body += draw(orderly(depth + 1))
        margin = " " * len(marker)
        lines += [marker + body[0], *(margin + line if line else "" for line in body[1:])]
    return lines


@settings(max_examples=EXAMPLES, deadline=None)
@given(orderly())
def test_same_blocks_as_markdown_it(lines: list[str]) -> None:
    """A well-formed list has the same items and the same code as in markdown-it-py."""
    from markdown_it import MarkdownIt

    source = "\n".join(lines) + "\n"
    theirs = [
        (token.map[0] + 1, token.content)
        for token in MarkdownIt("commonmark", {"maxNesting": 1000}).parse(source)
        if token.type in ("list_item_open", "fence", "code_block") and token.map is not None
    ]
    ours: list[tuple[int, str]] = []
    stack = [parse_blocks(source.split("\n")[:-1]).document]
    while stack:
        block = stack.pop()
        if block.kind in (ITEM, CODE):
            ours.append((block.line, "".join(line + "\n" for line in block.text)))
        stack.extend(reversed(block.children))
    assert ours == theirs
