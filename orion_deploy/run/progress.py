"""How far a run is: counts, the next open step, what is outstanding. Pure: checklist + state in, numbers out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orion_deploy.checklist.model import Checklist, Section, SectionKind, Step
from orion_deploy.run.choices import is_offered
from orion_deploy.run.state import SETTLED, RunState, Status

LATE = frozenset({SectionKind.CRITERIA, SectionKind.GATES})
"""Sections whose steps are told at the end, in any order."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of steps by status, of a section or of a whole path."""

    total: int = 0
    done: int = 0
    skipped: int = 0
    """Passed over by a person."""
    not_applicable: int = 0
    """Passed over because their `when` does not hold: nobody decided that."""
    failed: int = 0
    unknown: int = 0
    undecided: int = 0
    running: int = 0
    changed: int = 0
    overrides: int = 0

    @property
    def settled(self) -> int:
        """Done, skipped or not applicable."""
        return self.done + self.skipped + self.not_applicable

    @property
    def open(self) -> int:
        """Everything that is not settled."""
        return self.total - self.settled

    @property
    def is_complete(self) -> bool:
        """Nothing is open."""
        return self.open == 0


def forward(checklist: Checklist) -> Iterator[tuple[Section, Step]]:
    """The steps of the forward path: worked through in order, then criteria, then gates; rollback never."""
    late: list[tuple[Section, Step]] = []
    for section, step in checklist.walk():
        if section.kind in LATE:
            late.append((section, step))
        elif section.kind is not SectionKind.ROLLBACK:
            yield section, step
    yield from (pair for pair in late if pair[0].kind is SectionKind.CRITERIA)
    yield from (pair for pair in late if pair[0].kind is SectionKind.GATES)


def rollback(checklist: Checklist) -> Iterator[tuple[Section, Step]]:
    """The steps of the way back, in order."""
    for section, step in checklist.walk():
        if section.kind is SectionKind.ROLLBACK:
            yield section, step


def path(checklist: Checklist, state: RunState) -> Iterator[tuple[Section, Step]]:
    """The steps of the path that the run is on: forward, or back once the rollback was entered."""
    return rollback(checklist) if state.rollback_at is not None else forward(checklist)


_FIELDS = {
    Status.DONE: "done",
    Status.SKIPPED: "skipped",
    Status.FAILED: "failed",
    Status.UNKNOWN: "unknown",
    Status.UNDECIDED: "undecided",
    Status.RUNNING: "running",
    Status.CHANGED: "changed",
}


def count(steps: Iterator[Step] | tuple[Step, ...] | list[Step], state: RunState) -> Progress:
    """Count the statuses of `steps`."""
    counts = dict.fromkeys(_FIELDS.values(), 0)
    total = overrides = not_applicable = 0
    for step in steps:
        total += 1
        step_state = state.steps.get(step.id)
        if step_state is None:
            continue
        name = _FIELDS.get(step_state.status)
        if step_state.is_passed_over:
            not_applicable += 1
        elif name is not None:
            counts[name] += 1
        overrides += step_state.override
    return Progress(total=total, overrides=overrides, not_applicable=not_applicable, **counts)


def overall(checklist: Checklist, state: RunState) -> Progress:
    """Progress along the path that the run is on."""
    return count([step for _, step in path(checklist, state)], state)


def of_section(section: Section, state: RunState) -> Progress:
    """Progress of a section's own steps and their sub-steps, without its sub-sections."""
    return count(list(section_steps(section)), state)


def section_steps(section: Section) -> Iterator[Step]:
    """The steps of a section with their sub-steps, in order, without its sub-sections."""
    stack = list(reversed(section.steps))
    while stack:
        step = stack.pop()
        yield step
        stack.extend(reversed(step.steps))


def next_open(checklist: Checklist, state: RunState, after: str | None = None) -> Step | None:
    """The next open step on the path, in order, starting behind `after` and going round; None when none is.

    What waits for a choice, or lies on the other way back than the one that was gone, is not offered.
    """
    steps = [step for _, step in path(checklist, state)]
    start = 0
    if after is not None:
        start = next((i + 1 for i, step in enumerate(steps) if step.id == after), 0)
    for step in [*steps[start:], *steps[:start]]:
        if state.step(step.id).status not in SETTLED and is_offered(checklist, state, step):
            return step
    return None
