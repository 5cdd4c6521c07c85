"""Watches as their keeper would leave them after two hours, for pictures and for tests of the screens: no process looks."""

from __future__ import annotations

import fcntl
import json
import math
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from orion_deploy.kinds.verdict import Outcome, Verdict
from orion_deploy.run import events as ev
from orion_deploy.run.desk import folder_name
from orion_deploy.run.session import Session
from orion_deploy.run.watches import reading
from orion_deploy.run.watches.record import Clocks, Firing, Gap, Line, Point, WatchRecord, to_json
from orion_deploy.run.watches.standing import unseen

HOURS = 3600.0
LOOKS_EVERY_S = 120.0
LENGTH_H = 2.2
SINCE_S = 3.0
"""Since the last look."""
GOOD = Outcome.PASSED
Record = Callable[[WatchRecord], WatchRecord]


def looked_at(
    record: WatchRecord,
    hours: float,
    value: Callable[[float], float],
    *,
    unit: str,
    limit: float | None,
    shown: str,
    verdict: Verdict,
    gap: tuple[float, float, str] | None = None,
    **more: Any,
) -> WatchRecord:
    """A record after so many hours of looks; `value` is seen at each part (0 to 1) of them, but in a gap."""
    start, length_s = record.started_at, hours * HOURS
    hole = (start + gap[0] * HOURS, start + gap[1] * HOURS) if gap is not None else (0.0, 0.0)
    points = []
    for number in range(int(length_s / LOOKS_EVERY_S) + 1):
        at = start + number * LOOKS_EVERY_S
        if not hole[0] < at < hole[1]:
            seen = value((at - start) / length_s)
            points.append(Point(at, seen * 0.97, seen * 1.03, seen))
    gaps = (Gap(*hole, hole[1] - hole[0], gap[2]),) if gap is not None else ()
    gap_s = sum(each.length_s or 0.0 for each in gaps)
    facts: dict[str, Any] = {
        "every_s": 30.0,
        "looked": Clocks(wall=start + length_s),
        "unit": unit,
        "limit": limit,
        "looks": len(points),
        "observed_s": length_s - gap_s,
        "gap_s": gap_s,
        "gaps": gaps,
        "gaps_count": len(gaps),
        "value": points[-1].last,
        "shown": shown,
        "verdict": verdict.to_json(),
        "points": tuple(points),
        "point_s": LOOKS_EVERY_S,
    }
    return replace(record, **(facts | more))


def watched(session: Session, start: float, *, is_slow: bool = False, is_asleep: bool = False) -> float:
    """Record the four watches of `tests/tui/watched.md`, begun at `start`; returns how long they have been watched."""
    gap = (0.6, 1.1, "the machine slept") if is_asleep else None
    log = "/srv/shop/shop.log"

    def errors(record: WatchRecord) -> WatchRecord:
        good = Verdict(GOOD, "no line of 81,204 matches", "0 lines")
        return looked_at(
            record, 2.2, lambda _part: 0.0, unit="lines", limit=0, shown="0 lines", verdict=good, gap=gap
        )

    def latency(record: WatchRecord) -> WatchRecord:
        def value(part: float) -> float:
            return (
                2.0
                + 0.6 * math.sin(part * 21)
                + (11.0 * (part - 0.85) / 0.15 if is_slow and part > 0.85 else 0)
            )

        good = Verdict(GOOD, "p95 of 20,417 is 2.6 ms, below 10 ms", "p95 2.6 ms")
        bad = Verdict(Outcome.FAILED, "p95 of 20,417 is 12.6 ms, not below 10 ms", "p95 12.6 ms")
        fired = {
            "fired": (
                Firing(start + 2.1 * HOURS, "p95 of the last 10 min is 12.6 ms, above 10 ms", "12.6 ms"),
            ),
            "fired_count": 1,
            "lines": tuple(
                Line(
                    start + 2.2 * HOURS - 40 + 4 * n,
                    f"2026-01-30 00:4{n} store: order {8117 + n} stored in {12.1 + n / 4:.1f} ms",
                    log,
                    90_000 + 60 * n,
                )
                for n in range(8)
            ),
        }
        return looked_at(
            record,
            2.2,
            value,
            unit="ms",
            limit=10.0,
            shown="p95 12.6 ms of 214" if is_slow else "p95 2.1 ms of 198",
            verdict=bad if is_slow else good,
            gap=gap,
            **(fired if is_slow else {}),
        )

    def memory(record: WatchRecord) -> WatchRecord:
        good = Verdict(GOOD, "418 MB, 2 % above the baseline of 410 MB", "418 MB")
        return looked_at(
            record,
            2.2,
            lambda part: 410 + 8 * part + 2 * math.sin(part * 60),
            unit="MB",
            limit=492.0,
            shown="418 MB, +2 %",
            verdict=good,
            gap=gap,
        )

    def there(record: WatchRecord) -> WatchRecord:
        good = Verdict(GOOD, "all 264 looks passed, last: it is there", "14 bytes")
        return looked_at(
            record, 2.2, lambda _part: 0.0, unit="", limit=None, shown="14 bytes", verdict=good, gap=gap
        )

    for step_id, record in (("errors", errors), ("latency", latency), ("memory", memory), ("open", there)):
        put_down(session, step_id, record)
    return LENGTH_H * HOURS + SINCE_S


def put_down(session: Session, step_id: str, record: Record) -> None:
    """Record that a step is being watched, and what its keeper saw so far."""
    step = session.step(step_id)
    assert step.facts.watch is not None
    session._append(
        ev.WatchStarted(
            step=step.id, attempt=1, title=step.title, what=step.facts.watch.name, watch_s=24 * HOURS
        )
    )
    attempt = session.state.step(step.id).attempts[-1]
    folder = reading.watch_folder(session.directory, folder_name(step.id), attempt.number)
    folder.mkdir(parents=True, exist_ok=True)
    seen = record(unseen(step.id, attempt, step.title))
    (folder / reading.LIVE_NAME).write_text(json.dumps(to_json(seen)))


def is_kept(session: Session) -> int:
    """Somebody looks at the watches, as their keeper says by its lock; close what is returned, and nobody does."""
    fd = os.open(session.directory / reading.LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(fd, fcntl.LOCK_EX)
    os.write(fd, json.dumps({"pid": 4711, "who": "ann@shop-1", "since": session.edge.now()}).encode())
    return fd
