from __future__ import annotations

from pathlib import Path

import pytest
from support.databases import DOWN, MIGRATION, UP, cli, files_of, held, names, orion, run_sql
from support.kinds import carry_out, context

from orion_deploy.kinds.verdict import Outcome

COLUMN = "ALTER TABLE conversations ADD COLUMN active_request_id TEXT;"
INDEX = "CREATE INDEX idx_conversations_active_request ON conversations (active_request_id);"
VERSIONS = "CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY);"
VERSION = VERSIONS + "INSERT INTO schema_migrations VALUES (1);"


@pytest.mark.hazard("the script a second time", half="ours")
@pytest.mark.parametrize("mode", ["wal", "delete"])
@pytest.mark.parametrize(
    ("sql", "state", "words"),
    [
        ("", "before", "not been carried out"),
        (VERSIONS, "before", ""),
        (VERSIONS + "INSERT INTO schema_migrations VALUES (7);", "before", ""),
        ("ALTER TABLE conversations ADD COLUMN old_active_request_id INTEGER;", "before", ""),
        (COLUMN + INDEX + VERSION, "after", "in place"),
        (COLUMN + INDEX + VERSION + "ALTER TABLE conversations ADD COLUMN later TEXT;", "after", ""),
        (COLUMN.replace("active_r", '"ACTIVE_r').replace("_id", '_ID"') + INDEX + VERSION, "after", ""),
        (COLUMN, "partial", "index idx_conversations_active_request is missing"),
        (COLUMN + VERSION, "partial", "index"),
        (COLUMN + INDEX, "partial", "version 1 is not noted"),
        (VERSION, "partial", "column conversations.active_request_id is missing"),
        (COLUMN + INDEX + VERSIONS, "partial", "version 1"),
        (COLUMN.replace("TEXT", "INTEGER") + INDEX + VERSION, "foreign", "INTEGER, not TEXT"),
        (COLUMN.replace("TEXT", "TEXT NOT NULL DEFAULT ''") + INDEX + VERSION, "foreign", "NOT NULL"),
        (COLUMN + INDEX.replace("(active_request_id)", "(title)") + VERSION, "foreign", "title"),
        (COLUMN + INDEX.replace("INDEX", "UNIQUE INDEX", 1) + VERSION, "foreign", "UNIQUE"),
        ("DROP TABLE conversations;", "foreign", "conversations"),
        ("ALTER TABLE conversations RENAME TO chats;", "foreign", "conversations"),
    ],
)
def test_where_a_database_stands(tmp_path: Path, mode: str, sql: str, state: str, words: str) -> None:
    """Every drift has its state and its reason; looking changes nothing."""
    db = orion(tmp_path / "orion.db", 5, mode=mode)
    run_sql(db, sql)
    before = files_of(db)
    verdict = carry_out(
        context(tmp_path), "sqlite.state", path="orion.db", expect_state="before", **MIGRATION
    )
    assert (verdict.values["state"], words in verdict.reason) == (state, True), verdict.reason
    assert (verdict.outcome is Outcome.PASSED) == (state == "before")
    assert files_of(db) == before


@pytest.mark.hazard("the script a second time", half="both")
def test_a_script_with_if_not_exists_does_not_hide_drift(tmp_path: Path) -> None:
    """Such a script "repairs" half a migration without a word; here it is told as partial, or as foreign."""
    up = tmp_path / "up.sql"
    up.write_text(
        UP.read_text()
        .replace("CREATE INDEX", "CREATE INDEX IF NOT EXISTS")
        .replace("INSERT", "INSERT OR IGNORE")
    )
    pair = {"up": str(up), "down": str(DOWN)}
    db = orion(tmp_path / "orion.db", 5)
    run_sql(db, "CREATE INDEX idx_conversations_active_request ON conversations (title)")
    assert cli(db, up.read_text()).returncode == 0
    assert "idx_conversations_active_request" in names(db)
    verdict = carry_out(context(tmp_path), "sqlite.state", path="orion.db", **pair)
    assert verdict.values["state"] == "foreign"


