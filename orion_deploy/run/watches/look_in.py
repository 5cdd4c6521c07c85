"""The watches of a run as plain data, for `status` and `watch --json`. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orion_deploy.errors import StoreError
from orion_deploy.run.watches.reading import keeper_of, read_all
from orion_deploy.run.watches.record import WatchRecord
from orion_deploy.run.watches.standing import Standing, why_unwatched

if TYPE_CHECKING:
    from orion_deploy.run.watches.reading import Keeper

LINES_TOLD_MAX = 5


def watches_of(directory: str, under_way: Mapping[str, int], now: float) -> list[dict[str, Any]]:
    """The watches under way: `under_way` is step id to the number of its attempt."""
    keeper, fault = None, ""
    try:
        keeper = keeper_of(Path(directory))
    except StoreError as error:
        fault = error.what
    records = {(r.step, r.attempt): r for r in read_all(Path(directory))}
    found = []
    for step, attempt in under_way.items():
        record = records.get((step, attempt))
        if record is not None:
            found.append(facts_of(record, keeper, now, fault))
    return found


def facts_of(record: WatchRecord, keeper: Keeper | None, now: float, fault: str = "") -> dict[str, Any]:
    """One watch: what it sees, how long it still takes, and whether anybody looks now; `fault`: why nobody can tell."""
    judged = record.verdict
    unwatched = why_unwatched(record, now, is_kept=keeper is not None)
    return {
        "step": record.step,
        "attempt": record.attempt,
        "title": record.title,
        "kind": record.kind,
        "state": _state(record, keeper, unwatched, is_known=not fault),
        "unwatched": unwatched,
        "is_watched_now": keeper is not None,
        "fault": fault,
        "watched_by": {"pid": keeper.pid, "since": keeper.since, "who": keeper.who} if keeper else None,
        "shown": record.shown,
        "value": record.value,
        "unit": record.unit,
        "limit": record.limit,
        "outcome": judged.get("outcome", ""),
        "reason": judged.get("reason", ""),
        "lost": record.lost,
        "started_at": record.started_at,
        "looked_at": record.looked.wall,
        "looked_s_ago": max(0.0, now - record.looked.wall),
        "watch_s": record.watch_s,
        "observed_s": record.observed_s,
        "left_s": record.left_s,
        "due_at": max(record.due_at, now + record.left_s) if record.ended_at is None else record.ended_at,
        "gaps": record.gaps_count,
        "gap_s": record.gap_s,
        "fired": [{"at": f.at, "reason": f.reason, "value": f.value, "until": f.until} for f in record.fired],
        "lines": [
            {"at": line.at, "text": line.text, "path": line.path, "offset_bytes": line.offset_bytes}
            for line in record.lines[-LINES_TOLD_MAX:]
        ],
    }


def _state(record: WatchRecord, keeper: Keeper | None, unwatched: str, *, is_known: bool) -> str:
    """One word or two for where it stands: a reason to turn back comes first, then that nobody looks."""
    if record.ended_at is not None:
        return "ended"
    if record.is_firing:
        return "fires"
    if not is_known:
        return "unknown"
    if keeper is None or unwatched:
        return Standing.UNWATCHED.value
    if record.lost:
        return "cannot see"
    return (Standing.FIRED if record.fired_count else Standing.WATCHING).value
