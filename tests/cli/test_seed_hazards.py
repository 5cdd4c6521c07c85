"""What a checklist's usual commands do, where no other test shows it: the damage first, for real, then what happens here."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cli import orion as run_app
from support.databases import DOWN, UP, ask, cli, damage_page, is_whole, orion, run_sql, state_of
from support.kinds import Programs, Worker, carry_out, context, programs
from support.sessions import book

from orion_deploy.kinds.verdict import Outcome

NAME = f"Orion{os.getpid()}h"
STUBBORN = "import signal,time\nsignal.signal(15, signal.SIG_IGN)\nprint('up', flush=True)\nwhile True: time.sleep(60)"


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Programs]:
    """Programs, ended with the test."""
    with programs(tmp_path / "bin") as value:
        yield value


def bash(script: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a checklist's block as a plain runner does."""
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, env={**os.environ, **more})


@pytest.mark.hazard("a search for a process as a guard in the last line", half="seed")
def test_a_guard_has_one_status_for_both_answers(tmp_path: Path, started: Programs) -> None:
    """`pgrep ... && echo ERROR && exit 1`: status 1 while the program runs, and 1 when it does not."""
    process = started.start(started.binary(NAME), "60")
    guard = f"pgrep -x {NAME[:15]} && echo ERROR && exit 1"
    assert bash(guard).returncode == 1
    process.kill()
    process.wait()
    assert bash(guard).returncode == 1


@pytest.mark.hazard("a signal, and two seconds of sleep", half="both")
def test_nobody_looks_after_the_sleep(tmp_path: Path, started: Programs) -> None:
    """`kill; sleep` is content while the program lives on; `process.stop` says that it does, and by which pid."""
    process = started.start_ready(started.script(NAME, STUBBORN))
    seed = bash(f"kill -TERM {process.pid}; sleep 0.2; echo stopped")
    assert (seed.returncode, seed.stdout) == (0, "stopped\n")
    assert process.poll() is None
    verdict = Worker(tmp_path, "process.stop", {"program": NAME, "deadline_s": 0.2}).wait()
    assert verdict.outcome is Outcome.FAILED
    assert f"pid {process.pid}" in verdict.reason
    assert "still running" in verdict.reason


@pytest.mark.hazard("a program in the background of a step", half="seed")
def test_a_reader_to_the_end_waits_for_the_background(tmp_path: Path) -> None:
    """`app &`: the shell has ended, and its output has no end while the program lives: whoever reads to it hangs."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    shell = subprocess.Popen(
        ["bash", "-c", f"(read -r x <{gate}) & echo started"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert shell.stdout is not None
    assert shell.wait(20) == 0
    os.set_blocking(shell.stdout.fileno(), False)
    assert os.read(shell.stdout.fileno(), 100) == b"started\n"
    with pytest.raises(BlockingIOError):
        os.read(shell.stdout.fileno(), 100)
    gate.write_text("go\n")
    os.set_blocking(shell.stdout.fileno(), True)
    assert shell.stdout.read() == b""
    shell.stdout.close()


@pytest.mark.hazard("the restore as the way back after a day", half="both")
def test_a_restore_throws_a_day_away_and_the_way_down_does_not(tmp_path: Path) -> None:
    """Copying the backup back loses what was written since; taking the migration back keeps every row of it."""
    migration = {"path": "orion.db", "up": str(UP), "down": str(DOWN)}
    for how in ("seed", "ours"):
        folder = tmp_path / how
        db = orion(folder / "orion.db", 20, mode="delete")
        ctx = context(folder)
        assert carry_out(ctx, "sqlite.backup", path="orion.db", folder="backups").is_good
        (backup,) = (folder / "backups").glob("*.db")
        run_sql(db, UP.read_text() + "INSERT INTO conversations (title) VALUES ('of the day');")
        if how == "seed":
            assert bash(f"cp '{backup}' '{db}'").returncode == 0
        else:
            verdict = carry_out(ctx, "sqlite.rollback", **migration)
            assert verdict.outcome is Outcome.PASSED, verdict.reason
        assert state_of(db) == "before"
        written = ask(db, "SELECT count(*) FROM conversations WHERE title = 'of the day'")
        assert written == {"seed": 0, "ours": 1}[how]


KEEP_HANDY = """# Deployment

