"""The kinds `logs.*`: what they say of real files, as a check and as a watch."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from support.kinds import carry_out, context

from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.errors import ChecklistError
from orion_deploy.kinds.base import Check, Context
from orion_deploy.kinds.registry import build, validate
from orion_deploy.kinds.verdict import Outcome
from orion_deploy.kinds.watching import LINES_PER_LOOK_MAX, STATE_BYTES_MAX, Look, Observer

RESTORED = r"Restored (?P<requests>\d+) active requests from DB in (?P<ms>\d+) ms"
FLUSH = r"\[WriteBehind\] flush (?P<value>[\d.]+) ms"


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = 1_000_000.0

    def __call__(self) -> float:
        """The time."""
        return self.at


class Log:
    """A log of the stand-in application, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "orion.log"
        self.folder = folder
        self.clock = Clock()
        self.context: Context = context(folder, now=self.clock)

    def write(self, *lines: str) -> None:
        """Append lines."""
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(f"2026-11-25 22:31:00.123 {line}\n" for line in lines)

    def flushes(self, *times_ms: float) -> None:
        """Append lines of the write-behind."""
        self.write(*(f"INFO  [WriteBehind] flush {ms:.1f} ms, 1 row" for ms in times_ms))

    def watch(self, name: str, **parameters: Any) -> Watch:
        """Begin to watch it."""
        return Watch(self, name, parameters)


class Watch:
    """A watch whose observer is made anew, from its state as JSON, before each look."""

    def __init__(self, log: Log, name: str, parameters: dict[str, Any]) -> None:
        self._log = log
        check = build(KindCall(name, {"path": "orion.log", **parameters}))
        assert isinstance(check, Check)
        self._check = check
        self._state: str | None = None

    @property
    def observer(self) -> Observer:
        """As whoever goes on would make it."""
        made = self._check.observe(self._log.context)
        if self._state is not None:
            made.resume(json.loads(self._state), self._log.context)
        return made

    def look(self) -> Look:
        """Look once."""
        observer = self.observer
        seen = observer.look(self._log.context)
        self._state = json.dumps(observer.state())
        assert len(self._state) < STATE_BYTES_MAX
        assert len(seen.lines) <= LINES_PER_LOOK_MAX
        return seen


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """A log that is not there yet."""
    return Log(tmp_path)


def test_absent_as_a_check_reads_what_is_there(log: Log) -> None:
    """Passed with the number of lines read; failed with the number and the last line that matches."""
    log.write("INFO up", "INFO fine")
    passed = carry_out(log.context, "logs.absent", path="orion.log", patterns=["Failed to", "SQLITE_"])
    assert passed.outcome is Outcome.PASSED
    assert passed.values["lines"] == 2
    log.write("ERROR Failed to persist request r3: SQLITE_BUSY")
    failed = carry_out(log.context, "logs.absent", path="orion.log", patterns=["Failed to", "SQLITE_"])
    assert failed.outcome is Outcome.FAILED
    assert failed.values["matches"] == 1
    assert "r3: SQLITE_BUSY" in failed.reason
    allowed = carry_out(log.context, "logs.absent", path="orion.log", patterns="Failed to", matches_max=1)
    assert allowed.outcome is Outcome.PASSED


def test_what_cannot_be_read_proves_nothing(log: Log) -> None:
    """No log, an empty log, a folder or a pipe in its place: undecided, with the reason, and at once."""
    for make in (lambda _: None, Path.touch, _folder, os.mkfifo):
        make(log.path)
        verdict = carry_out(log.context, "logs.absent", path="orion.log", patterns="Failed")
        assert verdict.outcome is Outcome.UNDECIDED
        assert verdict.reason
        _remove(log.path)
    log.path.touch()
    empty = carry_out(log.context, "logs.absent", path="orion.log", patterns="Failed", lines_min=0)
    assert empty.outcome is Outcome.PASSED


def _folder(path: Path) -> None:
    path.mkdir()


