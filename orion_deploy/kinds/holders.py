"""Who has a file open: every process's descriptors and mappings, compared by device and inode, never by name.

A hard link, a bind mount or a deleted name does not hide a holder. First the kernel itself is asked (Linux): it grants
a write lease only on a file that nobody else has open, whoever and wherever he is. Where it does not, processes are
looked through. Locks are asked for too (a passive question, which takes none), because they show other users' processes,
which a scan without root does not. What cannot be inspected is counted and named: the caller says "unknown", never "nobody".
"""

from __future__ import annotations

import fcntl
import os
import struct
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from orion_deploy.kinds.leases import are_local, nobody_has
from orion_deploy.text import plain_line

SIDE_FILES = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database."""
_LOCK_BYTES = (0x40000000, 512)
"""Offset and length of SQLite's pending, reserved and shared lock bytes (sqlite.org/fileformat2.html, "lock-byte page")."""
_SHM_LOCK_BYTES = (120, 9)
"""The locks of a WAL index: eight, and the dead-man switch (sqlite.org/walformat.html)."""
_FIRST_PID_NAMESPACE = 0xEFFFFFFC
LEASE_ATTEMPTS_MAX, LEASE_PAUSE_S = 3, 0.01
"""A process that has just ended may still be letting go."""
SHOWN_MAX = 5


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has one of the files open; `user` and `command` as far as they can be read."""

    pid: int
    command: str
    user: str
    files: tuple[str, ...]
    """Names of the files that it holds."""

    def __str__(self) -> str:
        return f"{self.command} (pid {self.pid}, {self.user})"


@dataclass(frozen=True, slots=True)
class Holders:
    """What a scan saw. Nobody has the files open only if `holders` AND `uninspected` are empty and nothing is hidden."""

    holders: tuple[Holder, ...]
    uninspected: tuple[Holder, ...]
    looked_at: int
    hidden: bool = False
    """The system does not even list other users' processes."""
    proved: bool = False
    """The kernel has said that nobody has them open: no process had to be looked into."""
    enclosed: bool = False
    """This is a container: what runs outside of it is not listed."""

    @property
    def is_complete(self) -> bool:
        """Whether every process could be inspected."""
        return not self.uninspected and not self.hidden and not self.enclosed

    @property
    def blind(self) -> str:
        """What could not be seen, in words; empty where everything was."""
        parts = []
        if self.uninspected:
            parts.append(f"{len(self.uninspected)} could not be inspected: {listed(self.uninspected)}")
        elif self.hidden:
            parts.append("this system hides the processes of other users")
        if self.enclosed:
            parts.append("this is a container, and processes outside of it cannot be seen")
        return "; ".join(parts)


def with_side_files(path: Path) -> tuple[Path, ...]:
    """The file, and those of `-wal`, `-shm`, `-journal` that stand beside it now."""
    return (path, *(p for s in SIDE_FILES if os.path.lexists(p := path.with_name(path.name + s))))


def find_holders(paths: Sequence[Path], *, ask_locks: bool = True) -> Holders:
    """Find the processes other than this one that hold one of `paths` (open, mapped, or locked).

    A path that is not there is left out. `ask_locks` must be false while this process has a connection to one of
    them (see `lock_holder`). Raises OSError where a path cannot be looked at.
    """
    wanted: dict[tuple[int, int], str] = {}
    there: list[Path] = []
    for path in paths:
        try:
            seen = os.stat(path)
        except FileNotFoundError:
            continue
        wanted[seen.st_dev, seen.st_ino] = path.name
        there.append(path)
    if not wanted:
        return Holders((), (), 0)
    if not sys.platform.startswith("linux"):
        found = _scan_psutil(wanted)
        return _with_locks(found, paths) if ask_locks else found
    can_ask = ask_locks and not any(_open_files("self", wanted))
    answer = nobody_has(there) if can_ask and are_local({device for device, _ in wanted}) else None
    if answer:
        return Holders((), (), 0, proved=True)
    found = _scan_proc(wanted)
    if ask_locks:
        found = _with_locks(found, paths)
    return found if answer is not False or found.holders else _unseen(found, there)


def _unseen(found: Holders, paths: Sequence[Path]) -> Holders:
    """Somebody has one of the files open, and no process that can be seen: unless it was only just being closed."""
    for _ in range(LEASE_ATTEMPTS_MAX):
        time.sleep(LEASE_PAUSE_S)
        if nobody_has(paths):
            return Holders((), (), 0, proved=True)
    return replace(found, holders=(_named(0, tuple(p.name for p in paths)),))


def listed(holders: Sequence[Holder]) -> str:
    """Name the first few holders, and count the rest."""
    more = len(holders) - SHOWN_MAX
    names = ", ".join(str(h) for h in holders[:SHOWN_MAX])
    return f"{names} and {more} more" if more > 0 else names


