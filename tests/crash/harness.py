"""What every crash harness shares: a tally of points and faults, scratch space, and the table of results.

A harness is a function `(points, mutant) -> Tally`. It is run once on the product as it is, where every
fault it counts is a failure of ours, and once on each of its mutants (the product, deliberately broken),
where no fault would mean that the harness cannot see what it is there to see.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

EXAMPLES_MAX = 5


@dataclass
class Tally:
    """What a harness has seen."""

    points: int = 0
    """Instants, faults or states that were tried."""
    seen: Counter[str] = field(default_factory=Counter)
    """What came out, by name; for the reader of the table."""
    faults: Counter[str] = field(default_factory=Counter)
    """What must never be."""
    examples: list[str] = field(default_factory=list)
    skipped: str = ""
    """Why nothing could be tried here."""

    def fault(self, kind: str, example: str = "") -> None:
        """Note something that must never be."""
        self.faults[kind] += 1
        if len(self.examples) < EXAMPLES_MAX:
            self.examples.append(f"{kind}: {example}"[:600])


@dataclass(frozen=True)
class Harness:
    """A harness with its mutants and how many points it tries: in the suite, in full, at most for a mutant."""

    name: str
    run: Callable[[int, str], Tally]
    mutants: tuple[str, ...]
    short: int
    full: int
    mutant_max: int


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    harness: str
    mutant: str
    tally: Tally
    seconds: float

    @property
    def is_right(self) -> bool:
        """No fault in the product; a fault in a mutant."""
        return bool(self.tally.skipped) or bool(self.tally.faults) == bool(self.mutant)


def carry_out(harness: Harness, points: int, mutant: str = "") -> Row:
    """Run a harness once."""
    begin = time.monotonic()
    tally = harness.run(points if not mutant else harness.mutant_max, mutant)
    return Row(harness.name, mutant, tally, time.monotonic() - begin)


def print_row(row: Row) -> None:
    """One line of the table, and the examples of what should not have been."""
    tally = row.tally
    what = ", ".join(f"{kind} {count:,}" for kind, count in (tally.faults or tally.seen).most_common(6))
    word = "skipped" if tally.skipped else "ok" if row.is_right else "WRONG"
    if row.mutant and row.is_right and not tally.skipped:
        word = "caught"
    name = f"{row.harness}: {row.mutant}" if row.mutant else row.harness
    print(f"{word:8}{name:52}{tally.points:>8,}  {row.seconds:6.1f} s  {tally.skipped or what}", flush=True)
    if not row.is_right:
        for example in tally.examples:
            print(f"            {example}", flush=True)


def to_json(row: Row) -> str:
    """The row for the test that asked for it."""
    return json.dumps(
        {
            "harness": row.harness,
            "mutant": row.mutant,
            "points": row.tally.points,
            "faults": dict(row.tally.faults),
            "seen": dict(row.tally.seen),
            "examples": row.tally.examples,
            "skipped": row.tally.skipped,
            "is_right": row.is_right,
        }
    )


@contextmanager
def scratch(*, in_memory: bool = True) -> Iterator[Path]:
    """A folder that is gone afterwards; in memory where the disk is not the point."""
    base = (
        "/dev/shm" if in_memory and sys.platform.startswith("linux") and os.path.isdir("/dev/shm") else None
    )
    folder = Path(tempfile.mkdtemp(prefix="orion-crash-", dir=base)).resolve()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