def _remove(path: Path) -> None:
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def test_a_watch_begins_at_the_end_and_its_first_match_fires(log: Log) -> None:
    """What stood there before counts nothing; the first line that matches is a reason to turn back, with its place."""
    log.write("ERROR Failed to persist request r1")
    watch = log.watch("logs.absent", patterns="Failed to persist")
    assert watch.look().fired == ""
    log.write("INFO fine")
    assert watch.look().fired == ""
    assert watch.observer.verdict().outcome is Outcome.PASSED
    offset = log.path.stat().st_size
    log.write("ERROR Failed to persist request r2")
    seen = watch.look()
    assert "request r2" in seen.fired
    assert (seen.lines[0].path, seen.lines[0].offset_bytes) == (str(log.path), offset)
    assert watch.look().fired == ""
    assert watch.observer.verdict().outcome is Outcome.FAILED


@pytest.mark.parametrize("literal", [False, True])
def test_case_and_plain_text(log: Log, *, literal: bool) -> None:
    """`literal` takes every character for itself; `ignore_case` takes `failed` for `Failed`."""
    log.write("ERROR failed [r.1]")
    verdict = carry_out(
        log.context,
        "logs.absent",
        path="orion.log",
        patterns="Failed [r.1]",
        literal=literal,
        ignore_case=True,
    )
    assert verdict.outcome is (Outcome.FAILED if literal else Outcome.PASSED)
    assert carry_out(log.context, "logs.absent", path="orion.log", patterns="Failed").is_good


def test_a_silent_log_is_not_being_watched(log: Log) -> None:
    """After `quiet_s_max` without a line the time is lost, until the log speaks again."""
    log.write("INFO up")
    watch = log.watch("logs.absent", patterns="Failed", quiet_s_max=60)
    assert watch.look().lost == ""
    log.clock.at += 61
    assert "nothing has been written" in watch.look().lost
    log.write("INFO still here")
    assert watch.look().lost == ""
    log.clock.at -= 7200
    assert watch.look().lost == ""


def test_a_log_that_appears_later_is_read_from_its_start(log: Log) -> None:
    """Until it is there the time is lost; its first lines count."""
    watch = log.watch("logs.absent", patterns="Failed")
    assert "there is no" in watch.look().lost
    assert watch.observer.verdict().outcome is Outcome.UNDECIDED
    log.write("ERROR Failed")
    seen = watch.look()
    assert (seen.lost, seen.value) == ("", 1.0)


def test_present_captures_numbers_and_holds_them_against_limits(log: Log) -> None:
    """The last line that matches counts; its numbers are values, and one beyond its limit fails."""
    log.write("INFO [RequestRegistry] Restored 3 active requests from DB in 240 ms")
    log.write("INFO [RequestRegistry] Restored 5 active requests from DB in 12 ms")
    passed = carry_out(
        log.context, "logs.present", path="orion.log", pattern=RESTORED, captured_below={"ms": 100}
    )
    assert passed.outcome is Outcome.PASSED
    assert (passed.values["requests"], passed.values["ms"]) == (5, 12)
    first = carry_out(
        log.context,
        "logs.present",
        path="orion.log",
        pattern=RESTORED,
        captured_below={"ms": 100},
        last=False,
    )
    assert first.outcome is Outcome.FAILED
    assert "240" in first.reason
    at_the_limit = carry_out(
        log.context, "logs.present", path="orion.log", pattern=RESTORED, captured_below={"ms": 12}
    )
    assert at_the_limit.outcome is Outcome.FAILED
    fewer = carry_out(
        log.context, "logs.present", path="orion.log", pattern=RESTORED, captured_min={"requests": 6}
    )
    assert fewer.outcome is Outcome.FAILED
    assert (
        carry_out(log.context, "logs.present", path="orion.log", pattern="nowhere").outcome is Outcome.FAILED
    )


