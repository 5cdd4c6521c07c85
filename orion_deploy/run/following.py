"""Following a running attempt to its end: its output, its progress, and the signals that come meanwhile.

A signal never interrupts an act on the run in its middle: it is kept, and looked at between two acts.
"""

from __future__ import annotations

import queue
import signal
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any, Self

from orion_deploy.checklist.model import Step
from orion_deploy.run import reports
from orion_deploy.run.output import HEAD, Output
from orion_deploy.run.session import Session
from orion_deploy.run.state import Status
from orion_deploy.text import stripped

FOLLOW_INTERVAL_S = 0.05
"""How often output is looked for; the end of an attempt is told at once."""
PROGRESS_INTERVAL_S = 1.0
FIRST_LOOK_S = 10.0
"""How long the first look of a watch is waited for: by then it is known whether it can be watched at all."""
OUTPUT_TOLD_BYTES_MAX = 256 * 1024
"""Of one attempt; the whole (to its own limit) is in the attempt's folder."""
OUTPUT_READ_BYTES = 64 * 1024
TAIL_TOLD_BYTES = 4 * 1024
"""What is told of the end, after the middle was withheld."""
LINE_BYTES_MAX = 4 * 1024
"""A line that grows longer is told in parts."""

Tell = Callable[[reports.Report], None]


class Left(Exception):  # noqa: N818  # it is no error: the operator, or the system, ended this session
    """This session ends now; what runs goes on. `step` is where it was, `help` how to go on."""

    def __init__(self, why: str, step: Step | None = None, help: str = "") -> None:
        super().__init__(why)
        self.step = step
        self.help = help


class Signals:
    """INT, TERM and HUP while a run is carried out: kept, unless a person is being asked something."""

    TAKEN = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self._pending: deque[int] = deque()
        self._is_asking = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in self.TAKEN:
            self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if self._is_asking:
            raise Left(f"{signal.Signals(number).name} came")
        self._pending.append(number)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """While a person is asked, a signal ends the session at once: there is nothing under way."""
        self._is_asking = True
        try:
            self.leave_if_asked()
            yield
        finally:
            self._is_asking = False

    def take(self) -> int | None:
        """Return the oldest signal that is waiting, if any."""
        return self._pending.popleft() if self._pending else None

    def leave_if_asked(self, step: Step | None = None) -> None:
        """Between two acts: raise Left when a signal is waiting."""
        number = self.take()
        if number is not None:
            raise Left(f"{signal.Signals(number).name} came", step)


class Follower:
    """Follows attempts of one session. `ended` gets `(step id, attempt)` from the session's `on_ended`."""

    def __init__(self, ended: queue.SimpleQueue[tuple[str, int]], signals: Signals, tell: Tell) -> None:
        self._ended = ended
        self.signals = signals
        self.tell = tell
        self._session: Session | None = None

    def attach(self, session: Session) -> None:
        """Say whose attempts these are: the queue had to be there before the session was."""
        self._session = session

    @property
    def session(self) -> Session:
        """The session."""
        assert self._session is not None
        return self._session

    def follow(self, step_id: str) -> None:
        """Return when the step's attempt has ended and its result is on disk.

        The first INT cancels the attempt, the next one kills it. TERM and HUP that a step sent are survived;
        other ones leave the step running.

        Raises:
            Left: the session is to end; after INT the attempt has ended too.
        """
        session = self.session
        step = session.step(step_id)
        attempt = session.state.step(step_id).attempts[-1].number
        output = _OutputTold(session, step_id, attempt, self._tell)
        progress = _ProgressTold(session, step_id, attempt, self._tell)
        interrupts = 0
        while session.state.step(step_id).status is Status.RUNNING:
            with suppress(queue.Empty):
                self._ended.get(timeout=FOLLOW_INTERVAL_S)
            output.tell_new()
            progress.tell_new()
            while (number := self.signals.take()) is not None:
                if number == signal.SIGINT:
                    session.cancel(step_id, now=interrupts > 0)
                    interrupts += 1
                else:
                    self._leave_or_survive(step, number)
            session.collect(step_id)
        output.tell_rest()
        self._tell_end(step_id, attempt)
        if interrupts:
            raise Left(
                "interrupted; the step was cancelled",
                step,
                "its end is on disk; the same command tells how to go on",
            )

    def follow_first_look(self, step_id: str) -> None:
        """Return when somebody has looked at the step's watch once, at the latest after `FIRST_LOOK_S`.

        Raises Left on a signal; the watch goes on.
        """
        session = self.session
        end_s = session.edge.boot_s() + FIRST_LOOK_S
        while session.edge.boot_s() < end_s:
            session.collect_watches()
            is_looked_at = any(r.step == step_id and r.looks for r in session.watches())
            if is_looked_at or not session.state.step(step_id).is_watched:
                return
            self.signals.leave_if_asked(session.step(step_id))
            with suppress(queue.Empty):
                self._ended.get(timeout=FOLLOW_INTERVAL_S)

    def follow_verification(self, step_id: str) -> None:
        """Return when the check that looks whether the step was carried out has looked, and it is on disk.

        Raises Left on a signal: the check is stopped, and may be asked again.
        """
        session = self.session
        step = session.step(step_id)
        while session.verifying == step_id:
            with suppress(queue.Empty):
                self._ended.get(timeout=FOLLOW_INTERVAL_S)
            if (number := self.signals.take()) is not None:
                session.cancel(step_id)
                raise Left(f"{signal.Signals(number).name} came; the outcome is still unknown", step)
            session.collect(step_id)

    def _leave_or_survive(self, step: Step, number: int) -> None:
        sender = self.session.survive(number)
        if sender is None:
            raise Left(
                f"{signal.Signals(number).name} came; the step goes on without this app",
                step,
                "open the run again: it is followed from there",
            )
        self._tell(reports.Survived(signal=number, step=sender))

    def _tell_end(self, step_id: str, number: int) -> None:
        state = self.session.state.step(step_id)
        attempt = next((a for a in state.attempts if a.number == number), None)
        if attempt is None:
            return
        if attempt.verdict is None:
            self._tell(
                reports.NotFinished(
                    step=step_id, attempt=number, ending=attempt.ending, status=state.status.value
                )
            )
            self._tell_escalations(step_id)
            return
        self._tell(
            reports.Finished(
                step=step_id,
                attempt=number,
                verdict=attempt.verdict,
                duration_s=attempt.duration_s or 0.0,
                exit_status=attempt.exit_status,
                signal=attempt.signal,
                status=state.status.value,
            )
        )
        self._tell_escalations(step_id)

    def _tell_escalations(self, step_id: str) -> None:
        if found := self.session.escalations_at(step_id):
            self._tell(reports.Escalates.of(found, step_id))

    def _tell(self, report: reports.Report) -> None:
        self.tell(replace(report, at=self.session.edge.now()))


