"""Watches whose files are damaged, stale, hostile or cannot be written, and secrets that are not known any more."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from support.kinds import until
from support.watches import Watcher, kill_keeper

from orion_deploy.errors import OrionError, StoreError
from orion_deploy.kinds import durable
from orion_deploy.kinds.verdict import Json, Outcome
from orion_deploy.run.watches import keeper as keepers
from orion_deploy.run.watches import notify, reading, spawning
from orion_deploy.run.watches import watch as watches
from orion_deploy.run.watches.keeper import Keeping
from orion_deploy.run.watches.look_in import facts_of, watches_of
from orion_deploy.run.watches.reading import KEPT_NAME, LIVE_NAME, SPEC_NAME
from orion_deploy.run.watches.record import to_json
from orion_deploy.run.watches.spawning import spawn
from orion_deploy.run.watches.standing import gaps_in_words, progress, why_unwatched
from orion_deploy.run.watches.watch import Watch
from orion_deploy.run.watching import final_verdict


@pytest.fixture
def watcher(tmp_path: Path) -> Watcher:
    """Somebody who watches a file that is there."""
    (tmp_path / "there.txt").write_text("here")
    made = Watcher(tmp_path, "files.exists", {"path": "there.txt"}, watch_s=3600.0, every_s=1.0)
    write_spec(made)
    return made


def write_spec(watcher: Watcher) -> None:
    """Write down what is to be watched, as a session does."""
    (watcher.folder / SPEC_NAME).write_text(json.dumps(to_json(watcher.spec)))


NO_NUMBERS: list[Json] = ["x", [], {}, [[1]], float("nan"), float("inf"), 10**400, True, -(10.0**200)]


@pytest.mark.parametrize(
    "name", ["looked", "fired", "gaps", "points", "verdict", "ended_at", "watch_s", "value"]
)
@pytest.mark.parametrize("value", NO_NUMBERS, ids=lambda value: repr(value)[:9])
def test_a_record_of_another_shape_breaks_nobody(watcher: Watcher, name: str, value: Json) -> None:
    """What was damaged is read as no record, or as one that everybody can show, judge and go on from."""
    watcher.looks(5.0)
    watcher.leaves()
    content = json.loads((watcher.folder / KEPT_NAME).read_text()) | {name: value}
    for each in (KEPT_NAME, LIVE_NAME):
        (watcher.folder / each).write_text(json.dumps(content))
    record = reading.read_record(watcher.folder)
    if record is not None:
        assert progress(record, 0.0)
        assert gaps_in_words(record)
        assert json.dumps(facts_of(record, None, 0.0))
        assert final_verdict(record, "elapsed").reason
    watcher.dies()
    watcher.looks(3.0)
    assert reading.read_record(watcher.folder) == watcher.record


def test_a_file_that_is_nested_too_deep_is_no_record(watcher: Watcher) -> None:
    """Nothing that lies there ends the program that reads it."""
    deep = "[" * 200_000
    for name in (LIVE_NAME, KEPT_NAME, notify.FILE_NAME):
        (watcher.folder / name).write_text(deep)
    assert reading.read_record(watcher.folder) is None
    assert notify.read_told(watcher.folder) == ()


def test_what_was_told_is_not_waited_for(watcher: Watcher) -> None:
    """A pipe in the place of the file has no other end: nobody hangs on it."""
    os.mkfifo(watcher.folder / notify.FILE_NAME)
    thread = threading.Thread(target=notify.read_told, args=(watcher.folder,), daemon=True)
    thread.start()
    thread.join(5.0)
    assert not thread.is_alive()


def test_a_live_file_that_stayed_behind_is_not_gone_on_from(watcher: Watcher) -> None:
    """After a power cut the live file may be the older one: what fired since must not fire again."""
    watcher.looks(5.0)
    watcher.leaves()
    old = (watcher.folder / LIVE_NAME).read_bytes()
    (watcher.run_directory.parent / "there.txt").unlink()
    watcher.looks(1.0)
    fired = watcher.record.fired
    assert len(fired) == 1
    (watcher.folder / LIVE_NAME).write_bytes(old)
    watcher.dies()
    watcher.looks(5.0)
    assert watcher.record.fired == fired


def test_what_was_seen_and_cannot_be_read_is_no_pass(watcher: Watcher) -> None:
    """Beginning anew would forget what had failed."""
    watcher.looks(5.0)
    watcher.leaves()
    for name in (LIVE_NAME, KEPT_NAME):
        (watcher.folder / name).write_text("{")
    watcher.dies()
    judged = watcher.record.judged()
    assert watcher.watch.is_over
    assert judged is not None
    assert judged.outcome is Outcome.UNDECIDED


def test_an_end_that_the_disk_does_not_take_is_written_when_it_does(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk at the end: a look that failed is not forgotten by looking again."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    watcher.looks(3598.0)
    (watcher.run_directory.parent / "there.txt").unlink()
    monkeypatch.setattr(watches, "write_whole", full)
    watcher.looks(5.0)
    assert watcher.watch.is_over
    assert watcher.watch.is_unwritten
    monkeypatch.setattr(watches, "write_whole", durable.write_whole)
    watcher.watch.keep()
    assert not watcher.watch.is_unwritten
    assert reading.read_record(watcher.folder) == watcher.record


def test_without_its_secret_a_watch_sees_nothing_and_goes_on_with_it(watcher: Watcher) -> None:
    """Who looks without the value must not look at something else: that time is a gap, and no firing."""
    spec = replace(watcher.spec, parameters={"path": "$TOKEN"}, secrets=("TOKEN", "OTHER"))

    def someone(environ: dict[str, str]) -> Watch:
        return Watch(
            watcher.folder,
            spec,
            run_directory=watcher.run_directory,
            edge=watcher.machine.edge(),
            environ=environ,
        )

    for environ, outcome in (({}, None), ({"TOKEN": "there.txt"}, Outcome.PASSED), ({}, Outcome.PASSED)):
        watch = someone(environ)
        watcher.machine.passes(30.0)
        watch.turn()
        watch.keep()
        judged = watch.record.judged()
        assert (judged.outcome if judged else None) is outcome
        assert ("TOKEN is not known" in watch.record.lost) is (not environ)
    assert watch.record.fired == ()
    assert watch.record.observed_s == 30.0
    assert watch.record.gap_s == 60.0


def test_a_keeper_leaves_where_nothing_can_be_read(watcher: Watcher) -> None:
    """A damaged spec is no watch under way: nobody stays for it."""
    (watcher.folder / SPEC_NAME).write_text("{")
    keeping = Keeping(watcher.run_directory, in_foreground=True)
    assert keeping.take()
    work = threading.Thread(target=keeping.carry_on, daemon=True)
    work.start()
    work.join(10.0)
    assert not work.is_alive()


def test_a_watch_that_began_within_the_same_tick_is_looked_at(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder's time of change is too coarse to tell that another watch came in the very moment of the scan."""
    monkeypatch.setattr(keepers, "SCAN_S", 0.02)
    keeping = Keeping(watcher.run_directory)
    assert keeping.take()
    work = threading.Thread(target=keeping.carry_on, daemon=True)
    work.start()
    until(lambda: reading.read_record(watcher.folder), "the first look")
    both = watcher.folder.parent
    seen = os.stat(both)
    second = both / "other-0-1"
    making = both / ".other"
    making.mkdir()
    spec = replace(watcher.spec, step="other")
    (making / SPEC_NAME).write_text(json.dumps(to_json(spec)))
    making.rename(second)
    os.utime(both, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    until(lambda: reading.read_record(second), "a look at the other one")
    keeping.stop()
    work.join(10.0)


def test_whoever_asks_who_looks_keeps_nobody_from_looking(watcher: Watcher) -> None:
    """Asking holds the lock for an instant: to be tried again, not taken for somebody who looks."""
    fd = os.open(watcher.run_directory / reading.LOCK_NAME, os.O_RDONLY | os.O_CREAT, 0o600)
    fcntl.flock(fd, fcntl.LOCK_SH)
    threading.Timer(0.1, os.close, (fd,)).start()
    taken = keepers.lock_patiently(watcher.run_directory)
    assert taken >= 0
    os.close(taken)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EIO, errno.EOPNOTSUPP])
