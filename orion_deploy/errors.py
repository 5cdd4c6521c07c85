"""Errors a person can act on: where, what, and what to do next; and the exit codes, which are a contract."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from orion_deploy.text import plain_line


class ExitCode(IntEnum):
    """What the process tells a script (design, "The commands")."""

    FINE = 0
    FAILED = 1
    USAGE = 2
    PERSON_NEEDED = 3
    HELD = 4
    UNKNOWN = 5
    NOT_WRITTEN = 6
    FAULT = 70
    """The app itself is at fault (EX_SOFTWARE of sysexits.h): never to be taken for a failed step."""
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file an error stands: 1-based line and column, the source line, and how many columns are meant."""

    path: str
    line: int = 0
    column: int = 0
    source: str = ""
    width: int = 1


class OrionError(Exception):
    """One clear error: `what` happened, `where`, and `help` for what to do next.

    `render()` gives the text for stderr; `exit_code` the status with which a command ends.
    """

    exit_code: ExitCode = ExitCode.USAGE

    def __init__(
        self, what: str, *, where: Place | None = None, help: str = "", exit_code: ExitCode | None = None
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.help = help
        if exit_code is not None:
            self.exit_code = exit_code

    def render(self) -> str:
        """Return the error as lines: `error:`, the place with a caret, and `help:`."""
        lines = [f"error: {plain_line(self.what)}"]
        place = self.where
        if place is not None:
            spot = plain_line(place.path)
            if place.line:
                spot += f":{place.line}"
                if place.column:
                    spot += f":{place.column}"
            lines.append(f"  --> {spot}")
            if place.line and place.source:
                lines += _caret(place)
        if self.help:
            lines.append(f"help: {plain_line(self.help)}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.render()


SOURCE_COLUMNS_MAX = 100


def _caret(place: Place) -> list[str]:
    gutter = " " * len(str(place.line))
    source = place.source.rstrip("\r\n")
    start = max(place.column - 1, 0)
    if len(source) > SOURCE_COLUMNS_MAX:
        cut = max(0, min(start - SOURCE_COLUMNS_MAX // 2, len(source) - SOURCE_COLUMNS_MAX))
        source = source[cut : cut + SOURCE_COLUMNS_MAX]
        start -= cut
    before, meant = plain_line(source[:start]), plain_line(source[start : start + place.width])
    lines = [f"{gutter} |", f"{place.line} | {plain_line(source)}"]
    if place.column:
        lines.append(f"{gutter} | {' ' * max(start, len(before))}{'^' * max(1, len(meant))}")
    return lines


class ChecklistError(OrionError):
    """The checklist cannot be read, or says what cannot be (exit code 2)."""


class HeldError(OrionError):
    """Another operator holds the run (exit code 4)."""

    exit_code = ExitCode.HELD


class NotRecordedError(OrionError):
    """State could not be written; what was asked has not been done (exit code 6)."""

    exit_code = ExitCode.NOT_WRITTEN


class StoreError(OrionError):
    """State on disk is damaged, not safe to use, or newer than this program; nothing was changed (exit code 6)."""

    exit_code = ExitCode.NOT_WRITTEN


class NewerStateError(StoreError):
    """State on disk was written by a newer version of this program: it is neither read nor changed (exit code 6)."""


class PersonNeededError(OrionError):
    """The step needs a person (exit code 3)."""

    exit_code = ExitCode.PERSON_NEEDED


class RefusedError(OrionError):
    """The act is not possible in this state of the run; the text says why (exit code 2)."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `did you mean X?` for the nearest of `known`, or an empty string."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean `{near[0]}`?" if near else ""
