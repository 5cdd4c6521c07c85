"""`sqlite.way_back`: what decides between the down migration and the backup, told of real databases."""

from __future__ import annotations

import dataclasses
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.databases import DOWN, MIGRATION, UP, files_of, held, leave_wal, orion, run_sql, sha256
from support.kinds import carry_out, context

from orion_deploy.kinds.sqlite import since
from orion_deploy.kinds.sqlite.connection import is_interrupted, limited, open_reader
from orion_deploy.kinds.sqlite.record import backup_of
from orion_deploy.kinds.sqlite.way_facts import (
    FACTS_NAME,
    Room,
    WayBack,
    follows,
    told,
    why_no_down,
    why_no_restore,
)
from orion_deploy.kinds.verdict import Outcome, Verdict

ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"


def look(folder: Path, **more: Any) -> Verdict:
    """Look at `data/orion.db`."""
    return carry_out(context(folder), "sqlite.way_back", **{"path": "data/orion.db", **MIGRATION, **more})


def facts(folder: Path) -> WayBack:
    """What the look left for whoever waits for it."""
    return WayBack.from_json(json.loads((folder / "run" / "attempt" / FACTS_NAME).read_bytes()))


def backed_up(
    folder: Path, rows: int = 300, *, mode: str = "wal", migrated: bool = True
) -> tuple[Path, Path]:
    """A database, this run's backup of it, and the migration in it."""
    db = orion(folder / "data" / "orion.db", rows, mode=mode)
    verdict = carry_out(context(folder), "sqlite.backup", path="data/orion.db", folder="backups")
    assert verdict.outcome is Outcome.PASSED, verdict.reason
    found = backup_of(folder / "run", db)
    assert found is not None
    if migrated:
        run_sql(db, UP.read_text())
    return db, Path(found.path)