def test_a_lock_that_cannot_be_asked_is_held_by_nobody_and_free_for_nobody(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Only a lock that is held means that somebody looks; what cannot be told is an error, and no yes or no."""
    (watcher.run_directory / reading.LOCK_NAME).touch()

    def broken(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", broken)
    with pytest.raises(StoreError, match="cannot be told whether anybody watches") as caught:
        reading.keeper_of(watcher.run_directory)
    assert os.strerror(number) in str(caught.value)
    assert reading.known_keeper(watcher.run_directory) is None
    with pytest.raises(StoreError):
        keepers.ask_to_leave(watcher.run_directory)
    with pytest.raises(OrionError, match="could not be started") as refused:
        spawn(watcher.run_directory, {}, "ann")
    assert os.strerror(number) in str(refused.value)


FORKED = b"import os\nif os.fork():\n    os._exit(0)\n"


@pytest.mark.parametrize(
    ("program", "why"),
    [
        (FORKED + b"import no_such_module\n", "No module named 'no_such_module'"),
        (FORKED + b"os._exit(3)\n", "without a word"),
        (FORKED + b"os.kill(os.getpid(), 9)\n", "without a word"),
        (b"import no_such_module\n", "No module named 'no_such_module'"),
    ],
)
def test_a_keeper_that_dies_before_it_looks_is_an_error_with_its_reason(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch, program: bytes, why: str
) -> None:
    """Whoever waits for it to be ready hears that it is not, and why; nobody holds the lock afterwards."""
    monkeypatch.setattr(spawning, "program", lambda _: program)
    with pytest.raises(OrionError, match="could not be started") as caught:
        spawn(watcher.run_directory, dict(os.environ), "ann", ready_s=spawning.READY_S)
    assert why in caught.value.what
    assert "keeper.log" in caught.value.help
    assert reading.keeper_of(watcher.run_directory) is None


def test_a_keeper_that_is_ready_looks(watcher: Watcher) -> None:
    """Whoever waited for it finds it: its process id stands beside the lock, and nothing stays open or unreaped here."""
    before = sorted(os.listdir("/proc/self/fd"))
    spawn(watcher.run_directory, dict(os.environ), "ann", ready_s=spawning.READY_S)
    keeper = reading.keeper_of(watcher.run_directory)
    assert keeper is not None
    assert keeper.pid > 1
    assert sorted(os.listdir("/proc/self/fd")) == before
    kill_keeper(watcher.run_directory)


def test_a_keeper_that_does_not_begin_is_said(watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that hangs in its first lines is not said to watch."""
    hangs = FORKED + b"import signal\nsignal.pause()\n"
    monkeypatch.setattr(spawning, "program", lambda _: hangs)
    with pytest.raises(OrionError, match="has not begun"):
        spawn(watcher.run_directory, dict(os.environ), "ann", ready_s=0.2)
    (pid,) = [
        int(name)
        for name in os.listdir("/proc")
        if name.isdigit() and holds(int(name), watcher.run_directory / reading.LOCK_NAME)
    ]
    os.kill(pid, signal.SIGKILL)


def holds(pid: int, path: Path) -> bool:
    """Whether another process has the file open."""
    try:
        links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    except OSError:
        return False
    return pid != os.getpid() and str(path) in links


def test_status_and_the_screens_call_a_keeper_that_does_not_look_the_same(watcher: Watcher) -> None:
    """A process that holds the lock and has not looked for long watches nobody: neither says that it does."""
    from orion_deploy.cli.status_text import watch_lines

    watcher.looks(1.0)
    record, keeper = watcher.record, reading.Keeper(pid=4242)
    soon, late = record.looked.wall + 30.0, record.looked.wall + 600.0
    assert facts_of(record, keeper, soon)["state"] == "watching"
    facts = facts_of(record, keeper, late)
    assert facts["state"] == "nobody watches"
    assert why_unwatched(record, late, is_kept=True) in "\n".join(watch_lines([facts]))
    assert facts_of(record, None, soon)["state"] == "nobody watches"


def test_status_says_that_it_cannot_be_told(watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
    """It tells what was seen all the same, and that nobody knows whether anybody watches."""
    from orion_deploy.cli.status_text import watch_lines

    watcher.looks(1.0)
    watcher.leaves()
    (watcher.run_directory / reading.LOCK_NAME).touch()

    def broken(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", broken)
    (facts,) = watches_of(str(watcher.run_directory), {watcher.spec.step: 1}, watcher.record.looked.wall)
    assert (facts["state"], facts["is_watched_now"], facts["watched_by"]) == ("unknown", False, None)
    text = "\n".join(watch_lines([facts]))
    assert "it cannot be told whether anybody watches: No locks available" in text
    assert "nobody" not in text


def test_a_watch_that_cannot_be_begun_is_told_like_any_end(watcher: Watcher) -> None:
    """Its end is heard by whoever tells the operator, and makes the exit code."""
    watcher.spec = replace(watcher.spec, parameters={"path": "there.txt", "size": 3})
    write_spec(watcher)
    heard = []
    keeping = Keeping(
        watcher.run_directory, in_foreground=True, seen=lambda before, after: heard.append((before, after))
    )
    assert keeping.take()
    keeping.carry_on()
    assert [(before.ended_at, after.verdict["outcome"]) for before, after in heard] == [(None, "failed")]
