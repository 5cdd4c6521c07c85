"""Ten thousand steps on the screen, against forty in the same run: mount, page down, one tick.

    python benchmarks/bench_list.py [--rounds 3] [--steps 10000]

The real app in a real pty. Mount: from the opened session to the first painted rows, Textual's import
included (reading the file and opening the run are measured elsewhere). Keys: from the byte that is sent to the chunk that paints. Goals:
mount within 1.3 times, tick within 1.5 times the forty steps', page down p99 below 50 ms (docs/screens.md).
Exit code 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support.compiled import compile_package  # noqa: E402  # as an installation has it
from support.screen import PAGE_DOWN, Screen  # noqa: E402  # the tests' terminal is the benchmarks' too

APP = """
import gc, json, sys, time
gc.disable()  # as the entry point does, until after the first paint
from pathlib import Path
from orion_deploy.run.opening import open_session
session = open_session(Path(sys.argv[1]))
began = time.perf_counter()
from orion_deploy.tui.orion import OrionApp
app = OrionApp(session, {})
def painted():
    if not hasattr(app, "mount_s") and app.screen_stack and app.main.outline.board is not None:
        app.mount_s = time.perf_counter() - began
app.post_display_hook = painted
app.run()
Path(sys.argv[2]).write_text(json.dumps(app.mount_s))
"""
ROW = re.compile(rb"ROW-(\d{5})")
FEW = 40
PATIENCE_S = 0.4
"""A tick that follows another one sooner is taken for a key that repeats."""


def book(steps: int) -> str:
    """A checklist of manual steps, twenty to a section."""
    parts = ["# Many steps\n"]
    for number in range(steps):
        if number % 20 == 0:
            parts.append(f"\n## Section {number // 20}\n\n")
        parts.append(f"- [ ] ROW-{number:05d} verify table (if not done)\n")
    return "".join(parts)


def key_ms(screen: Screen, key: str, expected: re.Pattern[bytes], rest_s: float = 0.08) -> float:
    """Send a key once nothing was painted for `rest_s`; milliseconds until what is expected was painted."""
    screen.wait_quiet(rest_s)
    start = len(screen.sent)
    began = time.perf_counter()
    screen.type(key)
    while not expected.search(screen.sent, start):
        if not screen.read(2.0):
            return 2000.0
    return (time.perf_counter() - began) * 1000


def measure(folder: Path, steps: int, pages: int, ticks: int) -> tuple[float, list[float], list[float]]:
    """Mount time, page-down times, tick times; all in ms."""
    name = f"book-{steps}"
    (folder / f"{name}.md").write_text(book(steps))
    result = folder / f"{name}.json"
    argv = (sys.executable, str(folder / "app.py"), f"{name}.md", str(result))
    with Screen(argv, cwd=folder, size=(120, 40)) as screen:
        screen.wait("ROW-00000", 60)
        screen.wait_quiet(0.5)
        tick = [key_ms(screen, " ", re.compile(rb"done"), PATIENCE_S) for _ in range(ticks)]
        screen.press("\x1b")
        page = [key_ms(screen, PAGE_DOWN, ROW) for _ in range(pages)] if steps > FEW else []
        screen.press("q")
        screen.end(30)
    for path in folder.glob(f"{name}.md.*"):
        if path.is_file():
            path.unlink()
    return json.loads(result.read_text()) * 1000, page, tick


def percentile(values: list[float], part: float) -> float:
    """The value below which this part of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def main() -> int:
    """Measure, print, say which goals were missed."""
    compile_package()
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=10_000)
    options = parser.parse_args()
    mounts: dict[int, list[float]] = {FEW: [], options.steps: []}
    ticks: dict[int, list[float]] = {FEW: [], options.steps: []}
    pages: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        os.environ["HOME"] = name
        folder = Path(name)
        (folder / "app.py").write_text(APP)
        for round_number in range(options.rounds):
            for steps in (FEW, options.steps):
                runs = folder / str(round_number)
                runs.mkdir(exist_ok=True)
                (runs / "app.py").write_text(APP)
                mount, page, tick = measure(runs, steps, 60, 12)
                mounts[steps].append(mount)
                ticks[steps] += tick
                pages += page
    mount_ratio = statistics.median(mounts[options.steps]) / statistics.median(mounts[FEW])
    tick_ratio = statistics.median(ticks[options.steps]) / statistics.median(ticks[FEW])
    page_p99 = percentile(pages, 0.99)
    for steps in (FEW, options.steps):
        print(
            f"{steps:6,} steps: mount {statistics.median(mounts[steps]):6.1f} ms, tick {statistics.median(ticks[steps]):6.1f} ms"
        )
    print(f"mount x{mount_ratio:.2f} (goal 1.3), tick x{tick_ratio:.2f} (goal 1.5)")
    print(f"page down p50 {percentile(pages, 0.5):.1f} ms, p99 {page_p99:.1f} ms (goal 50)")
    return int(mount_ratio > 1.3 or tick_ratio > 1.5 or page_p99 > 50)


if __name__ == "__main__":
    sys.exit(main())
