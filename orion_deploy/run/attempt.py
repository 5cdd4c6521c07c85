"""One attempt: its folder, the process in it, and what can be known of that process at any later time.

Folder (0700): `script`, `spec.json` (inputs); `run.json` (pid, its start time, boot id; on disk before the
child is let go), `out` (+ `out.tail0`, `out.tail1`: head and tail of long output), `ctl` (FIFO: cancel),
`sup.lock` and `step.lock` (held while the supervisor, and while the step, lives), `facts` (what the wrapper
noted of the script's end), `carried.json` (what it leaves for later steps), `status.json` (by rename),
`result.json` (verdict of a typed step), `void` (fence: can never start any more).

What is not known is called unknown: only a status on disk says how an attempt ended, and only the absence
of `run.json` under a free lock says that it never began.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from orion_deploy.errors import StoreError
from orion_deploy.kinds.shell import HiddenFailure, ShellResult
from orion_deploy.run import family, files

if TYPE_CHECKING:
    from orion_deploy.run.carry import Kept

SCRIPT = "script"
SPEC = "spec.json"
RUN = "run.json"
STATUS = "status.json"
CARRIED = "carried.json"
CONTROL = "ctl"
SUPERVISOR_LOCK = "sup.lock"
STEP_LOCK = "step.lock"
VOID = "void"
RECORD_BYTES_MAX = 1024 * 1024
CARRIED_BYTES_MAX = 256 * 1024 * 1024
CONTROL_PATIENCE_S = 2.0
"""How long a cancel waits for a supervisor that is just starting."""
PAUSE_S = 0.01


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
    """The whole environment; empty: that of this process. Values reach no file."""
    carried_from: str = ""
    """Folder of the attempt whose `cd`/`export` this one starts from, or empty."""
    timeout_s: float | None = None
    grace_s: float = 5.0
    output_bytes_max: int = 16 * 1024 * 1024
    secrets: tuple[str, ...] = ()
    """Values that the pump replaces by `***` before they reach the disk."""
    keep_cwd: bool = False
    """The step names its own folder: a `cd` that was carried does not move it, variables do come."""


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """How an attempt ended."""

    shell: ShellResult
    started_at: float
    duration_s: float
    output_bytes: int
    output_dropped_bytes: int = 0
    carried: tuple[str, ...] = ()
    """Names of variables that changed, and `cwd` if the folder did."""
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
    started_at: float | None = None


@dataclass(frozen=True, slots=True)
class Carried:
    """What the steps up to one left for later ones, on top of the operator's environment. Names may be shown, values not."""

    cwd: str = ""
    """The folder, or empty where no step changed it."""
    env: Mapping[str, str | None] = field(default_factory=dict)
    """Exported variables; None for one that was unset."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Variables that were set and not exported."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names alone, `cwd` first where the folder changed."""
        return (*(("cwd",) if self.cwd else ()), *sorted({*self.env, *self.variables}))


def look(directory: Path, *, fence: bool = True) -> Look:
    """Find out what became of an attempt. Never raises, and never takes "cannot be read" for "is not there".

    `fence` makes a finding of NEVER_STARTED final (`void` on disk); only the session that holds the run may,
    one that looks on passes False.
    """
    try:
        return _status(directory) or _without_status(directory, fence=fence)
    except (OSError, StoreError) as error:
        what = error.strerror if isinstance(error, OSError) else error.what
        return Look(Finding.UNKNOWN, reason=f"its record cannot be read: {what}")


def _status(directory: Path) -> Look | None:
    data = files.read_private(directory / STATUS, bytes_max=RECORD_BYTES_MAX)
    if data is None:
        return None
    try:
        result = _result(json.loads(data))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return Look(Finding.UNKNOWN, reason="the record of its end is damaged")
    return Look(Finding.FINISHED, result, started_at=result.started_at)


def _without_status(directory: Path, *, fence: bool) -> Look:
    if not _is_there(directory):
        if fence:
            files.make_folder(directory)
            _put_void(directory)
        return Look(Finding.NEVER_STARTED, reason="nothing of it was put on disk")
    with _Lock(directory / SUPERVISOR_LOCK) as lock:
        if lock.is_held_by_another:
            run = read_run(directory)
            return Look(Finding.RUNNING, pid=_number(run, "pid"), started_at=_moment(run))
        # It may have ended between the two looks; while the lock is ours nothing can begin.
        if (status := _status(directory)) is not None:
            return status
        data = files.read_private(directory / RUN, bytes_max=RECORD_BYTES_MAX)
        if data is None:
            if fence:
                _put_void(directory)
            return Look(Finding.NEVER_STARTED, reason="its process was never let go")
    return _without_supervisor(directory, read_run(directory))


def _without_supervisor(directory: Path, run: Mapping[str, Any]) -> Look:
    pid, began = _number(run, "pid"), run.get("start")
    if pid is None or not isinstance(began, str):
        return Look(Finding.UNKNOWN, reason="it was started; the record of its start is damaged")
    if not began or run.get("boot") != family.boot_id():
        return Look(
            Finding.UNKNOWN,
            pid=pid,
            started_at=_moment(run),
            reason="it was started, and the machine was started anew since",
        )
    if family.start_time(pid) == began:
        return Look(
            Finding.ORPHAN,
            pid=pid,
            started_at=_moment(run),
            reason=f"what watched over it was killed; its process {pid} still runs",
        )
    return Look(Finding.UNKNOWN, pid=pid, started_at=_moment(run), reason=_last_words(directory))


