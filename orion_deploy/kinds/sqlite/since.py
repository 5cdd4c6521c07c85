"""What was written to a database since its backup: what a restore would throw away. Only reads."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from orion_deploy.kinds.sqlite.connection import in_words, limited, open_reader, uri
from orion_deploy.kinds.sqlite.copying import count_rows
from orion_deploy.kinds.sqlite.record import Backup
from orion_deploy.kinds.sqlite.structure import quoted

ROWS_COMPARED_MAX = 500_000
"""Tables up to this size are compared row by row; of larger ones only the counts are told."""


@dataclass(frozen=True, slots=True)
class Written:
    """Rows written since a backup: those that are new or other now, and by how many a table has become smaller. `is_exact` is false where a table was too large to compare: changed rows then do not count."""

    backup_at: float
    backup_path: str
    new_or_changed: Mapping[str, int]
    gone: Mapping[str, int]
    is_exact: bool
    fault: str = ""
    """Why it could not be told; empty where it could."""

    @property
    def rows(self) -> int:
        """All that a restore would throw away or bring back."""
        return sum(self.new_or_changed.values()) + sum(self.gone.values())

    def __str__(self) -> str:
        if self.fault:
            return f"what was written since the backup is not known: {self.fault}"
        word = "" if self.is_exact else "at least "
        if not self.rows:
            return f"{'nothing' if self.is_exact else 'no new row'} was written since the backup"
        tables = ", ".join(sorted({*self.new_or_changed, *self.gone}))
        rows = "1 row was" if self.rows == 1 else f"{self.rows:,} rows were"
        return f"{word}{rows} written since the backup ({tables})"


def rows_since(
    database: Path,
    backup: Backup,
    *,
    but_for: Collection[str] = (),
    limit_s: float | None = None,
    compared_max: int = ROWS_COMPARED_MAX,
) -> Written:
    """Compare a database with its backup. What cannot be read is told in `fault`.

    Tables of `but_for` (small letters) are left out. Where it takes longer than `limit_s`, or the backup cannot be
    read, only the counts are compared.
    """
    try:
        return _rows_since(database, backup, but_for, limit_s, compared_max)
    except sqlite3.Error as fault:
        if compared_max:  # it took too long, or the backup cannot be read: its record has the counts
            return rows_since(database, backup, but_for=but_for, limit_s=limit_s, compared_max=0)
        return Written(backup.at, backup.path, {}, {}, is_exact=False, fault=in_words(fault))


def _rows_since(
    database: Path, backup: Backup, but_for: Collection[str], limit_s: float | None, compared_max: int
) -> Written:
    new: dict[str, int] = {}
    gone: dict[str, int] = {}
    is_exact = True
    with closing(open_reader(database)) as connection, limited(connection, limit_s):
        if compared_max:
            connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 1)
            connection.execute("ATTACH ? AS backup", (uri(Path(backup.path), "ro", immutable=True),))
        for table, count in count_rows(connection).items():
            if table.lower() in but_for:
                continue
            before = backup.rows.get(table)
            if before is None:
                new[table] = count
                continue
            if max(count, before) > compared_max:
                is_exact = False
                new[table], gone[table] = max(0, count - before), max(0, before - count)
                continue
            new[table] = _only_in("main", "backup", table, connection)
            gone[table] = max(0, before - count)
        gone |= {
            table: before
            for table, before in backup.rows.items()
            if table not in new and table.lower() not in but_for
        }
    return Written(
        backup.at,
        backup.path,
        {t: n for t, n in new.items() if n},
        {t: n for t, n in gone.items() if n},
        is_exact=is_exact,
    )


def _only_in(one: str, other: str, table: str, connection: sqlite3.Connection) -> int:
    """How many rows of a table stand in one database alone, by the columns that both have."""
    columns = [
        {r[1] for r in connection.execute("SELECT * FROM pragma_table_info(?, ?)", (table, schema))}
        for schema in (one, other)
    ]
    names = ", ".join(quoted(c) for c in sorted(columns[0] & columns[1])) or "1"
    left, right = (f"SELECT {names} FROM {schema}.{quoted(table)}" for schema in (one, other))  # noqa: S608  # quoted names
    return int(connection.execute(f"SELECT count(*) FROM ({left} EXCEPT {right})").fetchone()[0])  # noqa: S608
