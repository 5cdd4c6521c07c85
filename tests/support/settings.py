"""Runs to be drawn: facts written through the real store at a fixed time, instead of waiting for processes."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass, field
from pathlib import Path

from orion_deploy.kinds.verdict import Outcome, Verdict
from orion_deploy.run import events as ev
from orion_deploy.run.edge import Edge
from orion_deploy.run.opening import open_session
from orion_deploy.run.session import Session
from orion_deploy.run.watches.record import WatchRecord
from orion_deploy.run.watching import firings_of
from support.watch_scenes import is_kept, looked_at, put_down, watched

START = 1_769_725_860.0
"""2026-01-29 22:31 UTC."""


class Clock:
    """A clock that only moves when it is told to."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> float:
        """The time."""
        return self.at


@dataclass(frozen=True)
class Stage:
    """A run to be drawn."""

    session: Session
    clock: Clock
    locks: list[int] = field(default_factory=list)

    def step(self, words: str, section: str = "") -> str:
        """The id of the step whose title holds these words, in the section whose title begins so."""
        return next(
            step.id
            for place, step in self.session.checklist.walk()
            if words in step.title and place.title.startswith(section)
        )

    def ran(
        self,
        words: str,
        output: str,
        verdict: Verdict | None,
        *,
        took_s: float = 0.4,
        more: bool = False,
        lost: bool = False,
        section: str = "",
    ) -> str:
        """Record an attempt of a step as the session would, with what it printed; without a verdict it still runs."""
        step_id = self.step(words, section)
        attempts = self.session.state.step(step_id).attempts
        number, block = len(attempts) + 1, self.session.next_block(step_id)
        folder = self.session.attempt_folder(step_id, number)
        folder.mkdir(parents=True)
        (folder / "out").write_text(output)
        self._add(ev.Started(step=step_id, attempt=number, block=block, what="command", cwd=self.session.cwd))
        began, self.clock.at = self.clock.at, self.clock.at + took_s
        if verdict is None and not lost:
            self.locks.append(os.open(folder / "sup.lock", os.O_RDWR | os.O_CREAT, 0o600))
            fcntl.flock(self.locks[-1], fcntl.LOCK_EX)  # as the supervisor holds it for as long as it lives
        elif lost:
            self._add(
                ev.Lost(step=step_id, attempt=number, reason="its supervisor is gone and left no status")
            )
        else:
            assert verdict is not None
            self._add(
                ev.Finished(
                    step=step_id,
                    attempt=number,
                    exit_status=0 if verdict.is_good else 3,
                    started_at=began,
                    duration_s=took_s,
                    output_bytes=len(output),
                    verdict=verdict.to_json(),
                    more=more,
                )
            )
        return step_id

    def _add(self, event: ev.Event) -> None:
        self.session._append(event)  # the scene is set through the session's own store

    def pass_time(self, seconds: float) -> None:
        """Later."""
        self.clock.at += seconds


def opened(book: Path) -> Stage:
    """A new run of the checklist."""
    clock = Clock()
    edge = Edge(now=clock, who=lambda: "ann@shop-1")
    session = open_session(book, run="2026-01-29-2231", edge=edge, cwd=str(book.parent))
    session.__dict__["keep_watching"] = lambda: None  # no process looks: what is drawn stays as it was set
    return Stage(session, clock)


QUEUE = Verdict(Outcome.PASSED, "the output shows what is expected", "in the queue: 0")
ROWS = "".join(
    f"{table:<12} {count:>7} rows\n"
    for table, count in (("orders", 10204), ("items", 31877), ("customers", 2950))
)


def midway(stage: Stage) -> None:
    """Half of the run: ticks, a skip, an override, an undecided step."""
    stage.session.approve()
    stage.pass_time(40)
    stage.session.tick(stage.ran("order queue", "in the queue: 0\n", QUEUE))
    stage.pass_time(55)
    stage.session.tick(stage.step("quiet hour"))
    stage.session.note("Tom is on call tonight, 0170 555 01", stage.step("quiet hour"))
    stage.pass_time(30)
    good = Verdict(Outcome.PASSED, "it reached its end with status 0", "3 tables")
    stage.ran("Count the rows", ROWS, good, more=True)
    stage.session.tick(
        stage.ran(
            "Count the rows", "region eu-1\n", Verdict(Outcome.PASSED, "it reached its end with status 0")
        )
    )
    stage.session.complete_section(stage.session.find(stage.step("quiet hour"))[0].id)
    stage.pass_time(200)
    stage.session.tick(stage.step("Stop the shop"), reason="the host was stopped by operations at 22:30")
    stage.ran(
        "Release the version", "releasing 2.4\n", Verdict(Outcome.PASSED, "it reached its end with status 0")
    )
    stage.session.tick(stage.step("Release the version"))


