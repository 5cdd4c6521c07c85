"""Each line of a log is read once, whatever becomes of its file; where that cannot be, the time is said to be lost."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from support import rotating

from orion_deploy.kinds.logs import rotated, search, source
from orion_deploy.kinds.logs.follow import TRAIL_S, Follower

STATE_CHARACTERS_MAX = 1_000
LINE = re.compile(rb"^n=(\d+) x*$", re.MULTILINE)


class Reader:
    """Follows a log as a watch does: each look by a follower that was made anew from the state of the last one."""

    def __init__(self, log: Path, seed: int = 1) -> None:
        self.log = log
        self.lines: list[bytes] = []
        self.lost: list[str] = []
        self.now = 1_000.0
        self._random = random.Random(seed)
        begun = Follower(log)
        begun.begin_at_end()
        self._state = json.dumps(begun.state())

    def look(self, *, blocks_max: int = 1_000_000) -> str:
        """Look once; returns what is lost."""
        follower = Follower(self.log)
        follower.resume(json.loads(self._state))
        left = [blocks_max]

        def is_enough() -> bool:
            left[0] -= 1
            return left[0] <= 0

        for block in follower.blocks(self.now, is_enough=is_enough):
            self.lines += bytes(block.data[: block.end]).splitlines()
        self._state = json.dumps(follower.state())
        assert len(self._state) < STATE_CHARACTERS_MAX
        if follower.lost:
            self.lost.append(follower.lost)
        self.is_behind = follower.is_behind
        return follower.lost

    def look_on(self) -> None:
        """Look until everything was read."""
        for _ in range(500):
            self.look()
            if not self.is_behind:
                return
        raise AssertionError("it never comes to the end")

    def take(self) -> list[bytes]:
        """The lines since the last time."""
        self.look_on()
        lines, self.lines = self.lines, []
        return lines


@pytest.mark.parametrize("pack", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("way", ["rename", "create", "dated", "copytruncate"])
@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_lost_or_doubled_over_rotation(tmp_path: Path, way: str, seed: int, *, pack: bool) -> None:
    """A program writes and rotates as fast as it can; looks come at any moment, each from the state of the last."""
    log = tmp_path / "app.log"
    ways = [way, "pack"] if pack else [way]
    argv = [sys.executable, rotating.__file__, str(log), str(seed), "1.5", *ways]
    chance = random.Random(seed)
    reader = Reader(log, seed)
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as writer:
        while writer.poll() is None:
            reader.look(blocks_max=chance.choice((1, 1_000)))
            # Looks and rotations must fall into one another in many ways.
            with contextlib.suppress(subprocess.TimeoutExpired):
                writer.wait(chance.choice((0, 0, 0.001, 0.01, 0.1)))
        assert writer.stdout is not None
        written = int(writer.stdout.read())
    reader.look_on()
    seen = Counter(int(n) for n in LINE.findall(b"\n".join(reader.lines)))
    assert written > 50
    assert sorted(seen.elements()) == list(range(written))
    assert [lost for lost in reader.lost if "there is no" not in lost] == []


def append(log: Path, *lines: str, end: str = "\n") -> None:
    """Write lines to the end of a file."""
    with log.open("a") as file:
        file.write("\n".join(lines) + end)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log with a line in it."""
    path = tmp_path / "app.log"
    append(path, "before")
    return path


def test_only_what_comes_after_the_beginning(log: Path) -> None:
    """Lines that stood there are not read; a line without its break waits for it."""
    reader = Reader(log)
    assert reader.take() == []
    append(log, "one", "tw", end="")
    assert reader.take() == [b"one"]
    append(log, "o")
    assert reader.take() == [b"two"]


def test_many_rotations_between_two_looks(log: Path) -> None:
    """A machine that was off for days: the rest of the old file, then every later one, compressed or not, in order."""
    reader = Reader(log)
    append(log, "a")
    log.rename(log.with_name("app.log.3"))
    (log.with_name("app.log.3.gz")).write_bytes(gzip.compress(log.with_name("app.log.3").read_bytes()))
    log.with_name("app.log.3").unlink()
    append(log.with_name("app.log.2"), "b")
    append(log.with_name("app.log.1"), "c")
    append(log, "d")
    assert reader.take() == [b"a", b"b", b"c", b"d"]
    assert reader.lost == []


def test_older_rotated_files_are_left_alone(log: Path) -> None:
    """What was rotated before the beginning is not read, and other programs' files of a like name neither."""
    append(log.with_name("app.log.2"), "old")
    append(log.with_name("app-audit.log"), "other")
    reader = Reader(log)
    append(log, "a")
    log.rename(log.with_name("app.log.1"))
    append(log.with_name("app.log.lock"), "4121")
    append(log, "b")
    assert reader.take() == [b"a", b"b"]


