"""The edge: time, identity and the machine come in through here, so that tests can hold them."""

from __future__ import annotations

import getpass
import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

# Counts while the machine sleeps: Linux has a clock of its own for it, and macOS's monotonic clock does so by itself.
_BOOT_CLOCK: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@cache
def boot_id() -> str:
    """Return an identifier of this boot of the machine, or an empty string where there is none."""
    if sys.platform.startswith("linux"):
        try:
            with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
                return file.read().strip()
        except OSError:
            return ""
    import subprocess

    try:
        answer = subprocess.run(
            ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"],
            capture_output=True,
            text=True,
            check=False,
            timeout=5,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip()


def boot_clock_s() -> float:
    """Return seconds since boot, time asleep included."""
    return time.clock_gettime(_BOOT_CLOCK)


def awake_clock_s() -> float:
    """Return seconds since boot, time asleep left out: Linux's monotonic clock, macOS's uptime clock."""
    return time.clock_gettime(getattr(time, "CLOCK_UPTIME_RAW", time.CLOCK_MONOTONIC))


def who() -> str:
    """Return `user@host`, for the record of who did what."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


@dataclass(frozen=True, slots=True)
class Edge:
    """What the core may not ask the machine for by itself."""

    now: Callable[[], float] = time.time
    """Wall-clock seconds since the epoch."""
    boot_s: Callable[[], float] = boot_clock_s
    awake_s: Callable[[], float] = awake_clock_s
    boot_id: Callable[[], str] = boot_id
    who: Callable[[], str] = who
    environ: Callable[[], dict[str, str]] = field(default=lambda: dict(os.environ))
