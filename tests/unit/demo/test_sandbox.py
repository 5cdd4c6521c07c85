from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import stat
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from support.kinds import until
from support.sandbox import log_of, migrate, sandbox

from orion_deploy.demo.parts import living, program_of
from orion_deploy.demo.sandbox import MARK, build_sandbox, stop_sandbox, with_defaults
from orion_deploy.errors import OrionError


def test_a_sandbox_holds_what_a_deployment_needs(tmp_path: Path) -> None:
    """The folder has the application's home, the migration, the checklist and the stand-in commands."""
    with sandbox(tmp_path / "box") as box:
        for name in (
            "Orion/data/orion.db",
            "Orion/backups",
            "Orion/logs/orion.log",
            "migrations/0001_add_active_request_up.sql",
            "migrations/0001_add_active_request_down.sql",
            "bin/orion",
            "bin/npm",
            "0001_add_active_request.md",
        ):
            assert (box.directory / name).exists(), name
        assert box.checklist == box.directory / "0001_add_active_request.md"
        assert box.cwd == box.directory
        assert shutil.which("orion", path=box.environ["PATH"]) == str(box.directory / "bin" / "orion")
        assert stat.S_IMODE((box.directory).stat().st_mode) == 0o700


def test_the_database_is_a_live_wal_database(tmp_path: Path) -> None:
    """WAL mode; some rows exist in the write-ahead log only, so that a plain copy of the file loses them."""
    with sandbox(tmp_path / "box", conversations=300) as box:
        path = box.directory / "Orion" / "data" / "orion.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert database.execute("SELECT count(*) FROM conversations").fetchone() == (300,)
            columns = [row[1] for row in database.execute("PRAGMA table_info(conversations)")]
        assert "active_request_id" not in columns
        with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as without_log:
            assert without_log.execute("SELECT count(*) FROM conversations").fetchone() == (200,)


def test_ten_thousand_conversations_by_default(tmp_path: Path) -> None:
    """The stand-in's database is as large as the checklist's own threshold."""
    with sandbox(tmp_path / "box", conversations=10_000) as box:
        path = box.directory / "Orion" / "data" / "orion.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            assert database.execute("SELECT count(*) FROM conversations").fetchone() == (10_000,)


def test_the_application_is_a_process_of_its_name_in_a_session_of_its_own(tmp_path: Path) -> None:
    """A process list shows it by the sandbox's own name; it has no terminal of ours and holds the database."""
    import psutil

    with sandbox(tmp_path / "box") as box:
        pid = living(box.directory, "orion")
        assert pid is not None
        process = psutil.Process(pid)
        name = program_of(box.directory)
        assert name.startswith("orion-")
        assert os.path.basename(process.cmdline()[0]) == name
        assert os.path.basename(process.cmdline()[4]) == name
        if os.path.exists("/proc/self/comm"):
            assert process.name() == name
        assert os.getsid(pid) != os.getsid(0)
        held = {os.path.basename(file.path) for file in process.open_files()}
        assert {"orion.db", "orion.db-wal"} <= held
        assert (box.directory / "Orion" / "run" / "orion.pid").read_text() == f"{pid}\n"


def test_two_sandboxes_have_applications_of_different_names(tmp_path: Path) -> None:
    """What stops the one by name does not stop the other."""
    with sandbox(tmp_path / "a") as one, sandbox(tmp_path / "b") as other:
        assert program_of(one.directory) != program_of(other.directory)


def test_the_name_can_be_given(tmp_path: Path) -> None:
    """A process that is called exactly `orion` can be had where nothing else is called so."""
    with sandbox(tmp_path / "box", program="orion-exactly") as box:
        assert program_of(box.directory) == "orion-exactly"


def test_variables_of_the_checklist_point_into_the_sandbox(tmp_path: Path) -> None:
    """The steps of the copy run in the sandbox, on its database, against its own application."""
    with sandbox(tmp_path / "box") as box:
        lines = box.checklist.read_text("utf-8").splitlines()
        assert f'cwd: "{box.directory}"' in lines
        assert any(line.startswith('  DATABASE: {default: "Orion/data/orion.db"') for line in lines)
        assert "\n\nIn this sandbox the day has two minutes. Orion" in box.checklist.read_text("utf-8")
        assert any(line.startswith(f'  APP: {{default: "{program_of(box.directory)}"') for line in lines)


