from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.databases import (
    DOWN,
    HAS_CLI,
    MIGRATION,
    UP,
    ask,
    change_fact,
    cli,
    files_of,
    is_whole,
    leave_wal,
    names,
    orion,
    run_sql,
    state_of,
)
from support.kinds import Programs, Worker, carry_out, context, programs

from orion_deploy.kinds.sqlite import structure
from orion_deploy.kinds.sqlite.record import backup_of, rehearsal_of
from orion_deploy.kinds.sqlite.since import rows_since
from orion_deploy.kinds.verdict import Outcome, Verdict

IDLE = "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1])\nc.execute('select * from messages').fetchall()\nprint('up', flush=True)\nsys.stdin.read()"
needs_cli = pytest.mark.skipif(not HAS_CLI, reason="the sqlite3 shell is not installed")


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Programs]:
    """Programs, ended with the test."""
    with programs(tmp_path / "bin") as value:
        yield value


def do(root: Path, name: str, /, **more: Any) -> Verdict:
    """Carry out `sqlite.NAME` on `orion.db`."""
    ctx = more.pop("ctx", None) or context(root)
    pair = {} if name == "backup" else MIGRATION
    return carry_out(ctx, f"sqlite.{name}", **{"path": "orion.db", **pair, **more})


def prepared(folder: Path, rows: int = 100, **more: Any) -> Path:
    """A database that was rehearsed and backed up in this run."""
    db = orion(folder / "orion.db", rows, mode=more.pop("mode", "wal"))
    assert do(folder, "rehearse", **more).outcome is Outcome.PASSED
    assert do(folder, "backup", folder="backups").outcome is Outcome.PASSED
    return db


def flip(path: Path) -> None:
    """Change bytes in the middle of a file and leave its size and times alone: only a hash sees it."""
    seen = path.stat()
    with path.open("r+b") as file:
        file.seek(seen.st_size // 2)
        file.write(b"\xff" * 16)
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))


