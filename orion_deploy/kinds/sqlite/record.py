"""What a run knows of a database: its rehearsal, its backup, its migration. Kept in the run's facts, by real path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from orion_deploy.errors import NotRecordedError
from orion_deploy.kinds.facts import change_facts, part, read_facts
from orion_deploy.kinds.sqlite.database import Fingerprint


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What carrying the migration out on a real copy gave. The scripts are known by their hashes."""

    at: float
    up_sha256: str
    down_sha256: str
    up_s: float
    up_vm_ops: int
    down_s: float
    down_vm_ops: int
    wal_growth_bytes: int
    size_bytes: int
    rows: int
    sqlite: str = ""


@dataclass(frozen=True, slots=True)
class Backup:
    """A verified backup. `fingerprint` is None where others had the database open: it is no rollback point then."""

    at: float
    path: str
    sha256: str
    size_bytes: int
    source: str
    source_sha256: str = ""
    """Hash of the source's file under the lock; empty for a live backup, which differs in its header."""
    fingerprint: Mapping[str, Any] | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    state: str = ""
    run: str = ""
    copy: Mapping[str, Any] | None = None
    """Fingerprint of the backup's own file when it had been proved: the same now, and nobody has written to it."""

    def is_untouched(self, now: Fingerprint) -> bool:
        """Whether the backup's file has provably not been written since it was proved."""
        return self.copy is not None and now.is_fine and dict(self.copy) == now.to_json()

    def is_of(self, now: Fingerprint) -> bool:
        """Whether the source has provably not been written since the backup."""
        return self.fingerprint is not None and now.is_fine and dict(self.fingerprint) == now.to_json()


_Record = TypeVar("_Record", Rehearsal, Backup)


def _read(cls: type[_Record], run_directory: Path, database: Path, name: str) -> _Record | None:
    known = part(read_facts(run_directory), "sqlite", str(database)).get(name)
    if known is None:
        return None
    try:
        assert isinstance(known, dict)
        names = {f.name for f in fields(cls)}
        return cls(**{k: v for k, v in known.items() if k in names})  # type: ignore[arg-type]  # our own JSON
    except (TypeError, AssertionError) as fault:
        raise NotRecordedError(
            f"what this run noted of the {name} of {database} cannot be read: {fault}"
        ) from fault


def rehearsal_of(run_directory: Path, database: Path) -> Rehearsal | None:
    """The run's rehearsal for a database (by its real path), or None. Raises NotRecordedError."""
    return _read(Rehearsal, run_directory, database, "rehearsal")


def backup_of(run_directory: Path, database: Path) -> Backup | None:
    """The run's backup of a database (by its real path), or None. Raises NotRecordedError."""
    return _read(Backup, run_directory, database, "backup")


def note(
    run_directory: Path, database: Path, name: str, record: Rehearsal | Backup | Mapping[str, Any]
) -> None:
    """Note something of a database with the run; what was there under the name is kept in a list. Raises NotRecordedError."""
    data = dict(record) if isinstance(record, Mapping) else asdict(record)

    def change(facts: dict[str, Any]) -> None:
        here = part(facts, "sqlite", str(database))
        earlier = here.get(name)
        if earlier is not None:
            history = here.setdefault(f"earlier_{name}s", [])
            if isinstance(history, list):
                history.append(earlier)
        here[name] = data

    change_facts(run_directory, change)


def note_if_possible(run_directory: Path, database: Path, name: str, record: Mapping[str, Any]) -> None:
    """Note what has been done already: that it cannot be noted does not undo it, and is only told."""
    try:
        note(run_directory, database, name, record)
    except NotRecordedError as fault:
        print(f"{name}: {fault.what}")
