"""How a database is opened: never created, never waited for without limit, never half read.

Readers are `mode=ro` and may not write even by mistake. The one writer takes the exclusive lock and keeps it
until it is closed: `locking_mode=EXCLUSIVE`, because a plain BEGIN EXCLUSIVE lets idle connections be.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

from orion_deploy.errors import OrionError
from orion_deploy.kinds.base import Context
from orion_deploy.kinds.room import existing_parent, has_room
from orion_deploy.kinds.verdict import Outcome, Verdict
from orion_deploy.text import plain_line

SQLITE_NEEDED = (3, 35, 0)
"""DROP COLUMN (sqlite.org/releaselog/3_35_0.html)."""
OPS_PER_CALL = 10_000
"""VM operations between two calls of the progress handler: about half a millisecond."""
BUSY_TIMEOUT_S = 2.0
FULL_BYTES = 128 * 1024
"""A disk with less than this is full: SQLite needs 32 KB only to open a database in WAL mode."""
CACHE_KB = 64 * 1024
"""A larger page cache means fewer merges while an index is sorted."""


class Busy(OrionError):  # noqa: N818  # the state of the database, not a mistake
    """The database is locked by another connection."""


def uri(path: Path, mode: str, *, immutable: bool = False) -> str:
    """The URI that opens exactly this file (`?`, `#` and `%` in its name included), in `mode` ro or rw."""
    tail = "&immutable=1" if immutable else ""
    return f"file://{quote(os.fsencode(path))}?mode={mode}{tail}"


def open_reader(
    path: Path, *, immutable: bool = False, timeout_s: float = BUSY_TIMEOUT_S
) -> sqlite3.Connection:
    """Open for reading. `immutable` is for files of our own that nobody writes: it ignores a WAL.

    Raises sqlite3.Error.
    """
    connection = _open(uri(path, "ro", immutable=immutable), timeout_s)
    connection.execute("PRAGMA query_only = ON")
    return connection


def open_writer(path: Path, *, timeout_s: float = BUSY_TIMEOUT_S) -> sqlite3.Connection:
    """Open an existing database for writing; commits are on the disk when they return. Raises sqlite3.Error."""
    connection = _open(uri(path, "rw"), timeout_s)
    connection.execute("PRAGMA synchronous = EXTRA")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KB}")
    return connection


def open_exclusively(path: Path, *, timeout_s: float = BUSY_TIMEOUT_S) -> sqlite3.Connection:
    """Open an existing database for writing, locked against everybody else until it is closed.

    In WAL mode this fails while any other connection that has read is open; in rollback mode an idle one
    goes unnoticed, and is locked out. Raises Busy, or sqlite3.Error.
    """
    connection = open_writer(path, timeout_s=timeout_s)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
    except sqlite3.OperationalError as fault:
        connection.close()
        if is_busy(fault):
            raise Busy(f"{path.name} is locked by another connection", help="stop what uses it") from fault
        raise
    except BaseException:
        connection.close()
        raise
    return connection


def empty_wal(connection: sqlite3.Connection) -> None:
    """Move everything that lies in the WAL into the database's file. Needs the exclusive lock. Raises sqlite3.Error."""
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise sqlite3.OperationalError("the WAL could not be emptied: another connection reads from it")


def open_scratch() -> sqlite3.Connection:
    """A database in memory."""
    return _open("file::memory:?mode=memory", BUSY_TIMEOUT_S)


def _open(address: str, timeout_s: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        address,
        uri=True,
        isolation_level=None,
        timeout=timeout_s,
        check_same_thread=False,
        cached_statements=0,
    )
    try:
        connection.text_factory = _text
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.execute("PRAGMA trusted_schema = OFF")
    except BaseException:
        connection.close()
        raise
    return connection


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


class Meter:
    """Counts VM operations, reports progress, and interrupts on cancel or when the time is up.

    `ops` is exact to OPS_PER_CALL; `total_ops` 0 means unknown. `why` tells why it interrupted.
    """

    def __init__(
        self,
        context: Context,
        message: str,
        *,
        total_ops: int = 0,
        timeout_s: float | None = None,
    ) -> None:
        self.ops = 0
        self.why = ""
        self._context = context
        self._message = message
        self._total_ops = total_ops
        self._until_s = None if timeout_s is None else time.monotonic() + timeout_s

    def __call__(self) -> int:
        """Count one more call of SQLite's; a result other than 0 interrupts it."""
        self.ops += OPS_PER_CALL
        self._context.progress(
            min(self.ops, self._total_ops) if self._total_ops else self.ops, self._total_ops, self._message
        )
        return 1 if self.is_over() else 0

    def is_over(self) -> bool:
        """Whether it was cancelled, or the time is up; `why` tells which."""
        if self._context.is_cancelled():
            self.why = "cancelled"
        elif self._until_s is not None and time.monotonic() >= self._until_s:
            self.why = "timeout"
        return bool(self.why)

    def extend(self, seconds: float) -> None:
        """Move the limit: what was waited for is no part of the work."""
        if self._until_s is not None:
            self._until_s += seconds

    def attach(self, connection: sqlite3.Connection) -> None:
        """Watch a connection from now on."""
        connection.set_progress_handler(self, OPS_PER_CALL)


