from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.databases import HAS_CLI, MIGRATION, ask, files_of, is_whole, leave_wal, orion, run_sql, sha256
from support.kinds import Programs, Worker, carry_out, context, programs

from orion_deploy.errors import RefusedError
from orion_deploy.kinds.sqlite.copying import partial_file, prepare_folder, publish
from orion_deploy.kinds.sqlite.record import backup_of
from orion_deploy.kinds.verdict import Outcome, Verdict

IDLE = "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1])\nc.execute('select * from messages').fetchall()\nprint('up', flush=True)\nsys.stdin.read()"


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Programs]:
    """Programs, ended with the test."""
    with programs(tmp_path / "bin") as value:
        yield value


def back_up(root: Path, /, **more: Any) -> Verdict:
    """Back `orion.db` up into `backups`."""
    return carry_out(context(root), "sqlite.backup", **{"path": "orion.db", "folder": "backups", **more})


def the_backup(folder: Path) -> Path:
    """The backup that the run has pinned."""
    found = backup_of(folder / "run", folder / "orion.db")
    assert found is not None
    return Path(found.path)


@pytest.mark.hazard("`.backup`, `VACUUM INTO`", half="ours")
@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_backup_is_exact_private_and_pinned(tmp_path: Path, mode: str) -> None:
    """Same bytes, 0600 in a folder of 0700 whatever the umask, a manifest beside it, and the run knows it."""
    db = orion(tmp_path / "orion.db", 50, mode=mode)
    before = os.umask(0)
    try:
        verdict = back_up(tmp_path, folder="new/backups")
    finally:
        os.umask(before)
    assert verdict.outcome is Outcome.PASSED, verdict.reason
    backup = the_backup(tmp_path)
    assert sha256(backup) == sha256(db) == verdict.values["sha256"]
    assert is_whole(backup)
    modes = {
        p.name: stat.S_IMODE(p.stat().st_mode) for p in (backup, backup.with_name(backup.name + ".json"))
    }
    assert set(modes.values()) == {0o600}
    assert {stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "new", tmp_path / "new" / "backups")} == {
        0o700
    }
    manifest = json.loads(backup.with_name(backup.name + ".json").read_text())
    assert (manifest["source"], manifest["rows"]["conversations"], manifest["run"]) == (str(db), 50, "r1")
    assert sorted(p.name for p in backup.parent.iterdir()) == sorted(modes)


