"""How a text becomes part of an HTML page, and the pieces that pages are made of. Pure.

Whatever a text holds, it is only text: `line` and `block` are the only ways in. Nothing here takes a text for an
attribute other than through them, and there is no address, no script and no style in any piece.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from orion_deploy.report.telling import Fact
from orion_deploy.run.words import Sign
from orion_deploy.text import plain, plain_line


def line(words: str) -> str:
    """A text on one line, for an element or an attribute in double quotes."""
    return escape(plain_line(words))


def block(words: str) -> str:
    """A text with its line breaks, for `pre`."""
    return escape(plain(words), quote=False)


def chip(sign: Sign) -> str:
    """A state: its glyph and its word, in its colour."""
    return f'<span class="chip {sign.role}"><i>{line(sign.glyph)}</i> {line(sign.word)}</span>'


def facts(pairs: Iterable[Fact], kind: str = "facts") -> str:
    """Labels and texts, side by side."""
    rows = "".join(f"<div><dt>{line(label)}</dt><dd>{line(words)}</dd></div>" for label, words in pairs)
    return f'<dl class="{kind}">{rows}</dl>' if rows else ""


def listed(items: Iterable[str]) -> str:
    """A list of texts."""
    rows = "".join(f"<li>{line(item)}</li>" for item in items)
    return f"<ul>{rows}</ul>" if rows else ""


def folded(summary: str, body: str) -> str:
    """A part that is opened by a click. `body` is made of these pieces."""
    return f"<details><summary>{line(summary)}</summary>{body}</details>"


def pre(words: str, kind: str = "") -> str:
    """A script, a difference, an output."""
    return f'<pre class="{kind}">{block(words)}</pre>' if kind else f"<pre>{block(words)}</pre>"


def diff(words: str) -> str:
    """A difference, its lines coloured by what they are; the sign at their front says it too."""
    kinds = {"+": "added", "-": "removed", "@": "place"}
    lines = (
        f'<span class="{kinds[row[0]]}">{block(row)}</span>' if row[:1] in kinds else block(row)
        for row in plain(words).rstrip("\n").split("\n")
    )
    return f'<pre class="diff">{chr(10).join(lines)}</pre>'
