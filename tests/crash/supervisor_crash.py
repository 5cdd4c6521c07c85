"""kill -9 of the supervisor, and of the app that starts a step, at any instant: every step ran once or never, and is called by its name.

Each step writes its number into a ledger, prints a known text and leaves with a known status. What is found
out about it afterwards is held against the ledger: FINISHED ran once, with that status and that text;
NEVER_STARTED has not run and never will; UNKNOWN ran once or not at all, and what it printed is a beginning
of the text. Nothing else may be found, and UNKNOWN only where a supervisor was killed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Self
from unittest.mock import patch

from crash.harness import Harness, Tally, scratch
from orion_deploy.errors import OrionError
from orion_deploy.run import attempt as attempts
from orion_deploy.run import family, forkclient, laying
from orion_deploy.run.attempt import AttemptSpec, Finding, look, wait
from orion_deploy.run.launcher import Launcher
from orion_deploy.run.output import Output

ALIVE_S_MAX = 0.03
APP_ALIVE_S_MAX = 0.12
WAIT_S_MAX = 60.0
GIVEN_UP_EVERY = 5

RELEASED_EARLY = "let go before its start is on disk"
PID_ALONE = "a pid alone says that it lives"
NO_FENCE = "no fence: what was given up can still start"
STATUS_IN_PLACE = "status written in place"
LOCK_NOT_HELD = "the lock is taken by the supervisor, later"

_IN_PLACE = """\
    reserve = name
    part = os.open(name, os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(part, data[:50])
    os.close(part)
    time.sleep(0.005)
"""
_PROGRAM_CHANGES: dict[str, tuple[str, str, str]] = {
    RELEASED_EARLY: (
        "supervisor",
        "        self._record_start()\n        if is_shown:",
        "        os.write(gate_write, child.GO)\n        time.sleep(0.01)\n        self._record_start()\n        if is_shown:",
    ),
    STATUS_IN_PLACE: ("record", "    fd = os.open(reserve, ", _IN_PLACE + "    fd = os.open(reserve, "),
}


@contextmanager
def broken(mutant: str) -> Iterator[None]:
    """The product, deliberately broken."""
    if mutant in _PROGRAM_CHANGES:
        with patch.object(forkclient, "_program", lambda: _program(*_PROGRAM_CHANGES[mutant])):
            yield
    elif mutant == PID_ALONE:
        with patch.object(family, "start_time", _AnyStart):
            yield
    elif mutant == NO_FENCE:
        with patch.object(attempts, "_put_void", lambda _: None):
            yield
    elif mutant == LOCK_NOT_HELD:
        with patch.object(laying, "_take", lambda _: None):
            yield
    else:
        assert not mutant, mutant
        yield


class _AnyStart(str):
    """The start time of whatever has the pid now."""

    __slots__ = ()

    def __new__(cls, pid: int) -> Self:
        return super().__new__(cls, "" if not Path(f"/proc/{pid}").exists() else "any")

    def __eq__(self, other: object) -> bool:
        return bool(self)

    def __hash__(self) -> int:
        return 0


def _program(changed: str, old: str, new: str) -> list[tuple[str, object]]:
    modules: list[tuple[str, object]] = [("orion_deploy", ""), ("orion_deploy.run", "")]
    for name in forkclient.PROGRAM:
        spec = find_spec(f"orion_deploy.run.{name}")
        assert spec is not None
        assert spec.origin is not None
        text = Path(spec.origin).read_text()
        if name == changed:
            assert text.count(old) == 1, f"the mutant has nothing to break in {name}"
            text = text.replace(old, new)
        modules.append((spec.name, text))
    return modules


class Ledger:
    """What the steps did, seen from outside; and what was found out about them."""

    def __init__(self, folder: Path, tally: Tally) -> None:
        self.folder = folder
        self._tally = tally
        self._file = folder / "ledger"
        self._file.touch()
        self._found: dict[int, Finding] = {}

    def directory(self, number: int) -> Path:
        """The attempt's folder."""
        return self.folder / "attempts" / str(number)

    def spec(self, number: int) -> AttemptSpec:
        """A step that takes up to a few hundredths of a second."""
        script = (
            f"echo begin {number}; echo {number} >>{self._file}; sleep 0.0{number * 13 % 4}\n"
            f"seq 1 {50 + number % 200}; echo end {number}; exit {self.status(number)}"
        )
        return AttemptSpec(script=script.encode(), cwd="/")

    def status(self, number: int) -> int:
        """The status with which the step leaves."""
        return number * 37 % 5

    def text(self, number: int) -> str:
        """All that the step prints."""
        lines = "".join(f"{line}\n" for line in range(1, 51 + number % 200))
        return f"begin {number}\n{lines}end {number}\n"

    def settle(self, number: int, *, was_killed: bool) -> None:
        """Find out what became of a step, as the next session would."""
        directory = self.directory(number)
        seen = look(directory)
        if seen.finding in (Finding.RUNNING, Finding.ORPHAN):
            if seen.finding is Finding.ORPHAN and not was_killed:
                self._tally.fault("an orphan without a kill", str(directory))
            if not wait(directory, WAIT_S_MAX):
                self._tally.fault("the wait does not end", str(directory))
            seen = look(directory)
        self._found[number] = seen.finding
        self._tally.seen[seen.finding.value] += 1
        printed = Output(directory).tail(1 << 20).decode()
        if seen.result is not None:
            if seen.result.shell.exit_status != self.status(number):
                self._tally.fault("a wrong status", f"{number}: {seen.result}")
            if printed != self.text(number):
                self._tally.fault("a wrong output", f"{number}: {printed[-80:]!r}")
        elif seen.finding is Finding.UNKNOWN:
            self._unknown(number, printed, was_killed=was_killed)
        elif seen.finding is not Finding.NEVER_STARTED:
            self._tally.fault("still no end", f"{number}: {seen}")

    def _unknown(self, number: int, printed: str, *, was_killed: bool) -> None:
        directory = self.directory(number)
        if not was_killed:
            self._tally.fault("unknown without a kill", f"{number}: {look(directory)}")
        if not self.text(number).startswith(printed):
            self._tally.fault("a wrong output", f"{number}: {printed[-80:]!r}")
        record = directory / "run.json"
        if record.exists():  # Another process has its pid now.
            try:
                changed = json.loads(record.read_text()) | {"pid": os.getpid()}
            except ValueError:
                self._tally.fault("a torn record of the start", str(directory))
                return
            record.write_text(json.dumps(changed))
            if look(directory).finding is not Finding.UNKNOWN:
                self._tally.fault("another process is taken for it", str(directory))

    def close(self) -> None:
        """When nothing runs any more: hold what was found against what was done."""
        until = time.monotonic() + WAIT_S_MAX
        while _runs_in(self.folder) and time.monotonic() < until:
            time.sleep(0.01)
        self.compare()

    def compare(self) -> None:
        """Hold what was found against what was done until now."""
        done = [int(line) for line in self._file.read_text().split()]
        for number, finding in self._found.items():
            times = done.count(number)
            allowed = {Finding.FINISHED: (1,), Finding.NEVER_STARTED: (0,)}.get(finding, (0, 1))
            if times not in allowed:
                self._tally.fault(f"{finding.value}, and ran {times} times", str(number))
        for number in set(done) - set(self._found):
            self._tally.fault("ran, and nobody asked for it", str(number))


def _runs_in(folder: Path) -> bool:
    """Whether a supervisor of one of the attempts, or a step with one of its files open, is there."""
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with suppress(OSError):
                if os.readlink(f"/proc/{entry.name}/cwd").startswith(str(folder)):
                    return True
                fds = (os.readlink(fd.path) for fd in os.scandir(f"/proc/{entry.name}/fd"))
                if int(entry.name) != os.getpid() and any(str(folder) in path for path in fds):
                    return True
    return False


def _children(server: int) -> list[int]:
    """The fork server's own children: supervisors, and the one that waits for an order."""
    found = []
    for pid in family.descendants(server):
        with suppress(OSError):
            if int(Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[1]) == server:
                found.append(pid)
    return found


def _supervisor_of(directory: Path, server: int) -> int | None:
    """The process that has the attempt, wherever it is with it; None when it has ended, or has not got it yet."""
    for pid in _children(server):
        with suppress(OSError):
            if os.readlink(f"/proc/{pid}/cwd") == str(directory):
                return pid
    return None


def kill_supervisors(points: int, mutant: str) -> Tally:
    """Start steps, and kill each one's supervisor after a random time; look all the while."""
    tally = Tally()
    if not os.path.isdir("/proc/self/fd"):
        tally.skipped = "needs Linux's /proc"
        return tally
    pick = random.Random(5)
    with scratch() as folder, broken(mutant):
        ledger = Ledger(folder, tally)
        launcher = Launcher()
        number = 0
        while tally.points < points and not (mutant and tally.faults):
            number += 1
            directory = ledger.directory(number)
            launcher.start(directory, ledger.spec(number))
            _watch(directory, pick.uniform(0, ALIVE_S_MAX), tally)
            server = launcher._server
            assert server is not None
            victim = _supervisor_of(directory, server._pid)
            if victim is None and number % 3 == 0:  # The one that waits for the next order.
                victim = max(_children(server._pid), default=None)
            if victim is not None:
                with suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
                    tally.points += 1
            wait(directory, WAIT_S_MAX)
            ledger.settle(number, was_killed=True)
        launcher.close()
        ledger.close()
    return tally


def _watch(directory: Path, seconds: float, tally: Tally) -> None:
    """Look on for a while: a step that nobody has harmed is running or finished, at every instant."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        seen = look(directory, fence=False)
        if seen.finding not in (Finding.RUNNING, Finding.FINISHED):
            tally.fault(f"looks {seen.finding.value} while it is well", f"{directory.name}: {seen.reason}")


def kill_apps(points: int, mutant: str) -> Tally:
    """Kill the app after a random time, while it does nothing but start steps; settle as the next session would."""
    tally = Tally()
    if not os.path.isdir("/proc/self/fd"):
        tally.skipped = "needs Linux's /proc"
        return tally
    pick = random.Random(7)
    with scratch() as folder, broken(mutant):
        ledger = Ledger(folder, tally)
        first = 1
        while tally.points < points and not (mutant and tally.faults):
            journal, tell = os.pipe()
            app = _forked(lambda begin=first, pipe=tell: _start_steps(ledger, begin, pipe))  # type: ignore[misc]
            os.close(tell)
            time.sleep(pick.uniform(0, APP_ALIVE_S_MAX))
            os.kill(app, signal.SIGKILL)
            os.waitpid(app, 0)
            tally.points += 1
            begun = _numbers(journal)
            for number in begun:
                ledger.settle(number, was_killed=False)
            first = max([first, *(number + 1 for number in begun)])
            if tally.points % GIVEN_UP_EVERY == 0:
                _start_what_was_given_up(ledger, first)
                first += 1
                if mutant:
                    ledger.compare()
        ledger.close()
    return tally


def _start_steps(ledger: Ledger, first: int, pipe: int) -> None:
    """The app: journals a start, starts it, and so on."""
    launcher = Launcher(warm=first % 2 == 0)
    for number in range(first, first + 10_000):
        os.write(pipe, b"%d\n" % number)
        launcher.start(ledger.directory(number), ledger.spec(number))
        if number % 2:
            wait(ledger.directory(number))


def _start_what_was_given_up(ledger: Ledger, number: int) -> None:
    """An app that hangs between laying out and letting go, while another session has found out that nothing started."""
    launcher = Launcher(warm=False)
    launcher.prepare(ledger.directory(number), ledger.spec(number))
    ledger.settle(number, was_killed=False)
    with suppress(OrionError):
        launcher.spawn(ledger.directory(number))
        wait(ledger.directory(number), WAIT_S_MAX)
    launcher.close()


def _forked(work: Callable[[], None]) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(1)
    return pid


def _numbers(pipe: int) -> list[int]:
    """What was journaled before the app was killed."""
    chunks = []
    while chunk := os.read(pipe, 65536):
        chunks.append(chunk)
    os.close(pipe)
    return [int(line) for line in b"".join(chunks).split()]


HARNESSES = (
    Harness(
        name="kill -9 of the supervisor",
        run=kill_supervisors,
        mutants=(RELEASED_EARLY, PID_ALONE, STATUS_IN_PLACE, LOCK_NOT_HELD),
        short=30,
        full=1_000,
        mutant_max=100,
    ),
    Harness(
        name="kill -9 of the app that starts a step",
        run=kill_apps,
        mutants=(NO_FENCE,),
        short=30,
        full=1_000,
        mutant_max=200,
    ),
)
