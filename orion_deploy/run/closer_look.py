"""What the snapshots alone do not tell `status`: it is read from the journal, the lock, and the attempts' folders.

Apart from `status.py` because it imports what a snapshot does without. Reads only.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from orion_deploy.errors import OrionError, RefusedError, did_you_mean
from orion_deploy.run import sidecar
from orion_deploy.run.places import Places, RunInfo, look_at_run

Facts = dict[str, Any]


def runs_of(path: str) -> list[Facts]:
    """Every run of a checklist, the latest first. Raises StoreError when that cannot be told."""
    return [_of_info(info) for info in Places.of(Path(path)).list_runs()]


def runs_in(folder: str) -> list[Facts]:
    """Every run in one folder of runs, the latest first. Raises as `runs_of`."""
    return [_of_info(info) for info in Places(Path(folder), Path(folder)).list_runs()]


def run_in(directory: str) -> Facts | None:
    """The run in this folder by its journal, with what is wrong with it; None where nothing has happened."""
    info = look_at_run(Path(directory))
    return _of_info(info) if info is not None else None


def _of_info(info: RunInfo) -> Facts:
    return {
        "run": info.name,
        "directory": str(info.directory),
        "is_current": bool(info.link),
        "link": info.link,
        "checklist": "",
        "title": info.title,
        "started_at": info.started,
        "last_at": info.last,
        "finished_at": info.finished,
        "result": info.result,
        "operators": list(info.operators),
        "counts": dict(info.counts),
        "criteria_counts": dict(info.criteria),
        "watching": list(info.watching),
        "damage": info.damage,
        "damage_at": _place(info),
        "help": info.help,
        "not_checked": "",
    }


def _place(info: RunInfo) -> Facts | None:
    if not info.damage:
        return None
    file = os.path.join(info.directory, sidecar.JOURNAL_NAME)
    return {"file": file, "line": info.damage_line or None, "byte": info.damage_byte or None}


def document_of(path: str, run: Facts) -> Facts:
    """Everything of one run as its journal says now: with the checklist's titles where that can be read."""
    from orion_deploy.checklist.read import load
    from orion_deploy.run.deciding import look_at
    from orion_deploy.run.describe import describe
    from orion_deploy.run.reading import Reader

    try:
        state = Reader.look(Path(run["directory"])).state
    except OrionError:
        return {}  # `damage` of the run says why
    try:
        checklist, directory = load(Path(path))[0], Path(run["directory"])
        criteria = look_at(checklist, state, directory, now=time.time(), environ=os.environ)
        return dict(describe(checklist, state, run["run"], criteria=criteria))
    except (OrionError, OSError):
        return sidecar.bare(state, run["run"])


def criteria_now(path: str, run: Facts) -> Facts | None:
    """What `document_of` returns, where it tells of criteria; None where checklist or journal cannot be read."""
    document = document_of(path, run)
    return document if "criteria_counts" in document else None


def without_run(path: str, now: float) -> Facts:
    """What the criteria of a checklist are before anything has happened. Raises ChecklistError as `load`."""
    from orion_deploy.checklist.read import load
    from orion_deploy.run.criteria import look
    from orion_deploy.run.describe import describe
    from orion_deploy.run.state import RunState

    checklist, state = load(Path(path))[0], RunState()
    return dict(describe(checklist, state, "", criteria=look(checklist, state, now=now)))


def finding(directory: str, step_id: str, attempt: int) -> str:
    """What can be known of an attempt that is recorded as running."""
    from orion_deploy.run.attempt import look
    from orion_deploy.run.desk import folder_name

    # This one only looks on: what has not started yet may be about to.
    found = look(Path(directory, "attempts", folder_name(step_id), str(attempt)), fence=False)
    return f"{found.finding.value}{f': {found.reason}' if found.reason else ''}"


def holder(directory: str) -> Facts | None:
    """Who works on the run in this folder, or None."""
    from orion_deploy.run.lock import read_holder

    found = read_holder(Path(directory))
    if found is None:
        return None
    return {"who": found.who, "host": found.host, "pid": found.pid, "since": found.since}


def no_such_run(path: str, run: str, names: list[str]) -> OrionError:
    """The error for a run that is not there; names the nearest."""
    known = f"there are: {', '.join(names)}" if names else "it has none"
    return RefusedError(f"{path} has no run `{run}`", help=did_you_mean(run, names) or known)
