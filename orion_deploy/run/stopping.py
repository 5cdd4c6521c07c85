"""Ending a step: TERM to all that stems from it, KILL after a grace period, until nothing is left of it.

Not by pid: the group while its leader lives, and every descendant that left the group, found by its
descent. Part of the supervisor's program.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress

from orion_deploy.run import family

KILL_PAUSE_S = 0.02
KILL_PATIENCE_S = 5.0
"""How long to go on killing; a process in uninterruptible sleep does not die."""
_BOOT_CLOCK: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def boot_s() -> float:
    """Return seconds since boot, time asleep included: a timeout goes on while the machine sleeps."""
    return time.clock_gettime(_BOOT_CLOCK)


class Stopper:
    """When a step is to be ended, by whose wish, and how far that is. Moments are of the boot clock.

    `why` is empty, `timeout` or `cancelled`: the first reason stays.
    """

    def __init__(self) -> None:
        self.why = ""
        self.deadline_s: float | None = None
        """When its time is up."""
        self._kill_at_s: float | None = None
        self._give_up_at_s: float | None = None
        self._group = 0

    def begin(self, group: int, timeout_s: float | None) -> None:
        """The step runs, in this process group."""
        self._group = group
        if timeout_s:
            self.deadline_s = boot_s() + timeout_s

    def leader_ended(self) -> None:
        """The step's own process was reaped: its pid may be anyone's now, its time does not count any more."""
        self.deadline_s = None
        if sys.platform.startswith(
            "linux"
        ):  # Elsewhere descendants are lost with it, and only the group is left.
            self._group = 0

    def end(self) -> None:
        """All is over: nothing is ended any more."""
        self._group = 0
        self.deadline_s = self._kill_at_s = self._give_up_at_s = None

    @property
    def moments_s(self) -> list[float]:
        """When `look_at_the_clock` has something to do."""
        moments = (self.deadline_s, self._kill_at_s, self._give_up_at_s)
        return [moment for moment in moments if moment is not None]

    @property
    def has_given_up(self) -> bool:
        """Whether something could not be killed."""
        return self._give_up_at_s is not None and boot_s() >= self._give_up_at_s

    def stop(self, why: str, grace_s: float) -> None:
        """End the step: TERM now, KILL in `grace_s` seconds; with 0 KILL at once."""
        now_s = boot_s()
        self.why = self.why or why
        self.deadline_s = None
        if grace_s > 0 and self._kill_at_s is None:
            self._send(signal.SIGTERM)
            self._send(signal.SIGCONT)  # What is stopped would not hear of it.
        kill_at_s = now_s + grace_s
        self._kill_at_s = kill_at_s if self._kill_at_s is None else min(kill_at_s, self._kill_at_s)
        self._give_up_at_s = self._kill_at_s + KILL_PATIENCE_S

    def look_at_the_clock(self, grace_s: float, *, has_children: bool) -> None:
        """Do what is due. `has_children`: something of the step is known to be left.

        A look at all processes is no moment in time: one whose parent ends meanwhile can be missed, so that
        an empty look alone does not end the killing.
        """
        now_s = boot_s()
        if self.deadline_s is not None and now_s >= self.deadline_s:
            self.stop("timeout", grace_s)
        if self._kill_at_s is not None and now_s >= self._kill_at_s:
            is_there = self._send(signal.SIGKILL)
            is_left = is_there or has_children
            self._kill_at_s = now_s + KILL_PAUSE_S if is_left and not self.has_given_up else None

    def _send(self, number: int) -> bool:
        """Send a signal to everything that stems from the step; tell whether anything was there.

        Each gets it once: a second TERM means "at once" to some programs.
        """
        group = self._group
        if group:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)
        others = family.descendants(os.getpid())
        for pid in others:
            with suppress(ProcessLookupError, PermissionError):
                if not group or os.getpgid(pid) != group:
                    os.kill(pid, number)
        return bool(others)
