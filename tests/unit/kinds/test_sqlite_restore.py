from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.databases import (
    MIGRATION,
    ask,
    cli,
    files_of,
    is_whole,
    leave_wal,
    orion,
    run_sql,
    sha256,
    state_of,
)
from support.kinds import Programs, carry_out, context, programs

from orion_deploy.kinds.sqlite import copying
from orion_deploy.kinds.sqlite.aside import same_content
from orion_deploy.kinds.sqlite.record import backup_of
from orion_deploy.kinds.verdict import Outcome, Verdict

IDLE = "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1])\nc.execute('select * from messages').fetchall()\nprint('up', flush=True)\nsys.stdin.read()"


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Programs]:
    """Programs, ended with the test."""
    with programs(tmp_path / "bin") as value:
        yield value


def restore(root: Path, /, **more: Any) -> Verdict:
    """Restore `orion.db`."""
    ctx = more.pop("ctx", None) or context(root)
    return carry_out(ctx, "sqlite.restore", **{"path": "data/orion.db", **more})


def backed_up(folder: Path, rows: int = 300, mode: str = "wal") -> tuple[Path, Path]:
    """A database, and this run's backup of it."""
    db = orion(folder / "data" / "orion.db", rows, mode=mode)
    verdict = carry_out(context(folder), "sqlite.backup", path="data/orion.db", folder="backups")
    assert verdict.outcome is Outcome.PASSED, verdict.reason
    found = backup_of(folder / "run", db)
    assert found is not None
    return db, Path(found.path)


def kept(verdict: Verdict) -> Path:
    """Where the failed database is kept."""
    return Path(str(verdict.values["kept"]))


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_the_backup_comes_back_and_the_failed_database_is_kept(tmp_path: Path, mode: str) -> None:
    """Every byte of the backup; and what was there before is a whole database of its own."""
    db, backup = backed_up(tmp_path, mode=mode)
    run_sql(db, "DELETE FROM messages; INSERT INTO conversations (title) VALUES ('later')")
    verdict = restore(tmp_path)
    assert verdict.outcome is Outcome.PASSED, verdict.reason
    assert same_content(db, backup)
    assert is_whole(db)
    assert ask(db, "SELECT count(*) FROM messages") == 300
    assert "301 rows were written since" in verdict.reason
    assert ask(kept(verdict), "SELECT count(*) FROM messages") == 0
    assert ask(kept(verdict), "SELECT count(*) FROM conversations WHERE title = 'later'") == 1
    assert ask(db, "PRAGMA journal_mode") == mode


@pytest.mark.hazard("`cp BACKUP DATABASE`", half="both")
def test_a_stale_wal_undoes_the_seeds_restore_and_not_ours(tmp_path: Path) -> None:
    """`cp backup db` beside a leftover `-wal` brings the bad rows back, or a malformed file."""
    for how in ("seed", "ours"):
        folder = tmp_path / how
        db, backup = backed_up(folder)
        leave_wal(
            db,
            "UPDATE messages SET body = 'bad'; CREATE TABLE bad (a); INSERT INTO bad VALUES (zeroblob(50000))",
        )
        if how == "seed":
            shutil.copyfile(backup, db)
            answer = cli(db, "SELECT count(*) FROM messages WHERE body = 'bad'; PRAGMA integrity_check;")
            assert "300" in answer.stdout or "malformed" in answer.stderr or "\nok" not in answer.stdout
        else:
            assert restore(folder).outcome is Outcome.PASSED
            assert ask(db, "SELECT count(*) FROM messages WHERE body = 'bad'") == 0
            assert is_whole(db)
            assert same_content(db, backup)


@pytest.mark.hazard("`cp BACKUP DATABASE`", half="both")
def test_this_runs_backup_not_the_one_that_a_pattern_finds(tmp_path: Path) -> None:
    """The seed's glob fails on two matches and takes a year-old one on one; ours knows which it took."""
    db, backup = backed_up(tmp_path)
    old = tmp_path / "backups" / "orion-pre-migration-20250101-000000.db"
    orion(old, 3)
    seed = subprocess.run(
        ["bash", "-c", f"cp '{tmp_path}'/backups/orion-*.db '{db}'"], capture_output=True, text=True
    )
    assert seed.returncode != 0
    run_sql(db, "DELETE FROM messages")
    assert restore(tmp_path).outcome is Outcome.PASSED
    assert same_content(db, backup)
    other = carry_out(context(tmp_path / "another"), "sqlite.restore", path=str(db))
    assert other.outcome is Outcome.FAILED
    assert "took no backup" in other.reason


DAMAGES: dict[str, Callable[[Path], Any]] = {
    "header": lambda db: db.write_bytes(b"\0" * 4096 + db.read_bytes()[4096:]),
    "pages": lambda db: db.write_bytes(db.read_bytes()[:4096] + b"\xa5" * 20_000 + db.read_bytes()[24_096:]),
    "cut": lambda db: db.write_bytes(db.read_bytes()[:9_000]),
    "empty": lambda db: db.write_bytes(b""),
    "text": lambda db: db.write_text("oops\n" * 3000),
    "gone": lambda db: db.unlink(),
}