def test_defaults_of_variables_are_replaced_and_nothing_else() -> None:
    """Quoted and bare values, before a comma and before the brace; the rest of the line stays."""
    text = '---\nvariables:\n  A: {default: one, type: path}\n  B: {default: "x, y", prompt: Q}\n  C: {default: 1}\n---\n'
    changed = with_defaults(text, {"A": 'q"u', "B": "b", "C": "2"})
    assert changed == text.replace("one", '"q\\"u"').replace('"x, y"', '"b"').replace(
        "default: 1", 'default: "2"'
    )


def test_a_variable_that_is_not_there_is_an_error() -> None:
    """A checklist that lost a variable is noticed when the sandbox is built, not in the middle of a run."""
    with pytest.raises(OrionError, match="DATABASE"):
        with_defaults("---\n---\n", {"DATABASE": "x"})


def test_stopping_ends_everything_and_says_what(tmp_path: Path) -> None:
    """After `stop_sandbox` no part lives; the files stay."""
    with sandbox(tmp_path / "box", ("app-respawns", "open-handle")) as box:
        assert stop_sandbox(box.directory) == ("keeper", "reporter", "orion")
        assert [living(box.directory, part) for part in ("keeper", "reporter", "orion")] == [None] * 3
        assert (box.directory / "Orion" / "data" / "orion.db").exists()
        assert stop_sandbox(box.directory) == ()


def test_a_stopped_sandbox_is_resumed(tmp_path: Path) -> None:
    """`build_sandbox` on its folder starts again what ran when it was stopped, and keeps its files."""
    with sandbox(tmp_path / "box") as box:
        first = living(box.directory, "orion")
        (box.directory / "a-note").write_text("mine")
        stop_sandbox(box.directory)
        again = build_sandbox(tmp_path / "box")
        assert again.resumed
        assert again.checklist == box.checklist
        assert living(box.directory, "orion") not in (None, first)
        assert (box.directory / "a-note").read_text() == "mine"


def test_resuming_leaves_a_stopped_application_stopped(tmp_path: Path) -> None:
    """In the middle of a deployment the application is down on purpose: resuming the sandbox must not start it."""
    with sandbox(tmp_path / "box") as box:
        pid = living(box.directory, "orion")
        assert pid is not None
        os.kill(pid, signal.SIGTERM)
        until(lambda: living(box.directory, "orion") is None, "the stop")
        build_sandbox(tmp_path / "box")
        assert living(box.directory, "orion") is None


def test_resuming_starts_what_was_killed(tmp_path: Path) -> None:
    """After a reboot, or a KILL, the application is down by accident: it runs again."""
    with sandbox(tmp_path / "box") as box:
        pid = living(box.directory, "orion")
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        until(lambda: living(box.directory, "orion") is None, "the kill")
        build_sandbox(tmp_path / "box")
        assert living(box.directory, "orion") not in (None, pid)


