"""Bad targets, from the command line: each step that touches a database gives one clear verdict, creates nothing, loses nothing."""

from __future__ import annotations

import os
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
    why_not_ordinary,
)
from support.databases import ask, is_whole, leave_wal, orion, state_of
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
