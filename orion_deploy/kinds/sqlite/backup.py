"""A backup that is a rollback point: of exactly this state, proved, private, and pinned to the run that took it.

Lock, empty the WAL, copy, sync, read back (hash, quick_check, row counts), manifest, final name, and last
the run's facts: only what stands there is taken for a backup, so that half of one never is.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import time
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from orion_deploy.errors import RefusedError
from orion_deploy.kinds.base import Action, Context
from orion_deploy.kinds.durable import write_whole
from orion_deploy.kinds.sqlite.connection import (
    empty_wal,
    guarded,
    open_reader,
    open_writer,
)
from orion_deploy.kinds.sqlite.copying import (
    Cancelled,
    Copied,
    Source,
    copy_pages,
    partial_file,
    prepare_folder,
    publish,
    read_back,
    verify_copy,
)
from orion_deploy.kinds.sqlite.database import (
    DatabaseFile,
    Fingerprint,
    fingerprint,
    require_database,
    require_sole_name,
    wait_for_tick,
)
from orion_deploy.kinds.sqlite.exact import Copying, copy_file
from orion_deploy.kinds.sqlite.parameters import OfDatabase, lock_or_refuse, refuse_holders
from orion_deploy.kinds.sqlite.record import Backup, note
from orion_deploy.kinds.sqlite.room import require_room
from orion_deploy.kinds.verdict import Json, Outcome, Verdict
from orion_deploy.kinds.words import bytes_words

MANIFEST_SUFFIX = ".json"
MANIFEST_SCHEMA = 1
COPYING, READING_BACK = "copying the database", "reading the backup back"


class SqliteBackup(OfDatabase, Action):
    """Take a backup of the database, prove it, and pin it to this run.

    Nobody may have the database open: it is locked, its WAL is moved into it, and its file is copied; the copy is
    synced, read back by hash, by SQLite's quick_check and by counting rows, and only then gets its name
    (`NAME-before-RUN-TIME.db`, mode 0600, with a manifest beside it). Nothing is ever overwritten. Failed: open
    elsewhere, no room, the folder is a file or open to everybody, or the database itself is damaged. `live: true`
    copies a database in use; it is no rollback point for `sqlite.migrate`.
    """

    name: ClassVar[str] = "sqlite.backup"
    example: ClassVar[str] = """
        action:
          sqlite.backup:
            path: ~/Orion/data/orion.db
            folder: ~/Orion/backups
    """

    folder: str = Field(min_length=1, description="folder for the backup; made (0700) where it is missing")
    live: bool = Field(
        default=False, description="copy while others have it open, through SQLite's backup API"
    )

    def act(self, context: Context) -> Verdict:
        """Take it, and read it back."""
        places = (context.path(self.folder), context.path(self.path))
        return guarded(lambda: self._act(context), *places, otherwise=Outcome.FAILED)

    def _act(self, context: Context) -> Verdict:
        seen = require_database(context.path(self.path))
        folder = prepare_folder(context.path(self.folder))
        try:
            made = take_backup(seen, folder, context, label="before", live=self.live)
        except Cancelled:
            return Verdict(
                Outcome.FAILED, "cancelled; nothing was kept, the database is as it was", "cancelled"
            )
        note(context.run_directory, seen.path, "backup", made)
        rows = sum(made.rows.values())
        values: dict[str, Json] = {
            "path": made.path,
            "sha256": made.sha256,
            "size_bytes": made.size_bytes,
            "rows": dict(made.rows),
            "is_rollback_point": made.fingerprint is not None,
        }
        shown = f"{bytes_words(made.size_bytes)}, {rows:,} rows"
        tail = (
            ""
            if made.fingerprint
            else "; taken while it was in use, so it is no rollback point for a migration"
        )
        return Verdict(Outcome.PASSED, f"backed up and read back: {made.path} ({shown}){tail}", shown, values)


def take_backup(
    seen: DatabaseFile, folder: Path, context: Context, *, label: str, live: bool = False
) -> Backup:
    """Copy a database into `folder`, prove the copy, publish it with its manifest. Returns its record, not yet noted.

    Raises RefusedError, Cancelled, sqlite3.Error or OSError; nothing that could be taken for a backup is left then.
    """
    require_sole_name(seen.path)
    require_room(
        "a backup", (folder, seen.total_bytes), help="make room there, or give a `folder` on another disk"
    )
    if not live:
        blind = refuse_holders(seen.path)
        if blind:
            print(f"{blind}; the exclusive lock decides")
    final = backup_path(folder, seen.path, label, context)
    with partial_file(final) as part:
        state: Fingerprint | None = None
        if live:
            _copy_live(seen, part, context)
            copied, fault = verify_copy(part, context, READING_BACK)
        else:
            copied, fault, state = _copy_locked(seen, part, context)
        if fault:
            raise RefusedError(
                f"the database {seen.path} itself is damaged: {fault}",
                help="the copy was exact, but a copy of a damaged database is no backup; nothing was kept",
            )
        made = Backup(
            at=context.now(),
            path=str(final),
            sha256=copied.sha256,
            size_bytes=copied.size,
            source=str(seen.path),
            source_sha256="" if live else copied.sha256,
            fingerprint=state.to_json() if state is not None else None,
            rows=copied.rows,
            run=context.run,
        )
        manifest = {
            "schema": MANIFEST_SCHEMA,
            "sqlite": sqlite3.sqlite_version,
            "inode": seen.inode,
            **asdict(made),
        }
        write_whole(manifest_path(final), json.dumps(manifest, indent=1, sort_keys=True).encode() + b"\n")
        proved = fingerprint(part)
        publish(part, final)
    named = fingerprint(final)
    if (
        named.modified_ns == proved.modified_ns
    ):  # its new name moved the other time; nothing has moved this one
        wait_for_tick(named)
        made = replace(made, copy=named.to_json())
    print(f"backup: {final}, sha256 {made.sha256}")
    return made


def backup_path(folder: Path, path: Path, label: str, context: Context) -> Path:
    """A free name in `folder`: `orion-before-RUN-20260129-221000.db`; readable, bounded, never a raw run name."""
    run = re.sub(r"[^A-Za-z0-9._-]+", "-", context.run)[:40].strip(".-") or "run"
    at = time.strftime("%Y%m%d-%H%M%S", time.localtime(context.now()))
    number = 1
    while os.path.lexists(
        free := folder
        / f"{path.stem}-{label}-{run}-{at}{f'-{number}' if number > 1 else ''}{path.suffix or '.db'}"
    ):
        number += 1
    return free


def manifest_path(backup: Path) -> Path:
    """Where a backup's manifest stands."""
    return backup.with_name(backup.name + MANIFEST_SUFFIX)


