"""Copies of a database that are whole, private and proved, or are not there.

A copy is written under a name of its own (`.part`, O_EXCL, 0600), synced, verified, and only then takes
its final name, which must be free. While this process holds a lock on the source, a descriptor of the source
is never closed: that would drop the lock (POSIX). `Source` keeps it until after the connection is closed.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from orion_deploy.errors import RefusedError
from orion_deploy.kinds.base import Context
from orion_deploy.kinds.durable import sync_directory
from orion_deploy.kinds.sqlite.connection import Meter, detach, open_reader
from orion_deploy.kinds.sqlite.state import quick_check
from orion_deploy.kinds.sqlite.structure import quoted

COPY_STEP_BYTES = 8 * 1024 * 1024
HASH_STEP_BYTES = 1024 * 1024
BACKUP_PAGES = 2000
"""Pages a step of the backup API: 1000 to 5000 cost no time and give progress."""
RESTARTS_MAX = 5
"""How often a writer may make the backup API begin anew."""


class Cancelled(Exception):  # noqa: N818  # it is no error
    """The operator asked to stop."""


def prepare_folder(folder: Path) -> Path:
    """Make a folder for backups (0700), or check the one that is there. Returns its real path.

    Raises RefusedError where something else has its name, or others could put files into it.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        raise RefusedError(
            f"{folder} is not a folder", help="`cp x folder` made a file of that name once? move it aside"
        )
    try:
        for missing in reversed([p for p in (folder, *folder.parents) if not p.exists()]):
            missing.mkdir(mode=0o700, exist_ok=True)
        real = Path(os.path.realpath(folder))
        seen = os.stat(real)
    except OSError as fault:
        raise RefusedError(f"the folder {folder} cannot be made: {fault.strerror}") from fault
    if seen.st_mode & stat.S_IWOTH:
        raise RefusedError(
            f"everybody may write to {folder}",
            help="a backup there could be exchanged: chmod o-w, or another folder",
        )
    if not os.access(real, os.W_OK | os.X_OK):
        raise RefusedError(f"the folder {folder} cannot be written")
    return real


@contextlib.contextmanager
def partial_file(final: Path) -> Iterator[Path]:
    """A new private file beside `final`; removed at the end if it is still there. Raises RefusedError or OSError."""
    part = final.with_name(f".{final.name}.{os.getpid()}.part")
    if os.path.lexists(final):
        raise RefusedError(f"{final} is there already: a backup is never overwritten")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(part, flags, 0o600)
    os.fchmod(descriptor, 0o600)
    os.close(descriptor)
    try:
        yield part
    finally:
        for suffix in ("", "-journal", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                os.unlink(f"{part}{suffix}")


def publish(part: Path, final: Path) -> None:
    """Give a finished file its final name, which must be free, and make that durable. Raises RefusedError or OSError."""
    try:
        os.link(part, final)
        os.unlink(part)
    except FileExistsError as fault:
        raise RefusedError(f"{final} is there already: a backup is never overwritten") from fault
    except OSError as fault:
        if fault.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS):
            raise
        if os.path.lexists(final):  # a file system without hard links
            raise RefusedError(f"{final} is there already: a backup is never overwritten") from fault
        os.rename(part, final)
    sync_directory(final.parent)


@dataclass(frozen=True, slots=True)
class Copied:
    """A finished copy: its hash, and the rows of each table."""

    sha256: str
    size: int
    rows: Mapping[str, int]


class Source:
    """An open file of a database whose descriptor stays open until `close`, after its connection is closed."""

    def __init__(self, path: Path) -> None:
        self.descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """To be called when no lock of this process on the file matters any more."""
        os.close(self.descriptor)


