"""One look further: from a watch, a moment and what was seen to the watch after it. Pure.

Time is counted by the clock since boot, never by the wall: that one is set, and jumps twice a year. Only where
the machine was started anew does the wall have to do. Time counts as watched when somebody looked often
enough, or when the look sees back and the machine was up; all other time is a gap, and makes the watch longer.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from orion_deploy.run.watches.record import (
    FIRINGS_MAX,
    FLOAT_MAX,
    GAPS_MAX,
    LINES_MAX,
    POINTS_MAX,
    Clocks,
    Firing,
    Gap,
    Line,
    Point,
    WatchRecord,
)

if TYPE_CHECKING:
    from orion_deploy.kinds.watching import Look

PAUSE_S_MAX = 60.0
"""Between two looks, however often a watch looks: less is a busy machine, more is a gap."""
LATE_LOOKS = 3
"""A watch that looks rarely may be late by so many looks before the time is a gap."""
POINT_S_MIN = 1.0
SLEPT_S_MIN = 5.0

NOBODY_WATCHED = "nobody watched"
ASLEEP = "the machine slept"
RESTARTED = "the machine was started anew"
CLOCK_WENT_BACK = "the machine was started anew, and its clock went back"


def advance(record: WatchRecord, now: Clocks, look: Look) -> WatchRecord:
    """The watch after one more look. A watch that ended stays as it is."""
    if record.ended_at is not None:
        return record
    record = _timed(record, now, look)
    if look.value is not None and not -FLOAT_MAX <= look.value <= FLOAT_MAX:
        look = replace(look, value=None)  # No number: nothing to plot, and no file could hold it.
    record = replace(
        record,
        looked=now,
        looks=record.looks + 1,
        value=look.value if look.value is not None else record.value,
        shown=look.shown or record.shown,
        lost=look.lost,
        lines=_with_lines(record, now, look),
    )
    record = _fired(record, now, look)
    if look.value is not None:
        record = _trend(record, now.wall, look.value)
    if record.observed_s >= record.watch_s:
        record = replace(record, ended_at=now.wall)
    return record


def _timed(record: WatchRecord, now: Clocks, look: Look) -> WatchRecord:
    """Count the time since the last look as watched, or as a gap."""
    before = record.looked
    length_s, slept_s, why = _since(before, now)
    tolerated_s = max(PAUSE_S_MAX, LATE_LOOKS * record.every_s)
    if look.lost:
        return _gap(record, Gap(before.wall, now.wall, length_s, look.lost))
    if why:
        return _gap(record, Gap(before.wall, now.wall, length_s, why))
    assert length_s is not None
    if slept_s >= SLEPT_S_MIN and slept_s + record.every_s > tolerated_s:
        awake_s = length_s - slept_s
        record = _gap(record, Gap(now.wall - slept_s, now.wall, slept_s, ASLEEP))
        return _gap_or_watched(record, before, now, awake_s, tolerated_s)
    return _gap_or_watched(record, before, now, length_s, tolerated_s)


def _gap_or_watched(
    record: WatchRecord, before: Clocks, now: Clocks, length_s: float, tolerated_s: float
) -> WatchRecord:
    if length_s <= tolerated_s or record.sees_back:
        return replace(record, observed_s=record.observed_s + length_s)
    return _gap(record, Gap(before.wall, now.wall, length_s, NOBODY_WATCHED))


def _since(before: Clocks, now: Clocks) -> tuple[float | None, float, str]:
    """Length of the time between two moments, how much of it the machine slept, and why it is a gap in any case."""
    if before.boot_id == now.boot_id and now.boot_s >= before.boot_s:
        length_s = now.boot_s - before.boot_s
        return length_s, max(0.0, length_s - max(0.0, now.awake_s - before.awake_s)), ""
    length_s = now.wall - before.wall
    return (length_s, 0.0, RESTARTED) if length_s >= 0 else (None, 0.0, CLOCK_WENT_BACK)


def _gap(record: WatchRecord, gap: Gap) -> WatchRecord:
    """With one more gap; one that goes on from the last, for the same reason, makes that longer."""
    gaps, count = record.gaps, record.gaps_count
    last = gaps[-1] if gaps else None
    goes_on = last is not None and last.until == gap.at and last.why == gap.why
    if goes_on and last is not None and last.length_s is not None and gap.length_s is not None:
        gaps = (*gaps[:-1], replace(last, until=gap.until, length_s=last.length_s + gap.length_s))
    else:
        gaps, count = (*gaps, gap)[-GAPS_MAX:], count + 1
    return replace(record, gaps=gaps, gaps_count=count, gap_s=record.gap_s + (gap.length_s or 0.0))


def _fired(record: WatchRecord, now: Clocks, look: Look) -> WatchRecord:
    """Note that a reason to turn back is seen, or no longer seen. A look that saw nothing changes nothing."""
    if look.fired and not record.is_firing:
        firing = Firing(now.wall, look.fired, look.shown)
        return replace(
            record, fired=(*record.fired, firing)[-FIRINGS_MAX:], fired_count=record.fired_count + 1
        )
    if record.is_firing and not look.fired and not look.lost:
        return replace(record, fired=(*record.fired[:-1], replace(record.fired[-1], until=now.wall)))
    return record


def _with_lines(record: WatchRecord, now: Clocks, look: Look) -> tuple[Line, ...]:
    found = tuple(Line(now.wall, line.text, line.path, line.offset_bytes) for line in look.lines)
    return (*record.lines, *found)[-LINES_MAX:] if found else record.lines


def _trend(record: WatchRecord, at: float, value: float) -> WatchRecord:
    """The trend with one more value; bounded by joining each two neighbours when it is full."""
    points, point_s = record.points, record.point_s or POINT_S_MIN
    last = points[-1] if points else None
    if last is not None and 0 <= at - last.at < point_s:
        joined = Point(last.at, min(last.low, value), max(last.high, value), value)
        return replace(record, points=(*points[:-1], joined), point_s=point_s)
    if len(points) >= POINTS_MAX:
        pairs = zip(points[::2], points[1::2], strict=True)
        points = tuple(Point(a.at, min(a.low, b.low), max(a.high, b.high), b.last) for a, b in pairs)
        point_s *= 2
    return replace(record, points=(*points, Point(at, value, value, value)), point_s=point_s)
