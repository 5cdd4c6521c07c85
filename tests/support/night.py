"""A night in which nearly everything happened: for the eye, for the browser, and for the picture of the report."""

from __future__ import annotations

import math
from collections.abc import Iterator

from orion_deploy.report.evidence import Evidence, OutputText
from orion_deploy.run import events as ev
from orion_deploy.run.watches.record import Clocks, Firing, Gap, Line, Point, WatchRecord
from support.evidence import START, evidence, failed, opening, passed, step_id

NIGHT = """\
---
variables:
  REGION: {default: eu-1}
  TOKEN: {secret: true}
---

# Release 2.4 of the web shop

**Risk Level:** MEDIUM
**Estimated Time:** 15-30 minutes

## Before the release (MANDATORY)

- [ ] Choose a quiet hour
- [ ] See the disk has room

  ```bash
  df -h /srv/shop
  ```
- [ ] Back up the orders

  ```bash
  pg_dump orders > /backup/orders.sql
  ```

## Deployment

- [ ] Stop the shop (MANDATORY)

  ```bash
  systemctl stop shop
  ```
- [ ] Release the version

  ```bash
  deploy shop 2.4.0
  ```
- [ ] Warm the caches (optional)

  ```bash
  warm orders items
  ```
- [ ] Start the shop

  ```bash
  systemctl start shop
  ```

## The first day

- [ ] Watch the answers

  ```yaml step
  id: answers
  watch:
    logs.absent: {path: shop.log, patterns: ["answer .* slow"]}
  ```
- [ ] Put something into the basket

## Rollback

1. Stop the shop again

   ```bash
   systemctl stop shop
   ```
2. Start the old version

   ```bash
   deploy shop 2.3.9 && systemctl start shop
   ```

## Success criteria

- [ ] 24 hours without a failed order
"""