def failed(stage: Stage) -> None:
    """A step that failed."""
    midway(stage)
    stage.pass_time(60)
    stage.ran(
        "Warm the caches",
        "cache orders warm\ncache items warm\nno answer from cache-2 (10.0.4.12:6379)\n",
        Verdict(Outcome.FAILED, "it left by `exit 3`", "exit 3"),
        took_s=12.4,
    )


def running(stage: Stage) -> None:
    """A step that runs."""
    midway(stage)
    stage.pass_time(60)
    output = "".join(
        f"cache {name} warm, {count} entries\n"
        for name, count in zip("abcdefghijkl", range(120, 1320, 100), strict=False)
    )
    stage.ran("Warm the caches", output, None, took_s=14.0)


def unknown(stage: Stage) -> None:
    """An outcome that nobody knows."""
    midway(stage)
    stage.pass_time(60)
    stage.ran("Warm the caches", "cache orders warm\n", None, lost=True)


def rolling_back(stage: Stage) -> None:
    """The way back."""
    failed(stage)
    stage.pass_time(90)
    stage.session.enter_rollback("orders fail since 22:40")
    stage.pass_time(5)
    good = Verdict(Outcome.PASSED, "it reached its end with status 0")
    stage.session.tick(stage.ran("Stop the shop", "stopped\n", good, section="Rollback"))


def nothing(_stage: Stage) -> None:
    """A run that has just begun."""


def approved(stage: Stage) -> None:
    """Approved, and nothing else."""
    stage.session.approve()


def watching(stage: Stage, **how: bool) -> None:
    """Four watches since two hours."""
    stage.session.approve()
    stage.pass_time(200)
    stage.session.tick(
        stage.ran("Release the", "released\n", Verdict(Outcome.PASSED, "it reached its end with status 0"))
    )
    stage.pass_time(100)
    stage.pass_time(watched(stage.session, stage.clock.at, **how))


def kept(stage: Stage) -> None:
    """They are watched."""
    watching(stage)
    stage.locks.append(is_kept(stage.session))


def slept(stage: Stage) -> None:
    """The machine slept meanwhile."""
    watching(stage, is_asleep=True)
    stage.locks.append(is_kept(stage.session))


def fired(stage: Stage) -> None:
    """One saw a reason to turn back."""
    watching(stage, is_slow=True)
    stage.locks.append(is_kept(stage.session))
    stage.session.collect_watches()


def hears(stage: Stage) -> None:
    """It fired while nobody held the run: the way back is offered."""
    fired(stage)
    stage.session.fired_at_opening = firings_of(stage.session.state)


def unwatched(stage: Stage) -> None:
    """Nobody looks any more."""
    watching(stage)
    stage.pass_time(1500)


def judged(stage: Stage) -> None:
    """The deployment is over since an hour: some criteria hold, a watch goes on, a person has not spoken yet."""
    session = stage.session
    session.approve()
    for words, took_s in (("Stop the shop", 4.2), ("Move the baskets", 11.8)):
        good = Verdict(Outcome.PASSED, "it reached its end with status 0")
        session.tick_by_verdict(stage.ran(words, "31,877 baskets\n", good, took_s=took_s))
        stage.pass_time(20)
    seen = Verdict(Outcome.PASSED, "all 120 looks passed, last: no line of 4,117 matches", "0 lines")
    orders, start = stage.step("No order is lost"), stage.clock.at

    def quiet(record: WatchRecord) -> WatchRecord:
        return looked_at(record, 1.0, lambda _part: 0.0, unit="lines", limit=0, shown="0 lines", verdict=seen)

    put_down(session, orders, quiet)
    stage.pass_time(start + 3600 - stage.clock.at)
    session.decide_all()
    session.tick(stage.step("A customer found"), value="basket of 3, seen on the phone")
    stage.pass_time(40)
    stage.locks.append(is_kept(session))


def outdated(stage: Stage) -> None:
    """What was decided is out of date, and one failed."""
    judged(stage)
    slow = Verdict(Outcome.PASSED, "it reached its end with status 0")
    stage.session.tick_by_verdict(stage.ran("Move the baskets", "31,877 baskets\n", slow, took_s=47.0))
    stage.pass_time(30)
    stage.session.start(stage.step("less than 30 seconds"))
    stage.session.tick(stage.step("Buy something"), value="order 8120")
    stage.pass_time(30)
