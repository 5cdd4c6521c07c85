"""Where runs stand, from their snapshots. Reads, and neither writes nor runs anything.

Imports nothing but `json`, `os` and `zlib` for as long as the snapshots are current and nobody works on them: `status`
answers at the speed of the interpreter's start. Where a snapshot is behind its journal, or the journal's checksums do
not follow one another, the journal is read.
Times are seconds since the epoch.
"""

from __future__ import annotations

import os

from orion_deploy.run import due, sidecar
from orion_deploy.run.glance import Glance
from orion_deploy.run.listing import checked, current, list_runs, public

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
    runs = list_runs(path)
    chosen = next((r for r in runs if r["run"] == run), None) if run else current(runs)
    if run and chosen is None:
        from orion_deploy.run.closer_look import no_such_run

        raise no_such_run(path, run, [r["run"] for r in runs])
    if chosen is not None:
        name, glance = chosen["run"], Glance()
        chosen = checked(chosen, glance)
        runs = [chosen if r["run"] == name else checked(r, glance) for r in runs]
    facts: Facts = {"checklist": path, "runs": [public(r) for r in runs]}
    if chosen is None:
        return {**facts, "run": None, "go_on": [f"orion-deploy run {_quoted(path)}"]}
    document = _document(path, chosen)
    held_by = _held_by(chosen["directory"])
    outstanding = _outstanding(document, chosen["directory"], now)
    watches = _watches(document, chosen["directory"], now)
    return {
        **facts,
        **public(chosen),
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
        if status == "skipped" and str(step.get("reason", "")).startswith(_NOT_APPLICABLE):
            status = "not applicable"
        counts[status] = counts.get(status, 0) + 1
    settled = sum(counts.get(status, 0) for status in ("done", "skipped", "not applicable"))
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
    except BlockingIOError:
        pass
    except OSError:  # it has no locks: every act says so
        return None
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
