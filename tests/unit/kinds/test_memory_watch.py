"""The memory of a real program, watched."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.kinds import Programs, context, programs, until

from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.kinds import memory_watch
from orion_deploy.kinds.memory import ProcessMemory
from orion_deploy.kinds.processes import look
from orion_deploy.kinds.registry import build
from orion_deploy.kinds.verdict import Outcome
from orion_deploy.kinds.watching import Look, Observer

NAME = f"Orion{os.getpid()}w"
GROWING = """
import mmap, sys
def take(size):
    room = mmap.mmap(-1, size)
    for at in range(0, size, 4096):
        room[at] = 1
    return room
kept = [take(30_000_000)]
print('up', flush=True)
for line in sys.stdin:
    size = int(line)
    kept = [*kept, take(size)] if size > 0 else kept[:1]
    print('done', flush=True)
"""


class Watch:
    """A watch with a clock of its own; resumed from its state before a look where it is told to be."""

    def __init__(self, folder: Path, **parameters: Any) -> None:
        self.at = time.time()
        self._context = context(folder, now=lambda: self.at)
        check = build(KindCall("process.memory", {"program": NAME, **parameters}))
        assert isinstance(check, ProcessMemory)
        self._check = check
        self.observer: Observer = check.observe(self._context)

    def look(self, *, later_s: float = 10.0) -> Look:
        """Look once, later by the watch's clock."""
        self.at += later_s
        return self.observer.look(self._context)

    def resume(self) -> None:
        """Go on as another process would."""
        kept = json.loads(json.dumps(self.observer.state()))
        self.observer = self._check.observe(self._context)
        self.observer.resume(kept, self._context)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Programs]:
    """Programs, ended with the test."""
    with programs(tmp_path / "bin") as value:
        yield value


def change(process: subprocess.Popen[str], size_bytes: int) -> None:
    """Let the program grow by so much; less than nothing: shrink to what it had."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{size_bytes}\n")
    process.stdin.flush()
    assert process.stdout.readline()


def test_growth_and_ceiling_fire_and_stay_in_the_verdict(tmp_path: Path, started: Programs) -> None:
    """Beyond a limit each look fires; afterwards none does, but the verdict has failed, over a resume too."""
    process = started.start_ready(started.script(NAME, GROWING))
    watch = Watch(tmp_path, rss_mb_max=100, growth_percent_max=20)
    first = watch.look()
    assert (first.fired, first.lost) == ("", "")
    assert first.value is not None
    assert watch.observer.verdict().outcome is Outcome.PASSED
    change(process, 30_000_000)
    assert "20 % allowed" in watch.look().fired
    watch.resume()
    assert "20 % allowed" in watch.look().fired
    change(process, 60_000_000)
    assert "100 MB allowed" in watch.look().fired
    change(process, -1)
    assert watch.look().fired == ""
    verdict = watch.observer.verdict()
    assert verdict.outcome is Outcome.FAILED
    peak, now = verdict.values["peak_mb"], verdict.values["rss_mb"]
    assert isinstance(peak, float)
    assert isinstance(now, float)
    assert peak > 100 > now


def test_a_restart_takes_a_new_baseline_and_is_counted(tmp_path: Path, started: Programs) -> None:
    """Another process is said and counted; growth is told against its own beginning."""
    process = started.start_ready(started.script(NAME, GROWING))
    change(process, 60_000_000)
    watch = Watch(tmp_path, growth_percent_max=20)
    watch.look()
    process.kill()
    process.wait()
    assert "not running" in watch.look().lost
    watch.resume()
    again = started.start_ready(started.script(NAME, GROWING))
    seen = watch.look()
    assert f"pid {again.pid}" in seen.shown
    assert (seen.fired, seen.lost) == ("", "")
    verdict = watch.observer.verdict()
    assert (verdict.outcome, verdict.values["restarts"]) == (Outcome.PASSED, 1)
    change(again, 30_000_000)
    assert watch.look().fired


def test_a_program_that_is_gone_fires_after_a_moment(tmp_path: Path, started: Programs) -> None:
    """Not there yet is lost time; gone after it was seen fires, once it is clear that it does not come back."""
    watch = Watch(tmp_path, rss_mb_max=100)
    seen = watch.look()
    assert (seen.fired, bool(seen.lost)) == ("", True)
    assert watch.observer.verdict().outcome is Outcome.UNDECIDED
    process = started.start_ready(started.script(NAME, GROWING))
    assert watch.look().lost == ""
    process.kill()
    process.wait()
    assert watch.look().fired == ""
    assert "not running" in watch.look(later_s=memory_watch.RESTART_GRACE_S + 1).fired
    assert watch.observer.verdict().outcome is Outcome.FAILED


def test_warm_up_is_no_growth(tmp_path: Path, started: Programs) -> None:
    """With `settle_s` the baseline is taken when the program has been running for so long."""
    process = started.start_ready(started.script(NAME, GROWING))
    watch = Watch(tmp_path, growth_percent_max=20, settle_s=100)
    watch.look()
    change(process, 60_000_000)
    assert watch.look().fired == ""
    assert watch.observer.verdict().outcome is Outcome.UNDECIDED
    assert watch.look(later_s=100).fired == ""
    verdict = watch.observer.verdict()
    assert (verdict.outcome, verdict.values["growth_percent"]) == (Outcome.PASSED, 0.0)


def test_all_processes_are_looked_through_only_now_and_then(
    tmp_path: Path, started: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Known processes are read by themselves; a new one of the program is found within a minute."""
    looked: list[float] = []

    def counting(*arguments: Any, **more: Any) -> Any:
        looked.append(watch.at)
        return look(*arguments, **more)

    monkeypatch.setattr(memory_watch, "look", counting)
    started.start_ready(started.script(NAME, GROWING))
    watch = Watch(tmp_path, rss_mb_max=500)
    one = watch.look().value
    for _ in range(5):
        watch.look(later_s=1)
    assert len(looked) == 1
    started.start_ready(started.script(NAME, GROWING))
    until(lambda: (watch.look().value or 0) > 1.5 * (one or 0), "the second process being seen", 5)
    assert len(looked) < 5
