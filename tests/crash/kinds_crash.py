"""The harnesses of the kinds that change a database: kill -9 at random instants, and their careless twins."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from support.crash import SCENARIOS, storm, zygote

from crash.harness import Harness, Tally, scratch

FULL = 500
SHORT = 15


def _run(name: str, points: int, mutant: str) -> Tally:
    tally = Tally()
    with scratch() as folder, zygote() as forker:
        seen = storm(SCENARIOS[name], Path(folder) / name, forker, points, seed=points, mutant=mutant)
    tally.points = points
    tally.seen = seen.found
    tally.seen["killed"] = seen.killed
    for words in seen.wrong:
        tally.fault("wrong", words)
    return tally


HARNESSES = tuple(
    Harness(
        name=f"kill -9 {name}",
        run=partial(_run, name),
        mutants=(scenario.mutant,) if scenario.mutant else (),
        short=SHORT,
        full=FULL,
        mutant_max=60,
    )
    for name, scenario in SCENARIOS.items()
)
