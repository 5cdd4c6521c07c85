"""The evidence as one HTML file that needs nothing else: no script, no request, no file beside it. Pure.

Its Content-Security-Policy forbids everything but the one style sheet that stands in it, by that sheet's hash: even a
mistake in escaping could load nothing and run nothing.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from orion_deploy.report import telling
from orion_deploy.report.concerns import Concern, concerns, tone
from orion_deploy.report.evidence import Evidence
from orion_deploy.report.html_marks import block, facts, line, listed
from orion_deploy.report.html_steps import StepWriter
from orion_deploy.report.marks import html_mark
from orion_deploy.report.telling import Clock
from orion_deploy.run.words import Sign

RESULT_SIGNS: Mapping[str, Sign] = {
    "ok": Sign("✓", "nothing needs your eyes", "ok"),
    "warn": Sign("!", "look at what is listed", "warn"),
    "bad": Sign("✗", "look at what is listed", "bad"),
}
CONCERN_GLYPHS: Mapping[str, str] = {"bad": "✗", "warn": "!"}
BAR_WIDTH = 1000.0
BAR_PARTS = (
    ("done", "ok"),
    ("skipped", "warn"),
    ("not_applicable", "ok"),
    ("undecided", "warn"),
    ("changed", "warn"),
    ("running", "run"),
    ("failed", "bad"),
    ("unknown", "bad"),
)


@cache
def style() -> str:
    """The style sheet."""
    return Path(__file__).with_name("page.css").read_text("utf-8")


def page(evidence: Evidence) -> str:
    """Return the evidence as HTML."""
    return document(
        f"{evidence.title}, run {evidence.mark.run}", html_mark(evidence.mark), "".join(_body(evidence))
    )


def document(title: str, marks: str, body: str) -> str:
    """A whole page around a body that is made of `html_marks`."""
    sheet = style()
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"{marks}\n"
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{line(title)}</title>\n<style>{sheet}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _body(evidence: Evidence) -> Iterator[str]:
    clock = Clock(evidence.started_at)
    found = concerns(evidence)
    writer = StepWriter(evidence, clock)
    yield _header(evidence, found, clock)
    yield "<main>"
    yield _concerns(found, writer, clock)
    if evidence.rollback is not None:
        yield f'<section id="back"><h2>The way back</h2>{facts(telling.rollback_facts(evidence.rollback, clock))}</section>'
    yield '<section id="steps"><h2>Steps</h2>'
    for number, section in enumerate(evidence.sections, start=1):
        yield writer.section(section, number)
    yield "</section>"
    yield _record(evidence, clock)
    yield "</main>"


def _header(evidence: Evidence, found: tuple[Concern, ...], clock: Clock) -> str:
    sign = RESULT_SIGNS[tone(evidence, found)]
    return (
        f"<header><p class='kicker'>Evidence of a run</p><h1>{line(evidence.title)}</h1>"
        f'<p class="result {sign.role}"><i>{sign.glyph}</i> <b>{line(evidence.result)}</b></p>'
        f"{bar(evidence.counts)}{facts(telling.head_facts(evidence, clock), 'facts head')}</header>"
    )


def bar(counts: Mapping[str, int]) -> str:
    """How much of the way is settled, as a bar; what it shows stands beside it in words."""
    total = counts.get("total", 0)
    if not total:
        return ""
    parts, x = [], 0.0
    for name, role in BAR_PARTS:
        width = BAR_WIDTH * min(counts.get(name, 0), total) / total
        if width:
            parts.append(f'<rect class="{role}" x="{x:.1f}" y="0" width="{width:.1f}" height="10"/>')
            x += width
    label = line(telling.count_words(counts))
    return (
        f'<svg class="bar" viewBox="0 0 {BAR_WIDTH:g} 10" preserveAspectRatio="none" role="img" '
        f'aria-label="{label}"><rect class="rest" x="0" y="0" width="{BAR_WIDTH:g}" height="10"/>{"".join(parts)}</svg>'
    )


def _concerns(found: tuple[Concern, ...], writer: StepWriter, clock: Clock) -> str:
    if not found:
        words = "Nothing needs your eyes: every step was settled, each by its own verdict or by a person."
        return f'<section id="eyes"><p class="quiet">{words}</p></section>'
    rows = "".join(_concern(concern, writer, clock) for concern in found)
    return f'<section id="eyes"><h2>What needs your eyes <small>{len(found):,}</small></h2><ol class="eyes">{rows}</ol></section>'


def _concern(concern: Concern, writer: StepWriter, clock: Clock) -> str:
    anchor = writer.anchors.get(concern.step)
    title = line(concern.title)
    if anchor:
        title = f'<a href="#{anchor}">{title}</a>'
    when = ", ".join(words for words in (clock(concern.at) if concern.at else "", concern.by) if words)
    return (
        f'<li class="{concern.role}"><span class="chip {concern.role}"><i>{CONCERN_GLYPHS[concern.role]}</i> '
        f'{line(concern.what)}</span><span class="words">{f"<b>{title}</b>" if title else ""}'
        f'<span class="why">{line(concern.text)}</span></span><span class="when">{line(when)}</span></li>'
    )


def _record(evidence: Evidence, clock: Clock) -> str:
    parts = ['<section id="record"><h2>The record</h2>']
    for note in evidence.notes:
        footer = line(f"{note.by}, {clock(note.at)}")
        parts.append(f"<blockquote><p>{block(note.text)}</p><footer>{footer}</footer></blockquote>")
    if evidence.variables:
        values = [(v.name, "secret, given" if v.is_secret else v.text) for v in evidence.variables]
        parts.append(f"<h3>Values</h3>{facts(values)}")
    parts.append(f"<h3>Sessions</h3>{listed(telling.session_words(s, clock) for s in evidence.sessions)}")
    acts = [*evidence.survived, *evidence.others]
    if acts:
        parts.append(f"<h3>Also recorded</h3>{listed(f'{clock(a.at)} {a.what}: {a.text}' for a in acts)}")
    if evidence.approvals:
        rows = (f"{clock(a.at)} by {a.by}: sha256 {a.digest}" for a in evidence.approvals)
        parts.append(f"<h3>Commands approved</h3>{listed(rows)}")
    parts.append(f"<h3>What it rests on</h3>{facts(telling.record_facts(evidence, clock))}</section>")
    return "".join(parts)
