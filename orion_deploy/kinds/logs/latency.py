"""A percentile of a number that a log tells again and again, against a limit."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, model_validator

from orion_deploy.kinds.base import Check, Context
from orion_deploy.kinds.logs.parameters import (
    EVERY_S,
    LastLines,
    OfLog,
    Reading,
    counted,
    patterns_with,
)
from orion_deploy.kinds.logs.pattern import compile_pattern
from orion_deploy.kinds.logs.place import whole
from orion_deploy.kinds.logs.scan import Hit
from orion_deploy.kinds.logs.source import Block
from orion_deploy.kinds.verdict import Json, Outcome, Verdict
from orion_deploy.kinds.watching import Found, Look, Observer
from orion_deploy.kinds.words import duration_words

if TYPE_CHECKING:
    from orion_deploy.kinds.logs.sketch import Sketch, Window

VALUE_GROUP = "value"
SLOW_LINES_PER_LOOK = 3
COUNTED_MAX = 20_000
"""Different numbers that are counted as text before they go into the sketches: a log rounds, and says most of them often."""


class LogsLatency(OfLog, Check):
    """A percentile of a number in a log is below a limit.

    The number is the group `value` of the pattern, or its first group, in `unit`; each match is a sample. The percentile of all samples
    decides at the end: below `limit` passed, else failed; undecided with fewer than `samples_min`, or when the log
    cannot be read. A watch also looks at the percentile of the last `window_s` seconds: one above `fires_above` (without
    it: one that is not below `limit`) is a reason to turn back. Percentiles are within 0.5 % of the true ones.
    """

    name: ClassVar[str] = "logs.latency"
    example: ClassVar[str] = r"""
        watch:
          logs.latency:
            path: ~/Orion/logs/orion.log
            pattern: \[WriteBehind\] flush (?P<value>[\d.]+) ms
            limit: 2
            fires_above: 5
        for: 24h
    """

    pattern: str = Field(
        min_length=1,
        description="a regular expression, held against each line, that captures one number; `$NAME` is put in",
    )
    limit: float = Field(gt=0, description="the percentile must be below this, in `unit`")
    unit: str = Field("ms", pattern=r"^[\w%/]{1,12}$", description="of the number and of the limits")
    percentile: float = Field(95, gt=0, le=100, description="which percentile is held against the limits")
    fires_above: float | None = Field(
        None,
        gt=0,
        description="a percentile of the last `window_s` above this is a reason to turn back, in `unit`; without it `limit` is",
    )
    window_s: float = Field(
        600, ge=10, le=86_400, description="how much of the past is looked at for that, in seconds"
    )
    samples_min: int = Field(
        20,
        ge=1,
        description="samples that there must be, of all and in the window, for a percentile to say anything",
    )

    @model_validator(mode="after")
    def _captures_a_number(self) -> LogsLatency:
        compiled = compile_pattern(self.pattern, ignore_case=self.ignore_case)
        if not compiled.regex.groups:
            raise ValueError("`pattern` captures no number: write ([\\d.]+) where it stands")
        if self.fires_above is not None and self.fires_above < self.limit:
            raise ValueError("`fires_above` is less than `limit`")
        return self

    def probe(self, context: Context) -> Verdict:
        """Read the log once."""
        watch = LatencyWatch(self, context, is_watch=False)
        watch.look(context)
        return watch.verdict()

    def observe(self, context: Context) -> LatencyWatch:
        """Watch what is written from now on."""
        return LatencyWatch(self, context, is_watch=True)


class LatencyWatch(Observer):
    """Keeps sketches of the samples: of all, and of the last minutes."""

    every_s = EVERY_S
    sees_back: ClassVar[bool] = True

    def __init__(self, check: LogsLatency, context: Context, *, is_watch: bool) -> None:
        """Nothing is read yet. Raises ChecklistError where a variable has made the pattern into none."""
        from orion_deploy.kinds.logs.sketch import Sketch, Window

        patterns = patterns_with(context, (check.pattern,), ignore_case=check.ignore_case)
        self._check = check
        self._group = patterns[0].regex.groupindex.get(VALUE_GROUP, 1)
        self._reading = Reading(check, patterns, context, is_watch=is_watch)
        self._all: Sketch = Sketch()
        self._window: Window = Window(check.window_s)
        self._unread = 0
        self._fires_at = check.limit if check.fires_above is None else check.fires_above
        self.unit = check.unit
        self.limit = check.limit

    def resume(self, state: Mapping[str, Json], context: Context) -> None:
        """Go on."""
        from orion_deploy.kinds.logs.sketch import Sketch

        reading, window = state["reading"], state["window"]
        if not isinstance(reading, dict) or not isinstance(window, list):
            raise TypeError("no state of logs.latency")
        self._reading.resume(reading)
        self._all = Sketch(state["all"])
        self._window.resume(window)
        self._unread = whole(state["unread"])

    def state(self) -> dict[str, Json]:
        """Where reading stands, and the sketches."""
        return {
            "reading": self._reading.state(),
            "all": self._all.state(),
            "window": self._window.state(),
            "unread": self._unread,
        }

    def look(self, context: Context) -> Look:
        """Read what is new."""
        newest = self._window.at(context.now())
        slow = LastLines(SLOW_LINES_PER_LOOK)
        fires_at, group, scanner = self._fires_at, self._group, self._reading.scanner

        counts: Counter[bytes] = Counter()

        def take(block: Block) -> None:
            counts.update(scanner.captures(block.data, block.end, group))
            if self._reading.is_watch:
                if self._keep(counts, newest) > fires_at:
                    hits = scanner.hits(block.data, block.end)
                    slow.add(block, [hit for hit in hits if _is_above(hit, group, fires_at)])
            elif len(counts) > COUNTED_MAX:
                self._keep(counts, newest)

        lost = self._reading.read(context, take)
        self._keep(counts, newest)
        window = self._window.all()
        seen = window.percentile(self._check.percentile)
        shown = "no samples yet"
        if seen is not None:
            shown = f"{self._percentile} {seen:.3g} {self.unit} of {window.count:,}"
        lines: tuple[Found, ...] = slow.all()
        return Look(seen, shown, self._fired(window, seen), lost, lines)

    def _keep(self, counts: Counter[bytes], newest: Sketch) -> float:
        """Put what was counted into the sketches. Returns the greatest."""
        greatest = 0.0
        for text, count in counts.items():
            value = _sample(text)
            if value is None:
                self._unread += count
                continue
            self._all.add(value, count)
            newest.add(value, count)
            greatest = max(greatest, value)
        counts.clear()
        return greatest

    def _fired(self, window: Sketch, seen: float | None) -> str:
        if seen is None or window.count < self._check.samples_min:
            return ""
        is_beyond = seen >= self._fires_at if self._check.fires_above is None else seen > self._fires_at
        if not is_beyond:
            return ""
        return (
            f"{self._percentile} of the last {duration_words(self._check.window_s)} is {seen:.3g} {self.unit} in "
            f"{counted(window.count, 'sample')} of {self._reading.log.name}, the limit is {self._fires_at:g} {self.unit}"
        )

    @property
    def _percentile(self) -> str:
        return f"p{self._check.percentile:g}"

    def verdict(self) -> Verdict:
        """The percentile of all samples against the limit."""
        from orion_deploy.kinds.logs.sketch import ACCURACY

        check, reading = self._check, self._reading
        name = reading.log.name
        unit = check.unit.replace("%", "percent").replace("/", "_per_")
        seen = self._all.percentile(check.percentile)
        window = self._window.all().percentile(check.percentile) if reading.is_watch else None
        key = f"{self._percentile.replace('.', '_')}_{unit}"
        values: dict[str, Json] = {
            key: _rounded(seen),
            f"window_{key}": _rounded(window),
            f"max_{unit}": self._all.greatest if self._all.count else None,
            "samples": self._all.count,
            "unread_samples": self._unread,
            "unit": check.unit,
            "error_percent": 100 * ACCURACY,
            "lines": reading.lines,
        }
        why = reading.why_unknown
        if why:
            return Verdict(Outcome.UNDECIDED, why, "not known", values)
        if seen is None or self._all.count < check.samples_min:
            reason = f"{counted(self._all.count, 'sample')} in {counted(reading.lines, 'line')} of {name} are fewer than {check.samples_min:,}"
            return Verdict(Outcome.UNDECIDED, reason, counted(self._all.count, "sample"), values)
        shown = f"{self._percentile} {seen:.3g} {check.unit}"
        is_below = seen < check.limit
        word = "below" if is_below else "not below"
        reason = f"{self._percentile} of {counted(self._all.count, 'sample')} in {name} is {seen:.3g} {check.unit}, {word} the limit of {check.limit:g} {check.unit}"
        return Verdict(Outcome.PASSED if is_below else Outcome.FAILED, reason, shown, values)


def _sample(text: bytes) -> float | None:
    """The number that was captured; None where it is none, or negative."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < math.inf else None


def _is_above(hit: Hit, group: int, limit: float) -> bool:
    value = _sample(hit.match[group] or b"") if hit.match else None
    return value is not None and value > limit


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
