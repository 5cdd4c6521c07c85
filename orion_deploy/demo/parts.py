"""The living parts of a sandbox: a part is what holds its lock, never what has some process id."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from orion_deploy.demo.small_disk import is_inside
from orion_deploy.errors import OrionError

PARTS: Final = ("keeper", "reporter", "rot", "orion", "disk")
"""In the order in which they are stopped; they are started the other way round."""
SMALL_DISK: Final = "small_disk.py"
SETTINGS: Final = "settings.json"
"""Within `Orion/app`: what the stand-in reads when it starts."""
READY_TIMEOUT_S: Final = 20.0
STOP_TIMEOUT_S: Final = 5.0
POLL_S: Final = 0.01


def part_argv(directory: Path, part: str) -> list[str]:
    """The command line of a part.

    Interpreter and script are both called as the part is to be seen: the one gives the kernel's name for the
    process on Linux, the other the name by which any system's process list shows a script.
    """
    home = directory / "Orion"
    name = program_of(directory) if part == "orion" else part
    return [
        str(home / "app" / "bin" / name),
        *("-s", "-E", "-S"),
        str(home / "app" / name),
        part,
        str(home),
    ]


def enter_argv(directory: Path) -> list[str]:
    """What stands before a command that is to see the sandbox's small disk; nothing where there is none, or it is seen."""
    holder = living(directory, "disk")
    if holder is None or is_inside(holder):
        return []
    return inside_argv(directory)


def inside_argv(directory: Path) -> list[str]:
    """What stands before a command that is to see the sandbox's small disk, wherever it is called from."""
    home = directory / "Orion"
    return [
        str(home / "app" / "bin" / "disk"),
        "-s",
        "-E",
        "-S",
        str(home / "app" / SMALL_DISK),
        "enter",
        str(home),
    ]


def why_no_small_disk() -> str:
    """Why a small disk cannot be had without root on this system; empty where it can. It is tried."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(Path(__file__).with_name(SMALL_DISK)), "probe"],
        capture_output=True,
        text=True,
        check=False,
    )
    return (
        ""
        if done.returncode == 0
        else done.stderr.strip().splitlines()[-1]
        if done.stderr.strip()
        else "it cannot"
    )


def program_of(directory: Path) -> str:
    """The name under which the application of a sandbox is known to the system."""
    settings = json.loads((directory / "Orion" / "app" / SETTINGS).read_text("utf-8"))
    return str(settings["program"])


def living(directory: Path, part: str) -> int | None:
    """Return the process id of a part of the stand-in, or None where it does not run.

    The part holds a lock on its file for life, so a stranger with the same id is never meant.
    """
    try:
        fd = os.open(_lock(directory, part), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.read(fd, 32).decode("ascii", "replace").strip()
        return int(text) if text.isdigit() else None
    finally:
        os.close(fd)
    return None


def was_killed(directory: Path, part: str) -> bool:
    """Whether a part does not run that should: it was killed, or stopped together with the sandbox."""
    path = _lock(directory, part)
    return living(directory, part) is None and path.exists() and path.stat().st_size > 0


def start_part(directory: Path, part: str) -> None:
    """Start a part of the stand-in in a session of its own, and return when it is up.

    Raises OrionError when it is not up within READY_TIMEOUT_S; what it said stands in the message.
    """
    home = directory / "Orion"
    said = home / "logs" / f"{part}.err"
    # The shell lets go of the part at once: it is nobody's child, and nobody has to collect it.
    subprocess.run(
        [
            "sh",
            "-c",
            'said=$1; shift; "$@" </dev/null >"$said" 2>&1 &',
            "sh",
            said,
            *enter_argv(directory),
            *part_argv(directory, part),
        ],
        check=True,
        start_new_session=True,
        cwd=home,
    )
    deadline_s = time.monotonic() + READY_TIMEOUT_S
    while living(directory, part) is None:
        if time.monotonic() > deadline_s:
            raise OrionError(
                f"the stand-in's part `{part}` did not start within {READY_TIMEOUT_S:.0f} s",
                help=f"it said: {said.read_text('utf-8', 'replace')[-500:].strip() or 'nothing'}",
            )
        time.sleep(POLL_S)


def end_part(directory: Path, part: str) -> None:
    """Stop a part that lives: TERM, and KILL where that does not end it within STOP_TIMEOUT_S.

    It is noted that the part is to run again with the sandbox. Raises OrionError where it cannot be ended.
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        pid = living(directory, part)
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        deadline_s = time.monotonic() + STOP_TIMEOUT_S
        while living(directory, part) is not None and time.monotonic() < deadline_s:
            time.sleep(POLL_S)
    if living(directory, part) is not None:
        raise OrionError(f"the stand-in's part `{part}` (process {pid}) could not be stopped")
    _lock(directory, part).write_text("stopped with the sandbox\n", "utf-8")


def _lock(directory: Path, part: str) -> Path:
    return directory / "Orion" / "run" / f"{part}.lock"
