"""How a watch stands, in a word and in a few more: the same for screens, plain lines and reports. Pure.

What nobody looked at is never called watched: where the keeper is gone, or has not looked for too long, that is
the word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from orion_deploy.kinds.verdict import Outcome
from orion_deploy.run.state import Attempt
from orion_deploy.run.watches.advance import LATE_LOOKS, PAUSE_S_MAX
from orion_deploy.run.watches.record import Clocks, WatchRecord
from orion_deploy.run.words import OUTCOMES, Sign, length, moment

GRACE_S = 5.0
"""A keeper that has just been started, or that hands over to another, is given so long."""


class Standing(StrEnum):
    """What is to be said of a watch first."""

    WATCHING = "watching"
    FIRED = "fired"
    UNWATCHED = "nobody watches"
    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "undecided"
    EARLY = "ended early"


SIGNS: Mapping[Standing, Sign] = {
    Standing.WATCHING: Sign("◔", "watching", "run"),
    Standing.FIRED: Sign("!", "fired", "bad"),
    Standing.UNWATCHED: Sign("!", "unwatched", "bad"),
    Standing.PASSED: OUTCOMES[Outcome.PASSED],
    Standing.FAILED: OUTCOMES[Outcome.FAILED],
    Standing.UNDECIDED: OUTCOMES[Outcome.UNDECIDED],
    Standing.EARLY: Sign("-", "ended early", "warn"),
}
"""For a row: glyph and one short word."""
MEANINGS: Mapping[Standing, str] = {
    Standing.WATCHING: "it is watched, also when you leave; w shows all watches",
    Standing.FIRED: "its watch saw a reason to turn back; it is watched on",
    Standing.UNWATCHED: "its watch is open, and nobody looks: that time is a gap",
}
"""Of those that an outline's row can have."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A watch for a reader: its last look, what the run says of it, and whether anybody looks."""

    record: WatchRecord
    attempt: Attempt
    is_kept: bool = False
    """Whether somebody looks at the run's watches now."""

    @property
    def is_open(self) -> bool:
        """Whether it is under way."""
        return not self.attempt.ending

    def standing(self, now: float) -> Standing:
        """The word for it."""
        if not self.is_open:
            return self._ended()
        if self.record.ended_at is not None:
            return _judged(self.record)
        if self.record.fired_count:
            return Standing.FIRED
        return Standing.UNWATCHED if self.why_unwatched(now) else Standing.WATCHING

    def _ended(self) -> Standing:
        outcome = self.attempt.verdict.outcome if self.attempt.verdict is not None else None
        if outcome is Outcome.FAILED:
            return Standing.FAILED
        if self.attempt.why != "elapsed":
            return Standing.EARLY
        return Standing.PASSED if outcome in (Outcome.PASSED, Outcome.NOT_APPLICABLE) else Standing.UNDECIDED

    def why_unwatched(self, now: float) -> str:
        """Why nobody looks, where nobody does; empty otherwise. A watch that ended needs nobody."""
        return why_unwatched(self.record, now, is_kept=self.is_kept) if self.is_open else ""


def why_unwatched(record: WatchRecord, now: float, *, is_kept: bool) -> str:
    """Why nobody looks at an open watch, where nobody does; empty otherwise. `is_kept`: whether there is a keeper."""
    if record.ended_at is not None:
        return ""
    ago_s = now - record.looked.wall
    if not is_kept:
        return f"last looked {length(ago_s)} ago" if ago_s >= GRACE_S else ""
    if ago_s > max(PAUSE_S_MAX, LATE_LOOKS * record.every_s) + GRACE_S:
        return f"no look for {length(ago_s)}, though its keeper lives"
    return ""


def _judged(record: WatchRecord) -> Standing:
    verdict = record.judged()
    if verdict is None or verdict.outcome is Outcome.UNDECIDED:
        return Standing.UNDECIDED
    return Standing.PASSED if verdict.is_good else Standing.FAILED


def unseen(step_id: str, attempt: Attempt, title: str = "") -> WatchRecord:
    """The record of a watch at which nobody has looked yet."""
    return WatchRecord(
        step=step_id,
        attempt=attempt.number,
        title=title,
        kind=attempt.what,
        watch_s=attempt.watched.watch_s if attempt.watched is not None else 0.0,
        every_s=0.0,
        started_at=attempt.started_at,
        looked=Clocks(wall=attempt.started_at),
    )


def progress(record: WatchRecord, now: float, *, is_due: bool = True) -> str:
    """`2 h 10 min of 24 h watched, 21 h 50 min left, due Thu 22:40`; of one that ended, without what is left.

    Not `is_due` where nobody watches: then nobody knows when it ends.
    """
    done = f"{length(record.observed_s)} of {length(record.watch_s)} watched"
    if record.ended_at is not None:
        return f"{done}, ended {moment(record.ended_at, now)}"
    left = f"{done}, {length(record.left_s)} left"
    return f"{left}, due {moment(record.due_at, now)}" if is_due else left


def number(value: float | None, unit: str) -> str:
    """`1.8 ms`, `5,213 lines`, with no more digits than one reads."""
    if value is None:
        return "nothing to measure"
    text = f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"
    return f"{text} {unit}".rstrip()


def gaps_in_words(record: WatchRecord) -> str:
    """`no gaps`, or `2 gaps, 14 min not watched`."""
    if not record.gaps_count:
        return "no gaps"
    count = "1 gap" if record.gaps_count == 1 else f"{record.gaps_count:,} gaps"
    return f"{count}, {length(record.gap_s)} not watched"


@dataclass(frozen=True, slots=True)
class Summary:
    """All open watches of a run, in few words."""

    text: str = ""
    short: str = ""
    """The same for little room."""
    is_alarm: bool = False


NO_WATCHES = Summary()


def summary(watches: Iterable[Seen], now: float) -> Summary:
    """What a line about the whole run says: how many are open, the longest time left, and what is wrong first."""
    found = [seen for seen in watches if seen.is_open]
    if not found:
        return NO_WATCHES
    count = "1 watch" if len(found) == 1 else f"{len(found)} watches"
    alarm = []
    if fired := sum(seen.standing(now) is Standing.FIRED for seen in found):
        alarm.append(f"{fired} of {count} FIRED" if len(found) > 1 else "WATCH FIRED")
    if any(seen.why_unwatched(now) for seen in found):
        alarm.append("NOBODY WATCHES")
    if alarm:
        text = ", ".join(alarm)
        return Summary(f"{text}, {count}" if not fired else text, text, is_alarm=True)
    left_s = max(seen.record.left_s for seen in found)
    return Summary(f"{count}, {length(left_s)} left", count)
