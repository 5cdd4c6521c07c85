"""Keys while a step prints without end: how long from the key to its paint.

    python benchmarks/bench_stream.py [--keys 150]

The real app in a real pty: a step that writes as fast as it can, its output followed on the screen; then the
same keys with nothing running, in the same run. Goal: p99 below 50 ms (docs/screens.md). Prints how much
the step wrote, and the app's peak memory against its idle one (goal 1.35). Exit code 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support.compiled import compile_package  # noqa: E402  # as an installation has it
from support.screen import PROGRAM, Screen  # noqa: E402  # the tests' terminal is the benchmarks' too

BOOK = """# Endless

- [ ] Print without end
  ```bash
  while :; do cat lines.txt; done
  ```
- [ ] Think
"""
KEYS = (("t", b"not a choice"), ("w", b"is a watch"))
"""Keys whose answer is a line of its own; nothing else on the screen changes by them."""
PATIENCE_S = 0.5
GOAL_MS, GOAL_MEMORY = 50.0, 1.35


def key_times_ms(screen: Screen, count: int) -> list[float]:
    """Press keys in turn; milliseconds from each to the chunk that holds its answer."""
    times = []
    for number in range(count):
        key, answer = KEYS[number % len(KEYS)]
        after(screen, 0.05 + (number * 7 % 10) / 200)
        start, began = len(screen.sent), time.perf_counter()
        screen.type(key)
        while answer not in screen.sent[start:]:
            if time.perf_counter() - began > 3:
                break
            screen.read(0.5)
        times.append((time.perf_counter() - began) * 1000)
    return times


def after(screen: Screen, seconds: float) -> None:
    """Take in what is painted meanwhile; with an endless output it is never quiet."""
    pause = time.perf_counter() + seconds
    while time.perf_counter() < pause:
        screen.read(0.01)


def percentile(values: list[float], part: float) -> float:
    """The value below which this part of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def peak_mb(pid: int) -> float:
    """The most memory that the process has had, in MB; 0 where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    match = re.search(r"VmHWM:\s+(\d+)", status)
    return int(match[1]) / 1024 if match else 0.0


def main() -> int:
    """Measure, print, say which goals were missed."""
    compile_package()
    parser = argparse.ArgumentParser()
    parser.add_argument("--keys", type=int, default=150)
    count = parser.parse_args().keys
    with tempfile.TemporaryDirectory() as name:
        os.environ["HOME"] = name
        folder = Path(name)
        (folder / "endless.md").write_text(BOOK)
        (folder / "lines.txt").write_text(
            "".join(f"row {n:07d} of an output that does not end\n" for n in range(200_000))
        )
        with Screen([*PROGRAM, "open", "endless.md", "--approve"], cwd=folder, size=(120, 40)) as screen:
            screen.wait("q leave")
            screen.wait_quiet(0.5)
            idle = key_times_ms(screen, count)
            idle_mb = peak_mb(screen.pid)
            screen.type("\r")
            screen.wait("running", 10)
            began = time.perf_counter()
            busy = key_times_ms(screen, count)
            seconds = time.perf_counter() - began
            busy_mb = peak_mb(screen.pid)
            text = screen.text
            screen.type("x")
            screen.wait("Stop the running step?")
            after(screen, PATIENCE_S)
            screen.type("k")
            screen.wait("failed", 20)
            screen.press("q")
            screen.end()
    printed = re.search(r"output ([\d.]+ [kMG]?B)", text)
    p99 = percentile(busy, 0.99)
    print(f"idle    key p50 {percentile(idle, 0.5):6.1f} ms   p99 {percentile(idle, 0.99):6.1f} ms")
    print(f"endless key p50 {percentile(busy, 0.5):6.1f} ms   p99 {p99:6.1f} ms (goal {GOAL_MS:.0f})")
    print(f"printed {printed[1] if printed else 'an unknown amount'} in {seconds:.0f} s")
    ratio = busy_mb / idle_mb if idle_mb else 0.0
    print(f"peak memory {busy_mb:.0f} MB, x{ratio:.2f} of idle (goal {GOAL_MEMORY})")
    return int(p99 > GOAL_MS or ratio > GOAL_MEMORY)


if __name__ == "__main__":
    sys.exit(main())