@pytest.mark.parametrize("mode", ["wal", "delete"])
@pytest.mark.parametrize("damage", list(DAMAGES))
def test_any_damage_is_mended(tmp_path: Path, damage: str, mode: str) -> None:
    """Destroyed header or pages, cut off, empty, something else, gone: the backup stands there, whole, and what was there is kept."""
    db, backup = backed_up(tmp_path, mode=mode)
    DAMAGES[damage](db)
    before = db.read_bytes() if db.exists() else None
    verdict = restore(tmp_path)
    assert verdict.outcome is Outcome.PASSED, verdict.reason
    assert same_content(db, backup)
    assert is_whole(db)
    assert ask(db, "SELECT count(*) FROM messages") == 300
    if before is not None:
        assert len(kept(verdict).read_bytes()) == len(before)
    assert list(db.parent.glob("*.part")) == []


def test_a_destroyed_database_with_a_wal_keeps_its_wal_aside(tmp_path: Path) -> None:
    """A new database never meets the old one's WAL, and the old WAL is not thrown away."""
    db, backup = backed_up(tmp_path)
    leave_wal(db, "UPDATE messages SET body = 'bad'")
    db.write_bytes(b"\0" * 4096 + db.read_bytes()[4096:])
    assert restore(tmp_path).outcome is Outcome.PASSED
    assert same_content(db, backup)
    assert ask(db, "SELECT count(*) FROM messages WHERE body = 'bad'") == 0
    assert [p.name for p in db.parent.glob("*.aside-1")] != []


def test_a_database_with_another_page_size_is_replaced(tmp_path: Path) -> None:
    """SQLite cannot write pages of another size into a WAL database; the backup takes its place."""
    db, backup = backed_up(tmp_path)
    cli(db, "PRAGMA journal_mode=delete; PRAGMA page_size=8192; VACUUM; PRAGMA journal_mode=wal;")
    verdict = restore(tmp_path)
    assert verdict.outcome is Outcome.PASSED, verdict.reason
    assert same_content(db, backup)
    assert ask(kept(verdict), "PRAGMA page_size") == 8192


def change_byte(path: Path) -> None:
    """Flip one bit in the middle of a row, where no check of SQLite sees it."""
    data = bytearray(path.read_bytes())
    data[data.rindex(b"message 150 ") + 3] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (change_byte, "sha256 has changed"),
        (lambda b: b.write_bytes(b.read_bytes()[:5000]), "does not hold"),
        (lambda b: b.unlink(), "cannot be read"),
        (lambda b: b.with_name(b.name + ".json").unlink(), "manifest"),
        (lambda b: b.with_name(b.name + ".json").write_text("{}"), "manifest"),
        (lambda b: (b.rename(b.with_name("x")), b.symlink_to("x")), "symbolic link"),
    ],
    ids=["bit", "cut", "gone", "no-manifest", "bad-manifest", "symlink"],
)
def test_a_backup_that_does_not_hold_is_refused_untouched(
    tmp_path: Path, spoil: Callable[[Path], Any], words: str
) -> None:
    """One flipped bit that quick_check does not see is enough; the live database is not touched."""
    db, backup = backed_up(tmp_path)
    run_sql(db, "UPDATE messages SET body = 'live' WHERE id = 1")
    before = files_of(db)
    spoil(backup)
    verdict = restore(tmp_path)
    assert verdict.outcome is Outcome.FAILED
    assert words in verdict.reason, verdict.reason
    assert files_of(db) == before
    assert list((tmp_path / "backups").glob("*failed*")) == []


def test_who_has_it_open_is_named(tmp_path: Path, started: Programs) -> None:
    """Also where the file is destroyed, and a rename would leave the holder writing into nowhere."""
    db, _ = backed_up(tmp_path)
    process = started.start_ready(started.script("idle", IDLE), db)
    for _ in range(2):
        verdict = restore(tmp_path)
        assert verdict.outcome is Outcome.FAILED
        assert str(process.pid) in verdict.reason
        with open(db, "r+b") as file:
            file.write(b"\0" * 100)


def test_cancelled_in_the_middle_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages that were written are taken back."""
    monkeypatch.setattr(copying, "BACKUP_PAGES", 50)
    db, _ = backed_up(tmp_path, 2_000)
    run_sql(db, "DELETE FROM messages WHERE id > 10")
    calls: list[str] = []

    def progress(_done: int, _total: int, message: str) -> None:
        calls.append(message)

    ctx = context(tmp_path, progress=progress, is_cancelled=lambda: calls.count("restoring") > 0)
    verdict = restore(tmp_path, ctx=ctx)
    assert verdict.outcome is Outcome.FAILED
    assert "cancelled" in verdict.reason
    assert ask(db, "SELECT count(*) FROM messages") == 10
    assert is_whole(db)


def test_after_a_failed_migration(tmp_path: Path) -> None:
    """The whole way: rehearse, back up, migrate, restore; the state is that of before."""
    db, _ = backed_up(tmp_path)
    ctx = context(tmp_path)
    assert carry_out(ctx, "sqlite.rehearse", path=str(db), **MIGRATION).outcome is Outcome.PASSED
    assert carry_out(ctx, "sqlite.migrate", path=str(db), **MIGRATION).outcome is Outcome.PASSED
    assert state_of(db) == "after"
    verdict = restore(tmp_path)
    assert verdict.outcome is Outcome.PASSED
    assert state_of(db) == "before"
    assert state_of(kept(verdict)) == "after"
    facts = json.loads((tmp_path / "run" / "facts.json").read_text())
    assert facts["sqlite"][str(db)]["restored"]["from"] == str(backup_of(tmp_path / "run", db).path)  # type: ignore[union-attr]
    assert sha256(Path(facts["sqlite"][str(db)]["restored"]["kept"])) == sha256(kept(verdict))
