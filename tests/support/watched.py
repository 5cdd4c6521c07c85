"""Watches for the tests of screens: records as a keeper would leave them, and a checklist with real, short ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from orion_deploy.kinds.verdict import Outcome, Verdict
from orion_deploy.run.state import Attempt, Watched
from orion_deploy.run.watches.record import Clocks, WatchRecord
from orion_deploy.run.watches.standing import Seen, unseen

NOW = 1_769_725_860.0
"""2026-01-29 22:31 UTC, a Thursday."""
HOUR_S = 3600.0
DAY_S = 24 * HOUR_S

BOOK = """# Release

## Work

- [ ] The file is there
  ```yaml step
  id: there
  watch: {files.exists: {path: there.txt}}
  for: 2h
  every: 0.2
  ```
- [ ] For a moment
  ```yaml step
  id: moment
  watch: {files.exists: {path: there.txt}}
  for: 1
  every: 0.2
  ```
- [ ] Something else
  ```bash
  echo else
  ```

## Rollback

Turn back if the file goes.

1. Put it back
   ```bash
   touch there.txt
   ```
"""


def attempt(**changes: Any) -> Attempt:
    """The attempt of a watch of a day that began two hours ago."""
    made = Attempt(
        number=1,
        block=0,
        what="logs.latency",
        started_at=NOW - 2 * HOUR_S,
        by="ann@shop",
        watched=Watched(DAY_S),
    )
    return replace(made, **changes)


def record(**changes: Any) -> WatchRecord:
    """What its keeper saw: looked a moment ago, all well."""
    seen = replace(
        unseen("latency", attempt(), "An order is stored quickly"),
        every_s=30.0,
        looked=Clocks(wall=NOW - 1),
        looks=240,
        observed_s=2 * HOUR_S,
        unit="ms",
        limit=10.0,
        value=2.1,
        shown="p95 2.1 ms of 198",
        verdict=Verdict(Outcome.PASSED, "p95 of 20,417 is 2.6 ms, below 10 ms").to_json(),
    )
    return replace(seen, **changes)


def seen(*, is_kept: bool = True, ended: dict[str, Any] | None = None, **changes: Any) -> Seen:
    """The same for a reader; `ended` is what the run says of its end."""
    return Seen(record(**changes), attempt(**(ended or {})), is_kept)
