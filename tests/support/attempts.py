"""Attempts that end as no step should: killed with their supervisor, as a crash of the machine would."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from pathlib import Path

GONE_SECONDS_MAX = 20.0


def kill_attempt(folder: Path, written: Path) -> None:
    """Kill a running attempt and its supervisor when it has `written`; returns when both are gone. Linux."""
    deadline = time.monotonic() + GONE_SECONDS_MAX
    while not written.exists():
        assert time.monotonic() < deadline
        os.sched_yield()
    child = int(json.loads((folder / "run.json").read_text())["pid"])
    parent = int(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(parent, signal.SIGKILL)
    os.killpg(child, signal.SIGKILL)
    for name in ("sup.lock", "step.lock"):
        with (folder / name).open() as file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    assert time.monotonic() < deadline
                    os.sched_yield()


def interrupted(path: Path, step: str, written: Path) -> str:
    """Start the step of a checklist, kill it and its supervisor when it has `written`, leave; returns the step's id."""
    from support.sessions import opened

    with opened(path, cwd=str(path.parent)) as driven:
        step_id = driven.session.step(step).id
        number = driven.session.start(step_id)
        kill_attempt(driven.session.attempt_folder(step_id, number), written)
        driven.wait_for_end(step_id)
    return step_id
