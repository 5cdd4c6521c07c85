"""`sqlite.ready` on databases that look whole from outside: it looks through every page, within a limit, and says how far."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from support.databases import MIGRATION, ask, damage_page, held, is_whole, lose_index_rows, orion
from support.kinds import carry_out, context

from orion_deploy.kinds.sqlite import looking
from orion_deploy.kinds.verdict import Outcome


def ready(folder: Path, **more: Any) -> tuple[Outcome, str]:
    """Outcome and reason; what cannot be inspected on the test machine is left aside."""
    verdict = carry_out(context(folder), "sqlite.ready", path="orion.db", trust_locks=True, **more)
    return verdict.outcome, verdict.reason


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_rehearsal_says_whose_damage_it_is(tmp_path: Path, mode: str) -> None:
    """A page that was noise before is not laid to the migration."""
    aside = "CREATE TABLE aside (a, b); CREATE INDEX aside_a ON aside (a); INSERT INTO aside VALUES (1, 2);"
    db = orion(tmp_path / "orion.db", 20, mode=mode, extra=aside)
    damage_page(db, ask(db, "SELECT rootpage FROM sqlite_master WHERE name = 'aside'"))
    verdict = carry_out(context(tmp_path), "sqlite.rehearse", path="orion.db", **MIGRATION)
    assert verdict.outcome is Outcome.FAILED
    assert "itself is damaged" in verdict.reason
    assert "migrated copy" not in verdict.reason


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


def never_ends(connection: sqlite3.Connection, **_: Any) -> str:
    """A look that takes as long as that through a database of some hundred gigabytes."""
    return str(connection.execute(ENDLESS).fetchone())


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_damaged_page_stops_the_deployment_at_its_first_step(tmp_path: Path, mode: str) -> None:
    """The header is one, the tables can be listed, and a page holds noise: failed, with what SQLite found."""
    db = orion(tmp_path / "orion.db", 2000, mode=mode)
    assert ready(tmp_path)[0] is Outcome.PASSED
    damage_page(db)
    outcome, reason = ready(tmp_path)
    assert outcome is Outcome.FAILED
    assert "the database is damaged" in reason
    assert "(quick_check)" in reason


def test_an_index_that_lacks_rows_is_found_on_wish(tmp_path: Path) -> None:
    """quick_check does not compare an index with its rows and the verdict claims no more than it did; integrity_check does."""
    db = orion(tmp_path / "orion.db", 200)
    lose_index_rows(db)
    assert ask(db, "PRAGMA quick_check") == "ok"
    assert not is_whole(db)
    outcome, reason = ready(tmp_path)
    assert outcome is Outcome.PASSED
    assert "every page looked through (quick_check)" in reason
    assert "whole" not in reason
    outcome, reason = ready(tmp_path, indexes=True)
    assert outcome is Outcome.FAILED
    assert "missing from index idx_messages_conversation (integrity_check)" in reason


def test_what_was_not_looked_through_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not enough time, or none wanted: no word says that the pages are in order; beside other readers they are looked through."""
    db = orion(tmp_path / "orion.db", 200)
    with held(db):
        outcome, reason = ready(tmp_path, closed=False)
    assert outcome is Outcome.PASSED
    assert "every page looked through" in reason
    monkeypatch.setattr(looking, "first_fault", never_ends)
    outcome, reason = ready(tmp_path, look_s=0.2)
    assert outcome is Outcome.PASSED
    assert "not looked through to the end in 0.2 s: the backup will" in reason
    outcome, reason = ready(tmp_path, look_s=0)
    assert outcome is Outcome.PASSED
    assert "its pages were not looked through" in reason


def test_a_reader_keeps_writers_away_for_two_seconds_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a rollback journal's mode, while others may have it open: the look ends early, whatever `look_s` says."""
    orion(tmp_path / "orion.db", 200, mode="delete")
    monkeypatch.setattr(looking, "first_fault", never_ends)
    assert "not looked through to the end in 2 s" in ready(tmp_path, closed=False, look_s=600)[1]


def test_a_cancelled_look_ends_and_decides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever stops the step is not told that the database is ready, nor that it is damaged; SQLite is interrupted in a statement."""
    orion(tmp_path / "orion.db", 200)
    monkeypatch.setattr(looking, "first_fault", never_ends)
    asked = iter([False, False, True])
    ctx = context(tmp_path, is_cancelled=lambda: next(asked, True))
    verdict = carry_out(ctx, "sqlite.ready", path="orion.db", trust_locks=True)
    assert verdict.outcome is Outcome.UNDECIDED
    assert "the look through every page was cancelled" in verdict.reason
