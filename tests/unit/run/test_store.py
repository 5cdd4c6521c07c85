"""The store on real files: what it has said stays said, and what it cannot promise it refuses."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.journals import GOLDEN, lines_of, one_of_each

from orion_deploy.errors import ExitCode, HeldError, NotRecordedError, StoreError
from orion_deploy.run import events as ev
from orion_deploy.run import files, journal, scribe
from orion_deploy.run.edge import Edge
from orion_deploy.run.fold import fold
from orion_deploy.run.state import RunState, Status
from orion_deploy.run.store import Store

EDGE = Edge(now=lambda: 1000.0, who=lambda: "ann@db1", boot_id=lambda: "b00t")
EVENTS = one_of_each()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run that is not there yet."""
    return tmp_path / "a.md.runs" / "one"


def opened(run: Path, **more: Any) -> Store:
    """The store, opened for writing, without patience."""
    return Store.open(run, edge=EDGE, wait_s=more.pop("wait_s", 0.0), **more)


def put(run: Path, data: bytes) -> None:
    """A run whose journal is `data`."""
    files.make_folder(run)
    (run / "journal.jsonl").write_bytes(data)


def tick(step: str) -> ev.Ticked:
    """A tick with its time."""
    return ev.Ticked(step=step, at=5.0, by="ann@db1")


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below, with what is in it."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_what_was_appended_is_there_after_opening_again(run: Path) -> None:
    """State, events and count are the same; two writes or ten make no difference."""
    with_store = opened(run)
    with_store.append(*EVENTS[:5])
    for event in EVENTS[5:]:
        with_store.append(event)
    state = with_store.state
    with_store.close()
    again = opened(run)
    assert again.state == state == fold(EVENTS)
    assert list(again.events()) == EVENTS
    assert again.events_count == len(EVENTS)
    assert (again.recovered_torn_bytes, again.read_only, again.warnings) == (0, False, ())
    again.close()


def test_the_state_is_on_the_disk_before_append_returns(run: Path) -> None:
    """Someone who looks on sees what the holder was just told."""
    store = opened(run)
    for number in range(5):
        state = store.append(tick(f"s{number}"))
        assert state is store.state
        assert Store.look(run).state == state
    store.close()


