"""Light Markdown for the step pane: bullets, numbers, bold, code spans, links. What it does not know it shows as written. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from orion_deploy.text import plain
from orion_deploy.tui.lines import EMPTY, Line, Span, bounded, wrap

_BULLET = re.compile(r"(?P<indent>\s*)(?P<mark>[-*+]|\d{1,9}[.)])\s+(?P<rest>.*)")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(?P<rest>.*?)\s*#*")
_INLINE = re.compile(
    r"(?P<ticks>`+)(?P<code>.+?)(?P=ticks)"
    r"|(?P<stars>\*\*|__)(?=\S)(?P<bold>.+?)(?<=\S)(?P=stars)"
    r"|\[(?P<label>[^\]\n]+)\]\((?P<target>[^)\s]+)\)"
    r"|\*(?=\S)(?P<emphasis>[^*\n]+?)(?<=\S)\*"
)


def inline(text: str, role: str = "") -> Line:
    """One line of Markdown as spans."""
    spans: list[Span] = []
    at = 0
    for match in _INLINE.finditer(text):
        if match.start() > at:
            spans.append(Span(text[at : match.start()], role))
        if match["code"] is not None:
            spans.append(Span(match["code"].strip(), "code"))
        elif match["bold"] is not None:
            spans.append(Span(match["bold"].strip("`"), "bold"))
        elif match["label"] is not None:
            spans += [Span(match["label"], role), Span(f" <{match['target']}>", "dim")]
        else:
            spans.append(Span(match["emphasis"], role))
        at = match.end()
    if at < len(text):
        spans.append(Span(text[at:], role))
    return tuple(spans)


def prose_lines(source: str, width: int, role: str = "") -> list[Line]:
    """Lay Markdown source out in lines of at most `width` columns; runs of blank lines become one."""
    lines: list[Line] = []
    for content, hang in _blocks(plain(source), role):
        if not content:
            if lines and lines[-1] != EMPTY:
                lines.append(EMPTY)
            continue
        lines += wrap(content, width, hang=hang)
    while lines and lines[-1] == EMPTY:
        lines.pop()
    return lines


def _blocks(source: str, role: str) -> Iterator[tuple[Line, str]]:
    """Paragraphs and list items, joined over their lines, each with what its continuation lines begin with."""
    lead, paragraph = "", ""
    for raw in source.split("\n"):
        text = bounded(raw).rstrip()
        bullet, heading = _BULLET.fullmatch(text), _HEADING.fullmatch(text)
        stands_alone = heading or not text.strip() or text.lstrip().startswith(("|", ">", "<"))
        if not bullet and not stands_alone:
            paragraph = f"{paragraph} {text.strip()}" if paragraph else text.strip()
            if not raw.endswith("  "):
                continue
            text = ""
        if lead or paragraph:
            yield (Span(lead, "dim"), *inline(paragraph, role)), " " * len(lead)
            lead, paragraph = "", ""
        if bullet:
            mark = "•" if bullet["mark"] in "-*+" else bullet["mark"]
            lead, paragraph = f"{' ' * min(len(bullet['indent']), 12)}{mark} ", bullet["rest"]
        elif heading:
            yield (Span(heading["rest"], "bold"),), ""
        elif stands_alone:
            yield inline(text, role), ""
    if lead or paragraph:
        yield (Span(lead, "dim"), *inline(paragraph, role)), " " * len(lead)
