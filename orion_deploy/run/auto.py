"""The policy of `--auto`: it asks nothing. A passing verdict is the tick, what needs a person is left open.

Nothing is run a second time by itself but a check, which only looks, and what was interrupted where its own
check has found that it was not carried out, or its author says that running it again does no harm.
"""

from __future__ import annotations

import shlex

from orion_deploy.checklist.choices import options_of
from orion_deploy.checklist.evidence import evidence_call
from orion_deploy.checklist.model import Section, Step
from orion_deploy.errors import ExitCode, RefusedError
from orion_deploy.run import advice, reports, rules
from orion_deploy.run.blocks import is_block_id
from orion_deploy.run.choices import answer, choice_of, holds
from orion_deploy.run.gates import due_words
from orion_deploy.run.headless import Stop, Walk
from orion_deploy.run.session import Session
from orion_deploy.run.state import SETTLED, Status
from orion_deploy.run.verification import is_harmless, verification_of


class Auto:
    """The policy of `--auto`."""

    def __init__(self, walk: Walk, override: str = "") -> None:
        """`override` is why a step is run although the run has gone the other way back."""
        self._walk = walk
        self._override = override
        self._session = walk.session

    def settle(self, section: Section, step: Step, *, is_return: bool) -> Stop | None:
        """Settle the step by its own verdict, leave it open, or stop."""
        fired = self._fired()
        if fired is not None:
            return fired
        status = self._session.state.step(step.id).status
        if evidence_call(step) is not None:
            return self._decide(step)
        if status in SETTLED:
            if self._walk.only is not None:
                self._walk.tell(reports.Settled(step=step.id, title=step.title, why=self._why_settled(step)))
            return None
        if self._session.state.step(step.id).is_watched:
            self._walk.tell_watch(step)
            return self._leave(step, "its watch is not over", is_told=True)
        if is_return and not rules.needs_person(step):
            return self._judge(step, is_return=True) if self._passed(step) else None
        match status:
            case Status.UNKNOWN:
                return self._find_out(section, step)
            case Status.FAILED if not only_looks(step):
                return Stop(
                    ExitCode.FAILED,
                    "it failed, and is not run again by itself",
                    step,
                    f"look, then `{self._command('resolve', step)} rerun`, or mark it done or failed",
                )
            case Status.UNDECIDED if self._passed(step) or not only_looks(step):
                return self._judge(step)
            case Status.CHANGED if not only_looks(step):
                return self._leave(step, "its text changed since it was settled")
        return self._run(section, step)

    def _decide(self, step: Step) -> Stop | None:
        """Decide a criterion from its evidence; what cannot be decided yet is left open, and stops nothing."""
        criterion = self._session.criterion(step.id)
        if self._session.state.step(step.id).status in SETTLED and not criterion.is_outdated:
            return None
        try:
            attempt = self._session.start(step.id)
        except RefusedError:
            why = criterion.why
            if criterion.due_at is not None:
                why = f"due {due_words(criterion.due_at, self._session.edge.now())}: {why}"
            self._walk.tell(reports.LeftOpen(step=step.id, title=step.title, why=why))
            return None
        return self._after(step, self._walk.follow(step, attempt))

    def _run(self, section: Section, step: Step) -> Stop | None:
        if (
            self._session.next_block(step.id)
            < self._session.state.step(step.id).blocks_done
            < len(self._session.scripts(step.id))
        ):
            return self._leave(step, "its text changed after a part of it had run")
        why = why_person(self._session, step)
        why = why or rules.why_not_start(self._session.checklist, self._session.state, step, section)
        if why and not (self._override and why == self._session.why_override(step.id)):
            return self._leave(step, why)
        while True:
            block = self._session.next_block(step.id)
            try:
                attempt = self._session.start(step.id, override=self._override)
            except RefusedError as refusal:
                return self._leave(step, refusal.what)
            status = self._walk.follow(step, attempt)
            if status is Status.RUNNING:
                return self._fired() or self._leave(step, "its watch is not over", is_told=True)
            if status is not Status.TODO or self._session.next_block(step.id) <= block:
                return self._after(step, status)
            self._walk.follower.signals.leave_if_asked(step)

    def _after(self, step: Step, status: Status) -> Stop | None:
        match status:
            case Status.DONE:
                self._tell_tick(step)
                return None
            case Status.UNKNOWN:
                if self._is_verified(step) is Status.DONE:
                    return None
                return self._stop_unknown(step)
            case Status.FAILED:
                return Stop(
                    ExitCode.FAILED,
                    self._reason(step),
                    step,
                    advice.how_to_mend(self._session.checklist, self._session.state, step),
                )
            case Status.UNDECIDED:
                return self._judge(step)
        return Stop(
            ExitCode.FAILED, "it could not be started; nothing was run", step, "the same command tries again"
        )

    def _find_out(self, section: Section, step: Step) -> Stop | None:
        """What was interrupted: its check decides; what may be repeated without harm is; else a person."""
        status = self._is_verified(step)
        if status is Status.UNKNOWN and is_harmless(step) and not why_person(self._session, step):
            self._session.resolve(step.id, "rerun", "it was interrupted, and running it again does no harm")
            status = Status.TODO
        match status:
            case Status.DONE:
                return None
            case Status.TODO:
                return self._run(section, step)
        return self._stop_unknown(step)

    def _is_verified(self, step: Step) -> Status:
        """Let the step's own check find out whether it was carried out, where it has one; its status then."""
        if not self._session.why_not_verify(step.id):
            try:
                status = self._walk.verify(step)
            except RefusedError:
                return Status.UNKNOWN
            if status is Status.DONE:
                self._tell_tick(step)
            return status
        return self._session.state.step(step.id).status

    def _judge(self, step: Step, *, is_return: bool = False) -> Stop | None:
        """Take a passing verdict as the tick, unless something speaks against it."""
        if is_block_id(step.id):
            return None
        if not self._passed(step):
            return self._leave(step, f"it ran, and a person decides: {self._reason(step)}")
        if step.facts.auto is False:
            return self._leave(step, "it passed, and a person ticks it (`auto: false`)")
        why = self._session.why_reason_needed(step.id)
        if why and step.steps and not is_return:
            return None  # It comes again behind its sub-steps.
        if why:
            return self._leave(step, why)
        self._session.tick_by_verdict(step.id)
        self._tell_tick(step)
        return None

    def _passed(self, step: Step) -> bool:
        """Whether it ran, passed, and waits for its tick."""
        state = self._session.state.step(step.id)
        return state.status is Status.UNDECIDED and state.verdict is not None and state.verdict.is_good

    def _tell_tick(self, step: Step) -> None:
        value = self._session.state.step(step.id).value
        self._walk.tell(reports.Ticked(step=step.id, title=step.title, value=value))

    def _fired(self) -> Stop | None:
        """Stop where a watch of the way forward fires: a person decides whether to turn back."""
        step = self._walk.fired()
        if step is None or self._session.state.rollback_at is not None:
            return None
        path = shlex.quote(self._session.checklist.path)
        return Stop(
            ExitCode.FAILED,
            "a watch saw a reason to turn back",
            step,
            f"`orion-deploy rollback {path}` shows the way back; the same command goes on without turning back",
        )

    def _leave(self, step: Step, why: str, *, is_told: bool = False) -> Stop | None:
        if step.mandatory:
            return Stop(
                ExitCode.PERSON_NEEDED,
                f"it is mandatory: {why}",
                step,
                advice.how_to_settle(self._session.checklist, self._session.state, step),
            )
        if not is_told:
            self._walk.tell(reports.LeftOpen(step=step.id, title=step.title, why=why))
        return None

    def _stop_unknown(self, step: Step) -> Stop:
        return Stop(
            ExitCode.UNKNOWN,
            self._session.state.step(step.id).reason or "it was interrupted, and its outcome is not known",
            step,
            f"look, then `{self._command('resolve', step)} {ways_to_resolve(step)}`",
        )

    def _why_settled(self, step: Step) -> str:
        state = self._session.state.step(step.id)
        if state.is_passed_over:
            return state.reason
        return f"already {state.status.value}, and not run again: `{self._command('untick', step)}` opens it"

    def _command(self, act: str, step: Step) -> str:
        """A command that a person can copy."""
        return shlex.join(["orion-deploy", act, self._session.checklist.path, step.id])

    def _reason(self, step: Step) -> str:
        verdict = self._session.state.step(step.id).verdict
        return verdict.reason if verdict is not None else "it has no verdict"