def test_one_append_is_one_write_and_one_sync(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many events: a tick costs one flush."""
    store = opened(run)
    calls: list[str] = []
    for name in ("write", "fsync", "fdatasync"):
        real: Callable[..., Any] = getattr(os, name)

        def call(*given: Any, name: str = name, real: Callable[..., Any] = real) -> Any:
            calls.append(name)
            return real(*given)

        monkeypatch.setattr(os, name, call)
    store.append(*EVENTS)
    assert calls == (["write"] if sys.platform == "darwin" else ["write", "fdatasync"])
    store.close()


def test_everything_is_private(run: Path) -> None:
    """Whatever the umask: 0700 and 0600."""
    before = os.umask(0)
    try:
        store = opened(run, sidecar=run.parent.parent / "a.md.state.json")
        store.append(tick("a"))
        store.snapshot(force=True)
        store.close()
    finally:
        os.umask(before)
    for path in run.parent.parent.rglob("*"):
        assert path.lstat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_a_torn_tail_is_kept_aside_and_cut_off(run: Path) -> None:
    """The rest of a write that nobody was told of: the run goes on before it, and the bytes are evidence."""
    good = lines_of(EVENTS[:4])
    torn = lines_of(EVENTS[:5])[len(good) :][:-20]
    put(run, good + torn)
    store = opened(run)
    assert store.state == fold(EVENTS[:4])
    assert store.recovered_torn_bytes == len(torn)
    assert [path.read_bytes() for path in run.glob("torn-4-*")] == [torn]
    store.append(EVENTS[4])
    store.close()
    again = opened(run)
    assert (list(again.events()), again.recovered_torn_bytes) == (EVENTS[:5], 0)
    again.close()


def test_damage_is_refused_with_its_place_and_nothing_is_changed(run: Path) -> None:
    """No byte is dropped or written, the lock is let go, and what is before the damage can be looked at."""
    data = bytearray(lines_of(EVENTS))
    place = data.index(b"TOKEN")
    data[place] ^= 1
    put(run, bytes(data))
    line = bytes(data[:place]).count(b"\n") + 1
    for _ in range(2):
        with pytest.raises(StoreError) as caught:
            opened(run)
        assert f"line {line}, byte " in caught.value.what
        assert str(run / "journal.jsonl") in caught.value.render()
        assert "nothing was changed" in caught.value.help
        assert caught.value.exit_code == ExitCode.NOT_WRITTEN
    assert contents(run)["journal.jsonl"] == data
    assert sorted(contents(run)) == ["journal.jsonl", "lock"]
    look = Store.look(run)
    assert look.state == fold(EVENTS[: line - 1])
    assert look.damage is not None
    assert (look.damage.line, look.read_only) == (line, True)
    assert f"line {line}" in look.why_read_only


def test_looking_writes_nothing_and_takes_no_lock(run: Path) -> None:
    """Beside a holder, over a torn tail, in a folder that cannot be written: the same answer, and no trace."""
    put(run, lines_of(EVENTS) + b'{"v":1,"n":')
    os.chmod(run / "journal.jsonl", 0o444)
    before = contents(run)
    look = Store.look(run)
    assert (look.state, look.read_only) == (fold(EVENTS), True)
    assert list(look.events()) == EVENTS
    assert contents(run) == before
    with pytest.raises(NotRecordedError):
        look.append(tick("a"))
    assert contents(run) == before


def test_there_is_no_run_to_look_at(run: Path) -> None:
    """A clear error, and nothing is made."""
    with pytest.raises(StoreError, match="there is no run `one`"):
        Store.look(run)
    assert not run.exists()


def test_following_another_operators_run(run: Path) -> None:
    """`refresh` brings what was written since, tells whether anything was, and survives a write taken back."""
    holder = opened(run)
    holder.append(tick("a"))
    look = Store.look(run)
    assert not look.refresh()
    holder.append(tick("b"))
    assert look.refresh()
    assert look.state == holder.state
    path = run / "journal.jsonl"
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(journal.encode(tick("c"), holder._link)[0])
    assert look.refresh()
    os.truncate(path, size)
    assert look.refresh()
    assert look.state == holder.state
    holder.append(tick("d"))
    assert look.refresh()
    assert look.state == holder.state
    assert not holder.refresh()
    holder.close()


def test_one_operator_at_a_time(run: Path) -> None:
    """The second one is told who holds it and since when; after the first has left it is theirs."""
    first = opened(run)
    with pytest.raises(HeldError) as caught:
        opened(run)
    assert caught.value.what.startswith("ann@db1 holds this run since ")
    assert f"process {os.getpid()}" in caught.value.what
    assert caught.value.exit_code == ExitCode.HELD
    first.close()
    opened(run).close()


def test_a_killed_holder_leaves_nothing_to_clear_up(run: Path) -> None:
    """The lock goes with the process."""
    code = (
        "import sys, time; from pathlib import Path; from orion_deploy.run.store import Store\n"
        "store = Store.open(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(run)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(HeldError):
            opened(run)
        process.send_signal(signal.SIGKILL)
        process.wait()
        opened(run, wait_s=2.0).close()


@pytest.fixture
def file_size_limit() -> Iterator[Callable[[int], None]]:
    """Limit how long files may get, as a full disk or a quota would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size if size >= 0 else soft, hard))

    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_without_room_nothing_is_recorded_and_the_run_goes_on_when_there_is(
    run: Path, file_size_limit: Callable[[int], None]
) -> None:
    """At any byte of the write: cut back, said so, and usable again."""
    store = opened(run)
    store.append(EVENTS[0])
    before = (run / "journal.jsonl").read_bytes()
    state = store.state
    for room in range(0, 120, 7):
        file_size_limit(len(before) + room)
        with pytest.raises(NotRecordedError) as caught:
            store.append(tick("a"), tick("b"))
        file_size_limit(-1)
        assert "not recorded, nothing was run" in caught.value.what
        assert caught.value.exit_code == ExitCode.NOT_WRITTEN
        assert (run / "journal.jsonl").read_bytes() == before
        assert (store.state, store.read_only) == (state, False)
    store.append(tick("a"))
    store.close()
    assert Store.look(run).state.step("a").status is Status.DONE


