"""A day and more of a watch, with the clocks moved by hand: right verdicts, honest gaps."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support.watches import DAY_S, EVENING, HOUR_S, Watcher

from orion_deploy.kinds.durable import write_whole
from orion_deploy.kinds.verdict import Outcome
from orion_deploy.run.edge import Edge
from orion_deploy.run.watches import advance as adv
from orion_deploy.run.watches.reading import KEPT_NAME, LIVE_NAME, read_record
from orion_deploy.run.watches.record import clocks, to_json
from orion_deploy.run.watching import final_verdict


@pytest.fixture
def watcher(tmp_path: Path) -> Watcher:
    """Somebody who looks every five minutes whether a file is there."""
    (tmp_path / "there.txt").write_text("here")
    return Watcher(tmp_path, "files.exists", {"path": "there.txt"}, every_s=300.0)


def test_a_quiet_day_passes(watcher: Watcher) -> None:
    """24 hours of looks that pass are a pass, at the hour."""
    record = watcher.looks(2 * DAY_S)
    assert record.ended_at == EVENING + DAY_S
    assert (record.looks, record.gaps) == (288, ())
    verdict = final_verdict(record, "elapsed")
    assert verdict.outcome is Outcome.PASSED
    assert verdict.reason.endswith("watched 24 h")


def test_a_day_through_everything(watcher: Watcher) -> None:
    """Restarts of the app, 25 hours asleep, both ways of summer time, a clock set back, a reboot: 24 hours were watched."""
    machine = watcher.machine
    watcher.looks(2 * HOUR_S)
    watcher.leaves()
    watcher.looks(HOUR_S)
    machine.sleeps(25 * HOUR_S)
    watcher.looks(HOUR_S)
    machine.wall += HOUR_S
    watcher.looks(HOUR_S)
    machine.wall -= HOUR_S
    watcher.looks(HOUR_S)
    machine.wall -= 2 * HOUR_S
    watcher.looks(HOUR_S)
    watcher.leaves()
    machine.reboots(600.0)
    watcher.dies()
    record = watcher.looks(HOUR_S)
    machine.passes(3 * HOUR_S)  # Nobody looked: the app was closed.
    record = watcher.looks(2 * DAY_S)
    assert [(round(g.length_s or -1), g.why) for g in record.gaps] == [
        (25 * HOUR_S, adv.ASLEEP),
        (900.0, adv.RESTARTED),
        (3 * HOUR_S + 300, adv.NOBODY_WATCHED),
    ]
    assert record.observed_s == pytest.approx(DAY_S, abs=300)
    verdict = final_verdict(record, "elapsed")
    assert verdict.outcome is Outcome.PASSED
    assert verdict.reason.endswith("watched 24 h, not watched 28 h 20 min in 3 gaps")


def test_what_was_there_again_before_the_end_is_still_a_failure(watcher: Watcher, tmp_path: Path) -> None:
    """Five minutes of trouble in a day: the watch fired, once, and fails at its end."""
    watcher.looks(HOUR_S)
    (tmp_path / "there.txt").unlink()
    watcher.looks(300.0)
    (tmp_path / "there.txt").write_text("here")
    record = watcher.looks(2 * DAY_S)
    assert [(f.at, f.until) for f in record.fired] == [(EVENING + HOUR_S + 300, EVENING + HOUR_S + 600)]
    assert final_verdict(record, "elapsed").outcome is Outcome.FAILED


def test_killed_at_any_time_nothing_is_counted_twice(tmp_path: Path) -> None:
    """What was seen since the last time it was written down is looked at again, by the clock of then."""
    watcher = Watcher(tmp_path, "files.exists", {"path": "there.txt"}, watch_s=30 * DAY_S, every_s=300.0)
    chance = random.Random(3)
    for _ in range(40):
        watcher.looks(chance.uniform(1, 20000))
        if chance.random() < 0.7:
            watcher.dies()
    record = watcher.record
    elapsed_s = watcher.machine.wall - EVENING
    assert record.observed_s + record.gap_s <= elapsed_s + 1.0
    watcher.looks(600.0)
    assert watcher.record.observed_s + watcher.record.gap_s == pytest.approx(elapsed_s + 600.0, abs=300.0)


def test_a_live_file_that_a_power_cut_emptied_is_replaced_by_the_one_that_was_kept(watcher: Watcher) -> None:
    """The last look may be lost with the power; what fired, was lost or is half a minute old is not."""
    watcher.looks(HOUR_S)
    watcher.leaves()
    live = watcher.folder / LIVE_NAME
    for damage in (b"", b"{", b"[]", b'{"schema": 1}'):
        write_whole(live, damage)
        found = read_record(watcher.folder)
        assert found is not None
        assert found.observed_s == HOUR_S
    (watcher.folder / KEPT_NAME).write_bytes(b"")
    assert read_record(watcher.folder) is None


def test_what_cannot_be_understood_any_more_is_no_pass(watcher: Watcher) -> None:
    """A state that no observer understands ends the watch undecided: beginning anew would forget what failed."""
    watcher.looks(HOUR_S)
    watcher.leaves()
    for name in (LIVE_NAME, KEPT_NAME):
        path = watcher.folder / name
        path.write_text(path.read_text().replace('"passed":12', '"passed":"many"'))
    watcher.dies()
    record = watcher.looks(HOUR_S)
    assert record.ended_at is not None
    verdict = final_verdict(record, "elapsed")
    assert verdict.outcome is Outcome.UNDECIDED
    assert "cannot be understood" in verdict.reason


def test_a_month_of_looks_stays_small(tmp_path: Path) -> None:
    """Files, memory and time for a look do not grow with the watch."""
    (tmp_path / "there.txt").write_text("here")
    watcher = Watcher(tmp_path, "files.exists", {"path": "there.txt"}, watch_s=40 * DAY_S, every_s=3600.0)
    watcher.looks(15 * DAY_S)
    watcher.watch.keep()
    early = (watcher.folder / KEPT_NAME).stat().st_size
    watcher.looks(20 * DAY_S)
    watcher.watch.keep()
    assert (watcher.folder / KEPT_NAME).stat().st_size < early * 2 < 100_000


BOOT_CLOCK = """
import sys
from dataclasses import replace
from pathlib import Path
from orion_deploy.run.watches.keeper import Keeping
keeping = Keeping(Path(sys.argv[1]), in_foreground=True)
assert keeping.take()
keeping.look_once()
"""


def in_time_namespace(*argv: str) -> list[str]:
    """A command for which the machine has been up for 25 hours more, asleep: skipped where the kernel has no such thing."""
    if sys.platform != "linux":
        pytest.skip("time namespaces are Linux's")
    ahead = ["unshare", "--user", "--map-root-user", "--time", "--boottime", str(25 * 3600), *argv]
    tried = subprocess.run([*ahead[: -len(argv)], "true"], capture_output=True, check=False)
    if tried.returncode != 0:
        pytest.skip("no time namespace can be made here")
    return ahead


def test_25_hours_of_sleep_by_the_kernels_own_clock(tmp_path: Path) -> None:
    """In a time namespace whose boot clock is 25 hours ahead the next look finds that the machine slept."""
    (tmp_path / "there.txt").write_text("here")
    watcher = Watcher(tmp_path, "files.exists", {"path": "there.txt"}, every_s=30.0)
    spec = replace(watcher.spec, started=clocks(Edge()))
    write_whole(watcher.folder / "spec.json", json.dumps(to_json(spec)).encode())
    look = [sys.executable, "-c", BOOT_CLOCK, str(watcher.run_directory)]
    subprocess.run(look, check=True)
    first = read_record(watcher.folder)
    assert first is not None
    assert (first.looks, first.gaps) == (1, ())
    subprocess.run(in_time_namespace(*look), check=True)
    second = read_record(watcher.folder)
    assert second is not None
    (gap,) = second.gaps
    assert gap.why == adv.ASLEEP
    assert gap.length_s == pytest.approx(25 * HOUR_S, abs=60)
    assert second.observed_s < 60