def test_lines_written_to_a_renamed_file_are_still_read(log: Path) -> None:
    """A program goes on with its old file until it opens the new one; also when that is compressed then."""
    reader = Reader(log)
    old = log.with_name("app.log.1")
    log.rename(old)
    append(log, "new")
    assert reader.take() == [b"new"]
    append(old, "late")
    append(log, "newer")
    assert sorted(reader.take()) == [b"late", b"newer"]
    append(old, "last")
    old.with_name("app.log.1.gz").write_bytes(gzip.compress(old.read_bytes()))
    old.unlink()
    assert reader.take() == [b"last"]
    assert reader.take() == []
    reader.now += TRAIL_S + 1
    assert reader.take() == []


def test_a_last_line_without_its_break_is_read_when_its_file_is_left(log: Path) -> None:
    """A program that died in the middle of a line: what there is of it counts, once it is clear that no more comes."""
    reader = Reader(log)
    append(log, "FATAL: out of mem", end="")
    log.rename(log.with_name("app.log.1"))
    append(log, "up again")
    assert reader.take() == [b"up again"]
    reader.now += 61
    assert reader.take() == [b"FATAL: out of mem"]
    assert reader.take() == []


def test_a_copy_that_grew_past_the_place_meanwhile(log: Path) -> None:
    """Copied, emptied, and longer again than before: told by what it holds, not by its size."""
    reader = Reader(log)
    append(log, "a", "b")
    log.with_name("app.log.1").write_bytes(log.read_bytes())
    os.truncate(log, 0)
    append(log, *[f"c{n}" for n in range(100)])
    assert reader.take() == [b"a", b"b", *[f"c{n}".encode() for n in range(100)]]
    assert reader.lost == []


def test_the_copy_is_made_while_one_looks(log: Path) -> None:
    """A copy of what is still in the log is not read for itself."""
    reader = Reader(log)
    append(log, "a")
    os.truncate(log, 0)
    assert "was emptied or replaced" in reader.look()
    append(log, "b", "c")
    log.with_name("app.log.1").write_bytes(b"b\n")
    assert reader.take() == [b"b", b"c"]
    log.with_name("app.log.1").write_bytes(b"b\nc\n")
    os.truncate(log, 0)
    assert reader.take() == []
    append(log, "d")
    assert reader.take() == [b"d"]


def _emptied(log: Path) -> None:
    os.truncate(log, 0)


def _replaced(log: Path) -> None:
    log.rename(log.with_name("gone"))
    append(log, "other")
    log.with_name("gone").unlink()


def _packed_by_zstd(log: Path) -> None:
    log.rename(log.with_name("app.log.1.zst"))
    append(log, "other")


@pytest.mark.parametrize("act", [_emptied, _replaced, _packed_by_zstd])
def test_what_cannot_be_known_is_lost(log: Path, act: Callable[[Path], None]) -> None:
    """Emptied or replaced without a copy that can be read: the look says why, and reading goes on with the new file."""
    reader = Reader(log)
    append(log, "a")
    act(log)
    lost = reader.look()
    assert "app.log was" in lost
    assert ("zst" in lost) == (act is _packed_by_zstd)
    append(log, "b")
    reader.look()
    assert reader.lines[-1] == b"b"
    assert len(reader.lost) == 1


@pytest.mark.parametrize("what", ["nothing", "folder", "pipe", "loop", "socket"])
def test_a_log_that_is_gone_or_no_file(log: Path, what: str) -> None:
    """It is never waited for; the time is lost, with the reason; what is in the file that comes back is read."""
    reader = Reader(log)
    append(log, "a")
    assert reader.take() == [b"a"]
    log.unlink()
    match what:
        case "folder":
            log.mkdir()
        case "pipe":
            os.mkfifo(log)
        case "loop":
            log.symlink_to(log.name)
        case "socket":
            import socket

            with socket.socket(socket.AF_UNIX) as server:
                server.bind(os.path.relpath(log))
    assert "app.log" in reader.look()
    if log.is_dir():
        log.rmdir()
    else:
        log.unlink(missing_ok=True)
    append(log, "b")
    assert "was emptied or replaced" in reader.look()
    assert reader.lines == [b"b"]


