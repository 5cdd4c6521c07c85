"""Hearing of what a keeper sees, from its files: at once of what matters, of the rest when there is time for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from orion_deploy.run.watches import reading

FOLLOW_S = 2.0
"""How often it is looked whether there is something new."""
_GRAVE = ("fired_count", "gaps_count", "ended_at")


class _Grave:
    """What must be heard of at once: of each watch what fired, was lost or ended, and whether anybody looks."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._known: dict[str, tuple[int, object]] = {}

    def look(self) -> object:
        """All of it now; a watch's file is read only when it has changed."""
        stamps = dict(reading.stamps(self._directory, reading.KEPT_NAME))
        for name, stamp in stamps.items():
            if name not in self._known or self._known[name][0] != stamp:
                data = reading.read_data(reading.folder_of(self._directory) / name / reading.KEPT_NAME) or {}
                self._known[name] = (stamp, [data.get(key) for key in _GRAVE])
        is_kept = reading.known_keeper(self._directory) is not None
        return {name: self._known[name][1] for name in stamps}, is_kept


def follow(
    directory: Path, changed: Callable[[], None], patience_s: Callable[[], float]
) -> Callable[[], None]:
    """Call `changed`, on another thread, when something was seen; returns what ends that.

    What is grave is told at once; any other look only after `patience_s()` since the last call. A call that
    raises ends it.
    """
    over = threading.Event()
    grave = _Grave(directory)

    def work() -> None:
        known: object = None
        known_grave: object = (
            None  # the first time it is told in any case: whoever reads has read before this began
        )
        waited_s = 0.0
        while not over.wait(FOLLOW_S):
            waited_s += FOLLOW_S
            found_grave = grave.look()
            if found_grave == known_grave:
                if waited_s < patience_s():
                    continue
                found = reading.stamps(directory)
                if found == known:
                    continue
                known = found
            known_grave, waited_s = found_grave, 0.0
            changed()

    threading.Thread(target=work, name="follow-watches", daemon=True).start()
    return over.set
