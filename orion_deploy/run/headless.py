"""Carrying a run out without a screen: the steps of the path in order, each settled by a policy, told by a callback.

`Auto` asks nothing: a passing verdict is taken as the tick, a step that needs a person is left open, and
nothing is ever run a second time by itself but a check, which only looks. Nothing here prints.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from orion_deploy.checklist.model import Section, Step
from orion_deploy.errors import ExitCode, RefusedError
from orion_deploy.run import progress, reports, rules
from orion_deploy.run.blocks import is_block_id
from orion_deploy.run.following import Follower, Left
from orion_deploy.run.session import Session
from orion_deploy.run.state import SETTLED, RunState, Status

Pair = tuple[Section, Step]


@dataclass(frozen=True, slots=True)
class Stop:
    """Why it goes no further, and with which exit code."""

    code: ExitCode
    why: str
    step: Step | None = None
    help: str = ""


class Policy(Protocol):
    """Who decides about a step."""

    def settle(self, section: Section, step: Step, *, is_return: bool) -> Stop | None:
        """Bring the step as far as it goes. `is_return`: its sub-steps, seen meanwhile, lie behind."""


class Walk:
    """One way along the path of a run: all of it, up to a step, or one step."""

    def __init__(
        self, session: Session, follower: Follower, *, until: str | None = None, only: str | None = None
    ) -> None:
        """Raises RefusedError when `until` or `only` names no step of the path."""
        self.session = session
        self.follower = follower
        self.pairs = self._chosen(until, only)
        self._section = ""

    def _chosen(self, until: str | None, only: str | None) -> list[Pair]:
        path = list(progress.path(self.session.checklist, self.session.state))
        if only is not None:
            return [self.session.find(only)]
        if until is None:
            return path
        last = self.session.step(until).id
        for place, (_, step) in enumerate(path):
            if step.id == last:
                return path[: place + 1]
        word = "the rollback" if self.session.state.rollback_at is not None else "the way forward"
        raise RefusedError(f"`{last}` does not lie on {word}, on which the run is")

    def carry_out(self, policy: Policy) -> ExitCode:
        """Settle step after step until the end or until it goes no further; tells and returns the exit code."""
        try:
            stop = self._in_flight() or self._steps(policy)
        except Left as left:
            stop = Stop(ExitCode.INTERRUPTED, str(left), left.step, left.help)
        code = (
            stop.code if stop is not None else code_of([step for _, step in self.pairs], self.session.state)
        )
        if stop is not None:
            step = stop.step
            self.tell(
                reports.Stopped(
                    step=step.id if step is not None else "",
                    title=step.title if step is not None else "",
                    why=stop.why,
                    help=stop.help,
                    exit_code=int(code),
                )
            )
        self._end(code)
        return code

    def tell(self, report: reports.Report) -> None:
        """Give a report, with the time, to whoever listens."""
        self.follower.tell(replace(report, at=self.session.edge.now()))

    def follow(self, step: Step, attempt: int) -> Status:
        """Tell that an attempt was started, follow it to its end, and return the step's status then."""
        begun = self.session.state.step(step.id).attempts[-1]
        self.tell(
            reports.Started(
                step=step.id,
                title=step.title,
                attempt=attempt,
                what=begun.what,
                block=begun.block + 1,
                blocks=max(1, len(self.session.scripts(step.id))),
            )
        )
        self.follower.follow(step.id)
        return self.session.state.step(step.id).status

    def _in_flight(self) -> Stop | None:
        """Follow what another session started before anything else is done."""
        for step_id in self.session.state.running:
            step = self.session.step(step_id)
            attempt = self.session.state.step(step_id).attempts[-1]
            self.tell(
                reports.Followed(
                    step=step.id, title=step.title, attempt=attempt.number, started_at=attempt.started_at
                )
            )
            self.follower.follow(step_id)
        return None

    def _steps(self, policy: Policy) -> Stop | None:
        for section, step, is_return in working_order(self.pairs):
            self.follower.signals.leave_if_asked(step)
            self._enter(section)
            stop = policy.settle(section, step, is_return=is_return)
            if stop is not None:
                return stop
        return None

    def _enter(self, section: Section) -> None:
        if section.id == self._section:
            return
        self._section = section.id
        counts = progress.of_section(section, self.session.state)
        self.tell(
            reports.Section(
                section=section.id,
                title=section.title,
                kind=section.kind.value,
                settled=counts.settled,
                total=counts.total,
            )
        )

    def _end(self, code: ExitCode) -> None:
        state = self.session.state
        counts = progress.overall(self.session.checklist, state)
        self.tell(
            reports.Ended(
                run=self.session.run,
                exit_code=int(code),
                result=state.result or progress.result_of(self.session.checklist, state),
                counts={
                    "total": counts.total,
                    "done": counts.done,
                    "skipped": counts.skipped,
                    "open": counts.open,
                    "failed": counts.failed,
                    "unknown": counts.unknown,
                    "undecided": counts.undecided,
                    "overrides": counts.overrides,
                },
            )
        )


