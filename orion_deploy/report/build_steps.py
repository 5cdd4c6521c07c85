"""From what the checklist says of a step and what happened to it to the step of the evidence. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.checklist.model import Step as ModelStep
from orion_deploy.report.evidence import NO_OUTPUT, Attempt, Look, OutputText, Step, Watch
from orion_deploy.report.story import Story
from orion_deploy.run.criteria import Criterion
from orion_deploy.run.state import Attempt as RunAttempt
from orion_deploy.run.state import RunState, StepState
from orion_deploy.run.watches.record import Firing, Gap, WatchRecord

RUNNING = "running"
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


@dataclass(frozen=True, slots=True)
class Kept:
    """What lies in an attempt's folder."""

    script: str = ""
    diff: str = ""
    output: OutputText = NO_OUTPUT


class StepMaker:
    """Makes the steps of one run."""

    def __init__(
        self,
        state: RunState,
        story: Story,
        watches: Iterable[WatchRecord],
        *,
        kept: Callable[[str, int], Kept],
        criteria: Mapping[str, Criterion],
        values: Mapping[str, str],
    ) -> None:
        self._state = state
        self._story = story
        self._watches = {(record.step, record.attempt): record for record in watches}
        self._kept = kept
        self._criteria = criteria
        self._values = values

    def step(self, step: ModelStep) -> Step:
        """A step of the file."""
        state = self._state.step(step.id)
        option = next((o.title for o in step.options if o.number == state.option), "")
        known = self._state.digests.get(step.id, step.digest)
        return self._made(
            state,
            id=step.id,
            title=step.title,
            line=step.line,
            kind=step.kind,
            parameters=_parameters(step.facts.call, self._values),
            is_action=step.facts.action is not None,
            expected=tuple(expectation.text for expectation in step.facts.expect),
            is_mandatory=step.mandatory,
            is_optional=step.optional,
            is_changed=known != step.digest,
            option=option or (f"option {state.option}" if state.option is not None else ""),
        )

    def without_text(self, step_id: str, title: str, *, is_gone: bool) -> Step:
        """A step that no file tells of any more."""
        return self._made(self._state.step(step_id), id=step_id, title=title or step_id, is_gone=is_gone)

    def _made(self, state: StepState, **facts: Any) -> Step:
        step_id = facts["id"]
        return Step(
            **facts,
            digest=self._state.digests.get(step_id, ""),
            status=state.status,
            at=state.at,
            by=state.by,
            auto=state.auto,
            override=state.override,
            reason=state.reason,
            value=state.value,
            verdict=state.verdict,
            attempts=tuple(self._attempt(step_id, attempt) for attempt in state.attempts),
            looks=tuple(
                Look(v.number, v.attempt, v.what, v.started_at, v.by, v.verdict, v.duration_s)
                for v in state.verifications
            ),
            criterion=self._criteria.get(step_id),
            acts=tuple(self._story.acts.get(step_id, ())),
            notes=state.notes,
        )

    def _attempt(self, step_id: str, attempt: RunAttempt) -> Attempt:
        key = (step_id, attempt.number)
        started = self._story.started.get(key)
        kept = self._kept(*key) if attempt.watched is None else Kept()
        return Attempt(
            number=attempt.number,
            what=attempt.what,
            block=attempt.block,
            started_at=attempt.started_at,
            by=attempt.by,
            ending=attempt.ending or RUNNING,
            finished_at=attempt.finished_at,
            duration_s=attempt.duration_s,
            exit_status=attempt.exit_status,
            signal=attempt.signal,
            why=attempt.why,
            reason=self._story.reasons.get(key, ""),
            reached_end=attempt.reached_end,
            timeout_s=started.timeout_s if started is not None else None,
            verdict=attempt.verdict,
            cwd=attempt.cwd,
            script=kept.script,
            script_sha256=attempt.script_sha256,
            is_edited=attempt.edited,
            diff=kept.diff if attempt.edited else "",
            is_adopted=attempt.adopted,
            carried=attempt.carried,
            output=kept.output,
            output_sha256=self._story.output_sha256.get(key, ""),
            watch=_watch(attempt, self._watches.get(key)),
        )


def _parameters(call: KindCall | None, values: Mapping[str, str]) -> str:
    """The parameters of a typed step on one line, as YAML would have them, variables filled in where they are known."""
    if call is None:
        return ""
    text = ", ".join(f"{name}: {_shown(value)}" for name, value in call.parameters.items())
    return _VARIABLE.sub(lambda m: values.get(m[1] or m[2], m[0]), text)


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _watch(attempt: RunAttempt, record: WatchRecord | None) -> Watch | None:
    """A watch from the journal, with what its record adds: the trend, the lines, and all of it while it is open."""
    watched = attempt.watched
    if watched is None:
        return None
    is_open = not attempt.ending
    fired = tuple(Firing(firing.at, firing.reason, firing.value) for firing in watched.fired)
    gaps = tuple(_gap(gap) for gap in watched.gaps)
    count = max(len(gaps), _told_gaps(attempt))
    if record is None:
        return Watch(
            watch_s=watched.watch_s,
            kind=attempt.what,
            observed_s=watched.observed_s,
            gap_s=watched.gap_s,
            gaps=gaps,
            gaps_count=count,
            fired=fired,
            fired_count=len(fired),
            is_open=is_open,
        )
    return Watch(
        watch_s=watched.watch_s,
        kind=attempt.what,
        unit=record.unit,
        limit=record.limit,
        value=record.value,
        shown=record.shown,
        looks=record.looks,
        observed_s=record.observed_s if is_open else watched.observed_s,
        gap_s=record.gap_s if is_open else watched.gap_s,
        gaps=record.gaps if is_open else gaps,
        gaps_count=max(record.gaps_count, count),
        fired=record.fired if len(record.fired) >= len(fired) else fired,
        fired_count=max(record.fired_count, len(fired)),
        lines=record.lines,
        points=record.points,
        is_open=is_open,
        looked_at=record.looked.wall,
        due_at=record.due_at if is_open else 0.0,
    )


def _told_gaps(attempt: RunAttempt) -> int:
    """How many gaps the verdict of a watch that ended tells of: of many only the last ones are listed."""
    told = attempt.verdict.values.get("gaps") if attempt.verdict is not None else None
    return told if isinstance(told, int) else 0


def _gap(gap: Mapping[str, Any]) -> Gap:
    """A gap as the journal has it; nothing that it might lack must keep a report from being made."""
    length = gap.get("length_s")
    return Gap(
        _number(gap.get("at")),
        _number(gap.get("until")),
        float(length) if isinstance(length, int | float) else None,
        str(gap.get("why", "")),
    )


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
