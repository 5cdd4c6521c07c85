"""What a supervised step costs over plain `bash`, and its output over plain `cat`, in one run.

    python benchmarks/bench_step.py [--rounds 60] [--gigabytes 1.0]

A step here is the whole of it: folder and files on disk (every fsync), supervisor, wrapper, status on disk, and
the session's look at it. Alternatives are interleaved, medians compared. Goals: at most 10 ms above `bash -c true`
(bar 15), output of one gigabyte within 1.25 times, of a million lines within 1.5 times `cat F | cat >/dev/null`,
the supervisor below 20 MB. Exit code 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from orion_deploy.run.attempt import AttemptSpec, look, read_run, wait
from orion_deploy.run.launcher import Launcher
from orion_deploy.run.output import Output

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.compiled import compile_package  # as an installation has it

STEP_GOAL_S = 0.010
STEP_BAR_S = 0.015
GIGABYTE_GOAL = 1.25
LINES_GOAL = 1.5
MEMORY_GOAL_BYTES = 20e6
LINES = 1_000_000
PAUSE_S = 0.02
"""Between rounds, as between an operator's steps: what the one before leaves (journal, next fork) is not this one's."""


class Steps:
    """Runs steps, each in a new folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.launcher = Launcher()
        self.number = 0

    def run(self, script: str, **more: int) -> Path:
        """Run a script to its recorded end, as a session does."""
        self.number += 1
        directory = self.root / str(self.number)
        self.launcher.start(directory, AttemptSpec(script=script.encode(), cwd="/", **more))  # type: ignore[arg-type]
        wait(directory)
        result = look(directory).result
        assert result is not None
        assert result.shell.exit_status == 0, result
        return directory


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def medians(cases: dict[str, Callable[[], object]], rounds: int, pause_s: float) -> dict[str, float]:
    """Median seconds of each, run in turn."""
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for turn in range(rounds + 2):
        for name, work in cases.items():
            time.sleep(pause_s)
            took = seconds(work)
            if turn >= 2:  # the first ones fill caches
                taken[name].append(took)
    return {name: statistics.median(values) for name, values in taken.items()}


def synced_file(folder: Path) -> None:
    """One file made and synced: the unit of which a step needs about seven."""
    fd, _ = tempfile.mkstemp(dir=folder)
    os.write(fd, b"x" * 300)
    os.fsync(fd)
    os.close(fd)


def row(name: str, value: str, floor: str, result: str, verdict: str) -> None:
    """One line of the table."""
    print(f"{name:34}{value:>12}{floor:>12}{result:>14}  {verdict}", flush=True)


def step_cost(steps: Steps, rounds: int) -> bool:
    """A step that does nothing, over a shell that does nothing."""
    (steps.root / "synced").mkdir()
    taken = medians(
        {
            "bash": lambda: os.waitpid(os.posix_spawn("/bin/bash", ["bash", "-c", "true"], os.environ), 0),
            "sync": lambda: synced_file(steps.root / "synced"),
            "step": lambda: steps.run("true"),
        },
        rounds,
        PAUSE_S,
    )
    above_s = taken["step"] - taken["bash"]
    verdict = "goal" if above_s <= STEP_GOAL_S else "bar" if above_s <= STEP_BAR_S else "MISSED"
    row("one synced file (ms)", f"{taken['sync'] * 1e3:.2f}", "", "", "")
    row("a step, over bash -c true (ms)", f"{taken['step'] * 1e3:.2f}", f"{taken['bash'] * 1e3:.2f}", f"+{above_s * 1e3:.2f}", verdict)  # fmt: skip
    return above_s <= STEP_BAR_S


def output_cost(steps: Steps, name: str, source: Path, goal: float) -> bool:
    """A step that prints a file, over two `cat`s."""
    plain = ["bash", "-c", f"cat {source} | cat >/dev/null"]
    taken = medians(
        {"cat": lambda: subprocess.run(plain, check=True), "step": lambda: steps.run(f"cat {source}")},
        5,
        PAUSE_S,
    )
    size = source.stat().st_size
    last = Output(steps.root / str(steps.number))
    assert last.size() == size
    ratio = taken["step"] / taken["cat"]
    row(name, f"{taken['step']:.3f}", f"{taken['cat']:.3f}", f"{ratio:.2f}x", "goal" if ratio <= goal else "MISSED")  # fmt: skip
    return ratio <= goal


def memory(steps: Steps) -> bool:
    """The supervisor's peak while a step floods its output."""
    directory = steps.root / "flood"
    script = b"head -c 2000000000 /dev/zero; sleep 0.3"
    steps.launcher.start(directory, AttemptSpec(script=script, cwd="/"))
    while Output(directory).size() < 1_900_000_000:
        time.sleep(0.02)
    status = Path(f"/proc/{read_run(directory)['supervisor']}/status").read_text()
    peak = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
    wait(directory)
    verdict = "goal" if peak <= MEMORY_GOAL_BYTES else "MISSED"
    row("the supervisor's memory (MB)", f"{peak / 1e6:.1f}", "", "", verdict)
    return peak <= MEMORY_GOAL_BYTES


def main() -> int:
    """Measure, and print the table."""
    compile_package()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="bench-step-"))
    steps = Steps(root)
    try:
        row("", "ours", "floor", "", "")
        is_good = step_cost(steps, given.rounds)
        big, lines = root / "big", root / "lines"
        subprocess.run(["dd", "if=/dev/zero", f"of={big}", "bs=1M", f"count={int(given.gigabytes * 1000)}"], check=True, capture_output=True)  # fmt: skip
        with lines.open("wb") as file:
            file.writelines(
                b"2026-01-29T22:30:00 INFO line %d of the log\n" % number for number in range(LINES)
            )
        is_good &= output_cost(steps, f"{given.gigabytes:g} GB of output (s)", big, GIGABYTE_GOAL)
        is_good &= output_cost(steps, "a million lines (s)", lines, LINES_GOAL)
        if Path("/proc/self/status").exists():
            is_good &= memory(steps)
    finally:
        steps.launcher.close()
        shutil.rmtree(root, ignore_errors=True)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