def test_a_log_that_cannot_be_read(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the right to read it the time is lost; with it again, nothing was missed."""
    reader = Reader(log)
    append(log, "a")
    if os.geteuid():
        log.chmod(0)
        lost = reader.look()
        log.chmod(0o600)
    else:  # root may read anything

        def refuse(*_: object) -> int:
            raise PermissionError(13, "Permission denied")

        with monkeypatch.context() as patched:
            patched.setattr(os, "open", refuse)
            lost = reader.look()
    assert "Permission denied" in lost
    assert reader.take() == [b"a"]


def test_a_link_that_points_to_a_new_file_each_day(tmp_path: Path) -> None:
    """The rest of yesterday's file is read by its own name."""
    link, first, second = tmp_path / "current.log", tmp_path / "day-1.log", tmp_path / "day-2.log"
    append(first, "before")
    link.symlink_to(first)
    reader = Reader(link)
    append(first, "a")
    append(second, "b")
    link.unlink()
    link.symlink_to(second)
    assert reader.take() == [b"a", b"b"]
    append(first, "late")
    assert reader.take() == [b"late"]
    assert reader.lost == []


def test_a_link_to_a_log_that_is_rotated_at_its_own_place(tmp_path: Path) -> None:
    """Rotated files lie beside the real file, not beside the link."""
    (tmp_path / "data").mkdir()
    link, real = tmp_path / "app.log", tmp_path / "data" / "app.log"
    append(real, "before")
    link.symlink_to(real)
    reader = Reader(link)
    append(real, "a")
    real.rename(real.with_name("app.log.1"))
    append(real, "b")
    assert reader.take() == [b"a", b"b"]
    assert reader.lost == []


def test_binary_junk_and_lines_of_ten_megabytes(log: Path) -> None:
    """Memory stays bounded: a line without an end is read in pieces, and what follows it is read as ever."""
    reader = Reader(log)
    junk = random.Random(5).randbytes(300_000).replace(b"\n", b"")
    with log.open("ab") as file:
        file.write(b"x" * 10_000_000 + b"\n" + junk + b"\nafter\n")
    lines = reader.take()
    assert b"".join(lines[:-1]).count(b"x") >= 10_000_000
    assert max(map(len, lines)) <= source.LINE_BYTES_MAX + source.BLOCK_BYTES
    assert lines[-1] == b"after"


def test_a_damaged_state_is_refused(log: Path) -> None:
    """Whoever resumes is told, and does not read from a wrong place."""
    for state in (
        {},
        {"place": 3, "trails": [], "newest": None},
        {"place": None, "trails": 1, "newest": None},
    ):
        with pytest.raises((KeyError, TypeError, ValueError)):
            Follower(log).resume(state)  # type: ignore[arg-type]


@pytest.mark.parametrize("names", [("app.log-20261125-1", "app.log-20261125-2"), ("app.log.2", "app.log.1")])
def test_files_rotated_in_one_tick_of_the_clock(tmp_path: Path, names: tuple[str, str]) -> None:
    """Their numbers and dates say which came first, also for a look that ends between them."""
    log = tmp_path / "app.log"
    reader = Reader(log)
    for number, name in enumerate(names):
        append(log.with_name(name), *[f"{number} {'x' * 80}"] * 1_000)
        os.utime(log.with_name(name), ns=(2 * 10**18, 2 * 10**18))
    append(log, "last")
    reader.look(blocks_max=1)
    assert reader.is_behind
    lines = reader.take()
    assert [line.split()[0] for line in lines] == [b"0"] * 1_000 + [b"1"] * 1_000 + [b"last"]


def packed(path: Path) -> None:
    """Compress a rotated file, as gzip does: with its time, and another inode."""
    seen = path.stat()
    squeezed = path.with_name(f"{path.name}.gz")
    squeezed.write_bytes(gzip.compress(path.read_bytes()))
    os.utime(squeezed, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    path.unlink()


def during_listing(
    monkeypatch: pytest.MonkeyPatch, *happens: Callable[[list[rotated.Beside]], list[rotated.Beside]]
) -> None:
    """Let something happen to the first listings of the folder, one after the other."""
    left = list(happens)

    def listed(log: Path) -> list[rotated.Beside]:
        found = rotated.files_beside(log)
        return left.pop(0)(found) if left else found

    monkeypatch.setattr(search, "files_beside", listed)


def test_rotated_twice_while_one_looks(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log that was opened is no longer the newest file when the others are listed: each line once, in order."""
    reader = Reader(log)
    append(log, "a")
    log.rename(log.with_name("app.log.1"))
    append(log, "b")

    def rotate(found: list[rotated.Beside]) -> list[rotated.Beside]:
        for lines in ("c", "d"):
            for number in (3, 2, 1):
                here = log.with_name(f"app.log.{number}")
                if here.exists():
                    here.rename(log.with_name(f"app.log.{number + 1}"))
            log.rename(log.with_name("app.log.1"))
            append(log, lines)
        return found

    during_listing(monkeypatch, rotate)
    assert reader.take() == [b"a", b"b", b"c", b"d"]
    assert reader.lost == []


@pytest.mark.parametrize("missed", [0, 1])
def test_a_listing_while_files_are_renamed_proves_nothing(
    log: Path, missed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that one listing has passed over is not lost, and its trail is kept."""
    reader = Reader(log)
    append(log, "a")
    log.rename(log.with_name("app.log.1"))
    append(log, "b")
    during_listing(monkeypatch, *[lambda found: found] * missed, lambda _: [])
    assert reader.take() == [b"a", b"b"]
    log.with_name("app.log.1").rename(log.with_name("app.log.7"))
    append(log.with_name("app.log.7"), "late")
    during_listing(monkeypatch, *[lambda found: found] * missed, lambda _: [])
    assert reader.take() == [b"late"]
    assert reader.lost == []


def test_a_place_of_a_few_bytes_is_looked_for_among_what_is_new(log: Path) -> None:
    """A log of which only the first bytes were seen, packed since: not taken for an older one that begins so."""
    old = log.with_name("app.log.1")
    log.rename(old)
    old.write_text("2026-11-25 old\n2026-11-25 older\n")
    os.utime(old, ns=(1_000_000_000, 1_000_000_000))
    append(log, "2026", end="")
    reader = Reader(log)
    reader.look()
    append(log, "-11-26 a")
    old.rename(log.with_name("app.log.2"))
    log.rename(old)
    append(log, "2026-11-26 b")
    packed(old)
    assert reader.take() == [b"-11-26 a", b"2026-11-26 b"]
    assert reader.lost == []


def test_a_log_that_was_empty_at_the_last_look_is_found_packed(log: Path) -> None:
    """Nothing had been read of it: what was rotated since then is all of it, and nothing is lost."""
    os.truncate(log, 0)
    reader = Reader(log)
    reader.look()
    append(log, "a")
    log.rename(log.with_name("app.log.1"))
    packed(log.with_name("app.log.1"))
    append(log, "b")
    assert reader.take() == [b"a", b"b"]
    assert reader.lost == []


def test_lines_written_to_a_file_that_was_rotated_empty_are_read(log: Path) -> None:
    """A log that was rotated before anything stood in it: its program goes on with it until it opens the new one."""
    reader = Reader(log)
    old = log.with_name("app.log.1")
    log.rename(log.with_name("app.log.2"))
    log.touch()
    log.rename(old)
    log.touch()
    assert reader.take() == []
    append(old, "late")
    append(log, "new")
    assert sorted(reader.take()) == [b"late", b"new"]
    assert reader.take() == []
    assert reader.lost == []


def test_a_copy_that_was_still_empty_is_not_read_for_itself(log: Path) -> None:
    """The copy of a log begins empty: what then stands in it was read where it came from, or is read there."""
    reader = Reader(log)
    log.rename(log.with_name("app.log.2"))
    append(log, "a")
    log.with_name("app.log.1").touch()
    assert reader.take() == [b"a"]
    append(log, "b")
    log.with_name("app.log.1").write_bytes(log.read_bytes())
    os.truncate(log, 0)
    append(log, "c")
    assert reader.take() == [b"b", b"c"]
    assert reader.take() == []
    assert reader.lost == []


def test_an_inode_that_is_used_again_is_no_proof(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty log went; its inode is that of an old file that was packed since: that is not read once more."""
    old = log.with_name("app.log.1")
    log.rename(old)
    packed(old)
    log.touch()
    reader = Reader(log)
    reader.look()
    state = json.loads(reader._state)
    state["place"]["inode"] = log.with_name("app.log.1.gz").stat().st_ino
    reader._state = json.dumps(state)
    log.unlink()
    append(log, "a")
    assert reader.take() == [b"a"]


def test_what_was_written_late_and_packed_is_read_once(log: Path) -> None:
    """Lines in a renamed file that came after the last rotation, and its packing, make it no file that is new."""
    reader = Reader(log)
    old = log.with_name("app.log.1")
    log.rename(old)
    log.touch()
    reader.take()
    append(old, "late")
    os.utime(old, ns=(2**62, 2**62))
    packed(old)
    assert reader.take() == [b"late"]
    log.unlink()
    append(log, "a")
    assert reader.take() == [b"a"]
