"""Which runs there are, by their snapshots: of one checklist, and of all that are near. Reads, and neither writes nor runs.

Imports nothing but `json`, `os` and `zlib`, as `status.py` does, for as long as the snapshots are current and the
journals' checksums follow one another. What cannot be read hides nothing else. Times are seconds since the epoch.
"""

from __future__ import annotations

import os

from orion_deploy.run import due, sidecar
from orion_deploy.run.glance import NOT_CHECKED, Glance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Facts: TypeAlias = dict[str, Any]


def everywhere(folder: str) -> list[Facts]:
    """Return the current run of every checklist in `folder` and in the user's state folder; unfinished ones first.

    What cannot be read has its `damage`, and no `run`: it hides no other. Raises nothing.
    """
    glance, home = Glance(), _state_home()
    found = _near(folder, glance)
    try:
        for own in _names(home):
            found += _near(os.path.join(home, own), glance)
    except OSError as error:
        found.append(_unreadable(home, f"cannot be read: {error.strerror}"))
    return sorted(
        found,
        key=lambda facts: (facts["finished_at"] is None, facts["last_at"]),
        reverse=True,
    )


def _near(folder: str, glance: Glance) -> list[Facts]:
    try:
        names = _names(folder)
    except OSError as error:
        return [_unreadable(folder, f"cannot be read: {error.strerror}")]
    found = [_summary_of(folder, name, glance) for name in names if name.endswith(sidecar.RUNS_SUFFIX)]
    return [facts for facts in found if facts is not None]


def _unreadable(place: str, why: str) -> Facts:
    """What stands in the list for something that may hold runs, where nobody can tell."""
    help = "mend what the system says: until then nothing is known of the runs there"
    run = _of_document(place, {}) | {"run": "", "damage": why, "help": help}
    run["damage_at"] = {"file": place, "line": None, "byte": None}
    return {**public(run), "checklist": place.removesuffix(sidecar.RUNS_SUFFIX)}


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _summary_of(folder: str, name: str, glance: Glance) -> Facts | None:
    """The current run of the checklist whose runs are in `folder`/`name`, if that is what it is."""
    place = os.path.normpath(os.path.join(folder, name))
    try:
        runs = _light(place)
    except OSError as error:
        return _unreadable(place, f"its runs cannot be read: {error.strerror}")
    if runs is None:
        from orion_deploy.errors import OrionError
        from orion_deploy.run.closer_look import runs_in

        try:
            runs = runs_in(place)
        except OrionError as error:
            return _unreadable(place, error.what)
    run = current(runs)
    if run is None:
        return None
    run = checked(run, glance)
    path = os.path.join(folder, name.removesuffix(sidecar.RUNS_SUFFIX))
    if folder != "." and os.path.commonpath([os.path.abspath(folder), _state_home()]) == _state_home():
        path = run["checklist"] or path
    return {**public(run), "checklist": os.path.relpath(path) if folder == "." else path}


def checked(run: Facts, glance: Glance) -> Facts:
    """The run after a glance at its journal, if only its snapshot was read: damage in the middle is said."""
    if not run["is_current"]:
        return run
    is_sound = glance.is_sound(os.path.join(run["directory"], sidecar.JOURNAL_NAME), run["link"])
    if is_sound is None:
        return {**run, "not_checked": NOT_CHECKED}
    if is_sound:
        return run
    from orion_deploy.run.closer_look import run_in

    return run_in(run["directory"]) or run


def list_runs(path: str) -> list[Facts]:
    """Return every run of a checklist, the latest first. Raises StoreError when it cannot be told which there are."""
    real = os.path.realpath(path)
    folder = real + sidecar.RUNS_SUFFIX
    is_odd = os.path.lexists(folder) and not os.path.isdir(folder)
    try:
        runs = None if is_odd or _is_elsewhere(real) else _light(folder)
    except OSError:
        runs = None
    if runs is not None:
        return runs
    from orion_deploy.run.closer_look import runs_of

    return runs_of(path)


def _is_elsewhere(real: str) -> bool:
    """Whether there may be runs of the checklist in the user's state folder (its name: `places.path_name`)."""
    import re

    readable = re.sub(r"[^a-z0-9]+", "-", os.path.basename(real).lower()).strip("-")[:40] or "checklist"
    length = len(readable) + 1 + 16
    return any(name.startswith(readable) and len(name) == length for name in _names(_state_home()))


def _state_home() -> str:
    given = os.environ.get("XDG_STATE_HOME", "")
    base = given if os.path.isabs(given) else os.path.expanduser("~/.local/state")
    return os.path.join(base, "orion-deploy")


def _light(folder: str) -> list[Facts] | None:
    """The runs in a folder from their snapshots alone; None when one of them needs a closer look."""
    runs = []
    for name in _names(folder):
        directory = os.path.join(folder, name)
        if os.path.isfile(directory):
            continue  # A report that was written beside its run.
        try:
            document = sidecar.summary(os.path.join(directory, sidecar.STATE_NAME))
        except Exception:  # damaged: the journal is asked
            return None
        if document is None or not sidecar.is_current(
            document, os.path.join(directory, sidecar.JOURNAL_NAME)
        ):
            return None
        runs.append(_of_document(directory, document))
    return sorted(runs, key=lambda run: (run["last_at"], run["run"]), reverse=True)


def _of_document(directory: str, document: Facts) -> Facts:
    return {
        "run": os.path.basename(directory),
        "directory": directory,
        "is_current": True,
        "checklist": str(document.get("checklist", "")),
        "title": str(document.get("title", "")),
        "started_at": document.get("started_at") or 0.0,
        "last_at": document.get("last_at") or 0.0,
        "finished_at": document.get("finished_at"),
        "result": document.get("result", ""),
        "operators": document.get("operators") or [],
        "counts": document.get("counts") or {},
        "criteria_counts": document.get("criteria_counts") or {},
        "watching": due.watches(document, directory),
        "damage": "",
        "damage_at": None,
        "help": "",
        "not_checked": "",
        "link": document.get("journal"),
    }


def public(run: Facts) -> Facts:
    """Return what of a listed run is told to others."""
    inner = ("directory", "is_current", "checklist", "link")
    return {key: value for key, value in run.items() if key not in inner}


def current(runs: list[Facts]) -> Facts | None:
    """Return the run that is meant where none is named: the latest unfinished one, else the latest."""
    return next((run for run in runs if run["finished_at"] is None), runs[0] if runs else None)
