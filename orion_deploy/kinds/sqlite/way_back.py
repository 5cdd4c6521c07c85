"""What decides which way back to take, found out by looking: one fact after the other, the quick ones first.

Nothing is written to the database or the backup, nobody is kept from writing for long, and every look has its limit.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from orion_deploy.errors import OrionError, RefusedError
from orion_deploy.kinds.base import Check, Context
from orion_deploy.kinds.durable import write_whole
from orion_deploy.kinds.room import existing_parent
from orion_deploy.kinds.sqlite.connection import (
    guarded,
    in_words,
    is_corrupt,
    is_interrupted,
    limited,
    open_reader,
)
from orion_deploy.kinds.sqlite.copying import Cancelled, Source, file_sha256
from orion_deploy.kinds.sqlite.database import DatabaseFile, look_at
from orion_deploy.kinds.sqlite.looking import BLOCKING_S_MAX, LOOK_S_MAX
from orion_deploy.kinds.sqlite.parameters import OfDatabase
from orion_deploy.kinds.sqlite.record import Backup, backup_of
from orion_deploy.kinds.sqlite.restore import check_manifest
from orion_deploy.kinds.sqlite.room import SPARE_BYTES, Wanted, for_restore, for_rollback, needs
from orion_deploy.kinds.sqlite.since import ROWS_COMPARED_MAX, rows_since
from orion_deploy.kinds.sqlite.sql import read_script
from orion_deploy.kinds.sqlite.state import Pair, Reading, classify, quick_check
from orion_deploy.kinds.sqlite.way_facts import (
    FACTS_NAME,
    Room,
    WayBack,
    follows,
    why_no_down,
    why_no_restore,
)
from orion_deploy.kinds.verdict import Outcome, Verdict
from orion_deploy.kinds.words import bytes_words


class SqliteWayBack(OfDatabase, Check):
    """What decides between taking the migration back and restoring this run's backup.

    Looks at: where the database stands against the migration, SQLite's quick_check, this run's backup (there, manifest,
    sha256), the rows written since, and the room that each way needs. Passed where a way is open, or there is nothing
    to take back; failed where neither is; undecided where the database cannot be looked at. Each long look ends after 30 s.
    """

    name: ClassVar[str] = "sqlite.way_back"
    example: ClassVar[str] = """
        check:
          sqlite.way_back:
            path: ~/Orion/data/orion.db
            up: migrations/0001_add_active_request_up.sql
            down: migrations/0001_add_active_request_down.sql
    """

    up: str | None = Field(None, description="the script that carries the migration out")
    down: str | None = Field(None, description="the script that takes it back")
    version_table: str = Field(
        "schema_migrations", min_length=1, description="the table that versions are noted in"
    )
    folder: str | None = Field(
        None, description="where the way back keeps copies; default: the folder of the backup"
    )

    def probe(self, context: Context) -> Verdict:
        """Look at everything once."""
        return guarded(lambda: self._look(context), context.path(self.path))

    def _look(self, context: Context) -> Verdict:
        way = WayBack(str(context.path(self.path)))
        for way in self._facts(context):
            _tell(way, context)
        for sentence in follows(way):
            print(sentence)
        return _verdict(way)

    def _facts(self, context: Context) -> Iterator[WayBack]:
        path = Path(os.path.realpath(context.path(self.path)))
        way = WayBack(str(path))
        backup, way = _recorded(way, context.run_directory, path)
        live: DatabaseFile | None = None
        try:
            live = look_at(path)
        except RefusedError as fault:
            is_gone = not os.path.lexists(path)
            way = replace(
                way, health="gone" if is_gone else "unknown", health_why=fault.what, state="unknown"
            )
        else:
            way = replace(way, size=bytes_words(live.total_bytes))
        way = replace(way, rooms=tuple(self._rooms(context, path, live, backup)))
        yield way
        if live is not None and live.header is None:
            what = "it is empty" if live.size == 0 else "its header is not that of a SQLite database"
            way = replace(way, health="damaged", health_why=what, state="corrupt", state_why=what)
        database: _Database | None = None
        reading: Reading | None = None
        if live is not None and live.header is not None:
            database = _Database(live)
            reading, way = database.state(way, self._pair(context))
            yield way
            way = database.health(way)
            yield way
            if backup is not None and way.health != "damaged":
                way = database.written(way, backup, self._made_by(reading))
        if backup is not None and not way.written:
            way = replace(
                way,
                written="what was written since the backup is not known: the database cannot be read",
                is_exact=False,
            )
        yield way
        if backup is not None and not way.backup_fault:
            context.progress(0, 0, "reading the backup")
            way = _hashed(way, backup, context)
            if way.backup_fault and database is not None and way.health != "damaged":
                # It was compared with bytes that are not the backup's.
                way = database.written(way, backup, self._made_by(reading))
        yield replace(way, is_complete=True)

    def _pair(self, context: Context) -> Pair | str:
        """Both scripts, or why there are none."""
        if self.up is None or self.down is None:
            return "no step of the checklist names its scripts"
        try:
            return Pair(
                read_script(context.path(self.up)), read_script(context.path(self.down)), self.version_table
            )
        except OrionError as fault:
            return fault.what

    def _made_by(self, reading: Reading | None) -> frozenset[str]:
        """The tables whose rows are the migration's own: those it makes, and the one of versions."""
        own = frozenset({self.version_table.lower()})
        if reading is None or reading.before is None or reading.after is None:
            return own
        return own | ({*reading.after.tables} - {*reading.before.tables})

    def _rooms(
        self, context: Context, path: Path, live: DatabaseFile | None, backup: Backup | None
    ) -> Iterator[Room]:
        """What `sqlite.rollback` and `sqlite.restore` need: a copy of what is there, and as much again to write in."""
        beside = existing_parent(path.parent)
        folder = context.path(self.folder) if self.folder else Path(backup.path).parent if backup else beside
        there = live.total_bytes if live is not None else 0
        if live is not None:
            yield from _needed("down", for_rollback(path, there, folder))
        if backup is not None:
            yield from _needed("restore", for_restore(path, there, backup.size_bytes, folder))


