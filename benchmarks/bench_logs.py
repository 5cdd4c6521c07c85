"""What reading and following logs costs: 1 GB against grep of the same patterns, and six watches at 100 lines a second.

    python benchmarks/bench_logs.py [--size-mb 1024] [--rounds 5] [--watch-s 60] [--folder DIR]

Ratios are medians of this one run, alternatives interleaved, the file in the page cache; of processor time too, because
that does not hang on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.kinds.base import Check, Context
from orion_deploy.kinds.registry import build

ERRORS = (
    "Failed to persist request",
    "Failed to restore from DB",
    "SqliteError",
    "SQLITE_",
    "database is locked",
)
EXPRESSIONS = (
    r"Failed to (persist|restore) \w+",
    r"Sqlite\w*Error",
    r"SQLITE_[A-Z]+",
    r"database (is|was) locked",
)
FLUSH = r"flush took ([0-9.]+)ms"
MESSAGES = (
    "[RequestRegistry] Write-behind flush took {ms:.3f}ms for 3 requests",
    "[Session] send() latency={ms:.3f}ms conversation=ab12",
    "[UI] rendered message list in {ms:.2f} ms items=140",
    "[IPC] channel open ok id=77",
    "[Store] persisted snapshot ok bytes=18231",
)
FAILURES = (
    "Failed to persist request req-99: disk I/O",
    "Failed to restore from DB: missing table",
    "SqliteError: database is locked (SQLITE_BUSY)",
)
WATCHES: tuple[tuple[str, dict[str, object]], ...] = (
    ("logs.absent", {"patterns": list(ERRORS)}),
    ("logs.absent", {"patterns": list(EXPRESSIONS), "ignore_case": True}),
    ("logs.present", {"pattern": r"Restored (?P<requests>\d+) active requests from DB in (?P<ms>\d+) ms"}),
    ("logs.latency", {"pattern": FLUSH, "limit": 5}),
    ("logs.latency", {"pattern": r"send\(\) latency=([0-9.]+)ms", "limit": 5}),
    ("logs.latency", {"pattern": r"rendered message list in ([0-9.]+) ms", "limit": 50}),
)
WRITER = """
import random, sys, time
path, seconds = sys.argv[1], float(sys.argv[2])
chance = random.Random(3)
begin = time.monotonic()
number = 0
with open(path, "ab", buffering=0) as log:
    while time.monotonic() - begin < seconds:
        ms = chance.lognormvariate(0, 0.8)
        text = MESSAGES[number % len(MESSAGES)].format(ms=ms)
        log.write(f"2026-01-29T22:00:00.000Z INFO  {text}\\n".encode())
        number += 1
        time.sleep(max(0.0, begin + number / 100 - time.monotonic()))