- [ ] **Document rollback command (keep handy)**
  ```bash
  # Save this command for quick rollback if needed
  sqlite3 data/orion.db < down.sql
  ```
"""


@pytest.mark.hazard('a rollback command "kept at hand" in a block', half="both")
def test_who_runs_every_block_rolls_back(tmp_path: Path) -> None:
    """The block run as it stands takes the migration back; here the step shows it, and runs nothing."""
    db = orion(tmp_path / "data" / "orion.db", 5)
    run_sql(db, UP.read_text())
    shutil.copy(DOWN, tmp_path / "down.sql")
    path = book(tmp_path, KEEP_HANDY)
    (step,) = run_app("show", path.name, "--json", cwd=tmp_path).json["sections"][0]["steps"]
    run_app("run", path.name, "--auto", "--approve", cwd=tmp_path)
    run_app("run", path.name, "--auto", "--approve", "--only", step["id"], cwd=tmp_path)
    assert state_of(db) == "after"
    seed = subprocess.run(["bash", "-c", step["code"][0]["text"]], cwd=tmp_path, capture_output=True)
    assert seed.returncode == 0
    assert state_of(db) == "before"


@pytest.mark.hazard("a limit by the number of rows", half="both")
def test_rows_tell_nothing_of_the_time(tmp_path: Path) -> None:
    """The seed's `>10k rows may take >5 s` warns of a migration of milliseconds, and lets one pass that would not end in time; the measured time does neither."""
    many = orion(tmp_path / "many" / "orion.db", 10_001, mode="delete")
    few = orion(tmp_path / "few" / "orion.db", 3, mode="delete")
    steps = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000)"
    up = tmp_path / "up.sql"
    up.write_text(UP.read_text() + f"CREATE TABLE slow AS {steps} SELECT count(*) AS a FROM n;\n")
    down = tmp_path / "down.sql"
    down.write_text("DROP TABLE slow;\n" + DOWN.read_text())
    took_s = {}
    for db, script in ((many, UP), (few, up)):
        warned = int(cli(db, "SELECT COUNT(*) FROM conversations;").stdout) > 10_000
        assert warned is (db == many)
        shutil.copy(db, db.with_name("seed.db"))
        begun_s = time.monotonic()
        cli(db.with_name("seed.db"), script.read_text())
        took_s[db] = time.monotonic() - begun_s
    assert took_s[many] < 5
    quick = carry_out(
        context(many.parent), "sqlite.rehearse", path="orion.db", up=str(UP), down=str(DOWN), up_s_max=5
    )
    assert quick.outcome is Outcome.PASSED, quick.reason
    slow = carry_out(
        context(few.parent), "sqlite.rehearse", path="orion.db", up=str(up), down=str(down), up_s_max=0.01
    )
    assert slow.outcome is Outcome.FAILED
    assert "it works, but the way there took" in slow.reason


@pytest.mark.hazard("a backup that is damaged before it is needed", half="seed")
def test_a_backup_that_is_there_may_be_none(tmp_path: Path) -> None:
    """`test -s` and a count are content with a backup whose pages are noise; copied back, it is the database."""
    db = orion(tmp_path / "orion.db", 2000, mode="delete")
    backup = tmp_path / "backup.db"
    shutil.copy(db, backup)
    damage_page(backup)
    look = bash(
        f"test -s '{backup}' && sqlite3 '{backup}' 'SELECT count(*) > 0 FROM sqlite_master' && cp '{backup}' '{db}'"
    )
    assert (look.returncode, look.stdout) == (0, "1\n")
    with pytest.raises(sqlite3.DatabaseError, match="malformed"):
        is_whole(db)
