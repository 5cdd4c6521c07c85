"""One attempt: its folder, the process in it, and what can be known of that process at any later time.

Folder (0700): `script`, `spec.json` (inputs); `run.json` (pid, process group, start time, boot id; on disk
before the child is let go), `out` (+ `out.tail0`, `out.tail1`: head and tail of long output), `ctl` (FIFO:
cancel), `sup.lock` and `step.lock` (held while the supervisor, and while the step, lives), `status.json`
(by rename), `end.json`-like facts of the shell's end, `result.json` (verdict of a typed step), `void`
(fence: can never start any more).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from orion_deploy.kinds.shell import ShellResult


class Finding(StrEnum):
    """What a later session can know of an attempt."""

    FINISHED = "finished"
    RUNNING = "running"
    NEVER_STARTED = "never started"
    ORPHAN = "orphan"
    """The step's process lives, its supervisor does not: its status can no longer be known, its end can."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class AttemptSpec:
    """What to run. `interpreter` is an argv to which the script's descriptor path (`/dev/fd/N`) is appended."""

    script: bytes
    interpreter: tuple[str, ...] = ("bash",)
    is_shell: bool = True
    """Wrap it so that its end, hidden failures, `cd` and `export` are recorded."""
    cwd: str = "/"
    env: Mapping[str, str] = field(default_factory=dict)
    carried_from: str = ""
    """Folder of the attempt whose `cd`/`export` this one starts from, or empty."""
    timeout_s: float | None = None
    grace_s: float = 5.0
    output_bytes_max: int = 16 * 1024 * 1024
    secrets: tuple[str, ...] = ()
    """Values that the pump replaces by `***` before they reach the disk."""


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """How an attempt ended."""

    shell: ShellResult
    started_at: float
    duration_s: float
    output_bytes: int
    output_dropped_bytes: int = 0
    carried: tuple[str, ...] = ()
    """Names of exported variables that changed, and `cwd` if the folder did."""
    left_running: bool = False
    """It left a process behind that still lives (`app &`)."""
    log_error: str = ""
    spawn_error: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """The finding, with what goes with it."""

    finding: Finding
    result: AttemptResult | None = None
    pid: int | None = None
    reason: str = ""