def night() -> Evidence:
    """A night in which nearly everything happened: for the eye, and for the browser."""
    ids = {words: step_id(words, NIGHT) for words in _NIGHT_TITLES}
    start = START + 1500
    gap = Gap(start + 5000.0, start + 7400.0, 2400.0, "the machine slept")
    record = WatchRecord(
        step=ids["Watch"],
        attempt=1,
        title="Watch the answers",
        kind="logs.absent",
        watch_s=86_400.0,
        every_s=30.0,
        started_at=start,
        looked=Clocks(wall=start + 13_900.0),
        unit="ms",
        limit=120.0,
        looks=412,
        observed_s=11_500.0,
        gap_s=2400.0,
        gaps=(gap,),
        gaps_count=1,
        value=141.0,
        shown="p95 141 ms of 2,340",
        verdict=failed("p95 141 ms, limit 120 ms"),
        fired=(Firing(start + 12_600.0, "p95 is over its limit", "141 ms"),),
        fired_count=1,
        lines=(
            Line(start + 12_600.0, "WARN answer to /basket was slow: 312 ms", "/srv/shop/shop.log", 81_233),
        ),
        points=tuple(_trend(start, gap)),
        point_s=60.0,
    )
    long = "\n".join(f"{n:4d}  /srv/shop/items/{n:04d}.json  ok" for n in range(60))
    tail = "\n".join(f"{n:4d}  /srv/shop/items/{n:04d}.json  ok" for n in range(9_950, 10_000))
    df = "Filesystem      Size  Used Avail Use% Mounted on\n/dev/vda1        40G   31G  7.2G  82% /srv\n"
    return evidence(
        ev.Approved(digest=opening(NIGHT).digest),
        ev.VariableSet(name="REGION", value="eu-1"),
        ev.VariableSet(name="TOKEN", secret=True),
        ev.Ticked(step=ids["quiet"], value="after the last order at 22:20"),
        ev.Started(step=ids["disk"], attempt=1, what="command", script_sha256="ab" * 32, cwd="/srv/shop"),
        ev.Finished(
            step=ids["disk"],
            attempt=1,
            duration_s=0.04,
            exit_status=0,
            output_bytes=len(df),
            output_sha256="cd" * 32,
            verdict=passed("7.2 GB free", "it ended with status 0"),
        ),
        ev.Ticked(step=ids["disk"], auto=True, value="7.2 GB free"),
        ev.Skipped(step=ids["Back up"], reason="the backup of 22:00 is whole, Ada looked", override=True),
        ev.Started(step=ids["Stop the shop (M"], attempt=1, what="command"),
        ev.Lost(step=ids["Stop the shop (M"], attempt=1, reason="the machine was started anew since"),
        ev.Opened(
            checklist="release.md",
            digest=opening(NIGHT).digest,
            cwd="/srv/shop",
            app="1.2.3",
            machine="db1",
            pid=991,
        ),
        ev.Resolved(step=ids["Stop the shop (M"], how="rerun", reason="it still answered"),
        ev.Started(step=ids["Stop the shop (M"], attempt=2, what="command"),
        ev.Finished(
            step=ids["Stop the shop (M"], attempt=2, duration_s=4.2, exit_status=0, verdict=passed("stopped")
        ),
        ev.Ticked(step=ids["Stop the shop (M"], auto=True, value="stopped"),
        ev.Started(step=ids["Release"], attempt=1, what="command", edited=True),
        ev.Finished(
            step=ids["Release"],
            attempt=1,
            duration_s=93.0,
            exit_status=0,
            output_bytes=420_000,
            output_sha256="ef" * 32,
            verdict=passed("10,000 files", "it ended with status 0", files=10_000, moved_bytes=48_213_004),
        ),
        ev.Ticked(step=ids["Release"], value="2.4.0"),
        ev.Noted(step=ids["Release"], text="The registry was slow.\nTold the platform team."),
        ev.Started(step=ids["Warm"], attempt=1, what="command"),
        ev.Finished(
            step=ids["Warm"],
            attempt=1,
            duration_s=1.1,
            exit_status=3,
            verdict=failed("it ended with status 3"),
        ),
        ev.Ticked(step=ids["Warm"], override="caches fill by themselves"),
        ev.Started(step=ids["Start the shop"], attempt=1, what="command"),
        ev.Finished(
            step=ids["Start the shop"], attempt=1, duration_s=2.0, exit_status=0, verdict=passed("active")
        ),
        ev.Ticked(step=ids["Start the shop"], auto=True, value="active"),
        ev.WatchStarted(step=ids["Watch"], attempt=1, what="logs.absent", watch_s=86_400.0, at=start),
        ev.WatchFired(
            step=ids["Watch"],
            attempt=1,
            reason="p95 is over its limit",
            value="141 ms",
            fired_at=start + 12_600.0,
            at=start + 12_630.0,
        ),
        ev.WatchEnded(
            step=ids["Watch"],
            attempt=1,
            why="turned back",
            ended_at=start + 13_900.0,
            observed_s=11_500.0,
            gap_s=2400.0,
            gaps=[{"at": gap.at, "until": gap.until, "length_s": gap.length_s, "why": gap.why}],
            verdict=failed("p95 141 ms, limit 120 ms", "141 ms"),
            at=start + 13_900.0,
        ),
        ev.RollbackEntered(
            reason="answers got slow",
            facts={"follows": ["nothing was written since the backup"]},
            at=start + 13_901.0,
        ),
        ev.Started(step=ids["again"], attempt=1, what="command", at=start + 13_950.0),
        ev.Finished(
            step=ids["again"],
            attempt=1,
            duration_s=4.0,
            exit_status=0,
            verdict=passed("stopped"),
            at=start + 13_954.0,
        ),
        ev.Ticked(step=ids["again"], auto=True, value="stopped", at=start + 13_954.0),
        ev.Started(step=ids["old version"], attempt=1, what="command", at=start + 13_960.0),
        ev.Finished(
            step=ids["old version"],
            attempt=1,
            duration_s=41.0,
            exit_status=0,
            verdict=passed("2.3.9"),
            at=start + 14_001.0,
        ),
        ev.Ticked(step=ids["old version"], value="2.3.9", at=start + 14_060.0),
        ev.RunFinished(result="rolled back", at=start + 14_120.0),
        ev.Closed(at=start + 14_121.0),
        text=NIGHT,
        outputs={
            (ids["disk"], 1): OutputText(df, "", len(df), 0),
            (ids["Release"], 1): OutputText(long, tail, 420_000, 415_000),
        },
        watches=[record],
        diff="--- as written\n+++ as run\n@@ -1 +1 @@\n-deploy shop 2.4.0\n+deploy shop 2.4.0 --region eu-1\n",
        script="deploy shop 2.4.0 --region eu-1",
    )


_NIGHT_TITLES = (
    "quiet",
    "disk",
    "Back up",
    "Stop the shop (M",
    "Release",
    "Warm",
    "Start the shop",
    "Watch",
    "again",
    "old version",
)


def _trend(start: float, gap: Gap) -> Iterator[Point]:
    """Two hours of quiet, and then it climbs; nothing within the gap."""
    for minute in range(231):
        at = start + 60.0 * minute
        if not gap.at <= at <= gap.until:
            middle = 62.0 + 9.0 * math.sin(minute / 7.0) + max(0.0, minute - 170) * 1.35
            yield Point(at, middle - 8.0, middle + 11.0, middle + 3.0 * math.sin(minute / 2.0))
