"""`status --gate`: criteria and gates for people and scripts. The exit code is the answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from orion_deploy.cli.out import data, json_data
from orion_deploy.cli.status_text import aligned
from orion_deploy.errors import ExitCode, Place, RefusedError, StoreError
from orion_deploy.run import due
from orion_deploy.run.criteria import Criterion, Stand
from orion_deploy.run.gates import (
    STANDS,
    Gate,
    exit_code,
    named,
    next_due_at,
    of_facts,
    value_words,
    when_words,
)
from orion_deploy.run.status import of_checklist
from orion_deploy.text import plain_line

if TYPE_CHECKING:
    from orion_deploy.run.status import Facts

_ID = re.compile(r"`([\w.-]+)`")
STAND_COLUMNS = 12
"""Columns before a title: two spaces, glyph and word, two spaces."""


def print_gates(path: str, name: str, *, as_json: bool, run: str | None, now: float) -> int:
    """Print the criteria and gates that `name` means; 0 when all hold, 1 when one fails, 3 when one is open.

    Raises RefusedError where there is no such gate, StoreError where the run's journal is damaged: it proves nothing.
    """
    facts = of_checklist(path, run=run, now=now)
    if facts["run"] is not None:
        _refuse_damage(facts)
    if facts["run"] is None:
        from orion_deploy.run.closer_look import without_run

        found = due.criteria(without_run(path, now), now)
    else:
        found = facts["criteria"]
    if not found:
        raise RefusedError(
            f"{path} has no criteria and no gates",
            help="a heading such as “Success criteria” or “Gates to Phase 1” makes its steps criteria",
            exit_code=ExitCode.USAGE,
        )
    chosen = named(name, of_facts(found), path)
    code = exit_code(chosen)
    if as_json:
        steps = {criterion.step for gate in chosen for criterion in gate.criteria}
        json_data(
            {
                "run": facts["run"],
                "holds": code == ExitCode.FINE,
                "exit_code": int(code),
                "due_at": next_due_at([c for gate in chosen for c in gate.criteria]),
                "criteria": [criterion for criterion in found if criterion["step"] in steps],
            }
        )
    else:
        data("\n".join(line for gate in chosen for line in gate_lines(gate, now)))
    return int(code)


def _refuse_damage(facts: Facts) -> None:
    """Raise StoreError for a run whose journal cannot be believed; one that is too long for a glance is read in full."""
    if facts["not_checked"]:
        from orion_deploy.run.closer_look import run_in

        facts = run_in(facts["directory"]) or facts
    if facts["damage"]:
        at = facts["damage_at"]
        where = Place(at["file"], line=at["line"] or 0)
        raise StoreError(f"no gate can be decided: {facts['damage']}", where=where, help=facts["help"])


def gate_lines(gate: Gate, now: float) -> list[str]:
    """A gate in lines: the sentence; of each criterion its stand and when; below it what was seen, limit and reason.

    What all that are open wait for is said once.
    """
    whys = {criterion.why for criterion in gate.criteria if criterion.stand is not Stand.HOLDS}
    common = next(iter(whys)) if len(whys) == 1 and gate.missing > 1 else ""
    lines = [plain_line(gate.sentence)]
    if common:
        lines.append(f"  {short(common)}")
    for row, criterion in zip(_rows(gate.criteria, now), gate.criteria, strict=True):
        lines.append(row)
        lines += [
            f"{'':<{STAND_COLUMNS}}{short(text)}"
            for text in (value_words(criterion), criterion.why)
            if text and text != common
        ]
    return lines


def missing_lines(gate: Gate, now: float) -> list[str]:
    """A gate in few lines: the sentence, and what does not hold."""
    missing = [criterion for criterion in gate.criteria if criterion.stand is not Stand.HOLDS]
    return [plain_line(gate.sentence), *_rows(missing, now)]


def _rows(criteria: Sequence[Criterion], now: float) -> list[str]:
    rows = [
        (f"{STANDS[c.stand].text:<{STAND_COLUMNS - 4}}", plain_line(c.title), plain_line(when_words(c, now)))
        for c in criteria
    ]
    return aligned(rows)


def short(text: str) -> str:
    """A sentence of the core on one line; of the id of a step in it only the end, by which it can be named too."""
    return _ID.sub(lambda match: f"`{match[1].rpartition('.')[2]}`", plain_line(text))
