"""Time is watched, or it is a gap: nothing is counted twice, nothing is called fine that nobody saw."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orion_deploy.kinds.watching import Found, Look
from orion_deploy.run.watches import advance as adv
from orion_deploy.run.watches.advance import advance
from orion_deploy.run.watches.record import (
    FIRINGS_MAX,
    GAPS_MAX,
    LINES_MAX,
    POINTS_MAX,
    Clocks,
    Spec,
    WatchRecord,
    new_record,
    record_of,
    spec_of,
    to_json,
)

WALL = 1_770_000_000.0
HOUR_S = 3600.0
START = Clocks(WALL, 500.0, 400.0, "boot-1")
SPEC = Spec(
    step="errors",
    attempt=1,
    title="No errors",
    kind="logs.absent",
    parameters={"path": "orion.log"},
    watch_s=24 * HOUR_S,
    every_s=None,
    cwd="/srv",
    run="r1",
    variables={"A": "1"},
    secrets=("TOKEN",),
    started=START,
)
FINE = Look(value=1.0, shown="fine")


def fresh(*, every_s: float = 10.0, sees_back: bool = False, watch_s: float = 24 * HOUR_S) -> WatchRecord:
    """A watch at which nobody has looked yet."""
    spec = replace(SPEC, watch_s=watch_s)
    return new_record(spec, every_s=every_s, unit="ms", limit=2.0, sees_back=sees_back)


def later(clocks: Clocks, s: float, *, asleep_s: float = 0.0, wall_step_s: float = 0.0) -> Clocks:
    """The moment `s` after another one; some of it asleep, and the wall clock set meanwhile."""
    return Clocks(
        clocks.wall + s + wall_step_s, clocks.boot_s + s, clocks.awake_s + s - asleep_s, clocks.boot_id
    )


def watched(record: WatchRecord, pauses_s: Iterable[float], look: Look = FINE) -> WatchRecord:
    """Look after each of these pauses."""
    for pause_s in pauses_s:
        record = advance(record, later(record.looked, pause_s), look)
    return record


def test_a_day_of_looks_is_a_day_watched() -> None:
    """It ends when it has been watched as long as it was to be, and not before."""
    record = watched(fresh(), [10.0] * 8639)
    assert (record.ended_at, record.left_s) == (None, 10.0)
    record = watched(record, [10.0])
    assert record.ended_at == WALL + 24 * HOUR_S
    assert (record.observed_s, record.gap_s, record.gaps) == (24 * HOUR_S, 0.0, ())
    assert watched(record, [10.0]) == record


def test_time_in_which_nobody_looked_is_a_gap_and_makes_the_watch_longer() -> None:
    """The app was closed for 25 hours: not one second of it counts, and it is told."""
    record = watched(fresh(), [10.0] * 360)
    record = watched(record, [25 * HOUR_S])
    (gap,) = record.gaps
    assert (gap.at, gap.until, gap.length_s, gap.why) == (
        WALL + HOUR_S,
        WALL + 26 * HOUR_S,
        25 * HOUR_S,
        adv.NOBODY_WATCHED,
    )
    assert (record.observed_s, record.left_s) == (HOUR_S, 23 * HOUR_S)
    assert record.due_at == WALL + 49 * HOUR_S


def test_a_log_is_read_afterwards_unless_the_machine_slept() -> None:
    """What stands in a log is seen later; of an app that slept with the machine nothing can stand there."""
    record = watched(fresh(sees_back=True), [HOUR_S])
    assert (record.observed_s, record.gaps) == (HOUR_S, ())
    slept = advance(record, later(record.looked, 26 * HOUR_S, asleep_s=25 * HOUR_S), FINE)
    assert slept.observed_s == 2 * HOUR_S
    (gap,) = slept.gaps
    assert (gap.length_s, gap.why) == (25 * HOUR_S, adv.ASLEEP)


def test_the_wall_clock_may_be_set() -> None:
    """Two hours back, summer time, a day forward: the length of the watch does not depend on it."""
    record = fresh()
    for step_s in (-2 * HOUR_S, HOUR_S, -HOUR_S, 24 * HOUR_S):
        record = advance(record, later(record.looked, 10.0, wall_step_s=step_s), FINE)
    assert (record.observed_s, record.gaps) == (40.0, ())


@pytest.mark.parametrize(
    ("wall_s", "length_s", "why"),
    [(600.0, 600.0, adv.RESTARTED), (-7200.0, None, adv.CLOCK_WENT_BACK)],
)
@pytest.mark.parametrize("sees_back", [False, True])
def test_a_reboot_is_a_gap(wall_s: float, length_s: float | None, why: str, *, sees_back: bool) -> None:
    """The machine was down for an unknown part of it; of a clock that went back not even the length is known."""
    record = watched(fresh(sees_back=sees_back), [10.0])
    record = advance(record, Clocks(record.looked.wall + wall_s, 5.0, 5.0, "boot-2"), FINE)
    (gap,) = record.gaps
    assert (gap.length_s, gap.why) == (length_s, why)
    assert record.observed_s == 10.0
    assert watched(record, [10.0]).observed_s == 20.0


def test_a_look_that_could_not_see_is_a_gap() -> None:
    """A log that was lost is not a log without errors. Looks that cannot see one after the other are one gap."""
    record = watched(fresh(sees_back=True), [10.0])
    record = watched(record, [10.0] * 3, Look(lost="orion.log is not there"))
    (gap,) = record.gaps
    assert (gap.length_s, gap.why, record.lost) == (30.0, "orion.log is not there", "orion.log is not there")
    assert (record.observed_s, record.shown) == (10.0, "fine")
    assert watched(record, [10.0]).lost == ""


def test_a_firing_begins_once_and_ends_when_a_look_sees_no_more_reason() -> None:
    """Ten looks that see the same trouble are one firing; a look that sees nothing at all does not end it."""
    record = watched(fresh(), [10.0] * 10, Look(value=12.0, shown="12 ms", fired="send() takes 12 ms"))
    assert [(f.at, f.reason, f.until) for f in record.fired] == [(WALL + 10, "send() takes 12 ms", None)]
    record = watched(record, [10.0], Look(lost="no log"))
    assert record.is_firing
    record = watched(record, [10.0])
    assert (record.is_firing, record.fired[-1].until, record.fired_count) == (False, WALL + 120, 1)


LOOKS = st.builds(
    Look,
    value=st.none() | st.floats(-1e9, 1e9),
    shown=st.sampled_from(["", "x"]),
    fired=st.sampled_from(["", "", "too slow"]),
    lost=st.sampled_from(["", "", "no log"]),
    lines=st.lists(st.builds(Found, st.text(max_size=5)), max_size=3).map(tuple),
)
STEPS = st.lists(
    st.tuples(
        LOOKS,
        st.floats(0, 1e5),
        st.floats(0, 1),
        st.floats(-1e5, 1e5),
        st.booleans(),
    ),
    max_size=30,
)


@given(STEPS, st.booleans())
def test_every_second_is_watched_or_a_gap(
    steps: list[tuple[Look, float, float, float, bool]], sees_back: bool
) -> None:
    """Whatever happens: time since the start, where it is known, is watched time and gaps, and nothing else."""
    record, known_s = fresh(sees_back=sees_back, watch_s=1e9), 0.0
    for look, s, asleep, wall_step_s, reboots in steps:
        before = record.looked
        now = later(before, s, asleep_s=s * asleep, wall_step_s=wall_step_s)
        if reboots:
            now = Clocks(now.wall, 1.0, 1.0, before.boot_id + "x")
        known_s += max(0.0, now.wall - before.wall) if reboots else now.boot_s - before.boot_s
        record = advance(record, now, look)
        assert record_of(json.loads(json.dumps(to_json(record)))) == record
    assert record.observed_s + record.gap_s == pytest.approx(known_s, abs=1e-3)
    assert record.gap_s == pytest.approx(sum(g.length_s or 0.0 for g in record.gaps), abs=1e-3)
    assert record.observed_s >= 0


def test_what_is_kept_is_bounded() -> None:
    """A month of trouble makes no record larger than its limits, and the trend still covers all of it."""
    record = fresh(watch_s=1e9)
    for number in range(6000):
        bad = number % 2
        look = Look(value=float(number), fired="bad" if bad else "", lines=(Found(f"line {number}"),))
        record = advance(record, later(record.looked, 500.0 if number % 3 else 10.0), look)
    assert len(record.gaps) <= GAPS_MAX < record.gaps_count
    assert len(record.fired) == FIRINGS_MAX < record.fired_count
    assert [len(record.lines), record.lines[-1].text] == [LINES_MAX, "line 5999"]
    assert POINTS_MAX // 2 <= len(record.points) <= POINTS_MAX
    assert record.points[0].low == 0.0
    assert record.points[-1].last == 5999.0
    assert len(json.dumps(to_json(record))) < 100_000


def test_beyond_the_limit_gaps_are_joined_counted_and_measured_as_before() -> None:
    """Time nobody saw stays right whatever the number of gaps: looks lost one after the other are one gap, also the last."""
    record, lost = fresh(watch_s=1e9), Look(lost="no log")
    for number in range(GAPS_MAX + 50):
        record = watched(record, [10.0], FINE)
        record = watched(record, [10.0] * 3, lost)
        assert record.gaps_count == number + 1
        assert record.gap_s == pytest.approx(30.0 * (number + 1))
        last = record.gaps[-1]
        assert (last.until, last.why) == (record.looked.wall, "no log")
        assert last.length_s == pytest.approx(30.0)
    assert len(record.gaps) == GAPS_MAX
    assert [g.at for g in record.gaps] == [WALL + 10.0 + 40.0 * n for n in range(50, GAPS_MAX + 50)]
    assert record.observed_s == pytest.approx(10.0 * (GAPS_MAX + 50))


def test_a_spec_comes_back() -> None:
    """What is to be watched is read as it was written; of a newer program it is refused."""
    data = json.loads(json.dumps(to_json(SPEC)))
    assert spec_of(data) == SPEC
    with pytest.raises(ValueError, match="schema 2"):
        spec_of({**data, "schema": 2})
