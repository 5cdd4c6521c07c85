"""The bundled migrations, on real databases."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from orion_deploy import bundled
from orion_deploy.demo.standin import create_database

NAME = "0001_add_active_request"
SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"


def _sql(way: str) -> str:
    home = bundled.folder("migrations")
    assert home is not None
    return (home / f"{NAME}_{way}.sql").read_text("utf-8")


def _statements(sql: str) -> list[str]:
    """The statements of a script, one by one, as SQLite itself tells where each ends."""
    found, begun = [], ""
    for line in sql.splitlines(keepends=True):
        begun += line
        if sqlite3.complete_statement(begun):
            found.append(begun.strip())
            begun = ""
    assert not begun.strip()
    return found


def _carry_out(database: sqlite3.Connection, way: str) -> None:
    for statement in _statements(_sql(way)):
        database.execute(statement)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """The application's own database, as its first start makes it."""
    with closing(create_database(tmp_path / "orion.db", 200)) as connection:
        yield connection


def test_up_adds_the_column_the_index_and_the_version(database: sqlite3.Connection) -> None:
    """Exactly these three things, in a single transaction."""
    before = set(database.execute(SCHEMA))
    database.execute("BEGIN EXCLUSIVE")
    _carry_out(database, "up")
    database.execute("COMMIT")
    columns = {row[1]: row[2:4] for row in database.execute("PRAGMA table_info(conversations)")}
    assert columns["active_request_id"] == ("TEXT", 0)
    index = [row[2] for row in database.execute("PRAGMA index_info(idx_conversations_active_request)")]
    assert index == ["active_request_id"]
    assert database.execute("SELECT version FROM schema_migrations").fetchall() == [(1,)]
    added = {row[1] for row in set(database.execute(SCHEMA)) - before}
    assert added == {"conversations", "idx_conversations_active_request"}


def test_down_brings_schema_and_rows_back(database: sqlite3.Connection) -> None:
    """After up and down the schema, every row and the versions are what they were."""
    rows = "SELECT * FROM conversations ORDER BY id"
    before = (
        database.execute(SCHEMA).fetchall(),
        database.execute(rows).fetchall(),
        database.execute("SELECT * FROM schema_migrations").fetchall(),
    )
    database.executescript(f"BEGIN; {_sql('up')} COMMIT;")
    database.execute("UPDATE conversations SET active_request_id = 'r1'")
    database.executescript(f"BEGIN; {_sql('down')} COMMIT;")
    after = (
        database.execute(SCHEMA).fetchall(),
        database.execute(rows).fetchall(),
        database.execute("SELECT * FROM schema_migrations").fetchall(),
    )
    assert after == before


def test_up_down_up_ends_where_up_ends(database: sqlite3.Connection) -> None:
    """The way back leaves nothing behind that the next try would stumble over."""
    database.executescript(f"BEGIN; {_sql('up')} COMMIT;")
    once = database.execute(SCHEMA).fetchall()
    database.executescript(f"BEGIN; {_sql('down')} COMMIT; BEGIN; {_sql('up')} COMMIT;")
    assert database.execute(SCHEMA).fetchall() == once


def test_other_versions_survive_the_way_back(database: sqlite3.Connection) -> None:
    """Down takes its own row out of the versions and no other."""
    database.executescript(f"BEGIN; {_sql('up')} COMMIT;")
    database.execute("INSERT INTO schema_migrations (version) VALUES (7)")
    database.executescript(f"BEGIN; {_sql('down')} COMMIT;")
    assert database.execute("SELECT version FROM schema_migrations").fetchall() == [(7,)]


@pytest.mark.parametrize("way", ["up", "down"])
def test_a_second_time_fails_and_changes_nothing(database: sqlite3.Connection, way: str) -> None:
    """Nothing is repaired silently: the script fails, and the transaction leaves the schema alone."""
    database.executescript(f"BEGIN; {_sql('up')} COMMIT;")
    if way == "down":
        database.executescript(f"BEGIN; {_sql('down')} COMMIT;")
    before = database.execute(SCHEMA).fetchall()
    database.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError):
        _carry_out(database, way)
    database.execute("ROLLBACK")
    assert database.execute(SCHEMA).fetchall() == before


@pytest.mark.parametrize("way", ["up", "down"])
def test_the_scripts_leave_the_transaction_to_others(way: str) -> None:
    """No statement begins, ends or leaves the transaction of whoever carries the script out."""
    words = (
        "BEGIN",
        "COMMIT",
        "END",
        "ROLLBACK",
        "SAVEPOINT",
        "RELEASE",
        "ATTACH",
        "DETACH",
        "VACUUM",
        "PRAGMA",
    )
    for statement in _statements(_sql(way)):
        code = "\n".join(line for line in statement.splitlines() if not line.lstrip().startswith("--"))
        assert code.split()[0].upper() not in words