def ways_to_resolve(step: Step) -> str:
    """The words that decide the unknown outcome of a step, as `resolve` takes them."""
    return f"{'verify|' if verification_of(step) is not None else ''}done|failed|rerun --reason TEXT"


def only_looks(step: Step) -> bool:
    """Whether the step is a check: it may be repeated at will."""
    return step.facts.check is not None


def why_person(session: Session, step: Step) -> str:
    """Say why `step` cannot be carried out without a person, or return an empty string.

    A word that it asks for was given by whoever chose the way that it lies on.
    """
    if holds(session.checklist, session.state, step, session.values) is None:
        if choice := choice_of(session.checklist, step):
            return f"it waits for the choice `{choice.id}`"
        return f"whether it applies (`when: {step.facts.when}`) depends on a value that is missing"
    if options_of(step) and answer(step, session.state) is None:
        return "an option is to be chosen"
    if rules.needs_person(step):
        return "a person does it"
    if step.facts.confirm is not None and choice_of(session.checklist, step) is None:
        return "a person confirms it with a typed word"
    if session.is_interactive(step.id):
        return "it needs a real terminal"
    missing = session.missing(step.id)
    if missing:
        names = ", ".join([v.name for v in missing.variables] + list(missing.placeholders))
        return f"values are missing ({names}); give them with --set"
    return ""
