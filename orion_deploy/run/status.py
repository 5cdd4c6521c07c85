"""Where runs stand, from their snapshots. Reads, and neither writes nor runs anything.

Imports nothing but `json`, `os` and `zlib` for as long as the snapshots are current and nobody works on them: `status`
answers at the speed of the interpreter's start. Where a snapshot is behind its journal, or the journal's checksums do
not follow one another, the journal is read.
Times are seconds since the epoch.
"""

from __future__ import annotations

import os

from orion_deploy.run import due, sidecar
from orion_deploy.run.glance import NOT_CHECKED, Glance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Facts: TypeAlias = dict[str, Any]

LOCK_NAME = "lock"
_NOT_APPLICABLE = "not applicable: "
_OPEN = ("running", "unknown", "failed", "undecided", "changed")


def of_checklist(path: str, *, run: str | None = None, now: float) -> Facts:
    """Return the facts of a checklist's runs: of the named one, else the unfinished, else the latest, in full.

    `runs` lists every run, the latest first; without any the other facts are missing.

    A run with damage says so (`damage`, `damage_at`, `help`), or that it was not looked for (`not_checked`).

    Raises StoreError when it cannot be told which runs there are, RefusedError when the named run is not there.
    """
    runs = _list_runs(path)
    chosen = next((r for r in runs if r["run"] == run), None) if run else _current(runs)
    if run and chosen is None:
        from orion_deploy.run.closer_look import no_such_run

        raise no_such_run(path, run, [r["run"] for r in runs])
    if chosen is not None:
        name, glance = chosen["run"], Glance()
        chosen = _checked(chosen, glance)
        runs = [chosen if r["run"] == name else _checked(r, glance) for r in runs]
    facts: Facts = {"checklist": path, "runs": [_public(r) for r in runs]}
    if chosen is None:
        return {**facts, "run": None, "go_on": [f"orion-deploy run {_quoted(path)}"]}
    document = _document(path, chosen)
    held_by = _held_by(chosen["directory"])
    outstanding = _outstanding(document, chosen["directory"], now)
    watches = _watches(document, chosen["directory"], now)
    return {
        **facts,
        **_public(chosen),
        "title": document.get("title", ""),
        "cwd": document.get("cwd", ""),
        "commit": document.get("commit", ""),
        "directory": chosen["directory"],
        "rollback_at": document.get("rollback_at"),
        "rollback_reason": document.get("rollback_reason", ""),
        "held_by": held_by,
        "sections": [_section(section) for section in document.get("sections", ())],
        "outstanding": outstanding,
        "watches": watches,
        "criteria": _criteria(path, document, chosen, watches, now),
        "notes": document.get("notes", []),
        "go_on": [
            *_way_back(path, chosen, document, watches),
            *_go_on(path, chosen, document, outstanding, held_by),
            *_watch_on(path, chosen, watches),
        ],
    }


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
    return {**_public(run), "checklist": place.removesuffix(sidecar.RUNS_SUFFIX)}


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
    current = _current(runs)
    if current is None:
        return None
    current = _checked(current, glance)
    path = os.path.join(folder, name.removesuffix(sidecar.RUNS_SUFFIX))
    if folder != "." and os.path.commonpath([os.path.abspath(folder), _state_home()]) == _state_home():
        path = current["checklist"] or path
    return {**_public(current), "checklist": os.path.relpath(path) if folder == "." else path}


def _checked(run: Facts, glance: Glance) -> Facts:
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


def _list_runs(path: str) -> list[Facts]:
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


def _public(run: Facts) -> Facts:
    inner = ("directory", "is_current", "checklist", "link")
    return {key: value for key, value in run.items() if key not in inner}


def _current(runs: list[Facts]) -> Facts | None:
    return next((run for run in runs if run["finished_at"] is None), runs[0] if runs else None)


def _document(path: str, run: Facts) -> Facts:
    """Everything of one run: its snapshot, or what its journal says now."""
    if run["is_current"]:
        try:
            document = sidecar.read(os.path.join(run["directory"], sidecar.STATE_NAME))
        except Exception:  # damaged: the journal is asked
            document = None
        if document is not None:
            return document
    from orion_deploy.run.closer_look import document_of

    return document_of(path, run)


def _section(section: Facts) -> Facts:
    counts: dict[str, int] = {}
    for step in section["steps"]:
        status = "watching" if _is_watched(step) else step["status"]
        counts[status] = counts.get(status, 0) + 1
    settled = counts.get("done", 0) + counts.get("skipped", 0)
    total = len(section["steps"])
    return {
        "title": section["title"],
        "kind": section["kind"],
        "total": total,
        "settled": settled,
        "open": total - settled,
        "counts": counts,
        "completed_at": section.get("completed_at"),
    }