@contextlib.contextmanager
def limited(connection: sqlite3.Connection, limit_s: float | None) -> Iterator[None]:
    """Interrupt whatever the connection does when `limit_s` is over; also what calls no progress handler.

    What was interrupted raises sqlite3.OperationalError (see `is_interrupted`).
    """
    if limit_s is None:
        yield
        return
    timer = threading.Timer(limit_s, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def detach(connection: sqlite3.Connection) -> None:
    """No longer watch a connection."""
    connection.set_progress_handler(None, OPS_PER_CALL)


def is_busy(fault: sqlite3.Error) -> bool:
    """Whether another connection's lock is the reason."""
    return _primary(fault) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_corrupt(fault: sqlite3.Error) -> bool:
    """Whether the file is damaged or no database."""
    return _primary(fault) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_interrupted(fault: sqlite3.Error) -> bool:
    """Whether a Meter interrupted it."""
    return _primary(fault) == sqlite3.SQLITE_INTERRUPT


def _primary(fault: sqlite3.Error) -> int:
    return getattr(fault, "sqlite_errorcode", 0) & 0xFF


_WORDS = {
    sqlite3.SQLITE_BUSY: "the database is locked by another connection",
    sqlite3.SQLITE_LOCKED: "the database is locked by another connection",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_CORRUPT: "the database is damaged",
    sqlite3.SQLITE_NOTADB: "the file is not a SQLite database",
    sqlite3.SQLITE_READONLY: "the database cannot be written",
    sqlite3.SQLITE_CANTOPEN: "the database, or a file beside it, cannot be opened",
    sqlite3.SQLITE_IOERR: "the disk reported an error",
    sqlite3.SQLITE_INTERRUPT: "it was interrupted",
}


def in_words(fault: sqlite3.Error, *places: Path) -> str:
    """An error of SQLite for a person; SQLite's own words follow in brackets.

    `places` are on the disks that it may be about: a full one is told as such.
    """
    own = plain_line(str(fault))
    words = why_full(fault, *places) or _WORDS.get(_primary(fault))
    return f"{words} ({own})" if words else own


def why_full(fault: sqlite3.Error | OSError, *places: Path) -> str:
    """That a full disk is the reason, and which; empty where another is.

    On a full disk SQLite cannot make its index of the WAL, and calls that a fault of the disk.
    """
    if isinstance(fault, sqlite3.Error):
        is_sure = _primary(fault) == sqlite3.SQLITE_FULL
        may_be = is_sure or _primary(fault) in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
    else:
        is_sure = may_be = fault.errno in (errno.ENOSPC, errno.EDQUOT)
    if not may_be:
        return ""
    for place in map(existing_parent, places):
        if not has_room(place, FULL_BYTES):
            return f"the disk is full: nothing more can be written at {place}"
    return "the disk is full" if is_sure else ""


def guarded(look: Callable[[], Verdict], *places: Path, otherwise: Outcome = Outcome.UNDECIDED) -> Verdict:
    """Return the verdict of `look`; what it raises becomes one.

    A refusal is failed, a damaged database too; `otherwise` is for a lock, SQLite's and the system's errors:
    failed where it is certain that nothing was changed, undecided where it is not. `places` as in `in_words`.
    """
    try:
        return look()
    except Busy as fault:
        return Verdict(otherwise, f"{fault.what}: {fault.help}", "locked")
    except OrionError as fault:
        spot = f" ({fault.where.path}:{fault.where.line})" if fault.where is not None else ""
        return Verdict(Outcome.FAILED, f"{fault.what}{spot}{f': {fault.help}' if fault.help else ''}")
    except sqlite3.Error as fault:
        outcome = Outcome.FAILED if is_corrupt(fault) else otherwise
        return Verdict(outcome, in_words(fault, *places) + _way_out(fault, outcome, *places))
    except OSError as fault:
        words = why_full(fault, *places) or fault.strerror or str(fault)
        spot = f": {fault.filename}" if fault.filename else ""
        return Verdict(otherwise, f"{words}{spot}{_way_out(fault, otherwise, *places)}")


def _way_out(fault: sqlite3.Error | OSError, outcome: Outcome, *places: Path) -> str:
    if not why_full(fault, *places):
        return ""
    unchanged = "; nothing was changed" if outcome is Outcome.FAILED else ""
    return f"{unchanged}: make room there, then do it again"