def swap(path: Path) -> None:
    """Put another file of the same size and times in its place, by rename: one byte of a text is different."""
    seen, other = path.stat(), path.with_name("other.db")
    data = path.read_bytes()
    at = data.rindex(b"yyy")
    other.write_bytes(data[:at] + b"z" + data[at + 1 :])
    os.utime(other, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    os.replace(other, path)


def put_back(path: Path) -> None:
    """Commit a change and its opposite, both moved into the file: the rows are the same, the file is not."""
    run_sql(path, "INSERT INTO messages (id, conversation_id) VALUES (99999, 1)")
    run_sql(path, "DELETE FROM messages WHERE id = 99999; PRAGMA wal_checkpoint(TRUNCATE)")


def pair(folder: Path, up: str | None = None, down: str | None = None) -> dict[str, str]:
    """A pair of scripts of our own."""
    (folder / "up.sql").write_text(UP.read_text() if up is None else up)
    (folder / "down.sql").write_text(DOWN.read_text() if down is None else down)
    return {"up": str(folder / "up.sql"), "down": str(folder / "down.sql")}


@pytest.mark.parametrize("mode", ["wal", "delete", "truncate", "persist"])
def test_there_and_back(tmp_path: Path, mode: str) -> None:
    """Rehearsed, backed up, migrated, read back; then taken back with what was written since still there."""
    db = prepared(tmp_path, mode=mode)
    verdict = do(tmp_path, "migrate")
    assert verdict.outcome is Outcome.PASSED, verdict.reason
    assert state_of(db) == "after"
    assert is_whole(db)
    run_sql(db, "INSERT INTO conversations (title, active_request_id) VALUES ('new', 'r')")
    again = do(tmp_path, "migrate")
    assert again.outcome is Outcome.NOT_APPLICABLE
    back = do(tmp_path, "rollback")
    assert back.outcome is Outcome.PASSED, back.reason
    assert state_of(db) == "before"
    assert is_whole(db)
    assert ask(db, "SELECT count(*) FROM conversations WHERE title = 'new'") == 1
    assert do(tmp_path, "rollback").outcome is Outcome.NOT_APPLICABLE
    assert list(tmp_path.glob("orion.db-*")) == []
    assert len(list((tmp_path / "backups").glob("orion-migrated-*.db"))) == 1


@pytest.mark.hazard('a test "on a copy" whose second line names the original', half="both")
@needs_cli
def test_the_seeds_rehearsal_migrates_production_and_ours_only_reads(tmp_path: Path) -> None:
    """The seed's "test on a copy" copies, then migrates the original; ours leaves every byte as it was."""
    db = orion(tmp_path / "seed.db", 20)
    script = f"cp '{db}' '{tmp_path}/copy.db'\nsqlite3 '{db}' < '{UP}'\n"
    subprocess.run(["bash", "-c", script], check=True)
    assert state_of(db) == "after"
    assert state_of(tmp_path / "copy.db") == "before"
    db = orion(tmp_path / "orion.db", 20)
    before = files_of(db)
    verdict = do(tmp_path, "rehearse")
    assert verdict.outcome is Outcome.PASSED, verdict.reason
    assert files_of(db) == before
    found = rehearsal_of(tmp_path / "run", db)
    assert found is not None
    assert found.rows == 40
    assert found.wal_growth_bytes > 0
    assert {p.name for p in (tmp_path / "run").iterdir()} == {"attempt", "facts.json", "facts.lock"}


@pytest.mark.hazard('a test "on a copy" whose second line names the original', half="ours")
def test_a_rehearsal_on_the_source_itself_is_refused(tmp_path: Path) -> None:
    """By device and inode, under any name; and no file is ever overwritten by a copy."""
    db = orion(tmp_path / "orion.db", 20)
    os.link(db, tmp_path / "hard.db")
    (tmp_path / "soft.db").symlink_to(db)
    (tmp_path / "other.db").write_text("x")
    before = files_of(db)
    for name, words in (
        ("orion.db", "IS the"),
        ("hard.db", "IS the"),
        ("soft.db", "IS the"),
        ("other.db", "already"),
    ):
        verdict = do(tmp_path, "rehearse", target=name)
        assert verdict.outcome is Outcome.FAILED
        assert words in verdict.reason
    assert files_of(db) == before
    assert do(tmp_path, "rehearse", target="copy.db").outcome is Outcome.PASSED
    assert state_of(tmp_path / "copy.db") == "after"


@pytest.mark.hazard("a limit by the number of rows", half="ours")
def test_a_rehearsal_that_takes_too_long_fails_whatever_the_rows(tmp_path: Path) -> None:
    """Not the number of rows decides, the time that was measured: ten thousand take milliseconds, and the limit is the author's."""
    orion(tmp_path / "orion.db", 10_000)
    quick = do(tmp_path, "rehearse", up_s_max=5)
    assert quick.outcome is Outcome.PASSED, quick.reason
    slow = do(tmp_path, "rehearse", up_s_max=0.000001)
    assert slow.outcome is Outcome.FAILED
    assert "it works, but the way there took" in slow.reason


def test_a_rehearsal_takes_the_wal_and_a_live_writer(tmp_path: Path, started: Programs) -> None:
    """Committed rows in the WAL are rehearsed too, while another process has the database open."""
    db = orion(tmp_path / "orion.db", 20)
    leave_wal(db, "INSERT INTO conversations (title) VALUES ('in the wal')")
    started.start_ready(started.script("idle", IDLE), db)
    verdict = do(tmp_path, "rehearse")
    assert verdict.outcome is Outcome.PASSED, verdict.reason
    assert verdict.values["rows"] == 41


@pytest.mark.parametrize(
    ("up", "down", "words"),
    [
        (UP.read_text() + "SELECT no_such_function();", None, "no_such_function"),
        (UP.read_text() + "DELETE FROM messages WHERE id < 5;", None, "messages had 20 rows, and has 16"),
        (None, "ALTER TABLE conversations DROP COLUMN active_request_id;", "does not fit"),
        (
            UP.read_text() + "DELETE FROM schema_migrations WHERE EXISTS (SELECT 1 FROM messages);",
            None,
            "version 1 is not noted",
        ),
        (UP.read_text() + "UPDATE messages SET conversation_id = 99;", None, "refer to something"),
        (
            UP.read_text(),
            DOWN.read_text() + "DELETE FROM conversations WHERE id = 3;",
            "conversations had 20 rows",
        ),
        (UP.read_text() + "DROP INDEX idx_messages_conversation;", None, "does not fit"),
        (UP.read_text().replace("(active_request_id)", '("activ_request_id")'), None, "double quotes"),
        ("CREATE TABLE other (a);", "DROP TABLE other;", ""),
    ],
)
def test_a_rehearsal_finds_what_a_migration_would_break(
    tmp_path: Path, up: str | None, down: str | None, words: str
) -> None:
    """Errors, lost rows, broken references, a way back that does not lead back, an index on a constant."""
    db = orion(tmp_path / "orion.db", 20)
    before = files_of(db)
    verdict = do(tmp_path, "rehearse", **pair(tmp_path, up, down))
    assert verdict.outcome is (Outcome.FAILED if words else Outcome.PASSED)
    assert words in verdict.reason
    assert files_of(db) == before
    assert (rehearsal_of(tmp_path / "run", db) is None) == bool(words)


@pytest.mark.hazard("dropping a column before its index", half="both")
@needs_cli
def test_drop_column_before_drop_index(tmp_path: Path) -> None:
    """Without -bail the shell loses index and version row and keeps the column; the rehearsal refuses such a script."""
    wrong = (
        "ALTER TABLE conversations DROP COLUMN active_request_id;\n"
        "DROP INDEX idx_conversations_active_request;\nDELETE FROM schema_migrations WHERE version = 1;\n"
    )
    db = orion(tmp_path / "seed.db", 5)
    run_sql(db, UP.read_text())
    cli(db, wrong)
    assert state_of(db) == "between"
    orion(tmp_path / "orion.db", 5)
    verdict = do(tmp_path, "rehearse", **pair(tmp_path, None, wrong))
    assert verdict.outcome is Outcome.FAILED


@pytest.mark.hazard("the script piped into the `sqlite3` shell", half="both")
@needs_cli
def test_half_a_migration_is_never_committed(tmp_path: Path) -> None:
    """The shell goes on after a failed CREATE INDEX and commits the rest, even inside BEGIN and COMMIT."""
    seed = orion(tmp_path / "seed.db", 5)
    run_sql(seed, "CREATE TABLE idx_conversations_active_request (a)")
    cli(seed, "BEGIN;\n" + UP.read_text() + "COMMIT;\n")
    assert "conversations.active_request_id" in names(seed)
    assert ask(seed, "SELECT version FROM schema_migrations") == 1
    assert ask(seed, "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name LIKE 'idx_conv%'") == 0
    db = prepared(tmp_path)
    run_sql(db, "CREATE TABLE idx_conversations_active_request (a)")
    do(tmp_path, "backup", folder="backups")
    verdict = do(tmp_path, "migrate")
    assert verdict.outcome is Outcome.FAILED
    assert "conversations.active_request_id" not in names(db)
    assert "schema_migrations" not in names(db)


@pytest.mark.hazard("a limit by the number of rows", half="ours")
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: (f / "run" / "facts.json").unlink(), "not rehearsed"),
        (lambda f: change_fact(f / "run", f / "orion.db", "rehearsal", up_sha256="0"), "changed since"),
        (lambda f: change_fact(f / "run", f / "orion.db", "rehearsal", up_s=31.0), "would be interrupted"),
        (lambda f: change_fact(f / "run", f / "orion.db", "rehearsal", wal_growth_bytes=1 << 60), "no room"),
        (lambda f: [p.unlink() for p in (f / "backups").glob("*.db")], "gone"),
        (lambda f: flip(next((f / "backups").glob("*.db"))), "its sha256 has changed"),
        (lambda f: flip(f / "orion.db"), "written to after"),
        (lambda f: swap(f / "orion.db"), "written to after"),
        (lambda f: put_back(f / "orion.db"), "written to after"),
        (
            lambda f: run_sql(f / "orion.db", "INSERT INTO messages (conversation_id) VALUES (1)"),
            "written to after",
        ),
        (
            lambda f: leave_wal(f / "orion.db", "UPDATE messages SET body = 'x' WHERE id = 1"),
            "written to after",
        ),
        (
            lambda f: run_sql(f / "orion.db", "ALTER TABLE conversations ADD COLUMN active_request_id TEXT"),
            "partial",
        ),
        (lambda f: run_sql(f / "orion.db", "DROP TABLE messages; DROP TABLE conversations"), "foreign"),
    ],
    ids=[
        "facts",
        "script",
        "time",
        "room",
        "backup",
        "bytes",
        "raw",
        "swapped",
        "back",
        "written",
        "wal",
        "partial",
        "foreign",
    ],
)
def test_migrate_refuses(tmp_path: Path, spoil: Any, words: str) -> None:
    """Without rehearsal of these very bytes, a backup of exactly this state, room, time, and the right state: nothing is run."""
    db = prepared(tmp_path)
    spoil(tmp_path)
    before = names(db)
    verdict = do(tmp_path, "migrate")
    assert verdict.outcome is Outcome.FAILED
    assert words in verdict.reason, verdict.reason
    assert names(db) == before


