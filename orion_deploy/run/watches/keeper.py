"""Who looks at the watches of a run: one process, one thread for each watch, and the lock that says so.

It outlives the app and the terminal, ends when nothing is left to watch, and never touches the journal: that
belongs to the session which holds the run. Killed at any instant it leaves what it saw; the next one goes on.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from orion_deploy.run import family
from orion_deploy.run.edge import Edge
from orion_deploy.run.watches import reading
from orion_deploy.run.watches.reading import LOCK_NAME, Keeper, is_stopped, read_spec, watch_folders
from orion_deploy.run.watches.record import WatchRecord
from orion_deploy.run.watches.watch import Watch

SCAN_S = 1.0
"""How often it looks for new watches, and for those that were stopped."""
LINGER_S = 3.0
"""How long it stays when nothing is left to watch: another one may begin."""
LOCK_WAIT_S = 2.0
GLANCE_S = 0.5
"""Whoever asks who looks holds the lock for an instant: so long it is tried again, before somebody else has it."""
SETTLED_S = 2.0
"""A folder that was changed so lately may change again within the same tick of the file system's clock."""
THREADS_WAIT_S = 5.0
HAND_OVER_S = 10.0

Seen = Callable[[WatchRecord, WatchRecord], None]
"""Told of each look: the record before it, and after it. Called on the watch's own thread."""


def lock(run_directory: Path) -> int:
    """Take the lock of who looks, and return its descriptor; -1 where somebody else has it. Raises OSError."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    fd = os.open(run_directory / LOCK_NAME, flags, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        if not isinstance(error, BlockingIOError):
            raise
        return -1
    return fd


def lock_patiently(run_directory: Path) -> int:
    """As `lock`, also while somebody asks who looks."""
    end = time.monotonic() + GLANCE_S
    while (fd := lock(run_directory)) < 0 and time.monotonic() < end:
        time.sleep(0.01)
    return fd


def write_down(fd: int, keeper: Keeper) -> None:
    """Say beside the lock who has it; information only."""
    os.ftruncate(fd, 0)
    os.pwrite(fd, json.dumps(asdict(keeper)).encode(), 0)


class Keeping:
    """The work of a keeper; in a process of its own, or in the foreground of `orion-deploy watch`."""

    def __init__(
        self,
        run_directory: Path,
        edge: Edge | None = None,
        *,
        in_foreground: bool = False,
        seen: Seen = lambda _before, _after: None,
    ) -> None:
        """Nothing is looked at yet."""
        self._directory = run_directory
        self._edge = edge or Edge()
        self._in_foreground = in_foreground
        self._seen = seen
        self._stop = threading.Event()
        self._lock = -1
        self._threads: dict[Path, tuple[threading.Thread, threading.Event]] = {}
        self._scanned_ns = -1

    def tell(self, seen: Seen) -> None:
        """Tell `seen` of each look from now on."""
        self._seen = seen

    def stop(self) -> None:
        """Ask it to leave; safe in a signal handler and from any thread."""
        self._stop.set()

    @property
    def was_stopped(self) -> bool:
        """Whether it was asked to leave."""
        return self._stop.is_set()

    def take(self, wait_s: float = LOCK_WAIT_S) -> bool:
        """Become the one who looks; False when somebody else does. Raises OSError where that cannot be written down."""
        end = time.monotonic() + wait_s
        while (fd := lock(self._directory)) < 0:
            if time.monotonic() >= end or self._stop.wait(0.02):
                return False
        self.adopt(fd)
        return True

    def adopt(self, fd: int) -> None:
        """Be the one who looks, by a lock that was taken already."""
        self._lock = fd
        keeper = Keeper(
            pid=os.getpid(),
            started=family.start_time(os.getpid()),
            since=self._edge.now(),
            who=self._edge.who(),
            in_foreground=self._in_foreground,
        )
        write_down(fd, keeper)

    def let_go(self) -> None:
        """Somebody else may look now."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def carry_on(self) -> None:
        """Look at every watch until none is left, or until `stop`. The lock must be held; it is let go at the end."""
        idle_since = time.monotonic()
        try:
            while True:
                while not self._stop.is_set():
                    self._scan()
                    now = time.monotonic()
                    if self._threads:
                        idle_since = now
                    elif now - idle_since >= LINGER_S or self._in_foreground:
                        break
                    self._stop.wait(SCAN_S)
                self._end_threads()
                self.let_go()
                # One that began in this very moment would wait for somebody who has just left.
                if self._stop.is_set() or not self._open() or not self.take(GLANCE_S):
                    return
        finally:
            self._end_threads()
            self.let_go()

    def look_once(self) -> None:
        """Look at every open watch once: for a timer that comes again and again. The lock must be held."""
        try:
            for folder in self._open():
                watch = self._watch(folder)
                if watch is not None and not self._stop.is_set():
                    self._begun(watch)
                    self._turn(watch)
                    watch.keep()
        finally:
            self.let_go()

    def _open(self) -> list[Path]:
        """Folders of the watches that nobody stopped and that have not ended. What cannot be read nobody can watch."""
        found = []
        for folder in watch_folders(self._directory):
            if not is_stopped(folder) and read_spec(folder) is not None:
                record = reading.read_record(folder)
                if record is None or record.ended_at is None:
                    found.append(folder)
        return found

    def _scan(self) -> None:
        """Begin what is new, end what was stopped, forget what is over. A run whose folder is gone ends it all."""
        if os.fstat(self._lock).st_nlink == 0:
            self.stop()
            return
        for folder, (thread, stop) in list(self._threads.items()):
            if is_stopped(folder):
                stop.set()
            if not thread.is_alive():
                del self._threads[folder]
        try:
            changed_ns = os.stat(reading.folder_of(self._directory)).st_mtime_ns
        except OSError:
            return
        if changed_ns == self._scanned_ns:
            return
        is_settled = abs(time.time_ns() - changed_ns) > SETTLED_S * 1e9
        self._scanned_ns = changed_ns if is_settled else -1
        for folder in self._open():
            if folder not in self._threads:
                stop = threading.Event()
                thread = threading.Thread(target=self._keep, args=(folder, stop), daemon=True)
                self._threads[folder] = (thread, stop)
                thread.start()

    def _end_threads(self) -> None:
        for _, stop in self._threads.values():
            stop.set()
        end = time.monotonic() + THREADS_WAIT_S
        for thread, _ in self._threads.values():
            # A look that hangs on a dead file system must not keep us.
            thread.join(max(0.0, end - time.monotonic()))
        self._threads.clear()
        self._scanned_ns = -1

    def _watch(self, folder: Path, stop: threading.Event | None = None) -> Watch | None:
        spec = read_spec(folder)
        if spec is None:
            return None
        is_cancelled = (lambda: False) if stop is None else stop.is_set
        return Watch(folder, spec, run_directory=self._directory, edge=self._edge, is_cancelled=is_cancelled)

    def _begun(self, watch: Watch) -> None:
        """A watch that could not be begun has ended with that: it is told like any other end."""
        if watch.is_over:
            self._seen(replace(watch.record, ended_at=None), watch.record)

    def _turn(self, watch: Watch) -> None:
        before = watch.record
        after = watch.turn()
        self._seen(before, after)

    def _keep(self, folder: Path, stop: threading.Event) -> None:
        """One watch, from its thread."""
        watch = self._watch(folder, stop)
        if watch is None:
            return
        self._begun(watch)
        while not watch.is_over and not stop.is_set():
            self._turn(watch)
            if not watch.is_over:
                stop.wait(watch.every_s)
        while watch.is_unwritten and not stop.wait(SCAN_S):
            watch.keep()
        if not is_stopped(folder):
            watch.keep()


