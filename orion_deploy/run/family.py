"""Who a process is, and whom it has begotten: always the kernel's word, never a pid alone.

A pid is given to another process after its own has ended; a pid with the time at which it began is not.
Read on Linux from `/proc`, elsewhere asked of `ps`. Part of the supervisor's program: it imports next to
nothing, and nothing of the project.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

ANSWER_BYTES_MAX = 4 * 1024 * 1024
"""Of `ps`; a machine with 50,000 processes answers with less."""
_IS_LINUX = sys.platform.startswith("linux")
_ENDED = ("Z", "X", "x")


def start_time(pid: int) -> str:
    """Return when the process began, in words that only it has; empty when it is gone or a zombie.

    Clock ticks since boot on Linux (field 22 of proc_pid_stat(5)), `lstart` of ps elsewhere (to a second).
    """
    if _IS_LINUX:
        fields = _stat(pid)
        return fields[19] if fields and fields[0] not in _ENDED else ""
    state, _, began = ps("-o", "stat=,lstart=", "-p", str(pid)).strip().partition(" ")
    return "" if state.startswith("Z") else " ".join(began.split())


def boot_id() -> str:
    """Return an identifier of this boot of the machine, or an empty string where there is none."""
    if _IS_LINUX:
        try:
            with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
                return file.read().strip()
        except OSError:
            return ""
    return _answer("/usr/sbin/sysctl", "-n", "kern.bootsessionuuid").strip()


def descendants(pid: int) -> set[int]:
    """Return every living process that stems from `pid`, itself not included."""
    below: dict[int, list[int]] = {}
    zombies = set()
    for child, parent, is_alive in _parents():
        below.setdefault(parent, []).append(child)
        if not is_alive:
            zombies.add(child)
    found: set[int] = set()
    todo = [pid]
    while todo:
        for child in below.get(todo.pop(), ()):
            if child not in found:
                found.add(child)
                todo.append(child)
    return found - zombies


def of_session(pid: int, began: str) -> set[int]:
    """Return every living process of the session (elsewhere than on Linux: of the group) that `pid` led.

    A pid is not given away while its session lives: where another process has it, nothing is left.
    """
    if start_time(pid) not in ("", began):
        return set()
    if not _IS_LINUX:
        rows = (line.split() for line in ps("-axo", "pid=,pgid=,stat=").splitlines())
        return {int(r[0]) for r in rows if len(r) == 3 and r[1] == str(pid) and not r[2].startswith("Z")}
    found = set()
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = _stat(int(name))
            if fields and fields[3] == str(pid) and fields[0] not in _ENDED:
                found.add(int(name))
    return found


def _parents() -> list[tuple[int, int, bool]]:
    """Return every process with its parent, and whether it is alive: a zombie still links others to us."""
    if not _IS_LINUX:
        rows = (line.split() for line in ps("-axo", "pid=,ppid=,stat=").splitlines())
        return [(int(r[0]), int(r[1]), not r[2].startswith("Z")) for r in rows if len(r) == 3]
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = _stat(int(name))
            if fields:
                found.append((int(name), int(fields[1]), fields[0] not in _ENDED))
    return found


def _stat(pid: int) -> list[str]:
    """Return the fields of `/proc/PID/stat` after the name, which may hold blanks and parentheses itself."""
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return []
    try:
        return os.read(fd, 4096).rpartition(b") ")[2].decode("ascii", "replace").split()
    except OSError:  # ESRCH: it ended in between.
        return []
    finally:
        os.close(fd)


def ps(*arguments: str) -> str:
    """Return what `ps` prints for these arguments; empty where it cannot be run."""
    return _answer("/bin/ps", *arguments)


def _answer(*argv: str) -> str:
    """Return what a small program prints; an empty string where it cannot be run."""
    reading, writing = os.pipe()
    try:
        pid = os.posix_spawn(
            argv[0],
            argv,
            {"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            file_actions=[(os.POSIX_SPAWN_DUP2, writing, 1)],
        )
    except OSError:
        os.close(reading)
        os.close(writing)
        return ""
    os.close(writing)
    chunks = []
    left = ANSWER_BYTES_MAX
    while left > 0 and (chunk := os.read(reading, 65536)):
        chunks.append(chunk)
        left -= len(chunk)
    os.close(reading)
    with suppress(ChildProcessError):  # A supervisor reaps all its children in one place.
        os.waitpid(pid, 0)
    return b"".join(chunks).decode("utf-8", "replace")
