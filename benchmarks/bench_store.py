"""What the store costs: a durable tick, resuming, a snapshot, a list of runs, `status`; each against its floor, interleaved.

    python benchmarks/bench_store.py [--steps 10000] [--rounds 300] [--folder DIR]

Ratios are of medians within this one run. The folder must be on the disk that you want to know about.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from orion_deploy.kinds.verdict import Json
from orion_deploy.run import events as ev
from orion_deploy.run import journal
from orion_deploy.run.edge import Edge
from orion_deploy.run.fold import fold
from orion_deploy.run.places import Places
from orion_deploy.run.store import Store

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.compiled import compile_package  # as an installation has it

VERDICT: dict[str, Json] = {
    "outcome": "passed",
    "reason": "it reached its end with status 0",
    "value": "",
    "values": {},
}


def life(steps: int) -> list[ev.Event]:
    """A run of so many steps: each started, finished and ticked."""
    ids = [f"section-{number // 10}/step-{number}" for number in range(steps)]
    made: list[ev.Event] = [
        ev.Opened(
            checklist="a.md",
            digest="0" * 64,
            cwd="/srv/orion",
            steps={step: f"{number:016x}" for number, step in enumerate(ids)},
            at=1.0,
            by="ann@db1",
        )
    ]
    for number, step in enumerate(ids):
        at = 10.5 + number
        made += [
            ev.Started(
                step=step,
                attempt=1,
                title=f"Step {number} of the checklist",
                what="command",
                script_sha256="ab" * 32,
                cwd="/srv/orion",
                at=at,
                by="ann@db1",
            ),
            ev.Finished(
                step=step,
                attempt=1,
                exit_status=0,
                reached_end=True,
                started_at=at,
                duration_s=0.12,
                output_bytes=120,
                verdict=dict(VERDICT),
                at=at + 0.3,
                by="ann@db1",
            ),
            ev.Ticked(step=step, at=at + 0.7, by="ann@db1"),
        ]
    return made


def interleaved(rounds: int, *acts: Callable[[], object]) -> list[list[float]]:
    """Seconds of each act, taken in turn, so that a slow moment of the machine meets all of them."""
    times: list[list[float]] = [[] for _ in acts]
    for _ in range(rounds):
        for act, kept in zip(acts, times, strict=True):
            begin = time.perf_counter()
            act()
            kept.append(time.perf_counter() - begin)
    return times


def row(name: str, times: list[float], floor: list[float] | None = None) -> None:
    """One line: median, 99th percentile, and the ratio of the medians."""
    median = statistics.median(times)
    high = sorted(times)[int(len(times) * 0.99)] if len(times) > 10 else max(times)
    ratio = f"{median / statistics.median(floor):6.2f}x" if floor else "  floor"
    print(f"  {name:54}{median * 1e3:9.3f} ms  p99 {high * 1e3:9.3f} ms  {ratio}")


def tick(folder: Path, steps: int, rounds: int) -> None:
    """A tick against one write and one fdatasync of the same bytes."""
    run = folder / f"tick-{steps}.md.runs" / "one"
    store = Store.open(run, sidecar=folder / f"tick-{steps}.md.state.json", edge=Edge())
    store.append(*life(steps))
    event = ev.Ticked(step="section-1/step-11", at=5.0, by="ann@db1")
    line, _ = journal.encode(event, journal.Link(store.events_count, "0badf00d", "ab" * 16))
    raw = os.open(folder / f"raw-{steps}", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(raw, b"x" * (run / "journal.jsonl").stat().st_size)
    os.fsync(raw)
    sync = os.fdatasync if hasattr(os, "fdatasync") else os.fsync

    def floor() -> None:
        os.write(raw, line)
        sync(raw)

    def with_snapshot() -> None:
        store.append(event)
        store.snapshot()

    raw_times, ticks, followed = interleaved(rounds, floor, lambda: store.append(event), with_snapshot)
    print(f"A durable tick among {steps:,} steps")
    row("one write and one fdatasync", raw_times)
    row("Store.append", ticks, raw_times)
    row("Store.append with the snapshot in the background", followed, raw_times)
    snapshots: list[float] = []
    for _ in range(5):
        store.append(event)
        begin = time.perf_counter()
        store.snapshot(force=True)
        snapshots.append(time.perf_counter() - begin)
    row("a forced snapshot (summary only: no checklist here)", snapshots, raw_times)
    os.close(raw)
    store.close()


def resume(folder: Path, steps: int) -> None:
    """Opening a long run against reading its lines as JSON, which anyone would have to."""
    print(f"Resuming a run of {steps:,} steps")
    for name, events in (
        ("started and finished", [e for e in life(steps) if not isinstance(e, ev.Ticked)]),
        ("started, finished and ticked", life(steps)),
    ):
        run = folder / f"resume-{len(events)}.md.runs" / "one"
        store = Store.open(run, edge=Edge())
        store.append(*events)
        store.close()
        data = (run / "journal.jsonl").read_bytes()

        def floor(data: bytes = data) -> object:
            return [json.loads(line) for line in data.splitlines()]

        def opened(run: Path = run) -> None:
            Store.open(run, edge=Edge()).close()

        def folded(events: list[ev.Event] = events) -> object:
            return fold(events)

        loads, opens, folds = interleaved(7, floor, opened, folded)
        print(f"  {name}: {len(events):,} events, {len(data) / 1e6:.1f} MB")
        row("  json.loads of every line", loads)
        row("  Store.open: read, verify, decode, fold, sync", opens, loads)
        row("  of it the fold", folds, loads)


def lists(folder: Path, steps: int) -> None:
    """A list of twenty long runs whose snapshots are current."""
    book = folder / "lists.md"
    book.write_text("")
    places = Places.of(book)
    events = life(steps)
    for number in range(20):
        store = Store.open(places.run_directory(f"run-{number}"), edge=Edge())
        store.append(*events)
        store.snapshot(force=True)
        store.close()
    (times,) = interleaved(20, places.list_runs)
    print(f"A list of 20 runs of {steps:,} steps")
    row("Places.list_runs", times)


def status(folder: Path) -> None:
    """The sidecar of a finished run of 40 steps, by a fresh interpreter."""
    book = folder / "status.md"
    book.write_text("")
    places = Places.of(book)
    step: dict[str, Json] = {
        "id": "s",
        "title": "A step of the checklist",
        "status": "done",
        "at": 1.0,
        "by": "ann@db1",
    }
    steps: list[Json] = [step] * 40
    document: dict[str, Json] = {"sections": [{"title": "A section", "steps": steps}]}
    store = Store.open(
        places.run_directory("one"), sidecar=places.sidecar, describe=lambda _: dict(document), edge=Edge()
    )
    store.append(*life(40), ev.RunFinished(result="completed", at=9.0))
    store.snapshot(force=True)
    store.close()
    code = (
        "import json; from orion_deploy.run import sidecar\n"
        f"document = sidecar.read({str(places.sidecar)!r})\n"
        f"assert sidecar.is_current(document, {str(places.run_directory('one') / 'journal.jsonl')!r})\n"
        "print(json.dumps(document))"
    )

    def python(text: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, "-c", text], stdout=subprocess.DEVNULL, check=True)

    floor, with_json, read = interleaved(25, python("pass"), python("import json"), python(code))
    print("The state of a finished run of 40 steps, read by a fresh interpreter")
    row("python -c pass", floor)
    row("python -c 'import json'", with_json, floor)
    row("python: sidecar.read, is_current, print", read, floor)


def main() -> None:
    """Print the table."""
    compile_package()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="orion-bench-", dir=given.folder))
    try:
        tick(folder, 40, given.rounds)
        tick(folder, given.steps, given.rounds)
        resume(folder, given.steps)
        lists(folder, given.steps)
        status(folder)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
