"""A day and more of a watch, with the clocks moved by hand: right verdicts, honest gaps."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support.watches import DAY_S, EVENING, HOUR_S, Machine, Watcher

from orion_deploy.kinds.durable import write_whole
from orion_deploy.kinds.verdict import Json, Outcome
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
        watcher.looks(chance.uniform(1, 6000))
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


LINES_A_LOOK = 10


class _Orion:
    """An application that writes to a log, which is rotated each two hours in both ways; it may be slow, or silent."""

    def __init__(self, folder: Path, machine: Machine) -> None:
        self.log = folder / "orion.log"
        self.log.write_bytes(b"")
        self.send_ms = 0.9
        self.is_silent = False
        self._machine = machine
        self._rotations = 0
        self._rotated_at = machine.wall

    def lives(self) -> None:
        """Some lines; and now and then another file for them."""
        if self._machine.wall - self._rotated_at > 2 * HOUR_S:
            self._rotate()
        if not self.is_silent:
            with self.log.open("a", encoding="ascii") as file:
                for number in range(LINES_A_LOOK):
                    file.write(f"{self._machine.wall + number:.3f} INFO  [Send] send {self.send_ms} ms\n")

    def says(self, text: str) -> None:
        """One line more."""
        with self.log.open("a", encoding="ascii") as file:
            file.write(f"{text}\n")

    def _rotate(self) -> None:
        self._rotated_at = self._machine.wall
        self._rotations += 1
        old = self.log.with_name("orion.log.1")
        if old.exists():
            old.rename(self.log.with_name(f"orion.log.{self._rotations + 1}"))
        if self._rotations % 2:
            self.log.rename(old)
            self.log.write_bytes(b"")
        else:
            old.write_bytes(self.log.read_bytes())
            os.truncate(self.log, 0)


ABSENT: dict[str, Json] = {
    "path": "orion.log",
    "patterns": ["Failed to (persist|restore)"],
    "quiet_s_max": 1800.0,
}
LATENCY: dict[str, Json] = {
    "path": "orion.log",
    "pattern": r"send (?P<value>[\d.]+) ms",
    "limit": 2.0,
    "fires_above": 10.0,
}


def test_a_day_of_a_log_through_rotation_silence_sleep_and_restarts(tmp_path: Path) -> None:
    """Every line is read once, whoever looks; a silent log and a sleeping machine are gaps, a closed app is none."""
    watcher = Watcher(tmp_path, "logs.absent", ABSENT, every_s=300.0)
    machine = watcher.machine
    orion = _Orion(tmp_path, machine)
    watcher.looks(5 * HOUR_S, orion.lives)
    watcher.dies()
    for _ in range(36):  # Three hours in which nobody looks; Orion lives on.
        machine.passes(300.0)
        orion.lives()
    watcher.looks(HOUR_S, orion.lives)
    machine.sleeps(25 * HOUR_S)
    watcher.looks(HOUR_S, orion.lives)
    machine.wall -= 2 * HOUR_S
    watcher.looks(HOUR_S, orion.lives)
    orion.is_silent = True
    watcher.looks(2 * HOUR_S, orion.lives)
    orion.is_silent = False
    watcher.leaves()
    record = watcher.looks(2 * DAY_S, orion.lives)
    assert sum(gap.why == adv.ASLEEP for gap in record.gaps) == 1
    assert record.gap_s - 25 * HOUR_S == pytest.approx(2 * HOUR_S, abs=1900)
    verdict = final_verdict(record, "elapsed")
    assert verdict.outcome is Outcome.PASSED
    written = sum(path.read_bytes().count(b"\n") for path in tmp_path.glob("orion.log*"))
    assert (
        verdict.values["lines"] == written - LINES_A_LOOK
    )  # It began at the end of what its first look found.


def test_an_error_after_twenty_hours_fires_and_fails(tmp_path: Path) -> None:
    """One line, in the file that was rotated away before the next look."""
    watcher = Watcher(tmp_path, "logs.absent", ABSENT, every_s=600.0)
    orion = _Orion(tmp_path, watcher.machine)
    watcher.looks(20 * HOUR_S, orion.lives)
    orion.says("ERROR Failed to restore from DB: it is closed")
    orion._rotate()
    record = watcher.looks(600.0, orion.lives)
    assert record.is_firing
    assert "Failed to restore from DB" in record.lines[-1].text
    record = watcher.looks(DAY_S, orion.lives)
    assert [f.at for f in record.fired] == [EVENING + 20 * HOUR_S + 600]
    assert final_verdict(record, "elapsed").outcome is Outcome.FAILED


def test_a_slow_hour_late_in_the_day_fires_and_is_told(tmp_path: Path) -> None:
    """After 20 hours send() takes 12 ms: the window sees it within minutes, when the day's percentile does not yet."""
    watcher = Watcher(tmp_path, "logs.latency", LATENCY, every_s=300.0)
    orion = _Orion(tmp_path, watcher.machine)
    watcher.looks(20 * HOUR_S, orion.lives)
    assert not watcher.record.fired
    orion.send_ms = 12.0
    record = watcher.looks(1200.0, orion.lives)
    assert record.is_firing
    judged = record.judged()
    assert judged is not None
    assert judged.values["p95_ms"] == pytest.approx(0.9, rel=0.01)
    orion.send_ms = 0.9
    record = watcher.looks(HOUR_S, orion.lives)
    assert not record.is_firing
    record = watcher.looks(DAY_S, orion.lives)
    assert record.fired_count == 1