def working_order(pairs: Iterable[Pair]) -> Iterator[tuple[Section, Step, bool]]:
    """The steps as they are worked: what has sub-steps comes again, behind them, to be ticked (third value True).

    A step with nothing to run comes only behind its sub-steps.
    """
    waiting: list[Pair] = []
    for section, step in pairs:
        while waiting and (waiting[-1][0] is not section or waiting[-1][1].depth >= step.depth):
            yield (*waiting.pop(), True)
        if step.steps:
            waiting.append((section, step))
        if not step.steps or not rules.needs_person(step):
            yield section, step, False
    for pair in reversed(waiting):
        yield (*pair, True)


def code_of(steps: Iterable[Step], state: RunState) -> ExitCode:
    """The exit code that the state of these steps amounts to."""
    open_statuses = {state.step(step.id).status for step in steps if not is_block_id(step.id)} - SETTLED
    for status, code in ((Status.UNKNOWN, ExitCode.UNKNOWN), (Status.FAILED, ExitCode.FAILED)):
        if status in open_statuses:
            return code
    return ExitCode.PERSON_NEEDED if open_statuses else ExitCode.FINE


class Auto:
    """The policy of `--auto`."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self._session = walk.session

    def settle(self, section: Section, step: Step, *, is_return: bool) -> Stop | None:
        """Settle the step by its own verdict, leave it open, or stop."""
        status = self._session.state.step(step.id).status
        if status in SETTLED:
            return None
        if is_return and not rules.needs_person(step):
            return self._judge(step, is_return=True) if self._passed(step) else None
        match status:
            case Status.UNKNOWN:
                return self._stop_unknown(step)
            case Status.FAILED if not only_looks(step):
                return Stop(
                    ExitCode.FAILED,
                    "it failed, and is not run again by itself",
                    step,
                    f"look, then `resolve {step.id} rerun`, or mark it done or failed with a reason",
                )
            case Status.UNDECIDED if self._passed(step) or not only_looks(step):
                return self._judge(step)
            case Status.CHANGED if not only_looks(step):
                return self._leave(step, "its text changed since it was settled")
        return self._run(section, step)

    def _run(self, section: Section, step: Step) -> Stop | None:
        why = why_person(self._session, step)
        why = why or rules.why_not_start(self._session.checklist, self._session.state, step, section)
        if why:
            return self._leave(step, why)
        while True:
            try:
                attempt = self._session.start(step.id)
            except RefusedError as refusal:
                return self._leave(step, refusal.what)
            status = self._walk.follow(step, attempt)
            if status is not Status.TODO or self._session.next_block(step.id) == 0:
                return self._after(step, status)
            self._walk.follower.signals.leave_if_asked(step)

    def _after(self, step: Step, status: Status) -> Stop | None:
        match status:
            case Status.DONE:
                self._tell_tick(step)
                return None
            case Status.UNKNOWN:
                return self._stop_unknown(step)
            case Status.FAILED:
                return Stop(ExitCode.FAILED, self._reason(step), step, "`status FILE` tells how to go on")
            case Status.UNDECIDED:
                return self._judge(step)
        return Stop(ExitCode.FAILED, "it could not be started", step, "`status FILE` tells more")

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

    def _leave(self, step: Step, why: str) -> Stop | None:
        if step.mandatory:
            return Stop(
                ExitCode.PERSON_NEEDED,
                f"it is mandatory and needs a person: {why}",
                step,
                "`run FILE` without --auto asks; `tick`, `skip` and `choose` do the same from scripts",
            )
        self._walk.tell(reports.LeftOpen(step=step.id, title=step.title, why=why))
        return None

    def _stop_unknown(self, step: Step) -> Stop:
        return Stop(
            ExitCode.UNKNOWN,
            self._session.state.step(step.id).reason or "it was interrupted, and its outcome is not known",
            step,
            f"look, then `orion-deploy resolve FILE {step.id} done|failed|rerun --reason ...`",
        )

    def _reason(self, step: Step) -> str:
        verdict = self._session.state.step(step.id).verdict
        return verdict.reason if verdict is not None else "it has no verdict"


def only_looks(step: Step) -> bool:
    """Whether the step is a check: it may be repeated at will."""
    return step.facts.check is not None


def why_person(session: Session, step: Step) -> str:
    """Say why `step` cannot be carried out without a person, or return an empty string."""
    from orion_deploy.checklist.variables import applies

    if step.facts.when is not None and applies(step.facts.when, session.values) is None:
        return f"whether it applies (`when: {step.facts.when}`) depends on a value that is missing"
    if step.kind == "choice" and session.state.step(step.id).option is None:
        return "an option is to be chosen"
    if rules.needs_person(step):
        return "a person does it"
    if step.facts.watch is not None:
        return "it is a watch over time"
    if step.facts.confirm is not None:
        return "a person confirms it with a typed word"
    if session.is_interactive(step.id):
        return "it needs a real terminal"
    missing = session.missing(step.id)
    if missing:
        names = ", ".join([v.name for v in missing.variables] + list(missing.placeholders))
        return f"values are missing ({names}); give them with --set"
    return ""
