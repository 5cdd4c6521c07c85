"""The state of a run is the fold of its events, and of nothing else: the same events give the same state. Pure.

One branch for each type of event, in `BRANCHES`. A branch changes a working copy; `RunState` and all that
hangs on it stay frozen, and steps to which nothing happened are shared between one state and the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from orion_deploy.kinds.verdict import Outcome, Verdict
from orion_deploy.run import events as ev
from orion_deploy.run.quick import constructor
from orion_deploy.run.state import (
    FINISHED,
    LOST,
    NEVER_STARTED,
    Attempt,
    Firing,
    Note,
    RunState,
    Status,
    Verification,
    Watched,
)
from orion_deploy.run.working import WorkingRun, own, run_fields

NEW = RunState()
_attempt = constructor(Attempt)


def advance(run: RunState, event: ev.Event) -> RunState:
    """Return the run after one more event. Raises as `fold`."""
    return fold((event,), run)


def fold(events: Iterable[ev.Event], run: RunState = NEW) -> RunState:
    """Return the run after `events`, in order.

    Raises:
        ValueError, KeyError: an event says what cannot be (a verdict without outcome, an unknown resolution).
    """
    work = WorkingRun(*run_fields(run))
    event, by = None, run.operators[-1] if run.operators else ""
    for event in events:
        if work.sequence == 0:
            work.started_at = event.at
        work.sequence += 1
        if event.by != by and event.by:
            by = event.by
            work.operators = (*(who for who in work.operators if who != by), by)
        BRANCHES[type(event)](work, event)
    if event is not None:
        work.last_at = event.at
    return work.frozen()


def _opened(run: WorkingRun, event: ev.Opened) -> None:
    run.checklist = event.checklist
    run.digest = event.digest
    run.cwd = event.cwd
    run.commit = event.commit
    run.sessions += 1
    run.in_order = False
    if not event.steps and not event.gone:
        return
    digests = own(run.digests)
    digests.update(event.steps)
    for step_id in event.gone:
        digests.pop(step_id, None)
    run.digests = MappingProxyType(digests)
    run.gone = run.gone.difference(event.steps).union(event.gone)
    where = run.last_step
    for step_id, digest in event.steps.items():
        if step_id in run.steps or (run.touched and step_id in run.touched):
            run.step(step_id).compare(digest)
    run.last_step = where


def _approved(run: WorkingRun, event: ev.Approved) -> None:
    run.approved |= {event.digest}


def _variable_set(run: WorkingRun, event: ev.VariableSet) -> None:
    variables = dict(run.variables)
    variables.pop(event.name, None)
    if event.secret:
        run.secrets |= {event.name}
    else:
        run.secrets -= {event.name}
        variables[event.name] = event.value
    run.variables = MappingProxyType(variables)


def _started(run: WorkingRun, event: ev.Started) -> None:
    step = run.step(event.step)
    if step.status is not Status.RUNNING:
        step.before = step.status
    step.turn(Status.RUNNING, event)
    step.verdict = None
    step.attempts = (
        *step.attempts,
        _attempt(
            number=event.attempt,
            block=event.block,
            what=event.what,
            started_at=event.at,
            by=event.by,
            edited=event.edited,
            override=event.override,
            cwd=event.cwd,
            script_sha256=event.script_sha256,
        ),
    )


def _finished(run: WorkingRun, event: ev.Finished) -> None:
    step = run.step(event.step)
    verdict = Verdict.from_json(event.verdict) if event.verdict else None
    place, attempt = step.attempt(event.attempt)
    decides = step.is_open(place) or attempt is None
    started_at = event.started_at or (attempt.started_at if attempt else event.at - event.duration_s)
    block = attempt.block if attempt else 0
    step.put(
        place,
        _attempt(
            number=event.attempt,
            block=block,
            what=attempt.what if attempt else "",
            started_at=started_at,
            by=attempt.by if attempt else event.by,
            edited=attempt.edited if attempt else False,
            override=attempt.override if attempt else "",
            cwd=attempt.cwd if attempt else "",
            script_sha256=attempt.script_sha256 if attempt else "",
            finished_at=started_at + event.duration_s,
            duration_s=event.duration_s,
            exit_status=event.exit_status,
            signal=event.signal,
            why=event.why,
            reached_end=event.reached_end,
            output_bytes=event.output_bytes,
            output_dropped_bytes=event.output_dropped_bytes,
            verdict=verdict,
            ending=FINISHED,
            adopted=event.adopted,
            carried=tuple(event.carried),
        ),
    )
    if event.carried:
        run.carried_from = (event.step, event.attempt)
    if place == len(step.attempts) - 1:
        step.verdict = verdict
    if not decides:
        return  # A person has decided meanwhile, or the step was run again: what came late is kept as evidence.
    step.unsettle()
    if verdict is not None and verdict.is_good:
        step.blocks_done = block + 1
        step.turn(Status.TODO if event.more else Status.UNDECIDED, event)
    elif verdict is not None and verdict.outcome is Outcome.FAILED:
        step.turn(Status.FAILED, event)
    else:
        step.turn(Status.UNDECIDED, event)


def _never_started(run: WorkingRun, event: ev.NeverStarted) -> None:
    step = run.step(event.step)
    place, attempt = step.attempt(event.attempt)
    if attempt is None:
        return
    decides = step.is_open(place)
    step.put(place, replace(attempt, ending=NEVER_STARTED, finished_at=event.at))
    step.verdict = next((a.verdict for a in reversed(step.attempts) if a.ending != NEVER_STARTED), None)
    if decides:
        step.turn(step.before, event)
        step.compare(run.digests.get(event.step))


def _lost(run: WorkingRun, event: ev.Lost) -> None:
    step = run.step(event.step)
    place, attempt = step.attempt(event.attempt)
    decides = step.is_open(place)
    if attempt is not None:
        step.put(place, replace(attempt, ending=LOST))
    if decides or attempt is None:
        step.unsettle()
        step.turn(Status.UNKNOWN, event)
        step.reason = event.reason


def _watch_started(run: WorkingRun, event: ev.WatchStarted) -> None:
    step = run.step(event.step)
    if step.status is not Status.RUNNING:
        step.before = step.status
    step.turn(Status.RUNNING, event)
    step.verdict = None
    watch = Attempt(
        number=event.attempt,
        block=0,
        what=event.what,
        started_at=event.at,
        by=event.by,
        watched=Watched(event.watch_s),
    )
    step.attempts = (*step.attempts, watch)


def _watch_fired(run: WorkingRun, event: ev.WatchFired) -> None:
    step = run.step(event.step)
    place, attempt = step.attempt(event.attempt)
    if attempt is not None and attempt.watched is not None:
        firing = Firing(event.fired_at or event.at, event.reason, event.value)
        watched = replace(attempt.watched, fired=(*attempt.watched.fired, firing))
        step.put(place, replace(attempt, watched=watched))


def _watch_ended(run: WorkingRun, event: ev.WatchEnded) -> None:
    step = run.step(event.step)
    verdict = Verdict.from_json(event.verdict)
    place, attempt = step.attempt(event.attempt)
    if attempt is None or attempt.watched is None:
        return
    decides = step.is_open(place)
    ended_at = event.ended_at or event.at
    watched = replace(attempt.watched, observed_s=event.observed_s, gap_s=event.gap_s, gaps=tuple(event.gaps))
    step.put(
        place,
        replace(
            attempt,
            finished_at=ended_at,
            duration_s=max(0.0, ended_at - attempt.started_at),
            why=event.why,
            verdict=verdict,
            ending=FINISHED,
            watched=watched,
        ),
    )
    if place == len(step.attempts) - 1:
        step.verdict = verdict
    if decides:
        step.unsettle()
        step.turn(
            Status.FAILED if verdict.outcome is Outcome.FAILED else Status.UNDECIDED,
            event,
        )
        step.reason = event.reason


def _verifying(run: WorkingRun, event: ev.Verifying) -> None:
    step = run.step(event.step)
    look = Verification(
        number=event.number, attempt=event.attempt, what=event.what, started_at=event.at, by=event.by
    )
    step.verifications = (*step.verifications, look)


def _verified(run: WorkingRun, event: ev.Verified) -> None:
    step = run.step(event.step)
    verdict = Verdict.from_json(event.verdict)
    step.verifications = tuple(
        replace(look, verdict=verdict, duration_s=event.duration_s) if look.number == event.number else look
        for look in step.verifications
    )
    if step.status is not Status.UNKNOWN or not step.attempts or step.attempts[-1].number != event.attempt:
        return  # A person has decided meanwhile: what came late is kept as evidence.
    if verdict.outcome is Outcome.PASSED:
        step.settle(Status.DONE, event, run.digests.get(event.step, ""))
        step.auto = True
        step.value = verdict.value
        step.reason = f"verified after it was interrupted: {verdict.reason}"
    elif verdict.outcome is Outcome.FAILED:
        step.turn(Status.TODO, event)
        step.reason = f"it was interrupted, and not carried out: {verdict.reason}"


def _ticked(run: WorkingRun, event: ev.Ticked) -> None:
    step = run.step(event.step)
    step.settle(Status.DONE, event, run.digests.get(event.step, ""))
    step.auto = event.auto
    step.override = bool(event.override)
    step.reason = event.override
    step.value = event.value


def _unticked(run: WorkingRun, event: ev.Unticked) -> None:
    step = run.step(event.step)
    step.unsettle()
    step.blocks_done = 0
    step.turn(Status.TODO, event)


def _skipped(run: WorkingRun, event: ev.Skipped) -> None:
    step = run.step(event.step)
    step.unsettle()
    step.settle(Status.SKIPPED, event, run.digests.get(event.step, ""))
    step.override = event.override
    step.reason = event.reason


def _noted(run: WorkingRun, event: ev.Noted) -> None:
    note = Note(text=event.text, at=event.at, by=event.by)
    if event.step:
        step = run.step(event.step)
        step.notes = (*step.notes, note)
    else:
        run.notes = (*run.notes, note)


def _chosen(run: WorkingRun, event: ev.Chosen) -> None:
    step = run.step(event.step)
    if step.option != event.option:
        if step.option is not None and step.status in (Status.TODO, Status.UNDECIDED, Status.FAILED):
            step.verdict = None  # What ran was another option.
            step.turn(Status.TODO, event)
        step.option = event.option
        step.blocks_done = 0


def _resolved(run: WorkingRun, event: ev.Resolved) -> None:
    step = run.step(event.step)
    step.unsettle()
    match event.how:
        case "done":
            step.settle(Status.DONE, event, run.digests.get(event.step, ""))
        case "failed":
            step.turn(Status.FAILED, event)
        case "rerun":
            step.turn(Status.TODO, event)
        case _:
            raise ValueError(f"`{event.how}` is no way to resolve a step")
    step.reason = event.reason


def _forgotten(run: WorkingRun, _event: ev.Forgotten) -> None:
    run.carried_from = None


def _section_completed(run: WorkingRun, event: ev.SectionCompleted) -> None:
    run.sections_completed = MappingProxyType({**run.sections_completed, event.section: event.at})


def _rollback_entered(run: WorkingRun, event: ev.RollbackEntered) -> None:
    if run.rollback_at is None:
        run.rollback_at = event.at
        run.rollback_reason = event.reason
        run.rollback_facts = MappingProxyType(event.facts)
    run.finished_at = None  # What was closed is open again: the way back is part of the same run.
    run.result = run.finish_reason = ""


def _survived(_run: WorkingRun, _event: ev.Survived) -> None:
    """Evidence only: nothing about the run changes."""


def _run_finished(run: WorkingRun, event: ev.RunFinished) -> None:
    run.finished_at = event.at
    run.result = event.result
    run.finish_reason = event.reason


def _closed(run: WorkingRun, _event: ev.Closed) -> None:
    run.in_order = True


BRANCHES: Mapping[type[ev.Event], Callable[[WorkingRun, Any], None]] = MappingProxyType(
    {
        ev.Opened: _opened,
        ev.Approved: _approved,
        ev.VariableSet: _variable_set,
        ev.Started: _started,
        ev.Finished: _finished,
        ev.NeverStarted: _never_started,
        ev.Lost: _lost,
        ev.WatchStarted: _watch_started,
        ev.WatchFired: _watch_fired,
        ev.WatchEnded: _watch_ended,
        ev.Verifying: _verifying,
        ev.Verified: _verified,
        ev.Ticked: _ticked,
        ev.Unticked: _unticked,
        ev.Skipped: _skipped,
        ev.Noted: _noted,
        ev.Chosen: _chosen,
        ev.Resolved: _resolved,
        ev.Forgotten: _forgotten,
        ev.SectionCompleted: _section_completed,
        ev.RollbackEntered: _rollback_entered,
        ev.Survived: _survived,
        ev.RunFinished: _run_finished,
        ev.Closed: _closed,
    }
)