def test_a_touched_database_is_compared_by_its_bytes(tmp_path: Path) -> None:
    """Another time stamp alone does not make a backup stale."""
    db = prepared(tmp_path)
    os.utime(db, (1, 1))
    assert do(tmp_path, "migrate").outcome is Outcome.PASSED


def test_a_touched_backup_is_compared_by_its_bytes(tmp_path: Path) -> None:
    """Another time stamp alone does not make a backup useless; other bytes do, whatever the stamp says."""
    prepared(tmp_path)
    backup = next((tmp_path / "backups").glob("*.db"))
    os.utime(backup, (1, 1))
    assert do(tmp_path, "migrate").outcome is Outcome.PASSED


def test_facts_of_another_run_do_not_count(tmp_path: Path) -> None:
    """A backup that another run took is not this run's."""
    prepared(tmp_path)
    other = context(tmp_path / "other", cwd=tmp_path)
    verdict = do(tmp_path, "migrate", ctx=other)
    assert verdict.outcome is Outcome.FAILED
    assert "this run has not rehearsed" in verdict.reason


def test_somebody_has_it_open(tmp_path: Path, started: Programs) -> None:
    """The holder is named, for the migration as for the way back; in rollback mode an idle one is found too."""
    for mode in ("wal", "delete"):
        folder = tmp_path / mode
        db = prepared(folder, mode=mode)
        process = started.start_ready(started.script(f"idle-{mode}", IDLE), db)
        for name in ("migrate", "rollback", "backup"):
            verdict = do(folder, name, **({"folder": "b"} if name == "backup" else {}))
            assert verdict.outcome is Outcome.FAILED
            assert str(process.pid) in verdict.reason
        assert state_of(db) == "before"