def _watches(document: Facts, directory: str, now: float) -> list[Facts]:
    """The watches under way, as their last look left them; nothing is imported where there is none."""
    steps = [step for section in document.get("sections", ()) for step in section["steps"]]
    if not any(_is_watched(step) for step in steps):
        return []
    from orion_deploy.run.watches.look_in import watches_of

    under_way = {step["id"]: step["last_attempt"]["number"] for step in steps if _is_watched(step)}
    return watches_of(directory, under_way, now)


def _is_watched(step: Facts) -> bool:
    return step["status"] == "running" and "watch" in step


def _outstanding(document: Facts, directory: str, now: float) -> list[Facts]:
    """What a person must still look at, in document order; of the path that the run is on. Watches are told apart."""
    on_the_way_back = document.get("rollback_at") is not None
    found = []
    for section in document.get("sections", ()):
        for step in section["steps"]:
            is_here = (section["kind"] == "rollback") == on_the_way_back
            why = _why_outstanding(step) if is_here or step["status"] in _OPEN else ""
            if why and not _is_watched(step):
                found.append(_outstanding_step(step, section, why, directory, now))
    return found


def _criteria(path: str, document: Facts, run: Facts, watches: list[Facts], now: float) -> list[Facts]:
    """Criteria and gates: from the snapshot, but while something is watched as that stands now."""
    if watches:
        from orion_deploy.run.closer_look import criteria_now

        document = criteria_now(path, run) or document
    return due.criteria(document, now)


def _why_outstanding(step: Facts) -> str:
    status, reason = step["status"], str(step.get("reason", ""))
    if status in _OPEN:
        return str(step.get("verdict", {}).get("reason", "")) or reason or "a person decides"
    if status == "skipped":
        return "" if reason.startswith(_NOT_APPLICABLE) else reason or "no reason given"
    if step.get("override"):
        return f"overridden: {reason}"
    return "mandatory" if status == "todo" and step.get("mandatory") else ""


def _outstanding_step(step: Facts, section: Facts, why: str, directory: str, now: float) -> Facts:
    facts = {
        "step": step["id"],
        "title": step["title"],
        "section": section["title"],
        "status": step["status"],
        "why": why,
        "mandatory": bool(step.get("mandatory")),
        "override": bool(step.get("override")),
        "at": step.get("at"),
        "by": step.get("by", ""),
    }
    if step.get("verify"):
        facts["verify"] = step["verify"]
    if step["status"] == "running" and not _is_watched(step):
        from orion_deploy.run.closer_look import finding

        attempt = step["last_attempt"]
        facts["elapsed_s"] = max(0.0, now - attempt["started_at"])
        facts["why"] = finding(directory, step["id"], attempt["number"])
    return facts


def _held_by(directory: str) -> Facts | None:
    """Who works on the run now, or None."""
    import fcntl

    try:
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        fd = os.open(os.path.join(directory, LOCK_NAME), flags)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        pass
    else:
        return None
    finally:
        os.close(fd)
    from orion_deploy.run.closer_look import holder

    return holder(directory)


def _way_back(path: str, run: Facts, document: Facts, watches: list[Facts]) -> list[str]:
    """Where a watch fired on the way forward: the way back, to be looked at before anything else."""
    if document.get("rollback_at") is not None or not any(watch["fired"] for watch in watches):
        return []
    return [f"orion-deploy rollback {_quoted(path)} --run {run['run']}"]


def _watch_on(path: str, run: Facts, watches: list[Facts]) -> list[str]:
    """Where nobody watches what should be watched: how somebody does."""
    if not watches or watches[0]["is_watched_now"]:
        return []
    return [f"orion-deploy watch {_quoted(path)} --run {run['run']} --background"]


def _go_on(
    path: str, run: Facts, document: Facts, outstanding: list[Facts], held_by: Facts | None
) -> list[str]:
    """The commands that come next, ready to be copied."""
    file = _quoted(path)
    if held_by is not None or run["damage"]:
        return []
    if run["finished_at"] is not None or not document.get("counts", {}).get("open"):
        return [f"orion-deploy run {file} --run NAME"]
    unknown = [
        f"orion-deploy resolve {file} {_quoted(step['step'])} "
        + ("verify" if step.get("verify") else "done|failed|rerun --reason TEXT")
        for step in outstanding
        if step["status"] == "unknown"
    ]
    name = f" --run {run['run']}"
    return [*unknown, f"orion-deploy {file}", f"orion-deploy run {file}{name}"]


def _quoted(word: str) -> str:
    if word and all(c.isascii() and (c.isalnum() or c in "@%+=:,./-_") for c in word):
        return word
    return "'" + word.replace("'", "'\"'\"'") + "'"