def lock_holder(path: Path) -> int | None:
    """The pid of a process that holds any SQLite lock on the file (0: not known which), or None.

    Passive: it takes no lock. To be called only while this process has no connection to that file, whose
    locks the closing of our descriptor would drop.
    """
    start, length = _SHM_LOCK_BYTES if path.name.endswith("-shm") else _LOCK_BYTES
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        # struct flock: type, whence, start, length, pid on Linux; start, length, pid, type, whence on macOS.
        if sys.platform == "darwin":
            asked = struct.pack("@qqihh", start, length, 0, fcntl.F_WRLCK, os.SEEK_SET)
            answer = struct.unpack("@qqihh", fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
            kind, pid = answer[3], answer[2]
        else:
            asked = struct.pack("@hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, start, length, 0)
            answer = struct.unpack("@hhqqi4x", fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
            kind, pid = answer[0], answer[4]
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return None if kind == fcntl.F_UNLCK else max(pid, 0)


def _with_locks(found: Holders, paths: Iterable[Path]) -> Holders:
    known = {h.pid for h in found.holders}
    more: list[Holder] = []
    for path in paths:
        pid = lock_holder(path)
        if pid is not None and pid not in known:
            known.add(pid)
            more.append(_named(pid, (path.name,)))
    left = tuple(h for h in found.uninspected if h.pid not in known)
    return replace(found, holders=(*found.holders, *more), uninspected=left)


def _named(pid: int, files: tuple[str, ...]) -> Holder:
    if not pid:
        return Holder(0, "a process that cannot be named", "another machine or container", files)
    command = user = "?"
    try:
        if sys.platform.startswith("linux"):
            with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
                command = file.read().strip()
            user = _user(os.stat(f"/proc/{pid}").st_uid)
        else:
            import psutil

            process = psutil.Process(pid)
            command, user = process.name(), process.username()
    except Exception:  # a process may be gone, or not ours: its number still names it  # noqa: S110
        pass
    return Holder(pid, plain_line(command) or "?", plain_line(user), files)


def _user(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _scan_proc(wanted: dict[tuple[int, int], str]) -> Holders:
    own = str(os.getpid())
    pids = [entry for entry in os.listdir("/proc") if entry.isdigit() and entry != own]
    blind: list[str] = []
    holders = _holding(pids, lambda pid: set(_open_files(pid, wanted)), blind)
    if not holders:  # what is mapped and not open; SQLite does not, and reading maps is most of the work
        inodes = [b" %d%s" % (inode, end) for _, inode in wanted for end in (b" ", b"\n")]

        def mapped(pid: str) -> set[str]:
            maps = _read_all(f"/proc/{pid}/maps")
            return set(_mapped_files(maps, wanted)) if any(inode in maps for inode in inodes) else set()

        holders = _holding([pid for pid in pids if pid not in blind], mapped, blind)
    uninspected = [
        _named(int(pid), ()) if number < SHOWN_MAX else Holder(int(pid), "?", "?", ())
        for number, pid in enumerate(pid for pid in blind if not _is_kernel_thread(pid))
    ]
    hidden = os.geteuid() != 0 and not os.path.exists("/proc/1")
    return Holders(tuple(holders), tuple(uninspected), len(pids), hidden=hidden, enclosed=_is_enclosed())


def _is_enclosed() -> bool:
    """Whether this is not the first pid namespace of the machine, which has a fixed number (proc_ns.h)."""
    try:
        return os.stat("/proc/self/ns/pid").st_ino != _FIRST_PID_NAMESPACE
    except OSError:
        return False


def _holding(pids: Iterable[str], look: Callable[[str], set[str]], blind: list[str]) -> list[Holder]:
    """Those of the processes in which `look` finds a file; who cannot be looked into is added to `blind`."""
    holders: list[Holder] = []
    for pid in pids:
        try:
            files = look(pid)
        except PermissionError:
            blind.append(pid)
            continue
        except (FileNotFoundError, ProcessLookupError):
            continue
        if files:
            holders.append(_named(int(pid), tuple(sorted(files))))
    return holders


def _open_files(pid: str, wanted: dict[tuple[int, int], str]) -> Iterator[str]:
    folder = os.open(f"/proc/{pid}/fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for number in os.listdir(folder):
            try:
                seen = os.stat(number, dir_fd=folder)
            except OSError:
                continue  # closed meanwhile
            name = wanted.get((seen.st_dev, seen.st_ino))
            if name is not None:
                yield name
    finally:
        os.close(folder)


def _read_all(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        pieces = []
        while piece := os.read(descriptor, 1 << 16):
            pieces.append(piece)
        return b"".join(pieces)
    finally:
        os.close(descriptor)


def _mapped_files(maps: bytes, wanted: dict[tuple[int, int], str]) -> Iterator[str]:
    """The wanted files among the lines `address perms offset major:minor inode path` of proc(5).

    Some file systems (btrfs, overlay) show another device here than stat does: there the name decides.
    """
    for line in maps.splitlines():
        fields = line.split(None, 5)
        if len(fields) < 5 or fields[4] == b"0":
            continue
        major, _, minor = fields[3].partition(b":")
        device, inode = os.makedev(int(major, 16), int(minor, 16)), int(fields[4])
        for (wanted_device, wanted_inode), name in wanted.items():
            if inode == wanted_inode and (
                device == wanted_device
                or (len(fields) == 6 and os.path.basename(fields[5]) == os.fsencode(name))
            ):
                yield name


def _is_kernel_thread(pid: str) -> bool:
    """Kernel threads have no files; they are children of kthreadd, pid 2."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            parent = file.read().rpartition(b")")[2].split()[1]
    except OSError:
        return False
    return pid == "2" or parent == b"2"


def _scan_psutil(wanted: dict[tuple[int, int], str]) -> Holders:
    """The same through psutil, for macOS."""
    import psutil

    holders: list[Holder] = []
    uninspected: list[Holder] = []
    looked_at = 0
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        looked_at += 1
        files = set()
        try:
            for opened in process.open_files():
                try:
                    seen = os.stat(opened.path)
                except OSError:
                    continue
                name = wanted.get((seen.st_dev, seen.st_ino))
                if name is not None:
                    files.add(name)
        except psutil.AccessDenied:
            uninspected.append(_named(process.pid, ()))
            continue
        except psutil.Error:
            continue
        if files:
            holders.append(_named(process.pid, tuple(sorted(files))))
    return Holders(tuple(holders), tuple(uninspected), looked_at)
