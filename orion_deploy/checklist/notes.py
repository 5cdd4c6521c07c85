"""Notes as Markdown has them: `- **ELEPHANT-A:** text`, a list under a heading "Notes"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from orion_deploy.checklist.titles import plain_title
from orion_deploy.checklist.words import note_in

NOTES_TITLE: Final = "Notes"

_LINE = re.compile(r"^- \*\*([^*:\n]+):\*\* (.*)$", re.MULTILINE)
_MARKER = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s+")


def notes_in(body: str) -> Iterator[tuple[str, str]]:
    """Yield the tags and texts of the notes in the prose of a section."""
    paragraph: list[str] = []
    for line in [*body.split("\n"), ""]:
        marker = _MARKER.match(line)
        if paragraph and (marker or not line.strip()):
            note = note_in("\n".join(paragraph))
            if note is not None:
                yield note[0], plain_title(note[1])
            paragraph = []
        if line.strip():
            paragraph.append(line[marker.end() :] if marker else line.strip())


def notes_body(notes: Mapping[str, str]) -> str:
    """Return notes, tag to Markdown text, as the prose of a section."""
    return "\n".join(f"- **{tag}:** {' '.join(text.split())}" for tag, text in notes.items())


def notes_of(body: str) -> dict[str, str]:
    """Return the notes, tag to Markdown text, of which `notes_body` made `body`; empty where it did not."""
    found = dict(_LINE.findall(body))
    return found if found and notes_body(found) == body else {}
