"""Small and full disks, from the command line: said for what they are, before anything is written, with the database as it was."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.bad_targets import Deployment, on_disk
from support.databases import ask, is_whole, names, orion, state_of


def test_a_read_only_disk(tmp_path: Path) -> None:
    """Mounted read-only: each step says that it may not write, and nothing is there that was not."""
    path = orion(tmp_path / "kept" / "orion.db", mode="delete")
    data = tmp_path / "data"
    data.mkdir()
    listing = tmp_path / "listing"
    before = on_disk(
        data,
        "16m",
        then=f"cp '{path}' . && mount -o remount,ro .",
        after=f"ls -A > '{listing}'; cmp orion.db '{path}' >> '{listing}' 2>&1",
    )
    if not before:
        pytest.skip("no disk can be mounted here")
    deployment = Deployment(tmp_path, before=before)
    for step in ("ready", "backup", "migrate", "down"):
        verdict = deployment.run(step)
        assert verdict["outcome"] == "failed", (step, verdict)
        assert "you may not write to" in verdict["reason"], (step, verdict)
        assert listing.read_text() == "orion.db\n"
    assert not list((tmp_path / "backups").glob("*.db*"))


@pytest.mark.hazard("a disk that fills up under a backup", half="ours")
def test_a_full_disk(tmp_path: Path) -> None:
    """No room beside the database, or for the backup: said before anything is written; the database is byte for byte what it was."""
    path = orion(tmp_path / "kept" / "orion.db", 3000, mode="delete")
    data = tmp_path / "data"
    data.mkdir()
    (data / "backups").mkdir()
    listing = tmp_path / "listing"
    before = on_disk(
        data,
        "3m",
        then=f"mkdir -m 700 backups && cp '{path}' . && head -c 1900000 /dev/zero > filler",
        after=f"ls -A . backups > '{listing}'; cmp orion.db '{path}' >> '{listing}' 2>&1",
    )
    if not before:
        pytest.skip("no disk can be mounted here")
    deployment = Deployment(tmp_path, before=before)
    on_the_disk: dict[str, str | Path] = {"backups": data / "backups"}
    for step, words, values in (
        ("ready", "there is no room for the migration", {}),
        ("rehearse", "", {}),
        ("backup", "there is no room for a backup", on_the_disk),
        ("migrate", "there is no room for the migration", {}),
    ):
        verdict = deployment.run(step, **values)
        assert verdict["outcome"] == ("failed" if words else "passed"), (step, verdict)
        assert words in verdict["reason"], (step, verdict)
        assert listing.read_text() == ".:\nbackups\nfiller\norion.db\n\nbackups:\n", step


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_not_a_byte_is_free_on_the_databases_disk(tmp_path: Path, mode: str) -> None:
    """No step blames the disk or leaves it to a person what happened: the disk is full, nothing was changed, make room there."""
    path = orion(tmp_path / "kept" / "orion.db", 300, mode=mode)
    data = tmp_path / "data"
    data.mkdir()
    listing = tmp_path / "listing"
    before = on_disk(
        data,
        "3m",
        then=f"cp '{path}' . && {{ head -c 9000000 /dev/zero > filler 2>/dev/null || true; }}",
        after=f"find . -type f -size +0 ! -name '*-shm' > '{listing}'; cmp orion.db '{path}' >> '{listing}' 2>&1",
    )
    if not before:
        pytest.skip("no disk can be mounted here")
    deployment = Deployment(tmp_path, before=before)
    seen = {step: deployment.run(step) for step in ("ready", "state", "rehearse", "backup", "migrate")}
    told = {step: f"{verdict['outcome']}: {verdict['reason']}" for step, verdict in seen.items()}
    assert "there is no room for the migration: 0 bytes are free" in told["ready"]
    assert not [step for step, words in told.items() if "the disk reported an error" in words], told
    assert [step for step, words in told.items() if words.startswith("undecided")] == ["state"] * (
        mode == "wal"
    )
    if mode == "wal":  # in a rollback journal's mode it can still be read there, and fails for other reasons
        for step in ("state", "rehearse", "backup", "migrate"):
            assert "the disk is full: nothing more can be written at" in told[step]
            assert "make room there" in told[step]
        for step in ("rehearse", "backup", "migrate"):
            assert told[step].startswith("failed: ")
            assert "nothing was changed" in told[step]
    assert sorted(listing.read_text().split()) == ["./filler", "./orion.db"]


def test_what_is_ready_has_room_for_each_later_step(tmp_path: Path) -> None:
    """One rule: where a disk is too small for the migration, the pre-flight says so with its words, and never passes first."""
    path = orion(tmp_path / "kept" / "orion.db", 300)
    data = tmp_path / "data"
    data.mkdir()
    before = on_disk(data, "6m", then=f"cp '{path}' .")
    if not before:
        pytest.skip("no disk can be mounted here")
    deployment = Deployment(tmp_path, before=before)
    for step in ("rehearse", "backup"):
        assert deployment.run(step)["outcome"] == "passed"
    ready, migrate = (deployment.run(step) for step in ("ready", "migrate"))
    rule = r"there is no room for the migration: 5\.\d MB are free at \S+, [\d.]+ KB needed and 16\.0 MB to spare"
    for verdict in (ready, migrate):
        assert verdict["outcome"] == "failed", verdict
        assert re.search(rule, verdict["reason"]), verdict
    assert "another disk" not in migrate["reason"]
    assert "make room on the disk of the database" in migrate["reason"]


def test_a_disk_that_fills_up_under_the_migration(tmp_path: Path) -> None:
    """Room when it was looked at, none when the migration needs it: the verdict says so, everything is taken back, the database stands before."""
    path = orion(tmp_path / "kept" / "orion.db", 200, mode="delete")
    data = tmp_path / "data"
    data.mkdir()
    last = tmp_path / "last.db"
    before = on_disk(data, "20m", then=f"cp '{path}' .", after=f"cp orion.db '{last}'; ls -A > '{last}.ls'")
    if not before:
        pytest.skip("no disk can be mounted here")
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)"
    (tmp_path / "up.sql").write_text(
        f"CREATE TABLE big (a);\nINSERT INTO big {many} SELECT hex(zeroblob(1000)) FROM n;\n"
    )
    (tmp_path / "down.sql").write_text("DROP TABLE big;\n")
    deployment = Deployment(tmp_path, before=before, scripts="up: up.sql, down: down.sql")
    for step in ("rehearse", "backup"):
        assert deployment.run(step)["outcome"] == "passed"
    verdict = deployment.run("migrate")
    assert verdict["outcome"] == "failed"
    assert "the disk is full" in verdict["reason"], verdict
    assert "everything was taken back" in verdict["reason"]
    assert "big" not in names(last)
    assert is_whole(last)
    assert (last.parent / "last.db.ls").read_text() == "orion.db\n"


def test_backups_on_another_file_system(tmp_path: Path) -> None:
    """The database on one disk, its backups on another: copied, renamed within that one, migrated, and put back."""
    path = orion(tmp_path / "kept" / "orion.db", 500)
    data = tmp_path / "data"
    data.mkdir()
    before = on_disk(data, "64m", then=f"cp -p '{path}'* .", after=f"cp -p orion.db* '{path.parent}'")
    if not before:
        pytest.skip("no disk can be mounted here")
    deployment = Deployment(tmp_path, before=before)
    for step in ("ready", "rehearse", "backup", "migrate"):
        verdict = deployment.run(step)
        assert verdict["outcome"] == "passed", (step, verdict)
    assert state_of(path) == "after"
    (backup,) = (tmp_path / "backups").glob("*.db")
    assert state_of(backup) == "before"
    assert deployment.run("down")["outcome"] == "passed"
    assert state_of(path) == "before"
    assert deployment.run("restore")["outcome"] == "passed"
    assert is_whole(path)
    assert ask(path, "SELECT count(*) FROM messages") == 500
