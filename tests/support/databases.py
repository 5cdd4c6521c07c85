"""Builders of real SQLite databases, and what tests ask of them."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

MIGRATIONS = Path(__file__).parents[2] / "migrations"
UP = MIGRATIONS / "0001_add_active_request_up.sql"
DOWN = MIGRATIONS / "0001_add_active_request_down.sql"
MIGRATION = {"up": str(UP), "down": str(DOWN)}


def orion(path: Path, rows: int = 200, *, mode: str = "wal", extra: str = "") -> Path:
    """A database as Orion keeps it before the migration: conversations and their messages."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.executescript(
            "CREATE TABLE conversations (id INTEGER PRIMARY KEY, title TEXT NOT NULL, created_at TEXT NOT NULL DEFAULT '');"
            "CREATE TABLE messages (id INTEGER PRIMARY KEY, conversation_id INTEGER NOT NULL REFERENCES conversations (id),"
            " body TEXT CHECK (length(body) < 10000));"
            "CREATE INDEX idx_messages_conversation ON messages (conversation_id);" + extra
        )
        connection.executemany(
            "INSERT INTO conversations (id, title) VALUES (?, ?)",
            ((n, f"conversation {n} " + "x" * 40) for n in range(1, rows + 1)),
        )
        connection.executemany(
            "INSERT INTO messages (conversation_id, body) VALUES (?, ?)",
            ((n, f"message {n} " + "y" * 100) for n in range(1, rows + 1)),
        )
        connection.commit()
    return path


def cli(path: Path, sql: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run SQL through the sqlite3 shell, as the seed checklist does."""
    return subprocess.run(["sqlite3", *options, str(path)], input=sql, capture_output=True, text=True)


def run_sql(path: Path, sql: str) -> None:
    """Change a database as an application would."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(sql)


def ask(path: Path, sql: str, parameters: Sequence[object] = ()) -> Any:
    """The first value of an answer."""
    with closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True)) as connection:
        row = connection.execute(sql, parameters).fetchone()
    return None if row is None else row[0]


def names(path: Path) -> set[str]:
    """The names of everything in the schema, and the columns of conversations as `conversations.NAME`."""
    with closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True)) as connection:
        found = {r[0] for r in connection.execute("SELECT name FROM sqlite_master")}
        columns = {f"conversations.{r[1]}" for r in connection.execute("PRAGMA table_info(conversations)")}
    return found | columns


def is_whole(path: Path) -> bool:
    """SQLite's full integrity_check."""
    return bool(ask(path, "PRAGMA integrity_check") == "ok")


def state_of(path: Path) -> str:
    """`before`, `after` or `between`, told without our own code."""
    found = names(path)
    has = [
        "conversations.active_request_id" in found,
        "idx_conversations_active_request" in found,
        "schema_migrations" in found
        and ask(path, "SELECT count(*) FROM schema_migrations WHERE version = 1") == 1,
    ]
    return "after" if all(has) else "before" if not any(has) else "between"


def damage_page(path: Path, page: int = 3) -> None:
    """Noise in a page, behind a header that is whole: what a bad block leaves. The database must be closed."""
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(bytes(range(1, 251)) * 12)


def lose_index_rows(path: Path) -> None:
    """An index that lacks rows of its table: every page is well formed, and searches go astray."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = sql || ' WHERE conversation_id > 100' WHERE name = 'idx_messages_conversation'"
        )
        connection.execute("PRAGMA writable_schema = RESET")
        connection.execute("REINDEX idx_messages_conversation")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = replace(sql, ' WHERE conversation_id > 100', '') WHERE name = 'idx_messages_conversation'"
        )
        connection.commit()


def sha256(path: Path) -> str:
    """The hash of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def files_of(path: Path) -> dict[str, str]:
    """The database's files with content, by name and hash: to see that nothing was touched."""
    return {
        p.name: sha256(p)
        for p in path.parent.glob(path.name + "*")
        if not p.name.endswith("-shm") and p.stat().st_size
    }


@contextmanager
def held(path: Path) -> Iterator[sqlite3.Connection]:
    """An idle connection that has read, in this process."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        yield connection


HAS_CLI = shutil.which("sqlite3") is not None


def leave_wal(path: Path, sql: str) -> None:
    """Write to a database and die without closing it: committed rows stay in its `-wal`."""
    code = (
        "import os,sqlite3,sys\nc=sqlite3.connect(sys.argv[1],isolation_level=None)\n"
        "c.execute('PRAGMA wal_autocheckpoint=0')\nc.executescript(sys.argv[2])\nos._exit(0)"
    )
    subprocess.run([sys.executable, "-I", "-S", "-c", code, str(path), sql], check=True)
    assert path.with_name(path.name + "-wal").stat().st_size > 0


def change_fact(run_directory: Path, path: Path, record: str, **values: object) -> None:
    """Change what a run noted of a database."""
    facts_path = run_directory / "facts.json"
    facts = json.loads(facts_path.read_text())
    facts["sqlite"][str(path)][record].update(values)
    facts_path.write_text(json.dumps(facts))
