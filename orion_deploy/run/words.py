"""The words for what happened: a glyph never stands without its word, a number never without its unit. Pure."""

from __future__ import annotations

import time
from typing import NamedTuple

from orion_deploy.kinds.verdict import Outcome
from orion_deploy.run.state import Status

HOURS_MAX = 48
"""So many hours and more are told as days: checklists speak of 24 hours."""
NEAR_S = 6 * 86_400.0
"""So near a day of the week tells the day."""


class Sign(NamedTuple):
    """How a status looks: every glyph is one column wide in every font, and none is an emoji."""

    glyph: str
    word: str
    role: str

    @property
    def text(self) -> str:
        """Glyph and word."""
        return f"{self.glyph} {self.word}"


SIGNS: dict[Status, Sign] = {
    Status.TODO: Sign("·", "todo", "dim"),
    Status.RUNNING: Sign("▸", "running", "run"),
    Status.UNDECIDED: Sign("~", "undecided", "warn"),
    Status.DONE: Sign("✓", "done", "ok"),
    Status.FAILED: Sign("✗", "failed", "bad"),
    Status.SKIPPED: Sign("-", "skipped", "warn"),
    Status.UNKNOWN: Sign("?", "unknown", "bad"),
    Status.CHANGED: Sign("*", "changed", "warn"),
}

NOT_APPLICABLE = Sign("-", "n/a", "dim")
"""Skipped, and nobody decided that: its `when` does not hold."""
WAITS = Sign("·", "waits", "dim")
"""To do, but only when the choice that it depends on is made."""

OUTCOMES: dict[Outcome, Sign] = {
    Outcome.PASSED: Sign("✓", "passed", "ok"),
    Outcome.FAILED: Sign("✗", "failed", "bad"),
    Outcome.UNDECIDED: Sign("~", "undecided", "warn"),
    Outcome.NOT_APPLICABLE: Sign("✓", "not applicable", "ok"),
}


def duration(seconds: float) -> str:
    """Say how long, in the two largest units: `under 0.1 s`, `0.3 s`, `42 s`, `12 min 05 s`, `1 h 04 min`, `24 h`, `2 d 3 h`."""
    if seconds < 0.1:
        return "under 0.1 s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return minutes(seconds)


def minutes(seconds: float) -> str:
    """Say how long without seconds: `under 1 min`, `12 min`, `1 h 04 min`, `24 h`, `2 d 3 h`; in hours up to two days."""
    whole = max(0, int(seconds)) // 60
    if whole < 1:
        return "under 1 min"
    if whole < 60:
        return f"{whole} min"
    hours, rest = divmod(whole, 60)
    if hours < HOURS_MAX:
        return f"{hours} h {rest:02d} min" if rest else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def clock(at: float, now: float | None = None) -> str:
    """The local time of day, `22:31:07`; with its date where that is not the day of `now`."""
    then = time.localtime(at)
    if now is not None and time.localtime(now)[:3] == then[:3]:
        return time.strftime("%H:%M:%S", then)
    return time.strftime("%Y-%m-%d %H:%M:%S", then)


def size(count: int) -> str:
    """Say how many bytes: `812 bytes`, `1.2 MB` (powers of 1000)."""
    if count < 1000:
        return counted(count, "byte")
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 1000 or unit == "GB":
            return f"{value:.1f} {unit}"
    raise AssertionError("unreachable")


def counted(number: int, noun: str) -> str:
    """`1 step`, `3 steps`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def length(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`: two units at most, rounded to the smaller one."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < HOURS_MAX:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(round(seconds / 3600), 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def moment(at: float, now: float) -> str:
    """The minute of a time as one says it now: `22:40` today, `Thu 22:40` within a week, else with its date."""
    then, today = time.localtime(at), time.localtime(now)
    if then[:3] == today[:3]:
        return time.strftime("%H:%M", then)
    form = "%a %H:%M" if abs(at - now) < NEAR_S else "%Y-%m-%d %H:%M"
    return time.strftime(form, then)
