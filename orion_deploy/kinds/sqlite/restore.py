"""This run's backup, back in the live path: proved first, the failed database kept, every page read back.

Through SQLite's backup API into the live file, which a stale `-wal` cannot undo. Where the live file is no
database any more, the backup takes its place by one rename.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from orion_deploy.errors import RefusedError
from orion_deploy.kinds.base import Action, Context
from orion_deploy.kinds.sqlite.aside import keep_as_it_is, same_content, take_place
from orion_deploy.kinds.sqlite.backup import backup_path, copy_under_lock, manifest_path
from orion_deploy.kinds.sqlite.connection import guarded, in_words, open_reader, open_writer
from orion_deploy.kinds.sqlite.copying import (
    Cancelled,
    Source,
    copy_pages,
    count_rows,
    partial_file,
    prepare_folder,
    publish,
    verify_copy,
)
from orion_deploy.kinds.sqlite.database import DatabaseFile, look_at
from orion_deploy.kinds.sqlite.parameters import LOCK_TIMEOUT_S, OfDatabase, lock_or_refuse, refuse_holders
from orion_deploy.kinds.sqlite.record import Backup, backup_of, note_if_possible
from orion_deploy.kinds.sqlite.room import for_restore, require_room
from orion_deploy.kinds.sqlite.since import rows_since
from orion_deploy.kinds.sqlite.state import quick_check
from orion_deploy.kinds.verdict import Json, Outcome, Verdict
from orion_deploy.kinds.words import bytes_words


class SqliteRestore(OfDatabase, Action):
    """Put this run's backup back into the database's place.

    The backup is the one that this run took, found by the run's own record and never by a pattern; its manifest and
    sha256 must hold. First the failed database is kept (`NAME-failed-RUN-TIME.db`), and what was written since the
    backup is counted. Then the backup's pages are written through SQLite into the live file, in one transaction.
    Read back: every byte, quick_check, row counts. Failed: no backup of this run, it does not hold, or somebody
    has the database open.
    """

    name: ClassVar[str] = "sqlite.restore"
    example: ClassVar[str] = """
        action:
          sqlite.restore:
            path: ~/Orion/data/orion.db
        confirm: restore
    """

    folder: str | None = Field(
        None, description="folder in which the failed database is kept; default: that of the backup"
    )

    def act(self, context: Context) -> Verdict:
        """Restore, and read it back."""
        folder = [context.path(self.folder)] if self.folder else []
        return guarded(lambda: self._act(context), context.path(self.path), *folder)

    def _act(self, context: Context) -> Verdict:
        path = Path(os.path.realpath(context.path(self.path)))
        backup = backup_of(context.run_directory, path)
        if backup is None:
            raise RefusedError(
                f"this run took no backup of {path}",
                help="another run's backup is restored by hand, knowingly",
            )
        try:
            prove(backup, context)
        except Cancelled:
            return Verdict(Outcome.FAILED, "cancelled before anything was changed", "cancelled")
        refuse_holders(path)
        folder = prepare_folder(context.path(self.folder) if self.folder else Path(backup.path).parent)
        live = look_at(path) if os.path.lexists(path) else None
        lost = ""
        if live is not None and live.header is not None:
            lost = str(rows_since(path, backup))
            print(lost)
        there_bytes = live.total_bytes if live is not None else 0
        require_room(
            "keeping the failed database and restoring",
            *for_restore(path, there_bytes, backup.size_bytes, folder),
            help="make room there, or give a `folder` on another disk for the failed database",
        )
        try:
            kept = _put_back(path, live, backup, folder, context)
        except Cancelled:
            return Verdict(Outcome.FAILED, "cancelled; the database is as it was", "cancelled")
        return _read_back(path, backup, kept, lost, context)


def prove(backup: Backup, context: Context) -> None:
    """Raise RefusedError where a backup is not what the run took: by its manifest, its hash, and quick_check.

    Raises Cancelled where the operator asked to stop.
    """
    check_manifest(backup)
    path = Path(backup.path)
    try:
        copied, fault_found = verify_copy(path, context, "proving the backup")
    except OSError as fault:
        raise RefusedError(f"the backup {path} cannot be read: {fault.strerror}") from fault
    except sqlite3.Error as fault:
        raise RefusedError(f"the backup {path} does not hold: {in_words(fault)}") from fault
    if copied.sha256 != backup.sha256:
        raise RefusedError(
            f"the backup {path} is not what was written: its sha256 has changed",
            help="the database was not touched",
        )
    if fault_found:
        raise RefusedError(f"the backup {path} is damaged: {fault_found}")


def check_manifest(backup: Backup) -> None:
    """Raise RefusedError where a backup's manifest is not that of what the run took, or another file has its name."""
    path = Path(backup.path)
    try:
        manifest = json.loads(manifest_path(path).read_bytes())
        told = (manifest["sha256"], manifest["size_bytes"], manifest["source"])
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise RefusedError(f"the manifest of the backup {path} cannot be read: {fault}") from fault
    if told != (backup.sha256, backup.size_bytes, backup.source):
        raise RefusedError(f"the manifest of {path} is not that of the backup that this run took")
    if os.path.islink(path):
        raise RefusedError(f"the backup {path} is a symbolic link now")