def forced(folder: Path, up: str, rows: int = 100) -> tuple[Path, dict[str, str]]:
    """A script that the rehearsal would not have let through, as if it had."""
    import hashlib

    db = prepared(folder, rows)
    scripts = pair(folder, up)
    change_fact(
        folder / "run",
        db,
        "rehearsal",
        up_sha256=hashlib.sha256(Path(scripts["up"]).read_bytes()).hexdigest(),
        down_sha256=hashlib.sha256(Path(scripts["down"]).read_bytes()).hexdigest(),
    )
    return db, scripts


@pytest.mark.hazard("the script piped into the `sqlite3` shell", half="ours")
@pytest.mark.parametrize(
    ("up", "words"),
    [
        (
            UP.read_text()
            + "INSERT OR ROLLBACK INTO conversations (id, title) SELECT id, title FROM conversations;",
            "UNIQUE",
        ),
        (
            UP.read_text() + "DELETE FROM schema_migrations WHERE EXISTS (SELECT 1 FROM messages);",
            "version 1 is not noted",
        ),
        (UP.read_text() + "UPDATE messages SET body = zeroblob(20000);", "CHECK"),
        (UP.read_text() + "SELECT load_extension('x') FROM messages;", "authorized"),
    ],
    ids=["or-rollback", "not-verified", "constraint", "extension"],
)
def test_whatever_fails_is_taken_back_whole(tmp_path: Path, up: str, words: str) -> None:
    """A rollback inside the script, a result that does not verify, a constraint: all as before, and the verdict says why."""
    db, scripts = forced(tmp_path, up)
    before = files_of(db)
    verdict = do(tmp_path, "migrate", **scripts)
    assert verdict.outcome is Outcome.FAILED
    assert words in verdict.reason, verdict.reason
    assert state_of(db) == "before"
    assert files_of(db) == before
    assert is_whole(db)


