from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from support.kinds import carry_out, context

from orion_deploy.errors import NotRecordedError
from orion_deploy.kinds.facts import change_facts, part, read_facts
from orion_deploy.kinds.verdict import Outcome
from orion_deploy.kinds.words import bytes_words, duration_words


@pytest.mark.parametrize(
    ("parameters", "outcome"),
    [
        ({"path": "a"}, Outcome.PASSED),
        ({"path": "a", "type": "file", "size_bytes_min": 3}, Outcome.PASSED),
        ({"path": "a", "size_bytes_min": 4}, Outcome.FAILED),
        ({"path": "a", "type": "folder"}, Outcome.FAILED),
        ({"path": "."}, Outcome.PASSED),
        ({"path": "a/b"}, Outcome.FAILED),
        ({"path": "b"}, Outcome.FAILED),
        ({"path": "dangling"}, Outcome.FAILED),
        ({"path": "~/a"}, Outcome.FAILED),
        ({"path": "$FOLDER/a"}, Outcome.PASSED),
    ],
)
def test_exists(tmp_path: Path, parameters: dict[str, Any], outcome: Outcome) -> None:
    """What is there, what it is, and how big."""
    (tmp_path / "a").write_text("abc")
    (tmp_path / "dangling").symlink_to("nowhere")
    ctx = context(tmp_path, variables={"FOLDER": str(tmp_path)})
    assert carry_out(ctx, "files.exists", **parameters).outcome is outcome


def test_disk_free(tmp_path: Path) -> None:
    """Free space of the nearest existing folder, against MB or copies of a file."""
    ctx = context(tmp_path)
    assert carry_out(ctx, "files.disk_free", path="not/yet", free_mb_min=0.001).outcome is Outcome.PASSED
    failed = carry_out(ctx, "files.disk_free", path=".", free_mb_min=1e12)
    assert failed.outcome is Outcome.FAILED
    assert "needed" in failed.reason
    (tmp_path / "big").write_bytes(b"")
    os.truncate(tmp_path / "big", 1 << 42)
    assert (
        carry_out(ctx, "files.disk_free", path=".", times_size_of="big", times=90).outcome is Outcome.FAILED
    )
    assert carry_out(ctx, "files.disk_free", path=".", times_size_of="none").outcome is Outcome.FAILED