class _OutputTold:
    """Tells an attempt's output in whole lines, up to a limit, and of the rest the end."""

    def __init__(self, session: Session, step_id: str, attempt: int, tell: Tell) -> None:
        directory = session.attempt_folder(step_id, attempt)
        self._output = Output(directory)
        self._path = directory / HEAD
        self._step_id = step_id
        self._tell = tell
        self._offset = 0
        self._line = b""
        """What was read of a line that has not ended yet."""

    def tell_new(self) -> None:
        """Tell what was printed since."""
        while self._offset < OUTPUT_TOLD_BYTES_MAX:
            room = OUTPUT_TOLD_BYTES_MAX - self._offset
            chunk = self._output.read(self._offset, min(OUTPUT_READ_BYTES, room))
            if not chunk:
                return
            self._offset += len(chunk)
            whole, newline, self._line = (self._line + chunk).rpartition(b"\n")
            if newline:
                self._say(whole)
            if len(self._line) > LINE_BYTES_MAX:
                self._say_rest()

    def tell_rest(self) -> None:
        """Tell what is left at the end."""
        self.tell_new()
        self._say_rest()
        withheld = self._output.size() - self._offset
        if withheld > 0:
            self._tell(
                reports.Withheld(step=self._step_id, size_bytes=withheld, path=str(self._path.absolute()))
            )
            tail = self._output.tail(min(TAIL_TOLD_BYTES, withheld))
            if withheld > len(tail):
                tail = tail.partition(b"\n")[2] or tail
            self._say(tail.removesuffix(b"\n"))

    def _say_rest(self) -> None:
        if self._line:
            self._say(self._line)
            self._line = b""

    def _say(self, line: bytes) -> None:
        self._tell(reports.Printed(step=self._step_id, text=stripped(line.decode("utf-8", "replace"))))


class _ProgressTold:
    """Tells how far a typed step is, at most once a second and only when it moved."""

    def __init__(self, session: Session, step_id: str, attempt: int, tell: Tell) -> None:
        self._directory: Path | None = session.attempt_folder(step_id, attempt)
        if session.step(step_id).facts.call is None:
            self._directory = None
        self._step_id = step_id
        self._tell = tell
        self._now_s = session.edge.boot_s
        self._next_s = self._now_s() + PROGRESS_INTERVAL_S
        self._last: object = None

    def tell_new(self) -> None:
        """Tell it if it is due."""
        if self._directory is None or self._now_s() < self._next_s:
            return
        from orion_deploy.kinds.worker import read_progress

        self._next_s = self._now_s() + PROGRESS_INTERVAL_S
        seen = read_progress(self._directory)
        if seen is None or seen == self._last:
            return
        self._last = seen
        self._tell(
            reports.Advanced(
                step=self._step_id,
                done=seen.done,
                total=seen.total,
                message=seen.message,
                elapsed_s=max(0.0, seen.at - seen.started_at),
                eta_s=seen.eta_s,
            )
        )
