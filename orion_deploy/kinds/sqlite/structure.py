"""What a schema is, as a value that can be compared: columns, keys, indexes, triggers, views, and the versions.

The order of columns is kept apart from the rest: a column that is dropped and added again stands at the
end, and is the same column.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from orion_deploy.kinds.sqlite.connection import OPS_PER_CALL, open_scratch
from orion_deploy.kinds.sqlite.sql import Script, names_only, tokens

VERSIONS_MAX = 10_000
SCRATCH_S_MAX = 10.0
"""How long work on an empty copy may take: it is milliseconds, unless a script never ends."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column as `PRAGMA table_xinfo` tells it."""

    name: str
    type: str
    not_null: bool
    default: str | None
    key: int
    """Its place in the primary key, 0 for none."""
    hidden: int

    def __str__(self) -> str:
        return f"{self.type or 'no type'}{' NOT NULL' if self.not_null else ''}"


@dataclass(frozen=True, slots=True)
class Table:
    """A table. `words` counts the tokens of its CREATE: a lost CHECK or COLLATE shows there."""

    name: str
    columns: tuple[Column, ...]
    words: frozenset[tuple[str, int]]

    def column(self, name: str) -> Column | None:
        """The column of this name, ignoring case."""
        return next((c for c in self.columns if c.name.lower() == name.lower()), None)


@dataclass(frozen=True, slots=True)
class Index:
    """An index that was created by name; `columns` as `PRAGMA index_xinfo` tells its key columns (None: an expression)."""

    name: str
    table: str
    unique: bool
    columns: tuple[tuple[str | None, bool, str], ...]
    """Name, descending, collation."""
    words: tuple[str, ...]

    def is_same(self, other: Index) -> bool:
        """Whether two indexes are alike, ignoring the case of names."""
        return (self.unique, self.words, _lower(self)) == (other.unique, other.words, _lower(other))

    def __str__(self) -> str:
        columns = ", ".join(f"{n or 'an expression'}{' DESC' if d else ''}" for n, d, _ in self.columns)
        return f"{'UNIQUE ' if self.unique else ''}{self.table}({columns})"


