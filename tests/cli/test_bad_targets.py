"""Bad targets, from the command line: each step that touches a database gives one clear verdict, creates nothing, loses nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.bad_targets import (
    STEPS,
    Deployment,
    an_older_sqlite,
    as_ordinary,
    everything_in,
    namespaces,
    on_disk,
    why_not_ordinary,
)
from support.databases import ask, is_whole, leave_wal, names, orion, state_of
from support.kinds import Programs, programs

from orion_deploy.kinds.leases import are_local

NOT_THERE = "there is no database"
NO_BACKUP = "this run took no backup"


@dataclass(frozen=True)
class Bad:
    """A target: how it is made, and the words of each step's failed verdict (`*`: of every other step)."""

    make: Callable[[Path], object]
    words: Mapping[str, str]
    passes: frozenset[str] = field(default_factory=frozenset)
    """Steps that this target is good enough for."""
    steps: tuple[str, ...] = ("ready", "rehearse", "backup", "migrate", "restore")
    """What is pointed at it."""


def wrong_path(folder: Path) -> None:
    """A typing mistake in the path: the database stands beside it."""
    orion(folder / "orino.db")


def corrupt(folder: Path) -> None:
    """Pages that are no pages, behind a header that is one."""
    path = orion(folder / "orion.db", 2000, mode="delete")
    with path.open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\xff" * (path.stat().st_size - 4 * 4096))


def hard_link(folder: Path) -> None:
    """A second name: SQLite would look for the -wal under the first one."""
    os.link(orion(folder / "other.db", mode="delete"), folder / "orion.db")


def no_permission(folder: Path) -> None:
    """Somebody took every right away."""
    orion(folder / "orion.db", mode="delete").chmod(0)


def may_only_read(folder: Path) -> None:
    """It can be read, not written."""
    orion(folder / "orion.db", mode="delete").chmod(0o400)


UNREADABLE = {"*": "cannot be read: Permission denied", "restore": NO_BACKUP}
BAD = {
    "wrong path": Bad(wrong_path, {"*": NOT_THERE, "restore": NO_BACKUP}),
    "wrong folder": Bad(lambda folder: folder.rmdir(), {"*": NOT_THERE, "restore": NO_BACKUP}),
    "a folder": Bad(
        lambda folder: (folder / "orion.db").mkdir(), {"*": "is not a regular file", "restore": NO_BACKUP}
    ),
    "not a database": Bad(
        lambda folder: (folder / "orion.db").write_text("CREATE TABLE conversations" * 100),
        {"*": "is not a SQLite database", "state": "its header is not that", "restore": NO_BACKUP},
    ),
    "empty": Bad(
        lambda folder: (folder / "orion.db").touch(), {"*": "is empty", "restore": NO_BACKUP}
    ),
    "a link to nothing": Bad(
        lambda folder: (folder / "orion.db").symlink_to("nowhere.db"),
        {"*": NOT_THERE, "restore": NO_BACKUP},
    ),
    "corrupt": Bad(
        corrupt,
        {
            "ready": "the database is damaged",
            "state": "corrupt",
            "rehearse": "damaged",
            "backup": "itself is damaged",
            "migrate": "not rehearsed",
            "restore": NO_BACKUP,
        },
        passes=frozenset({"down"}),
        steps=STEPS,
    ),
    "hard link": Bad(
        hard_link,
        {"*": "2 hard links", "restore": NO_BACKUP},
        passes=frozenset({"state", "rehearse"}),
        steps=STEPS,
    ),
    "no permission": Bad(no_permission, UNREADABLE),
    "read only": Bad(
        may_only_read,
        {"*": "you may not write to", "restore": NO_BACKUP},
        passes=frozenset({"rehearse"}),
    ),
}  # fmt: skip
OF_RIGHTS = ("no permission", "read only")


@pytest.mark.hazard("the same with a wrong path", half="ours")
@pytest.mark.parametrize("name", BAD)
def test_each_step_has_one_clear_verdict_and_leaves_everything(tmp_path: Path, name: str) -> None:
    """Every step of the way there and back, pointed at it: failed with the words, nothing created, nothing changed, nothing moved."""
    bad = BAD[name]
    if name in OF_RIGHTS and (why := why_not_ordinary()):
        pytest.skip(why)
    data = tmp_path / "data"
    data.mkdir()
    bad.make(data)
    deployment = Deployment(tmp_path, before=as_ordinary() if name in OF_RIGHTS else ())
    before = everything_in(data)
    seen = {step: deployment.run(step) for step in bad.steps}
    assert everything_in(data) == before
    assert not list((tmp_path / "backups").glob("*.db*"))
    for step, verdict in seen.items():
        if step in bad.passes:
            assert verdict["outcome"] in ("passed", "not applicable"), (step, verdict)
        else:
            assert verdict["outcome"] == "failed", (step, verdict)
            assert bad.words.get(step, bad.words.get("*", "?")) in verdict["reason"], (step, verdict)


def test_a_symbolic_link_leads_to_the_database(tmp_path: Path) -> None:
    """There and back through a link: it is still one at the end, the database is migrated, backed up by its real path, and taken back."""
    real = orion(tmp_path / "elsewhere" / "real.db")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "orion.db").symlink_to(real)
    deployment = Deployment(tmp_path)
    for step in ("ready", "rehearse", "backup", "migrate"):
        assert deployment.run(step)["outcome"] == "passed", step
    assert state_of(real) == "after"
    for step in ("down", "restore"):
        assert deployment.run(step)["outcome"] == "passed", step
    assert state_of(real) == "before"
    assert is_whole(real)
    assert os.readlink(tmp_path / "data" / "orion.db") == str(real)
    assert ask(real, "SELECT count(*) FROM messages") == 200
    assert not [p for p in (tmp_path / "data").iterdir() if p.name != "orion.db"]


