from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
from support.databases import HAS_CLI, UP, cli, files_of, held, orion, run_sql
from support.kinds import carry_out, context, programs

from orion_deploy.kinds.verdict import Outcome

X_DB = Path(tempfile.gettempdir()) / "orion-of-a-question-x.db"


def query(folder: Path, sql: str, **more: Any) -> tuple[Outcome, str]:
    """Outcome and reason of a question."""
    verdict = carry_out(context(folder), "sqlite.query", path="orion.db", sql=sql, **more)
    return verdict.outcome, verdict.reason


@pytest.mark.hazard("a count over a column that is not there yet", half="both")
@pytest.mark.skipif(not HAS_CLI, reason="the sqlite3 shell is not installed")
def test_a_missing_column_is_not_applicable(tmp_path: Path) -> None:
    """The seed's count fails before the migration, and with double quotes counts every row."""
    db = orion(tmp_path / "orion.db", 7)
    seed = "SELECT COUNT(*) FROM conversations WHERE {} IS NOT NULL;"
    assert cli(db, seed.format("active_request_id")).returncode == 1
    assert cli(db, seed.format('"active_request_id"')).stdout.strip() == "7"
    for name in ("active_request_id", '"active_request_id"'):
        outcome, reason = query(tmp_path, seed.format(name), value=0)
        assert outcome is Outcome.NOT_APPLICABLE
        assert "active_request_id" in reason
    run_sql(db, UP.read_text())
    assert query(tmp_path, seed.format('"active_request_id"'), value=0)[0] is Outcome.PASSED
    run_sql(db, "UPDATE conversations SET active_request_id = 'r' WHERE id < 3")
    outcome, reason = query(tmp_path, seed.format("active_request_id"), value=0)
    assert outcome is Outcome.FAILED
    assert "2" in reason


@pytest.mark.parametrize(
    ("sql", "outcome", "words"),
    [
        ("SELECT count(*) FROM conversatons", Outcome.UNDECIDED, "`conversations` meant"),
        ("SELECT titel, crated_at FROM conversations", Outcome.NOT_APPLICABLE, "titel"),
        ("SELECT crated_at FROM conversations", Outcome.UNDECIDED, "`created_at` meant"),
        ("SELECT count(*) FROM nothing_like_it", Outcome.NOT_APPLICABLE, "not there"),
    ],
)
def test_a_typing_mistake_is_not_taken_for_a_missing_column(
    tmp_path: Path, sql: str, outcome: Outcome, words: str
) -> None:
    """What is not there passes; a name that is one letter off does not."""
    orion(tmp_path / "orion.db", 3)
    seen, reason = query(tmp_path, sql, value=0)
    assert (seen, words in reason) == (outcome, True), reason


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM conversations",
        "CREATE TABLE x (a)",
        "INSERT INTO conversations (title) VALUES ('x') RETURNING id",
        "WITH a AS (SELECT 1) DELETE FROM conversations",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA user_version = 7",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "SELECT load_extension('x')",
        "PRAGMA query_only = OFF",
        "REINDEX",
        "ANALYZE",
        f"ATTACH '{X_DB}' AS x",
        f"VACUUM INTO '{X_DB}'",
        "VACUUM",
        "BEGIN IMMEDIATE",
        "SAVEPOINT a",
    ],
)
def test_a_question_cannot_change_anything(tmp_path: Path, sql: str) -> None:
    """Writing, checkpoints, settings and extensions are refused, and the bytes are as before."""
    db = orion(tmp_path / "orion.db", 3)
    before = files_of(db)
    assert query(tmp_path, sql)[0] is Outcome.FAILED
    assert files_of(db) == before
    assert not X_DB.exists()


