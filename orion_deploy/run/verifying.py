"""After an interruption, a check of the step's own tells whether it was carried out, and decides what nobody knew.

A check only looks: it may be repeated at will, so one that was itself cut off is simply asked again. Passed:
the step is done. Failed: it was not carried out, and is open again. Anything else leaves the outcome unknown,
and so does a refusal, which has seen nothing, and a failure while something that the step began still runs.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from pathlib import Path

from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.errors import OrionError, RefusedError
from orion_deploy.kinds.verdict import Outcome, Verdict
from orion_deploy.run import attempt as attempts
from orion_deploy.run import events as ev
from orion_deploy.run import family
from orion_deploy.run.acts import Acts
from orion_deploy.run.desk import Desk, typed_verdict
from orion_deploy.run.state import Status
from orion_deploy.run.verification import verification_of


class Verifying(Acts):
    """The part of a session that finds out what became of a step whose outcome is unknown."""

    run: str
    _desk: Desk
    _verifying: tuple[str, int] | None = None
    """The step whose check looks now, and the number of that look; of this session alone."""

    @property
    @abstractmethod
    def cwd(self) -> str:
        """The folder in which steps run."""

    @abstractmethod
    def _watch(self, step_id: str, attempt: int, folder: Path | None = None) -> None:
        """Call `on_ended` when what runs in `folder` has ended."""

    @property
    def verifying(self) -> str:
        """Id of the step whose check looks now, or empty."""
        return self._verifying[0] if self._verifying is not None else ""

    def verification(self, step_id: str) -> KindCall | None:
        """The check that tells, after an interruption, whether the step was carried out; None where there is none."""
        return verification_of(self.step(step_id))

    def why_not_start(self, step_id: str) -> str:
        """Say why the step cannot be run now, or an empty string."""
        why = super().why_not_start(step_id)
        if not why and self.verifying:
            return f"`{self.verifying}` is being verified"
        return why

    def why_not_verify(self, step_id: str) -> str:
        """Say why it cannot be verified now whether the step was carried out, or an empty string."""
        step = self.step(step_id)
        status = self.state.step(step.id).status
        if self.read_only:
            return self._why_read_only()
        if status is not Status.UNKNOWN:
            return f"it is {status.value}; what is verified is an unknown outcome"
        if self.verification(step.id) is None:
            return "it has no `verify`, the check that tells whether it was carried out"
        if self.state.finished_at is not None:
            return "the run is finished; start a new one"
        if self.needs_approval:
            return "the checklist is not approved yet; look at its commands first"
        busy = self.verifying or next(iter(self.state.running), "")
        return f"`{busy}` is still running" if busy else ""

    def verify(self, step_id: str) -> int:
        """Let the step's check look whether it was carried out, and return the number of the look.

        When it has looked, `on_ended(step_id, number)` is called on another thread: call `collect` from this one.

        Raises:
            RefusedError: it cannot be verified now; says why.
            NotRecordedError: the start could not be put on disk; nothing was run.
        """
        step = self.step(step_id)
        if why := self.why_not_verify(step.id):
            raise RefusedError(f"`{step.id}` cannot be verified: {why}")
        call = self.verification(step.id)
        assert call is not None
        prepared = self._desk.prepare_verification(
            checklist=self.checklist,
            step=step,
            call=call,
            state=self.state,
            run=self.run,
            cwd=self.cwd,
            secrets=self.secrets,
        )
        attempt = self.state.step(step.id).attempts[-1].number
        self._append(ev.Verifying(step=step.id, attempt=attempt, number=prepared.attempt, what=prepared.what))
        self._verifying = (step.id, prepared.attempt)
        try:
            self._desk.launch(prepared)
        except OrionError as error:
            self._verified(Verdict(Outcome.UNDECIDED, f"the check could not be started: {error.what}"))
            raise
        self._watch(step.id, prepared.attempt, prepared.directory)
        return prepared.attempt

    def collect_verification(self) -> Verdict | None:
        """Take in what the check has seen, if it has looked; None while it looks."""
        assert self._verifying is not None
        folder = self._desk.verification_folder(*self._verifying)
        look = attempts.look(folder)
        match look.finding:
            case attempts.Finding.RUNNING | attempts.Finding.ORPHAN:
                return None
            case attempts.Finding.FINISHED if look.result is not None:
                seen = self._certain(typed_verdict(folder, look.result), look.result)
                return self._verified(seen, look.result.duration_s)
        return self._verified(Verdict(Outcome.UNDECIDED, f"the check itself was cut off: {look.reason}"))

    def _certain(self, verdict: Verdict, result: attempts.AttemptResult) -> Verdict:
        """The verdict, undecided where its failure does not prove that the step was not carried out."""
        if verdict.outcome is not Outcome.FAILED:
            return verdict
        why = ""
        if result.spawn_error:
            why = f"the check could not be started: {result.spawn_error}"
        elif result.shell.why or not (verdict.value or verdict.values):
            why = f"the check has seen nothing: {verdict.reason}"
        elif left := self._left_running():
            pids = ", ".join(str(pid) for pid in sorted(left)[:3])
            why = f"{verdict.reason}; but something that it began still runs (process {pids})"
        return replace(verdict, outcome=Outcome.UNDECIDED, reason=why) if why else verdict

    def _left_running(self) -> set[int]:
        """Processes of the interrupted attempt that still run: they may yet carry out what the check missed."""
        step_id = self.verifying
        folder = self._desk.folder(step_id, self.state.step(step_id).attempts[-1].number)
        try:
            record = attempts.read_run(folder)
        except (OrionError, OSError):
            return set()
        pid, began = record.get("pid"), record.get("start")
        if not isinstance(pid, int) or record.get("boot") != family.boot_id():
            return set()
        return family.of_session(pid, str(began))

    def _verified(self, verdict: Verdict, duration_s: float = 0.0) -> Verdict:
        assert self._verifying is not None
        step_id, number = self._verifying
        attempt = next(v.attempt for v in self.state.step(step_id).verifications if v.number == number)
        self._append(
            ev.Verified(
                step=step_id,
                attempt=attempt,
                number=number,
                verdict=verdict.to_json(),
                duration_s=round(duration_s, 6),
            )
        )
        self._verifying = None
        return verdict
