"""What a run leaves open when it is closed: watches, gates, criteria, mandatory and other steps. Pure.

To close a run is an act of its own, and it says what it leaves: afterwards nobody looks at it any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orion_deploy.checklist.model import Checklist, Step
from orion_deploy.run import progress
from orion_deploy.run.criteria import Criterion, Stand
from orion_deploy.run.state import SETTLED, RunState
from orion_deploy.run.words import counted


@dataclass(frozen=True, slots=True)
class Open:
    """What is open, by what it means. A step that is watched is only among the watches."""

    watches: tuple[Step, ...] = ()
    mandatory: tuple[Step, ...] = ()
    gates: tuple[Criterion, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    others: tuple[Step, ...] = ()

    @property
    def is_grave(self) -> bool:
        """Whether it is more than a step that may be left out: a watch, a gate, or something mandatory."""
        return bool(self.watches or self.mandatory or self.gates)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is open, in sentences, the gravest first."""
        found = []
        for gates, noun in ((self.gates, "gate"), (self.criteria, "criterion")):
            failing = sum(criterion.stand is Stand.FAILS for criterion in gates)
            if failing:
                found.append(f"{_counted(failing, noun)} {'fails' if failing == 1 else 'fail'}")
            if len(gates) > failing:
                missing = len(gates) - failing
                found.append(f"{_counted(missing, noun)} {'is' if missing == 1 else 'are'} open")
        if self.watches:
            few = len(self.watches) == 1
            found.append(
                f"{_counted(len(self.watches), 'watch')} {'is' if few else 'are'} under way and will end"
            )
        if self.mandatory:
            few = len(self.mandatory) == 1
            found.append(f"{counted(len(self.mandatory), 'mandatory step')} {'is' if few else 'are'} open")
        if self.others:
            few = len(self.others) == 1
            found.append(f"{counted(len(self.others), 'other step')} {'is' if few else 'are'} open")
        return tuple(found)

    @property
    def rows(self) -> tuple[tuple[str, str, str], ...]:
        """Each thing that is open: what it is, the id of its step, its title."""
        found = [
            (f"{noun} {'fails' if c.stand is Stand.FAILS else 'open'}", c.step, c.title)
            for noun, criteria in (("gate", self.gates), ("criterion", self.criteria))
            for c in criteria
        ]
        found += [("watch", step.id, step.title) for step in self.watches]
        found += [("mandatory", step.id, step.title) for step in self.mandatory]
        return (*found, *(("open", step.id, step.title) for step in self.others))


def what_is_open(checklist: Checklist, state: RunState, criteria: Sequence[Criterion]) -> Open:
    """Everything that is open on the path that the run is on; of a run that turned back the gates are no more."""
    told = {criterion.step for criterion in criteria}
    missing = [c for c in criteria if c.stand is not Stand.HOLDS] if state.rollback_at is None else []
    watches: list[Step] = []
    mandatory: list[Step] = []
    others: list[Step] = []
    for section, step in progress.path(checklist, state):
        if state.step(step.id).is_watched:
            watches.append(step)
        elif state.step(step.id).status in SETTLED or (step.id in told and section.kind in progress.LATE):
            continue
        else:
            (mandatory if step.mandatory else others).append(step)
    late = {c.step for c in missing if c.kind in progress.LATE}
    return Open(
        watches=tuple(watches),
        mandatory=tuple(mandatory),
        gates=tuple(c for c in missing if c.step in late and c.is_gate),
        criteria=tuple(c for c in missing if c.step in late and not c.is_gate),
        others=tuple(others),
    )


def result_of(checklist: Checklist, state: RunState, criteria: Sequence[Criterion]) -> str:
    """The run's result in words: `completed`, `closed with 2 gates open, 1 skipped`, `rolled back with 3 open`."""
    counts, left = progress.overall(checklist, state), what_is_open(checklist, state, criteria)
    failing = [c for c in (*left.gates, *left.criteria) if c.stand is Stand.FAILS]
    gates = [c for c in left.gates if c not in failing]
    told = [c for c in left.criteria if c not in failing]
    steps = len(left.mandatory) + len(left.others)
    parts = [
        f"{_counted(len(found), noun)} {word}"
        for found, noun, word in (
            ([c for c in failing if c.is_gate], "gate", "failed"),
            ([c for c in failing if not c.is_gate], "criterion", "failed"),
            (gates, "gate", "open"),
            (told, "criterion", "open"),
            (left.watches, "watch", "ended early"),
        )
        if found
    ]
    if counts.overrides:
        parts.append(counted(counts.overrides, "override"))
    if counts.skipped:
        parts.append(f"{counts.skipped:,} skipped")
    if steps:
        parts.append(f"{steps:,} open")
    word = "rolled back" if state.rollback_at is not None else "closed" if left != Open() else "completed"
    return f"{word} with {', '.join(parts)}" if parts else word


def _counted(number: int, noun: str) -> str:
    plural = {"criterion": "criteria", "watch": "watches"}.get(noun, f"{noun}s")
    return f"{number:,} {noun if number == 1 else plural}"
