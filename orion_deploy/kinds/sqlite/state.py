"""Where a database stands against a migration: told by carrying both scripts out on a copy of its schema.

No list of names is kept anywhere: what the migration makes is what its own up script makes, and what was
before is what its own down script leaves. A database that these two do not lead to and fro is foreign.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from orion_deploy.errors import RefusedError
from orion_deploy.kinds.sqlite.connection import in_words, is_interrupted
from orion_deploy.kinds.sqlite.sql import Script
from orion_deploy.kinds.sqlite.structure import (
    SCRATCH_S_MAX,
    Structure,
    apply,
    copy_schema,
    differences,
    read_structure,
    same,
)

SHOWN_DIFFERENCES_MAX = 4


class State(StrEnum):
    """Where a database stands."""

    BEFORE = "before"
    PARTIAL = "partial"
    AFTER = "after"
    FOREIGN = "foreign"
    CORRUPT = "corrupt"


@dataclass(frozen=True, slots=True)
class Reading:
    """A state with its evidence; `before` and `after` are the schemas on both sides, where they are known."""

    state: State
    reason: str
    before: Structure | None = None
    after: Structure | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """A migration: its way there, its way back, and the table in which versions are noted."""

    up: Script
    down: Script
    version_table: str = "schema_migrations"


def classify(connection: sqlite3.Connection, pair: Pair) -> Reading:
    """Tell where a database stands. Nothing is written to it.

    Raises sqlite3.Error where its schema cannot be read, RefusedError where a script does not end.

    On a copy of the schema: the up script is carried out as far as it can (what is already there is passed
    over), giving `after`; the down script gives `before`; the up script must lead from there to `after` again.
    """
    copy = copy_schema(connection, pair.version_table)
    try:
        actual = _read(copy, pair)
        stumbles = _as_far_as_it_goes(copy, pair.up)
        after = _read(copy, pair)
        try:
            apply(copy, pair.down)
        except sqlite3.Error as fault:
            _refuse_endless(fault, pair.down)
            first = stumbles[0] if stumbles else in_words(fault)
            return Reading(State.FOREIGN, f"the migration does not fit this database: {first}")
        before = _read(copy, pair)
        try:
            apply(copy, pair.up)
        except sqlite3.Error as fault:
            _refuse_endless(fault, pair.up)
            return Reading(State.FOREIGN, f"the migration does not fit this database: {in_words(fault)}")
        again = _read(copy, pair)
    finally:
        copy.close()
    if not same(after, again):
        return Reading(State.FOREIGN, f"what is there is not what the migration makes: {_some(after, again)}")
    if same(before, after):
        return Reading(State.FOREIGN, "the two scripts change nothing that can be seen in the schema")
    if same(actual, after):
        return Reading(State.AFTER, "the migration is in place", before, after)
    if same(actual, before):
        return Reading(State.BEFORE, "the migration has not been carried out", before, after)
    return Reading(
        State.PARTIAL,
        f"half of the migration is in place: {_some(actual, before)}; but {_some(actual, after)}",
        before,
        after,
    )


def check_names(connection: sqlite3.Connection, pair: Pair) -> None:
    """Raise RefusedError where a script means a column by a "double-quoted" word that is none.

    SQLite would take such a word for a text: an index on it is an index on a constant. To be called on a
    database that stands before the migration.
    """
    copy = copy_schema(connection, pair.version_table)
    try:
        for script in (pair.up, pair.down):
            try:
                apply(copy, script, sure_names=True)
            except sqlite3.Error as fault:
                raise RefusedError(
                    f"{script.path}: {fault}",
                    help="a word in double quotes is a name; write texts in 'single quotes'",
                ) from fault
    finally:
        copy.close()


def _read(connection: sqlite3.Connection, pair: Pair) -> Structure:
    return read_structure(connection, pair.version_table).but_for(pair.version_table)


def _as_far_as_it_goes(connection: sqlite3.Connection, script: Script) -> list[str]:
    """Carry a script out, passing over what fails; returns the failures that are not "already there"."""
    stumbles = []
    for statement in script.statements:
        try:
            connection.execute(statement.text).fetchall()
        except sqlite3.Error as fault:
            _refuse_endless(fault, script)
            if not any(w in str(fault) for w in ("already exists", "duplicate column", "UNIQUE constraint")):
                stumbles.append(in_words(fault))
    return stumbles


def mismatch(connection: sqlite3.Connection, wanted: Structure | None, pair: Pair) -> str:
    """Where the schema is not the wanted one, in words; an empty string where it is. Raises sqlite3.Error."""
    assert wanted is not None
    seen = read_structure(connection, pair.version_table).but_for(pair.version_table)
    return "" if same(seen, wanted) else _some(seen, wanted)


def _refuse_endless(fault: sqlite3.Error, script: Script) -> None:
    if is_interrupted(fault):
        raise RefusedError(
            f"{script.path} has not ended after {SCRATCH_S_MAX:g} s on a copy without rows",
            help="does one of its statements ever end?",
        ) from fault


def _some(seen: Structure, wanted: Structure) -> str:
    found = list(differences(seen, wanted))
    more = len(found) - SHOWN_DIFFERENCES_MAX
    return "; ".join(found[:SHOWN_DIFFERENCES_MAX]) + (f" and {more} more" if more > 0 else "")


def quick_check(connection: sqlite3.Connection) -> str:
    """Return an empty string when SQLite finds the database whole, else the first thing that it finds. Raises sqlite3.Error."""
    return first_fault(connection)


def first_fault(connection: sqlite3.Connection, *, indexes: bool = False) -> str:
    """As `quick_check`; with `indexes` every index is compared with its rows too (integrity_check). Raises sqlite3.Error."""
    name = "integrity_check" if indexes else "quick_check"
    row = connection.execute(f"PRAGMA {name}(1)").fetchone()
    found = str(row[0]) if row else f"{name} gave no answer"
    return "" if found == "ok" else found.removeprefix("*** in database main ***\n")
