"""The mark that every report carries: at which record, with which hash, the run's journal stood. Pure.

Each format has one place for it that no text of the evidence can take: the first line of Markdown, a `meta` in the
head of HTML, a key of JSON, a property of the first suite of JUnit. It is read back from there, and from nowhere else.
"""

from __future__ import annotations

import json
import re

from orion_deploy.report.evidence import Mark

META = "orion-deploy-journal"
PROPERTY = "orion-deploy.journal"
_TEXT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,63}) (\d{1,18}):([0-9a-f]{32})")
_MARKDOWN = re.compile(rf"\A\ufeff?<!-- {META} {_TEXT.pattern} -->\s")
_HTML = re.compile(rf'<meta name="{META}" content="{_TEXT.pattern}">')
_JUNIT = re.compile(rf'<property name="{re.escape(PROPERTY)}" value="{_TEXT.pattern}"\s*/>')


def markdown_mark(mark: Mark) -> str:
    """The first line of a Markdown report."""
    return f"<!-- {META} {mark.text} -->"


def html_mark(mark: Mark) -> str:
    """The `meta` of an HTML report."""
    return f'<meta name="{META}" content="{mark.text}">'


def find_mark(report: str) -> Mark | None:
    """Return the mark of a report in any of the formats, or None where it has none."""
    start = report.lstrip("\ufeff \t\r\n")
    if start.startswith("{"):
        return _of_json(start)
    pattern = (
        _MARKDOWN if start.startswith("<!-- ") else _HTML if start[:9].lower() == "<!doctype" else _JUNIT
    )
    found = pattern.search(start)
    return Mark(found[1], int(found[2]), found[3]) if found is not None else None


def _of_json(report: str) -> Mark | None:
    try:
        journal = json.loads(report)["journal"]
        found = _TEXT.fullmatch(f"{journal['run']} {journal['records']}:{journal['hash']}")
    except (ValueError, KeyError, TypeError):
        return None
    return Mark(found[1], int(found[2]), found[3]) if found is not None else None
