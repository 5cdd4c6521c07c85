"""Whom to turn to, and what to do, when it goes wrong: sections such as "Emergency Contacts", by their headings. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from orion_deploy.checklist.model import Checklist, Section, SectionKind

_HEADING = re.compile(
    r"\bcontacts?\b(?!\s+(?:form|page|table|list\s+import))|\bescalat(?:e|es|ion|ions)\b|\bemergenc(?:y|ies)\W*$"
    r"|\bin\s+(?:an\s+|case\s+of\s+(?:an\s+)?)emergenc(?:y|ies)\b|\bon[\s-]?call\b|\bgoes\s+(?:\w+\s+)?wrong\b"
    r"|\b(?:need|getting|get|for)\s+help\b|\bwho(?:m)?\s+to\s+(?:call|contact|ask)\b|紧急联系|联系人|緊急連絡",
    re.IGNORECASE,
)


class Escalation(NamedTuple):
    """A section that tells what to do when it goes wrong."""

    title: str
    text: str
    """Markdown source."""


def is_escalation(title: str) -> bool:
    """Whether a heading announces whom to turn to, or what to do, when it goes wrong."""
    return _HEADING.search(title) is not None


def escalations(checklist: Checklist) -> tuple[Escalation, ...]:
    """The prose of the sections that say so in their heading, with what stands in sections under them.

    One with steps is worked through, and is none; nor is a way back, a criterion or a gate.
    """
    return tuple(found for section in checklist.sections for found in _in(section, is_under=False))


def _in(section: Section, *, is_under: bool) -> Iterator[Escalation]:
    if section.kind not in (SectionKind.STEPS, SectionKind.NOTES):
        return
    is_one = is_under or is_escalation(section.title)
    if is_one and not section.steps and section.body.strip():
        yield Escalation(section.title, section.body)
    for below in section.sections:
        yield from _in(below, is_under=is_one)
