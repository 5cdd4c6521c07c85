"""Every state that a power cut can leave the store in, of a whole little life of it (after ALICE, OSDI 2014).

The store's system calls are recorded. Then, for every instant between two of them, every disk is made that
a weak file system may leave: of each file what was synced, with none, a beginning, a beginning and zeros,
holes, or all of what was not; of each folder the names that were synced, with any subset of the others.
The product opens each of these disks: nothing acknowledged is missing, nothing that was not issued is
there, whatever was done has its start on record, and the run can be gone on with.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from crash.harness import Harness, Tally, scratch
from crash.store_mutants import (
    JOURNAL_IN_PLACE,
    NO_FOLDER_FSYNC,
    NO_FSYNC,
    NO_START_RECORD,
    NO_SYNC_ON_OPENING,
    SNAPSHOT_IN_PLACE,
    TORN_TAIL_LEFT,
    broken,
)
from orion_deploy.errors import NotRecordedError, OrionError, StoreError
from orion_deploy.run import events as ev
from orion_deploy.run import files, sidecar
from orion_deploy.run.edge import Edge
from orion_deploy.run.store import Store

LOOSE_NAMES_MAX = 6
EDGE = Edge(now=lambda: 1000.0, who=lambda: "ann@db1", boot_id=lambda: "b00t")
SECTOR = 512


class PowerCutError(BaseException):
    """The process ends here."""


@dataclass
class Recorder:
    """The trace of one life: system calls below `root`, what was acknowledged, what was done."""

    root: Path
    trace: list[tuple[Any, ...]] = field(default_factory=list)
    fds: dict[int, tuple[str, Any]] = field(default_factory=dict)
    inodes: dict[str, int] = field(default_factory=dict)
    fail: Callable[[str], None] = lambda _: None
    """Called with a call's name before it is made; may raise."""

    def inside(self, path: object) -> str:
        """The path below the root, or an empty string."""
        text = os.path.abspath(os.fspath(path))  # type: ignore[call-overload]
        return str(text) if str(text).startswith(str(self.root)) else ""

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Watch the functions of `os` that change a disk."""
        names = (
            "open",
            "close",
            "write",
            "pwrite",
            "fsync",
            "fdatasync",
            "replace",
            "unlink",
            "ftruncate",
            "mkdir",
        )
        real = {name: getattr(os, name) for name in names}
        with ExitStack() as stack:
            for name in names:
                stack.enter_context(patch.object(os, name, self._call(name, real)))
            # So that a Mac's way of syncing is recorded as what it is.
            stack.enter_context(patch.object(files, "_full_sync", os.fsync))
            yield

    def _call(self, name: str, real: dict[str, Callable[..., Any]]) -> Callable[..., Any]:
        def call(*given: Any, **more: Any) -> Any:
            self.fail(name)
            note = getattr(self, f"_{name}")
            return note(real[name], *given, **more)

        return call

    def _open(self, real: Callable[..., int], path: Any, flags: int, *more: Any, **kept: Any) -> int:
        name = self.inside(path)
        is_new = bool(name) and bool(flags & os.O_CREAT) and not os.path.lexists(name)
        fd = real(path, flags, *more, **kept)
        if not name:
            return fd
        if os.path.isdir(name):
            self.fds[fd] = ("folder", name)
            return fd
        if is_new:
            self.inodes[name] = len(self.trace)
            self.trace.append(("name", name, self.inodes[name]))
        self.fds[fd] = ("file", self.inodes[name])
        if flags & os.O_TRUNC and not is_new:
            self.trace.append(("cut", self.inodes[name], 0))
        return fd

    def _close(self, real: Callable[..., None], fd: int) -> None:
        self.fds.pop(fd, None)
        real(fd)

    def _write(self, real: Callable[..., int], fd: int, data: bytes) -> int:
        count = real(fd, data)
        if fd in self.fds:
            self.trace.append(("add", self.fds[fd][1], bytes(data[:count])))
        return count

    def _pwrite(self, real: Callable[..., int], fd: int, data: bytes, offset: int) -> int:
        return real(fd, data, offset)  # Only the lock's content: information, and of no consequence.

    def _fsync(self, real: Callable[..., None], fd: int) -> None:
        real(fd)
        if fd in self.fds:
            self.trace.append(("sync", *self.fds[fd]))

    _fdatasync = _fsync

    def _replace(self, real: Callable[..., None], source: Any, target: Any) -> None:
        real(source, target)
        old, new = self.inside(source), self.inside(target)
        self.inodes[new] = self.inodes.pop(old)
        self.trace.append(("rename", new, self.inodes[new], old))

    def _unlink(self, real: Callable[..., None], path: Any) -> None:
        real(path)
        self.inodes.pop(self.inside(path), None)
        self.trace.append(("remove", self.inside(path)))

    def _ftruncate(self, real: Callable[..., None], fd: int, length: int) -> None:
        real(fd, length)
        if fd in self.fds:
            self.trace.append(("cut", self.fds[fd][1], length))

    def _mkdir(self, real: Callable[..., None], path: Any, *more: Any) -> None:
        real(path, *more)
        self.trace.append(("folder", self.inside(path)))


class Life:
    """What the operator does: two sessions with a torn write between them, and a full disk in the second."""

    def __init__(self, recorder: Recorder, mutant: str) -> None:
        """The run is `<root>/a.md.runs/one`."""
        self.recorder = recorder
        self.mutant = mutant
        self.run = recorder.root / "a.md.runs" / "one"
        self.beside = recorder.root / "a.md.state.json"
        self.told: list[ev.Event] = []

    def say(self, *what: Any) -> None:
        """Put something into the trace."""
        self.recorder.trace.append(what)

    def open(self) -> Store:
        """Open the run; what it shows is told."""
        store = Store.open(self.run, sidecar=self.beside, edge=EDGE, wait_s=0.0)
        self.told = list(store.events())
        self.say("told", len(self.told))
        return store

    def append(self, store: Store, *events: ev.Event) -> None:
        """Append; the operator is told after it has returned."""
        self.say("issued", [*self.told, *events])
        store.append(*events)
        self.told += events
        self.say("told", len(self.told))

    def step(self, store: Store, name: str) -> None:
        """A step: its start on record, its effect on the world, its end on record."""
        start = ev.Started(step=name, attempt=1, what="command", at=1.0)
        if self.mutant == NO_START_RECORD:
            self.say("effect", name)
            self.append(store, start)
        else:
            self.append(store, start)
            self.say("effect", name)
        verdict = {"outcome": "passed", "reason": "r" * 600}
        self.append(
            store,
            ev.Finished(step=name, attempt=1, verdict=dict(verdict), at=2.0),
            ev.Ticked(step=name, auto=True, at=2.0),
        )

    def live(self) -> None:
        """The whole of it."""
        store = self.open()
        self.append(store, ev.Opened(checklist="a.md", digest="d", cwd="/", steps={"s0": "1"}, at=1.0))
        for number in range(3):
            self.step(store, f"s{number}")
            if number == 1:
                store.snapshot(force=True)
        self._killed_in(store, "fdatasync", ev.Noted(text="n" * 700, at=3.0))
        store = self.open()
        self._killed_in(store, "write", ev.Noted(text="m" * 700, at=3.0))
        store = self.open()
        self.step(store, "s3")
        self._without_room(store)
        self.step(store, "s4")
        self.append(store, ev.RunFinished(result="completed", at=4.0))
        store.snapshot(force=True)
        store.close()

    def _killed_in(self, store: Store, name: str, event: ev.Event) -> None:
        """The process is killed before its sync, or in the middle of its write."""
        recorder = self.recorder

        def kill(call: str) -> None:
            if call in (name, "fsync" if name == "fdatasync" else name):
                raise PowerCutError

        if name == "write":
            real = os.write

            def half(fd: int, data: bytes) -> int:
                real(fd, data[: len(data) // 2])
                raise PowerCutError

            context: Any = patch.object(os, "write", half)
        else:
            context = patch.object(recorder, "fail", kill)
        with context, suppress(PowerCutError):
            self.append(store, event)
        recorder.fail = lambda _: None
        store.close()

    def _without_room(self, store: Store) -> None:
        """A write that the disk takes only half of."""
        real = os.write
        calls = iter(range(10))

        def half(fd: int, data: bytes) -> int:
            if next(calls) == 0:
                return int(real(fd, data[: len(data) // 2]))
            raise OSError(28, "No space left on device")

        with patch.object(os, "write", half), suppress(NotRecordedError):
            self.append(store, ev.Noted(text="o" * 900, at=3.0))


@dataclass(frozen=True)
class Disk:
    """One disk that a crash may leave."""

    folders: frozenset[str]
    contents: tuple[tuple[str, bytes], ...]


def disks(prefix: list[tuple[Any, ...]], root: str, step: int) -> Iterator[Disk]:
    """Every disk that may be found after this much of the trace. `step` as for `contents`."""
    data: dict[int, list[tuple[Any, ...]]] = {}
    synced: dict[int, int] = {}
    names: list[tuple[Any, ...]] = []
    fixed: set[int] = set()
    for entry in prefix:
        match entry[0]:
            case "add" | "cut":
                data.setdefault(entry[1], []).append(entry)
            case "sync" if entry[1] == "file":
                synced[entry[2]] = len(data.get(entry[2], []))
            case "sync":
                fixed |= {i for i, op in enumerate(names) if os.path.dirname(op[1]) == entry[2]}
            case "name" | "rename" | "remove" | "folder":
                names.append(entry)
    loose = [i for i in range(len(names)) if i not in fixed][-LOOSE_NAMES_MAX:]
    for chosen in itertools.product((True, False), repeat=len(loose)):
        left_out = {i for i, is_there in zip(loose, chosen, strict=True) if not is_there}
        folders, there = {root}, dict[str, int]()
        for i, op in enumerate(names):
            if i in left_out:
                continue
            if op[0] == "folder":
                folders |= {op[1]} if os.path.dirname(op[1]) in folders else set()
            elif op[0] == "remove":
                there.pop(op[1], None)
            else:
                there[op[1]] = op[2]
                if op[0] == "rename":
                    there.pop(op[3], None)
        paths = [p for p in sorted(there) if os.path.dirname(p) in folders and not p.endswith("/lock")]
        variants = [list(contents(data.get(there[p], []), synced.get(there[p], 0), step)) for p in paths]
        for combination in itertools.product(*variants):
            yield Disk(frozenset(folders), tuple(zip(paths, combination, strict=True)))


def contents(changes: list[tuple[Any, ...]], synced: int, step: int) -> Iterator[bytes]:
    """Every content that a file may have: what was synced for certain, and of the rest anything.

    `step` is the distance in bytes of the places at which a write may be cut off.
    """
    base = b""
    for change in changes[:synced]:
        base = _changed(base, change)
    seen = {base}
    yield base
    for change in changes[synced:]:
        after = _changed(base, change)
        possible = [after]
        if change[0] == "add":
            new = change[2]
            sectors = [s for s in range(-len(base) % SECTOR, len(new), SECTOR) if 0 < s < len(new)]
            possible += [base + new[:cut] for cut in {1, len(new) - 1, *range(step, len(new), step)}]
            possible += [base + new[:cut] + b"\0" * (len(new) - cut) for cut in (0, *sectors)]
            possible += [base + b"\0" * cut + new[cut:] for cut in sectors]
        for content in possible:
            if content not in seen:
                seen.add(content)
                yield content
        base = after


def _changed(content: bytes, change: tuple[Any, ...]) -> bytes:
    return content + change[2] if change[0] == "add" else content[: change[2]]


def states(points: int, mutant: str) -> Tally:
    """Live once, then open what every crash may leave; at most about `points` disks, spread over the whole life."""
    tally = Tally()
    step = 1 if points > HARNESS.short and not mutant else 60
    with scratch() as folder, broken(mutant):
        root = folder / "live"
        root.mkdir(mode=0o700)
        recorder = Recorder(root)
        try:
            with recorder.recording():
                Life(recorder, mutant).live()
        except OrionError as error:
            tally.fault("the run could not be gone on with", error.what)
            return tally
        trace = recorder.trace
        tally.seen["calls recorded"] = len(trace)
        pick = random.Random(7)
        cuts = [i for i, entry in enumerate(trace, start=1) if entry[0] not in ("told", "issued")]
        pick.shuffle(cuts)
        for turn, cut in enumerate(cuts):
            share = max(4, (points - tally.points) // (len(cuts) - turn))
            possible = list(dict.fromkeys(itertools.islice(disks(trace[:cut], str(root), step), 50 * share)))
            pick.shuffle(possible)
            for disk in possible[:share]:
                _check(disk, trace[:cut], root, tally)
                if mutant and tally.faults:
                    return tally
    return tally


def _check(disk: Disk, prefix: list[tuple[Any, ...]], root: Path, tally: Tally) -> None:
    """Open one disk and compare it with what the operator was told."""
    told = next((e[1] for e in reversed(prefix) if e[0] == "told"), 0)
    issued: list[ev.Event] = next((e[1] for e in reversed(prefix) if e[0] == "issued"), [])
    effects = {e[1] for e in prefix if e[0] == "effect"}
    tally.points += 1
    where = f"after {len(prefix)} calls, {prefix[-1][:2]}"
    shutil.rmtree(root, ignore_errors=True)
    for path in sorted(disk.folders):
        os.mkdir(path, 0o700)
    for name, content in disk.contents:
        Path(name).write_bytes(content)
    run, beside = root / "a.md.runs" / "one", root / "a.md.state.json"
    try:
        for snapshot in (beside, run / "state.json"):
            sidecar.read(snapshot)
    except StoreError:
        tally.fault("snapshot torn", where)
    try:
        store = Store.open(run, sidecar=beside, edge=EDGE, wait_s=0.0)
        found = list(store.events())
        if len(found) < told:
            tally.fault("lost", f"{len(found)} of {told} {where}")
        if found != issued[: len(found)]:
            tally.fault("invented", f"{len(found)} found, {len(issued)} issued {where}")
        if missing := effects - set(store.state.steps):
            tally.fault("done without a record", f"{sorted(missing)} {where}")
        store.append(ev.Noted(text="and on", at=9.0))
        store.snapshot(force=True)
        store.close()
        again = Store.open(run, sidecar=beside, edge=EDGE, wait_s=0.0)
        if again.events_count != len(found) + 1:
            tally.fault("not gone on with", where)
        again.close()
        tally.seen["torn"] += store.recovered_torn_bytes > 0
    except Exception as error:  # Whatever it is: an operator could not open this run.
        tally.fault("cannot be opened", f"{error} {where}")


HARNESS = Harness(
    "states after a power cut",
    states,
    (
        NO_FSYNC,
        NO_FOLDER_FSYNC,
        NO_SYNC_ON_OPENING,
        SNAPSHOT_IN_PLACE,
        JOURNAL_IN_PLACE,
        NO_START_RECORD,
        TORN_TAIL_LEFT,
    ),
    short=1_200,
    full=100_000,
    mutant_max=20_000,
)
