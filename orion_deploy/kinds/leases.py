"""Whether anybody at all has a file open, as the kernel knows it: it grants a write lease only where nobody has (Linux).

Whoever and wherever he is: another user's process, one in another container, one that has the file only mapped. The
lease is given back at once.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_F_SETSIG, _F_SETLEASE = 10, 1024
"""linux/fcntl.h."""
LOCAL_FILE_SYSTEMS = frozenset({"ext2", "ext3", "ext4", "xfs", "f2fs", "jfs", "tmpfs"})
"""Where a lease says what it says: on a network's file system, or on layers, others may open the file elsewhere."""


def are_local(devices: Iterable[int]) -> bool:
    """Whether these are disks on which nobody but this kernel opens files, by mountinfo of proc(5)."""
    known: dict[str, str] = {}
    with (
        suppress(OSError, ValueError),
        open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file,
    ):
        for line in file:
            own, _, other = line.partition(" - ")
            known[own.split(" ", 3)[2]] = other.split(" ", 1)[0]
    return all(known.get(f"{os.major(d)}:{os.minor(d)}") in LOCAL_FILE_SYSTEMS for d in devices)


def nobody_has(paths: Iterable[Path]) -> bool | None:
    """Whether nobody at all has any of the files open, by a lease that is given back at once; None where the kernel cannot say.

    It says so of local files of our own (fcntl(2), "Leases"). Who opens such a file in that moment waits for microseconds.
    """
    answer: bool | None = True
    for path in paths:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            return None
        try:
            # What would be sent to the holder of a lease: a signal whose default is to be ignored.
            fcntl.fcntl(descriptor, _F_SETSIG, signal.SIGURG)
            fcntl.fcntl(descriptor, _F_SETLEASE, fcntl.F_WRLCK)
            fcntl.fcntl(descriptor, _F_SETLEASE, fcntl.F_UNLCK)
        except OSError as fault:
            if fault.errno != errno.EAGAIN:
                return None
            answer = False
        finally:
            os.close(descriptor)
    return answer
