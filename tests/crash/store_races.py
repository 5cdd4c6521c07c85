"""Two operators at once: processes open one run as fast as they can, some die in it; never are two inside.

Being inside is marked by a file that only one can make. Each that is inside records its visit; at the end
the journal is whole and holds every visit that was told of.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

from crash.harness import Harness, Tally, scratch
from crash.store_mutants import LOCK_REMOVED, PID_FILE, broken
from orion_deploy.errors import HeldError, OrionError
from orion_deploy.run import events as ev
from orion_deploy.run.edge import Edge
from orion_deploy.run.lock import read_holder
from orion_deploy.run.store import Store

OPERATORS = 4
KILL_SHARE = 0.02
CLEARED_EVERY = 150
SECONDS_MAX = 600


def visit(run: Path, who: str, seed: int, pipe: int) -> None:
    """Open the run again and again; tell of every try in one line."""
    pick = random.Random(seed)
    edge = Edge(now=time.time, who=lambda: who, boot_id=lambda: "b00t")
    marker = run.parent.parent / "inside"
    while True:
        try:
            store = Store.open(run, edge=edge, wait_s=pick.choice((0.0, 0.0, 0.01)))
        except HeldError:
            os.write(pipe, b"h\n")
            continue
        except OrionError as error:
            os.write(pipe, f"e {error.what}\n".replace("\n", " ").encode()[:400] + b"\n")
            continue
        try:
            os.close(os.open(marker, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            os.write(pipe, b"2\n")
        try:
            if pick.random() < KILL_SHARE:
                os.write(pipe, b"k\n")
                marker.unlink(missing_ok=True)
                os.kill(os.getpid(), signal.SIGKILL)
            holder = read_holder(run)
            if holder is None or holder.who != who:
                os.write(pipe, b"w\n")
            store.append(ev.Noted(text=who, at=1.0, by=who))
            os.write(pipe, b"v\n")
        except OrionError as error:
            os.write(pipe, f"e {error.what}".replace("\n", " ").encode()[:400] + b"\n")
        marker.unlink(missing_ok=True)
        store.close()


def races(points: int, mutant: str) -> Tally:
    """Let `OPERATORS` processes try until there were `points` tries."""
    tally = Tally()
    with scratch() as folder, broken(mutant):
        lap = 0
        deadline = time.monotonic() + SECONDS_MAX
        while tally.points < points and not (mutant and tally.faults) and time.monotonic() < deadline:
            lap += 1
            _lap(folder / str(lap), min(CLEARED_EVERY, points - tally.points), tally)
    return tally


def _lap(folder: Path, tries: int, tally: Tally) -> None:
    folder.mkdir(mode=0o700)
    run = folder / "a.md.runs" / "one"
    read_end, write_end = os.pipe()
    alive: dict[int, int] = {}
    for number in range(OPERATORS):
        _start(run, number, (read_end, write_end), alive)
    told = tried = 0
    rest = b""
    with os.fdopen(read_end, "rb", buffering=0) as pipe:
        while tried < tries:
            *lines, rest = (rest + pipe.read(65536)).split(b"\n")
            for line in lines:
                tried += _take_in(line.decode(), tally)
                told += line == b"v"
                if line == b"k":
                    pid, _ = os.wait()
                    _start(run, alive.pop(pid), (read_end, write_end), alive)
        for pid in alive:
            os.kill(pid, signal.SIGKILL)
        for pid in alive:
            os.waitpid(pid, 0)
        os.close(write_end)
        told += (rest + pipe.read()).split(b"\n").count(b"v")
    try:
        store = Store.open(run, edge=Edge(), wait_s=0.5)
        if store.events_count < told:
            tally.fault("a visit was lost", f"{store.events_count} of {told}")
        store.close()
    except OrionError as error:
        tally.fault("the run cannot be opened", error.what)


def _start(run: Path, number: int, pipe: tuple[int, int], alive: dict[int, int]) -> None:
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(pipe[0])
            visit(run, f"operator-{number}", os.getpid(), pipe[1])
        finally:
            os._exit(1)
    alive[pid] = number


def _take_in(line: str, tally: Tally) -> bool:
    """Count one line; True when it tells of a try."""
    match line[:1]:
        case "2":
            tally.fault("two inside at once")
            return False
        case "w":
            tally.fault("another holder is named")
            return False
        case "e":
            tally.fault("an operator could not go on", line[2:])
        case "v":
            tally.seen["inside"] += 1
        case "h":
            tally.seen["kept out"] += 1
        case "k":
            tally.seen["killed inside"] += 1
    tally.points += 1
    return True


HARNESS = Harness(
    "two operators",
    races,
    (LOCK_REMOVED, PID_FILE),
    short=2_000,
    full=20_000,
    mutant_max=20_000,
)
