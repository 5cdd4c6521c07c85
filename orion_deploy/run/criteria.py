"""Criteria and gates: how each of them stands, by whose word or by which evidence, and when it can be decided. Pure.

A criterion holds only when that was recorded: by the verdict of its evidence or its check, or by the word of a
person, with a name and a time; and only for as long as what it was said of has not changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from orion_deploy.checklist.evidence import evidence_call, evidence_steps
from orion_deploy.checklist.model import Checklist, Section, SectionKind, Step
from orion_deploy.checklist.waits import Wait, wait_of
from orion_deploy.kinds.verdict import Json, Outcome
from orion_deploy.run import progress, rules
from orion_deploy.run.deployed import deployed_at
from orion_deploy.run.evidence import (
    FINGERPRINT,
    NO_VALUES,
    Judged,
    Records,
    due_of,
    fingerprint,
    judge,
    under_way,
)
from orion_deploy.run.progress import LATE
from orion_deploy.run.state import SETTLED, RunState, Status, StepState
from orion_deploy.run.watches.record import WatchRecord


class Stand(StrEnum):
    """How a criterion stands."""

    HOLDS = "holds"
    FAILS = "fails"
    OPEN = "open"
    """It cannot be decided yet, or was not decided yet."""
    PERSON = "person"
    """Only a person can decide it, and can do so now."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion or gate as it stands. Texts are as they came: hostile until `plain` has seen them."""

    step: str
    title: str
    section: str
    """Id of its section."""
    kind: SectionKind
    stand: Stand
    why: str
    """A sentence: what it was decided by, or what it waits for."""
    value: str = ""
    """What was seen; of one that is open, so far."""
    limit: str = ""
    so_far: str = ""
    """What the evidence would say if what is under way ended now: an outcome; empty where nothing is known."""
    due_at: float | None = None
    """When it can be decided; None: now, or that is not known."""
    waits_for: tuple[str, ...] = ()
    """Ids of the steps that must come to an end first."""
    asks_person: bool = False
    """A person decides it, as soon as its time has come."""
    can_be_decided: bool = False
    """Whether the evidence is there, and only the deciding is left."""
    by: str = ""
    """Who said it, or carried it out; when: `at`."""
    at: float | None = None
    by_person: bool = False
    """By a person's word, and not by a verdict."""
    is_override: bool = False
    is_outdated: bool = False
    """It was decided, and what it was decided by has changed since."""

    @property
    def is_gate(self) -> bool:
        """Whether something may not start before it holds."""
        return self.kind is SectionKind.GATES

    def to_json(self) -> dict[str, Json]:
        """As plain data; what says nothing is left out."""
        data: dict[str, Json] = {"stand": self.stand.value, "why": self.why}
        for name in ("value", "limit", "so_far", "due_at", "by", "at"):
            if (value := getattr(self, name)) not in ("", None):
                data[name] = value
        if self.waits_for:
            data["waits_for"] = list(self.waits_for)
        for name in ("asks_person", "can_be_decided", "by_person", "is_override", "is_outdated"):
            if getattr(self, name):
                data[name.removeprefix("is_")] = True
        return data


def look(
    checklist: Checklist,
    state: RunState,
    records: Iterable[WatchRecord] = (),
    *,
    now: float,
    values: Mapping[str, str] = NO_VALUES,
) -> tuple[Criterion, ...]:
    """Every criterion and gate of a checklist, and every other step that is decided from evidence, in document order.

    `records` are those of the run's watches, `values` its variables.
    """
    judge_of = Judge(checklist, state, under_way(state, records), now=now, values=values)
    return tuple(
        judge_of.criterion(section, step) for section, step in checklist.walk() if is_criterion(section, step)
    )


def is_criterion(section: Section, step: Step) -> bool:
    """Whether a step is judged: it stands among criteria or gates, or is decided from evidence."""
    return section.kind in LATE or evidence_call(step) is not None


