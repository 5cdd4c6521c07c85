"""The file of a database, looked at before SQLite touches it: what it is, what lies beside it, whose it is.

Looking opens for reading only, and never while this process has a connection to that file: closing any
descriptor of it would drop the connection's POSIX locks.
"""

from __future__ import annotations

import os
import stat
import struct
import time
from dataclasses import dataclass
from pathlib import Path

from orion_deploy.errors import RefusedError
from orion_deploy.kinds.verdict import Json

MAGIC = b"SQLite format 3\0"
_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb", "smb3", "smbfs", "afpfs", "webdav", "9p", "ceph", "glusterfs", "lustre"}
    | {"fuse.sshfs", "fuse.rclone", "fuse.glusterfs", "fuse.s3fs", "vboxsf", "prl_fs"}
)
"""Where POSIX locks cannot be relied on (sqlite.org/lockingv3.html, "Things that can go wrong")."""


TICK_NS = 20_000_000
"""File times move with the kernel's clock tick: 1 to 10 ms."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the first 100 bytes tell (sqlite.org/fileformat2.html)."""

    page_size: int
    is_wal: bool
    page_count: int


@dataclass(frozen=True, slots=True)
class DatabaseFile:
    """A database's file as it was seen. `path` is real: symbolic links are followed."""

    path: Path
    size: int
    device: int
    inode: int
    links: int
    owner: int
    mode: int
    header: Header | None
    """None where the file is no SQLite database: something else, empty, or destroyed."""
    wal_bytes: int
    has_hot_journal: bool
    """A transaction was interrupted: the next writer takes it back."""

    @property
    def total_bytes(self) -> int:
        """Size of the database with what still lies in its WAL."""
        return self.size + self.wal_bytes


def look_at(path: Path) -> DatabaseFile:
    """Look at a database's file.

    Raises RefusedError where nothing is there, or no regular file. A file that is no database is no error here.
    """
    real = Path(os.path.realpath(path))
    try:
        seen = os.stat(real)
    except (FileNotFoundError, NotADirectoryError) as fault:
        raise RefusedError(
            f"there is no database {path}", help="check the path; it is never created here"
        ) from fault
    except OSError as fault:
        raise RefusedError(f"the database {path} cannot be looked at: {fault.strerror}") from fault
    if not stat.S_ISREG(seen.st_mode):
        raise RefusedError(f"{path} is not a regular file")
    try:
        with open(real, "rb", buffering=0) as file:
            head = file.read(100)
    except OSError as fault:
        raise RefusedError(f"the database {path} cannot be read: {fault.strerror}") from fault
    return DatabaseFile(
        path=real,
        size=seen.st_size,
        device=seen.st_dev,
        inode=seen.st_ino,
        links=seen.st_nlink,
        owner=seen.st_uid,
        mode=stat.S_IMODE(seen.st_mode),
        header=_header(head),
        wal_bytes=_size(beside(real, "-wal")),
        has_hot_journal=_is_hot(beside(real, "-journal")),
    )


def require_database(path: Path) -> DatabaseFile:
    """Look at a database's file; raises RefusedError also where it is no SQLite database."""
    seen = look_at(path)
    if seen.header is None:
        what = (
            "is empty"
            if seen.size == 0
            else "is not a SQLite database (something else, encrypted, or destroyed)"
        )
        raise RefusedError(f"{path} {what}")
    return seen


def require_sole_name(path: Path) -> None:
    """Raise RefusedError where a database has a second hard link: its `-wal` may lie beside the other name. Raises OSError."""
    links = os.stat(path).st_nlink
    if links > 1:
        raise RefusedError(
            f"{path} has {links} hard links: rows in a -wal beside another name would be lost",
            help="remove the other names, or take the one that the application uses",
        )


def beside(path: Path, suffix: str) -> Path:
    """The side file of a database: `-wal`, `-shm`, `-journal`."""
    return path.with_name(path.name + suffix)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Tells cheaply that a database file has not been written since: any write moves the times.

    Taken while the exclusive lock is held and the WAL is empty. Where the file system keeps whole seconds only, it
    tells nothing, and the bytes are compared.
    """

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @property
    def is_fine(self) -> bool:
        """Whether its times are finer than a second, as far as one can see."""
        return bool(self.modified_ns % 1_000_000_000 and self.changed_ns % 1_000_000_000)

    def to_json(self) -> dict[str, Json]:
        """As it stands in the run's facts."""
        return {
            "device": self.device,
            "inode": self.inode,
            "size": self.size,
            "modified_ns": self.modified_ns,
            "changed_ns": self.changed_ns,
        }


def fingerprint(path: Path) -> Fingerprint:
    """Take the fingerprint of a database's file. Raises OSError."""
    seen = os.stat(path)
    return Fingerprint(seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)


def wait_for_tick(taken: Fingerprint) -> None:
    """Wait, the lock still held, until a later write must give the file another time (at most 20 ms)."""
    while 0 <= time.time_ns() - max(taken.modified_ns, taken.changed_ns) < TICK_NS:
        time.sleep(0.002)


def file_system(path: Path) -> str:
    """The type of the file system that holds `path`, or an empty string."""
    import psutil

    best = ("", "")
    real = os.path.realpath(path)
    for part in psutil.disk_partitions(all=True):
        mount = part.mountpoint.rstrip("/") + "/"
        if (real + "/").startswith(mount) and len(mount) >= len(best[0]):
            best = (mount, part.fstype)
    return best[1]


def _header(head: bytes) -> Header | None:
    if len(head) < 100 or head[:16] != MAGIC:
        return None
    page_size = struct.unpack_from(">H", head, 16)[0]
    page_size = 65536 if page_size == 1 else page_size
    if page_size < 512 or page_size & (page_size - 1):
        return None
    return Header(page_size, head[18] == 2 and head[19] == 2, struct.unpack_from(">I", head, 28)[0])


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _is_hot(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(8) == _JOURNAL_MAGIC
    except OSError:
        return False
