"""Events with every field filled, and journals made of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from orion_deploy.kinds.verdict import Json
from orion_deploy.run import events as ev
from orion_deploy.run import journal

GOLDEN = Path(__file__).parent.parent / "golden" / "store"
GOLDEN_EVENTS = 22
"""Of the golden journal: types of events that came later are not in it."""
VERDICT: dict[str, Json] = {
    "outcome": "passed",
    "reason": "every row was counted — none is missing",
    "value": "10,000 rows",
    "values": {"rows": 10000, "duration_s": 0.25, "names": ["a", "ü"], "none": None},
}


def one_of_each() -> list[ev.Event]:
    """One event of every type in a believable order, no field at its default."""
    made: list[ev.Event] = [
        ev.Opened(
            checklist="checklists/0001.md",
            digest="ab" * 32,
            cwd="/srv/orion",
            app="0.1.0",
            machine="db1",
            commit="0123abc+dirty",
            boot="b00t",
            pid=4242,
            steps={"backup": "1111", "migrate": "2222"},
            gone=["old-step"],
        ),
        ev.Approved(digest="ab" * 32),
        ev.VariableSet(name="VERSION", value="1.2.3"),
        ev.VariableSet(name="TOKEN", secret=True),
        ev.Chosen(step="backup", option=2, title="Option 2: by API"),
        ev.Started(
            step="backup",
            attempt=1,
            block=1,
            title="Back the database up",
            what="command",
            script_sha256="cd" * 32,
            edited=True,
            cwd="/srv/orion",
            timeout_s=30.0,
        ),
        ev.Finished(
            step="backup",
            attempt=1,
            exit_status=3,
            signal=15,
            why="timeout",
            reached_end=False,
            started_at=1769722206.5,
            duration_s=30.25,
            output_bytes=123456,
            output_dropped_bytes=7,
            verdict=dict(VERDICT),
            adopted=True,
            more=True,
            carried=["cwd", "PGHOST"],
        ),
        ev.Started(step="backup", attempt=2, what="command"),
        ev.NeverStarted(step="backup", attempt=2, reason="no room"),
        ev.Started(step="migrate", attempt=1, what="sqlite.migrate"),
        ev.Lost(step="migrate", attempt=1, reason="the machine was started again"),
        ev.Resolved(step="migrate", how="done", reason="the index is there"),
        ev.Ticked(step="backup", auto=True, override="by hand", value="12 MB"),
        ev.Unticked(step="backup"),
        ev.Skipped(step="backup", reason="no replica", override=True),
        ev.Noted(step="backup", text='quotes " \\ newline\nescape \x1b[31m bidi \u202e'),
        ev.Noted(text="handed over"),
        ev.SectionCompleted(section="deploy", open=["migrate"], skipped=["backup"]),
        ev.RollbackEntered(reason="p95 too high"),
        ev.Survived(signal=15, step="backup"),
        ev.RunFinished(result="rolled back", open=["migrate"]),
        ev.Closed(running=["migrate"]),
        # Types that came later stand at the end: the golden journal of an earlier release is a beginning of this one.
        ev.WatchStarted(step="errors", attempt=1, title="No errors", what="logs.absent", watch_s=86400.0),
        ev.WatchFired(
            step="errors",
            attempt=1,
            reason="`Failed to restore` in the log",
            value="1 match",
            fired_at=1769722222.5,
        ),
        ev.WatchEnded(
            step="errors",
            attempt=1,
            why="stopped",
            reason="seen enough",
            ended_at=1769722223.5,
            observed_s=3600.0,
            gap_s=90.5,
            gaps=[{"at": 1769722000.0, "until": 1769722090.5, "length_s": 90.5, "why": "nobody watched"}],
            verdict=dict(VERDICT),
        ),
        ev.Verifying(step="migrate", attempt=1, number=1, what="sqlite.state"),
        ev.Verified(step="migrate", attempt=1, number=1, verdict=dict(VERDICT), duration_s=0.25),
        ev.Forgotten(reason="the folder is gone"),
    ]
    return [
        replace(event, at=1769722200.5 + number, by="ann@db1" if number % 5 else "bob@db1")
        for number, event in enumerate(made, start=1)
    ]


def lines_of(events: list[ev.Event], writes: tuple[int, ...] = ()) -> bytes:
    """The journal of these events; `writes` are the sizes of the first writes, the rest are single ones."""
    data, link, place = b"", journal.START, 0
    sizes = list(writes)
    while place < len(events):
        size = sizes.pop(0) if sizes else 1
        part, link = journal.encode_all(events[place : place + size], link)
        data += part
        place += size
    return data