def test_a_huge_wal_is_taken_along(tmp_path: Path) -> None:
    """More in the -wal than in the file: told by `ready`, in the backup, migrated, and there after the restore."""
    path = orion(tmp_path / "data" / "orion.db", 50)
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
    leave_wal(
        path, f"INSERT INTO messages (conversation_id, body) {many} SELECT 1, hex(zeroblob(4000)) FROM n"
    )
    wal = path.with_name("orion.db-wal")
    assert wal.stat().st_size > 20_000_000 > 50 * path.stat().st_size
    deployment = Deployment(tmp_path)
    for step in ("ready", "rehearse", "backup", "migrate"):
        assert deployment.run(step)["outcome"] == "passed", step
    (backup,) = (tmp_path / "backups").glob("*.db")
    for found in (path, backup):
        assert ask(found, "SELECT count(*) FROM messages") == 3050
        assert is_whole(found)
    assert (state_of(path), state_of(backup)) == ("after", "before")
    assert deployment.run("restore")["outcome"] == "passed"
    assert state_of(path) == "before"
    assert ask(path, "SELECT count(*) FROM messages") == 3050


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Programs]:
    """Programs, ended with the test."""
    with programs(tmp_path / "bin") as value:
        yield value


HOLD = (
    "import os,sqlite3,sys\nc=sqlite3.connect(sys.argv[1])\nc.execute('select * from messages').fetchall()\n"
    "if len(sys.argv) > 2: os.setuid(int(sys.argv[2]))\nprint('up', flush=True)\nsys.stdin.read()"
)
GUARDED = ("closed", "backup", "migrate", "down")


def guarded(deployment: Deployment, path: Path, words: str) -> None:
    """Each step that must have the database for itself fails with the words; nothing of it is touched."""
    before = everything_in(path.parent)
    for step in GUARDED:
        verdict = deployment.run(step)
        assert verdict["outcome"] == "failed", (step, verdict)
        assert words in verdict["reason"], (step, verdict)
    assert everything_in(path.parent) == before
    assert not list((deployment.folder / "backups").glob("*.db*"))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be another user")
def test_another_users_process_holds_it(tmp_path: Path, started: Programs) -> None:
    """Whose descriptors cannot be looked into: its lock gives it away, by pid, and nothing is touched."""
    if why := why_not_ordinary():
        pytest.skip(why)
    path = orion(tmp_path / "data" / "orion.db")
    holder = started.start_ready(started.script("idle", HOLD), path, "65534")
    guarded(Deployment(tmp_path, before=as_ordinary()), path, f"pid {holder.pid}")


def test_a_process_outside_the_container_holds_it(tmp_path: Path, started: Programs) -> None:
    """In a pid namespace of its own the holder is not listed: its lock is seen, and named as what it is."""
    inside = namespaces("--pid", "--fork", "--mount-proc", "--kill-child")
    if not inside:
        pytest.skip("no pid namespace can be had here")
    path = orion(tmp_path / "data" / "orion.db")
    started.start_ready(started.script("idle", HOLD), path)
    guarded(Deployment(tmp_path, before=inside), path, "another machine or container")


def test_in_a_container_nobody_is_said_by_the_kernel_alone(tmp_path: Path) -> None:
    """A container sees only its own processes: "closed" is what the kernel proves, and undecided where it cannot be asked."""
    inside = namespaces("--pid", "--fork", "--mount-proc", "--kill-child")
    if not inside:
        pytest.skip("no pid namespace can be had here")
    path = orion(tmp_path / "data" / "orion.db", mode="delete")
    deployment = Deployment(tmp_path, before=inside)
    verdict = deployment.run("closed")
    if are_local({path.stat().st_dev}):
        assert verdict["outcome"] == "passed", verdict
        assert "the kernel says so" in verdict["reason"]
    (tmp_path / "again").mkdir()
    with path.open("rb"):  # no lock gives this one away, and no list of processes either
        verdict = Deployment(tmp_path / "again", before=inside).run("closed", database=path)
    assert verdict["outcome"] == ("failed" if are_local({path.stat().st_dev}) else "undecided"), verdict


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give a file away")
def test_in_a_container_somebody_elses_file_is_undecided(tmp_path: Path) -> None:
    """Of a file that is not ours the kernel says nothing: what the container hides is told, and the locks may be trusted."""
    inside = namespaces("--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child")
    if not inside:
        pytest.skip("no pid namespace can be had here")
    path = orion(tmp_path / "data" / "orion.db", mode="delete")
    os.chown(path, 65534, 65534)
    path.chmod(0o666)
    verdict = Deployment(tmp_path, before=inside).run("closed")
    assert verdict["outcome"] == "undecided", verdict
    assert "this is a container" in verdict["reason"]


def test_a_sqlite_that_is_too_old(tmp_path: Path) -> None:
    """A library without DROP COLUMN: found before anything is done, with both versions."""
    path = orion(tmp_path / "data" / "orion.db")
    before = everything_in(path.parent)
    deployment = Deployment(tmp_path, env=an_older_sqlite(tmp_path, "3.34.1"))
    verdict = deployment.run("ready")
    assert verdict["outcome"] == "failed"
    assert "this SQLite is 3.34.1, DROP COLUMN needs 3.35.0" in verdict["reason"]
    assert everything_in(path.parent) == before


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
