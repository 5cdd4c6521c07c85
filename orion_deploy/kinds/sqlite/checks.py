"""Where a database stands, and whether its schema is exactly what is expected: names, types, columns; never a grep."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from orion_deploy.errors import did_you_mean
from orion_deploy.kinds.base import Check, Context
from orion_deploy.kinds.sqlite.connection import Meter, guarded, in_words, is_corrupt, open_reader
from orion_deploy.kinds.sqlite.database import DatabaseFile, look_at, require_database
from orion_deploy.kinds.sqlite.parameters import OfDatabase, OfMigration
from orion_deploy.kinds.sqlite.state import Pair, Reading, State, classify, quick_check
from orion_deploy.kinds.sqlite.structure import Structure, read_structure
from orion_deploy.kinds.verdict import Json, Outcome, Verdict


class SqliteState(OfMigration, Check):
    """The database stands where it should against a migration: before, or after it.

    States: `before`, `after`, `partial` (some of it is there), `foreign` (not a database that this migration
    fits), `corrupt`. Told by carrying both scripts out on a copy of the schema in memory; the database itself
    is only read. Passed when the state is the expected one, failed in every other, and where there is no database or a
    script is refused. Undecided when it is locked or cannot be read, and with `else_state` in every third state.
    """

    name: ClassVar[str] = "sqlite.state"
    example: ClassVar[str] = """
        check:
          sqlite.state:
            path: ~/Orion/data/orion.db
            up: migrations/0001_add_active_request_up.sql
            down: migrations/0001_add_active_request_down.sql
            expect_state: after
    """

    expect_state: Literal["before", "after"] = Field("after", description="where it should stand")
    else_state: Literal["before", "after"] | None = Field(
        None, description="where it stands otherwise: any third state is then undecided, not failed"
    )
    quick_check: bool = Field(default=True, description="also let SQLite look through every page")

    def probe(self, context: Context) -> Verdict:
        """Read the schema, and compare."""
        return guarded(lambda: self._look(context), context.path(self.path))

    def _look(self, context: Context) -> Verdict:
        path = context.path(self.path)
        pair = self.pair(context)
        seen = look_at(path)
        reading = self._classify(seen, context, pair)
        print(f"{path.name}: {reading.state.value}: {reading.reason}")
        values: dict[str, Json] = {"state": reading.state.value, "up_sha256": pair.up.sha256}
        if reading.state.value == self.expect_state:
            return Verdict(Outcome.PASSED, f"{path.name}: {reading.reason}", reading.state.value, values)
        is_third = self.else_state is not None and reading.state.value != self.else_state
        return Verdict(
            Outcome.UNDECIDED if is_third else Outcome.FAILED,
            f"{path.name} should stand {self.expect_state} the migration, and is {reading.state.value}: {reading.reason}",
            reading.state.value,
            values,
        )

    def _classify(self, seen: DatabaseFile, context: Context, pair: Pair) -> Reading:
        if seen.header is None:
            what = "it is empty" if seen.size == 0 else "its header is not that of a SQLite database"
            return Reading(State.CORRUPT, what)
        try:
            with closing(open_reader(seen.path)) as connection:
                if self.quick_check:
                    Meter(context, "looking through every page").attach(connection)
                    fault = quick_check(connection)
                    if fault:
                        return Reading(State.CORRUPT, fault)
                return classify(connection, pair)
        except sqlite3.DatabaseError as fault:
            if is_corrupt(fault):
                return Reading(State.CORRUPT, in_words(fault))
            raise


_COLUMN = re.compile(r"(?P<type>.*?)(?P<not_null>\s+NOT\s+NULL)?", re.IGNORECASE | re.DOTALL)
_INDEX = re.compile(r"(?P<unique>UNIQUE\s+)?(?P<table>[^(]+?)\s*\((?P<columns>[^)]+)\)", re.IGNORECASE)


class SqliteSchema(OfDatabase, Check):
    """Columns, indexes and the noted version are exactly as told; or are exactly not there.

    Types are compared as declared (ignoring case), nullability and an index's columns in their order. `grep` would
    take `old_active_request_id INTEGER` for `active_request_id TEXT`; this does not. Failed names every
    difference, undecided means that the database could not be read.
    """

    name: ClassVar[str] = "sqlite.schema"
    example: ClassVar[str] = """
        check:
          sqlite.schema:
            path: ~/Orion/data/orion.db
            columns: {conversations.active_request_id: TEXT}
            indexes: {idx_conversations_active_request: conversations(active_request_id)}
            version: 1
    """

    columns: dict[str, str] = Field(
        default_factory=dict, description="`table.column` to its type, with ` NOT NULL` where it is"
    )
    indexes: dict[str, str] = Field(
        default_factory=dict,
        description="index to `table(column, ...)`, with `UNIQUE ` before and ` DESC` where it is",
    )
    version: str | None = Field(None, description="version that must be noted")
    absent: tuple[str, ...] = Field(
        (), description="tables, `table.column`s and indexes that must not be there"
    )
    absent_version: str | None = Field(None, description="version that must not be noted")
    version_table: str = Field(
        "schema_migrations", min_length=1, description="the table that versions are noted in"
    )

    @field_validator("version", "absent_version", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _something(self) -> SqliteSchema:
        if not (self.columns or self.indexes or self.absent or self.version or self.absent_version):
            raise ValueError(
                "say what to look for: `columns`, `indexes`, `version`, `absent` or `absent_version`"
            )
        for name in self.columns:
            if "." not in name:
                raise ValueError(f"`{name}`: write a column as `table.column`")
        for name, told in self.indexes.items():
            if not _INDEX.fullmatch(told.strip()):
                raise ValueError(f"`{name}`: write an index as `table(column, ...)`, not `{told}`")
        return self

    def probe(self, context: Context) -> Verdict:
        """Read the schema, and compare."""
        return guarded(lambda: self._look(context), context.path(self.path))

    def _look(self, context: Context) -> Verdict:
        seen = require_database(context.path(self.path))
        with closing(open_reader(seen.path)) as connection:
            structure = read_structure(connection, self.version_table)
        good: list[Json] = []
        bad: list[Json] = []
        for is_good, words in self._compare(structure):
            print(("as expected: " if is_good else "not as expected: ") + words)
            (good if is_good else bad).append(words)
        values: dict[str, Json] = {"as_expected": good, "not_as_expected": bad}
        if bad:
            return Verdict(
                Outcome.FAILED,
                "; ".join(map(str, bad)),
                f"{len(bad)} of {len(good) + len(bad)} differ",
                values,
            )
        return Verdict(Outcome.PASSED, "; ".join(map(str, good)), "as expected", values)

    def _compare(self, structure: Structure) -> Iterator[tuple[bool, str]]:
        for name, told in self.columns.items():
            yield _compare_column(structure, name, told)
        for name, told in self.indexes.items():
            yield _compare_index(structure, name, told)
        if self.version is not None:
            noted = self.version in structure.versions
            yield (
                noted,
                f"version {self.version} is {'noted' if noted else f'not noted in {self.version_table}'}",
            )
        for name in self.absent:
            there = _is_there(structure, name)
            yield not there, f"{name} is {'there' if there else 'not there'}"
        if self.absent_version is not None:
            noted = self.absent_version in structure.versions
            yield not noted, f"version {self.absent_version} is {'noted' if noted else 'not noted'}"


def _compare_column(structure: Structure, name: str, told: str) -> tuple[bool, str]:
    table_name, _, column_name = name.partition(".")
    table = structure.tables.get(table_name.lower())
    if table is None:
        return (
            False,
            f"there is no table {table_name}{_near(table_name, [t.name for t in structure.tables.values()])}",
        )
    column = table.column(column_name)
    if column is None:
        return False, f"there is no column {name}{_near(column_name, [c.name for c in table.columns])}"
    match = _COLUMN.fullmatch(told.strip())
    assert match is not None
    wanted = " ".join(match["type"].upper().split())
    is_same = " ".join(column.type.upper().split()) == wanted and column.not_null == bool(match["not_null"])
    return is_same, f"{name} is {column}" if is_same else f"{name} is {column}, not {told.strip()}"


def _compare_index(structure: Structure, name: str, told: str) -> tuple[bool, str]:
    index = structure.indexes.get(name.lower())
    if index is None:
        return False, f"there is no index {name}{_near(name, [i.name for i in structure.indexes.values()])}"
    match = _INDEX.fullmatch(told.strip())
    assert match is not None
    wanted = []
    for word in match["columns"].split(","):
        column, _, order = word.strip().partition(" ")
        wanted.append((column.lower(), order.strip().upper() == "DESC"))
    is_same = (
        index.table.lower() == match["table"].strip().lower()
        and index.unique == bool(match["unique"])
        and [((n or "").lower(), d) for n, d, _ in index.columns] == wanted
    )
    return is_same, f"{name} is on {index}" if is_same else f"{name} is on {index}, not {told.strip()}"


def _is_there(structure: Structure, name: str) -> bool:
    table_name, dot, column_name = name.partition(".")
    if dot:
        table = structure.tables.get(table_name.lower())
        return table is not None and table.column(column_name) is not None
    return name.lower() in structure.tables or name.lower() in structure.indexes


def _near(name: str, known: list[str]) -> str:
    hint = did_you_mean(name, known)
    return f" ({hint})" if hint else ""