class Judge:
    """Judges the criteria of one run at one moment."""

    def __init__(
        self,
        checklist: Checklist,
        state: RunState,
        records: Records,
        *,
        now: float,
        values: Mapping[str, str] = NO_VALUES,
    ) -> None:
        """`records` are those of the watches under way, by step."""
        self._checklist = checklist
        self._state = state
        self._records = records
        self._now = now
        self._values = values
        self._known = frozenset(step.id for _, step in checklist.walk())
        self._above = dict(_above(checklist.sections, ()))

    def evidence(self, step: Step) -> Judged | None:
        """What the evidence of a step says; None where it is judged by none."""
        call = evidence_call(step)
        return (
            None
            if call is None
            else judge(self._known, self._state, call, self._records, self._values, now=self._now)
        )

    def wait(self, section: Section, step: Step) -> tuple[Wait, float | None] | None:
        """The time that the words of a person's criterion say must pass, and when it will have; None: they say none."""
        if section.kind not in LATE or step.facts.call is not None or not rules.needs_person(step):
            return None
        found = wait_of(step.title, *self._above.get(section.id, ()))
        if found is None:
            return None
        began_at = deployed_at(self._checklist, self._state)
        return found, None if began_at is None else began_at + found.wait_s

    def criterion(self, section: Section, step: Step) -> Criterion:
        """One criterion as it stands."""
        step_state, judged = self._state.step(step.id), self.evidence(step)
        turned_back = self._state.rollback_at is not None and section.kind is not SectionKind.ROLLBACK
        bare = Criterion(step.id, step.title, section.id, section.kind, Stand.OPEN, "")
        if judged is not None:
            bare = replace(bare, limit=judged.limit)
        if step_state.status in (Status.DONE, Status.FAILED, Status.SKIPPED):
            decided = _decided(bare, step_state)
            if not turned_back:
                changed = self._changed(step, step_state, judged)
                if not changed:
                    return decided
                bare = replace(bare, is_outdated=True, by=decided.by, at=decided.at)
                return self._open(bare, section, step, judged, lead=f"out of date: {changed}; ")
        if turned_back:
            reason = f": {self._state.rollback_reason}" if self._state.rollback_reason else ""
            return replace(
                bare, stand=Stand.FAILS, why=f"the run turned back{reason}", at=self._state.rollback_at
            )
        return self._open(bare, section, step, judged)

    def _changed(self, step: Step, step_state: StepState, judged: Judged | None) -> str:
        """What of the evidence has changed since it was decided, in words; empty where nothing has."""
        if step_state.status is Status.SKIPPED:
            return ""
        call, verdict = evidence_call(step), step_state.verdict
        names = evidence_steps(call) if call is not None else step.facts.needs
        said_of = verdict.values.get(FINGERPRINT) if verdict is not None else None
        if isinstance(said_of, dict):
            now = fingerprint(self._state, names)
            changed = [name for name in names if said_of.get(name) != now[name]]
        else:
            changed = [name for name in names if self._ran_since(name, step_state.at)]
        if changed:
            return ", ".join(f"`{name}` is {self._state.step(name).status.value} anew" for name in changed)
        by_verdict = step_state.auto or step_state.status is Status.FAILED
        if (
            judged is not None
            and by_verdict
            and (verdict is None or verdict.outcome is not judged.verdict.outcome)
        ):
            return "its evidence says something else now"
        return ""

    def _ran_since(self, name: str, at: float) -> bool:
        step = self._state.step(name)
        return bool(step.attempts) and step.attempts[-1].started_at > at

    def _open(
        self, bare: Criterion, section: Section, step: Step, judged: Judged | None, lead: str = ""
    ) -> Criterion:
        """One that is not decided: what it waits for, and when it can be decided."""
        waits = tuple(need for need in step.facts.needs if self._state.step(need).status is not Status.DONE)
        if waits:
            names = ", ".join(f"`{need}` ({self._state.step(need).status.value})" for need in waits)
            due_at = due_of(waits, self._records, self._now)
            return replace(bare, why=f"{lead}it needs {names}", waits_for=waits, due_at=due_at)
        if section.kind in LATE and (blocking := self._blocking) is not None:
            status = self._state.step(blocking).status.value
            return replace(
                bare,
                why=f"{lead}the mandatory step `{blocking}` before it is {status}",
                waits_for=(blocking,),
            )
        if judged is not None:
            return self._of_evidence(bare, self._state.step(step.id), judged, lead)
        if self._state.step(step.id).is_watched:
            return self._of_own_watch(bare, step, lead)
        return self._of_status(bare, section, step, lead)

    @cached_property
    def _blocking(self) -> str | None:
        """The first mandatory step before criteria and gates that is open."""
        for section, step in progress.forward(self._checklist):
            if section.kind in LATE:
                break
            if step.mandatory and self._state.step(step.id).status not in SETTLED:
                return step.id
        return None

    def _of_evidence(self, bare: Criterion, step_state: StepState, judged: Judged, lead: str) -> Criterion:
        verdict = judged.verdict
        if step_state.status is Status.UNDECIDED and judged.verdict == step_state.verdict:
            why = f"its evidence is there, and a person ticks it: {verdict.reason}"
            return replace(bare, stand=Stand.PERSON, why=f"{lead}{why}", value=verdict.value)
        so_far = verdict if judged.is_decided else judged.so_far
        why = f"it can be decided now: {verdict.reason}" if judged.is_decided else verdict.reason
        return replace(
            bare,
            why=f"{lead}{why}",
            value=verdict.value,
            so_far=so_far.outcome.value if so_far is not None else "",
            due_at=judged.due_at,
            waits_for=judged.waits_for,
            can_be_decided=judged.is_decided,
        )

    def _of_own_watch(self, bare: Criterion, step: Step, lead: str) -> Criterion:
        record = self._records.get(step.id)
        if record is None:
            return replace(bare, why=f"{lead}it is being watched")
        verdict = record.judged()
        return replace(
            bare,
            why=f"{lead}it is being watched" + (f": {verdict.reason}" if verdict is not None else ""),
            value=verdict.value if verdict is not None else "",
            so_far=verdict.outcome.value if verdict is not None else "",
            due_at=due_of((step.id,), self._records, self._now),
        )

    def _of_status(self, bare: Criterion, section: Section, step: Step, lead: str) -> Criterion:
        step_state = self._state.step(step.id)
        match step_state.status:
            case Status.RUNNING:
                return replace(bare, why=f"{lead}it is running")
            case Status.UNKNOWN | Status.UNDECIDED:
                reason = step_state.verdict.reason if step_state.verdict is not None else step_state.reason
                why = f"a person decides{f': {reason}' if reason else ''}"
                return replace(bare, stand=Stand.PERSON, why=f"{lead}{why}", value=_value(step_state))
            case Status.CHANGED:
                bare = replace(bare, is_outdated=True)
                lead = lead or "out of date: its text changed since it was decided; "
            case _:
                pass
        if not rules.needs_person(step):
            return replace(bare, why=f"{lead}it is a check that was not carried out yet")
        waited = self.wait(section, step)
        if waited is None:
            return replace(bare, stand=Stand.PERSON, why=f"{lead}a person says so")
        wait, due_at = waited
        bare = replace(bare, asks_person=True)
        if due_at is None:
            return replace(bare, why=f"{lead}its time (“{wait.words}”) counts from the end of the deployment")
        if self._now >= due_at:
            return replace(bare, stand=Stand.PERSON, why=f"{lead}a person says so", due_at=due_at)
        if wait.is_firm:
            return replace(bare, why=f"{lead}its time (“{wait.words}”) is not over", due_at=due_at)
        return replace(
            bare,
            stand=Stand.PERSON,
            why=f"{lead}a person says so, by the end of “{wait.words}”",
            due_at=due_at,
        )