def _needed(way: Literal["down", "restore"], wanted: list[Wanted]) -> Iterator[Room]:
    """The room of one way on each disk."""
    word = "taking the migration back" if way == "down" else "restoring the backup"
    with contextlib.suppress(OSError):
        for need in needs(wanted):
            with_spare = need.needed_bytes + SPARE_BYTES
            yield Room(
                way,
                with_spare,
                need.free_bytes,
                f"{word} needs {bytes_words(with_spare)} at {need.place}, {bytes_words(need.free_bytes)} are free",
            )


def _recorded(way: WayBack, run_directory: Path, path: Path) -> tuple[Backup | None, WayBack]:
    """What the run's own record says of its backup; the backup is None where it cannot be found."""
    try:
        backup = backup_of(run_directory, path)
    except OrionError as fault:
        return None, replace(way, has_backup=False, backup_fault=fault.what)
    if backup is None:
        return None, replace(way, has_backup=False)
    way = replace(
        way,
        has_backup=True,
        backup=backup.path,
        backup_at=backup.at,
        backup_size=bytes_words(backup.size_bytes),
    )
    try:
        size = os.stat(backup.path).st_size
        if size != backup.size_bytes:
            raise RefusedError(f"it has {size:,} bytes now, and had {backup.size_bytes:,}")
        check_manifest(backup)
    except FileNotFoundError:
        return backup, replace(way, backup_fault="it is not there any more")
    except OSError as fault:
        return backup, replace(way, backup_fault=f"it cannot be looked at: {fault.strerror}")
    except RefusedError as fault:
        return backup, replace(way, backup_fault=fault.what)
    return backup, replace(way, backup_proof="manifest")


