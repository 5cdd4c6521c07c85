"""A log in which certain lines must not appear. Silence is no proof: a log that says nothing is not being watched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field, field_validator, model_validator

from orion_deploy.kinds.base import Check, Context
from orion_deploy.kinds.logs.parameters import (
    EVERY_S,
    LastLines,
    OfLog,
    Reading,
    counted,
    number,
    patterns_with,
    several,
)
from orion_deploy.kinds.logs.pattern import compile_patterns
from orion_deploy.kinds.logs.place import whole
from orion_deploy.kinds.logs.source import Block
from orion_deploy.kinds.verdict import Json, Outcome, Verdict
from orion_deploy.kinds.watching import Look, Observer
from orion_deploy.kinds.words import duration_words
from orion_deploy.text import plain_line

LINES_KEPT = 5


class LogsAbsent(OfLog, Check):
    """Certain lines do not appear in a log.

    Each line counts once, whichever of the patterns it matches. A check reads the file that is there, a watch what
    is written from its start on, over any rotation; its first match too many is a reason to turn back. Failed with
    the number of lines and the last ones; undecided when the log is not there, cannot be read, or holds fewer
    than `lines_min` lines: a program that is dead writes no errors. Times are in seconds (`quiet_s_max`).
    """

    name: ClassVar[str] = "logs.absent"
    example: ClassVar[str] = """
        watch:
          logs.absent:
            path: ~/Orion/logs/orion.log
            patterns: [Failed to persist request, Failed to restore from DB, SQLITE_]
            quiet_s_max: 600
        for: 24h
    """

    patterns: tuple[str, ...] = Field(
        min_length=1,
        description="what must not appear: a regular expression, or several, held against each line; `$NAME` is put in",
    )
    literal: bool = Field(default=False, description="take the patterns as plain text")
    matches_max: int = Field(0, ge=0, description="lines that may match all the same")
    lines_min: int = Field(1, ge=0, description="lines that must have been read for this to say anything")
    quiet_s_max: float | None = Field(
        None,
        gt=0,
        description="a watched log in which nothing is written for longer is not being watched: that time is lost; in seconds",
    )

    @field_validator("patterns", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        return several(value)

    @model_validator(mode="after")
    def _patterns_compile(self) -> LogsAbsent:
        compile_patterns(self.patterns, literal=self.literal, ignore_case=self.ignore_case)
        return self

    def probe(self, context: Context) -> Verdict:
        """Read the log once."""
        watch = AbsentWatch(self, context, is_watch=False)
        watch.look(context)
        return watch.verdict()

    def observe(self, context: Context) -> AbsentWatch:
        """Watch what is written from now on."""
        return AbsentWatch(self, context, is_watch=True)


class AbsentWatch(Observer):
    """Counts the lines that match."""

    every_s = EVERY_S
    unit = "lines"
    sees_back: ClassVar[bool] = True

    def __init__(self, check: LogsAbsent, context: Context, *, is_watch: bool) -> None:
        """Nothing is read yet. Raises ChecklistError where a variable has made a pattern into none."""
        patterns = patterns_with(
            context, check.patterns, literal=check.literal, ignore_case=check.ignore_case
        )
        self._check = check
        self._reading = Reading(check, patterns, context, is_watch=is_watch)
        self._matches = 0
        self._last: list[str] = []
        self._grew_at: float | None = None
        self.limit = float(check.matches_max)

    def resume(self, state: Mapping[str, Json], context: Context) -> None:
        """Go on."""
        reading, last = state["reading"], state["last"]
        if not isinstance(reading, dict) or not isinstance(last, list):
            raise TypeError("no state of logs.absent")
        self._reading.resume(reading)
        self._matches = whole(state["matches"])
        self._last = [str(line) for line in last][-LINES_KEPT:]
        self._grew_at = None if state["grew_at"] is None else number(state["grew_at"])

    def state(self) -> dict[str, Json]:
        """Where reading stands, and what was counted."""
        return {
            "reading": self._reading.state(),
            "matches": self._matches,
            "last": [*self._last],
            "grew_at": self._grew_at,
        }

    def look(self, context: Context) -> Look:
        """Read what is new."""
        lines = LastLines()
        before = self._matches, self._reading.bytes

        def take(block: Block) -> None:
            hits = self._reading.scanner.hits(block.data, block.end)
            self._matches += len(hits)
            lines.add(block, hits)

        lost = self._reading.read(context, take)
        found = lines.all()
        self._last = [*self._last, *(plain_line(line.text) for line in found)][-LINES_KEPT:]
        fired = ""
        if self._matches > max(before[0], self._check.matches_max):
            fired = f"{self._count()} in {self._reading.log.name}: {plain_line(found[-1].text)}"
        shown = f"{self._matches:,} in {counted(self._reading.lines, 'line')}"
        if self._reading.is_behind:
            shown += ", still reading"
        lost = lost or self._quiet(context.now(), has_grown=self._reading.bytes > before[1])
        return Look(float(self._matches), shown, fired, lost, found)

    def _quiet(self, now: float, *, has_grown: bool) -> str:
        if has_grown or self._grew_at is None or now < self._grew_at:
            self._grew_at = now
        quiet_s = now - self._grew_at
        if self._check.quiet_s_max is None or quiet_s <= self._check.quiet_s_max:
            return ""
        return f"nothing has been written to {self._reading.log.name} for {duration_words(quiet_s)}: it is not being watched"

    def _count(self) -> str:
        if self._matches == 1:
            return "1 line that must not be there"
        return f"{self._matches:,} lines that must not be there"

    def verdict(self) -> Verdict:
        """Failed with too many matches; undecided when too little was read to say."""
        reading = self._reading
        name, read = reading.log.name, counted(reading.lines, "line")
        values: dict[str, Json] = {
            "matches": self._matches,
            "lines": reading.lines,
            "size_bytes": reading.bytes,
            "last_lines": [*self._last],
        }
        shown = f"{self._matches:,} in {read}"
        if self._matches > self._check.matches_max:
            allowed = f", {self._check.matches_max:,} allowed" if self._check.matches_max else ""
            reason = f"{self._count()} in {name}{allowed}, the last: {self._last[-1]}"
            return Verdict(Outcome.FAILED, reason, shown, values)
        why = reading.why_unknown
        if why:
            return Verdict(Outcome.UNDECIDED, why, shown if reading.lines else "not known", values)
        if reading.lines < self._check.lines_min:
            reason = f"{name} holds {read}: that is too little to say that nothing went wrong"
            return Verdict(Outcome.UNDECIDED, reason, shown, values)
        if self._matches:
            reason = f"{self._count()} in {read} of {name}, {self._check.matches_max:,} allowed"
        else:
            reason = f"none of {read} of {name} matches"
        return Verdict(Outcome.PASSED, reason, shown, values)