def _decided(bare: Criterion, step_state: StepState) -> Criterion:
    """One that was decided, by a verdict or by a person."""
    verdict = step_state.verdict
    decided = replace(bare, by=step_state.by, at=step_state.at or None, value=_value(step_state))
    match step_state.status:
        case Status.DONE:
            by_person = not step_state.auto
            why = verdict.reason if verdict is not None and step_state.auto else ""
            if by_person:
                said = step_state.reason or step_state.value
                word = "against the evidence" if step_state.override else "a person's word"
                why = f"{word}: {said}" if said else word
            return replace(
                decided,
                stand=Stand.HOLDS,
                why=why or "its check passed",
                by_person=by_person,
                is_override=step_state.override,
            )
        case Status.SKIPPED if step_state.is_passed_over:
            return replace(decided, stand=Stand.HOLDS, why=step_state.reason)
        case Status.SKIPPED:
            return replace(decided, why=f"it was passed over: {step_state.reason}", by_person=True)
        case _:
            reason = step_state.reason or (verdict.reason if verdict is not None else "")
            by_person = verdict is None or verdict.outcome is not Outcome.FAILED
            return replace(decided, stand=Stand.FAILS, why=reason or "it failed", by_person=by_person)


def _value(step_state: StepState) -> str:
    if step_state.value and step_state.value != step_state.reason:
        return step_state.value
    return step_state.verdict.value if step_state.verdict is not None else ""


def _above(sections: tuple[Section, ...], titles: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Of each section its title and those of the sections that it stands in, the nearest first."""
    for section in sections:
        own = (section.title, *titles)
        yield section.id, own
        yield from _above(section.sections, own)