def flip(path: Path) -> None:
    """Change bytes in the middle of a file, where only a hash sees it."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff" * 16)


@pytest.mark.hazard("the restore as the way back after a day", half="ours")
@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_rows_written_since_decide_for_taking_it_back(tmp_path: Path, mode: str) -> None:
    """People's rows are counted, in use or not; the migration's own row of its version is none of them; nothing is touched."""
    db, backup = backed_up(tmp_path, mode=mode)
    run_sql(
        db,
        "INSERT INTO conversations (title) VALUES ('later'), ('latest'); UPDATE messages SET body = 'x' WHERE id = 7",
    )
    before = files_of(db), sha256(backup)
    with held(db):
        verdict = look(tmp_path)
        assert (files_of(db), sha256(backup)) == before
    assert verdict.outcome is Outcome.PASSED, verdict.reason
    seen = facts(tmp_path)
    assert (seen.health, seen.state, seen.written_rows, seen.is_exact) == ("whole", "after", 3, True)
    assert seen.backup_proof == "hash"
    assert seen.is_complete
    assert follows(seen) == (
        "Taking the migration back keeps the 3 rows written since; restoring the backup loses them.",
    )
    assert "keeps the 3 rows" in verdict.reason


def test_nothing_written_since_leaves_both_ways_open(tmp_path: Path) -> None:
    """The migration alone is no row that could be lost."""
    backed_up(tmp_path)
    assert "either way keeps everything" in look(tmp_path).reason


def test_nothing_to_take_back(tmp_path: Path) -> None:
    """Before the migration the look passes, and says what a restore would cost for nothing."""
    db, _ = backed_up(tmp_path, migrated=False)
    run_sql(db, "INSERT INTO conversations (title) VALUES ('later')")
    verdict = look(tmp_path)
    assert verdict.outcome is Outcome.PASSED
    assert "nothing to take back" in verdict.reason
    assert "would lose the 1 row written since for nothing" in verdict.reason


def test_a_damaged_database_leaves_the_backup(tmp_path: Path) -> None:
    """Pages that are no pages: taking it back is not offered, the restore is, and how much it loses is not guessed."""
    db, _ = backed_up(tmp_path, rows=2000, mode="delete")
    data = bytearray(db.read_bytes())
    data[8192:65536] = b"\xff" * (65536 - 8192)
    db.write_bytes(data)
    verdict = look(tmp_path)
    seen = facts(tmp_path)
    assert seen.health == "damaged"
    assert verdict.outcome is Outcome.PASSED
    assert "Restoring the backup is the only way: the database is damaged" in verdict.reason


def test_a_destroyed_header_leaves_the_backup(tmp_path: Path) -> None:
    """Something that is no database any more."""
    db, _ = backed_up(tmp_path, mode="delete")
    db.write_bytes(b"\0" * 100_000)
    assert "Restoring the backup is the only way" in look(tmp_path).reason
    assert "cannot be read" in facts(tmp_path).written


def test_a_database_that_is_gone(tmp_path: Path) -> None:
    """Nothing is created in its place."""
    db, _ = backed_up(tmp_path, mode="delete")
    db.unlink()
    verdict = look(tmp_path)
    assert verdict.outcome is Outcome.PASSED
    assert "Restoring the backup is the only way: the database is not there" in verdict.reason
    assert not db.exists()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda backup: backup.unlink(), "it is not there any more"),
        (lambda backup: os.truncate(backup, 4096), "4,096 bytes now"),
        (flip, "its sha256 has changed"),
        (lambda backup: backup.with_name(backup.name + ".json").unlink(), "manifest"),
    ],
    ids=["gone", "cut", "bytes", "manifest"],
)
def test_a_backup_that_does_not_hold_is_no_way(tmp_path: Path, spoil: Any, words: str) -> None:
    """Gone, cut short, changed in its middle, without its manifest: told, and the rows are still counted."""
    db, backup = backed_up(tmp_path)
    run_sql(db, "INSERT INTO conversations (title) VALUES ('later')")
    spoil(backup)
    verdict = look(tmp_path)
    seen = facts(tmp_path)
    assert words in seen.backup_fault
    assert seen.written_rows == 1
    assert verdict.outcome is Outcome.PASSED
    assert "Taking the migration back is the only way" in verdict.reason
    data = seen.to_json()
    assert WayBack.from_json(json.loads(json.dumps(data))) == seen


def test_no_way_at_all_fails(tmp_path: Path) -> None:
    """A damaged database and no backup: the look fails, and tells to leave the files alone."""
    db = orion(tmp_path / "data" / "orion.db", mode="delete")
    db.write_bytes(b"\0" * 50_000)
    verdict = look(tmp_path)
    assert verdict.outcome is Outcome.FAILED
    assert "Neither way is open" in verdict.reason
    assert "Leave the files as they are" in verdict.reason


def test_half_a_migration_is_not_taken_back(tmp_path: Path) -> None:
    """The down step refuses it, and so it is not offered."""
    db, _ = backed_up(tmp_path, migrated=False)
    run_sql(db, "ALTER TABLE conversations ADD COLUMN active_request_id TEXT")
    assert "half of the migration is in place" in look(tmp_path).reason


def test_without_scripts_the_state_is_not_guessed(tmp_path: Path) -> None:
    """A checklist that only backs up: the rest of the facts, and that it cannot be told."""
    backed_up(tmp_path)
    verdict = carry_out(context(tmp_path), "sqlite.way_back", path="data/orion.db")
    assert verdict.outcome is Outcome.UNDECIDED
    assert facts(tmp_path).health == "whole"


def test_rows_in_the_wal_count(tmp_path: Path) -> None:
    """What a killed application left in its -wal was written since."""
    db, _ = backed_up(tmp_path)
    leave_wal(db, "INSERT INTO conversations (title) VALUES ('in the log')")
    look(tmp_path)
    assert facts(tmp_path).written_rows == 1


def test_a_locked_database_is_undecided(tmp_path: Path) -> None:
    """Somebody holds the lock: not called whole, not called damaged, and the backup is looked at all the same."""
    db, _ = backed_up(tmp_path, mode="delete")
    with closing(sqlite3.connect(db, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        verdict = look(tmp_path)
    assert verdict.outcome is Outcome.UNDECIDED
    seen = facts(tmp_path)
    assert (seen.health, seen.backup_proof) == ("unknown", "hash")
    assert "locked" in seen.health_why


def test_a_look_has_its_limit(tmp_path: Path) -> None:
    """A statement that never ends is interrupted, whatever it does; the connection lives on."""
    db = orion(tmp_path / "orion.db")
    with closing(open_reader(db)) as connection:
        with pytest.raises(sqlite3.OperationalError) as caught, limited(connection, 0.05):
            connection.execute(ENDLESS).fetchone()
        assert is_interrupted(caught.value)
        assert connection.execute("SELECT count(*) FROM messages").fetchone() == (200,)


def test_what_takes_too_long_to_compare_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison row by row is broken off; the counts are still told, as `at least`."""
    db, _ = backed_up(tmp_path)
    run_sql(db, "INSERT INTO conversations (title) VALUES ('later')")
    backup = backup_of(tmp_path / "run", db)
    assert backup is not None
    monkeypatch.setattr(since, "_only_in", lambda _one, _other, _table, c: c.execute(ENDLESS).fetchone()[0])
    found = since.rows_since(db, backup, but_for={"schema_migrations"}, limit_s=0.05)
    assert (found.rows, found.is_exact, found.fault) == (1, False, "")
    assert str(found).startswith("at least 1 row")


