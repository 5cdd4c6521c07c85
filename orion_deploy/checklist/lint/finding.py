"""What a rule says: where, what happens, why, and the safe step to use instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from orion_deploy.checklist.model import NO_TEXTS
from orion_deploy.errors import Place
from orion_deploy.text import plain, plain_line

if TYPE_CHECKING:
    from orion_deploy.checklist.lint.subject import Subject


SOURCE_CHARACTERS_MAX = 1_000
"""Of the line that a finding shows as data: one line of a megabyte may have ten thousand findings."""


class Severity(StrEnum):
    """How bad it can get."""

    DANGER = "danger"
    """It can lose data, kill what must live, or call a failure a success."""
    WARNING = "warning"
    """It will mislead or stop somebody."""
    NOTE = "note"
    """It works, and can be said more safely."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One place where a rule applies.

    `instead` replaces the rule's own where names from the script are known. `fix` are keys and their values,
    as YAML, that a `yaml step` block of `step` would state without changing what the step does.
    """

    place: Place
    message: str
    instead: str = ""
    step: str = ""
    fix: Mapping[str, str] = field(default_factory=lambda: NO_TEXTS)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its name, one sentence for the table of rules, why it matters, and what to do instead.

    `instead` is a `yaml step` block where it begins with a key, and a sentence otherwise.
    """

    name: str
    severity: Severity
    summary: str
    why: str
    instead: str
    check: Callable[[Subject], Iterator[Hit]]


@dataclass(frozen=True, slots=True)
class Finding:
    """A hit of a rule."""

    rule: str
    severity: Severity
    message: str
    place: Place
    why: str
    instead: str
    step: str = ""
    fix: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def line(self) -> int:
        """1-based line in the file."""
        return self.place.line

    @property
    def column(self) -> int:
        """1-based column; 0 where the whole line is meant."""
        return self.place.column

    def render(self) -> str:
        """Return the finding for a terminal: rule, place, source with a caret, why, instead."""
        from orion_deploy.errors import ChecklistError

        shown = ChecklistError(self.message, where=self.place).render().removeprefix("error: ")
        lines = [f"{self.severity.value}[{self.rule}]: {shown}", f"why: {plain_line(self.why)}"]
        if self.instead:
            below = plain(self.instead).strip("\n").split("\n")
            lines += (
                ["instead:", *(f"    {line}" for line in below)]
                if len(below) > 1
                else [f"instead: {below[0]}"]
            )
        return "\n".join(lines)

    def to_json(self) -> dict[str, object]:
        """Return the finding as data."""
        return {
            "rule": self.rule,
            "severity": self.severity.value,
            "message": self.message,
            "path": self.place.path,
            "line": self.place.line,
            "column": self.place.column,
            "source": self.place.source[:SOURCE_CHARACTERS_MAX],
            "why": self.why,
            "instead": self.instead,
            "step": self.step,
            "fix": dict(self.fix),
        }