def at(text: str, zone: str = "Europe/Berlin", fold: int = 0) -> float:
    """Seconds since the epoch of a wall-clock time."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


NIGHT = {
    "days": ["mon-thu"],
    "start": "22:00",
    "end": "05:00",
    "holidays": ["2026-01-28"],
    "timezone": "Europe/Berlin",
}


@pytest.mark.parametrize(
    ("now", "outcome", "words"),
    [
        ("2026-01-26T21:59:59", Outcome.FAILED, "opens in 1.0 s"),  # Monday
        ("2026-01-26T22:00:00", Outcome.PASSED, "7 h"),
        ("2026-01-27T04:59:59", Outcome.PASSED, "1.0 s"),  # belongs to Monday
        ("2026-01-27T05:00:00", Outcome.FAILED, "17 h"),
        ("2026-01-29T01:00:00", Outcome.FAILED, "21 h"),  # the window of Wednesday 28th, a holiday
        ("2026-01-28T23:00:00", Outcome.FAILED, "(a holiday)"),
        ("2026-01-30T02:00:00", Outcome.PASSED, "3 h"),  # Friday morning belongs to Thursday
        ("2026-01-30T23:00:00", Outcome.FAILED, "2 d 23 h"),  # Friday night: opens on Monday
        ("2026-01-26T02:00:00", Outcome.FAILED, "20 h"),  # Monday morning belongs to Sunday
    ],
)
def test_a_window_across_midnight(tmp_path: Path, now: str, outcome: Outcome, words: str) -> None:
    """It belongs to the day on which it begins; outside it the next opening is told."""
    verdict = carry_out(context(tmp_path, now=lambda: at(now)), "clock.window", **NIGHT)
    assert verdict.outcome is outcome
    assert words in verdict.reason


@pytest.mark.parametrize(
    ("night", "hours"),
    [("2026-03-28T22:30:00", 5.5), ("2026-10-24T22:30:00", 7.5), ("2026-06-06T22:30:00", 6.5)],
)
def test_a_night_with_a_change_of_the_clocks_is_as_long_as_it_is(
    tmp_path: Path, night: str, hours: float
) -> None:
    """The wall clock decides: an hour less is left in March, an hour more in October."""
    ctx = context(tmp_path, now=lambda: at(night))
    verdict = carry_out(ctx, "clock.window", start="22:00", end="05:00", timezone="Europe/Berlin")
    assert verdict.values["left_s"] == hours * 3600


def test_the_local_clock_is_the_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `timezone` the machine's zone counts, with its change of clocks."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        ctx = context(tmp_path, now=lambda: at("2026-03-29T01:30:00"))
        verdict = carry_out(ctx, "clock.window", start="22:00", end="05:00")
        assert verdict.values["left_s"] == 2.5 * 3600
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


def test_a_window_goes_on_where_the_next_one_begins(tmp_path: Path) -> None:
    """Open all day, every day: a quarter of an hour before midnight is not the end of it; on its last day it is."""
    ctx = context(tmp_path, now=lambda: at("2026-01-29T23:45:00"))  # a Thursday
    whole = {"start": "00:00", "end": "00:00", "left_min": 30, "timezone": "Europe/Berlin"}
    assert carry_out(ctx, "clock.window", **whole, days="mon-sun").outcome is Outcome.PASSED
    assert carry_out(ctx, "clock.window", **whole, days="mon-fri").outcome is Outcome.PASSED
    last = carry_out(ctx, "clock.window", **whole, days="mon-thu")
    assert last.outcome is Outcome.FAILED
    assert "15 min" in last.reason


def test_too_little_left_of_the_window_fails(tmp_path: Path) -> None:
    """Five minutes before the end is too late for half an hour of work."""
    ctx = context(tmp_path, now=lambda: at("2026-01-27T04:55:00"))
    assert carry_out(ctx, "clock.window", **NIGHT, left_min=30).outcome is Outcome.FAILED
    assert carry_out(ctx, "clock.window", **NIGHT, left_min=4).outcome is Outcome.PASSED


def test_yaml_reads_times_as_numbers_and_we_read_them_back(tmp_path: Path) -> None:
    """An unquoted 22:00 is 1320 to YAML 1.1; a window of the whole day is start = end."""
    ctx = context(tmp_path, now=lambda: at("2026-01-26T23:00:00"))
    assert carry_out(ctx, "clock.window", **{**NIGHT, "start": 1320, "end": 300}).outcome is Outcome.PASSED
    whole = {"start": "00:00", "end": "00:00", "timezone": "UTC"}
    assert carry_out(ctx, "clock.window", **whole).outcome is Outcome.PASSED


def test_elapsed(tmp_path: Path) -> None:
    """Counted from a mark of the run, or from a moment; undecided before it is due, with the time left."""
    ctx = context(tmp_path, now=lambda: 1_000_000.0)
    assert carry_out(ctx, "clock.elapsed", since="sqlite.migrate", hours=24).outcome is Outcome.UNDECIDED
    change_facts(
        ctx.run_directory, lambda facts: part(facts, "marks").update({"sqlite.migrate": 1_000_000.0 - 7200})
    )
    early = carry_out(ctx, "clock.elapsed", since="sqlite.migrate", hours=24)
    assert early.outcome is Outcome.UNDECIDED
    assert "22 h" in early.reason
    assert (
        carry_out(ctx, "clock.elapsed", since="sqlite.migrate", hours=1, minutes=60).outcome is Outcome.PASSED
    )
    moment = datetime.fromtimestamp(1_000_000 - 90, UTC).isoformat(" ")
    assert carry_out(ctx, "clock.elapsed", since=moment, minutes=1).outcome is Outcome.PASSED
    ahead = datetime.fromtimestamp(1_000_000 + 90, UTC).isoformat(" ")
    assert carry_out(ctx, "clock.elapsed", since=ahead, minutes=1).outcome is Outcome.UNDECIDED


def test_facts_are_private_whole_and_refused_when_damaged(tmp_path: Path) -> None:
    """0600 whatever the umask; damage is never read as "nothing was noted"."""
    before = os.umask(0)
    try:
        change_facts(tmp_path, lambda facts: part(facts, "a", "b").update({"c": 1}))
    finally:
        os.umask(before)
    assert read_facts(tmp_path) == {"a": {"b": {"c": 1}}}
    assert {p.name: p.stat().st_mode & 0o777 for p in tmp_path.iterdir()} == {
        "facts.json": 0o600,
        "facts.lock": 0o600,
    }
    for damage in (b"{", b"[]", b""):
        (tmp_path / "facts.json").write_bytes(damage)
        with pytest.raises(NotRecordedError):
            read_facts(tmp_path)


def test_words_for_sizes_and_durations() -> None:
    """Two units, no more."""
    assert [bytes_words(n) for n in (7, 2048, 1.8 * 1024**3)] == ["7 bytes", "2.0 KB", "1.8 GB"]
    assert [duration_words(s) for s in (0.26, 2.5, 12, 75, 3000, 7800, 86_400, 273_600)] == [
        "260 ms",
        "2.5 s",
        "12 s",
        "1 min 15 s",
        "50 min",
        "2 h 10 min",
        "24 h",
        "3 d 4 h",
    ]