@pytest.mark.parametrize("sql", ["SELECT 1; SELECT 2", "", "-- nothing", ".tables", "SELECT 'a\0b'"])
def test_a_question_is_one_statement(sql: str) -> None:
    """Refused before a database is opened, with the reason."""
    from orion_deploy.checklist.kind_call import KindCall
    from orion_deploy.kinds.registry import validate

    assert validate(KindCall("sqlite.query", {"path": "orion.db", "sql": sql}))


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ({"value": 3}, Outcome.PASSED),
        ({"value": "3"}, Outcome.PASSED),
        ({"value": 4}, Outcome.FAILED),
        ({"value_max": 3}, Outcome.PASSED),
        ({"value_max": 2.5}, Outcome.FAILED),
        ({"value_min": 4}, Outcome.FAILED),
        ({"rows": [[3]]}, Outcome.PASSED),
        ({"rows": [3]}, Outcome.PASSED),
        ({"rows": []}, Outcome.FAILED),
        ({"rows": [[3], [3]]}, Outcome.FAILED),
        ({}, Outcome.UNDECIDED),
    ],
)
def test_expectations(tmp_path: Path, more: dict[str, Any], outcome: Outcome) -> None:
    """Rows are compared, not a status; without an expectation a person decides, seeing the value."""
    orion(tmp_path / "orion.db", 3)
    seen, reason = query(tmp_path, "SELECT count(*) FROM conversations", **more)
    assert seen is outcome
    assert "3" in reason


@pytest.mark.hazard("asking for an index by its name", half="both")
def test_no_row_is_not_status_zero(tmp_path: Path) -> None:
    """The seed's index check gives status 0 with no row; here it fails."""
    db = orion(tmp_path / "orion.db", 3)
    sql = "SELECT name FROM sqlite_master WHERE type='index' AND name='idx_conversations_active_request'"
    if HAS_CLI:
        assert cli(db, sql + ";").returncode == 0
    assert query(tmp_path, sql, rows=[["idx_conversations_active_request"]])[0] is Outcome.FAILED
    assert query(tmp_path, sql, rows=[])[0] is Outcome.PASSED


def test_an_endless_question_is_given_up(tmp_path: Path) -> None:
    """The time limit interrupts it: undecided."""
    orion(tmp_path / "orion.db", 3)
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    outcome, reason = query(tmp_path, endless, timeout_s=0.1, value=1)
    assert outcome is Outcome.UNDECIDED
    assert "0.1 s" in reason


def test_hostile_values_are_shown_harmlessly(tmp_path: Path) -> None:
    """Escape sequences, blobs and invalid UTF-8 in rows reach neither terminal nor verdict as such."""
    db = orion(tmp_path / "orion.db", 0)
    run_sql(
        db,
        "INSERT INTO conversations (title) VALUES (char(27) || '[31m'), (x'ff00'), (CAST(x'ff41' AS TEXT))",
    )
    outcome, reason = query(tmp_path, "SELECT title FROM conversations ORDER BY id")
    assert outcome is Outcome.UNDECIDED
    assert "\x1b" not in reason


SCHEMA = {
    "columns": {"conversations.active_request_id": "TEXT"},
    "indexes": {"idx_conversations_active_request": "conversations(active_request_id)"},
    "version": 1,
}
ABSENT = {
    "absent": ["conversations.active_request_id", "idx_conversations_active_request"],
    "absent_version": 1,
}


def schema(folder: Path, **more: Any) -> tuple[Outcome, str]:
    """Outcome and reason of a look at the schema."""
    verdict = carry_out(context(folder), "sqlite.schema", path="orion.db", **more)
    return verdict.outcome, verdict.reason


@pytest.mark.hazard("`grep` for the column", half="ours")
def test_the_schema_is_exact(tmp_path: Path) -> None:
    """After the migration what is told is there, before it what is told is not; nothing in between passes."""
    db = orion(tmp_path / "orion.db", 3)
    assert schema(tmp_path, **ABSENT)[0] is Outcome.PASSED
    assert schema(tmp_path, **SCHEMA)[0] is Outcome.FAILED
    run_sql(db, UP.read_text())
    assert schema(tmp_path, **SCHEMA)[0] is Outcome.PASSED
    outcome, reason = schema(tmp_path, **ABSENT)
    assert outcome is Outcome.FAILED
    assert reason.count("is there") == 2


