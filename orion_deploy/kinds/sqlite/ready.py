"""The pre-flight of a database: everything that would make a migration fail or a backup lie, looked at first."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from orion_deploy.kinds.base import Check, Context
from orion_deploy.kinds.files import closed_verdict
from orion_deploy.kinds.holders import find_holders, with_side_files
from orion_deploy.kinds.room import free_bytes
from orion_deploy.kinds.sqlite.connection import SQLITE_NEEDED, guarded, in_words, open_reader
from orion_deploy.kinds.sqlite.copying import Cancelled
from orion_deploy.kinds.sqlite.database import (
    NETWORK_FILE_SYSTEMS,
    DatabaseFile,
    file_system,
    require_database,
)
from orion_deploy.kinds.sqlite.looking import BLOCKING_S_MAX, LOOK_S_MAX, TimeIsUp, look_through
from orion_deploy.kinds.sqlite.parameters import OfDatabase
from orion_deploy.kinds.sqlite.record import rehearsal_of
from orion_deploy.kinds.sqlite.room import for_migration, why_no_room
from orion_deploy.kinds.verdict import Json, Outcome, Verdict
from orion_deploy.kinds.words import bytes_words
from orion_deploy.text import plain_line

NOT_LOOKED = "its pages were not looked through"


@dataclass(frozen=True, slots=True)
class _Finding:
    """One thing that was looked at."""

    outcome: Outcome
    what: str


class SqliteReady(OfDatabase, Check):
    """The database can be migrated: it is undamaged, ours, closed, and there is room.

    Looks at: the path (a regular file, a SQLite database, no second hard link, ours to write), the file system (a local
    one), the SQLite library (3.35 or later), leftover `-wal` and `-journal`, the room that `sqlite.migrate` wants (the
    database's size, and 16 MB to spare), who has it open, and every page (SQLite's quick_check). Failed names everything
    that is wrong. Undecided: it cannot be looked at, or not for certain. Where `look_s` seconds did not
    do for every page the verdict says so; the backup looks through all of them. That an index lacks a row is
    found with `indexes: true` only.
    """

    name: ClassVar[str] = "sqlite.ready"
    example: ClassVar[str] = """
        check:
          sqlite.ready:
            path: ~/Orion/data/orion.db
    """

    closed: bool = Field(default=True, description="nobody may have it open; false: not looked at")
    trust_locks: bool = Field(
        default=False, description="as in files.closed: pass although some processes cannot be inspected"
    )
    look_s: float = Field(
        LOOK_S_MAX,
        ge=0,
        le=86_400,
        description="seconds that the look through every page may take; 0: there is none. With `closed: false` at most 2 "
        "where a reader keeps writers away",
    )
    indexes: bool = Field(
        default=False,
        description="also compare every index with its rows (integrity_check): 2 to 12 times as long",
    )

    def probe(self, context: Context) -> Verdict:
        """Look at everything once."""
        return guarded(lambda: self._look(context), context.path(self.path))

    def _look(self, context: Context) -> Verdict:
        path = context.path(self.path)
        seen = require_database(path)
        findings = [*_of_file(seen), *_of_room(seen, context)]
        held = [*self._of_holders(seen.path)]
        content = _of_content(seen)
        is_held = any(f.outcome is Outcome.FAILED for f in held)
        if content.outcome is Outcome.PASSED and not is_held:
            pages = self._of_pages(seen, context)
        else:
            pages = _Finding(Outcome.PASSED, NOT_LOOKED)
        findings += [*held, content, pages]
        for finding in findings:
            print(f"{finding.outcome.value}: {finding.what}")
        values: dict[str, Json] = {
            "size_bytes": seen.size,
            "wal_bytes": seen.wal_bytes,
            "free_bytes": free_bytes(seen.path.parent),
            "sqlite": sqlite3.sqlite_version,
            "pages": pages.what,
        }
        size = bytes_words(seen.total_bytes)
        for outcome in (Outcome.FAILED, Outcome.UNDECIDED):
            bad = [f.what for f in findings if f.outcome is outcome]
            if bad:
                return Verdict(outcome, f"{path.name}: {'; '.join(bad)}", size, values)
        closed = "closed, " if self.closed else ""
        reason = f"{path.name} is ready: {size}, {closed}with room beside it, {pages.what}"
        return Verdict(Outcome.PASSED, reason, size, values)

    def _of_pages(self, seen: DatabaseFile, context: Context) -> _Finding:
        assert seen.header is not None
        limit_s = self.look_s
        if not self.closed and not seen.header.is_wal:
            limit_s = min(limit_s, BLOCKING_S_MAX)
        if not limit_s:
            return _Finding(Outcome.PASSED, NOT_LOOKED)
        size = bytes_words(seen.total_bytes)
        try:
            fault = look_through(seen.path, context, limit_s=limit_s, indexes=self.indexes)
        except TimeIsUp:
            return _Finding(
                Outcome.PASSED, f"its {size} not looked through to the end in {limit_s:g} s: the backup will"
            )
        except Cancelled:
            return _Finding(Outcome.UNDECIDED, "the look through every page was cancelled")
        except sqlite3.Error as error:
            return _Finding(Outcome.UNDECIDED, f"it cannot be looked through: {in_words(error, seen.path)}")
        name = "integrity_check" if self.indexes else "quick_check"
        if fault:
            return _Finding(
                Outcome.FAILED,
                f"the database is damaged: {plain_line(fault)} ({name}); a backup of it would be none",
            )
        return _Finding(Outcome.PASSED, f"every page looked through ({name})")

    def _of_holders(self, path: Path) -> Iterator[_Finding]:
        if self.closed:
            verdict = closed_verdict(
                find_holders(with_side_files(path)), [path], trust_locks=self.trust_locks
            )
            yield _Finding(verdict.outcome, verdict.reason)


def _of_file(seen: DatabaseFile) -> Iterator[_Finding]:
    good = Outcome.PASSED
    yield _Finding(good, f"{seen.path} is a SQLite database of {bytes_words(seen.size)}")
    if sqlite3.sqlite_version_info < SQLITE_NEEDED:
        needed = ".".join(map(str, SQLITE_NEEDED))
        yield _Finding(Outcome.FAILED, f"this SQLite is {sqlite3.sqlite_version}, DROP COLUMN needs {needed}")
    if seen.links > 1:
        yield _Finding(
            Outcome.FAILED,
            f"it has {seen.links} hard links: under another name its -wal would not be found, and data lost",
        )
    if seen.owner != os.geteuid():
        yield _Finding(
            Outcome.UNDECIDED, f"it belongs to user {seen.owner}, not to you: side files will be yours"
        )
    if not os.access(seen.path, os.R_OK | os.W_OK) or not os.access(seen.path.parent, os.W_OK | os.X_OK):
        yield _Finding(Outcome.FAILED, "you may not write to it, or to its folder")
    if seen.mode & stat.S_IWOTH:
        yield _Finding(Outcome.UNDECIDED, "everybody may write to it")
    kind = file_system(seen.path)
    if kind in NETWORK_FILE_SYSTEMS:
        yield _Finding(
            Outcome.UNDECIDED, f"it lies on a network file system ({kind}), where locks cannot be relied on"
        )
    if seen.has_hot_journal:
        yield _Finding(
            Outcome.UNDECIDED,
            "an interrupted transaction lies in its -journal: the next writer takes it back; open it once, then look again",
        )
    if seen.wal_bytes:
        yield _Finding(
            good, f"{bytes_words(seen.wal_bytes)} still lie in its -wal: a plain `cp` would lose them"
        )


def _of_room(seen: DatabaseFile, context: Context) -> Iterator[_Finding]:
    rehearsal = rehearsal_of(context.run_directory, seen.path)
    fault = why_no_room("the migration", for_migration(seen.path, seen.total_bytes, rehearsal))
    if fault:
        yield _Finding(Outcome.FAILED, fault)


def _of_content(seen: DatabaseFile) -> _Finding:
    if seen.has_hot_journal:  # told with the file: it is not to be opened before somebody decides
        return _Finding(Outcome.UNDECIDED, "so it was not opened")
    try:
        with closing(open_reader(seen.path)) as connection:
            mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
            tables = connection.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()[
                0
            ]
        return _Finding(Outcome.PASSED, f"it can be read: {tables} tables, journal mode {mode}")
    except sqlite3.Error as fault:
        return _Finding(Outcome.FAILED, f"it cannot be read: {in_words(fault, seen.path)}")