"""


def write_log(path: Path, size_bytes: int) -> None:
    """A log of this size: one line in 5,000 is a failure."""
    chance = random.Random(1)
    lines = []
    for number in range(200_000):
        is_failure = chance.random() < 0.0002
        text = chance.choice(FAILURES if is_failure else MESSAGES).format(ms=chance.lognormvariate(0, 0.8))
        level = "ERROR" if is_failure else "INFO"
        stamp = f"2026-01-29T22:{number // 3600 % 60:02d}:{number % 60:02d}.{number % 1000:03d}Z"
        lines.append(f"{stamp} {level:5} {text}\n")
    block = "".join(lines).encode()
    with path.open("wb") as file:
        for _ in range(max(1, size_bytes // len(block))):
            file.write(block)


def context(folder: Path) -> Context:
    """What a kind is told."""
    return Context(
        run="r",
        run_directory=folder,
        attempt_directory=folder,
        cwd=folder,
        variables=MappingProxyType({}),
        progress=lambda _done, _total, _message: None,
        is_cancelled=lambda: False,
        now=time.time,
    )


def check(folder: Path, name: str, **parameters: object) -> Callable[[], int]:
    """A check that is carried out once; its matches or samples."""
    kind = build(KindCall(name, {"path": "big.log", **parameters}))
    assert isinstance(kind, Check)

    def once() -> int:
        values = kind.probe(context(folder)).values
        found = values.get("matches", values.get("samples"))
        assert isinstance(found, int)
        return found

    return once


def grep(log: Path, *arguments: str) -> Callable[[], int]:
    """`grep -c`, in the C locale, where it is fastest."""
    argv = ["grep", "-c", *arguments, str(log)]

    def once() -> int:
        done = subprocess.run(argv, stdout=subprocess.PIPE, env={**os.environ, "LC_ALL": "C"})
        return int(done.stdout)

    return once


def scan(folder: Path, size_bytes: int, rounds: int) -> None:
    """One log read whole, in every way in turn."""
    log = folder / "big.log"
    write_log(log, size_bytes)
    size_bytes = log.stat().st_size
    fixed = [part for text in ERRORS for part in ("-e", text)]
    acts: dict[str, Callable[[], int]] = {
        "grep -E, 5 texts": grep(log, "-E", "|".join(ERRORS)),
        "grep -F, 5 texts": grep(log, "-F", *fixed),
        "logs.absent, 5 texts": check(folder, "logs.absent", patterns=list(ERRORS)),
        "grep -E, 4 expressions": grep(log, "-E", "|".join(EXPRESSIONS)),
        "logs.absent, 4 expressions": check(folder, "logs.absent", patterns=list(EXPRESSIONS)),
        "grep -E -i, 5 texts": grep(log, "-E", "-i", "|".join(ERRORS)),
        "logs.absent, ignore_case": check(folder, "logs.absent", patterns=list(ERRORS), ignore_case=True),
        "grep -E, a number in each 5th line": grep(log, "-E", FLUSH),
        "logs.latency of it": check(folder, "logs.latency", pattern=FLUSH, limit=5),
    }
    wall: dict[str, list[float]] = {name: [] for name in acts}
    busy: dict[str, list[float]] = {name: [] for name in acts}
    found: dict[str, int] = {}
    for turn in range(rounds + 1):
        for name, act in acts.items():
            begin, busy_begin = time.perf_counter(), busy_s()
            found[name] = act()
            if turn:  # the first warms up
                wall[name].append(time.perf_counter() - begin)
                busy[name].append(busy_s() - busy_begin)
    base = ""
    print(
        f"{size_bytes / 1e9:.2f} GB, {rounds} rounds: wall time, processor time, both by those of grep above"
    )
    for name in acts:
        if name.startswith("grep -E"):
            base = name
        by_wall, by_busy = (
            statistics.median(a / b for a, b in zip(taken[name], taken[base], strict=True))
            for taken in (wall, busy)
        )
        print(
            f"  {name:36} {statistics.median(wall[name]):6.2f} s {statistics.median(busy[name]):6.2f} s"
            f"  {by_wall:5.2f} x {by_busy:5.2f} x  {found[name]:,} found",
            flush=True,
        )


def busy_s() -> float:
    """Processor time of this process and of its children."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def follow(folder: Path, watch_s: float) -> None:
    """Six watches look once a second at a log that gets 100 lines a second; their state is kept after each look."""
    log = folder / "live.log"
    log.touch()
    source = WRITER.replace("MESSAGES", repr(MESSAGES))
    writer = subprocess.Popen([sys.executable, "-c", source, str(log), str(watch_s + 2)])
    ctx = context(folder)
    observers = []
    for name, parameters in WATCHES:
        kind = build(KindCall(name, {"path": "live.log", **parameters}))
        assert isinstance(kind, Check)
        observers.append(kind.observe(ctx))
    look_s = state_s = 0.0
    state_bytes = 0
    memory_kb: list[int] = []
    begin = time.monotonic()
    while time.monotonic() - begin < watch_s:
        time.sleep(1 - (time.monotonic() - begin) % 1)
        for observer in observers:
            before = time.process_time()
            observer.look(ctx)
            middle = time.process_time()
            state_bytes = max(state_bytes, len(json.dumps(observer.state())))
            look_s += middle - before
            state_s += time.process_time() - middle
        memory_kb.append(rss_kb())
    passed_s = time.monotonic() - begin
    writer.wait()
    half = len(memory_kb) // 2
    print(f"six watches, every second, {passed_s:.0f} s, 100 lines/s")
    print(f"  looks            {100 * look_s / passed_s:.3f} % of a core")
    print(f"  states as JSON   {100 * state_s / passed_s:.3f} % of a core, {state_bytes:,} bytes at most")
    print(f"  memory           {memory_kb[half]:,} kB at half time, {memory_kb[-1]:,} kB at the end")


def rss_kb() -> int:
    """Resident memory of this process."""
    import psutil

    return int(psutil.Process().memory_info().rss) // 1024


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size-mb", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--watch-s", type=float, default=60)
    parser.add_argument("--folder", type=Path, default=None)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        if asked.rounds:
            scan(Path(folder), asked.size_mb * 1024 * 1024, asked.rounds)
        if asked.watch_s:
            follow(Path(folder), asked.watch_s)


if __name__ == "__main__":
    main()
