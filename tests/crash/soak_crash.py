"""Eight hours of work compressed: thousands of steps through one session, and nothing of it is left over.

Shell steps, built-in checks, failures, cancels, notes and ticks, in one process that is measured at its half and at
its end. Memory: what the second half added beyond what the run's own record takes (as a process that has
just opened the run shows). Descriptors, threads, processes, files, locks: exactly as many as before.
"""

from __future__ import annotations

import ctypes
import fcntl
import gc
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from crash.harness import Harness, Tally, scratch
from orion_deploy.run import family, waiting
from orion_deploy.run.launcher import Launcher
from orion_deploy.run.opening import open_session
from orion_deploy.run.session import Session
from orion_deploy.run.state import Status
from orion_deploy.run.store import Store

LEAKED_DESCRIPTOR = "a lock that was waited for stays open"
LEAKED_THREAD = "who waits for a step's end never leaves"
LEAKED_MEMORY = "every output is kept"
LEAKED_PROCESS = "a helper process for each step"
FILE_LEFT = "a part of a file is left in each folder"

GROWTH_MAX = 0.01
"""Of the memory at the half, by what the second half left."""
SHORT_STEPS_MAX = 500
SHORT_GROWTH_BYTES = 1_500_000
"""In the short form, which is too short for shares: what its allocator may still take."""
SETTLE_S_MAX = 8.0
CHECK_EVERY, FAIL_EVERY, CANCEL_EVERY, NOTE_EVERY = 20, 17, 50, 10


def write_book(folder: Path, steps: int) -> Path:
    """A checklist of so many steps."""
    text = "# Soak\n\n## Work\n\n"
    for number in range(steps):
        text += f"- [ ] Step {number}\n\n  ```yaml step\n  id: s{number}\n"
        if number % CHECK_EVERY == 0:
            text += "  check:\n    files.exists: {path: soak.md}\n  ```\n\n"
            continue
        script = "exit 3" if number % FAIL_EVERY == 0 else f"echo out {number}"
        script = "exec sleep 60" if number % CANCEL_EVERY == 1 else script
        text += f"  auto: true\n  ```\n\n  ```bash\n  {script}\n  ```\n\n"
    path = folder / "soak.md"
    path.write_text(text)
    return path


class Soak:
    """The session, and what is measured of its process."""

    def __init__(self, path: Path) -> None:
        self.ended: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()
        self.session: Session = open_session(
            path, cwd=str(path.parent), on_ended=lambda step, number: self.ended.put((step, number))
        )
        self.session.approve()

    def carry_out(self, number: int) -> None:
        """One step, as an operator's hands and the screens do it."""
        step_id = f"s{number}"
        self.session.start(step_id)
        if number % CANCEL_EVERY == 1 and number % CHECK_EVERY:
            assert self.session.cancel(step_id)
        while self.ended.get(timeout=60)[0] != step_id:
            pass
        self.session.collect(step_id)
        output = self.session.output(step_id)
        assert output is not None
        output.tail(1000)
        if number % NOTE_EVERY == 0:
            self.session.note("slow tonight", step_id)
        if self.session.state.step(step_id).status is not Status.DONE:
            self.session.tick(step_id, reason="seen")
        self.session.snapshot()

    def measured(self) -> dict[str, int]:
        """What this process has now, when all that is on its way has come to an end."""
        settled = _settled()
        gc.collect()
        with suppress(AttributeError):
            ctypes.CDLL(None).malloc_trim(0)  # What is free already, and only kept in reserve, is no leak.
        return {
            "memory_bytes": int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"),
            "record_bytes": record_bytes(self.session.directory),
            **settled,
        }


def _settled() -> dict[str, int]:
    """Descriptors, threads and processes of ours; waits until they do not become fewer."""
    deadline = time.monotonic() + SETTLE_S_MAX
    least = _held()
    quiet = 0
    while quiet < 10 and time.monotonic() < deadline:
        time.sleep(0.02)
        now = _held()
        quiet = quiet + 1 if now == least else 0
        least = now
    return least


def _held() -> dict[str, int]:
    return {
        "descriptors": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
        "processes": len(family.descendants(os.getpid())),
    }