def _hashed(way: WayBack, backup: Backup, context: Context) -> WayBack:
    try:
        source = Source(Path(backup.path))
        try:
            sha256 = file_sha256(source, context)
        finally:
            source.close()
    except OSError as fault:
        return replace(way, backup_proof="", backup_fault=f"it cannot be read: {fault.strerror}")
    except Cancelled:
        return way
    if sha256 != backup.sha256:
        return replace(
            way, backup_proof="", backup_fault="its sha256 has changed: it is not what was written"
        )
    return replace(way, backup_proof="hash")


@dataclass(frozen=True, slots=True)
class _Database:
    """Looks at a database that is one, through short-lived readers."""

    seen: DatabaseFile

    @property
    def limit_s(self) -> float:
        """How long one look may take."""
        assert self.seen.header is not None
        return LOOK_S_MAX if self.seen.header.is_wal else BLOCKING_S_MAX

    def state(self, way: WayBack, pair: Pair | str) -> tuple[Reading | None, WayBack]:
        """Where it stands against the migration."""
        if isinstance(pair, str):
            return None, replace(way, state="unknown", state_why=pair)
        try:
            with closing(open_reader(self.seen.path)) as connection:
                reading = classify(connection, pair)
        except sqlite3.Error as fault:
            word: Literal["corrupt", "unknown"] = "corrupt" if is_corrupt(fault) else "unknown"
            return None, replace(way, state=word, state_why=self._why(fault))
        except OrionError as fault:
            return None, replace(way, state="unknown", state_why=fault.what)
        return reading, replace(way, state=reading.state.value, state_why=reading.reason)

    def health(self, way: WayBack) -> WayBack:
        """SQLite's quick_check."""
        try:
            with closing(open_reader(self.seen.path)) as connection, limited(connection, self.limit_s):
                found = quick_check(connection)
        except sqlite3.Error as fault:
            if is_corrupt(fault):
                return replace(way, health="damaged", health_why=in_words(fault))
            return replace(way, health="unknown", health_why=self._why(fault))
        if found:
            return replace(way, health="damaged", health_why=found)
        return replace(way, health="whole", health_why="SQLite has looked through it (quick_check)")

    def written(self, way: WayBack, backup: Backup, but_for: frozenset[str]) -> WayBack:
        """The rows written since the backup; what the migration itself wrote is none of them."""
        found = rows_since(
            self.seen.path,
            backup,
            but_for=but_for,
            limit_s=self.limit_s,
            compared_max=0 if way.backup_fault else ROWS_COMPARED_MAX,
        )
        return replace(
            way,
            written=str(found),
            written_rows=None if found.fault else found.rows,
            is_exact=found.is_exact,
        )

    def _why(self, fault: sqlite3.Error) -> str:
        if is_interrupted(fault):
            return f"looking through it takes longer than {self.limit_s:g} s"
        if self.seen.has_hot_journal:
            return "an interrupted transaction lies in its -journal: the next writer takes it back"
        return in_words(fault, self.seen.path)


def _tell(way: WayBack, context: Context) -> None:
    """Leave the facts where whoever waits for them looks; that they cannot be left there is let go."""
    with contextlib.suppress(OSError):
        data = json.dumps(way.to_json()).encode("utf-8", "surrogateescape")
        write_whole(context.attempt_directory / FACTS_NAME, data, durable=False)


def _verdict(way: WayBack) -> Verdict:
    name = Path(way.database).name
    said = " ".join(follows(way))
    rows = "" if way.written_rows is None else f", {way.written_rows:,} rows since the backup"
    value = f"{way.state or 'unknown'}{rows}"
    if way.health == "unknown" or (way.health == "whole" and way.state == "unknown"):
        outcome = Outcome.UNDECIDED
    elif way.state == "before" and way.health == "whole":
        outcome = Outcome.PASSED
    else:
        outcome = Outcome.FAILED if why_no_down(way) and why_no_restore(way) else Outcome.PASSED
    return Verdict(outcome, f"{name}: {said}", value, way.to_json())
