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
from orion_deploy.kinds.sqlite.database import (
    NETWORK_FILE_SYSTEMS,
    DatabaseFile,
    file_system,
    require_database,
)
from orion_deploy.kinds.sqlite.parameters import OfDatabase
from orion_deploy.kinds.verdict import Json, Outcome, Verdict
from orion_deploy.kinds.words import bytes_words


@dataclass(frozen=True, slots=True)
class _Finding:
    """One thing that was looked at."""

    outcome: Outcome
    what: str


class SqliteReady(OfDatabase, Check):
    """The database can be migrated: it is whole, ours, closed, and there is room.

    Looks at: the path (a regular file, a SQLite database, no second hard link, ours to write), the file system (a local
    one), the SQLite library (3.35 or later), leftover `-wal` and `-journal`, the free space (once the
    database's size), who has it open, and that it can be read. Failed names everything that is wrong.
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

    def probe(self, context: Context) -> Verdict:
        """Look at everything once."""
        return guarded(lambda: self._look(context))

    def _look(self, context: Context) -> Verdict:
        path = context.path(self.path)
        seen = require_database(path)
        findings = [*_of_file(seen), *self._of_holders(seen.path), *_of_content(seen)]
        for finding in findings:
            print(f"{finding.outcome.value}: {finding.what}")
        values: dict[str, Json] = {
            "size_bytes": seen.size,
            "wal_bytes": seen.wal_bytes,
            "free_bytes": free_bytes(seen.path.parent),
            "sqlite": sqlite3.sqlite_version,
        }
        for outcome in (Outcome.FAILED, Outcome.UNDECIDED):
            bad = [f.what for f in findings if f.outcome is outcome]
            if bad:
                return Verdict(
                    outcome, f"{path.name}: {'; '.join(bad)}", bytes_words(seen.total_bytes), values
                )
        return Verdict(
            Outcome.PASSED,
            f"{path.name} is ready: {bytes_words(seen.total_bytes)}, whole, closed, with room beside it"
            if self.closed
            else f"{path.name} is ready: {bytes_words(seen.total_bytes)}, whole, with room beside it",
            bytes_words(seen.total_bytes),
            values,
        )

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
    free = free_bytes(seen.path.parent)
    if free < seen.total_bytes:
        yield _Finding(
            Outcome.FAILED,
            f"only {bytes_words(free)} are free beside it; a migration may need as much as its {bytes_words(seen.total_bytes)}",
        )


def _of_content(seen: DatabaseFile) -> Iterator[_Finding]:
    if seen.has_hot_journal:
        return
    try:
        with closing(open_reader(seen.path)) as connection:
            mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
            tables = connection.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()[
                0
            ]
        yield _Finding(Outcome.PASSED, f"it can be read: {tables} tables, journal mode {mode}")
    except sqlite3.Error as fault:
        yield _Finding(Outcome.FAILED, f"it cannot be read: {in_words(fault)}")
