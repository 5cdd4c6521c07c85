"""Who watches is killed at any instant, while the log goes on and is rotated: nothing is counted twice or left out.

One process writes a log and kills the other, which looks as fast as it can and goes on from what is on the disk.
At the end the watch must have seen each line once, and each error once.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from crash.harness import Harness, Tally, scratch
from orion_deploy.kinds.logs.parameters import Reading
from orion_deploy.kinds.verdict import Json
from orion_deploy.run.edge import Edge
from orion_deploy.run.watches.reading import LIVE_NAME, read_record
from orion_deploy.run.watches.record import Spec, WatchRecord, clocks
from orion_deploy.run.watches.watch import Watch

LIFE_S_MAX = 0.02
"""A life of who watches, from its first look on: killed at a random instant of it."""
ROTATED_EVERY = 40
"""Kills between two rotations of the log."""
ERROR_EVERY = 7


class _Log:
    """A log that is written and rotated as programs do."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.path = folder / "app.log"
        self._chance = chance
        self.path.write_bytes(b"")
        self.lines = self.errors = 0
        self._rotations = 0

    def write(self) -> None:
        """Some lines, whole or in two pieces."""
        text = b""
        for _ in range(self._chance.randrange(1, 6)):
            self.lines += 1
            is_error = self.lines % ERROR_EVERY == 0
            self.errors += is_error
            text += b"%d %s of the day\n" % (self.lines, b"ERROR" if is_error else b"INFO")
        cut = self._chance.randrange(len(text))
        with self.path.open("ab", buffering=0) as file:
            file.write(text[:cut])
            file.write(text[cut:])

    def rotate(self) -> None:
        """By renaming, or by copying and truncating."""
        self._rotations += 1
        old = self.path.with_name(f"app.log.{self._rotations + 1}")
        first = self.path.with_name("app.log.1")
        if first.exists():
            first.rename(old)
        if self._chance.random() < 0.5:
            self.path.rename(first)
            self.path.write_bytes(b"")
        else:
            shutil.copyfile(self.path, first)
            os.truncate(self.path, 0)


def _spec(folder: Path) -> Spec:
    return Spec(
        step="errors",
        attempt=1,
        title="No errors",
        kind="logs.absent",
        parameters={"path": "app.log", "patterns": ["ERROR"], "since": "start"},
        watch_s=86_400.0,
        every_s=None,
        cwd=str(folder),
        run="r1",
        variables={},
        started=clocks(Edge()),
    )


@contextmanager
def _broken(mutant: str) -> Iterator[None]:
    """The product, deliberately broken, for as long as this is entered."""
    write, resume = Watch._write, Reading.resume

    def position_first(self: Watch, record: WatchRecord, *, is_grave: bool) -> None:
        kept = read_record(self.folder)
        if kept is not None:
            apart: dict[str, Any] = {**kept.observer, "reading": record.observer.get("reading")}
            half = {**json.loads((self.folder / LIVE_NAME).read_bytes()), "observer": apart}
            (self.folder / ".half").write_text(json.dumps(half))
            os.replace(self.folder / ".half", self.folder / LIVE_NAME)
            time.sleep(0.0005)
        write(self, record, is_grave=True)

    def now_and_then(self: Watch, record: WatchRecord, *, is_grave: bool) -> None:
        if record.looks % 2:
            counts = {**record.observer, "reading": (read_record(self.folder) or record).observer["reading"]}
            record = _with(record, counts)
        write(self, record, is_grave=True)

    def _from_the_end(self: Reading, state: Mapping[str, Json]) -> None:
        self._since = "now"

    try:
        if mutant == "position written before the counts":
            Watch._write = position_first  # type: ignore[method-assign]
        elif mutant == "counts written before the position":
            Watch._write = now_and_then  # type: ignore[method-assign]
        elif mutant == "begins at the end of the log again":
            Reading.resume = _from_the_end  # type: ignore[method-assign]
        yield
    finally:
        Watch._write = write  # type: ignore[method-assign]
        Reading.resume = resume  # type: ignore[method-assign]


def _with(record: WatchRecord, observer: dict[str, Any]) -> WatchRecord:
    return replace(record, observer=MappingProxyType(observer))


def _look(folder: Path, spec: Spec, looks: int, ready: int = -1) -> None:
    watch = Watch(folder / "watch", spec, run_directory=folder, edge=Edge(), environ={})
    if ready >= 0:
        os.write(ready, b".")
    for _ in range(looks):
        watch.turn()
        watch.keep()


def _kills(points: int, mutant: str) -> Tally:
    tally = Tally()
    chance = random.Random(points)
    with scratch() as folder, _broken(mutant):
        (folder / "watch").mkdir()
        log, spec = _Log(folder, chance), _spec(folder)
        _look(folder, spec, 1)
        for point in range(points):
            reader, writer = os.pipe()
            child = os.fork()
            if child == 0:
                _look(folder, spec, 1_000_000, writer)
                os._exit(0)
            os.close(writer)
            os.read(reader, 1)
            os.close(reader)
            end = time.monotonic() + chance.uniform(0, LIFE_S_MAX)
            while time.monotonic() < end:
                log.write()
                time.sleep(0.001)
            if point % ROTATED_EVERY == ROTATED_EVERY - 1:
                log.rotate()
                log.write()
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            tally.points += 1
        _look(folder, spec, 3)
        record = read_record(folder / "watch")
        assert record is not None
        seen, lines = record.observer["matches"], record.verdict["values"]["lines"]  # type: ignore[index,call-overload]
        tally.seen["lines"], tally.seen["errors"] = log.lines, log.errors
        tally.seen["looks that were kept"] = record.looks
        if record.gaps_count:
            tally.fault("a gap where nothing was lost", str(record.gaps[0]))
        if seen != log.errors:
            tally.fault("errors", f"{log.errors} were written, {seen} were counted")
        if lines != log.lines:
            tally.fault("lines", f"{log.lines} were written, {lines} were counted")
    return tally


HARNESSES = (
    Harness(
        name="kill -9 of who watches",
        run=_kills,
        mutants=(
            "position written before the counts",
            "counts written before the position",
            "begins at the end of the log again",
        ),
        short=120,
        full=5_000,
        mutant_max=200,
    ),
)
