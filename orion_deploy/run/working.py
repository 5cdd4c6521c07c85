"""What the fold changes while it works: a step and a run with the fields of the frozen ones. Nothing of it escapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from operator import attrgetter
from types import MappingProxyType
from typing import Any, TypeVar

from orion_deploy.kinds.verdict import Json, Verdict
from orion_deploy.run.events import Event
from orion_deploy.run.quick import constructor
from orion_deploy.run.state import (
    SETTLED,
    UNTOUCHED,
    Attempt,
    Note,
    RunState,
    Status,
    StepState,
    Verification,
)

T = TypeVar("T")


def own(mapping: Mapping[str, T]) -> dict[str, T]:
    """Return a copy to be changed. Copying through a proxy's items takes twenty times as long as its own `copy`."""
    return mapping.copy() if isinstance(mapping, MappingProxyType) else dict(mapping)


step_fields: Callable[[Any], tuple[Any, ...]] = attrgetter(*(f.name for f in fields(StepState)))
_step_state = constructor(StepState)
run_fields: Callable[[Any], tuple[Any, ...]] = attrgetter(*(f.name for f in fields(RunState)))


@dataclass(slots=True)
class WorkingStep:
    """`StepState`, to be changed: the same fields in the same order."""

    status: Status
    attempts: tuple[Attempt, ...]
    verdict: Verdict | None
    blocks_done: int
    option: int | None
    reason: str
    override: bool
    auto: bool
    value: str
    at: float
    by: str
    notes: tuple[Note, ...]
    ticked_digest: str
    settled: Status | None
    before: Status
    verifications: tuple[Verification, ...]

    def turn(self, status: Status, event: Event) -> None:
        """Change the status; when and by whom."""
        self.status = status
        self.at = event.at
        self.by = event.by

    def settle(self, status: Status, event: Event, digest: str) -> None:
        """Done or skipped: remember the text that this was said of."""
        self.turn(status, event)
        self.settled = status
        self.ticked_digest = digest

    def unsettle(self) -> None:
        """What was said of an earlier tick or skip no longer holds; the journal keeps it."""
        self.reason = self.value = self.ticked_digest = ""
        self.override = self.auto = False
        self.settled = None

    def compare(self, digest: str | None) -> None:
        """A settled step whose text is another one now is CHANGED; it is settled again when the text returns."""
        if self.settled is None or not self.ticked_digest or digest is None:
            return
        if self.status in SETTLED and digest != self.ticked_digest:
            self.status = Status.CHANGED
            self.blocks_done = 0  # Of the new text nothing has run.
        elif self.status is Status.CHANGED and digest == self.ticked_digest:
            self.status = self.settled

    def attempt(self, number: int) -> tuple[int, Attempt | None]:
        """Place and record of an attempt; the place after the last, and None, where it is not known."""
        for place in range(len(self.attempts) - 1, -1, -1):
            if self.attempts[place].number == number:
                return place, self.attempts[place]
        return len(self.attempts), None

    def is_open(self, place: int) -> bool:
        """Whether the end of the attempt at `place` decides the status: it is the last, and nobody has decided."""
        return place >= len(self.attempts) - 1 and self.status in (Status.RUNNING, Status.UNKNOWN)

    def put(self, place: int, attempt: Attempt) -> None:
        """Put an attempt in its place."""
        self.attempts = (*self.attempts[:place], attempt, *self.attempts[place + 1 :])


@dataclass(slots=True)
class WorkingRun:
    """`RunState`, to be changed: the same fields in the same order, and the steps that changed."""

    sequence: int
    started_at: float
    last_at: float
    checklist: str
    digest: str
    cwd: str
    commit: str
    operators: tuple[str, ...]
    sessions: int
    approved: frozenset[str]
    variables: Mapping[str, str]
    secrets: frozenset[str]
    digests: Mapping[str, str]
    gone: frozenset[str]
    steps: Mapping[str, StepState]
    notes: tuple[Note, ...]
    sections_completed: Mapping[str, float]
    rollback_at: float | None
    rollback_reason: str
    rollback_facts: Mapping[str, Json]
    finished_at: float | None
    result: str
    finish_reason: str
    in_order: bool
    last_step: str
    carried_from: tuple[str, int] | None
    touched: dict[str, WorkingStep] | None = None

    def step(self, step_id: str) -> WorkingStep:
        """The step, to be changed; it is where the operator is now."""
        self.last_step = step_id
        if self.touched is None:
            self.touched = {}
        step = self.touched.get(step_id)
        if step is None:
            step = self.touched[step_id] = WorkingStep(*step_fields(self.steps.get(step_id, UNTOUCHED)))
        return step

    def frozen(self) -> RunState:
        """The state as others see it."""
        if self.touched:
            steps = own(self.steps)
            for step_id, step in self.touched.items():
                steps[step_id] = _step_state(*step_fields(step))
            self.steps = MappingProxyType(steps)
        return RunState(*run_fields(self))
