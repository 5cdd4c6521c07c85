"""What watching costs: a real keeper with six watches on a log of 100 lines a second, for as long as it is told to.

    python benchmarks/bench_watch.py [--seconds 120]

Goal: under 0.5 % of a core, and memory that stays as it is. CPU time and memory are the kernel's count of the keeper's
process (its start left out); absolute, because watching nothing costs nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from orion_deploy.run.opening import open_session

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.compiled import compile_package  # as an installation has it

CPU_PERCENT_MAX = 0.5
GROWTH_PERCENT_MAX = 1.0
LINES_PER_S = 100
SETTLE_S = 15.0

CHECKLIST = r"""# Watching

- [ ] Errors
  ```yaml step
  id: errors
  watch: {logs.absent: {path: app.log, patterns: [Failed to persist, Failed to restore, 'SQLITE_[A-Z]+']}}
  ```
- [ ] Flush
  ```yaml step
  id: flush
  watch: {logs.latency: {path: app.log, pattern: 'flush (?P<value>[\d.]+) ms', limit: 2}}
  ```
- [ ] Send
  ```yaml step
  id: send
  watch: {logs.latency: {path: app.log, pattern: 'send (?P<value>[\d.]+) ms', limit: 2}}
  ```
- [ ] Restored
  ```yaml step
  id: restored
  watch: {logs.present: {path: app.log, pattern: 'Restored (?P<requests>\d+) active requests'}}
  ```
- [ ] Memory
  ```yaml step
  id: memory
  watch: {process.memory: {pidfile: app.pid, rss_mb_max: 500, growth_percent_max: 200}}
  ```
- [ ] Disk
  ```yaml step
  id: disk
  watch: {files.disk_free: {path: ., free_mb_min: 1}}
  ```
"""


def write_log(path: Path, over: threading.Event) -> None:
    """Append lines as a busy application does, ten times a second."""
    number = 0
    while not over.wait(0.1):
        with path.open("a", encoding="ascii") as file:
            for _ in range(LINES_PER_S // 10):
                number += 1
                what = ("[Send] send 0.9 ms", "[WriteBehind] flush 1.3 ms, 1 row")[number % 2]
                file.write(f"2026-11-25 22:31:00.123 INFO  {what}\n")


def main() -> int:
    """Measure, and print a table; 1 where a goal is missed."""
    compile_package()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=120.0)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "app.pid").write_text(f"{os.getpid()}\n")
        (folder / "app.log").write_text("")
        path = folder / "watching.md"
        path.write_text(CHECKLIST)
        over = threading.Event()
        writer = threading.Thread(target=write_log, args=(folder / "app.log", over))
        writer.start()
        session = open_session(path, cwd=name)
        try:
            session.approve()
            for step in ("errors", "flush", "send", "restored", "memory", "disk"):
                session.start(step)
            time.sleep(SETTLE_S)
            keeper = session.keeper()
            assert keeper is not None
            process = psutil.Process(keeper.pid)
            before, early = process.cpu_times(), process.memory_info().rss
            began = time.monotonic()
            time.sleep(seconds / 2)
            middle = process.memory_info().rss
            time.sleep(seconds / 2)
            after, late = process.cpu_times(), process.memory_info().rss
            elapsed = time.monotonic() - began
            looks = {record.step: record.looks for record in session.watches()}
            assert len(looks) == 6
            assert not any(record.lost for record in session.watches()), session.watches()
        finally:
            session.end_watches("measured")
            session.close()
            over.set()
            writer.join()
    cpu_s = (after.user + after.system) - (before.user + before.system)
    percent = 100 * cpu_s / elapsed
    growth = 100 * (late - middle) / middle
    print(f"six watches, {LINES_PER_S} lines a second, {elapsed:.0f} s; looks {looks}")
    print(f"CPU            {percent:6.2f} % of a core   (goal {CPU_PERCENT_MAX} %)")
    print(f"memory         {late / 1e6:6.1f} MB after {early / 1e6:.1f} MB")
    print(f"second half    {growth:+6.2f} %             (goal {GROWTH_PERCENT_MAX} %)")
    return int(percent > CPU_PERCENT_MAX or growth > GROWTH_PERCENT_MAX)


if __name__ == "__main__":
    raise SystemExit(main())
