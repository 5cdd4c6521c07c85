from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from support.kinds import until
from support.sandbox import log_of, migrate, sandbox

from orion_deploy.demo.faults import FAULTS, break_migration, known
from orion_deploy.demo.parts import PARTS, living, why_no_small_disk
from orion_deploy.demo.sandbox import build_sandbox, stop_sandbox
from orion_deploy.demo.small_disk import FILLER
from orion_deploy.errors import OrionError


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_says_what_it_does_and_what_to_do(fault: str) -> None:
    """`demo --fault` can list each with its effect and its way out; a part it names exists."""
    assert FAULTS[fault].what
    assert FAULTS[fault].way_out
    assert FAULTS[fault].part in ("", *PARTS)


def test_faults_come_once_and_in_order() -> None:
    """However they are given, a sandbox records the same set in the same way."""
    assert known(["log-errors", "app-respawns", "log-errors"]) == ("app-respawns", "log-errors")


def test_app_respawns_brings_the_application_back(tmp_path: Path) -> None:
    """After a TERM another process plays the application; without its keeper it stays away."""
    with sandbox(tmp_path / "box", ("app-respawns",)) as box:
        first = living(box.directory, "orion")
        assert first is not None
        os.kill(first, signal.SIGTERM)
        until(lambda: living(box.directory, "orion") not in (None, first), "the respawn")
        keeper = living(box.directory, "keeper")
        second = living(box.directory, "orion")
        assert keeper is not None
        assert second is not None
        os.kill(keeper, signal.SIGTERM)
        until(lambda: living(box.directory, "keeper") is None, "the keeper's end")
        os.kill(second, signal.SIGTERM)
        until(lambda: living(box.directory, "orion") is None, "the application's end")


def test_open_handle_holds_the_database(tmp_path: Path) -> None:
    """With the application stopped another process still has the file open."""
    with sandbox(tmp_path / "box", ("open-handle",)) as box:
        orion = living(box.directory, "orion")
        reporter = living(box.directory, "reporter")
        assert orion is not None
        assert reporter is not None
        os.kill(orion, signal.SIGTERM)
        until(lambda: living(box.directory, "orion") is None, "the stop")
        held = {os.path.basename(file.path) for file in psutil.Process(reporter).open_files()}
        assert "orion.db" in held


def test_migration_fails_in_its_second_statement(tmp_path: Path) -> None:
    """The column's statement is sound, the index's is not: what makes half a migration where no transaction is kept."""
    with sandbox(tmp_path / "box", ("migration-fails",)) as box:
        stop_sandbox(box.directory)
        up = (box.directory / "migrations" / "0001_add_active_request_up.sql").read_text("utf-8")
        path = box.directory / "Orion" / "data" / "orion.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            with pytest.raises(sqlite3.OperationalError, match="active_requests_id"):
                database.executescript(up)
            columns = [row[1] for row in database.execute("PRAGMA table_info(conversations)")]
        assert "active_request_id" in columns


def test_a_migration_without_the_index_cannot_be_broken() -> None:
    """Where there is nothing to break, building the sandbox says so instead of pretending."""
    with pytest.raises(OrionError, match="cannot be broken"):
        break_migration("SELECT 1;")


def test_corrupt_backup_damages_what_appears_and_hides_it(tmp_path: Path) -> None:
    """Size and times stay, the contents do not: only a hash or a check finds it."""
    with sandbox(tmp_path / "box", ("corrupt-backup",)) as box:
        backup = box.directory / "Orion" / "backups" / "copy.db"
        data = (box.directory / "Orion" / "data" / "orion.db").read_bytes()
        backup.write_bytes(data)
        facts = backup.stat()
        until(lambda: backup.read_bytes() != data, "the damage")
        after = backup.stat()
        assert after.st_size == facts.st_size
        assert after.st_mtime_ns == facts.st_mtime_ns
        assert (box.directory / "Orion" / "data" / "orion.db").exists()


