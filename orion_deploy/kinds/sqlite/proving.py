"""That a backup is still what was written, found out beside the work that relies on it: it is read on another core."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Self

from orion_deploy.kinds.base import Context
from orion_deploy.kinds.sqlite.connection import Meter
from orion_deploy.kinds.sqlite.copying import Cancelled, Hashing, Source
from orion_deploy.kinds.sqlite.record import Backup


class Proving:
    """Reads a backup while its `with` block goes on; what it found is asked for before anything is committed."""

    def __init__(self, backup: Backup, context: Context) -> None:
        """Raises OSError where the backup cannot be opened."""
        self._backup = backup
        self._context = context
        self._source = Source(Path(backup.path))
        self._hashing = Hashing(self._source.descriptor, context)

    def __enter__(self) -> Self:
        self._hashing.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._hashing.stop()
        self._source.close()

    def fault(self, meter: Meter) -> str:
        """Why the backup is none any more; empty where it is what was written.

        Waits for the end of the reading. That is no part of the migration's time: the limit moves with it.
        """
        begun_s = time.monotonic()
        if self._hashing.is_alive():
            self._context.progress(0, 0, "reading the backup before it counts")
        try:
            sha256 = self._hashing.result()
        except Cancelled:
            return "it was cancelled"
        except OSError as fault:
            return f"the backup {self._backup.path} cannot be read: {fault.strerror}"
        finally:
            meter.extend(time.monotonic() - begun_s)
        if sha256 != self._backup.sha256:
            return f"the backup {self._backup.path} is not what was written: its sha256 has changed; take it again"
        return ""