def test_rich_schemas_are_compared_whole(tmp_path: Path) -> None:
    """Views, triggers, virtual tables, expression indexes, generated columns and odd names do not disturb it."""
    extra = (
        'CREATE TABLE "odd ""name]" ("select" INTEGER PRIMARY KEY, b GENERATED ALWAYS AS ("select" * 2)) ;'
        "CREATE VIEW v AS SELECT title FROM conversations;"
        "CREATE TRIGGER tr AFTER UPDATE ON conversations BEGIN UPDATE messages SET body = 'x;y' WHERE id = 0; END;"
        "CREATE VIRTUAL TABLE search USING fts5(body);"
        "CREATE INDEX expr ON conversations (lower(title)) WHERE title <> '';"
        "CREATE TABLE strict_one (a TEXT) STRICT; CREATE TABLE no_rowid (a PRIMARY KEY) WITHOUT ROWID;"
        "CREATE TABLE auto (id INTEGER PRIMARY KEY AUTOINCREMENT, u UNIQUE);"
    )
    db = orion(tmp_path / "orion.db", 5, extra=extra)
    for state, script in (("before", UP), ("after", DOWN), ("before", None)):
        verdict = carry_out(
            context(tmp_path), "sqlite.state", path="orion.db", expect_state=state, **MIGRATION
        )
        assert verdict.outcome is Outcome.PASSED, verdict.reason
        if script is not None:
            assert cli(db, script.read_text(), "-bail").returncode == 0


@pytest.mark.parametrize(
    "damage",
    [
        lambda db: db.write_bytes(b""),
        lambda db: db.write_bytes(b"not a database" * 100),
        lambda db: db.write_bytes(b"\0" * 100 + db.read_bytes()[100:]),
        lambda db: db.write_bytes(db.read_bytes()[: 4096 * 3 + 17]),
        lambda db: db.write_bytes(db.read_bytes()[:4096] + b"\xff" * 4096 + db.read_bytes()[8192:]),
    ],
    ids=["empty", "text", "header", "cut", "page"],
)
def test_a_damaged_database_is_corrupt(tmp_path: Path, damage: object) -> None:
    """Empty, something else, a destroyed header, cut off, or a destroyed page."""
    db = orion(tmp_path / "orion.db", 300, mode="delete")
    assert callable(damage)
    damage(db)
    verdict = carry_out(context(tmp_path), "sqlite.state", path="orion.db", **MIGRATION)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.values["state"] == "corrupt"


@pytest.mark.hazard("the same with a wrong path", half="both")
def test_a_wrong_path_fails_and_creates_nothing(tmp_path: Path) -> None:
    """`sqlite3` makes an empty database there and succeeds; every kind of ours refuses."""
    assert cli(tmp_path / "wrong.db", "SELECT 1;").returncode == 0
    cli(
        tmp_path / "wrong.db",
        UP.read_text().replace(
            "ALTER TABLE conversations", "CREATE TABLE conversations (a); ALTER TABLE conversations"
        ),
    )
    assert (tmp_path / "wrong.db").exists()
    for name, more in (
        ("sqlite.state", MIGRATION),
        ("sqlite.ready", {}),
        ("sqlite.query", {"sql": "SELECT 1"}),
        ("sqlite.schema", {"version": 1}),
        ("sqlite.rehearse", MIGRATION),
        ("sqlite.backup", {"folder": "b"}),
        ("sqlite.migrate", MIGRATION),
        ("sqlite.rollback", MIGRATION),
        ("sqlite.restore", {}),
    ):
        for path in ("none.db", "no/folder.db", "."):
            verdict = carry_out(context(tmp_path), name, path=path, **more)
            assert verdict.outcome is Outcome.FAILED, (name, path)
    assert not (tmp_path / "none.db").exists()


def test_a_path_is_never_read_as_a_uri(tmp_path: Path) -> None:
    """`?`, `#`, `%` and blanks in a file name name that file, and no options."""
    for name in ("o?mode=memory.db", "o#x.db", "o%41.db", "o r.db", "-o.db", "ö.db"):
        db = orion(tmp_path / "b.db", 3, mode="delete")
        db.rename(tmp_path / name)
        verdict = carry_out(
            context(tmp_path), "sqlite.query", path=name, sql="SELECT count(*) FROM conversations", value=3
        )
        assert verdict.outcome is Outcome.PASSED, (name, verdict.reason)


def test_a_locked_database_is_undecided(tmp_path: Path) -> None:
    """A writer that holds the lock makes a check undecided, not failed and not hanging."""
    db = orion(tmp_path / "orion.db", 3, mode="delete")
    with held(db) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        verdict = carry_out(context(tmp_path), "sqlite.state", path="orion.db", **MIGRATION)
        assert verdict.outcome is Outcome.UNDECIDED
        other.execute("COMMIT")