def _copy_locked(seen: DatabaseFile, part: Path, context: Context) -> tuple[Copied, str, Fingerprint]:
    """Copy under the exclusive lock, and read the copy back meanwhile; see `read_back`."""
    connection = lock_or_refuse(seen.path)
    source: Source | None = None
    try:
        source = Source(seen.path)
        state = _still(connection, seen.path, source)
        with Copying(source, part, context, COPYING) as copying:
            copying.copy()
            rows, fault = read_back(part, context, READING_BACK)
            copied = Copied(copying.result(), os.stat(part).st_size, rows)
        _require_still(seen.path, state)
        return copied, fault, state
    finally:
        connection.close()
        if source is not None:
            source.close()


def copy_under_lock(
    connection: sqlite3.Connection, path: Path, part: Path, context: Context, source: Source
) -> None:
    """Copy a database's file, damaged or not, while `connection` holds its exclusive lock.

    `source` must be closed after the connection. Raises Cancelled, RefusedError, sqlite3.Error or OSError.
    """
    state = _still(connection, path, source)
    copy_file(source, part, context, COPYING)
    _require_still(path, state)


def _still(connection: sqlite3.Connection, path: Path, source: Source) -> Fingerprint:
    """Everything that lies in the WAL moved into the file, and the fingerprint that the file has then."""
    if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        empty_wal(connection)
    if os.fstat(source.descriptor).st_ino != os.stat(path).st_ino:
        raise RefusedError(f"{path} was replaced by another file meanwhile")
    return fingerprint(path)


def _require_still(path: Path, state: Fingerprint) -> None:
    if fingerprint(path) != state:
        raise RefusedError(f"{path} changed while it was locked: something writes to it without SQLite")
    wait_for_tick(state)


def _copy_live(seen: DatabaseFile, part: Path, context: Context) -> None:
    def too_busy() -> None:
        raise RefusedError(f"{seen.path.name} is locked by another connection: no copy could be made")

    with closing(open_reader(seen.path)) as source, closing(open_writer(part)) as target:
        if seen.header is not None and seen.header.is_wal:
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        copy_pages(source, target, context, "copying the database", is_busy=too_busy)
