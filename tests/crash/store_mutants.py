"""The store, deliberately broken in the ways in which stores are broken. Each must be caught by some harness."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

from orion_deploy.errors import HeldError, NotRecordedError
from orion_deploy.run import files, journal, lock
from orion_deploy.run.edge import Edge
from orion_deploy.run.events import Event
from orion_deploy.run.fold import fold
from orion_deploy.run.places import Places
from orion_deploy.run.state import RunState
from orion_deploy.run.store import Store

NO_FSYNC = "no fsync"
NO_FOLDER_FSYNC = "no fsync of folders"
NO_SYNC_ON_OPENING = "what was read is not synced"
SNAPSHOT_IN_PLACE = "snapshot written in place"
JOURNAL_IN_PLACE = "journal written in place"
NO_START_RECORD = "no record of the start"
EARLY_ACKNOWLEDGEMENT = "acknowledged before it is written"
TORN_TAIL_LEFT = "torn tail left in place"
NOT_TAKEN_BACK = "failed write not taken back"
ERROR_SWALLOWED = "error of a write swallowed"
SYNC_TRIED_AGAIN = "failed sync tried again"
PATH_EXISTS = "os.path.exists decides"
LOCK_REMOVED = "lock file removed on leaving"
PID_FILE = "pid file instead of a lock"
NO_BEGINNING_LOCK = "a run is begun without a lock"
ASKED_ONCE = "which runs there are is asked before the lock only"
LET_GO_EARLY = "that lock is let go before the first record"


def _nothing(*_: object, **__: object) -> None:
    """Do not do it."""


def _write_in_place(path: Path, data: bytes, *, mode: int = 0o600, tag: str = "") -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        for start in range(0, len(data), 4096):
            files.write_all(fd, data[start : start + 4096])
        files.sync_file(fd)
    finally:
        os.close(fd)
    files.sync_folder(path.parent)


def _append_in_place(self: Store, *events: Event) -> RunState:
    """Write the whole journal anew, over itself."""
    data, link = journal.encode_all(events, self._link)
    whole = files.read_all(self._fd) + data
    os.ftruncate(self._fd, 0)
    for start in range(0, len(whole), 4096):
        files.write_all(self._fd, whole[start : start + 4096])
    files.sync_data(self._fd)
    self._link, self.state = link, fold(events, self.state)
    return self.state


def _append_late(self: Store, *events: Event) -> RunState:
    """Keep three appends in memory before writing them."""
    data, link = journal.encode_all(events, self._link)
    kept: list[bytes] = self.__dict__.setdefault("kept", [])
    kept.append(data)
    if len(kept) >= 3:
        files.write_all(self._fd, b"".join(kept))
        files.sync_data(self._fd)
        kept.clear()
    self._link, self.state = link, fold(events, self.state)
    return self.state


def _append_regardless(self: Store, *events: Event) -> RunState:
    """Take no notice of what the system says."""
    data, link = journal.encode_all(events, self._link)
    with suppress(OSError):
        files.write_all(self._fd, data)
        files.sync_data(self._fd)
    self._link, self.state = link, fold(events, self.state)
    return self.state


def _not_taken_back(self: Store, error: OSError) -> NotRecordedError:
    return NotRecordedError(f"not recorded: {error.strerror}")


def _within(name: str, *patches: tuple[Any, str, Any]) -> Callable[..., Any]:
    """A method of Store during which other things are broken."""
    real = getattr(Store, name)

    def method(*given: Any, **more: Any) -> Any:
        with ExitStack() as stack:
            for target, attribute, value in patches:
                stack.enter_context(patch.object(target, attribute, value))
            return real(*given, **more)

    return method


def _sync_again(fd: int) -> None:
    try:
        os.fdatasync(fd)
    except OSError:
        os.fdatasync(fd)


def _recover_if_it_exists(self: Store, sidecar_path: Path | None) -> None:
    """What `os.path.exists` does not see is made anew."""
    if not os.path.exists(self._journal):
        os.close(os.open(self._journal, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600))
        sidecar_path = None
        with suppress(OSError):
            os.unlink(self.directory / "state.json")
    _real_recover(self, sidecar_path)


_real_recover = Store._recover


class _RemovedLock(lock.Lock):
    """A lock whose file goes when it is released."""

    path: Path

    def release(self) -> None:
        """Let go, and clear up."""
        if self.fd >= 0:
            with suppress(FileNotFoundError):
                os.unlink(self.path)
        super().release()


def _take_one_file(directory: Path, who: str, edge: Edge, *, wait_s: float = 2.0) -> lock.Lock:
    """Wait on the file that was there at first."""
    fd = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(fd)
                raise HeldError("held") from None
            time.sleep(0.0005)
        else:
            held = _RemovedLock(fd)
            held.path = directory / "lock"
            return held


def _take_pid_file(directory: Path, who: str, edge: Edge, *, wait_s: float = 2.0) -> lock.Lock:
    """Believe in a file with a pid, and take it over when that process is gone."""
    path = directory / "lock"
    try:
        pid = int(json.loads(path.read_text() or "0"))
    except FileNotFoundError:
        pid = 0
    if pid and os.path.isdir(f"/proc/{pid}"):
        raise HeldError("held")
    path.write_text(json.dumps(os.getpid()))
    held = _RemovedLock(os.open(path, os.O_RDWR | os.O_CLOEXEC))
    held.path = path
    return held


def _take_no_lock(runs: Path, who: str, edge: Edge, *, wait_s: float = 2.0) -> lock.Lock:
    """Take it for taken."""
    return lock.Lock(-1)


def _let_go_and_open(*given: Any, **more: Any) -> Store:
    """Open the run when others may begin theirs already."""
    while _beginnings:
        _beginnings.pop().release()
    return _real_open(*given, **more)


def _take_and_keep(runs: Path, who: str, edge: Edge, *, wait_s: float = 2.0) -> lock.Lock:
    _beginnings.append(_real_take_beginning(runs, who, edge, wait_s=wait_s))
    return _beginnings[-1]


def _ask_nothing(self: Places) -> str | None:
    """Under the lock there is still what there was before it."""
    return None if any(held.fd >= 0 for held in _beginnings) else _real_unfinished(self)


_beginnings: list[lock.Lock] = []
_real_open = Store.open
_real_unfinished = Places.unfinished
_real_take_beginning = lock.take_beginning


def _patches(name: str) -> list[tuple[Any, str, Any]]:
    match name:
        case "" | "no record of the start":  # The harness itself leaves the record out.
            return []
        case "no fsync":
            return [(files, "sync_data", _nothing), (files, "sync_file", _nothing)]
        case "no fsync of folders":
            return [(files, "sync_folder", _nothing)]
        case "what was read is not synced":
            return [(Store, "_recover", _within("_recover", (files, "sync_data", _nothing)))]
        case "snapshot written in place":
            return [(files, "write_private", _write_in_place)]
        case "journal written in place":
            return [(Store, "append", _append_in_place)]
        case "acknowledged before it is written":
            return [(Store, "append", _append_late)]
        case "torn tail left in place":
            recover = _within("_recover", (os, "ftruncate", _nothing))
            return [(Store, "_recover", recover), (Store, "_check_untouched", _nothing)]
        case "failed write not taken back":
            return [(Store, "_taken_back", _not_taken_back), (Store, "_check_untouched", _nothing)]
        case "error of a write swallowed":
            return [(Store, "append", _append_regardless)]
        case "failed sync tried again":
            return [(files, "sync_data", _sync_again)]
        case "os.path.exists decides":
            return [(Store, "_recover", _recover_if_it_exists)]
        case "lock file removed on leaving":
            return [(lock, "take", _take_one_file)]
        case "pid file instead of a lock":
            return [(lock, "take", _take_pid_file)]
        case "a run is begun without a lock":
            return [(lock, "take_beginning", _take_no_lock)]
        case "which runs there are is asked before the lock only":
            return [(lock, "take_beginning", _take_and_keep), (Places, "unfinished", _ask_nothing)]
        case "that lock is let go before the first record":
            return [(lock, "take_beginning", _take_and_keep), (Store, "open", _let_go_and_open)]
    raise LookupError(name)


@contextmanager
def broken(name: str) -> Iterator[None]:
    """The product with this mutation; as it is for an empty name."""
    with ExitStack() as stack:
        for target, attribute, value in _patches(name):
            stack.enter_context(patch.object(target, attribute, value))
        yield
