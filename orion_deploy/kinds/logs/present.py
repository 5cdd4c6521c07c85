"""A line that must appear in a log, and the numbers that it tells."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field, model_validator

from orion_deploy.errors import ChecklistError
from orion_deploy.kinds.base import Check, Context
from orion_deploy.kinds.logs.parameters import (
    EVERY_S,
    LastLines,
    OfLog,
    Reading,
    counted,
    patterns_with,
)
from orion_deploy.kinds.logs.pattern import Pattern, compile_pattern
from orion_deploy.kinds.logs.place import whole
from orion_deploy.kinds.logs.scan import Hit
from orion_deploy.kinds.logs.source import Block
from orion_deploy.kinds.verdict import Json, Outcome, Verdict
from orion_deploy.kinds.watching import Look, Observer
from orion_deploy.text import plain_line

GROUP_CHARACTERS_MAX = 200
SHOWN_CHARACTERS_MAX = 120


class LogsPresent(OfLog, Check):
    r"""A line appears in a log, and the numbers in it are within their limits.

    Named groups of the pattern, `(?P<ms>\d+)`, are kept as values, numbers as numbers, and may have limits.
    A check looks at what is there; a watch waits for the line, and has passed as soon as it is there. Failed when
    no line matches, or a captured number is beyond its limit (a reason to turn back); undecided when the log
    cannot be read.
    """

    name: ClassVar[str] = "logs.present"
    example: ClassVar[str] = r"""
        check:
          logs.present:
            path: ~/Orion/logs/orion.log
            pattern: Restored (?P<requests>\d+) active requests from DB in (?P<ms>\d+) ms
            captured_below: {ms: 100}
    """

    pattern: str = Field(
        min_length=1,
        description="what must appear: a regular expression, held against each line; `$NAME` is put in",
    )
    captured_below: dict[str, float | str] = Field(
        default_factory=dict,
        description="limits of captured numbers: each must be below its limit; a number, or `$NAME`",
    )
    captured_min: dict[str, float | str] = Field(
        default_factory=dict, description="least values of captured numbers; a number, or `$NAME`"
    )
    last: bool = Field(
        default=True,
        description="the last line that matches counts; `false`: the first, and reading ends there",
    )

    @model_validator(mode="after")
    def _limits_have_groups(self) -> LogsPresent:
        groups = compile_pattern(self.pattern, ignore_case=self.ignore_case).groups
        for name, limit in (*self.captured_below.items(), *self.captured_min.items()):
            if name not in groups:
                raise ValueError(f"the pattern captures no `{name}`: write (?P<{name}>...) in it")
            if isinstance(limit, str) and "$" not in limit and _number(limit) is None:
                raise ValueError(f"the limit of `{name}` is no number: {limit[:60]}")
        return self

    def probe(self, context: Context) -> Verdict:
        """Read the log once."""
        watch = PresentWatch(self, context, is_watch=False)
        watch.look(context)
        return watch.verdict()

    def observe(self, context: Context) -> PresentWatch:
        """Wait for the line."""
        return PresentWatch(self, context, is_watch=True)


class PresentWatch(Observer):
    """Waits for a line, and keeps what it captured."""

    every_s = EVERY_S
    sees_back: ClassVar[bool] = True

    def __init__(self, check: LogsPresent, context: Context, *, is_watch: bool) -> None:
        """Nothing is read yet. Raises ChecklistError where a variable has made a pattern or a limit into none."""
        patterns = patterns_with(context, (check.pattern,), ignore_case=check.ignore_case)
        self._pattern: Pattern = patterns[0]
        self._reading = Reading(check, patterns, context, is_watch=is_watch)
        self._takes_last = check.last
        self._below = _limits(check.captured_below, context)
        self._least = _limits(check.captured_min, context)
        self._matches = 0
        self._line = ""
        self._values: dict[str, Json] = {}
        first = next(iter(self._below), "")
        self.unit = first
        self.limit = self._below.get(first)

    def resume(self, state: Mapping[str, Json], context: Context) -> None:
        """Go on."""
        reading, values = state["reading"], state["values"]
        if not isinstance(reading, dict) or not isinstance(values, dict):
            raise TypeError("no state of logs.present")
        self._reading.resume(reading)
        self._matches = whole(state["matches"])
        self._line = str(state["line"])
        self._values = dict(values)

    def state(self) -> dict[str, Json]:
        """Where reading stands, and what was captured."""
        return {
            "reading": self._reading.state(),
            "matches": self._matches,
            "line": self._line,
            "values": dict(self._values),
        }

    def look(self, context: Context) -> Look:
        """Read what is new."""
        lines = LastLines()
        fired = ""

        def take(block: Block) -> None:
            nonlocal fired
            hits = self._reading.scanner.hits(block.data, block.end)
            if not hits or (self._matches and not self._takes_last):
                return
            self._matches += len(hits)
            wanted = hits if self._takes_last else hits[:1]
            lines.add(block, wanted)
            for hit in wanted if self._reading.is_watch else wanted[-1:]:
                self._capture(hit)
                fired = self._beyond() or fired
            self._line = plain_line(lines.all()[-1].text)

        lost = self._reading.read(context, take)
        return Look(
            value=self._trend(),
            shown=self._shown() if self._matches else f"not yet in {counted(self._reading.lines, 'line')}",
            fired=f"{fired}: {self._line}" if fired else "",
            lost=lost,
            lines=lines.all(),
        )

    def _capture(self, hit: Hit) -> None:
        groups = hit.match.groupdict(b"") if hit.match is not None else {}
        self._values = {name: _value(text) for name, text in groups.items()}

    def _trend(self) -> float | None:
        wanted = [self._values.get(self.unit)] if self.unit else list(self._values.values())
        return next((float(v) for v in wanted if isinstance(v, (int, float))), None)

    def _shown(self) -> str:
        words = ", ".join(f"{name} {value}" for name, value in self._values.items())
        return (words or self._line)[:SHOWN_CHARACTERS_MAX]

    def _beyond(self) -> str:
        """Which captured number is beyond its limit; empty: none."""
        for name, limit in self._below.items():
            value = self._values.get(name)
            if not isinstance(value, (int, float)):
                return f"{name} is no number"
            if value >= limit:
                return f"{name} is {value:g}, it must be below {limit:g}"
        for name, limit in self._least.items():
            value = self._values.get(name)
            if not isinstance(value, (int, float)):
                return f"{name} is no number"
            if value < limit:
                return f"{name} is {value:g}, it must be at least {limit:g}"
        return ""

    def verdict(self) -> Verdict:
        """Passed with the line; failed without it, or beyond a limit."""
        reading = self._reading
        name, read = reading.log.name, counted(reading.lines, "line")
        values: dict[str, Json] = {"matches": self._matches, "lines": reading.lines, **self._values}
        if self._matches:
            beyond = self._beyond()
            if beyond:
                return Verdict(Outcome.FAILED, f"{beyond}, in {name}: {self._line}", self._shown(), values)
            return Verdict(Outcome.PASSED, f"it is in {name}: {self._line}", self._shown(), values)
        why = reading.why_unknown
        if why:
            return Verdict(Outcome.UNDECIDED, why, "not known", values)
        return Verdict(Outcome.FAILED, f"none of {read} of {name} matches", "not there", values)


def _limits(limits: Mapping[str, float | str], context: Context) -> dict[str, float]:
    found = {}
    for name, limit in limits.items():
        value = limit if isinstance(limit, float) else _number(context.text(str(limit)))
        if value is None:
            raise ChecklistError(f"the limit of `{name}` is no number: {context.text(str(limit))[:60]}")
        found[name] = value
    return found


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _value(text: bytes) -> Json:
    """What a group captured: a number as a number, anything else as text."""
    words = text.decode("utf-8", "replace")
    if words.isascii() and words.isdigit() and len(words) < 16:
        return int(words)
    found = _number(words) if any(c.isdigit() for c in words) else None
    return plain_line(words[:GROUP_CHARACTERS_MAX]) if found is None else found
