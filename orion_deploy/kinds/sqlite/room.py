"""Room on disks: one rule for each kind that writes, and for those that say beforehand whether it will do.

What is needed on one disk adds up, in whichever folders it is written, and SPARE_BYTES more must be free.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from orion_deploy.errors import RefusedError
from orion_deploy.kinds.room import existing_parent, free_bytes
from orion_deploy.kinds.sqlite.record import Rehearsal
from orion_deploy.kinds.words import bytes_words

SPARE_BYTES = 16 * 1024 * 1024
"""Room that must be left on each disk beyond what is needed."""
REHEARSAL_FACTOR = 2.5
"""A rehearsal writes the copy, and at most about the database once more while it goes there and back."""

Wanted = tuple[Path, int]
"""A place that will be written to (it need not be there yet), and how many bytes."""


@dataclass(frozen=True, slots=True)
class Need:
    """What is needed on one disk, and what is free there."""

    place: Path
    needed_bytes: int
    """Without SPARE_BYTES."""
    free_bytes: int

    @property
    def is_met(self) -> bool:
        """Whether there is room, with some to spare."""
        return self.free_bytes >= self.needed_bytes + SPARE_BYTES

    def __str__(self) -> str:
        return (
            f"{bytes_words(self.free_bytes)} are free at {self.place}, "
            f"{bytes_words(self.needed_bytes)} needed and {bytes_words(SPARE_BYTES)} to spare"
        )


def needs(wanted: Iterable[Wanted]) -> list[Need]:
    """What is needed on each disk. Raises OSError."""
    disks: dict[int, tuple[Path, int]] = {}
    for path, needed_bytes in wanted:
        place = existing_parent(path)
        first, sum_bytes = disks.get(device := os.stat(place).st_dev, (place, 0))
        disks[device] = (first, sum_bytes + needed_bytes)
    return [Need(place, sum_bytes, free_bytes(place)) for place, sum_bytes in disks.values()]


def why_no_room(what: str, *wanted: Wanted) -> str:
    """Why there is no room for `what`; empty where there is. Raises OSError."""
    short = [str(need) for need in needs(wanted) if not need.is_met]
    return f"there is no room for {what}: {'; '.join(short)}" if short else ""


def require_room(what: str, *wanted: Wanted, help: str) -> None:
    """Raise RefusedError where there is no room for `what`; `help` says what can be done. Raises OSError."""
    if fault := why_no_room(what, *wanted):
        raise RefusedError(f"{fault}; nothing was changed", help=help)


def for_migration(database: Path, size_bytes: int, rehearsal: Rehearsal | None) -> Wanted:
    """What a migration writes beside the database: as much as its size, or more where a rehearsal measured more."""
    return database.parent, max(size_bytes, rehearsal.wal_growth_bytes if rehearsal is not None else 0)


def for_rollback(database: Path, size_bytes: int, folder: Path | None) -> list[Wanted]:
    """What taking a migration back writes: a copy of what is there into `folder`, and as much again beside the database."""
    beside = (database.parent, size_bytes)
    return [beside] if folder is None else [(folder, size_bytes), beside]


def for_restore(database: Path, size_bytes: int, backup_bytes: int, folder: Path) -> list[Wanted]:
    """What a restore writes: a copy of what is there into `folder`, and the backup beside the database."""
    return [(folder, size_bytes), (database.parent, backup_bytes)]
