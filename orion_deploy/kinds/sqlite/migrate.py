"""The migration itself, and the way back: locked, backed up, rehearsed, one transaction, verified, read back.

A status is never trusted: the verdict comes from reading the database again after the connection is closed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.errors import RefusedError
from orion_deploy.kinds.base import Action, Context
from orion_deploy.kinds.sqlite.backup import take_backup
from orion_deploy.kinds.sqlite.connection import (
    Meter,
    empty_wal,
    guarded,
    open_writer,
)
from orion_deploy.kinds.sqlite.copying import Cancelled, Source, file_sha256, prepare_folder
from orion_deploy.kinds.sqlite.database import DatabaseFile, fingerprint, require_database
from orion_deploy.kinds.sqlite.parameters import (
    LOCK_TIMEOUT_S,
    OfMigration,
    full_disk_refused,
    lock_or_refuse,
    refuse_holders,
    state_check,
)
from orion_deploy.kinds.sqlite.proving import Proving
from orion_deploy.kinds.sqlite.record import (
    Backup,
    Rehearsal,
    backup_of,
    note,
    note_if_possible,
    rehearsal_of,
)
from orion_deploy.kinds.sqlite.room import for_migration, for_rollback, require_room
from orion_deploy.kinds.sqlite.sql import Script
from orion_deploy.kinds.sqlite.state import Pair, Reading, State, check_names, classify, mismatch
from orion_deploy.kinds.sqlite.transaction import Applied, carry_out
from orion_deploy.kinds.verdict import Json, Outcome, Verdict
from orion_deploy.kinds.words import duration_words

ROOM_HELP = "make room on the disk of the database: a migration writes beside it"


@dataclass(frozen=True, slots=True)
class _Way:
    """One direction of a migration."""

    word: str
    begins: State
    ends: State


THERE = _Way("migrated", State.BEFORE, State.AFTER)
BACK = _Way("taken back", State.AFTER, State.BEFORE)


class _OneWay(OfMigration, Action):
    """What both directions share."""

    timeout_s: float = Field(
        30.0, gt=0, le=86_400, description="seconds after which it is interrupted, and taken back whole"
    )

    def act(self, context: Context) -> Verdict:
        """Carry it out, and read the state back."""
        return guarded(lambda: self._act(context), context.path(self.path))

    def _act(self, context: Context) -> Verdict:
        raise NotImplementedError

    def _require_time(self, rehearsed_s: float) -> None:
        if rehearsed_s > self.timeout_s:
            raise RefusedError(
                f"the rehearsal took {duration_words(rehearsed_s)}, the limit is {self.timeout_s:g} s: it would be interrupted",
                help="raise `timeout_s`, or plan a longer window",
            )


class SqliteMigrate(_OneWay):
    """Carry the migration out, in one transaction that is verified before it is committed.

    Refuses unless: this run rehearsed these very scripts, nobody has the database open, it stands before the
    migration, and this run's verified backup is of exactly this state. Takes the exclusive lock, carries the up script
    out, compares the schema with what the rehearsal led to, sees that nobody has written to the
    backup (by its times, else by its hash), and only then commits. After `timeout_s` seconds, on
    cancel, and on any error everything is taken back. Already migrated: not applicable.
    """

    name: ClassVar[str] = "sqlite.migrate"
    example: ClassVar[str] = """
        action:
          sqlite.migrate:
            path: ~/Orion/data/orion.db
            up: migrations/0001_add_active_request_up.sql
            down: migrations/0001_add_active_request_down.sql
            timeout_s: 30
        confirm: migrate
    """

    @classmethod
    def verification(cls, parameters: Mapping[str, object]) -> KindCall | None:
        """One transaction: the schema tells whether it was committed."""
        return state_check(parameters, State.AFTER.value, State.BEFORE.value)

    def _act(self, context: Context) -> Verdict:
        pair = self.pair(context)
        seen = require_database(context.path(self.path))
        with _locked(seen) as locked:
            reading = classify(locked.connection, pair)
            if reading.state is not State.BEFORE:
                return _wrong_state(reading, THERE)
            check_names(locked.connection, pair)
            rehearsal = _require_rehearsal(context, seen, pair)
            self._require_time(rehearsal.up_s)
            require_room(
                "the migration", for_migration(seen.path, seen.total_bytes, rehearsal), help=ROOM_HELP
            )
            backup = _require_backup(context, seen, locked)
            meter = Meter(context, "migrating", total_ops=rehearsal.up_vm_ops, timeout_s=self.timeout_s)
            with Proving(backup, context) as proving:
                applied = _go(
                    locked.connection,
                    pair.up,
                    meter,
                    lambda c: mismatch(c, reading.after, pair) or proving.fault(meter),
                )
        return _read_back(seen, pair, applied, context, THERE)


class SqliteRollback(_OneWay):
    """Take the migration back by its down script, in one transaction that is verified before it is committed.

    Nobody may have the database open, and it must stand after the migration. What was written since the
    migration stays; only what the down script drops is lost. First a backup of the state that is left
    is taken into `folder` (default: the folder of this run's backup), unless `backup: false`. Not migrated: not applicable.
    Failed, with everything taken back: open elsewhere, another state, no room, no folder for the backup, an error of the
    script, cancelled, or `timeout_s` seconds are over (or too few for what the rehearsal took).
    """

    name: ClassVar[str] = "sqlite.rollback"
    example: ClassVar[str] = """
        action:
          sqlite.rollback:
            path: ~/Orion/data/orion.db
            up: migrations/0001_add_active_request_up.sql
            down: migrations/0001_add_active_request_down.sql
        confirm: rollback
    """

    backup: bool = Field(default=True, description="back the present state up first")
    folder: str | None = Field(None, description="folder for that backup; default: that of this run's backup")

    @classmethod
    def verification(cls, parameters: Mapping[str, object]) -> KindCall | None:
        """One transaction, as on the way there."""
        return state_check(parameters, State.BEFORE.value, State.AFTER.value)

    def _act(self, context: Context) -> Verdict:
        pair = self.pair(context)
        seen = require_database(context.path(self.path))
        with _locked(seen) as locked:
            reading = classify(locked.connection, pair)
        if reading.state is not State.AFTER:
            return _wrong_state(reading, BACK)
        rehearsal = rehearsal_of(context.run_directory, seen.path)
        known = rehearsal is not None and rehearsal.down_sha256 == pair.down.sha256
        if rehearsal is not None and known:
            self._require_time(rehearsal.down_s)
        folder = self._folder(seen, context)
        require_room(
            "taking the migration back",
            *for_rollback(seen.path, seen.total_bytes, folder),
            help="make room there; the backup of the present state may go to a `folder` on another disk",
        )
        try:
            kept = self._keep(seen, folder, context)
        except Cancelled:
            return Verdict(Outcome.FAILED, "cancelled before anything was changed", "cancelled")
        total_ops = rehearsal.down_vm_ops if rehearsal is not None and known else 0
        with _locked(seen) as locked:
            reading = classify(locked.connection, pair)
            if reading.state is not State.AFTER:
                return _wrong_state(reading, BACK)
            if kept is not None and not kept.is_of(fingerprint(seen.path)):
                raise RefusedError(
                    "the database was written to after its backup was taken: nothing was changed"
                )
            meter = Meter(context, "taking the migration back", total_ops=total_ops, timeout_s=self.timeout_s)
            applied = _go(locked.connection, pair.down, meter, lambda c: mismatch(c, reading.before, pair))
        return _read_back(seen, pair, applied, context, BACK)

    def _folder(self, seen: DatabaseFile, context: Context) -> Path | None:
        """Where the present state is kept; None where it is not to be."""
        if not self.backup:
            return None
        if self.folder is not None:
            return context.path(self.folder)
        earlier = backup_of(context.run_directory, seen.path)
        if earlier is None:
            raise RefusedError(
                "where to keep a backup of the present state?",
                help="give `folder`, or `backup: false` to go without",
            )
        return context.path(earlier.path).parent

    def _keep(self, seen: DatabaseFile, folder: Path | None, context: Context) -> Backup | None:
        if folder is None:
            return None
        kept = take_backup(seen, prepare_folder(folder), context, label="migrated")
        note(context.run_directory, seen.path, "backup_before_rollback", kept)
        return kept


@dataclass(slots=True)
class _Locked:
    """A database under our exclusive lock, and a descriptor of it that must outlive the lock."""

    connection: sqlite3.Connection
    source: Source


@contextmanager
def _locked(seen: DatabaseFile) -> Iterator[_Locked]:
    """Lock the database; nobody may have it open, not even idly. Raises RefusedError that names who has."""
    connection = lock_or_refuse(seen.path)
    source: Source | None = None
    try:
        # Under the lock, so that nobody can come in between; an idle connection in rollback mode holds no lock.
        refuse_holders(seen.path, ask_locks=False)
        source = Source(seen.path)
        if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
            with full_disk_refused(seen.path):
                empty_wal(connection)
        yield _Locked(connection, source)
    finally:
        connection.close()
        if source is not None:
            source.close()


def _wrong_state(reading: Reading, way: _Way) -> Verdict:
    values: dict[str, Json] = {"state": reading.state.value}
    if reading.state is way.ends:
        return Verdict(
            Outcome.NOT_APPLICABLE, f"already {way.word}: nothing was run", reading.state.value, values
        )
    return Verdict(
        Outcome.FAILED,
        f"the database must stand {way.begins.value} the migration, and is {reading.state.value}: {reading.reason}; nothing was changed",
        reading.state.value,
        values,
    )


def _require_rehearsal(context: Context, seen: DatabaseFile, pair: Pair) -> Rehearsal:
    found = rehearsal_of(context.run_directory, seen.path)
    if found is None:
        raise RefusedError(
            f"this run has not rehearsed the migration of {seen.path.name}",
            help="do the step with sqlite.rehearse first",
        )
    if (found.up_sha256, found.down_sha256) != (pair.up.sha256, pair.down.sha256):
        raise RefusedError(
            "the scripts are not those that were rehearsed: one of them has changed since",
            help="rehearse again",
        )
    return found


def _require_backup(context: Context, seen: DatabaseFile, locked: _Locked) -> Backup:
    """The run's backup, which must be of exactly the state under the lock. Raises RefusedError."""
    found = backup_of(context.run_directory, seen.path)
    if found is None:
        raise RefusedError(
            f"this run has no verified backup of {seen.path.name}",
            help="do the step with sqlite.backup first",
        )
    if not found.source_sha256:
        raise RefusedError(
            "the backup was taken while the database was in use: it is not of exactly this state",
            help="take it again, without `live`",
        )
    backup = context.path(found.path)
    if not backup.is_file() or backup.stat().st_size != found.size_bytes:
        raise RefusedError(f"the backup {backup} is gone or has another size", help="take it again")
    if found.is_of(fingerprint(seen.path)):
        return found
    context.progress(0, 0, "comparing the database with its backup")
    if file_sha256(locked.source, context) != found.source_sha256:
        raise RefusedError(
            "the database was written to after its backup was taken: the backup is no rollback point",
            help="take the backup again, now that everything is stopped",
        )
    return found


def _go(
    connection: sqlite3.Connection,
    script: Script,
    meter: Meter,
    verify: Callable[[sqlite3.Connection], str],
) -> Applied:
    print(f"carrying out {script.path}, sha256 {script.sha256}")
    applied = carry_out(connection, script, meter, verify)
    print(
        f"{applied.duration_s:.3f} s, {applied.vm_ops:,} VM operations{f': {applied.fault}' if applied.fault else ''}"
    )
    return applied


def _read_back(seen: DatabaseFile, pair: Pair, applied: Applied, context: Context, way: _Way) -> Verdict:
    """The verdict, from the state that is found now."""
    with closing(open_writer(seen.path, timeout_s=LOCK_TIMEOUT_S)) as connection:
        connection.execute("PRAGMA query_only = ON")
        now = classify(connection, pair)
    values: dict[str, Json] = {
        "state": now.state.value,
        "duration_s": round(applied.duration_s, 4),
        "commit_s": round(applied.commit_s, 4),
        "vm_ops": applied.vm_ops,
    }
    took = duration_words(applied.duration_s)
    why = f": {applied.fault}" if applied.fault else ""
    spot = f" (line {applied.line} of its script)" if applied.line else ""
    if now.state is way.ends:
        record = {
            "at": context.now(),
            "duration_s": applied.duration_s,
            "vm_ops": applied.vm_ops,
            "state": now.state.value,
        }
        note_if_possible(context.run_directory, seen.path, way.word.replace(" ", "_"), record)
        return Verdict(
            Outcome.PASSED,
            f"{way.word} in {took}, read back: {now.reason}{why}",
            f"{now.state.value}, {took}",
            values,
        )
    if now.state is way.begins:
        return Verdict(
            Outcome.FAILED,
            f"not {way.word}{why}{spot}; everything was taken back, the database is as before",
            now.state.value,
            values,
        )
    return Verdict(
        Outcome.FAILED,
        f"the database is {now.state.value} now: {now.reason}{why}{spot}",
        now.state.value,
        values,
    )
