"""What a run still waits for, from its snapshot: watches under way, criteria and gates. Reads only.

Imports nothing but `json`, `os` and `time`, as `status.py` does: of a watch the time when it is due is in its last look.
"""

from __future__ import annotations

import json
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Facts: TypeAlias = dict[str, Any]

WATCHES_NAME, LIVE_NAME, KEPT_NAME = "watches", "watch.json", "kept.json"
"""As `watches/reading.py` has them; that one imports more."""
WATCH_BYTES_MAX = 4 * 1024 * 1024


def watches(document: Facts, directory: str) -> list[Facts]:
    """The watches under way, each with the time when it is due if somebody watches from now on."""
    found = []
    for watch in document.get("watching") or ():
        look = _last_look(os.path.join(directory, WATCHES_NAME, os.path.basename(str(watch["folder"]))))
        facts = {key: value for key, value in watch.items() if key != "folder"}
        if look is not None:
            left_s = max(0.0, look["watch_s"] - look["observed_s"])
            facts["due_at"] = look["ended_at"] or max(look["looked"][0], time.time()) + left_s
            facts["value"] = str(look["shown"] or "")
            facts["is_over"] = look["ended_at"] is not None
        found.append(facts)
    return found


def _last_look(folder: str) -> Facts | None:
    for name in (LIVE_NAME, KEPT_NAME):
        try:
            fd = os.open(
                os.path.join(folder, name), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
            )
        except OSError:
            continue
        try:
            with os.fdopen(fd, "rb") as file:
                data = json.loads(file.read(WATCH_BYTES_MAX))
            float(data["watch_s"]) + float(data["observed_s"]) + float(data["looked"][0])
            return {key: data[key] for key in ("watch_s", "observed_s", "looked", "ended_at", "shown")}
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            continue
    return None


def criteria(document: Facts, now: float) -> list[Facts]:
    """Every criterion and gate, in document order, as the snapshot has it; what became due meanwhile is due."""
    found = []
    for section in document.get("sections", ()):
        for step in section["steps"]:
            criterion = step.get("criterion")
            if criterion is None:
                continue
            facts = {
                "step": step["id"],
                "title": step["title"],
                "section": section["title"],
                "kind": section["kind"],
            }
            if "id" in section:
                facts["section_id"] = section["id"]
            facts |= criterion
            if facts.get("asks_person") and facts["stand"] == "open" and _is_past(facts.get("due_at"), now):
                facts |= {"stand": "person", "why": "a person says so"}
            found.append(facts)
    return found


def _is_past(at: object, now: float) -> bool:
    return isinstance(at, (int, float)) and at <= now


def next_due_at(watching: list[Facts], counts: Facts, now: float) -> float | None:
    """When the next watch or criterion is due, by a list of watches and the counts of criteria; None: not known."""
    known = [watch.get("due_at") for watch in watching]
    known.append(counts.get("due_at"))
    due = [at for at in known if isinstance(at, (int, float))]
    return min((at for at in due if at > now), default=min(due, default=None))