def test_limits_and_patterns_may_hold_variables(log: Log) -> None:
    """`$NAME` within a limit or a pattern is put in when it is carried out; what it makes useless is an error."""
    log.write("INFO [RequestRegistry] Restored 5 active requests from DB in 12 ms")
    ctx = context(log.folder, variables={"MAX": "12.5", "WHAT": "Restored", "BAD": "(", "WORD": "many"})
    held = {"path": "orion.log", "pattern": r"$WHAT \d+ .* in (?P<ms>\d+) ms"}
    assert carry_out(ctx, "logs.present", captured_below={"ms": "$MAX"}, **held).is_good
    with pytest.raises(ChecklistError, match="many"):
        carry_out(ctx, "logs.present", captured_below={"ms": "$WORD"}, **held)
    with pytest.raises(ChecklistError, match="regular expression"):
        carry_out(ctx, "logs.absent", path="orion.log", patterns="x$BAD")


def test_present_as_a_watch_waits(log: Log) -> None:
    """Not there yet is no failure of a look; once there it has passed; a later line beyond the limit fires."""
    log.write("INFO [RequestRegistry] Restored 9 active requests from DB in 1 ms")
    watch = log.watch("logs.present", pattern=RESTORED, captured_below={"ms": 100})
    assert watch.look().value is None
    assert watch.observer.verdict().outcome is Outcome.FAILED
    log.write("INFO [RequestRegistry] Restored 4 active requests from DB in 12 ms")
    seen = watch.look()
    assert (seen.value, seen.fired) == (12.0, "")
    verdict = watch.observer.verdict()
    assert (verdict.outcome, verdict.values["requests"]) == (Outcome.PASSED, 4)
    log.write("INFO [RequestRegistry] Restored 4 active requests from DB in 100 ms")
    assert "below 100" in watch.look().fired
    assert watch.observer.verdict().outcome is Outcome.FAILED


def test_reading_begins_after_the_last_start(log: Log) -> None:
    """`since_pattern`: errors from before the last start do not count, those after it do, for checks and for watches."""
    log.write("INFO [Orion] started, pid 1", "ERROR Failed a", "INFO [Orion] started, pid 2", "INFO fine")
    more = {"patterns": "Failed", "since_pattern": r"\[Orion\] started"}
    assert carry_out(log.context, "logs.absent", path="orion.log", **more).is_good
    log.write("ERROR Failed b")
    failed = carry_out(log.context, "logs.absent", path="orion.log", **more)
    assert (failed.outcome, failed.values["matches"]) == (Outcome.FAILED, 1)
    watch = log.watch("logs.absent", **more)
    assert "Failed b" in watch.look().fired
    nowhere = carry_out(log.context, "logs.absent", path="orion.log", patterns="x", since_pattern="nowhere")
    assert nowhere.outcome is Outcome.UNDECIDED


@pytest.mark.parametrize("pack", [False, True])
def test_the_last_start_may_stand_in_a_rotated_file(log: Log, *, pack: bool) -> None:
    """A program that was started before midnight is still found after the rotation, compressed or not."""
    log.write("INFO [Orion] started, pid 1", "ERROR Failed a")
    rotated = log.folder / "orion.log.1"
    log.path.rename(rotated)
    if pack:
        (log.folder / "orion.log.1.gz").write_bytes(gzip.compress(rotated.read_bytes()))
        rotated.unlink()
    log.write("ERROR Failed b")
    failed = carry_out(
        log.context, "logs.absent", path="orion.log", patterns="Failed", since_pattern="started, pid"
    )
    assert failed.values["matches"] == 2


def test_latency_as_a_check(log: Log) -> None:
    """The percentile of all samples decides, below the limit and not at it; too few samples decide nothing."""
    log.flushes(*[1.0] * 95, *[9.0] * 5)
    more = {"path": "orion.log", "pattern": FLUSH}
    assert carry_out(log.context, "logs.latency", limit=2, percentile=90, **more).is_good
    failed = carry_out(log.context, "logs.latency", limit=2, percentile=97, **more)
    assert failed.outcome is Outcome.FAILED
    assert failed.values["p97_ms"] == pytest.approx(9, rel=0.006)
    assert failed.values["max_ms"] == 9.0
    few = carry_out(log.context, "logs.latency", limit=2, samples_min=101, **more)
    assert few.outcome is Outcome.UNDECIDED


