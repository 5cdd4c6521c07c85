"""That a backup is still what was written, found out beside the work that relies on it: it is read on another core."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Self

from orion_deploy.kinds.base import Context
from orion_deploy.kinds.sqlite.connection import Meter
from orion_deploy.kinds.sqlite.copying import Cancelled, Hashing, Source
from orion_deploy.kinds.sqlite.database import fingerprint
from orion_deploy.kinds.sqlite.record import Backup


class Proving:
    """Sees to it that a backup still holds when it is relied on.

    By its file's times, which any write moves; where they have moved, its bytes are read while the `with` block goes
    on. What was found is asked for before anything is committed.
    """

    def __init__(self, backup: Backup, context: Context) -> None:
        """Raises OSError where the backup cannot be opened."""
        self._backup = backup
        self._context = context
        self._path = Path(backup.path)
        self._source = Source(self._path)
        self._hashing = Hashing(self._source.descriptor, context)

    def __enter__(self) -> Self:
        if not self._is_untouched():
            self._hashing.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._hashing.stop()
        self._source.close()

    def _is_untouched(self) -> bool:
        return self._backup.is_untouched(fingerprint(self._path))

    def fault(self, meter: Meter) -> str:
        """Why the backup is none any more; empty where it is what was written.

        Waits for the end of the reading. That is no part of the migration's time: the limit moves with it.
        """
        begun_s = time.monotonic()
        try:
            if self._hashing.ident is None:
                if self._is_untouched():
                    return ""
                self._hashing.start()
            self._context.progress(0, 0, "reading the backup before it counts")
            sha256 = self._hashing.result()
        except Cancelled:
            return "it was cancelled"
        except OSError as fault:
            return f"the backup {self._path} cannot be read: {fault.strerror}"
        finally:
            meter.extend(time.monotonic() - begun_s)
        if sha256 != self._backup.sha256:
            return f"the backup {self._path} is not what was written: its sha256 has changed; take it again"
        return ""
