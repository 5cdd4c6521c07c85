"""The two facts that only a supervisor can write down: that the step was let go, and how it ended.

Each is there whole or not at all for whoever looks, and on the disk when the call returns. Part of the supervisor's program.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import sys
import time
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

STATUS_BYTES_MAX = 32 * 1024
STATUS_BYTES_SHORT = 4096
"""What the launcher reserved room for."""
STATUS_TRIES = 60
"""Once a second, while the disk is full: some file systems do not keep what was reserved (btrfs, network shares)."""
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def put(name: str, reserve: str, data: bytes, directory_fd: int) -> None:
    """Write a file of the working folder by rename, in the room that was reserved for it; on disk on return.

    The name changes before the sync, so that a journaling file system needs one commit for both. Other
    processes see the whole file or none; after a power cut before the return it may hold nothing, which is
    read as "not known". Raises OSError.
    """
    fd = os.open(reserve, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        if os.pwrite(fd, data, 0) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.ftruncate(fd, len(data))
        os.rename(reserve, name)
        _sync(fd)
    finally:
        os.close(fd)
    os.fsync(directory_fd)


def sync(name: str) -> None:
    """Bring the content of a file of the working folder to the disk, as far as that can be done."""
    with suppress(OSError):
        fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            _sync(fd)
        finally:
            os.close(fd)


def _sync(fd: int) -> None:
    """As `files.sync_file`: macOS's `fsync` leaves the data in the drive's cache."""
    if sys.platform == "darwin":
        with suppress(OSError):  # A file system without it.
            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
            return
    os.fsync(fd)


def put_status(status: Mapping[str, object], directory_fd: int) -> None:
    """Write how the step ended. On a full disk it becomes shorter, then waits. Raises OSError when all that was in vain."""
    data = _within(status, STATUS_BYTES_MAX)
    for left in reversed(range(STATUS_TRIES)):
        try:
            put("status.json", "status.reserve", data, directory_fd)
            return
        except OSError as error:
            if not left or error.errno not in _NO_ROOM:
                raise
        if len(data) > STATUS_BYTES_SHORT:
            data = _within(status, STATUS_BYTES_SHORT)
        else:
            time.sleep(1)


def _within(status: Mapping[str, object], bytes_max: int) -> bytes:
    """Return the status as JSON; what can be long is cut by halves until it fits."""
    shorter = dict(status)
    data = json.dumps(shorter).encode()
    for name in ("failures", "carried", "pipeline", "spawn_error"):
        while len(data) > bytes_max and shorter[name]:
            whole = shorter[name]
            assert isinstance(whole, list | str)
            shorter[name] = whole[: len(whole) // 2]
            data = json.dumps(shorter).encode()
    return data
