"""SQLite's look through a database beside other work: it keeps no lock from holding, and never outlives its block."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from support.databases import orion
from support.kinds import carry_out, context, until

from orion_deploy.kinds.sqlite import checking
from orion_deploy.kinds.sqlite.checking import Checking
from orion_deploy.kinds.sqlite.connection import empty_wal, open_exclusively
from orion_deploy.kinds.sqlite.copying import Cancelled
from orion_deploy.kinds.verdict import Outcome

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
WRITE = """
import sqlite3, sys
c = sqlite3.connect(sys.argv[1], timeout=0)
try:
    c.execute("DELETE FROM messages")
    print("written")
except sqlite3.OperationalError as fault:
    print(fault)
"""


def threads() -> set[str]:
    """The threads that live now."""
    return {thread.name for thread in threading.enumerate()}


def of_another_process(db: Path) -> str:
    """What another process hears that writes to the database."""
    argv = [sys.executable, "-c", WRITE, str(db)]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """A look that never ends by itself; the event tells that it has begun."""
    begun = threading.Event()

    def look(connection: sqlite3.Connection) -> str:
        begun.set()
        return str(connection.execute(ENDLESS).fetchone())

    monkeypatch.setattr(checking, "quick_check", look)
    return begun


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_the_exclusive_lock_outlives_the_look(tmp_path: Path, mode: str) -> None:
    """Its descriptor of the locked file is closed, and no other process can write until the lock is given back."""
    db = orion(tmp_path / "orion.db", 50, mode=mode)
    with closing(open_exclusively(db)) as connection:
        if mode == "wal":
            empty_wal(connection)
        with Checking(db, context(tmp_path)) as look:
            assert look.result("checking") == ""
            assert "locked" in of_another_process(db)
        assert "locked" in of_another_process(db)
    assert of_another_process(db) == "written"


def test_what_is_damaged_is_found(tmp_path: Path) -> None:
    """The first fault is returned, or raised where SQLite raises it."""
    db = orion(tmp_path / "orion.db", 500, mode="delete")
    data = bytearray(db.read_bytes())
    data[4096 * 4 : 4096 * 5] = b"\xa5" * 4096
    db.write_bytes(data)
    with Checking(db, context(tmp_path)) as look:
        assert look.result("checking") != ""
    data[4096:] = b"\xa5" * (len(data) - 4096)
    data[100:4096] = b"\xa5" * 3996
    db.write_bytes(data)
    with Checking(db, context(tmp_path)) as look, pytest.raises(sqlite3.DatabaseError):
        look.result("checking")


def test_it_ends_with_its_block(tmp_path: Path, endless: threading.Event) -> None:
    """Left in the middle of a look, or before its first statement: it is interrupted, and no thread goes on."""
    db = orion(tmp_path / "orion.db", 50)
    before = threads()
    with Checking(db, context(tmp_path)):
        assert endless.wait(20)
    assert threads() == before
    with Checking(db, context(tmp_path)):
        pass
    assert threads() == before


def test_cancelled_while_it_is_waited_for(tmp_path: Path, endless: threading.Event) -> None:
    """The operator's wish to stop is heard during the longest look."""
    db = orion(tmp_path / "orion.db", 50)
    before = threads()
    ctx = context(tmp_path, is_cancelled=endless.is_set)
    with pytest.raises(Cancelled), Checking(db, ctx) as look:
        look.result("checking")
    assert threads() == before


def test_a_backup_cancelled_during_the_look_leaves_nothing(tmp_path: Path, endless: threading.Event) -> None:
    """Every byte is copied, the look goes on: cancelled all the same, the copy gone, nothing pinned, the lock given back."""
    db = orion(tmp_path / "orion.db", 50)
    told: list[str] = []

    def is_cancelled() -> bool:
        return endless.is_set() and checking_is_shown()

    def checking_is_shown() -> bool:
        return "checking the database" in told

    ctx = context(
        tmp_path, is_cancelled=is_cancelled, progress=lambda _done, _total, words: told.append(words)
    )
    verdict = carry_out(ctx, "sqlite.backup", path="orion.db", folder="backups")
    assert (verdict.outcome, verdict.value) == (Outcome.FAILED, "cancelled")
    assert list((tmp_path / "backups").iterdir()) == []
    assert not (tmp_path / "run" / "facts.json").exists()
    until(lambda: of_another_process(db) == "written", "the end of the lock")


def test_an_exact_copy_of_what_the_look_refuses_is_no_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However exact the copy is: what SQLite finds in the database is said, and nothing is kept."""
    orion(tmp_path / "orion.db", 50)
    monkeypatch.setattr(checking, "quick_check", lambda _connection: "row 3 missing from index")
    verdict = carry_out(context(tmp_path), "sqlite.backup", path="orion.db", folder="backups")
    assert verdict.outcome is Outcome.FAILED
    assert "row 3 missing from index" in verdict.reason
    assert list((tmp_path / "backups").iterdir()) == []
    assert not (tmp_path / "run" / "facts.json").exists()
