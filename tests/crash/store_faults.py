"""System calls that fail, one at a time: every call on the run's files, with six errors, or killed at that very call.

`strace` lets the n-th call of a kind fail without making it. Whatever fails: nobody is told of what is not
recorded, what was told is there afterwards, no traceback, and the next session goes on.
"""

from __future__ import annotations

import platform
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from crash.harness import Harness, Tally, scratch
from crash.store_mutants import ERROR_SWALLOWED, PATH_EXISTS, SYNC_TRIED_AGAIN
from crash.store_worker import EDGE, event
from orion_deploy.errors import OrionError
from orion_deploy.run.store import Store

WORKER = Path(__file__).with_name("store_worker.py")
ERRORS = ("EIO", "ENOSPC", "EDQUOT", "EACCES", "EROFS", "EINTR")
CALLS = {
    "flock": 1,
    "ftruncate": 2,
    "mkdir": 3,
    "pwrite64": 1,
    "pread64": 2,
    "fdatasync": 5,
    "write": 12,
    "rename": 8,
    "unlink": 8,
    "fsync": 19,
    "newfstatat": 22,
    "openat": 23,
}
"""System call to how often a session makes it on the run's files."""
MUTANT_POINTS = {
    PATH_EXISTS: [("newfstatat", "error=EIO", number) for number in range(1, 15)],
    SYNC_TRIED_AGAIN: [("fdatasync", "error=EIO", number) for number in (2, 3)],
    ERROR_SWALLOWED: [("write", "error=ENOSPC", number) for number in range(2, 6)],
}
"""Where each mutant must show."""
RECORDS_BEFORE = 3


def faults(points: int, mutant: str) -> Tally:
    """Inject one fault into each of `points` sessions, spread over calls, errors and how often the call came before."""
    tally = Tally()
    if why := _why_not():
        tally.skipped = why
        return tally
    with scratch() as folder:
        for call, what, number in _points(points, mutant):
            if mutant and tally.faults:
                break
            state = folder / "state"
            shutil.rmtree(state, ignore_errors=True)
            state.mkdir(mode=0o700)
            _begin(state, call)
            said, is_hit = _session(state, (call, what, number), mutant, tally)
            if not is_hit:
                tally.seen["call never came"] += 1
                continue
            tally.points += 1
            tally.seen[f"{call}"] += 1
            _check(state, said, call, f"{call} {what} {number}", tally)
    return tally


def _why_not() -> str:
    if shutil.which("strace") is None:
        return "strace is not installed"
    if platform.machine() != "x86_64":
        return "the names of the system calls are those of x86-64"
    tried = subprocess.run(["strace", "-qq", "-e", "inject=sync:error=EIO", "true"], capture_output=True)
    return "" if tried.returncode == 0 else "strace may not trace here"


def _points(points: int, mutant: str) -> list[tuple[str, str, int]]:
    """Calls, faults and numbers, in an order in which each call comes early."""
    if mutant:
        return MUTANT_POINTS[mutant]
    whats = [*(f"error={name}" for name in ERRORS), "signal=KILL"]
    everything = [
        (call, what, number)
        for call, most in CALLS.items()
        for number in range(1, most + 1)
        for what in whats
    ]
    random.Random(5).shuffle(everything)
    ranks: Counter[str] = Counter()
    ranked = []
    for point in everything:
        ranks[point[0]] += 1
        ranked.append((ranks[point[0]], point))
    return [point for _, point in sorted(ranked, key=lambda pair: pair[0])][:points]


def _begin(state: Path, call: str) -> None:
    """A run with some records; for `mkdir` none yet, and for `ftruncate` a torn tail."""
    if call == "mkdir":
        return
    run = state / "a.md.runs" / "one"
    store = Store.open(run, sidecar=state / "a.md.state.json", edge=EDGE)
    store.append(*(event(number) for number in range(1, RECORDS_BEFORE + 1)))
    store.close()
    if call == "ftruncate":
        with (run / "journal.jsonl").open("ab") as file:
            file.write(b'{"v":1,"n":4,"p":"')


def _session(state: Path, fault: tuple[str, str, int], mutant: str, tally: Tally) -> tuple[list[str], bool]:
    """Live a session with one fault; what it said, and whether the fault came."""
    call, what, number = fault
    run, log = state / "a.md.runs" / "one", state.parent / "strace.log"
    tag = ".orion-deploy.one.tmp"
    paths = [
        run,
        run.parent,
        state,
        run / "journal.jsonl",
        run / "lock",
        run / "state.json",
        run / tag,
        state / tag,
    ]
    paths.append(state / "a.md.state.json")
    argv = [
        "strace",
        "-f",
        "-qq",
        "-o",
        str(log),
        "-e",
        f"trace={call}",
        "-e",
        f"inject={call}:{what}:when={number}",
    ]
    for path in paths:
        argv += ["-P", str(path)]
    python = [sys.executable, "-I", "-S", str(WORKER), str(state)]
    done = subprocess.run([*argv, *python, *([mutant] if mutant else [])], capture_output=True, timeout=60)
    is_hit = b"INJECTED" in log.read_bytes() or ("KILL" in what and done.returncode != 0)
    if done.stderr or (done.returncode != 0 and "KILL" not in what):
        tally.fault("traceback", f"{call} {what} {number}: {done.stderr.decode()[-400:]}")
    return done.stdout.decode().split("\n")[:-1], is_hit


def _check(state: Path, said: list[str], call: str, where: str, tally: Tally) -> None:
    """Compare what was said with what is there, and go on from it."""
    told = RECORDS_BEFORE if call != "mkdir" else 0
    is_dead = False
    for line in said:
        word, _, number = line.partition(" ")
        if word == "o" and int(number) != told:
            tally.fault("opened with another past", f"{number} instead of {told}: {where}")
        if word == "a":
            if is_dead:
                tally.fault("went on after a disk error", where)
            told = int(number)
        if word in ("n", "r") and number != "6":
            tally.fault("another exit code than 6", f"{line}: {where}")
        is_dead |= word == "n" and "fdatasync" in where and "EIO" in where
    if "EIO" in where and "fdatasync" in where and not is_dead and "r 6" not in said:
        tally.fault("a failed sync was not told of", f"{said}: {where}")
    try:
        store = Store.open(state / "a.md.runs" / "one", sidecar=state / "a.md.state.json", edge=EDGE)
        found = list(store.events())
        if len(found) < told:
            tally.fault("lost", f"{len(found)} of {told}: {where}")
        if len(found) > told + 2 or found != [event(number) for number in range(1, len(found) + 1)]:
            tally.fault("invented", f"{len(found)}, {told} told: {where}")
        store.append(event(len(found) + 1))
        store.snapshot(force=True)
        store.close()
    except OrionError as error:
        tally.fault("cannot be gone on with", f"{error.what}: {where}")


HARNESS = Harness(
    "a system call fails",
    faults,
    (PATH_EXISTS, SYNC_TRIED_AGAIN, ERROR_SWALLOWED),
    short=24,
    full=1_000,
    mutant_max=300,
)
