"""One operator at a time: an exclusive `flock` on a file that is never removed.

The kernel's lock is the truth and goes with the process that held it, however that dies. What stands in
the file says who held it last, and is information only. A lock file that were removed on leaving could be
locked by two: one waiting on the old file, one making a new one.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from orion_deploy.errors import HeldError, NotRecordedError, Place
from orion_deploy.run import files
from orion_deploy.run.edge import Edge

LOCK_NAME = "lock"
BEGINNING_NAME = ".lock"
"""In the folder of a checklist's runs: a name that no run can have."""
CONTENT_BYTES_MAX = 4096
WAIT_S = 2.0
"""How long to go on trying: what a killed holder had just started can keep its copy of the lock for a moment."""
PAUSE_S = 0.02
HOLDS = "holds this run"
BEGINS = "is beginning a run of this checklist,"
_NETWORK_FILE_SYSTEMS = frozenset(
    {"9p", "afs", "ceph", "cifs", "fuse.sshfs", "gfs2", "glusterfs", "fuse.glusterfs", "lustre", "ncpfs"}
    | {"nfs", "nfs4", "ocfs2", "smb3", "smbfs", "virtiofs"}
)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a run. `since` is wall-clock seconds, 0 where it is not known; `boot` the boot of `host`."""

    who: str
    host: str = ""
    pid: int = 0
    since: float = 0.0
    boot: str = ""


@dataclass(slots=True)
class Lock:
    """A lock that is held. Release it once."""

    fd: int

    def release(self) -> None:
        """Let go. The file stays."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def take(directory: Path, who: str, edge: Edge, *, wait_s: float = WAIT_S) -> Lock:
    """Take the run's lock, trying for `wait_s`, and write down who holds it.

    Raises:
        HeldError: somebody else holds it; says who and since when.
        NotRecordedError: it cannot be locked here.
        StoreError: the lock file is not safe to use.
    """
    return _take(directory / LOCK_NAME, who, edge, wait_s, HOLDS)


def take_beginning(runs: Path, who: str, edge: Edge, *, wait_s: float = WAIT_S) -> Lock:
    """Take the lock under which a run of a checklist is begun; `runs` is the folder of its runs, made if it is not there.

    Whoever holds it may ask which runs there are and begin one; it is let go when the new run's own lock is held and
    its first record is on the disk. Raises as `take`.
    """
    try:
        try:
            files.check_folder(runs)
        except FileNotFoundError:
            files.make_folder(runs)
    except OSError as error:
        raise NotRecordedError(
            f"no run can be begun: {error.strerror}; nothing was run",
            where=Place(str(error.filename or runs)),
            help="make room or give yourself the right to write there, then try again",
        ) from error
    return _take(runs / BEGINNING_NAME, who, edge, wait_s, BEGINS)


def _take(path: Path, who: str, edge: Edge, wait_s: float, does: str) -> Lock:
    deadline_s = time.monotonic() + wait_s
    while True:
        try:
            fd = files.open_private(path, os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise NotRecordedError(
                f"the run cannot be locked: {error.strerror}; nothing was run",
                where=Place(str(path)),
                help="make room or give yourself the right to write there, then try again",
            ) from error
        try:
            taken = _try(fd, path)
            if taken:
                _write(fd, Holder(who, socket.gethostname(), os.getpid(), edge.now(), edge.boot_id()))
                return Lock(fd)
            holder = None if taken is None else _content(fd)
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
        if holder is not None:
            if time.monotonic() >= deadline_s:
                raise held_error(holder, edge.now(), does)
            time.sleep(PAUSE_S)


def _try(fd: int, path: Path) -> bool | None:
    """Lock it: True when it is ours, False when it is somebody's, None when the file was replaced meanwhile."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno == errno.EWOULDBLOCK:
            return False
        raise NotRecordedError(
            f"the run cannot be locked: {error.strerror}; nothing was run",
            where=Place(str(path)),
            help="keep the checklist on a file system that has locks: without one, two operators could run it at once",
        ) from error
    try:
        there = os.lstat(path)
    except FileNotFoundError:
        return None
    mine = os.fstat(fd)
    return True if (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino) else None


def _write(fd: int, holder: Holder) -> None:
    """Say who holds it. One write, and the rest of a longer one cut off after it: a reader takes the first line."""
    line = json.dumps(asdict(holder)).encode() + b"\n"
    try:
        os.pwrite(fd, line[:CONTENT_BYTES_MAX], 0)
        os.ftruncate(fd, min(len(line), CONTENT_BYTES_MAX))
    except OSError as error:
        if error.errno not in files.NO_ROOM:  # The lock holds without its content.
            raise NotRecordedError(f"the run's lock cannot be written to: {error.strerror}") from error


def _content(fd: int) -> Holder:
    try:
        data = json.loads(os.pread(fd, CONTENT_BYTES_MAX, 0).partition(b"\n")[0])
        return Holder(
            str(data["who"]), str(data["host"]), int(data["pid"]), float(data["since"]), str(data["boot"])
        )
    except (OSError, ValueError, KeyError, TypeError):
        return Holder("another operator")


def read_holder(directory: Path) -> Holder | None:
    """Return who holds the run in `directory` now, or None when nobody does. Writes nothing.

    Raises OSError when that cannot be found out, StoreError when the lock is not a regular file.
    """
    try:
        fd = files.open_private(directory / LOCK_NAME, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _content(fd)
    finally:
        os.close(fd)
    return None


def held_error(holder: Holder, now: float, does: str = HOLDS) -> HeldError:
    """The error for the second operator: who holds the run (or what else they do), from where, and since when."""
    text = f"{holder.who} {does}"
    if holder.since:
        minutes = max(0, int((now - holder.since) // 60))
        ago = f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
        text += f" since {time.strftime('%Y-%m-%d %H:%M', time.localtime(holder.since))} ({ago})"
    if holder.pid:
        text += f", process {holder.pid} on {holder.host}"
    return HeldError(text, help="look on without changing anything, or ask them to leave it")


def network_file_system(path: Path) -> str:
    """Return the type of the network file system that `path` is on (`nfs4`), or an empty string. Linux only.

    From /proc/self/mountinfo (proc(5)): field 3 is the device, the first after ` - ` the type.
    """
    if not sys.platform.startswith("linux"):
        return ""
    try:
        device = os.stat(path).st_dev
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
            mounts = file.read().splitlines()
    except OSError:
        return ""
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for mount in mounts:
        before, _, after = mount.partition(" - ")
        if before.split(" ", 3)[2:3] == [wanted]:
            kind = after.partition(" ")[0]
            return kind if kind in _NETWORK_FILE_SYSTEMS else ""
    return ""
