"""The parameters that kinds of this room share, and what is made of them."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import Field

from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.errors import RefusedError
from orion_deploy.kinds.base import Context, Kind
from orion_deploy.kinds.holders import find_holders, listed, with_side_files
from orion_deploy.kinds.sqlite.connection import Busy, open_exclusively, why_full
from orion_deploy.kinds.sqlite.database import require_sole_name
from orion_deploy.kinds.sqlite.sql import read_script
from orion_deploy.kinds.sqlite.state import Pair

LOCK_TIMEOUT_S = 1.0
"""How long the exclusive lock is waited for: a look at the database takes milliseconds, and who has it open is named."""


class OfDatabase(Kind):
    """The parameter that says which database is meant."""

    path: str = Field(min_length=1, description="the database; it must be there, and is never created")


class OfMigration(OfDatabase):
    """The parameters that say which migration is meant."""

    up: str = Field(min_length=1, description="the script that carries the migration out")
    down: str = Field(min_length=1, description="the script that takes it back")
    version_table: str = Field(
        "schema_migrations", min_length=1, description="the table that versions are noted in"
    )

    def pair(self, context: Context) -> Pair:
        """Both scripts, read and checked. Raises RefusedError."""
        return Pair(
            read_script(context.path(self.up)), read_script(context.path(self.down)), self.version_table
        )


def state_check(parameters: Mapping[str, object], ends: str, begins: str) -> KindCall:
    """The check that tells whether a migration went the whole way, not at all, or nobody knows."""
    shared = {name: parameters[name] for name in OfMigration.model_fields if name in parameters}
    return KindCall("sqlite.state", {**shared, "expect_state": ends, "else_state": begins})


def refuse_holders(path: Path, *, ask_locks: bool = True) -> str:
    """Raise RefusedError where somebody has the database open; return what could not be inspected, in words.

    `ask_locks` must be false while this process has a connection to the database.
    """
    seen = find_holders(with_side_files(path), ask_locks=ask_locks)
    if seen.holders:
        raise RefusedError(
            f"{path.name} is open in {listed(seen.holders)}: nothing was changed",
            help="stop it first (process.stop)",
        )
    if seen.is_complete:
        return ""
    return f"who has it open cannot be said for certain: {seen.blind}"


@contextlib.contextmanager
def full_disk_refused(path: Path) -> Iterator[None]:
    """Raise RefusedError instead of sqlite3.Error where a full disk is the reason. To be used before anything is changed."""
    try:
        yield
    except sqlite3.Error as fault:
        if not (words := why_full(fault, path)):
            raise
        raise RefusedError(
            f"{words}; nothing was changed", help="make room there, then do it again"
        ) from fault


def lock_or_refuse(path: Path) -> sqlite3.Connection:
    """Open a database under the exclusive lock (see `open_exclusively`).

    Raises RefusedError that names who has it open, where somebody has, or where it is not ours to lock; or sqlite3.Error.
    """
    require_sole_name(path)
    if not os.access(path, os.W_OK):  # SQLite would open it for reading, and lock nobody out
        raise RefusedError(f"you may not write to {path}, and so it cannot be locked: nothing was changed")
    try:
        with full_disk_refused(path):
            return open_exclusively(path, timeout_s=LOCK_TIMEOUT_S)
    except Busy as fault:
        refuse_holders(path)
        raise RefusedError(f"{fault.what}: nothing was changed", help=fault.help) from fault
