"""Judging an `evidence.*` check: from what other steps of the run have shown to a verdict, or to what it waits for. Pure.

A step counts as passed by its own passing verdict, or by the word of a person whose tick needed no override. It
never counts while it runs, and a watch counts only over its whole time.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from orion_deploy.checklist.evidence import evidence_steps
from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.kinds.limit import RELATIONS, Limit, number_of, shown, unit_of
from orion_deploy.kinds.verdict import Json, Outcome, Verdict
from orion_deploy.run.state import FINISHED, RunState, Status, StepState
from orion_deploy.run.watches.record import WatchRecord
from orion_deploy.run.words import duration

DURATION = "duration_s"
FINGERPRINT = "evidence"
"""The value of a verdict that says of which attempts it was made: another answer later means that it is out of date."""
NO_VALUES: Mapping[str, str] = MappingProxyType({})
Records = Mapping[str, WatchRecord]
"""Of the watches under way, by the ids of their steps."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What the evidence says now.

    `verdict` is undecided for as long as it cannot be decided: its reason says why, `waits_for` names the
    steps that must come to an end first, and `due_at` is when that will be, where it is known. `so_far` is what a
    watch that goes on would say if it ended now.
    """

    verdict: Verdict
    limit: str = ""
    waits_for: tuple[str, ...] = ()
    due_at: float | None = None
    so_far: Verdict | None = None

    @property
    def is_decided(self) -> bool:
        """Whether there is a verdict."""
        return self.verdict.outcome is not Outcome.UNDECIDED


@dataclass(frozen=True, slots=True)
class _Shown:
    """What one step shows."""

    outcome: Outcome
    why: str
    waits: bool = False
    """Whether it must still come to an end."""


def judge(
    known: Container[str],
    state: RunState,
    call: KindCall,
    records: Records,
    values: Mapping[str, str] = NO_VALUES,
    *,
    now: float = 0.0,
) -> Judged:
    """Judge an `evidence.*` call by the state of a run.

    `known` are the ids of the checklist's steps, `records` those of the watches under way (see `under_way`),
    `values` the run's variables, for the limits.
    """
    names = evidence_steps(call)
    missing = ", ".join(f"`{name}`" for name in names if name not in known)
    if missing or not names:
        why = f"there is no step {missing}" if missing else "it names no step"
        return Judged(Verdict(Outcome.UNDECIDED, why))
    if call.name == "evidence.passed":
        judged = _passed(state, names, records)
    else:
        judged = _value(state, names[0], call, records, values)
    return replace(judged, due_at=due_of(judged.waits_for, records, now))


def under_way(state: RunState, records: Iterable[WatchRecord]) -> Records:
    """The records of the watches that are under way, by the ids of their steps."""
    return {
        record.step: record
        for record in records
        if (step := state.step(record.step)).is_watched and step.attempts[-1].number == record.attempt
    }


def fingerprint(state: RunState, names: tuple[str, ...]) -> dict[str, Json]:
    """Of each step how often it was begun, and where it stands: another answer means that the evidence changed."""
    return {
        name: f"{len(step.attempts)} {step.status.value}" for name in names for step in [state.step(name)]
    }


def _passed(state: RunState, steps: tuple[str, ...], records: Records) -> Judged:
    shown_by = {name: _shown(state, name, records) for name in steps}
    waits = tuple(name for name, seen in shown_by.items() if seen.waits)
    count = f"{sum(seen.outcome is Outcome.PASSED for seen in shown_by.values())} of {len(steps)} passed"
    values: dict[str, Json] = {FINGERPRINT: fingerprint(state, steps)}
    for outcome in (Outcome.FAILED, Outcome.UNDECIDED):
        whys = [seen.why for seen in shown_by.values() if seen.outcome is outcome]
        if whys:
            verdict = Verdict(outcome, "; ".join(whys), count if len(steps) > 1 else "", values)
            return Judged(verdict, waits_for=waits, so_far=_so_far(waits, records))
    reason = "; ".join(seen.why for seen in shown_by.values())
    value = state.step(steps[0]).value if len(steps) == 1 else count
    return Judged(Verdict(Outcome.PASSED, reason, value, values))


def _value(
    state: RunState, step_id: str, call: KindCall, records: Records, variables: Mapping[str, str]
) -> Judged:
    name = str(call.parameters.get("value") or DURATION)
    unit = unit_of(name)
    limits = limits_of(call, variables)
    limit = ", ".join(each.text(unit) for each in limits)
    seen = _shown(state, step_id, records)
    values: dict[str, Json] = {FINGERPRINT: fingerprint(state, (step_id,))}
    if seen.waits:
        verdict = Verdict(Outcome.UNDECIDED, seen.why, "", values)
        waits = (step_id,)
        record = records.get(step_id)
        watched = record.judged() if record is not None else None
        if watched is not None and (value := watched.values.get(name)) is not None:
            so_far = _against(value, name, limits, outcome=watched.outcome, why="so far", values=values)
            verdict = Verdict(Outcome.UNDECIDED, seen.why, shown(value, unit), values)
            return Judged(verdict, limit, waits, so_far=so_far)
        return Judged(verdict, limit, waits)
    value = value_of(state.step(step_id), name)
    if value is None:
        has = ", ".join(_names(state.step(step_id))) or "none"
        outcome = Outcome.FAILED if seen.outcome is Outcome.FAILED else Outcome.UNDECIDED
        why = seen.why if outcome is Outcome.FAILED or seen.outcome is Outcome.UNDECIDED else ""
        return Judged(
            Verdict(outcome, why or f"`{step_id}` saw no value `{name}`; it saw: {has}", "", values), limit
        )
    if not limits:
        return Judged(
            Verdict(Outcome.UNDECIDED, "its limit has no value yet", shown(value, unit), values), limit
        )
    if seen.outcome is Outcome.UNDECIDED:
        return Judged(Verdict(Outcome.UNDECIDED, seen.why, shown(value, unit), values), limit)
    return Judged(_against(value, name, limits, outcome=seen.outcome, why=seen.why, values=values), limit)


def _against(
    value: Json,
    name: str,
    limits: tuple[Limit, ...],
    *,
    outcome: Outcome,
    why: str,
    values: Mapping[str, Json],
) -> Verdict:
    """The verdict on a value: every limit must hold, and what saw it (`outcome`, `why`) must have passed."""
    unit = unit_of(name)
    told, kept = shown(value, unit), [each.holds(value) for each in limits]
    values = {**values, name: value}
    broken = [each.text(unit) for each, holds in zip(limits, kept, strict=True) if holds is False]
    if broken:
        return Verdict(Outcome.FAILED, f"{told} is not {' and not '.join(broken)} ({why})", told, values)
    if outcome is Outcome.FAILED:
        return Verdict(Outcome.FAILED, f"{why}, with {told}", told, values)
    if None in kept:
        return Verdict(
            Outcome.UNDECIDED, f"`{told}` cannot be compared with {limits[0].text(unit)}", told, values
        )
    limit = " and ".join(each.text(unit) for each in limits)
    return Verdict(Outcome.PASSED, f"{told} is {limit} ({why})", told, values)


def limits_of(call: KindCall, variables: Mapping[str, str]) -> tuple[Limit, ...]:
    """The limits that a call states. A variable stands for its value; without one there is no limit."""
    from orion_deploy.kinds.registry import variable_of

    limits = []
    for relation in RELATIONS:
        bound = call.parameters.get(relation)
        name = variable_of(bound)
        if name:
            bound = variables.get(name)
        if bound is None:
            if name:
                return ()  # Half of the limits is no limit.
            continue
        if relation != "equals" and number_of(bound) is None:  # type: ignore[arg-type]  # read from YAML: it is JSON
            return ()
        limits.append(Limit(relation, bound))  # type: ignore[arg-type]
    return tuple(limits)


def value_of(step: StepState, name: str) -> Json:
    """A value that the last attempt of a step saw, or how long it took; None where it did not."""
    if not step.attempts:
        return None
    last = step.attempts[-1]
    if last.verdict is not None and name in last.verdict.values:
        return last.verdict.values[name]
    return last.duration_s if name == DURATION else None


def _names(step: StepState) -> list[str]:
    verdict = step.attempts[-1].verdict if step.attempts else None
    return sorted(name for name in verdict.values if name != FINGERPRINT) if verdict is not None else []


def _shown(state: RunState, name: str, records: Records) -> _Shown:
    """What a step shows: passed, failed, or nothing yet."""
    step = state.step(name)
    last = step.attempts[-1] if step.attempts else None
    match step.status:
        case Status.RUNNING if step.is_watched:
            record = records.get(name)
            watched = last.watched.watch_s if last is not None and last.watched is not None else 0.0
            seen_s = record.observed_s if record is not None else 0.0
            return _Shown(
                Outcome.UNDECIDED, f"`{name}` is watched: {duration(seen_s)} of {duration(watched)}", True
            )
        case Status.RUNNING | Status.TODO | Status.CHANGED | Status.UNDECIDED | Status.UNKNOWN:
            word = "was not carried out yet" if step.status is Status.TODO else f"is {step.status.value}"
            return _Shown(Outcome.UNDECIDED, f"`{name}` {word}", True)
        case Status.SKIPPED:
            if step.is_passed_over:
                return _Shown(Outcome.PASSED, f"`{name}` is not applicable")
            return _Shown(Outcome.UNDECIDED, f"`{name}` was passed over ({step.reason}): it shows nothing")
        case Status.FAILED:
            reason = step.verdict.reason if step.verdict is not None else step.reason
            return _Shown(Outcome.FAILED, f"`{name}` failed: {reason}" if reason else f"`{name}` failed")
        case _:
            return _done(name, step)


def _done(name: str, step: StepState) -> _Shown:
    last = next((a for a in reversed(step.attempts) if a.ending == FINISHED), None)
    verdict = last.verdict if last is not None else None
    by = f"{step.by} " if step.by else ""
    if step.override or (verdict is not None and verdict.outcome is Outcome.FAILED):
        said = f": {step.reason}" if step.reason else ""
        return _Shown(Outcome.FAILED, f"`{name}` did not pass; {by}ticked it all the same{said}")
    if last is not None and last.watched is not None and last.why != "elapsed":
        watched, whole = duration(last.watched.observed_s), duration(last.watched.watch_s)
        return _Shown(Outcome.UNDECIDED, f"`{name}` was watched for {watched} of {whole} only", True)
    if verdict is not None and verdict.is_good:
        return _Shown(Outcome.PASSED, f"`{name}` passed")
    return _Shown(Outcome.PASSED, f"`{name}` was ticked by {step.by}" if step.by else f"`{name}` is done")


def due_of(waits: tuple[str, ...], records: Records, now: float) -> float | None:
    """When all that is waited for has come to an end, if somebody watches from now on; None where it is not known."""
    due = [max(records[name].due_at, now + records[name].left_s) for name in waits if name in records]
    return max(due) if due and len(due) == len(waits) else None


def _so_far(waits: tuple[str, ...], records: Records) -> Verdict | None:
    """The worst of what the watches would say if they ended now."""
    found = [v for name in waits if name in records and (v := records[name].judged()) is not None]
    return next((v for v in found if v.outcome is Outcome.FAILED), found[0] if found else None)