@pytest.mark.hazard("`timeout` around it", half="seed")
@needs_cli
def test_the_seeds_time_limit_may_leave_everything_done(tmp_path: Path) -> None:
    """`timeout` gives 124, and the migration is committed all the same: the status says nothing about the state."""
    db = orion(tmp_path / "seed.db", 5)
    (tmp_path / "slow.sql").write_text(UP.read_text() + ENDLESS)
    seed = subprocess.run(
        ["bash", "-c", f"timeout 1 sqlite3 '{db}' < '{tmp_path}/slow.sql'; echo $?"], capture_output=True
    )
    assert (seed.stdout, seed.returncode) == (b"124\n", 0)
    assert state_of(db) == "after"


@pytest.mark.hazard('"should return nothing"', half="both")
@needs_cli
def test_a_grep_for_nothing_passes_on_a_wrong_path(tmp_path: Path) -> None:
    """A search that should return nothing is content with a database that is not there; ours fails."""
    seed = subprocess.run(
        [
            "bash",
            "-c",
            f"sqlite3 '{tmp_path}/orino.db' 'PRAGMA table_info(conversations);' | grep active_request_id",
        ],
        capture_output=True,
    )
    assert seed.stdout == b""
    absent = {"absent": ["conversations.active_request_id"]}
    verdict = carry_out(context(tmp_path), "sqlite.schema", path="nowhere.db", **absent)
    assert verdict.outcome is Outcome.FAILED


ENDLESS = (
    "WITH RECURSIVE n(x) AS (SELECT id FROM messages UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n;"
)
"""Ends at once where there are no messages, else never."""


def test_a_script_that_never_ends_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even on a copy without rows: told before anything is locked for long."""
    monkeypatch.setattr(structure, "SCRATCH_S_MAX", 0.2)
    orion(tmp_path / "orion.db", 5)
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n;"
    for name in ("state", "rehearse", "migrate", "rollback"):
        verdict = do(tmp_path, name, **pair(tmp_path, UP.read_text() + endless))
        assert verdict.outcome is Outcome.FAILED
        assert "has not ended" in verdict.reason


@pytest.mark.hazard("`timeout` around it", half="ours")
def test_the_time_limit_takes_everything_back(tmp_path: Path) -> None:
    """`timeout 30s sqlite3` may leave anything behind; ours interrupts from inside, and then reads the state."""
    db, scripts = forced(tmp_path, UP.read_text() + ENDLESS)
    begun = time.monotonic()
    verdict = do(tmp_path, "migrate", **scripts, timeout_s=0.3)
    assert time.monotonic() - begun < 5
    assert verdict.outcome is Outcome.FAILED
    assert "time was up" in verdict.reason
    assert state_of(db) == "before"
    assert is_whole(db)


def test_cancel_takes_everything_back(tmp_path: Path) -> None:
    """SIGTERM to the worker in the middle: interrupted, taken back, and told so."""
    from support.kinds import until

    from orion_deploy.kinds import worker

    db, scripts = forced(tmp_path, UP.read_text() + ENDLESS)
    run = Worker(tmp_path, "sqlite.migrate", {"path": "orion.db", **scripts, "timeout_s": 600})
    until(
        lambda: (p := worker.read_progress(run.directory)) is not None and p.message == "migrating",
        "its progress",
    )
    run.process.terminate()
    verdict = run.wait()
    assert verdict.outcome is Outcome.FAILED
    assert "cancelled" in verdict.reason
    assert state_of(db) == "before"


def test_a_full_disk_takes_everything_back(tmp_path: Path) -> None:
    """Writing fails in the middle: the database is as before, whole, and the verdict is no pass."""
    db = prepared(tmp_path, 4000)
    limit = f"ulimit -f {db.stat().st_size // 1024 // 40}; trap '' XFSZ; "
    run = Worker(tmp_path, "sqlite.migrate", {"path": "orion.db", **MIGRATION}, prefix=limit)
    verdict = run.wait()
    assert not verdict.is_good, verdict.reason
    assert state_of(db) == "before"
    assert is_whole(db)


def test_progress_has_the_rehearsals_denominator(tmp_path: Path) -> None:
    """VM operations are exact: the bar ends where the rehearsal said, within one call of the handler."""
    seen: list[tuple[int, int, str]] = []
    db = prepared(tmp_path, 20_000)
    ctx = context(tmp_path, progress=lambda *values: seen.append(values))
    assert do(tmp_path, "migrate", ctx=ctx).outcome is Outcome.PASSED
    bar = [(done, total) for done, total, message in seen if message == "migrating"]
    found = rehearsal_of(tmp_path / "run", db)
    assert found is not None
    assert found.up_vm_ops > 10_000
    assert {total for _, total in bar} == {found.up_vm_ops}
    assert bar[-1][0] >= found.up_vm_ops - 10_000


def test_an_interrupted_writer_is_recovered_not_lost(tmp_path: Path) -> None:
    """A hot journal of a killed writer is rolled back by the backup's lock, and the migration goes on from there."""
    db = orion(tmp_path / "orion.db", 2000, mode="delete")
    code = (
        "import os,sqlite3,sys\nc=sqlite3.connect(sys.argv[1],isolation_level=None)\nc.execute('PRAGMA cache_size=5')\n"
        "c.execute('BEGIN')\nc.execute(\"UPDATE messages SET body='z'||body\")\nos._exit(0)"
    )
    import sys

    subprocess.run([sys.executable, "-c", code, db], check=True)
    assert (tmp_path / "orion.db-journal").stat().st_size > 0
    assert do(tmp_path, "backup", folder="backups").outcome is Outcome.PASSED
    assert do(tmp_path, "rehearse").outcome is Outcome.PASSED
    assert do(tmp_path, "migrate").outcome is Outcome.PASSED
    assert ask(db, "SELECT count(*) FROM messages WHERE body LIKE 'z%'") == 0