def main(run_directory: str, lock_fd: int, ready_fd: int) -> int:
    """The keeper's own process: what it was started with is concealed, and it lives on when the terminal goes.

    It is given the lock: whoever started it took it, so that one who looks in never finds that nobody watches.
    Into `ready_fd` it says that it looks from now on: whoever started it may wait for that.
    """
    from orion_deploy.run.conceal import conceal

    conceal("watch-keeper")
    keeping = Keeping(Path(run_directory), seen=notifying(Path(run_directory)))
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: keeping.stop())
    os.set_inheritable(lock_fd, False)
    keeping.adopt(lock_fd)
    with contextlib.suppress(OSError):  # nobody waits
        os.write(ready_fd, b"1")
    os.close(ready_fd)
    keeping.carry_on()
    return 0


def notifying(run_directory: Path) -> Seen:
    """What tells the operator by the means of their choice, when a watch fires or ends."""
    from orion_deploy.run.watches.notify import notifier

    return notifier(run_directory)


def ask_to_leave(run_directory: Path, wait_s: float = HAND_OVER_S) -> bool:
    """Ask who looks now to leave, so that another one can; True when nobody looks any more.

    It is asked by TERM, and only if it is the process that took the lock: by its start time, never by its id alone.

    Raises StoreError where it cannot be told whether anybody looks.
    """
    end = time.monotonic() + wait_s
    asked = 0
    while (keeper := reading.keeper_of(run_directory)) is not None:
        is_it = keeper.pid > 0 and keeper.started and family.start_time(keeper.pid) == keeper.started
        if is_it and asked != keeper.pid:
            with contextlib.suppress(OSError):
                os.kill(keeper.pid, signal.SIGTERM)
            asked = keeper.pid
        if time.monotonic() >= end:
            return False
        time.sleep(0.02)
    return True
