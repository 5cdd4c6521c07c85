"""The outline as data: its rows, where each step stands, and counts that cost the same at 10,000 steps as at 40. Pure.

Statuses are looked up when a row is painted; nothing is copied. Only `update` learns of a new state, by
comparing identities, since the fold replaces nothing that did not change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from orion_deploy.checklist.choices import options_of
from orion_deploy.checklist.conditions import parse
from orion_deploy.checklist.evidence import evidence_call
from orion_deploy.checklist.model import Checklist, Role, Section, SectionKind, Step
from orion_deploy.run.choices import answer, is_offered
from orion_deploy.run.progress import LATE
from orion_deploy.run.state import SETTLED, UNTOUCHED, RunState, Status, StepState
from orion_deploy.run.words import NOT_APPLICABLE, SIGNS, WAITS, Sign
from orion_deploy.text import plain_line

_QUOTED = re.compile(r"`([^`]+)`")
DEPTH_MAX = 6
"""Levels of indentation that are shown; deeper steps stand at this one."""


class Row(NamedTuple):
    """One row of the outline."""

    kind: str
    """`section`, `step`, or `block` (code under no step)."""
    id: str
    title: str
    depth: int
    section: int
    """Index of its section in `Board.sections`."""


class Totals(NamedTuple):
    """What the strip tells."""

    settled: int
    total: int
    skipped: int
    overrides: int
    unknown: int
    failed: int
    undecided: int
    changed: int


class Watching(NamedTuple):
    """What the row of a step says whose watch is under way."""

    sign: Sign
    right: tuple[str, ...]
    """The time left, or the value that fired, from the longest wording to the shortest: at the right end."""


class Board:
    """The rows of a checklist, and the state of its run as last seen."""

    def __init__(self, checklist: Checklist, state: RunState) -> None:
        self.checklist = checklist
        self.sections: list[Section] = list(checklist.walk_sections())
        self.rows: list[Row] = []
        self.steps: dict[str, Step] = {}
        self._row_of: dict[str, int] = {}
        self._section_row: list[int] = []
        self._forward: list[str] = []
        self._back: list[str] = []
        self._waits: dict[str, Step] = {}
        """The choice on which a step depends."""
        self._lay_out()
        self._lay_out_choices()
        self._steps: Mapping[str, StepState] = {}
        self.watching: Mapping[str, Watching] = {}
        """By step."""
        self.state = RunState()
        self._settled = [0] * len(self.sections)
        self._has_watches = any(step.facts.watch is not None for step in self.steps.values())
        self._total = [0] * len(self.sections)
        for row in self.rows:
            self._total[row.section] += row.kind == "step"
        self.update(state)

    def _lay_out(self) -> None:
        """Make the rows, their index, and the two paths, in one go: a checklist can have 10,000 steps."""
        late: dict[SectionKind, list[str]] = {SectionKind.CRITERIA: [], SectionKind.GATES: []}
        rows, steps, row_of, add = self.rows, self.steps, self._row_of, self.rows.append
        for number, section in enumerate(self.sections):
            self._section_row.append(len(rows))
            if section.title or section.level:
                add(Row("section", section.id, plain_line(section.title), section.level, number))
            path = (
                self._back if section.kind is SectionKind.ROLLBACK else late.get(section.kind, self._forward)
            )
            loose = [
                (block.line, Row("block", f"{section.id}#{n}", _first_line(block.script), 0, number))
                for n, block in enumerate(section.code, start=1)
                if block.role is Role.COMMAND
            ]
            for step in section.steps:
                while loose and loose[0][0] < step.line:
                    self._add(loose.pop(0)[1])
                todo = [step]
                while todo:
                    current = todo.pop()
                    step_id = current.id
                    steps[step_id] = current
                    row_of[step_id] = len(rows)
                    add(
                        Row("step", step_id, plain_line(current.title), min(current.depth, DEPTH_MAX), number)
                    )
                    path.append(step_id)
                    if current.steps:
                        todo.extend(reversed(current.steps))
            for _, row in loose:
                self._add(row)
        self._forward += late[SectionKind.CRITERIA] + late[SectionKind.GATES]

    def _lay_out_choices(self) -> None:
        for step in self.steps.values():
            condition = parse(step.facts.when) if step.facts.when is not None else None
            choice = self.steps.get(condition.name) if condition is not None else None
            if choice is not None and options_of(choice):
                self._waits[step.id] = choice

    def _add(self, row: Row) -> None:
        self._row_of[row.id] = len(self.rows)
        self.rows.append(row)

    # What is

    def row_of(self, row_id: str) -> int | None:
        """The index of the row of this step or block."""
        return self._row_of.get(row_id)

    def title_of(self, row_id: str) -> str:
        """The title of a step or block; its id where it has no row."""
        row = self._row_of.get(row_id)
        return self.rows[row].title if row is not None else plain_line(row_id)

    def with_titles(self, text: str) -> str:
        """A sentence of the core for a person: ids of steps in it become their titles."""
        return _QUOTED.sub(lambda m: f"“{self.steps[m[1]].title}”" if m[1] in self.steps else m[0], text)

    def step_state(self, step_id: str) -> StepState:
        """The state of a step."""
        return self._steps.get(step_id, UNTOUCHED)

    def status(self, step_id: str) -> Status:
        """The status of a step."""
        return self._steps.get(step_id, UNTOUCHED).status

    def sign_of(self, step_id: str) -> Sign:
        """How a step looks: its status, that it waits for a choice, or that it is not applicable."""
        state = self.step_state(step_id)
        if state.is_passed_over:
            return NOT_APPLICABLE
        choice = self._waits.get(step_id)
        if choice is not None and state.status is Status.TODO and answer(choice, self.state) is None:
            return WAITS
        return SIGNS[state.status]

    def section_progress(self, section: int) -> tuple[int, int]:
        """Settled and all steps of a section, sub-steps included, sub-sections not."""
        return self._settled[section], self._total[section]

    @property
    def path(self) -> list[str]:
        """Ids of the steps of the path that the run is on."""
        return self._back if self.state.rollback_at is not None else self._forward

    @property
    def has_rollback(self) -> bool:
        """Whether there is a way back."""
        return any(section.kind is SectionKind.ROLLBACK for section in self.sections)

    @property
    def has_watches(self) -> bool:
        """Whether a step of the checklist is a watch."""
        return self._has_watches

    @property
    def has_criteria(self) -> bool:
        """Whether there are criteria or gates."""
        return any(section.kind in LATE and section.steps for section in self.sections) or any(
            evidence_call(step) is not None for step in self.steps.values()
        )

    def is_on_path(self, row: Row) -> bool:
        """Whether the row belongs to the way that the run is on: forward, or back."""
        is_back = self.sections[row.section].kind is SectionKind.ROLLBACK
        return is_back == (self.state.rollback_at is not None)

    def totals(self) -> Totals:
        """Counts along the path, and of what is outstanding anywhere."""
        on_path = set(self.path)
        counts = dict.fromkeys(Status, 0)
        settled = overrides = 0
        for step_id, state in self._steps.items():
            counts[state.status] += not state.is_passed_over
            overrides += state.override
            settled += state.status in SETTLED and step_id in on_path
        return Totals(
            settled=settled,
            total=len(self.path),
            skipped=counts[Status.SKIPPED],
            overrides=overrides,
            unknown=counts[Status.UNKNOWN],
            failed=counts[Status.FAILED],
            undecided=counts[Status.UNDECIDED],
            changed=counts[Status.CHANGED],
        )

    def next_open(self, row: int) -> str | None:
        """The next step on the path that is not settled, behind `row` and going round; None when none is.

        What waits for a choice, or lies on the other way back than the one that was gone, is not offered.
        """
        path = self.path
        place = self._position.get(self.rows[row].id) if 0 <= row < len(self.rows) else None
        if place is not None:
            start = place + 1
        else:
            start = next((n for n, step_id in enumerate(path) if self._row_of[step_id] > row), 0)
        for offset in range(len(path)):
            step_id = path[(start + offset) % len(path)]
            if self.status(step_id) not in SETTLED and is_offered(
                self.checklist, self.state, self.steps[step_id], self.steps
            ):
                return step_id
        return None

    # What changed

    def watch(self, watching: Mapping[str, Watching]) -> list[int]:
        """Take in how the open watches stand; returns the rows to paint again."""
        before, self.watching = self.watching, watching
        steps = [i for i in {**before, **watching} if before.get(i) != watching.get(i)]
        return [row for step_id in steps if (row := self._row_of.get(step_id)) is not None]

    def update(self, state: RunState) -> list[int]:
        """Take in a new state; returns the rows to paint again (steps, and sections whose count changed)."""
        if state.rollback_at != self.state.rollback_at or not self.state.sequence:
            self.state = state
            self._position = {step_id: n for n, step_id in enumerate(self.path)}
        before, self.state, self._steps = self._steps, state, state.steps
        dirty: list[int] = []
        for step_id, step_state in state.steps.items():
            old = before.get(step_id, UNTOUCHED)
            if old is step_state:
                continue
            row = self._row_of.get(step_id)
            if row is None:
                continue
            dirty.append(row)
            dirty += [self._row_of[i] for i, choice in self._waits.items() if choice.id == step_id]
            change = (step_state.status in SETTLED) - (old.status in SETTLED)
            if change and self.rows[row].kind == "step":
                section = self.rows[row].section
                self._settled[section] += change
                dirty.append(self._section_row[section])
        return dirty


def _first_line(script: str) -> str:
    """The first line of a block that is a command, for its row."""
    lines = [text.strip() for text in script.split("\n")]
    return plain_line(next((t for t in lines if t and not t.startswith("#")), lines[0] if lines else ""))
