"""The part of a session that concerns criteria and gates: it judges evidence, and records what was decided by it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from orion_deploy.checklist.evidence import evidence_call
from orion_deploy.checklist.model import Checklist, Step
from orion_deploy.errors import OrionError, RefusedError
from orion_deploy.kinds.verdict import Outcome
from orion_deploy.run import events as ev
from orion_deploy.run import progress, rules
from orion_deploy.run.acts import Acts, bounded
from orion_deploy.run.progress import LATE
from orion_deploy.run.state import SETTLED, RunState, Status
from orion_deploy.run.values import values_of
from orion_deploy.run.watches import reading
from orion_deploy.run.watches.record import WatchRecord

if TYPE_CHECKING:  # What judges is loaded when the first thing is judged, and not before the screen is there.
    from orion_deploy.run.closing import Open
    from orion_deploy.run.criteria import Criterion, Judge
    from orion_deploy.run.evidence import Judged


class Deciding(Acts):
    """Criteria and gates of a run."""

    _on_ended: Callable[[str, int], None]

    @abstractmethod
    def watches(self) -> list[WatchRecord]:
        """What was seen so far, of the last watch of each step that has one."""

    def criteria(self) -> tuple[Criterion, ...]:
        """Every criterion and gate as it stands now."""
        from orion_deploy.run.criteria import look

        return look(self.checklist, self.state, self._under_way(), now=self.edge.now(), values=self.values)

    def criterion(self, step_id: str) -> Criterion:
        """How one step stands as a criterion."""
        section, step = self.find(step_id)
        return self._judge().criterion(section, step)

    def judged(self, step_id: str) -> Judged | None:
        """What the evidence of a step says now; None where the step is not decided from evidence."""
        step = self.step(step_id)
        return self._judge().evidence(step) if evidence_call(step) is not None else None

    def _judge(self) -> Judge:
        from orion_deploy.run.criteria import Judge
        from orion_deploy.run.evidence import under_way

        records = under_way(self.state, self._under_way())
        return Judge(self.checklist, self.state, records, now=self.edge.now(), values=self.values)

    def _under_way(self) -> list[WatchRecord]:
        return self.watches() if self.state.watched else []

    def why_not_start(self, step_id: str) -> str:
        """Say why the step cannot be run now; of one that is decided from evidence, also what that waits for."""
        why = super().why_not_start(step_id)
        if why:
            return why
        judged = self.judged(step_id)
        if judged is None or judged.is_decided:
            return ""
        from orion_deploy.run.gates import due_words

        due = f" (due {due_words(judged.due_at, self.edge.now())})" if judged.due_at is not None else ""
        return f"it cannot be decided yet{due}: {judged.verdict.reason}"

    def why_reason_needed(self, step_id: str) -> str:
        """Say why ticking the step now needs a typed reason: also that its evidence, or its time, is not there."""
        why = super().why_reason_needed(step_id)
        if why:
            return why
        section, step = self.find(step_id)
        judged = self.judged(step.id)
        if judged is not None and judged.verdict.outcome is not Outcome.PASSED:
            word = "fails" if judged.is_decided else "is not there yet"
            return f"its evidence {word}: {judged.verdict.reason}"
        if section.kind not in LATE:
            return ""
        waited = self._judge().wait(section, step)
        if waited is None or not waited[0].is_firm:
            return ""
        from orion_deploy.run.gates import due_words

        wait, due_at = waited
        if due_at is None:
            return f"its time (“{wait.words}”) counts from the end of the deployment, and nothing of that is settled"
        if self.edge.now() < due_at:
            return f"its time (“{wait.words}”) is not over (due {due_words(due_at, self.edge.now())})"
        return ""

    def decide(self, step: Step) -> int:
        """Decide a step from its evidence, and record that in one write; returns the attempt's number.

        `start` calls it. `on_ended` is called as after any other attempt, by the time that it has ended.

        Raises:
            RefusedError: it cannot be decided now; says why, and when it can.
        """
        attempt = self._decide(step)
        self._on_ended(step.id, attempt)
        return attempt

    def _decide(self, step: Step) -> int:
        why = self.why_not_start(step.id)
        if why:
            raise RefusedError(f"`{step.id}` cannot be run: {why}")
        judged, call = self.judged(step.id), evidence_call(step)
        assert judged is not None
        assert call is not None
        verdict, now = judged.verdict, self.edge.now()
        attempt = len(self.state.step(step.id).attempts) + 1
        decided: list[ev.Event] = [
            ev.Started(step=step.id, attempt=attempt, title=step.title, what=call.name),
            ev.Finished(step=step.id, attempt=attempt, started_at=now, verdict=verdict.to_json()),
        ]
        if verdict.is_good and rules.ticks_itself(step):
            decided.append(ev.Ticked(step=step.id, auto=True, value=verdict.value))
        self._append(*decided)
        return attempt

    def deny(self, step_id: str, reason: str) -> None:
        """Record a person's word that a criterion does not hold; `untick` takes it back.

        Raises:
            RefusedError: it is no criterion that a person decides, or no reason was given.
        """
        section, step = self.find(step_id)
        if section.kind not in LATE or not rules.needs_person(step):
            raise RefusedError(f"`{step.id}` is no criterion that a person decides")
        if not reason.strip():
            raise RefusedError(f"to say that `{step.id}` does not hold needs a reason")
        self._append(ev.Resolved(step=step.id, how="failed", reason=bounded(reason)))

    def what_is_open(self) -> Open:
        """What the run would leave open if it were closed now."""
        from orion_deploy.run.closing import what_is_open

        return what_is_open(self.checklist, self.state, self.criteria())

    @property
    def result(self) -> str:
        """The run's result in words: of a closed one as it was recorded, of an open one as it would be now."""
        if self.state.finished_at is not None:
            return self.state.result
        from orion_deploy.run.closing import result_of

        return result_of(self.checklist, self.state, self.criteria())

    def finish(self, reason: str = "") -> str:
        """Close the run for good; returns its result in words. What is open is listed in the event.

        Watches that are under way end with it: nobody would take in what they see.

        Raises:
            RefusedError: a step is running, or the run is closed already.
        """
        if running := self.state.running:
            raise RefusedError(f"`{running[0]}` is still running", help="wait for its end, or cancel it")
        if self.state.finished_at is not None:
            raise RefusedError(f"the run is closed already: {self.state.result}")
        reason, result = bounded(reason), self.result
        open_ids = [
            step.id
            for _, step in progress.path(self.checklist, self.state)
            if self.state.step(step.id).status not in SETTLED
        ]
        self.end_watches("run finished")
        self._append(ev.RunFinished(result=result, open=open_ids, reason=reason))
        self._snapshot_now()
        return result

    def decide_all(self) -> list[str]:
        """Decide everything whose evidence is there and that was not decided, or is out of date; returns the steps.

        `on_ended` is not called: nothing has to be waited for.
        """
        decided = []
        for criterion in self.criteria():
            if criterion.can_be_decided and self.state.step(criterion.step).status is not Status.RUNNING:
                try:
                    self._decide(self.step(criterion.step))
                except RefusedError:
                    continue
                decided.append(criterion.step)
        return decided


def look_at(
    checklist: Checklist, state: RunState, directory: Path, *, now: float, environ: Mapping[str, str]
) -> tuple[Criterion, ...]:
    """The criteria of the run in `directory`, for those who do not hold it. Secret values are not known to them."""
    from orion_deploy.run.criteria import look

    try:
        values = values_of(checklist, state, {}, environ)
    except OrionError:
        values = {}
    records = reading.read_all(directory) if state.watched else []
    return look(checklist, state, records, now=now, values=values)
