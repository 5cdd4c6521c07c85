"""One operator's hold on a run: the only owner of its state, and the only place where it changes.

Every act appends its event and returns after it is on disk; nothing is shown or started before. All
methods belong to one thread (the screen's, or the command's); the only thing that other threads do is
wait for a step's end and call `on_ended`, whose receiver comes back here with `collect`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from orion_deploy import __version__
from orion_deploy.checklist.evidence import evidence_call
from orion_deploy.checklist.model import Checklist
from orion_deploy.errors import OrionError, RefusedError
from orion_deploy.kinds.verdict import Verdict
from orion_deploy.run import attempt as attempts
from orion_deploy.run import choices, rules
from orion_deploy.run import events as ev
from orion_deploy.run.acts import bounded
from orion_deploy.run.blocks import index_of, is_block_id
from orion_deploy.run.deciding import Deciding
from orion_deploy.run.desk import Desk, Prepared
from orion_deploy.run.edge import Edge
from orion_deploy.run.lock import Holder
from orion_deploy.run.output import Output, digest
from orion_deploy.run.places import Places
from orion_deploy.run.repository import commit_of
from orion_deploy.run.resume import InFlight, Resume, build
from orion_deploy.run.state import RunState, Status
from orion_deploy.run.store import Store
from orion_deploy.run.verifying import Verifying
from orion_deploy.run.watching import Watching, firings_of


class Session(Watching, Deciding, Verifying):
    """A run, opened. Build it with `orion_deploy.run.opening.open_session`.

    `resume` tells what a person who comes back must know; `held_by` who holds the run when this session
    only looks on (`looks_on`), None when nobody does any more.
    """

    def __init__(
        self,
        *,
        checklist: Checklist,
        path: Path,
        data: bytes,
        store: Store,
        places: Places,
        run: str,
        edge: Edge,
        cwd: str,
        on_ended: Callable[[str, int], None],
        held_by: Holder | None = None,
    ) -> None:
        self.checklist = checklist
        self.path = path
        self.data = data
        self.places = places
        self.run = run
        self.edge = edge
        self.held_by = held_by
        self.resume = Resume(is_resumed=False)
        self._store = store
        self._cwd = cwd
        self._who = edge.who()
        self._on_ended = on_ended
        self._index = index_of(checklist)
        self._deciding = choices.deciding(checklist)
        self._desk = Desk(store.directory, edge)
        self.secrets: dict[str, str] = {}
        self.findings: dict[str, attempts.Finding] = {}
        self.fired_at_opening: frozenset[tuple[str, float]] = frozenset()
        """What watches had fired while nobody held the run: step and time."""

    # What is

    @property
    def state(self) -> RunState:
        """The run's state as it stands on disk."""
        return self._store.state

    @property
    def read_only(self) -> bool:
        """Whether acts are refused: another operator holds the run, or its disk failed."""
        return self._store.read_only

    @property
    def snapshot_error(self) -> str:
        """Why the last snapshot could not be written, or empty; known still when the session is closed."""
        return self._store.snapshot_error

    @property
    def directory(self) -> Path:
        """The run's folder."""
        return self._store.directory

    @property
    def cwd(self) -> str:
        """The folder in which steps run."""
        return self.state.cwd or self._cwd

    def warm(self) -> None:
        """Start in the background what the first step would otherwise wait for."""
        self._desk.warm()

    # Running

    def start(self, step_id: str, *, script: str | None = None, override: str = "") -> int:
        """Start the step's next block (or its typed kind) and return the attempt's number.

        `script` is the edited text to run instead; the diff is kept beside the attempt. `override` is the reason for
        which it is run although the run has gone the other way back (`why_override`). When it ends,
        `on_ended(step_id, attempt)` is called on another thread: call `collect` from this one.

        Raises:
            RefusedError: it cannot be run now; says why.
            NotRecordedError: the start could not be put on disk; nothing was run.
        """
        if (step := self.step(step_id)).facts.watch is not None:
            self._refuse_start(step_id)
            return self.start_watch(step)
        if evidence_call(step) is not None:
            return self.decide(step)
        prepared = self._begin(step_id, script, interactive=False, override=override)
        try:
            self._desk.launch(prepared)
        except BaseException as error:
            self._not_started(prepared, error)
            raise
        self._watch(prepared.step.id, prepared.attempt)
        return prepared.attempt

    def run_in_foreground(self, step_id: str, *, script: str | None = None) -> Verdict:
        """Run an interactive step in the real terminal; blocks until it ends. Raises as `start`."""
        prepared = self._begin(step_id, script, interactive=True)
        try:
            self._desk.run_in_foreground(prepared)
        except OrionError as error:
            self._not_started(prepared, error)
            raise
        verdict = self.collect(prepared.step.id)
        assert verdict is not None
        return verdict

    def _refuse_start(self, step_id: str, override: str = "") -> None:
        why = self.why_not_start(step_id)
        if why and not (override.strip() and why == self.why_override(step_id)):
            raise RefusedError(f"`{step_id}` cannot be run: {why}")

    def _begin(self, step_id: str, script: str | None, *, interactive: bool, override: str = "") -> Prepared:
        self._refuse_start(step_id, override)
        step = self.step(step_id)
        prepared = self._desk.prepare(
            checklist=self.checklist,
            step=step,
            state=self.state,
            run=self.run,
            cwd=self.cwd,
            block=self.next_block(step.id),
            edited=script,
            secrets=self.secrets,
            interactive=interactive,
        )
        self._append(
            ev.Started(
                step=step.id,
                attempt=prepared.attempt,
                block=prepared.block,
                title=step.title,
                what=prepared.what,
                script_sha256=prepared.script_sha256,
                edited=prepared.diff != "",
                override=bounded(override) if self.why_override(step.id) else "",
                cwd=prepared.spec.cwd,
                timeout_s=prepared.spec.timeout_s,
            )
        )
        return prepared

    def _not_started(self, prepared: Prepared, error: BaseException) -> None:
        look = attempts.look(prepared.directory)
        if look.finding is attempts.Finding.NEVER_STARTED:
            reason = error.what if isinstance(error, OrionError) else str(error)
            self._append(
                ev.NeverStarted(step=prepared.step.id, attempt=prepared.attempt, reason=bounded(reason))
            )
        else:
            self._watch(prepared.step.id, prepared.attempt)

    def collect(self, step_id: str) -> Verdict | None:
        """Take in the result of the step's attempt if it has ended; returns its verdict, None while it runs.

        A passing verdict of a step that ticks itself ticks it, in the same write. Of a step that is being
        verified: what its check has seen.
        """
        if step_id == self.verifying:
            return None if self.read_only else self.collect_verification()
        state = self.state.step(step_id)
        if state.status is not Status.RUNNING or state.is_watched or self.read_only:
            return None
        attempt = state.attempts[-1]
        look = attempts.look(self._desk.folder(step_id, attempt.number))
        self.findings[step_id] = look.finding
        match look.finding:
            case attempts.Finding.FINISHED if look.result is not None:
                return self._take_in(step_id, look.result)
            case attempts.Finding.NEVER_STARTED:
                self._append(ev.NeverStarted(step=step_id, attempt=attempt.number, reason=look.reason))
            case attempts.Finding.UNKNOWN:
                self._append(ev.Lost(step=step_id, attempt=attempt.number, reason=look.reason))
            case _:
                return None
        return None

    def _take_in(self, step_id: str, result: attempts.AttemptResult) -> Verdict:
        step = self.step(step_id)
        state = self.state.step(step_id)
        attempt = state.attempts[-1]
        verdict = self._desk.verdict(step, state, attempt, result)
        blocks = step.scripts(state.option)
        more = verdict.is_good and attempt.block + 1 < len(blocks)
        finished = ev.Finished(
            step=step_id,
            attempt=attempt.number,
            exit_status=result.shell.exit_status,
            signal=result.shell.signal,
            why=result.shell.why,
            reached_end=result.shell.reached_end,
            started_at=result.started_at,
            duration_s=round(result.duration_s, 6),
            output_bytes=result.output_bytes,
            output_dropped_bytes=result.output_dropped_bytes,
            output_sha256=digest(self._desk.folder(step_id, attempt.number), result.output_bytes),
            verdict=verdict.to_json(),
            adopted=step_id in self._adopting,
            more=more,
            carried=list(result.carried),
        )
        ticks = verdict.is_good and not more and rules.ticks_itself(step) and not is_block_id(step_id)
        if ticks:
            ticked = ev.Ticked(step=step_id, auto=True, override=attempt.override, value=verdict.value)
            self._append(finished, ticked)
        else:
            self._append(finished)
        return verdict

    _adopting: frozenset[str] = frozenset()

    def cancel(self, step_id: str, *, now: bool = False) -> bool:
        """Ask the running attempt to stop: TERM, and KILL after its grace period (at once with `now`)."""
        state = self.state.step(step_id)
        if self._verifying is not None and step_id == self.verifying:
            folder = self._desk.verification_folder(*self._verifying)
        elif state.status is Status.RUNNING and not state.is_watched:
            folder = self._desk.folder(step_id, state.attempts[-1].number)
        else:
            return False
        return attempts.kill(folder) if now else attempts.cancel(folder)

    def output(self, step_id: str, attempt: int | None = None) -> Output | None:
        """The output of an attempt (the last one by default), running or finished."""
        state = self.state.step(step_id)
        if not state.attempts:
            return None
        return Output(self._desk.folder(step_id, attempt or state.attempts[-1].number))

    def attempt_folder(self, step_id: str, attempt: int) -> Path:
        """The folder of an attempt: its script, output, diff and result."""
        return self._desk.folder(step_id, attempt)

    def survive(self, signal: int) -> str | None:
        """Tell whether a terminating signal came from one of our own steps; records it and names the step.

        Returns the step's id when the app should live on, None when the signal is meant for it.
        """
        for step_id in self.state.running:
            if self._desk.may_send_term(self.step(step_id), self.state.step(step_id)):
                self._append(ev.Survived(signal=signal, step=step_id))
                return step_id
        return None

    # Coming and going

    def refresh(self) -> bool:
        """Look-on: read what the holder has written since; True when the state changed."""
        return self._store.refresh()

    def snapshot(self) -> None:
        """Write the sidecar if it is due (at most once a second)."""
        if not self.read_only:
            self._store.snapshot()

    def events(self) -> Iterator[ev.Event]:
        """Every event of the run, in order."""
        return self._store.events()

    def close(self) -> None:
        """Leave the run in good order; running steps go on."""
        try:
            if not self.read_only:
                self._append(ev.Closed(running=list(self.state.running)))
                self._store.snapshot(force=True)
        finally:
            self._desk.close()
            self._store.close()

    def _snapshot_now(self) -> None:
        self._store.snapshot(force=True)

    def _append(self, *events: ev.Event) -> None:
        if self.read_only:
            raise RefusedError(self._why_read_only())
        now = self.edge.now()
        self._store.append(*(stamped(event, now, self._who) for event in events))
        if not self._deciding.isdisjoint(getattr(event, "step", "") for event in events):
            self.apply_conditions()
        self._store.snapshot()

    def _watch(self, step_id: str, attempt: int, folder: Path | None = None) -> None:
        folder = folder or self._desk.folder(step_id, attempt)

        def wait() -> None:
            attempts.wait(folder)
            self._on_ended(step_id, attempt)

        threading.Thread(target=wait, name=f"wait-{attempt}", daemon=True).start()

    def begin(self, torn_bytes: int) -> None:
        """Record the opening, settle what was in flight, and build the resume facts."""
        before = self.state
        digests = {step.id: step.digest for _, step in self.checklist.walk()}
        self._append(
            ev.Opened(
                checklist=self.checklist.path,
                digest=self.checklist.digest,
                cwd=before.cwd or self._cwd,
                app=__version__,
                machine=os.uname().nodename,
                commit=commit_of(self.path.resolve().parent),
                boot=self.edge.boot_id(),
                pid=os.getpid(),
                steps={i: d for i, d in digests.items() if before.digests.get(i) != d},
                gone=sorted(i for i in before.digests if i not in digests and i not in before.gone),
            )
        )
        self.apply_conditions()
        self.collect_watches()
        self.fired_at_opening = firings_of(self.state) - firings_of(before)
        in_flight = tuple(self._settle(step_id) for step_id in before.running)
        self.resume = build(
            before, self.state, self.checklist, in_flight, now=self.edge.now(), torn_bytes=torn_bytes
        )

    def apply_conditions(self) -> None:
        """Pass over the steps whose `when` does not hold, and bring back those to which it holds again."""
        found = tuple(choices.consequences(self.checklist, self.state, self.values))
        if found:
            self._append(*found)

    def _settle(self, step_id: str) -> InFlight:
        """Find out what became of an attempt that another session started."""
        state = self.state.step(step_id)
        attempt = state.attempts[-1]
        look = attempts.look(self._desk.folder(step_id, attempt.number))
        self.findings[step_id] = look.finding
        if step_id not in self._index:
            self._append(
                ev.Lost(step=step_id, attempt=attempt.number, reason="the step is no longer in the file")
            )
        elif look.finding in (attempts.Finding.RUNNING, attempts.Finding.ORPHAN):
            self._adopting |= {step_id}
            self._watch(step_id, attempt.number)
        else:
            self._adopting |= {step_id}
            self.collect(step_id)
        return InFlight(
            step=step_id,
            attempt=attempt.number,
            finding=look.finding,
            started_at=attempt.started_at,
            reason=look.reason,
        )


def stamped(event: ev.Event, at: float, by: str) -> ev.Event:
    """The event with its time and author."""
    from dataclasses import replace

    return replace(event, at=event.at or at, by=event.by or by)