@pytest.mark.parametrize(
    ("name", "number"), [("fdatasync", errno.EIO), ("write", errno.EIO), ("fdatasync", errno.EROFS)]
)
def test_after_a_disk_error_the_store_only_reads(
    run: Path, monkeypatch: pytest.MonkeyPatch, name: str, number: int
) -> None:
    """A failed sync is never tried again: the kernel would say yes, and the page is gone."""
    if sys.platform == "darwin":
        pytest.skip("there is no fdatasync on macOS")
    store = opened(run)
    store.append(EVENTS[0])
    state = store.state
    calls: list[str] = []

    def broken(*_: object) -> int:
        calls.append(name)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, name, broken)
    for _ in range(3):
        with pytest.raises(NotRecordedError, match="not recorded, nothing was run"):
            store.append(tick("a"))
    assert calls == [name]
    assert (store.read_only, store.state) == (True, state)
    assert os.strerror(number) in store.why_read_only
    store.close()


def test_no_room_to_take_a_write_back_is_the_end_of_writing(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be undone is not gone on with."""
    store = opened(run)

    def broken(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", broken)
    monkeypatch.setattr(os, "ftruncate", broken)
    with pytest.raises(NotRecordedError):
        store.append(tick("a"))
    assert store.read_only
    store.close()


def test_an_interrupt_in_a_write_ends_writing(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is half-written by ctrl-C is sorted out by the next opening, not written over."""
    store = opened(run)

    def interrupted(fd: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "sync_data", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.append(tick("a"))
    monkeypatch.undo()
    with pytest.raises(NotRecordedError):
        store.append(tick("b"))
    store.close()
    again = opened(run)
    assert set(again.state.steps) == {"a"}
    again.close()


def spoil(how: str, path: Path) -> None:
    """Do something to the journal behind the holder's back."""
    match how:
        case "removed":
            path.unlink()
        case "cut":
            os.truncate(path, path.stat().st_size - 10)
        case "written to":
            with path.open("ab") as file:
                file.write(b"hello\n")


@pytest.mark.parametrize("how", ["removed", "cut", "written to"])
def test_a_journal_that_somebody_else_changed_is_not_written_to(run: Path, how: str) -> None:
    """`git clean` must not swallow ticks: an append says that its journal is not there any more."""
    store = opened(run)
    store.append(tick("a"))
    spoil(how, run / "journal.jsonl")
    for _ in range(2):
        with pytest.raises(NotRecordedError, match="while the run was open"):
            store.append(tick("b"))
    assert set(store.state.steps) == {"a"}
    store.close()


@pytest.mark.parametrize("kind", ["symbolic link", "fifo", "hard link"])
@pytest.mark.parametrize("name", ["journal.jsonl", "lock"])
def test_nothing_planted_in_the_folder_is_used(run: Path, kind: str, name: str) -> None:
    """A link or FIFO in the place of the journal or the lock is refused at once, and harms nothing."""
    files.make_folder(run)
    victim = run / "victim"
    victim.write_text("precious")
    match kind:
        case "symbolic link":
            (run / name).symlink_to(victim)
        case "fifo":
            os.mkfifo(run / name)
        case _:
            os.link(victim, run / name)
    with pytest.raises(StoreError):
        opened(run)
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("level", ["run", "runs"])
def test_no_folder_of_others_is_used(run: Path, level: str) -> None:
    """A linked or world-writable folder is refused, at both levels."""
    files.make_folder(run)
    folder = run if level == "run" else run.parent
    os.chmod(folder, 0o777)
    with pytest.raises(StoreError, match="by anyone"):
        opened(run)
    os.chmod(folder, 0o700)
    folder.rename(folder.with_name("real"))
    folder.symlink_to("real")
    with pytest.raises(StoreError, match="symbolic link"):
        opened(run)


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.ESTALE])
def test_a_journal_that_cannot_be_read_is_not_an_empty_one(
    run: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Any error on the way to the journal stops the run: it could be a deployment that is under way."""
    put(run, lines_of(EVENTS))
    before = contents(run)
    for name in ("open", "lstat", *(("pread",) if sys.platform == "linux" else ())):
        real: Callable[..., Any] = getattr(os, name)

        def broken(target: Any, *given: Any, real: Callable[..., Any] = real, **more: Any) -> Any:
            path = Path(os.readlink(f"/dev/fd/{target}")) if isinstance(target, int) else Path(target)
            if path.name in ("journal.jsonl", "one") and not given[:1] == (
                os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC,
            ):
                raise OSError(number, os.strerror(number))
            return real(target, *given, **more)

        with monkeypatch.context() as patch:
            patch.setattr(os, name, broken)
            with pytest.raises((NotRecordedError, StoreError)):
                opened(run)
            if name != "lstat":
                with pytest.raises(StoreError):
                    Store.look(run)
    assert {k: v for k, v in contents(run).items() if k != "lock"} == before


def test_a_journal_that_lost_what_a_snapshot_knows_is_refused(run: Path) -> None:
    """A journal that was cut at a record, emptied, removed or exchanged would repeat what was done."""
    beside = run.parent.parent / "a.md.state.json"
    store = opened(run, sidecar=beside)
    for event in EVENTS:
        store.append(event)
    store.snapshot(force=True)
    store.close()
    path = run / "journal.jsonl"
    whole = path.read_bytes()
    other = lines_of([tick(f"s{n}") for n in range(100)])
    assert len(other) > len(whole)
    for data in (lines_of(EVENTS[:-1]), b"", other, None):
        path.unlink()
        if data is not None:
            path.write_bytes(data)
        with pytest.raises(StoreError, match="something is missing"):
            opened(run, sidecar=beside)
        (run / "state.json").rename(run / "aside")
        with pytest.raises(StoreError, match=r"a\.md\.state\.json"):
            opened(run, sidecar=beside)
        (run / "aside").rename(run / "state.json")
    shutil.rmtree(run)
    with pytest.raises(StoreError, match="something is missing"):
        opened(run, sidecar=beside)
    (run / "journal.jsonl").write_bytes(whole)
    again = opened(run, sidecar=beside)
    assert again.state == fold(EVENTS)
    again.close()


def test_a_sidecar_of_another_run_or_a_damaged_one_is_no_hindrance(run: Path) -> None:
    """It is only a snapshot: the next one takes its place."""
    beside = run.parent.parent / "a.md.state.json"
    beside.parent.mkdir(exist_ok=True)
    for text in ("", "{", '{"format": "other"}', '{"format": "orion-deploy state", "schema": 99}'):
        beside.write_text(text)
        store = opened(run, sidecar=beside)
        store.append(tick("a"))
        store.snapshot(force=True)
        assert json.loads(beside.read_text())["run"] == "one"
        store.close()
    other = opened(run.with_name("two"), sidecar=beside)
    other.append(tick("a"))
    other.close()


def test_a_journal_of_a_newer_program_is_only_read(run: Path) -> None:
    """It can be looked at, it says why, it is not locked, and not a byte changes."""
    events = lines_of(EVENTS)
    put(run, events)
    link = journal.parse(events).link
    line, _ = journal.encode(tick("a"), link)
    body = line[: line.rindex(b',"h":')].replace(b'"k":"ticked"', b'"k":"beamed"')
    text = body + b',"h":"' + journal.chain(link.hash, body).encode() + b'"'
    put(run, events + text + b',"c":"%08x"}\n' % zlib.crc32(text))
    before = contents(run)["journal.jsonl"]
    store = opened(run)
    assert (store.state, store.read_only) == (fold(EVENTS), True)
    assert "newer" in store.why_read_only
    with pytest.raises(NotRecordedError, match="newer"):
        store.append(tick("a"))
    second = opened(run)
    assert second.read_only
    assert contents(run)["journal.jsonl"] == before


def test_an_older_journal_is_kept_and_gone_on_with(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The golden journal of schema 1 under a program of schema 2: copied once, read, and appended to."""
    old = (GOLDEN / "journal-v1.jsonl").read_bytes()
    events = EVENTS[: old.count(b"\n")]
    put(run, old)
    monkeypatch.setattr(journal, "SCHEMA", 2)
    monkeypatch.setitem(journal.UPGRADES, 1, lambda body: body)
    for number in range(2):
        store = opened(run)
        assert store.state == fold([*events, *(tick(f"s{n}") for n in range(number))])
        store.append(tick(f"s{number}"))
        store.close()
        assert (run / "journal.v1.jsonl").read_bytes() == old
    assert (run / "journal.jsonl").read_bytes().startswith(old)
    monkeypatch.undo()
    assert Store.look(run).why_read_only.endswith("its schema is 2, this program knows 1")
    assert Store.look(run).state == fold(events)


def test_the_snapshot_follows_in_the_background(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many ticks make few snapshots, and the last state is among them without being asked for."""
    monkeypatch.setattr(scribe, "INTERVAL_S", 0.05)
    written: list[int] = []

    def describe(state: RunState) -> dict[str, Any]:
        written.append(state.sequence)
        return {"sequence": state.sequence}

    store = opened(run, describe=describe)
    for number in range(100):
        store.append(tick(f"s{number}"))
        store.snapshot()
    deadline = time.monotonic() + 10
    while written[-1:] != [100] and time.monotonic() < deadline:
        threading.Event().wait(0.005)
    assert written[-1] == 100
    assert len(written) < 50
    store.close()


def test_a_forced_snapshot_is_there_on_return(run: Path) -> None:
    """On leaving, and at the end of a section; an older one never takes its place."""
    store = opened(run, describe=lambda state: {"sequence": state.sequence})
    store.append(tick("a"))
    store.snapshot()
    store.append(tick("b"))
    store.snapshot(force=True)
    assert json.loads((run / "state.json").read_text())["sequence"] == 2
    store.close()
    assert json.loads((run / "state.json").read_text())["sequence"] == 2


def test_a_snapshot_that_fails_hinders_nothing(run: Path) -> None:
    """No room, or a fault in the description: the run goes on, and the failure can be shown."""
    store = opened(run, sidecar=run / "missing" / "sidecar", describe=lambda _: {})
    store.append(tick("a"))
    store.snapshot(force=True)
    assert "could not be written" in store.snapshot_error
    store.append(tick("b"))
    store.close()

    def faulty(_: RunState) -> dict[str, Any]:
        raise LookupError("step")

    store = opened(run, describe=faulty)
    store.append(tick("c"))
    store.snapshot(force=True)
    assert "LookupError" in store.snapshot_error
    store.close()


def test_the_head_proves_what_the_journal_was(run: Path) -> None:
    """A report that holds the head finds any change before it, and is not troubled by what came after."""
    store = opened(run)
    store.append(*EVENTS[:6])
    head = store.head
    assert store.verify(head) == ""
    store.append(*EVENTS[6:])
    assert store.verify(head) == ""
    assert store.verify("99:" + "0" * 32) != ""
    assert store.verify("nonsense") != ""
    store.close()
    put(run, lines_of([*EVENTS[:2], tick("never"), *EVENTS[3:]]))
    assert "noted" in Store.look(run).verify(head)


def test_an_event_that_cannot_be_folded_is_never_written(run: Path) -> None:
    """A fault in the program stops before the disk, not at the next opening."""
    store = opened(run)
    with pytest.raises(ValueError, match="no way to resolve"):
        store.append(ev.Resolved(step="a", how="maybe"))
    with pytest.raises(NotRecordedError, match="at most"):
        store.append(ev.Noted(text="x" * journal.RECORD_BYTES_MAX))
    store.append(tick("a"))
    store.close()
    put(run.with_name("two"), journal.encode(ev.Resolved(step="a", how="maybe"), journal.START)[0])
    with pytest.raises(StoreError, match="what cannot be"):
        opened(run.with_name("two"))


def test_a_run_that_is_closed_records_nothing(run: Path) -> None:
    """And says so; closing twice is once."""
    store = opened(run)
    store.close()
    store.close()
    with pytest.raises(NotRecordedError, match="closed"):
        store.append(tick("a"))
    assert store.append() == store.state
