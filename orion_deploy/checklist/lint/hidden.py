"""Rules about what a reader does not see: bidi controls, zero-width characters, controls."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import islice
from typing import Final

from orion_deploy.checklist.lint.finding import Hit, Rule, Severity
from orion_deploy.checklist.lint.subject import Subject
from orion_deploy.text import is_hidden

_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_ANY = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_LINES_MAX: Final = 100


def _hidden(subject: Subject) -> Iterator[Hit]:
    """Any hidden character in what can run; elsewhere only those that turn the direction of reading."""
    for block in subject.scripts:
        match = _ANY.search(block.code.script)
        if match is not None:
            yield block.hit(match.span(), f"the command holds {_named(match[0])}, which nobody sees")
    for _, step in subject.steps:
        match = _BIDI.search(step.title)
        line = subject.lines[step.line - 1] if 0 < step.line <= len(subject.lines) else ""
        if match is not None and match[0] not in line:  # written as an escape
            yield Hit(
                subject.place(step.line),
                f"the title holds {_named(match[0])}, which nobody sees",
                step=step.id,
            )
    if not is_hidden(subject.text):
        return
    code = code_lines(subject)
    turned = ((n, _BIDI.search(line)) for n, line in enumerate(subject.lines, start=1) if n not in code)
    for number, match in islice(((n, match) for n, match in turned if match), _LINES_MAX):
        yield Hit(
            subject.place(number, match.start() + 1), f"the line holds {_named(match[0])}, which nobody sees"
        )


def _named(char: str) -> str:
    return f"U+{ord(char):04X} ({unicodedata.name(char, 'a control character').lower()})"


def code_lines(subject: Subject) -> frozenset[int]:
    """Return the lines of the file that belong to code blocks."""
    found: set[int] = set()
    for section in subject.checklist.walk_sections():
        for block in section.code:
            found.update(range(block.line, block.line + block.text.count("\n") + 2))
    for _, step in subject.steps:
        for block in step.code:
            found.update(range(block.line, block.line + block.text.count("\n") + 2))
    return frozenset(found)


RULES: Final = (
    Rule(
        "hidden-character", Severity.DANGER, "a character that nobody sees",
        "A direction override shows another command than the one that runs; a zero-width space makes another path of it.",
        "delete the character, or write it as an escape", _hidden,
    ),
)  # fmt: skip
