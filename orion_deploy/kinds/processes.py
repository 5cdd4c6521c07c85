"""Which processes are meant by a program's name: decided by what they execute, never by words in their argv.

`pgrep -f orion` finds the shell that asks, the editor with the file open and the `tail` on the log; here a
process counts when its executable, its kernel name, or the script that an interpreter runs in it has that
name. The asking process, its ancestors and its descendants do not count, and neither does orion-deploy.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orion_deploy.kinds.interpreters import family_of, script_of
from orion_deploy.text import plain_line

if TYPE_CHECKING:
    import psutil


_OWN_NAMES = frozenset({"orion-deploy", "orion_deploy"})
START_TOLERANCE_S = 2.0
"""A process's start is known to a clock tick, and the boot time it is counted from is adjusted by NTP."""
_DELETED = " (deleted)"
SHOWN_PROCESSES_MAX = 5


@dataclass(frozen=True, slots=True)
class Identity:
    """Which program is meant, in one of three ways."""

    program: str | None = None
    executable: Path | None = None
    pidfile: Path | None = None

    def __str__(self) -> str:
        if self.program:
            return self.program
        return str(self.executable or f"the process of {self.pidfile}")


@dataclass(frozen=True, slots=True)
class Running:
    """One process, told apart from a later one with the same pid by its start (wall-clock seconds)."""

    pid: int
    started_at: float
    name: str
    user: str
    parent_pid: int

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid}, {self.user})"


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a look at the processes gave."""

    found: tuple[Running, ...]
    around: tuple[Running, ...]
    """Ancestors of this very step whose own executable has the name: it was started from inside the program."""
    unreadable: tuple[Running, ...]
    """Processes of which not enough can be read to say whether they are meant."""
    looked_at: int
    hidden: bool = False
    """The system shows no processes of other users at all (hidepid)."""
    doubt: str = ""
    """Why a pidfile could not be trusted."""


def look(identity: Identity, *, with_descendants: bool = False) -> Sighting:
    """Look through the processes for those that are meant by `identity`.

    `with_descendants` counts what this process itself has started. Zombies have ended and do not count.
    """
    table = list(_table())
    pids = {p.pid: p for p in table}
    family, ancestors = _family(pids, with_descendants=with_descendants)
    wanted, doubt = _of_pidfile(identity, pids)
    found, around, unreadable = [], [], []
    for entry in table:
        if wanted is not None and entry.pid not in wanted:
            continue
        if entry.pid in family and entry.pid not in ancestors:
            continue
        match = _matches(entry, identity)
        if match is None and entry.pid not in ancestors:
            unreadable.append(entry.running)
        elif match and entry.pid in ancestors:
            if not entry.is_interpreter:
                around.append(entry.running)
        elif match:
            found.append(entry.running)
    return Sighting(
        tuple(found), tuple(around), tuple(unreadable), len(table), hidden=_others_are_hidden(), doubt=doubt
    )


def is_alive(process: Running) -> bool:
    """Whether this very process (not a later one with its pid) is still there; a zombie is not."""
    import psutil

    try:
        now = psutil.Process(process.pid)
        with now.oneshot():
            same = abs(now.create_time() - process.started_at) <= START_TOLERANCE_S
            return same and now.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False
    except psutil.AccessDenied:
        return True


def listed(processes: Sequence[Running]) -> str:
    """Name the first few, and count the rest."""
    names = ", ".join(str(p) for p in processes[:SHOWN_PROCESSES_MAX])
    more = len(processes) - SHOWN_PROCESSES_MAX
    return f"{names} and {more} more" if more > 0 else names


@dataclass(frozen=True, slots=True)
class _Entry:
    """One process as far as it can be read; None where it cannot."""

    pid: int
    parent_pid: int
    started_at: float
    user: str
    comm: str | None
    exe: str | None
    argv: tuple[str, ...] | None

    @property
    def exe_name(self) -> str | None:
        return os.path.basename(self.exe) if self.exe else None

    @property
    def is_interpreter(self) -> bool:
        name = self.exe_name or self.comm or ""
        return family_of(name) is not None

    @property
    def script(self) -> str | None:
        return script_of(self.exe_name or self.comm or "", self.argv) if self.argv else None

    @property
    def running(self) -> Running:
        name = self.exe_name or self.comm or "?"
        if self.script:
            name = f"{os.path.basename(self.script)} in {name}"
        return Running(self.pid, self.started_at, plain_line(name), plain_line(self.user), self.parent_pid)


def _table() -> Iterator[_Entry]:
    import psutil

    for process in psutil.process_iter():
        try:
            with process.oneshot():
                if not _is_zombie(process) and not _is_kernel_thread(process):
                    yield _read(process)
        except psutil.NoSuchProcess:
            continue
        except psutil.AccessDenied:
            yield _Entry(process.pid, 0, 0.0, "another user", None, None, None)


def _read(process: psutil.Process) -> _Entry:
    import psutil

    comm = exe = argv = None
    user = "?"
    with contextlib.suppress(psutil.AccessDenied):
        comm = process.name()
    with contextlib.suppress(psutil.AccessDenied):
        exe = process.exe().removesuffix(_DELETED) or None
    if family_of(os.path.basename(exe) if exe else comm or ""):
        with contextlib.suppress(psutil.AccessDenied):
            argv = tuple(process.cmdline())
    with contextlib.suppress(psutil.AccessDenied, KeyError):
        user = process.username()
    return _Entry(process.pid, process.ppid(), process.create_time(), user, comm, exe, argv)


def _is_zombie(process: psutil.Process) -> bool:
    import psutil

    with contextlib.suppress(psutil.AccessDenied):
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    return False


def _is_kernel_thread(process: psutil.Process) -> bool:
    return sys.platform.startswith("linux") and 2 in (process.pid, process.ppid())


def _family(pids: dict[int, _Entry], *, with_descendants: bool) -> tuple[set[int], set[int]]:
    """This process with its ancestors and descendants; and the ancestors alone."""
    ancestors: set[int] = set()
    pid = os.getppid()
    while pid in pids and pid not in ancestors and pid > 1:
        ancestors.add(pid)
        pid = pids[pid].parent_pid
    family = {os.getpid()} | ancestors
    if not with_descendants:
        below: dict[int, list[int]] = {}
        for entry in pids.values():
            below.setdefault(entry.parent_pid, []).append(entry.pid)
        todo = [os.getpid()]
        while todo:
            children = below.get(todo.pop(), [])
            family.update(children)
            todo += children
    return family, ancestors


def _matches(entry: _Entry, identity: Identity) -> bool | None:
    """Whether the process is the program; None when too little of it can be read."""
    if identity.program:
        return _has_name(entry, identity.program)
    if identity.executable:
        return _has_file(entry, identity.executable)
    return True


def _has_name(entry: _Entry, program: str) -> bool | None:
    pattern = re.compile(rf"{re.escape(program)}($|[ .(:-])", re.IGNORECASE)
    script = os.path.basename(entry.script) if entry.script else None
    for name in (entry.exe_name, script, entry.comm):
        if name and pattern.match(name) and (name not in _OWN_NAMES or program in _OWN_NAMES):
            return True
    if entry.comm is None and entry.exe is None:
        return None
    return None if entry.is_interpreter and entry.argv is None else False


def _has_file(entry: _Entry, executable: Path) -> bool | None:
    wanted = os.path.realpath(executable)
    if entry.exe is not None:
        if os.path.realpath(entry.exe) == wanted:
            return True
        if not entry.is_interpreter:
            return False
        if entry.argv is None:
            return None
        script = entry.script
        if not script or os.path.basename(script) != os.path.basename(wanted):
            return False
        seen = _realpath_of_script(entry.pid, script)
        return None if seen is None else seen == wanted
    if entry.comm is None:
        return None
    may_be = entry.is_interpreter or os.path.basename(wanted).startswith(entry.comm[:15])
    return None if may_be else False


def _realpath_of_script(pid: int, script: str) -> str | None:
    import psutil

    try:
        return os.path.realpath(os.path.join(psutil.Process(pid).cwd(), script))
    except (psutil.Error, OSError):
        return None


def _of_pidfile(identity: Identity, pids: dict[int, _Entry]) -> tuple[frozenset[int] | None, str]:
    """The pids that a pidfile allows (None: there is no pidfile to go by), and a doubt about them."""
    path = identity.pidfile
    if path is None:
        return None, ""
    try:
        written_at = path.stat().st_mtime
        words = path.read_text("ascii", "replace").split()
    except FileNotFoundError:
        return frozenset(), ""
    except OSError as fault:
        return frozenset(), f"the pidfile cannot be read: {fault}"
    if not words or not words[0].isdigit():
        return frozenset(), f"the pidfile {path} holds no process id"
    entry = pids.get(int(words[0]))
    if entry is not None and entry.started_at > written_at + START_TOLERANCE_S:
        doubt = f"{entry.running} began after {path} was written: its process id may have been given to another program"
        return frozenset(), doubt
    return frozenset({int(words[0])}), ""


def _others_are_hidden() -> bool:
    """Whether /proc is mounted so that other users' processes are not even listed."""
    return sys.platform.startswith("linux") and os.geteuid() != 0 and not os.path.exists("/proc/1")
