"""Carrying a run out without a screen: the steps of the path in order, each settled by a policy.

What happens is told by a callback; nothing here prints, and nothing here decides about a step.
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
from orion_deploy.run.state import SETTLED, Firing, RunState, Status

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
        self.only = only
        self.pairs = self._chosen(until, only)
        self._section = ""
        self._has_watches = any(step.facts.watch is not None for _, step in session.checklist.walk())
        self._before = {(step_id, firing.at) for step_id, firing in self._firings()}
        """Firings from before this walk: they are told, but do not stop it."""
        self._told: set[tuple[str, float]] = set()

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
        code = stop.code if stop is not None else self._code()
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

    def _code(self) -> ExitCode:
        """The exit code that the state amounts to: a watch that has fired is a failure before its end."""
        code = code_of([step for _, step in self.pairs], self.session.state)
        return ExitCode.FAILED if code is ExitCode.PERSON_NEEDED and any(self._firings()) else code

    def tell(self, report: reports.Report) -> None:
        """Give a report, with the time, to whoever listens."""
        self.follower.tell(replace(report, at=self.session.edge.now()))

    def follow(self, step: Step, attempt: int) -> Status:
        """Tell that an attempt was started, follow it to its end, and return the step's status then.

        A watch is followed until somebody has looked once: then it goes on by itself.
        """
        if step.facts.watch is not None:
            self.follower.follow_first_look(step.id)
            self.tell_watch(step)
            return self.session.state.step(step.id).status
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

    def verify(self, step: Step) -> Status:
        """Let the check of an interrupted step look whether it was carried out; return the step's status then."""
        self.session.verify(step.id)
        look = self.session.state.step(step.id).verifications[-1]
        self.tell(reports.Verifying(step=step.id, title=step.title, what=look.what))
        self.follower.follow_verification(step.id)
        state = self.session.state.step(step.id)
        verdict = state.verifications[-1].verdict
        assert verdict is not None
        self.tell(reports.Verified(step=step.id, verdict=verdict, status=state.status.value))
        return state.status

    def tell_watch(self, step: Step) -> None:
        """Tell how far the watch of a step is, if one is under way."""
        if not self.session.state.step(step.id).is_watched:
            return
        record = next((r for r in self.session.watches() if r.step == step.id), None)
        if record is not None:
            self.tell(
                reports.Watching(
                    step=step.id,
                    title=step.title,
                    attempt=record.attempt,
                    watch_s=record.watch_s,
                    due_at=record.due_at,
                    shown=record.shown,
                )
            )

    def fired(self) -> Step | None:
        """Take in what the watches have seen, tell what was not told yet, and return the first that fired in this walk."""
        if not self._has_watches:
            return None
        self.session.collect_watches()
        first = None
        for step_id, firing in self._firings():
            if (step_id, firing.at) in self._told:
                continue
            self._told.add((step_id, firing.at))
            step = self.session.step(step_id)
            if first is None and (step_id, firing.at) not in self._before:
                first = step
            self.tell(
                reports.Fired(
                    step=step_id,
                    title=step.title,
                    reason=firing.reason,
                    value=firing.value,
                    fired_at=firing.at,
                )
            )
        return first

    def _firings(self) -> Iterator[tuple[str, Firing]]:
        """The firings of the watches under way."""
        state = self.session.state
        for step_id in state.watched if self._has_watches else ():
            watched = state.step(step_id).attempts[-1].watched
            for firing in watched.fired if watched is not None else ():
                yield step_id, firing

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
                result=self.session.result,
                counts={
                    "total": counts.total,
                    "done": counts.done,
                    "skipped": counts.skipped,
                    "not_applicable": counts.not_applicable,
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