def test_a_foreign_folder_is_refused_and_untouched(tmp_path: Path) -> None:
    """A folder that holds anything else is never written to."""
    (tmp_path / "mine").write_text("x")
    with pytest.raises(OrionError, match="not empty"):
        build_sandbox(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_file_in_the_way_is_a_clear_error(tmp_path: Path) -> None:
    """No traceback where the folder's name is taken by a file."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(OrionError, match="cannot be made"):
        build_sandbox(tmp_path / "file")


def test_an_unknown_fault_is_told_with_the_nearest(tmp_path: Path) -> None:
    """Nothing is made for a slip of the finger."""
    with pytest.raises(OrionError) as caught:
        build_sandbox(tmp_path / "box", ("app-respawn",))
    assert "app-respawns" in caught.value.help
    assert not (tmp_path / "box").exists()


def test_other_faults_for_a_sandbox_that_is_there_are_refused(tmp_path: Path) -> None:
    """A sandbox keeps its faults; another set needs another folder."""
    with sandbox(tmp_path / "box") as box, pytest.raises(OrionError, match="no fault"):
        build_sandbox(box.directory, ("slow-latency",))


def test_what_is_no_sandbox_cannot_be_stopped(tmp_path: Path) -> None:
    """Only a folder of our own is ever acted upon."""
    with pytest.raises(OrionError, match="no sandbox"):
        stop_sandbox(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 99, "faults": []}', "\xff"])
def test_a_damaged_mark_is_a_clear_error(tmp_path: Path, text: str) -> None:
    """Whatever stands in the mark, there is one clear error."""
    (tmp_path / MARK).write_text(text, "latin-1")
    with pytest.raises(OrionError, match="sandbox"):
        build_sandbox(tmp_path)


def test_without_a_folder_each_sandbox_gets_a_fresh_one(own_home: Path) -> None:
    """Two sandboxes made without a folder never share one; both lie in the user's state."""
    made = []
    try:
        made += [build_sandbox(None, conversations=10), build_sandbox(None, conversations=10)]
        assert made[0].directory != made[1].directory
        assert all(own_home in box.directory.parents for box in made)
    finally:
        for box in made:
            stop_sandbox(box.directory)


def test_messages_are_answered_and_written_down(tmp_path: Path) -> None:
    """`orion say` prints the application's answer, and the message is a new conversation."""
    with sandbox(tmp_path / "box", conversations=300) as box:
        said = subprocess.run(
            [box.directory / "bin" / "orion", "say", "good", "evening"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert "I heard “good evening”" in said.stdout
        path = box.directory / "Orion" / "data" / "orion.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            assert database.execute("SELECT count(*) FROM conversations").fetchone() == (301,)


def test_a_second_application_does_not_start(tmp_path: Path) -> None:
    """Two of them would both write the log and the database."""
    with sandbox(tmp_path / "box") as box:
        second = subprocess.run([box.directory / "bin" / "orion"], capture_output=True, text=True)
        assert second.returncode == 1
        assert "already running" in second.stderr


def test_nobody_answers_while_the_application_is_stopped(tmp_path: Path) -> None:
    """A message to a stopped application fails at once instead of hanging."""
    with sandbox(tmp_path / "box") as box:
        stop_sandbox(box.directory)
        said = subprocess.run(
            [box.directory / "bin" / "orion", "say", "hello"], capture_output=True, text=True, timeout=10
        )
        assert said.returncode == 1
        assert "not running" in said.stderr


def test_the_test_suites_are_played(tmp_path: Path) -> None:
    """Both suites pass, and anything else that is asked of the stand-in fails."""
    with sandbox(tmp_path / "box") as box:
        npm = box.directory / "bin" / "npm"
        for suite in ("test", "test:integration"):
            assert (
                "passed"
                in subprocess.run([npm, "run", suite], capture_output=True, text=True, check=True).stdout
            )
        assert subprocess.run([npm, "publish"], capture_output=True).returncode == 1


def test_before_the_migration_the_application_does_without_the_column(tmp_path: Path) -> None:
    """It says that the registry is off, and its figures are within the limits."""
    with sandbox(tmp_path / "box") as box:
        assert "[RequestRegistry] off" in log_of(box)
        assert "[WriteBehind] flush 1." in log_of(box)


def test_after_the_migration_the_application_restores_its_requests(tmp_path: Path) -> None:
    """The registry's line is the one that the checklist looks for; the column is used, and empty after a stop."""
    with sandbox(tmp_path / "box") as box:
        stop_sandbox(box.directory)
        migrate(box)
        build_sandbox(box.directory)
        assert "[RequestRegistry] Restored 0 active requests from DB in 12 ms" in log_of(box)
        path = box.directory / "Orion" / "data" / "orion.db"
        active = "SELECT count(*) FROM conversations WHERE active_request_id IS NOT NULL"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            assert database.execute(active).fetchone() == (1,)
            stop_sandbox(box.directory)
            assert database.execute(active).fetchone() == (0,)


def test_after_a_clean_stop_the_log_of_sqlite_still_holds_rows(tmp_path: Path) -> None:
    """As with a desktop application that does not close its database: what a plain copy of the file would lose."""
    with sandbox(tmp_path / "box") as box:
        stop_sandbox(box.directory)
        assert (box.directory / "Orion" / "data" / "orion.db-wal").stat().st_size > 0


def test_the_commands_work_in_another_shell(tmp_path: Path) -> None:
    """What `demo --no-open` prints can be pasted into a shell whose PATH does not know our environment."""
    with sandbox(tmp_path / "box") as box:
        plain = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
        opened = subprocess.run(
            ["sh", "-c", f"{box.command} </dev/null"], env=plain, capture_output=True, text=True
        )
        assert "need a terminal" in opened.stderr
        subprocess.run(["sh", "-c", box.stop_command], env=plain, capture_output=True, check=True)
        assert living(box.directory, "orion") is None
