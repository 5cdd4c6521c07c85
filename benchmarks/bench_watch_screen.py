"""What the screens cost while they show watches: CPU time of the app against `top -d1`, side by side in two terminals.

    python benchmarks/bench_watch_screen.py [--seconds 60]

Six watches as `bench_watch.py` has them, looked at by a real keeper, shown on the main screen and on the watch screen;
and before any is begun. Goal: at most half of `top -d1` while watching. Exit code 1 when it is missed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
sys.path.insert(0, str(ROOT))

from support.compiled import compile_package  # noqa: E402  # as an installation has it
from support.screen import PROGRAM, Screen  # noqa: E402  # the tests' terminal is the benchmarks' too

from benchmarks.bench_watch import CHECKLIST, write_log  # noqa: E402  # the same watches

GOAL = 0.5
SIZE = (120, 40)
SETTLE_S = 8.0


def cpu_ms_a_minute(screens: Sequence[Screen], seconds: float) -> list[float]:
    """CPU time of each program for a minute, measured at the same time; what they write is read away."""
    processes = [psutil.Process(screen.pid) for screen in screens]
    before = [sum(process.cpu_times()[:2]) for process in processes]
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < seconds:
        for screen in screens:
            screen.read(min(0.2, seconds - elapsed) / len(screens))
    after = [sum(process.cpu_times()[:2]) for process in processes]
    return [(b - a) / elapsed * 60_000 for a, b in zip(before, after, strict=True)]


def begin_all(folder: Path) -> None:
    """Begin the six watches, and leave: their keeper goes on."""
    from orion_deploy.run.opening import open_session

    session = open_session(folder / "watching.md", cwd=str(folder))
    session.approve()
    for step in ("errors", "flush", "send", "restored", "memory", "disk"):
        session.start(step)
    session.close()


def end_all(folder: Path) -> None:
    """End them."""
    from orion_deploy.run.opening import open_session

    session = open_session(folder / "watching.md")
    session.end_watches("measured")
    session.close()


def main() -> int:
    """Measure, and print a table; 1 where the goal is missed."""
    compile_package()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60.0)
    seconds = parser.parse_args().seconds
    found: dict[str, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        (folder / "app.pid").write_text(f"{os.getpid()}\n")
        (folder / "app.log").write_text("")
        (folder / "watching.md").write_text(CHECKLIST)
        over = threading.Event()
        writer = threading.Thread(target=write_log, args=(folder / "app.log", over))
        writer.start()
        try:
            for where, keys in (("nothing runs", ""), ("main screen", ""), ("watch screen", "w")):
                if where == "main screen":
                    begin_all(folder)
                    time.sleep(SETTLE_S)
                argv = [*PROGRAM, "open", "watching.md", "--approve"]
                with Screen(argv, cwd=folder, size=SIZE) as app, Screen(["top", "-d1"], size=SIZE) as top:
                    app.wait(lambda text: "q leave" in text or "Back in run" in text)
                    app.press("\r" if "Back in run" in app.text else "")
                    app.wait("q leave")
                    app.press(keys)
                    time.sleep(SETTLE_S)
                    mine, tops = cpu_ms_a_minute((app, top), seconds)
                    found[where] = (mine, tops)
        finally:
            end_all(folder)
            over.set()
            writer.join()
    print(f"CPU ms a minute, over {seconds:.0f} s each; goal {GOAL} of top while watching")
    for where, (mine, tops) in found.items():
        print(f"{where:<14} app {mine:7.1f}   top -d1 {tops:7.1f}   x{mine / tops:.2f}")
    return int(any(mine > GOAL * tops for mine, tops in found.values()))


if __name__ == "__main__":
    raise SystemExit(main())
