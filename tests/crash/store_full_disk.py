"""The disk is full at any byte: nothing half-recorded, said so, and gone on with as soon as there is room.

Two kinds of points. A small file system in memory (tmpfs) of a growing number of pages, filled until
nothing more can be recorded, then made larger. And a limit to the length of files (RLIMIT_FSIZE), at every
byte: there the system takes a part of a write and refuses the rest, as a disk with its last block does.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crash.harness import Harness, Tally, scratch
from crash.store_mutants import ERROR_SWALLOWED, NOT_TAKEN_BACK, broken
from crash.store_worker import EDGE, event
from orion_deploy.errors import NotRecordedError, OrionError
from orion_deploy.run.store import Store

PAGE_BYTES = 4096
PAGES_MIN = 5
SIZES = 64
TRIES_MAX = 4000
LIMITED_RECORDS = 6


def full_disk(points: int, mutant: str) -> Tally:
    """Half of the points by a small file system, where one can be mounted; the others by a limit."""
    tally = Tally()
    with scratch() as folder, broken(mutant):
        small = points // 2 if _can_mount() else 0
        if not small:
            tally.seen["no file system can be mounted here: limits only"] = 1
        for number in range(points):
            if mutant and tally.faults:
                break
            tally.points += 1
            state = folder / "state"
            state.mkdir(mode=0o700)
            try:
                if number % 2 and number // 2 < small:
                    _small_disk(state, PAGES_MIN + number // 2 % SIZES, 1 + number // 2 // SIZES, tally)
                else:
                    _limit(state, 97 + number * 13, tally)
            except OrionError as error:
                tally.fault("cannot be gone on with", f"point {number}: {error.what}")
            finally:
                shutil.rmtree(state, ignore_errors=True)
    return tally


def _can_mount() -> bool:
    """Only in a mount namespace of our own, so that nothing is ever left mounted."""
    return os.environ.get("ORION_CRASH_OWN_MOUNTS") == "1"


def enter_own_mounts() -> None:
    """Start this process again in a mount namespace of its own, where the system lets us."""
    if (
        not sys.platform.startswith("linux")
        or os.environ.get("ORION_CRASH_OWN_MOUNTS")
        or not shutil.which("unshare")
    ):
        return
    for flags in (["-m"], ["-rm"]):
        probe = ["unshare", *flags, "sh", "-c", "mount -t tmpfs -o size=64k tmpfs /tmp"]
        if subprocess.run(probe, capture_output=True).returncode == 0:
            environ = {**os.environ, "ORION_CRASH_OWN_MOUNTS": "1"}
            os.execvpe("unshare", ["unshare", *flags, sys.executable, *sys.argv], environ)


def _mount(*options: str) -> None:
    subprocess.run(["mount", *options], check=True, capture_output=True)


def _small_disk(state: Path, pages: int, every: int, tally: Tally) -> None:
    """Append on a disk of so many pages until it is full, with a snapshot after `every` write; then on a larger one."""
    _mount("-t", "tmpfs", "-o", f"size={pages * PAGE_BYTES},mode=0700", "tmpfs", str(state))
    try:
        told = _session(state, tally, TRIES_MAX, every=every, stop_when_full=True)
        _mount("-t", "tmpfs", "-o", "remount,size=4m,mode=0700", "tmpfs", str(state))
        _go_on(state, told, tally, f"{pages} pages")
    finally:
        subprocess.run(["umount", "-l", str(state)], check=False, capture_output=True)


@contextmanager
def _files_no_longer_than(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _limit(state: Path, size: int, tally: Tally) -> None:
    """Append where files may be so long, then where they may be longer."""
    with _files_no_longer_than(size):
        told = _session(state, tally, LIMITED_RECORDS, every=1, stop_when_full=False)
    _go_on(state, told, tally, f"{size} bytes")


def _session(state: Path, tally: Tally, tries: int, *, every: int, stop_when_full: bool) -> int:
    """Append, and return of how many records the operator was told."""
    try:
        store = _open(state)
    except NotRecordedError:
        tally.seen["no room to open"] += 1
        return 0
    for number in range(tries):
        before = store.events_count
        try:
            store.append(event(before + 1), event(before + 2))
        except NotRecordedError:
            tally.seen["not recorded"] += 1
            if store.events_count != before or len(list(store.events())) != before:
                tally.fault("half recorded", f"{before} before")
            if stop_when_full:
                break
        if number % every == 0:
            store.snapshot(force=True)
    if stop_when_full:
        store.snapshot(force=True)
        tally.seen["snapshot failed"] += bool(store.snapshot_error)
    told = store.events_count
    store.close()
    return told


def _open(state: Path) -> Store:
    return Store.open(state / "a.md.runs" / "one", sidecar=state / "a.md.state.json", edge=EDGE, wait_s=0.0)


def _go_on(state: Path, told: int, tally: Tally, where: str) -> None:
    """With room again the run opens as it was told, records, and has left nothing lying about."""
    store = _open(state)
    found = list(store.events())
    if len(found) < told:
        tally.fault("lost", f"{len(found)} of {told}, {where}")
    if len(found) > told or found != [event(number) for number in range(1, len(found) + 1)]:
        tally.fault("invented", f"{len(found)}, {told} told, {where}")
    store.append(event(len(found) + 1))
    store.snapshot(force=True)
    if store.snapshot_error:
        tally.fault("no snapshot with room", where)
    if list(state.rglob("*.tmp")):
        tally.fault("left lying about", where)
    store.close()


HARNESS = Harness(
    "the disk is full",
    full_disk,
    (NOT_TAKEN_BACK, ERROR_SWALLOWED),
    short=64,
    full=512,
    mutant_max=256,
)
