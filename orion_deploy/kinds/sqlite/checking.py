"""SQLite's look through a database (quick_check) beside other work: on another core, and ended when it is not wanted."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace
from pathlib import Path
from typing import Self

from orion_deploy.kinds.base import Context
from orion_deploy.kinds.sqlite.connection import Meter, detach, open_reader
from orion_deploy.kinds.sqlite.copying import Cancelled
from orion_deploy.kinds.sqlite.state import quick_check

WAIT_S = 0.05
"""Between two looks whether it was cancelled, and between two interruptions of what has not ended."""


class Checking:
    """One quick_check of a file that nobody writes meanwhile. Use it as a context; at its end nothing of it goes on.

    The file may be one that this process holds an exclusive lock on, with an empty WAL: SQLite keeps the descriptor
    that is closed here until that lock is given back.
    """

    def __init__(self, path: Path, context: Context) -> None:
        """Raises sqlite3.Error where the file cannot be opened."""
        self._context = context
        self._is_stopped = False
        self._found = ""
        self._fault: Exception | None = None
        self._meter = Meter(
            replace(context, progress=lambda *_: None, is_cancelled=lambda: self._is_stopped), ""
        )
        self._connection = open_reader(path, immutable=True)
        self._thread = threading.Thread(target=self._check, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_stopped = True
        while self._thread.is_alive():
            self._connection.interrupt()  # again and again: before a statement begins it does nothing
            self._thread.join(WAIT_S)
        self._connection.close()

    def result(self, message: str) -> str:
        """Wait for the end; returns the first thing that was found, empty where the database is whole.

        Raises Cancelled, sqlite3.Error or OSError.
        """
        while self._thread.is_alive():
            self._thread.join(WAIT_S)
            if self._context.is_cancelled():
                raise Cancelled
            self._context.progress(self._meter.ops, 0, message)
        if self._fault is not None:
            raise self._fault
        return self._found

    def _check(self) -> None:
        try:
            self._meter.attach(self._connection)
            self._found = quick_check(self._connection)
        except (sqlite3.Error, OSError) as fault:  # raised again where the result is asked for
            self._fault = fault
        finally:
            detach(self._connection)