@pytest.mark.skipif(bool(why_no_small_disk()), reason=f"no small disk can be mounted: {why_no_small_disk()}")
def test_disk_full_is_a_disk_that_is_full(tmp_path: Path) -> None:
    """Inside, a write meets the kernel's ENOSPC, and the room that is told is none; outside there is nothing of it; removing the filler makes room."""
    writes = "import sys\nwith open(sys.argv[1], 'wb', buffering=0) as f: print(f.write(bytes(2000000)), f.write(bytes(2000000)))"
    with sandbox(tmp_path / "box", ("disk-full",)) as box:
        backups = box.directory / "Orion" / "backups"
        assert box.enter

        def write() -> subprocess.CompletedProcess[str]:
            command = [*box.enter, sys.executable, "-c", writes, str(backups / "copy.db")]
            return subprocess.run(command, capture_output=True, text=True)

        assert "No space left on device" in write().stderr
        assert list(backups.iterdir()) == []
        subprocess.run([box.directory / "bin" / "inside", "rm", backups / FILLER], check=True)
        assert write().stdout.split() == ["2000000", "2000000"]
        orion = living(box.directory, "orion")
        assert orion is not None
        disk = living(box.directory, "disk")
        assert os.readlink(f"/proc/{orion}/ns/mnt") == os.readlink(f"/proc/{disk}/ns/mnt")


def test_where_no_disk_can_be_had_the_fault_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A system that mounts nothing for an ordinary user: nothing is built, nothing is pretended, and it says why."""
    monkeypatch.setattr(
        "orion_deploy.demo.sandbox.why_no_small_disk", lambda: "unshare: Operation not permitted"
    )
    with pytest.raises(OrionError, match="Operation not permitted") as caught:
        build_sandbox(tmp_path / "box", ("disk-full",))
    assert "every other fault" in caught.value.help
    assert list(tmp_path.iterdir()) == []


def test_slow_latency_shows_only_after_the_migration(tmp_path: Path) -> None:
    """Figures beyond the limits appear with the column, and go with it."""
    with sandbox(tmp_path / "box", ("slow-latency",)) as box:
        assert max(_figures(log_of(box), "flush")) < 2
        stop_sandbox(box.directory)
        before = len(log_of(box))
        migrate(box)
        build_sandbox(box.directory)
        assert min(_figures(log_of(box)[before:], "flush")) > 5
        assert min(_figures(log_of(box)[before:], "send")) > 10
        stop_sandbox(box.directory)
        before = len(log_of(box))
        migrate(box, down=True)
        build_sandbox(box.directory)
        assert max(_figures(log_of(box)[before:], "flush")) < 2


def test_memory_leak_grows_the_process(tmp_path: Path) -> None:
    """The resident size really grows, by more than the limit of a fifth."""
    with sandbox(tmp_path / "box", ("memory-leak",)) as box:
        stop_sandbox(box.directory)
        migrate(box)
        build_sandbox(box.directory)
        pid = living(box.directory, "orion")
        assert pid is not None
        process = psutil.Process(pid)
        first = process.memory_info().rss
        until(lambda: process.memory_info().rss > first * 1.2, "the growth")


def test_log_errors_are_logged_after_the_migration_only(tmp_path: Path) -> None:
    """Both sentences that the checklist looks for; and before the migration neither."""
    with sandbox(tmp_path / "box", ("log-errors",)) as box:
        assert "Failed to" not in log_of(box)
        stop_sandbox(box.directory)
        migrate(box)
        build_sandbox(box.directory)
        assert "Failed to restore from DB" in log_of(box)
        assert "Restored" not in log_of(box)
        until(lambda: "Failed to persist request" in log_of(box), "the second error")


def _figures(log: str, name: str) -> list[float]:
    """The figures of one name, in ms."""
    import re

    return [float(found[1]) for found in re.finditer(rf"\b{name} ([0-9.]+) ms", log)]
