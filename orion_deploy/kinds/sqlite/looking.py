"""SQLite's look through every page of a database, with a limit, and ended at once when it is not wanted any more."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

from orion_deploy.kinds.base import Context
from orion_deploy.kinds.sqlite.connection import is_corrupt, open_reader
from orion_deploy.kinds.sqlite.copying import Cancelled
from orion_deploy.kinds.sqlite.state import first_fault

LOOK_S_MAX = 30.0
"""Limit of a look that takes long."""
BLOCKING_S_MAX = 2.0
"""The same where a reader keeps writers away: in a rollback journal's mode, while others have the database open."""
_WAIT_S = 0.05
"""Between two looks whether it was cancelled, and between two interruptions of what has not ended."""


class TimeIsUp(Exception):  # noqa: N818  # it is no error
    """The look did not come to its end within its limit."""


def look_through(path: Path, context: Context, *, limit_s: float, indexes: bool = False) -> str:
    """Let SQLite look through every page; returns the first thing that it finds, empty where it finds nothing.

    quick_check, or with `indexes` integrity_check, which also compares each index with its rows. In a thread of its
    own, because SQLite answers nobody while it reads. Raises TimeIsUp after `limit_s` seconds, Cancelled, or sqlite3.Error.
    """
    look = _Look(path, indexes=indexes)
    until_s = time.monotonic() + limit_s
    look.start()
    try:
        while look.is_alive():
            look.join(_WAIT_S)
            if not look.is_alive():
                break
            if context.is_cancelled():
                raise Cancelled
            if time.monotonic() >= until_s:
                raise TimeIsUp
            context.progress(0, 0, "looking through every page")
    finally:
        look.end()
    if look.fault is not None:
        raise look.fault
    return look.found


class _Look(threading.Thread):
    """One check of a file through a connection of its own."""

    def __init__(self, path: Path, *, indexes: bool) -> None:
        """Raises sqlite3.Error where the file cannot be opened."""
        super().__init__(daemon=True)
        self.found = ""
        self.fault: sqlite3.Error | None = None
        self._indexes = indexes
        self._connection = open_reader(path)

    def run(self) -> None:
        """Check. What it raises is kept for whoever asked."""
        try:
            self.found = first_fault(self._connection, indexes=self._indexes)
        except sqlite3.Error as fault:
            if is_corrupt(fault):
                self.found = str(fault)
            else:
                self.fault = fault

    def end(self) -> None:
        """Interrupt it, again and again: before a statement begins that does nothing."""
        while self.is_alive():
            self._connection.interrupt()
            self.join(_WAIT_S)
        self._connection.close()
