"""Durable, private files: when a function here returns, what it wrote is on the disk, and is nobody else's.

Folders are 0700 and files 0600 whatever the umask. Nothing is written through a symbolic link, a FIFO, a
second hard link, or into what another user owns or anyone may write to: that is a StoreError. What the
operating system refuses stays an OSError, and only ENOENT ever means "there is nothing": `os.path.exists`
answers False for EIO too, and a deployment would silently begin again.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

from orion_deploy.errors import Place, StoreError

FOLDER_MODE = 0o700
FILE_MODE = 0o600
READ_BYTES_MAX = 1024 * 1024 * 1024
SAFE = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
"""Flags of every open: no symbolic link in the last place, no waiting for a FIFO's other end."""
TEMPORARY = ".orion-deploy.{tag}.tmp"
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Errors after which the same write can succeed later: disk full, quota, file size limit."""
_NOT_A_THING_TO_SYNC = frozenset({errno.EINVAL, errno.ENOTSUP})


def sync_data(fd: int) -> None:
    """Bring the file's bytes and length to the disk itself.

    macOS's `fsync` leaves them in the drive's cache; F_FULLFSYNC does not (fcntl(2) there). An error must
    never be answered by trying again: the kernel reports a lost page once (fsync(2), EIO).
    """
    if sys.platform == "darwin":
        _full_sync(fd)
    else:
        os.fdatasync(fd)


def sync_file(fd: int) -> None:
    """Bring the file with all that describes it (mode, times) to the disk."""
    if sys.platform == "darwin":
        _full_sync(fd)
    else:
        os.fsync(fd)


def _full_sync(fd: int) -> None:
    import fcntl

    try:
        fcntl.fcntl(fd, getattr(fcntl, "F_FULLFSYNC"))  # noqa: B009  # the name exists on macOS only
    except OSError as error:
        if error.errno not in (*_NOT_A_THING_TO_SYNC, errno.ENOTTY):
            raise
        os.fsync(fd)  # A file system without it: network shares.


def sync_folder(path: Path) -> None:
    """Bring the names in a folder to the disk: without it a created or renamed file can be gone after a power cut."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:  # Some network file systems cannot, and need not.
        if error.errno not in _NOT_A_THING_TO_SYNC:
            raise
    finally:
        os.close(fd)


def write_all(fd: int, data: bytes) -> None:
    """Write every byte: one `write` unless the system takes less."""
    written = os.write(fd, data)
    if written < len(data):
        rest = memoryview(data)[written:]
        while rest:
            rest = rest[os.write(fd, rest) :]


def make_folder(path: Path) -> None:
    """Make sure that `path` is a folder of ours alone, with what is missing above it; on disk on return.

    Raises:
        StoreError: something else stands there, or it is not ours alone.
        OSError: it cannot be made.
    """
    try:
        os.mkdir(path, FOLDER_MODE)
    except FileExistsError:
        check_folder(path)
        if stat.S_IMODE(os.lstat(path).st_mode) != FOLDER_MODE:
            os.chmod(path, FOLDER_MODE)  # A copy made under another umask.
        return
    except FileNotFoundError:
        if path.parent == path:
            raise
        make_parents(path.parent)
        make_folder(path)  # Again, not `mkdir`: another operator may have made it in between.
        return
    if stat.S_IMODE(os.lstat(path).st_mode) != FOLDER_MODE:
        os.chmod(path, FOLDER_MODE)  # The umask took even the owner's bits.
    sync_folder(path.parent)


def make_parents(path: Path) -> None:
    """Make the folders above a private one where they are missing; what is there already is the user's own."""
    try:
        info = os.stat(path)
    except FileNotFoundError:
        make_folder(path)
        return
    if not stat.S_ISDIR(info.st_mode):
        raise StoreError(f"`{path.name}` is not a folder", where=Place(str(path)))
    with suppress(PermissionError):
        sync_folder(path.parent)  # Whoever made it may have died before this.