def test_a_change_after_hours_of_good_latency_fires_within_minutes(log: Log) -> None:
    """The last minutes are looked at for themselves: a thousand good samples do not hide twenty bad ones."""
    log.flushes(1.0)
    watch = log.watch("logs.latency", pattern=FLUSH, limit=2, fires_above=5, window_s=600)
    watch.look()
    for _ in range(60):
        log.flushes(*[1.0] * 50)
        log.clock.at += 60
        assert watch.look().fired == ""
    fired_after_s = 0
    for _ in range(10):
        log.flushes(*[7.5] * 50)
        log.clock.at += 60
        fired_after_s += 60
        if watch.look().fired:
            break
    assert 0 < fired_after_s <= 180
    verdict = watch.observer.verdict()
    assert verdict.outcome is Outcome.PASSED
    assert verdict.values["p95_ms"] == pytest.approx(1.0, rel=0.006)
    assert verdict.values["window_p95_ms"] == pytest.approx(7.5, rel=0.006)


def test_without_another_limit_the_limit_fires(log: Log) -> None:
    """A window that is not below the limit is a reason to turn back, once it has samples enough."""
    log.path.touch()
    watch = log.watch("logs.latency", pattern=FLUSH, limit=2, samples_min=20)
    watch.look()
    log.flushes(*[2.5] * 19)
    assert watch.look().fired == ""
    log.flushes(2.5)
    assert "2.5 ms" in watch.look().fired
    assert watch.look().fired, "it goes on for as long as the window is beyond the limit"
    log.clock.at += 601
    assert watch.look().fired == ""


@pytest.mark.parametrize(
    ("name", "parameters", "word"),
    [
        ("logs.absent", {"patterns": "("}, "no regular expression"),
        ("logs.absent", {"patterns": ["a", ".*"]}, "empty line"),
        ("logs.absent", {"patterns": r"(a+)+$"}, "forever"),
        ("logs.absent", {"patterns": []}, "at least 1"),
        ("logs.absent", {"patterns": "a", "since": "now", "since_pattern": "b"}, "not both"),
        ("logs.absent", {"patterns": "a", "since_pattern": "["}, "no regular expression"),
        ("logs.absent", {"patterns": ["x"] * 65}, "more than 64"),
        ("logs.present", {"pattern": "a", "captured_below": {"ms": 1}}, "captures no `ms`"),
        ("logs.present", {"pattern": r"(?P<ms>\d+)", "captured_below": {"ms": "many"}}, "no number"),
        ("logs.latency", {"pattern": "flush", "limit": 1}, "captures no number"),
        ("logs.latency", {"pattern": r"(\d+)", "limit": 2, "fires_above": 1}, "less than"),
        ("logs.latency", {"pattern": r"(\d+)", "limit": 0}, "greater than 0"),
    ],
)
def test_a_parameter_that_cannot_be_is_told(name: str, parameters: dict[str, object], word: str) -> None:
    """Before anything is looked at, in words."""
    problems = validate(KindCall(name, {"path": "a.log", **parameters}))
    assert any(word in problem.message for problem in problems), problems


def test_hostile_lines_reach_no_terminal(log: Log) -> None:
    """What a verdict and a reason show of a line holds nothing that a terminal acts upon."""
    log.write("up")
    watch = log.watch("logs.absent", patterns="Failed")
    watch.look()
    log.write("ERROR Failed \x1b[2J\x1b]0;owned\x07 \u202e" + "x" * 5000)
    seen = watch.look()
    verdict = watch.observer.verdict()
    for text in (seen.fired, verdict.reason, str(verdict.values["last_lines"])):
        assert not any(c in text for c in "\x1b\x07\u202e\n")
    assert len(seen.lines[0].text) <= 500