def test_rows_written_since_the_backup_are_counted(tmp_path: Path) -> None:
    """New, changed and deleted rows; the migration's own column does not count."""
    db = prepared(tmp_path)
    do(tmp_path, "migrate")
    backup = backup_of(tmp_path / "run", db)
    assert backup is not None
    assert str(rows_since(db, backup)) == "1 row was written since the backup (schema_migrations)"
    run_sql(
        db,
        "INSERT INTO conversations (title) VALUES ('a'), ('b'); UPDATE messages SET body = 'c' WHERE id = 1;"
        "DELETE FROM messages WHERE id IN (8, 9); CREATE TABLE more (a); INSERT INTO more VALUES (1);",
    )
    seen = rows_since(db, backup)
    assert dict(seen.new_or_changed) == {"conversations": 2, "messages": 1, "more": 1, "schema_migrations": 1}
    assert dict(seen.gone) == {"messages": 2}
    assert seen.is_exact
    assert backup_of(tmp_path / "none", db) is None


def test_a_rollback_without_backup_must_be_asked_for(tmp_path: Path) -> None:
    """In a run that took no backup the folder is needed, or an explicit `backup: false`."""
    db = orion(tmp_path / "orion.db", 5)
    run_sql(db, UP.read_text())
    refused = do(tmp_path, "rollback")
    assert refused.outcome is Outcome.FAILED
    assert "folder" in refused.reason
    assert state_of(db) == "after"
    assert do(tmp_path, "rollback", backup=False).outcome is Outcome.PASSED
    assert state_of(db) == "before"


def test_facts_tell_a_later_step_what_was_done(tmp_path: Path) -> None:
    """The worker marks when the migration passed, for `clock.elapsed` and the report."""
    prepared(tmp_path)
    verdict = Worker(
        tmp_path, "sqlite.migrate", {"path": "orion.db", **MIGRATION}, step="run-migration"
    ).wait()
    assert verdict.outcome is Outcome.PASSED, verdict.reason
    facts = json.loads((tmp_path / "run" / "facts.json").read_text())
    assert set(facts["marks"]) == {"sqlite.migrate", "run-migration"}
    assert re.search(r"migrated in \d", verdict.reason)