def check_folder(path: Path, *, writing: bool = True) -> None:
    """Refuse, with a StoreError, what is not a folder, and for `writing` one that others can put things in."""
    info = os.lstat(path)
    why = ""
    if stat.S_ISLNK(info.st_mode):
        why = "is a symbolic link"
    elif not stat.S_ISDIR(info.st_mode):
        why = "is not a folder"
    elif writing and info.st_uid != os.geteuid():
        why = f"belongs to {owner(info.st_uid)}"
    elif writing and info.st_mode & stat.S_IWOTH:
        why = "can be written to by anyone"
    if why:
        raise StoreError(
            f"the folder `{path.name}` {why}, so state cannot be kept in it",
            where=Place(str(path)),
            help="look at what is there and who put it there; state is kept in a folder of yours alone",
        )


def open_private(path: Path, flags: int, *, mode: int = FILE_MODE) -> int:
    """Open a file of ours and return its descriptor; a file that is made, or written to, gets exactly `mode`.

    Raises:
        StoreError: a symbolic link, FIFO, device, hard-linked or other user's file stands there.
        OSError: ENOENT and whatever else the system says.
    """
    writing = flags & os.O_ACCMODE != os.O_RDONLY
    try:
        fd = os.open(path, flags | SAFE, mode)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK):
            raise _unsafe(path, "is a symbolic link") from error
        if error.errno in (errno.ENXIO, errno.EISDIR):
            raise _unsafe(path, "is not a regular file") from error
        raise
    try:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            raise _unsafe(path, "is not a regular file")
        if writing:
            if info.st_nlink != 1:
                raise _unsafe(path, f"has {info.st_nlink} names (hard links)")
            if info.st_uid != os.geteuid():
                raise _unsafe(path, f"belongs to {owner(info.st_uid)}")
            if stat.S_IMODE(info.st_mode) != mode:
                os.fchmod(fd, mode)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _unsafe(path: Path, why: str) -> StoreError:
    return StoreError(
        f"`{path.name}` {why}, so state is not kept in it",
        where=Place(str(path)),
        help="move it away after you have looked at it",
    )


def owner(uid: int) -> str:
    """The user's name, or `user 1234`."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def read_all(fd: int, *, offset: int = 0, bytes_max: int = READ_BYTES_MAX) -> bytes:
    """Return everything from `offset` on, at most `bytes_max` bytes."""
    chunks: list[bytes] = []
    end = offset + bytes_max
    expected = max(os.fstat(fd).st_size - offset, 0) + 1
    while offset < end and (chunk := os.pread(fd, min(max(expected, 65536), end - offset), offset)):
        chunks.append(chunk)
        offset += len(chunk)
    return b"".join(chunks)


def read_private(path: Path, *, bytes_max: int = READ_BYTES_MAX) -> bytes | None:
    """Return the file's bytes; None when, and only when, there is no such file.

    Raises:
        StoreError: it is no regular file, or is longer than `bytes_max`.
        OSError: it cannot be read.
    """
    try:
        fd = open_private(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        data = read_all(fd, bytes_max=bytes_max + 1)
    finally:
        os.close(fd)
    if len(data) > bytes_max:
        raise StoreError(f"`{path.name}` is longer than {bytes_max:,} bytes", where=Place(str(path)))
    return data


def create_private(path: Path, data: bytes, *, mode: int = FILE_MODE) -> None:
    """Make a new file with this content, on disk on return; the folder's entry too.

    Raises FileExistsError when something stands there. On any other error nothing is left behind.
    """
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | SAFE, mode)
    _fill(fd, path, data, mode)
    sync_folder(path.parent)


def write_private(path: Path, data: bytes, *, mode: int = FILE_MODE, tag: str = "") -> None:
    """Put `data` in place of the file at once: after a crash there is the old content or the new, never a mixture.

    A temporary file in the same folder, fsync, rename, fsync of the folder. A caller that alone may write
    here (it holds a lock) gives a `tag`, fit for a file name: what a crash left behind is then cleared away
    by the next call, and never gathers.
    """
    temporary = path.with_name(TEMPORARY.format(tag=tag or os.urandom(8).hex()))
    if tag:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | SAFE, mode)
    _fill(fd, temporary, data, mode)
    try:
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    sync_folder(path.parent)


def _fill(fd: int, path: Path, data: bytes, mode: int) -> None:
    """Write, sync and close a file that was just made; take it away again when that fails."""
    try:
        try:
            if stat.S_IMODE(os.fstat(fd).st_mode) != mode:
                os.fchmod(fd, mode)
            write_all(fd, data)
            sync_file(fd)
        finally:
            os.close(fd)
    except BaseException:
        with suppress(OSError):
            os.unlink(path)
        raise