@pytest.mark.hazard("`.backup`, `VACUUM INTO`", half="both")
def test_the_usual_backups_are_open_to_everybody_and_ours_is_not(tmp_path: Path) -> None:
    """Under the usual umask: SQLite's own ways leave a copy of everything that anybody may read."""
    db = orion(tmp_path / "orion.db", 5)
    before = os.umask(0o022)
    try:
        with closing(sqlite3.connect(db)) as connection:
            connection.execute("VACUUM INTO ?", (str(tmp_path / "vacuum.db"),))
            with closing(sqlite3.connect(tmp_path / "api.db")) as target:
                connection.backup(target)
        assert back_up(tmp_path).outcome is Outcome.PASSED
    finally:
        os.umask(before)
    for name in ("vacuum.db", "api.db"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o644
    assert stat.S_IMODE(the_backup(tmp_path).stat().st_mode) == 0o600


@pytest.mark.hazard("`cp` of a live database", half="both")
def test_rows_in_the_wal_are_in_the_backup(tmp_path: Path) -> None:
    """`cp` of the file loses them without a word, and the copy looks whole."""
    db = orion(tmp_path / "orion.db", 50)
    leave_wal(db, "INSERT INTO conversations (title) VALUES ('only in the wal')")
    shutil.copy(db, tmp_path / "seed.db")
    assert ask(tmp_path / "seed.db", "SELECT count(*) FROM conversations") == 50
    assert is_whole(tmp_path / "seed.db")
    assert back_up(tmp_path).outcome is Outcome.PASSED
    assert ask(the_backup(tmp_path), "SELECT count(*) FROM conversations") == 51


@pytest.mark.hazard("a backup into a folder that is not there", half="both")
def test_a_folder_that_is_missing_or_a_file(tmp_path: Path) -> None:
    """`cp x backups` makes a file of that name; ours makes the folder, and refuses the file."""
    db = orion(tmp_path / "orion.db", 5)
    subprocess.run(["cp", db, tmp_path / "backups"], check=True)
    assert (tmp_path / "backups").is_file()
    before = sha256(tmp_path / "backups")
    verdict = back_up(tmp_path)
    assert verdict.outcome is Outcome.FAILED
    assert "not a folder" in verdict.reason
    assert sha256(tmp_path / "backups") == before


def test_a_folder_that_everybody_may_write_to_is_refused(tmp_path: Path) -> None:
    """A backup there could be exchanged for another."""
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(RefusedError, match="everybody"):
        prepare_folder(tmp_path / "open")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(RefusedError):
        prepare_folder(tmp_path / "dangling")


def test_nothing_is_ever_overwritten(tmp_path: Path) -> None:
    """Two backups in the same second have two names; a name that is taken is refused, whatever took it."""
    db = orion(tmp_path / "orion.db", 5)
    ctx = context(tmp_path, now=lambda: 1_700_000_000.0)
    for _ in range(3):
        assert carry_out(ctx, "sqlite.backup", path="orion.db", folder="backups").outcome is Outcome.PASSED
    assert len(list((tmp_path / "backups").glob("*.db"))) == 3
    taken = tmp_path / "backups" / "taken.db"
    taken.symlink_to(db)
    with pytest.raises(RefusedError, match="never overwritten"), partial_file(taken):
        pass
    free = tmp_path / "backups" / "free.db"
    with partial_file(free) as part:
        free.write_text("came between")
        with pytest.raises(RefusedError, match="never overwritten"):
            publish(part, free)
    assert free.read_text() == "came between"


@pytest.mark.hazard("a disk that fills up under a backup", half="both")
def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    """`cp` leaves a part that opens and looks empty; ours leaves no file and no pin, and the database as it was."""
    db = orion(tmp_path / "orion.db", 3000, mode="delete")
    limit = f"ulimit -f {db.stat().st_size // 1024 // 2}; trap '' XFSZ; "
    subprocess.run(["bash", "-c", f"{limit} cp '{db}' '{tmp_path}/seed.db'"], capture_output=True)
    assert 0 < (tmp_path / "seed.db").stat().st_size < db.stat().st_size
    before = files_of(db)
    run = Worker(tmp_path, "sqlite.backup", {"path": "orion.db", "folder": "backups"}, prefix=limit)
    verdict = run.wait()
    assert verdict.outcome is Outcome.FAILED, verdict.reason
    assert list((tmp_path / "backups").iterdir()) == []
    assert not (tmp_path / "run" / "facts.json").exists()
    assert files_of(db) == before


@pytest.mark.hazard("a disk that fills up under a backup", half="ours")
def test_room_is_looked_at_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Less free space than the database needs: refused before anything is written."""
    orion(tmp_path / "orion.db", 5)
    from orion_deploy.kinds.sqlite import room

    monkeypatch.setattr(room, "free_bytes", lambda _path: 1000)
    verdict = back_up(tmp_path)
    assert verdict.outcome is Outcome.FAILED
    assert "no room" in verdict.reason
    assert list((tmp_path / "backups").iterdir()) == []


def test_an_open_database_is_refused_or_copied_alive(tmp_path: Path, started: Programs) -> None:
    """Who has it open is named; `live` copies it, and is no rollback point."""
    db = orion(tmp_path / "orion.db", 50)
    process = started.start_ready(started.script("idle", IDLE), db)
    verdict = back_up(tmp_path)
    assert verdict.outcome is Outcome.FAILED
    assert str(process.pid) in verdict.reason
    verdict = back_up(tmp_path, live=True)
    assert verdict.outcome is Outcome.PASSED, verdict.reason
    assert verdict.values["is_rollback_point"] is False
    assert is_whole(the_backup(tmp_path))
    assert ask(the_backup(tmp_path), "SELECT count(*) FROM messages") == 50
    assert list((tmp_path / "backups").glob("*-wal")) == []
    started.end()
    carry_out(context(tmp_path), "sqlite.rehearse", path="orion.db", **MIGRATION)
    refused = carry_out(context(tmp_path), "sqlite.migrate", path="orion.db", **MIGRATION)
    assert refused.outcome is Outcome.FAILED
    assert "in use" in refused.reason


@pytest.mark.hazard("`cp` of a live database", half="ours")
@pytest.mark.skipif(not HAS_CLI, reason="the sqlite3 shell is not installed")
@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_live_copy_under_a_writer_is_whole(tmp_path: Path, started: Programs, mode: str) -> None:
    """Under a writer that never stops, each copy is one consistent state; `cp` makes malformed ones."""
    db = orion(tmp_path / "orion.db", 2000, mode=mode)
    writer = started.script(
        "writer",
        "import sqlite3,sys,time\nc=sqlite3.connect(sys.argv[1],isolation_level=None,timeout=30)\n"
        "c.execute('select 1 from messages').fetchone()\nprint('up',flush=True)\nn=0\n"
        "while True:\n    c.execute('BEGIN IMMEDIATE')\n"
        "    c.execute('insert into conversations(title) values(?)', ('c'*50,))\n"
        "    c.execute('insert into messages(conversation_id,body) values((select max(id) from conversations),?)', ('m'*200,))\n"
        "    c.execute('COMMIT')\n    time.sleep(0.002)\n",
    )
    started.start_ready(writer, db)
    for _ in range(4):
        verdict = back_up(tmp_path, live=True)
        assert verdict.outcome is Outcome.PASSED, verdict.reason
        backup = the_backup(tmp_path)
        assert is_whole(backup)
        assert ask(backup, "SELECT count(*) FROM conversations") == ask(
            backup, "SELECT count(*) FROM messages"
        )


def test_a_damaged_database_gives_no_backup(tmp_path: Path) -> None:
    """An exact copy of a damaged database is no backup: refused, nothing kept."""
    db = orion(tmp_path / "orion.db", 500, mode="delete")
    data = bytearray(db.read_bytes())
    data[4096 * 4 : 4096 * 5] = b"\xa5" * 4096
    db.write_bytes(data)
    verdict = back_up(tmp_path)
    assert verdict.outcome is Outcome.FAILED
    assert "damaged" in verdict.reason
    assert list((tmp_path / "backups").iterdir()) == []


def test_cancelled_leaves_nothing(tmp_path: Path) -> None:
    """The operator's wish to stop ends the copy, whole or not at all."""
    db = orion(tmp_path / "orion.db", 500)
    before = files_of(db)
    ctx = context(tmp_path, is_cancelled=lambda: True)
    verdict = carry_out(ctx, "sqlite.backup", path="orion.db", folder="backups")
    assert verdict.outcome is Outcome.FAILED
    assert "cancelled" in verdict.reason
    assert list((tmp_path / "backups").iterdir()) == []
    assert files_of(db) == before


def test_an_odd_run_name_makes_no_odd_file(tmp_path: Path) -> None:
    """A run's name never leaves the folder."""
    orion(tmp_path / "orion.db", 5)
    ctx = context(tmp_path, run="../../evil\n" + "x" * 300)
    assert carry_out(ctx, "sqlite.backup", path="orion.db", folder="backups").outcome is Outcome.PASSED
    assert the_backup(tmp_path).parent == tmp_path / "backups"
    assert len(the_backup(tmp_path).name) < 100


def test_earlier_backups_of_the_run_are_remembered(tmp_path: Path) -> None:
    """A second backup replaces the pin, and the first one stays known and in place."""
    db = orion(tmp_path / "orion.db", 5)
    back_up(tmp_path)
    first = the_backup(tmp_path)
    run_sql(db, "INSERT INTO conversations (title) VALUES ('x')")
    back_up(tmp_path)
    facts = json.loads((tmp_path / "run" / "facts.json").read_text())
    assert [b["path"] for b in facts["sqlite"][str(db)]["earlier_backups"]] == [str(first)]
    assert first.exists()
    assert the_backup(tmp_path) != first
