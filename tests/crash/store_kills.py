"""kill -9 of the process that writes the journal, at any instant: nothing lost, nothing invented, readers never torn.

A writer appends without end, and tells through a pipe what it was told. It is killed after a random time.
What is on the disk is then read by a reader of its own, which shares no code with the product.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import time
import zlib
from pathlib import Path

from crash.harness import Harness, Tally, scratch
from crash.store_mutants import EARLY_ACKNOWLEDGEMENT, JOURNAL_IN_PLACE, SNAPSHOT_IN_PLACE, broken
from orion_deploy.run import events as ev
from orion_deploy.run.edge import Edge
from orion_deploy.run.store import Store

ALIVE_S_MAX = 0.006
KILLS_OF_ONE_RUN = 10
BATCH_MAX = 3
EDGE = Edge(now=lambda: 1000.0, who=lambda: "ann@db1", boot_id=lambda: "b00t")


def text_of(number: int) -> str:
    """What record `number` says: from a few bytes to a hundred thousand."""
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return digest * (1500 if number % 61 == 0 else (number * 7919) % 40)


def write(run: Path, beside: Path, pipe: int) -> None:
    """Append without end; tell of every number that is acknowledged."""
    store = Store.open(run, sidecar=beside, edge=EDGE)
    os.write(pipe, b"o %d\n" % store.events_count)
    while True:
        first = store.events_count + 1
        numbers = range(first, first + 1 + first % BATCH_MAX)
        store.append(*(ev.Noted(text=text_of(number), at=float(number), by="ann") for number in numbers))
        os.write(pipe, b"a %d\n" % store.events_count)
        if first % 5 == 0:
            store.snapshot(force=True)


def kills(points: int, mutant: str) -> Tally:
    """Kill the writer `points` times, each time going on with what the last one left."""
    tally = Tally()
    pick = random.Random(11)
    with scratch() as folder, broken(mutant):
        run, beside = folder / "a.md.runs" / "one", folder / "a.md.state.json"
        told = 0
        while tally.points < points and not (mutant and tally.faults):
            if tally.points % KILLS_OF_ONE_RUN == 0:
                shutil.rmtree(run, ignore_errors=True)
                beside.unlink(missing_ok=True)
                told = 0
            said = _kill_one(run, beside, pick.uniform(0, ALIVE_S_MAX), is_opening=pick.random() < 0.2)
            tally.points += 1
            for line in said:
                if line.startswith("e "):
                    tally.fault("the writer failed", line)
                else:
                    count = int(line[2:])
                    if line.startswith("o ") and not told <= count <= told + BATCH_MAX:
                        tally.fault("opened with another past", f"{count} instead of {told}")
                    told = count
            tally.seen["killed before it was open"] += not said
            _read(run, told, tally)
            _read_snapshots(run, beside, told, tally)
            if tally.faults:
                shutil.rmtree(run, ignore_errors=True)
                beside.unlink(missing_ok=True)
                told = 0
    return tally


def _kill_one(run: Path, beside: Path, alive_s: float, *, is_opening: bool) -> list[str]:
    """Start a writer, kill it while it opens the run or after it has, and return what it said."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        try:
            write(run, beside, write_end)
        except BaseException as error:
            os.write(write_end, f"e {error!r}".replace("\n", " ").encode()[:900] + b"\n")
        finally:
            os._exit(1)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        said = b"" if is_opening else pipe.readline()
        time.sleep(alive_s)  # The random instant itself, not a wait for anything.
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        said += pipe.read()
    return said.decode().split("\n")[:-1]


def _read(run: Path, told: int, tally: Tally) -> None:
    """Count the records on the disk, by a reader of its own."""
    try:
        data = (run / "journal.jsonl").read_bytes()
    except FileNotFoundError:
        data = b""
    lines = data.split(b"\n")
    tail = lines.pop()
    crc = b"00000000"
    for number, line in enumerate(lines, start=1):
        record = json.loads(line) if _is_sealed(line) else {}
        if (record.get("n"), record.get("p"), record.get("text", "")) != (
            number,
            crc.decode(),
            text_of(number),
        ):
            tally.fault("a record is not what was written", f"{number}: {line[:80]!r}")
            return
        crc = line[-10:-2]
    if len(lines) < told:
        tally.fault("lost", f"{told} told, {len(lines)} on the disk")
    if len(lines) > told + BATCH_MAX:
        tally.fault("invented", f"{told} told, {len(lines)} on the disk")
    tally.seen["torn"] += tail != b""
    tally.seen["written and not told"] += len(lines) > told
    tally.seen["records"] = max(tally.seen["records"], len(lines))


def _is_sealed(line: bytes) -> bool:
    return line[-16:-10] == b',"c":"' and b"%08x" % zlib.crc32(line[:-16]) == line[-10:-2]


def _read_snapshots(run: Path, beside: Path, told: int, tally: Tally) -> None:
    for path in (run / "state.json", beside):
        try:
            document = json.loads(path.read_bytes())
        except FileNotFoundError:
            continue
        except ValueError:
            tally.fault("a snapshot is torn", path.name)
            continue
        if document["journal"]["records"] > told:
            tally.fault("a snapshot is ahead of what was told", path.name)


HARNESS = Harness(
    "kill -9 of the writer",
    kills,
    (EARLY_ACKNOWLEDGEMENT, JOURNAL_IN_PLACE, SNAPSHOT_IN_PLACE),
    short=120,
    full=10_000,
    mutant_max=2_000,
)