WHOLE = WayBack(
    "/srv/orion.db",
    size="1 MB",
    health="whole",
    state="after",
    has_backup=True,
    backup="/backups/a.db",
    backup_at=1000.0,
    backup_size="1 MB",
    backup_proof="hash",
    written="12 rows were written since the backup",
    written_rows=12,
    is_complete=True,
)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"written_rows": None}, "keeps what was written since the backup; restoring the backup loses it"),
        ({"is_exact": False}, "keeps at least 12 rows"),
        ({"written_rows": 0, "is_exact": False}, "keeps what was written since"),
        ({"has_backup": False}, "the only way: this run has taken no backup"),
        ({"health": "unknown", "health_why": "locked"}, "Whether the database is whole is not known: locked"),
        ({"rooms": (Room("down", 10, 5, "10 needed, 5 free"),)}, "there is no room for it: 10 needed, 5 free"),
        ({"rooms": (Room("restore", 10, 5, "10 needed"),)}, "Taking the migration back is the only way"),
        ({"health": "damaged"}, "It loses the 12 rows written since"),
        ({"health": "damaged", "written_rows": 0}, "Nothing was written since it was taken"),
        ({"health": "damaged", "written_rows": None}, "how much, is not known"),
        ({"state": "foreign"}, "does not fit"),
    ],
)  # fmt: skip
def test_what_follows(change: dict[str, Any], words: str) -> None:
    """Each combination of facts has its sentence."""
    assert words in " ".join(follows(dataclasses.replace(WHOLE, **change)))


def test_nothing_follows_from_too_little() -> None:
    """While health, state or backup are not known yet, no way is recommended, and the lines say what is looked for."""
    for missing in ({"health": ""}, {"state": ""}, {"has_backup": None}):
        way = dataclasses.replace(WHOLE, **missing)
        assert follows(way) == ()
        assert any(fact.text.startswith("looking") for fact in told(way, str))
    assert all(fact.role != "dim" for fact in told(WHOLE, str))
    assert why_no_down(WHOLE) == why_no_restore(WHOLE) == ""


def test_the_down_script_is_read_for_real(tmp_path: Path) -> None:
    """A script that is not there is why the state is not known, in words."""
    backed_up(tmp_path)
    look(tmp_path, down=str(DOWN.with_name("nosuch.sql")))
    assert "nosuch.sql" in facts(tmp_path).state_why
