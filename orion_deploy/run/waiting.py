"""Waiting for the end of a step that may be nobody's child: the kernel tells, nothing is asked again and again."""

from __future__ import annotations

import fcntl
import os
import select
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from orion_deploy.errors import StoreError
from orion_deploy.run import family, files
from orion_deploy.run.attempt import RECORD_BYTES_MAX, STATUS, STEP_LOCK, SUPERVISOR_LOCK, read_run

ORPHAN_CHECK_S = 0.5
"""Where the system cannot tell of the end of a process that is not one's child."""

_ended: dict[str, threading.Event] = {}
_lock = threading.Lock()


def wait_at_most(directory: Path, timeout_s: float) -> bool:
    """Wait for a limited time; True when the step has ended.

    A lock cannot be waited for with a limit: a thread does it without one, and serves every call for the
    same attempt until the end.
    """
    key = str(directory)
    with _lock:
        ended = _ended.get(key)
        if ended is None:
            ended = _ended[key] = threading.Event()
            threading.Thread(target=_wait_and_tell, args=(directory, ended), daemon=True).start()
    return ended.wait(timeout_s)


def _wait_and_tell(directory: Path, ended: threading.Event) -> None:
    try:
        wait_for_end(directory)
    finally:
        with _lock:
            _ended.pop(str(directory), None)
        ended.set()


def wait_for_end(directory: Path) -> None:
    """Block until the holder of `step.lock` lets go; where it was killed, until the step's own process ends."""
    with suppress(OSError, StoreError):  # Where nothing is there, nothing can run.
        _wait_for_lock(directory / STEP_LOCK)
        if files.read_private(directory / STATUS, bytes_max=RECORD_BYTES_MAX) is None:
            # The supervisor died. A dying process lets go of its locks in no certain order.
            _wait_for_lock(directory / SUPERVISOR_LOCK)
            run = read_run(directory)
            pid, began = run.get("pid"), run.get("start")
            if isinstance(pid, int) and began and run.get("boot") == family.boot_id():
                _wait_for_process(pid, str(began))


def _wait_for_lock(path: Path) -> None:
    fd = files.open_private(path, os.O_RDWR)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH)
    finally:
        os.close(fd)


def _wait_for_process(pid: int, began: str) -> None:
    """Wait for a process that is nobody's child any more."""
    if hasattr(os, "pidfd_open"):
        try:
            fd = os.pidfd_open(pid)
        except OSError:
            return
        try:
            if family.start_time(pid) == began:
                select.select([fd], [], [])
        finally:
            os.close(fd)
        return
    while family.start_time(pid) == began:
        if sys.platform == "darwin" and hasattr(select, "kqueue"):
            queue = select.kqueue()
            with suppress(OSError):
                ends = select.kevent(pid, select.KQ_FILTER_PROC, select.KQ_EV_ADD, select.KQ_NOTE_EXIT)
                queue.control([ends], 1, ORPHAN_CHECK_S)
            queue.close()
        else:
            time.sleep(ORPHAN_CHECK_S)
