"""The scribe writes snapshots of the state beside the journal: late, seldom, and never in the way of a tick.

Frozen state is handed over and written by a thread, at most once in `INTERVAL_S`. What it writes is a
convenience for readers; a failure is kept in `error` and concerns nothing else.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from orion_deploy.errors import OrionError
from orion_deploy.kinds.verdict import Json
from orion_deploy.run import files, sidecar
from orion_deploy.run.edge import Edge
from orion_deploy.run.journal import Link
from orion_deploy.run.state import RunState

INTERVAL_S = 1.0
Describe = Callable[[RunState], dict[str, Json]]


class Scribe:
    """Writes `state.json` in the run's folder, and the sidecar beside the checklist."""

    def __init__(self, directory: Path, beside: Path | None, describe: Describe | None, edge: Edge) -> None:
        """Start nothing yet: the thread begins with the first note."""
        self.error = ""
        self._directory = directory
        self._beside = beside
        self._describe = describe
        self._edge = edge
        self._noted: tuple[RunState, Link] | None = None
        self._wake = threading.Condition()
        self._writing = threading.Lock()
        self._written = -1
        self._closed = False
        self._thread: threading.Thread | None = None

    def note(self, state: RunState, link: Link, *, now: bool = False) -> None:
        """Remember what to write; with `now` write it before returning."""
        if now:
            with self._wake:
                self._noted = None
            self._write(state, link)
            return
        with self._wake:
            self._noted = (state, link)
            if self._thread is None:
                self._thread = threading.Thread(target=self._follow, name="scribe", daemon=True)
                self._thread.start()
            self._wake.notify()

    def close(self) -> None:
        """Forget what is not written yet, and let the thread end."""
        with self._wake:
            self._closed = True
            self._noted = None
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()

    def _follow(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._noted is not None or self._closed)
                self._wake.wait_for(lambda: self._closed, timeout=INTERVAL_S)
                if self._closed:
                    return
                noted, self._noted = self._noted, None
            if noted is not None:
                self._write(*noted)

    def _write(self, state: RunState, link: Link) -> None:
        with self._writing:
            if link.sequence <= self._written:
                return
            name = self._directory.name
            try:
                document = self._describe(state) if self._describe else sidecar.bare(state, name)
                data = sidecar.encode({"run": name, **document}, link, self._edge.now())
                files.write_private(self._directory / sidecar.STATE_NAME, data, tag=name)
                if self._beside is not None:
                    files.write_private(self._beside, data, tag=name)
                self.error = ""
                self._written = link.sequence
            except OSError as error:
                self.error = f"the snapshot could not be written: {error.strerror}"
            except OrionError as error:
                self.error = f"the snapshot could not be written: {error.what}"
            except Exception as error:  # A fault in the description must not stop a run, nor its leaving.
                self.error = f"the snapshot could not be made: {error!r}"