@pytest.mark.hazard("`grep` for the column", half="both")
@pytest.mark.skipif(not HAS_CLI, reason="the sqlite3 shell is not installed")
def test_a_grep_takes_another_column_and_we_do_not(tmp_path: Path) -> None:
    """`table_info | grep active_request_id` is satisfied with `old_active_request_id INTEGER`."""
    db = orion(
        tmp_path / "orion.db", 3, extra="ALTER TABLE conversations ADD COLUMN old_active_request_id INTEGER;"
    )
    seed = subprocess.run(
        f"sqlite3 '{db}' 'PRAGMA table_info(conversations);' | grep active_request_id",
        shell=True,
        capture_output=True,
    )
    assert seed.returncode == 0
    outcome, reason = schema(tmp_path, columns=SCHEMA["columns"])
    assert outcome is Outcome.FAILED
    assert "no column conversations.active_request_id" in reason


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"columns": {"conversations.title": "TEXT"}}, "TEXT NOT NULL, not TEXT"),
        ({"columns": {"conversations.id": "INT"}}, "INTEGER, not INT"),
        ({"columns": {"conversation.id": "INTEGER"}}, "did you mean `conversations`"),
        (
            {"indexes": {"idx_messages_conversation": "messages(id)"}},
            "messages(conversation_id), not messages(id)",
        ),
        ({"indexes": {"idx_messages_conversation": "UNIQUE messages(conversation_id)"}}, "not UNIQUE"),
        ({"indexes": {"idx_messages_conversation": "messages(conversation_id DESC)"}}, "DESC"),
        ({"indexes": {"idx_messages_conversations": "messages(id)"}}, "did you mean"),
        ({"version": 1}, "not noted"),
        ({"absent": ["messages"]}, "messages is there"),
    ],
)
def test_every_difference_is_named(tmp_path: Path, more: dict[str, Any], words: str) -> None:
    """Type, nullability, table, columns of an index, uniqueness, order and version."""
    orion(tmp_path / "orion.db", 3)
    outcome, reason = schema(tmp_path, **more)
    assert outcome is Outcome.FAILED
    assert words in reason


def ready(folder: Path, **more: Any) -> tuple[Outcome, str]:
    """Outcome and reason of the pre-flight; what cannot be inspected on the test machine is left aside."""
    verdict = carry_out(context(folder), "sqlite.ready", path="orion.db", trust_locks=True, **more)
    return verdict.outcome, verdict.reason


def test_ready(tmp_path: Path) -> None:
    """A closed database with room beside it passes; a leftover WAL is told, and is no fault."""
    db = orion(tmp_path / "orion.db", 3)
    assert ready(tmp_path)[0] is Outcome.PASSED
    with held(db):
        outcome, reason = ready(tmp_path, closed=False)
        assert outcome is Outcome.PASSED
    with programs(tmp_path / "bin") as started:
        idle = started.script(
            "idle",
            "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1])\nc.execute('select * from messages').fetchall()\nprint('up', flush=True)\nsys.stdin.read()",
        )
        process = started.start_ready(idle, db)
        outcome, reason = ready(tmp_path)
        assert outcome is Outcome.FAILED
        assert str(process.pid) in reason


def test_what_makes_a_database_unready(tmp_path: Path) -> None:
    """A second hard link, a hot journal, an empty file, and no file."""
    db = orion(tmp_path / "orion.db", 3, mode="delete")
    os.link(db, tmp_path / "second.db")
    outcome, reason = ready(tmp_path)
    assert outcome is Outcome.FAILED
    assert "hard links" in reason
    (tmp_path / "second.db").unlink()
    (tmp_path / "orion.db-journal").write_bytes(bytes.fromhex("d9d505f920a163d7") + b"\0" * 100)
    outcome, reason = ready(tmp_path)
    assert outcome is Outcome.UNDECIDED
    assert "-journal" in reason
    (tmp_path / "orion.db-journal").unlink()
    db.write_bytes(b"")
    assert "empty" in ready(tmp_path)[1]
    db.unlink()
    assert "no database" in ready(tmp_path)[1]
