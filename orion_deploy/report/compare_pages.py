"""A comparison of two runs as Markdown, HTML or JSON. Pure. Texts are made safe as on the pages of one run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from orion_deploy.report import compare as comparing
from orion_deploy.report import markdown as md
from orion_deploy.report.compare import Comparison, Row, Side
from orion_deploy.report.html_marks import chip, line
from orion_deploy.report.html_page import document
from orion_deploy.run.words import Sign


def as_markdown(comparison: Comparison) -> str:
    """The comparison as Markdown."""
    first, second = comparison.runs
    names = [md.text(run.mark.run) for run in comparison.runs]
    lines = [f"# {md.text(first.title or second.title)}: two runs", ""]
    lines += [f"**{md.text(comparing.headline(comparison))}**", ""]
    heads = ((f"**{label}**", md.text(one), md.text(two)) for label, one, two in comparing.heads(comparison))
    lines += [*md.table(("", *names), heads), ""]
    if comparison.different:
        rows = ((md.text(", ".join(row.differences)), *_cells(row)) for row in comparison.different)
        lines += ["## What differs", "", *md.table(("What", "Step", *names), rows), ""]
    if comparison.same:
        lines += [
            "## What is the same",
            "",
            *md.table(("Step", *names), (_cells(r) for r in comparison.same)),
            "",
        ]
    return "\n".join(lines)


def _cells(row: Row) -> tuple[str, str, str]:
    return md.text(row.title), *(_cell(side) for side in row.sides)  # type: ignore[return-value]  # two sides


def _cell(side: Side | None) -> str:
    state = [f"{side.glyph} {side.status}"] if side is not None else []
    return "<br>".join([*state, *(md.text(words) for words in comparing.side_words(side))])


def as_html(comparison: Comparison) -> str:
    """The comparison as one HTML file."""
    first, second = comparison.runs
    title = f"{first.title or second.title}: two runs"
    names = [run.mark.run for run in comparison.runs]
    heads = _table(
        ("", *names),
        ((f"<b>{line(label)}</b>", line(one), line(two)) for label, one, two in comparing.heads(comparison)),
    )
    role, glyph = ("warn", "!") if comparison.different else ("ok", "✓")
    result = f'<p class="result {role}"><i>{glyph}</i> <b>{line(comparing.headline(comparison))}</b></p>'
    header = f'<header><p class="kicker">Two runs, side by side</p><h1>{line(title)}</h1>{result}</header>'
    body = [f"{header}<main>{heads}"]
    if comparison.different:
        rows = ((line(", ".join(row.differences)), *_html_cells(row)) for row in comparison.different)
        body.append(f"<h2>What differs</h2>{_table(('What', 'Step', *names), rows)}")
    if comparison.same:
        rows_same = (_html_cells(row) for row in comparison.same)
        body.append(f"<h2>What is the same</h2>{_table(('Step', *names), rows_same)}")
    return document(title, "", "".join([*body, "</main>"]))


def _html_cells(row: Row) -> tuple[str, ...]:
    return f"<b>{line(row.title)}</b>", *(_html_cell(side) for side in row.sides)


def _html_cell(side: Side | None) -> str:
    state = [chip(Sign(side.glyph, side.status, side.role))] if side is not None else []
    return "<br>".join([*state, *(line(words) for words in comparing.side_words(side))])


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table of pieces that are safe; `head` is text. Where there is no room for columns each cell tells its own."""
    labels = [line(words) for words in head]
    heads = "".join(f"<th>{label}</th>" for label in labels)
    body = "".join(
        "<tr>"
        + "".join(f'<td data-label="{label}">{cell}</td>' for label, cell in zip(labels, row, strict=True))
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def as_json(comparison: Comparison) -> str:
    """The comparison as JSON."""
    return json.dumps(comparing.to_json(comparison), indent=1, allow_nan=False) + "\n"


PAGES: Mapping[str, Callable[[Comparison], str]] = MappingProxyType(
    {"md": as_markdown, "html": as_html, "json": as_json}
)