@dataclass(frozen=True, slots=True)
class _Kept:
    """Where the failed database is now, and how the backup took its place."""

    path: Path | None
    how: str


def _put_back(path: Path, live: DatabaseFile | None, backup: Backup, folder: Path, context: Context) -> _Kept:
    final = backup_path(folder, path, "failed", context)
    if live is not None and live.header is not None:
        try:
            with closing(open_reader(Path(backup.path), immutable=True)) as source:
                page_size = source.execute("PRAGMA page_size").fetchone()[0]
                if page_size == live.header.page_size:
                    return _through_sqlite(path, source, final, context)
        except sqlite3.DatabaseError as fault:
            if isinstance(fault, sqlite3.OperationalError) and not _is_unusable(fault):
                raise
            print(f"the database cannot be written through SQLite: {in_words(fault)}")
    if live is not None and not final.exists():
        keep_as_it_is(path, final, context)
    refuse_holders(path)
    take_place(path, Path(backup.path), live.mode if live is not None else 0o600, context)
    return _Kept(final if live is not None else None, "by taking its place")


def _through_sqlite(path: Path, source: sqlite3.Connection, final: Path, context: Context) -> _Kept:
    """Keep the failed database, then write the backup's pages into it, all under one exclusive lock."""

    def too_busy() -> None:
        raise RefusedError(f"{path.name} is locked by another connection")

    with contextlib.ExitStack() as after:
        target = lock_or_refuse(path)
        descriptor = Source(path)
        after.callback(descriptor.close)
        after.callback(target.close)  # closed first: a callback runs in reverse order
        with partial_file(final) as part:
            copy_under_lock(target, path, part, context, descriptor)
            publish(part, final)
        print(f"the failed database is kept: {final}")
        refuse_holders(path, ask_locks=False)
        copy_pages(source, target, context, "restoring", is_busy=too_busy)
    return _Kept(final, "through SQLite")


def _is_unusable(fault: sqlite3.Error) -> bool:
    """Whether the live file is at fault, and not a lock or the disk."""
    return getattr(fault, "sqlite_errorcode", 0) & 0xFF in (
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
    )


def _read_back(path: Path, backup: Backup, kept: _Kept, lost: str, context: Context) -> Verdict:
    with closing(open_writer(path, timeout_s=LOCK_TIMEOUT_S)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        fault = quick_check(connection)
        rows = {} if fault else count_rows(connection)
    if not fault and rows != dict(backup.rows):
        fault = "its row counts are not those of the backup"
    if not fault and not same_content(path, Path(backup.path)):
        fault = "its content is not that of the backup"
    where = f"; the failed database is kept at {kept.path}" if kept.path is not None else ""
    values: dict[str, Json] = {
        "backup": backup.path,
        "sha256": backup.sha256,
        "kept": str(kept.path) if kept.path is not None else None,
        "rows": dict(rows),
    }
    if fault:
        return Verdict(
            Outcome.FAILED, f"restored, but read back: {fault}{where}", "not as the backup", values
        )
    note_if_possible(
        context.run_directory,
        path,
        "restored",
        {"at": context.now(), "from": backup.path, "kept": str(kept.path)},
    )
    shown = f"{bytes_words(backup.size_bytes)}, {sum(rows.values()):,} rows"
    written = f" ({lost})" if lost else ""
    return Verdict(
        Outcome.PASSED,
        f"restored {kept.how} from {backup.path}, and read back: {shown}{written}{where}",
        shown,
        values,
    )