def _last_words(directory: Path) -> str:
    """Say what is known of a script whose supervisor was killed; the wrapper may have noted its end."""
    from orion_deploy.run.facts import read_facts

    reason = "what watched over it was killed before its end could be recorded"
    with suppress(OSError, StoreError):
        facts = read_facts(files.read_private(directory / "facts") or b"")
        if facts.reached_end:
            reason += "; the script itself noted that it reached its end"
        elif facts.reached_end is False:
            reason += f"; the script itself noted that it left at line {facts.left_line}"
    return reason


def _is_there(directory: Path) -> bool:
    try:
        os.stat(directory)
    except FileNotFoundError:
        return False
    return True


def _put_void(directory: Path) -> None:
    with suppress(FileExistsError):
        files.create_private(directory / VOID, b"")


def read_run(directory: Path) -> Mapping[str, Any]:
    """Return the record of the start; empty where there is none that can be read. Raises OSError, StoreError."""
    try:
        run = json.loads(files.read_private(directory / RUN, bytes_max=RECORD_BYTES_MAX) or b"{}")
    except ValueError:
        return {}
    return run if isinstance(run, dict) else {}


def _number(run: Mapping[str, Any], name: str) -> int | None:
    value = run.get(name)
    return value if isinstance(value, int) else None


def _moment(run: Mapping[str, Any]) -> float | None:
    value = run.get("started_at")
    return float(value) if isinstance(value, int | float) else None


def _result(status: Mapping[str, Any]) -> AttemptResult:
    shell = ShellResult(
        exit_status=_optional_int(status["exit_status"]),
        signal=_optional_int(status["signal"]),
        why=str(status["why"]),
        reached_end={True: True, False: False}.get(status["reached_end"]),
        failures=tuple(
            HiddenFailure(int(line), int(code), str(command), tuple(int(s) for s in statuses))
            for line, code, command, statuses in status["failures"]
        ),
        left_line=int(status["left_line"]),
        is_syntax_error=bool(status["syntax_error"]),
        pipeline=tuple(int(s) for s in status["pipeline"]),
    )
    return AttemptResult(
        shell=shell,
        started_at=float(status["started_at"]),
        duration_s=float(status["duration_s"]),
        output_bytes=int(status["output_bytes"]),
        output_dropped_bytes=int(status["output_dropped_bytes"]),
        carried=tuple(str(name) for name in status["carried"]),
        left_running=bool(status["left_running"]),
        log_error=str(status["log_error"]),
        spawn_error=str(status["spawn_error"]),
    )


def _optional_int(value: object) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int):
        raise TypeError(value)
    return value


class _Lock:
    """A shared hold on a lock, or the knowledge that another has it for himself."""

    def __init__(self, path: Path) -> None:
        self._fd = files.open_private(path, os.O_RDWR | os.O_CREAT)
        self.is_held_by_another = False
        try:
            fcntl.flock(self._fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            self.is_held_by_another = True
        except BaseException:
            os.close(self._fd)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)


def wait(directory: Path, timeout_s: float | None = None) -> bool:
    """Block until the step has ended, at most `timeout_s`; True when it has. What it left running is not waited for.

    Works for an attempt of any session: the kernel tells when the holder of its lock lets go. An orphan is
    waited for by its pid and start time.
    """
    from orion_deploy.run import waiting

    if timeout_s is None:
        waiting.wait_for_end(directory)
        return True
    return waiting.wait_at_most(directory, timeout_s)


def cancel(directory: Path, *, grace_s: float = 5.0) -> bool:
    """Ask the step to end: TERM, and KILL after `grace_s`, to its group and everything that left it.

    False when nobody listens: it has ended, or what watched over it was killed.
    """
    return _order(directory, f"T{grace_s:g}\n")


def kill(directory: Path) -> bool:
    """End the step at once with KILL. False as `cancel`."""
    return _order(directory, "K\n")


def _order(directory: Path, words: str) -> bool:
    until_s = time.monotonic() + CONTROL_PATIENCE_S
    while True:
        try:
            fd = os.open(
                directory / CONTROL, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NOCTTY
            )
            try:
                os.write(fd, words.encode("ascii"))
            finally:
                os.close(fd)
            return True
        except OSError as error:
            # ENXIO: nobody has it open for reading.
            if error.errno != errno.ENXIO or time.monotonic() > until_s:
                return False
        if look(directory, fence=False).finding is not Finding.RUNNING:
            return False
        time.sleep(PAUSE_S)


def carried(directory: Path) -> Carried:
    """Return the folder and the variables that the attempt, and those it started from, left. Empty where nothing was."""
    kept = kept_of(directory)
    return Carried(kept["cwd"], kept["env"], kept["variables"])


def kept_of(directory: Path) -> Kept:
    """Return what `carried` tells, with what the next attempt needs besides. Unreadable is as if nothing was left."""
    from orion_deploy.run import carry

    try:
        data = json.loads(files.read_private(directory / CARRIED, bytes_max=CARRIED_BYTES_MAX) or b"null")
        return {
            "cwd": str(data["cwd"]),
            "env": {str(k): None if v is None else str(v) for k, v in data["env"].items()},
            "over": {str(k): None if v is None else str(v) for k, v in data["over"].items()},
            "variables": {str(k): str(v) for k, v in data["variables"].items()},
        }
    except (OSError, StoreError, ValueError, KeyError, TypeError, AttributeError):
        return carry.nothing()
