"""A watch is a check that looks again and again. What it has seen is its `state()`, and of nothing else its verdict is made.

An observer belongs to one thread. It is asked to `look`; between two looks its state is put on disk together
with the time up to which it has looked, so that whoever goes on after a crash, a reboot or a day counts nothing twice
and leaves nothing out. It keeps no file open between two looks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from orion_deploy.kinds.base import Check, Context
from orion_deploy.kinds.verdict import Json, Outcome, Verdict

STATE_BYTES_MAX = 256 * 1024
"""Of what an observer keeps, as JSON."""
LINES_PER_LOOK_MAX = 20
LINE_CHARACTERS_MAX = 500


@dataclass(frozen=True, slots=True)
class Found:
    """A line of a log that a watch is about: where it stands, and its text (hostile, cut to LINE_CHARACTERS_MAX)."""

    text: str
    path: str = ""
    offset_bytes: int = 0
    """Where the line begins in `path`; of a compressed file, in what it holds."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look saw."""

    value: float | None = None
    """For the trend, in the observer's `unit`; None where there was nothing to measure."""
    shown: str = ""
    """What was seen, in a few words, as it stands on the screen: `p95 1.8 ms of 2,340`."""
    fired: str = ""
    """Why this is a reason to turn back, in a sentence; empty where it is none."""
    lost: str = ""
    """Why it cannot be known what happened since the last look (a log was lost, a program's memory could not be
    read): that time is a gap. Empty where it is known."""
    lines: tuple[Found, ...] = ()
    """New lines to show beside the watch, at most LINES_PER_LOOK_MAX; the last ones where there were more."""


class Observer(ABC):
    """One watch under way, of one check."""

    every_s: float = 30.0
    """Seconds between two looks, unless the step says otherwise."""
    unit: str = ""
    """Of `Look.value`: `ms`, `MB`, `lines`."""
    limit: float | None = None
    """The limit of `Look.value`, for a plot; None where there is none."""
    sees_back: ClassVar[bool] = False
    """Whether a look sees everything since the last one, however long ago (a log does, a measurement does not).
    Time in which nobody looked is then no gap, unless the machine was down or asleep."""

    @abstractmethod
    def resume(self, state: Mapping[str, Json], context: Context) -> None:
        """Go on from what `state()` returned. Raises ValueError, KeyError or TypeError where it cannot be understood."""

    @abstractmethod
    def look(self, context: Context) -> Look:
        """Look once; `context.now()` is the time. Raises nothing: what cannot be seen is in `Look.lost`."""

    @abstractmethod
    def state(self) -> dict[str, Json]:
        """Everything that must be known to go on, bounded by STATE_BYTES_MAX."""

    @abstractmethod
    def verdict(self) -> Verdict:
        """Judge all that was seen, as if the watch ended now. Gaps are not its business: whoever watches knows them."""


class Repeated(Observer):
    """Any check, looked at again and again: it passes when no look failed, and at least one passed."""

    def __init__(self, check: Check) -> None:
        """A watch of a check that knows of no watch itself."""
        self._check = check
        self._passed = 0
        self._failed = 0
        self._undecided = 0
        self._last: Verdict | None = None
        self._first_failure: Verdict | None = None

    def resume(self, state: Mapping[str, Json], context: Context) -> None:
        """Go on."""
        self._passed, self._failed, self._undecided = (
            _count(state[k]) for k in ("passed", "failed", "undecided")
        )
        self._last, self._first_failure = (_verdict(state[k]) for k in ("last", "first_failure"))

    def look(self, context: Context) -> Look:
        """Probe once."""
        try:
            verdict = self._check.probe(context)
        except Exception as fault:  # a check of whoever must not end the watch of everything else
            return Look(lost=f"the check broke: {type(fault).__name__}: {fault}")
        self._last = verdict
        if verdict.outcome is Outcome.UNDECIDED:
            self._undecided += 1
            return Look(shown=verdict.value, lost=verdict.reason)
        if verdict.is_good:
            self._passed += 1
            return Look(value=0.0, shown=verdict.value)
        self._failed += 1
        self._first_failure = self._first_failure or verdict
        return Look(value=1.0, shown=verdict.value, fired=verdict.reason)

    def state(self) -> dict[str, Json]:
        """Counts, the last verdict and the first failure."""
        return {
            "passed": self._passed,
            "failed": self._failed,
            "undecided": self._undecided,
            "last": self._last.to_json() if self._last else None,
            "first_failure": self._first_failure.to_json() if self._first_failure else None,
        }

    def verdict(self) -> Verdict:
        """Failed when a look failed, passed when one passed, else undecided."""
        looks = self._passed + self._failed + self._undecided
        values: dict[str, Json] = {"looks": looks, "failed_looks": self._failed}
        if self._first_failure is not None:
            reason = f"{self._failed:,} of {looks:,} looks failed, first: {self._first_failure.reason}"
            return Verdict(Outcome.FAILED, reason, self._first_failure.value, values)
        if self._last is None or not self._passed:
            why = self._last.reason if self._last else "nobody has looked yet"
            return Verdict(Outcome.UNDECIDED, why, self._last.value if self._last else "", values)
        values |= self._last.values
        return Verdict(
            Outcome.PASSED,
            f"all {self._passed:,} looks passed, last: {self._last.reason}",
            self._last.value,
            values,
        )


def _count(value: Json) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value


def _verdict(value: Json) -> Verdict | None:
    return Verdict.from_json(value) if isinstance(value, dict) else None