def record_bytes(directory: Path) -> int:
    """What the state of the run takes in a process that has just read it."""
    program = (
        "import gc, os, sys\nfrom pathlib import Path\nfrom orion_deploy.run.store import Store\n"
        "def memory(): gc.collect(); return int(Path('/proc/self/statm').read_text().split()[1])\n"
        "before = memory()\nlook = Store.look(Path(sys.argv[1]))\nassert look.state.steps\n"
        "print((memory() - before) * os.sysconf('SC_PAGE_SIZE'))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(directory)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def work(steps: int, mutant: str) -> dict[str, Any]:
    """Everything in one process; returns what it found."""
    with scratch() as folder:
        path = write_book(folder, steps)
        break_it(mutant)
        soak = Soak(path)
        marks: list[dict[str, int]] = []
        for number in range(steps):
            soak.carry_out(number)
            if number + 1 in (steps // 2, steps):
                marks.append(soak.measured())
        directory = soak.session.directory
        soak.session.close()
        return {"half": marks[0], "end": marks[1], "left": left_over(directory, path)}


def left_over(directory: Path, path: Path) -> dict[str, list[str]]:
    """What is still there when the session is closed: processes, files that do not belong, locks."""
    deadline = time.monotonic() + SETTLE_S_MAX
    while (running := sorted(family.descendants(os.getpid()))) and time.monotonic() < deadline:
        time.sleep(0.02)
    shapes: dict[tuple[str, ...], str] = {}
    locked = []
    for folder in sorted(directory.glob("attempts/*/*")):
        names = tuple(sorted(os.listdir(folder)))
        shapes.setdefault(
            tuple(n for n in names if n not in ("carried.json", "progress.json")), str(folder.name)
        )
        locked += [str(folder) for name in ("sup.lock", "step.lock") if _is_held(folder / name)]
    known = {"attempts", "facts.json", "facts.lock", "journal.jsonl", "lock", "state.json"}
    strange = [n for n in os.listdir(directory) if n not in known]
    strange += [n for n in os.listdir(path.parent) if not n.startswith("soak.md")]
    open_session(path, cwd=str(path.parent)).close()  # The run's own lock is free.
    return {
        "processes": [str(pid) for pid in running],
        "files": strange + ([] if len(shapes) <= len(KINDS_OF_STEPS) else [str(list(shapes)[:5])]),
        "locks": locked,
    }


KINDS_OF_STEPS = ("shell", "check")
"""Each leaves a folder of its own shape."""


def _is_held(path: Path) -> bool:
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def break_it(mutant: str) -> None:
    """The product, deliberately made to keep what it should let go."""
    kept: list[Any] = []
    if mutant == LEAKED_DESCRIPTOR:
        wait = waiting._wait_for_lock

        def wait_and_keep(path: Path) -> None:
            wait(path)
            kept.append(path.open())

        waiting._wait_for_lock = wait_and_keep
    elif mutant == LEAKED_THREAD:
        watch = Session._watch

        def watch_for_ever(self: Session, step_id: str, number: int, folder: Path | None = None) -> None:
            threading.Thread(target=threading.Event().wait, daemon=True).start()
            watch(self, step_id, number, folder)

        vars(sys.modules[Session.__module__])["Session"]._watch = watch_for_ever
    elif mutant == LEAKED_MEMORY:
        collect = Session.collect

        def collect_and_keep(self: Session, step_id: str) -> Any:
            kept.append(os.urandom(200_000))
            return collect(self, step_id)

        Session.collect = collect_and_keep  # type: ignore[method-assign]
    elif mutant == LEAKED_PROCESS:
        spawn = Launcher.spawn

        def spawn_two(self: Launcher, directory: Path) -> None:
            kept.append(subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL))
            spawn(self, directory)

        Launcher.spawn = spawn_two  # type: ignore[method-assign]
    elif mutant == FILE_LEFT:
        append = Store.append

        def append_beside(self: Store, *events: Any) -> Any:
            (self.directory / f"part-{len(kept)}").touch()
            kept.append(0)
            return append(self, *events)

        Store.append = append_beside  # type: ignore[method-assign]
    else:
        assert not mutant, mutant


def soak(points: int, mutant: str) -> Tally:
    """Carry `points` steps out in a process of its own."""
    tally = Tally()
    if not os.path.isdir("/proc/self/fd"):
        tally.skipped = "needs Linux's /proc"
        return tally
    argv = [sys.executable, str(Path(__file__).resolve()), str(points), mutant]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # What a mutant has left.
    if process.returncode:
        tally.fault("it broke", f"status {process.returncode}")
        return tally
    judge(json.loads(said), points, tally)
    return tally


def judge(found: dict[str, Any], points: int, tally: Tally) -> None:
    """Hold what was measured against what may be."""
    half, end = found["half"], found["end"]
    tally.points = points
    grown = end["memory_bytes"] - half["memory_bytes"]
    beyond = grown - max(0, end["record_bytes"] - half["record_bytes"])
    allowed = GROWTH_MAX * half["memory_bytes"] if points > SHORT_STEPS_MAX else SHORT_GROWTH_BYTES
    tally.seen["KB at the half"] = half["memory_bytes"] // 1000
    tally.seen["KB at the end"] = end["memory_bytes"] // 1000
    tally.seen["KB grown beyond the record"] = beyond // 1000
    if beyond > allowed:
        tally.fault("memory", f"{beyond:,} bytes beyond the record, of {half['memory_bytes']:,}")
    for what in ("descriptors", "threads", "processes"):
        tally.seen[what] = end[what]
        if end[what] > half[what]:
            tally.fault(what, f"{half[what]} at the half, {end[what]} at the end")
    for what, left in found["left"].items():
        if left:
            tally.fault(f"left: {what}", ", ".join(left[:5]))


HARNESSES = (
    Harness(
        name="soak of one session",
        run=soak,
        mutants=(LEAKED_DESCRIPTOR, LEAKED_THREAD, LEAKED_MEMORY, LEAKED_PROCESS, FILE_LEFT),
        short=60,
        full=5_000,
        mutant_max=30,
    ),
)

if __name__ == "__main__":
    print(json.dumps(work(int(sys.argv[1]), sys.argv[2])))
    os._exit(0)