@dataclass(frozen=True, slots=True)
class Structure:
    """A whole schema. The keys are names in small letters, as SQLite compares them."""

    tables: Mapping[str, Table] = field(default_factory=dict)
    indexes: Mapping[str, Index] = field(default_factory=dict)
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Triggers and views: kind and name to the tokens of their CREATE."""
    versions: frozenset[str] = frozenset()
    """What stands in the version table; empty also where there is none."""
    user_version: int = 0

    def but_for(self, version_table: str) -> Structure:
        """Without the version table itself: an empty one that a migration leaves behind is no difference."""
        return replace(self, tables={k: t for k, t in self.tables.items() if k != version_table.lower()})


def read_structure(connection: sqlite3.Connection, version_table: str) -> Structure:
    """Read the schema of the main database. Raises sqlite3.Error."""
    rows = connection.execute(
        "SELECT type, name, tbl_name, sql FROM main.sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    ).fetchall()
    tables: dict[str, Table] = {}
    indexes: dict[str, Index] = {}
    others: dict[str, tuple[str, ...]] = {}
    for kind, name, table, sql in rows:
        words = tuple(t.plain for t in tokens(sql or ""))
        if kind == "table":
            tables[name.lower()] = Table(name, _columns(connection, name), frozenset(Counter(words).items()))
        elif kind == "index":
            indexes[name.lower()] = _index(connection, name, table, words)
        else:
            others[f"{kind} {name.lower()}"] = words
    user_version = connection.execute("PRAGMA main.user_version").fetchone()[0]
    versions = read_versions(connection, tables.get(version_table.lower()))
    return Structure(tables, indexes, others, versions, user_version)


def _lower(index: Index) -> tuple[object, ...]:
    return (index.table.lower(), *((n and n.lower(), d, c) for n, d, c in index.columns))


def _columns(connection: sqlite3.Connection, table: str) -> tuple[Column, ...]:
    rows = connection.execute("SELECT * FROM pragma_table_xinfo(?, 'main')", (table,)).fetchall()
    return tuple(Column(r[1], r[2] or "", bool(r[3]), r[4], r[5], r[6]) for r in rows)


def _index(connection: sqlite3.Connection, name: str, table: str, words: tuple[str, ...]) -> Index:
    rows = connection.execute("SELECT * FROM pragma_index_xinfo(?, 'main')", (name,)).fetchall()
    columns = tuple((r[2], bool(r[3]), str(r[4] or "").upper()) for r in rows if r[5])
    return Index(name, table, words[:2] == ("create", "unique"), columns, words)


def read_versions(connection: sqlite3.Connection, table: Table | None) -> frozenset[str]:
    """The versions that are noted in a version table: of its column `version`, or its first."""
    if table is None or not table.columns:
        return frozenset()
    column = table.column("version") or table.columns[0]
    rows = connection.execute(
        f"SELECT {quoted(column.name)} FROM main.{quoted(table.name)} LIMIT {VERSIONS_MAX}"  # noqa: S608  # quoted names
    )
    return frozenset(str(row[0]) for row in rows)


def quoted(name: str) -> str:
    """A name as SQL that can be nothing but a name."""
    return '"' + name.replace('"', '""') + '"'


def copy_schema(connection: sqlite3.Connection, version_table: str) -> sqlite3.Connection:
    """Return a database in memory with the same schema, the same noted versions, and no other row.

    It interrupts itself after SCRATCH_S_MAX. Raises sqlite3.Error, also where a virtual table's module is not there.
    """
    rows = connection.execute(
        "SELECT type, name, sql FROM main.sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
        "ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 WHEN 'view' THEN 2 ELSE 3 END, rowid"
    ).fetchall()
    copy = open_scratch()
    until_s = time.monotonic() + SCRATCH_S_MAX
    copy.set_progress_handler(lambda: time.monotonic() > until_s, OPS_PER_CALL)
    try:
        copy.execute("PRAGMA foreign_keys = OFF")
        made: set[str] = set()
        for kind, name, sql in rows:
            made |= (
                {r[0] for r in copy.execute("SELECT name FROM sqlite_master")} if kind == "table" else set()
            )
            if name not in made:  # a virtual table makes its shadow tables by itself
                copy.execute(sql)
        user_version = connection.execute("PRAGMA main.user_version").fetchone()[0]
        copy.execute(f"PRAGMA user_version = {int(user_version)}")
        found = next(
            (name for kind, name, _ in rows if kind == "table" and name.lower() == version_table.lower()),
            None,
        )
        if found is not None:
            _copy_rows(connection, copy, found)
    except BaseException:
        copy.close()
        raise
    return copy


def _copy_rows(source: sqlite3.Connection, target: sqlite3.Connection, table: str) -> None:
    names = [c.name for c in _columns(source, table) if c.hidden == 0]
    columns = ", ".join(quoted(n) for n in names)
    marks = ", ".join("?" * len(names))
    rows = source.execute(f"SELECT {columns} FROM main.{quoted(table)} LIMIT {VERSIONS_MAX}")  # noqa: S608  # quoted names
    target.executemany(f"INSERT INTO {quoted(table)} ({columns}) VALUES ({marks})", rows)  # noqa: S608  # quoted names


def apply(connection: sqlite3.Connection, script: Script, *, sure_names: bool = False) -> None:
    """Carry a script out on a copy. `sure_names` takes no double-quoted word for a text. Raises sqlite3.Error."""
    for statement in script.statements:
        connection.execute(names_only(statement.text) if sure_names else statement.text).fetchall()


def differences(seen: Structure, wanted: Structure) -> Iterator[str]:
    """Tell in words where `seen` is not as `wanted`."""
    for key, table in wanted.tables.items():
        other = seen.tables.get(key)
        if other is None:
            yield f"table {table.name} is missing"
            continue
        yield from _column_differences(other, table)
    for key, table in seen.tables.items():
        if key not in wanted.tables:
            yield f"table {table.name} is there"
    for key, index in wanted.indexes.items():
        found = seen.indexes.get(key)
        if found is None:
            yield f"index {index.name} is missing"
        elif not found.is_same(index):
            yield f"index {index.name} is {found}, not {index}"
    for key, index in seen.indexes.items():
        if key not in wanted.indexes:
            yield f"index {index.name} is there"
    for key in sorted({*wanted.others, *seen.others}):
        if seen.others.get(key) != wanted.others.get(key):
            word = (
                "missing" if key not in seen.others else "there" if key not in wanted.others else "different"
            )
            yield f"{key} is {word}"
    for version in sorted(wanted.versions - seen.versions):
        yield f"version {version} is not noted"
    for version in sorted(seen.versions - wanted.versions):
        yield f"version {version} is noted"
    if seen.user_version != wanted.user_version:
        yield f"user_version is {seen.user_version}, not {wanted.user_version}"


def _column_differences(seen: Table, wanted: Table) -> Iterator[str]:
    said = False
    for column in wanted.columns:
        other = seen.column(column.name)
        if other is None:
            said = True
            yield f"column {wanted.name}.{column.name} is missing"
        elif replace(other, name=column.name, type=other.type.upper()) != replace(
            column, type=column.type.upper()
        ):
            said = True
            yield f"column {wanted.name}.{column.name} is {other}, not {column}"
    for column in seen.columns:
        if wanted.column(column.name) is None:
            said = True
            yield f"column {wanted.name}.{column.name} is there"
    if not said and seen.words != wanted.words:
        yield f"table {wanted.name} is declared differently"


def same(one: Structure, other: Structure) -> bool:
    """Whether two schemas are alike, the order of columns aside."""
    return not any(True for _ in differences(one, other))


def same_order(one: Structure, other: Structure) -> bool:
    """Whether the columns of all common tables stand in the same order."""
    return all(
        [c.name for c in table.columns] == [c.name for c in other.tables[key].columns]
        for key, table in one.tables.items()
        if key in other.tables
    )