class Hashing(threading.Thread):
    """The sha256 of an open file, reckoned beside other work. To be stopped before the descriptor is closed."""

    def __init__(self, descriptor: int, context: Context) -> None:
        super().__init__(daemon=True)
        self._descriptor = descriptor
        self._context = context
        self._digest = hashlib.sha256()
        self._fault: OSError | None = None
        self._stopped = False

    def run(self) -> None:
        """Read to the end of the file, or until it is stopped."""
        try:
            offset = 0
            while not self._stopped and (data := os.pread(self._descriptor, HASH_STEP_BYTES, offset)):
                self._digest.update(data)
                offset += len(data)
        except OSError as fault:
            self._fault = fault

    def result(self) -> str:
        """Wait for the end. Raises Cancelled, or OSError."""
        while self.is_alive():
            self.join(0.1)
            if self._context.is_cancelled():
                raise Cancelled
        if self._fault is not None:
            raise self._fault
        return self._digest.hexdigest()

    def stop(self) -> None:
        """End it, and wait until it has."""
        self._stopped = True
        if self.ident is not None:
            self.join()


def file_sha256(source: Source, context: Context) -> str:
    """The sha256 of an open file. Raises Cancelled, or OSError."""
    hashing = Hashing(source.descriptor, context)
    hashing.start()
    try:
        return hashing.result()
    finally:
        hashing.stop()


def verify_copy(part: Path, context: Context, message: str) -> tuple[Copied, str]:
    """Read a finished copy back: its hash, SQLite's quick_check, and the rows of every table.

    Returns what was read and the first fault, empty where there is none. Raises Cancelled, sqlite3.Error, OSError.
    """
    source = Source(part)
    hashing = Hashing(source.descriptor, context)
    hashing.start()
    try:
        rows, fault = read_back(part, context, message)
        return Copied(hashing.result(), os.fstat(source.descriptor).st_size, rows), fault
    finally:
        hashing.stop()
        source.close()


def read_back(part: Path, context: Context, message: str) -> tuple[dict[str, int], str]:
    """What SQLite finds in a copy: the rows of every table, and the first fault of its quick_check, empty where it finds none.

    Raises Cancelled, or sqlite3.Error.
    """
    with contextlib.closing(open_reader(part, immutable=True)) as connection:
        meter = Meter(context, message)
        meter.attach(connection)
        try:
            fault = quick_check(connection)
            return ({} if fault else count_rows(connection)), fault
        except sqlite3.OperationalError:
            if meter.why == "cancelled":
                raise Cancelled from None
            raise
        finally:
            detach(connection)


def count_rows(connection: sqlite3.Connection) -> dict[str, int]:
    """The number of rows of every ordinary table. Raises sqlite3.Error."""
    tables = connection.execute(
        "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
        "AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
    ).fetchall()
    return {
        name: connection.execute(f"SELECT count(*) FROM main.{quoted(name)}").fetchone()[0]  # noqa: S608  # quoted name
        for (name,) in tables
    }


def copy_pages(
    source: sqlite3.Connection,
    target: sqlite3.Connection,
    context: Context,
    message: str,
    *,
    is_busy: Callable[[], None],
) -> int:
    """Copy a database through SQLite's backup API; returns how often a writer made it begin anew.

    `is_busy` is called when no page could be copied for a while, and may raise. Raises Cancelled,
    RefusedError when writers leave it no time, and sqlite3.Error.
    """
    last = -1
    restarts = 0
    waits = 0

    def step(_status: int, remaining: int, total: int) -> None:
        nonlocal last, restarts, waits
        if context.is_cancelled():
            raise Cancelled
        if remaining == last:
            waits += 1
            if waits > 100:
                is_busy()
        elif last >= 0 and remaining > last:
            restarts += 1
            if restarts > RESTARTS_MAX:
                raise RefusedError(
                    "the database is written to faster than it can be copied",
                    help="stop what writes to it first",
                )
        else:
            waits = 0
        last = remaining
        context.progress(total - remaining, total, message)

    source.backup(target, pages=BACKUP_PAGES, progress=step, sleep=0.05)
    return restarts
