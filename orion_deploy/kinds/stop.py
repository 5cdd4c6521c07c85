"""A program is stopped when its processes are gone and stay gone, not when a signal was sent.

Each process is signalled by pid, after its start time was looked at once more through a handle that a
reused pid cannot fool (Linux: pidfd). Whoever started it again is named.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.kinds.base import Action, Context
from orion_deploy.kinds.process import OfProgram, absence_doubt, count
from orion_deploy.kinds.processes import Identity, Running, is_alive, listed, look
from orion_deploy.kinds.verdict import Json, Outcome, Verdict

POLL_INTERVAL_S = 0.05
LOOK_INTERVAL_S = 0.5
"""How often all processes are looked through for one that came back."""
KILL_DEADLINE_S = 5.0
"""How long the kernel may take to end a process after SIGKILL (it waits for a disk that hangs)."""


class ProcessStop(OfProgram, Action):
    """Stop the program: TERM, wait, watch that it does not come back.

    TERM goes to each process by pid (parents before their children), then there are `deadline_s` seconds to
    end in order. With `kill: true` what is left is killed after that; without it the step fails and names
    what still runs. Then `respawn_watch_s` seconds are watched for a service manager that starts it again.
    Already stopped is passed. Failed: not allowed to signal it, still running, or came back.
    """

    name: ClassVar[str] = "process.stop"
    example: ClassVar[str] = """
        action:
          process.stop:
            program: Orion
            deadline_s: 20
        confirm: stop
    """

    deadline_s: float = Field(15.0, gt=0, le=3600, description="seconds that it has to end after TERM")
    respawn_watch_s: float = Field(
        2.0, ge=0, le=600, description="seconds to watch that it does not come back"
    )
    kill: bool = Field(default=False, description="KILL what is left after the deadline")

    @classmethod
    def verification(cls, parameters: Mapping[str, object]) -> KindCall | None:
        """It is stopped when it is not there."""
        shared = {name: parameters[name] for name in OfProgram.model_fields if name in parameters}
        return KindCall("process.absent", shared)

    def act(self, context: Context) -> Verdict:
        """Stop it, and read back that it is gone."""
        identity = self.identity(context)
        sighting = look(identity)
        if not sighting.found:
            doubt = absence_doubt(identity, sighting)
            if doubt:
                return Verdict(Outcome.UNDECIDED, doubt, "not known")
            return Verdict(Outcome.PASSED, f"{identity} was already stopped", "was not running")
        targets = sighting.found
        started_s = time.monotonic()
        for process in targets:
            print(f"stopping {process}")
        refused = _end(targets, context, self.deadline_s)
        left = tuple(p for p in targets if is_alive(p))
        killed: tuple[Running, ...] = ()
        if left and self.kill and not context.is_cancelled() and not refused:
            killed = left
            for process in left:
                print(f"killing {process}: it did not end within {self.deadline_s:g} s")
                _signal(process, signal.SIGKILL)
            left = _wait_gone(left, KILL_DEADLINE_S)
        took_s = time.monotonic() - started_s
        values: dict[str, Json] = {
            "pids": [p.pid for p in targets],
            "killed": [p.pid for p in killed],
            "duration_s": round(took_s, 3),
        }
        if left:
            return Verdict(Outcome.FAILED, self._still(identity, left, refused, context), count(left), values)
        back = _came_back(identity, targets, context, self.respawn_watch_s)
        if back:
            values["came_back"] = [p.pid for p in back]
            return Verdict(
                Outcome.FAILED,
                f"{identity} came back: {_with_parents(back)}. Stop it there",
                count(back),
                values,
            )
        how = f"; {len(killed)} had to be killed" if killed else ""
        return Verdict(
            Outcome.PASSED,
            f"{identity} is stopped: {count(targets)} ended after {took_s:.1f} s{how}, and did not come back",
            f"stopped in {took_s:.1f} s",
            values,
        )

    def _still(
        self, identity: Identity, left: tuple[Running, ...], refused: tuple[Running, ...], context: Context
    ) -> str:
        if refused:
            return f"not allowed to stop {listed(refused)}: stop it as that user, or with sudo"
        if context.is_cancelled():
            return f"cancelled while {identity} was ending: {listed(left)} had TERM and still runs"
        hint = "" if self.kill else "; wait, or stop it by hand, or set `kill: true`"
        return f"{identity} is still running {self.deadline_s:g} s after TERM: {listed(left)}{hint}"


def _end(targets: tuple[Running, ...], context: Context, deadline_s: float) -> tuple[Running, ...]:
    """TERM each target once its parents among the targets are gone; wait. Returns those we may not signal."""
    waiting = {p.pid: p for p in targets}
    alive = dict(waiting)
    refused: list[Running] = []
    until_s = time.monotonic() + deadline_s
    begun_s = time.monotonic()
    while alive and not refused:
        for process in [p for p in waiting.values() if p.parent_pid not in alive]:
            del waiting[process.pid]
            if not _signal(process, signal.SIGTERM):
                refused.append(process)
        now_s = time.monotonic()
        context.progress(int((now_s - begun_s) * 10), int(deadline_s * 10), "waiting for it to end")
        if now_s >= until_s or context.is_cancelled():
            break
        time.sleep(POLL_INTERVAL_S)
        alive = {pid: p for pid, p in alive.items() if is_alive(p)}
        waiting = {pid: p for pid, p in waiting.items() if pid in alive}
    return tuple(refused)


def _wait_gone(processes: tuple[Running, ...], deadline_s: float) -> tuple[Running, ...]:
    """Wait until all are gone; returns those that are not."""
    until_s = time.monotonic() + deadline_s
    left = tuple(p for p in processes if is_alive(p))
    while left and time.monotonic() < until_s:
        time.sleep(POLL_INTERVAL_S)
        left = tuple(p for p in left if is_alive(p))
    return left


def _came_back(
    identity: Identity, stopped: tuple[Running, ...], context: Context, watch_s: float
) -> tuple[Running, ...]:
    """Watch for processes of the program that were not there before; look at least once."""
    known = {(p.pid, p.started_at) for p in stopped}
    begun_s = time.monotonic()
    until_s = begun_s + watch_s
    while True:
        back = tuple(p for p in look(identity).found if (p.pid, p.started_at) not in known)
        if back or time.monotonic() >= until_s or context.is_cancelled():
            return back
        passed_s = time.monotonic() - begun_s
        context.progress(int(passed_s * 10), int(watch_s * 10), "watching that it does not come back")
        time.sleep(min(LOOK_INTERVAL_S, max(0.0, until_s - time.monotonic())))


def _with_parents(processes: tuple[Running, ...]) -> str:
    import psutil

    words = []
    for process in processes[:3]:
        try:
            parent = psutil.Process(process.parent_pid)
            words.append(f"{process}, started by {parent.name()} (pid {parent.pid})")
        except psutil.Error:
            words.append(str(process))
    return "; ".join(words)


def _signal(process: Running, number: signal.Signals) -> bool:
    """Signal this very process. True also when it is gone already; False when we are not allowed to."""
    handle = -1
    try:
        if hasattr(os, "pidfd_open"):
            try:
                handle = os.pidfd_open(process.pid)
            except ProcessLookupError:
                return True
            except OSError:  # an old kernel: the check below narrows the gap, and has to do
                handle = -1
        if not is_alive(process):
            return True
        if handle >= 0:
            signal.pidfd_send_signal(handle, number)
        else:
            os.kill(process.pid, number)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    finally:
        if handle >= 0:
            os.close(handle)
    return True
