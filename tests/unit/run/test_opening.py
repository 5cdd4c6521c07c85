"""Opening a run where something about its state, or its file, is not as it should be."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.sessions import book, opened

from orion_deploy.errors import ChecklistError, HeldError, NotRecordedError, StoreError
from orion_deploy.run import lock
from orion_deploy.run.edge import Edge
from orion_deploy.run.opening import open_session
from orion_deploy.run.places import Places
from orion_deploy.run.session import Session

TEXT = "# R\n\n## S\n\n- [ ] Think\n- [ ] Act\n"


def test_a_state_file_of_a_newer_program_is_refused_and_kept(tmp_path: Path) -> None:
    """What a newer version wrote is neither misread nor overwritten: one error says so, and the bytes stay."""
    path = book(tmp_path, TEXT)
    with opened(path) as run:
        run.session.tick("1")
    sidecar = tmp_path / "book.md.state.json"
    sidecar.write_text(sidecar.read_text().replace('"schema": 1', '"schema": 99'))
    before = sidecar.read_bytes()
    with pytest.raises(StoreError, match="newer") as refused:
        open_session(path)
    assert "schema 99" in refused.value.what
    assert "orion-deploy" in refused.value.help
    assert sidecar.read_bytes() == before


def test_a_run_whose_folder_is_gone_is_not_begun_again(tmp_path: Path) -> None:
    """The state file knows of a run, its folder is not there: a new run would carry the deployment out twice."""
    path = book(tmp_path, TEXT)
    with opened(path) as run:
        run.session.tick("1")
        name = run.session.run
    shutil.rmtree(tmp_path / "book.md.runs")
    with pytest.raises(StoreError, match=name) as refused:
        open_session(path)
    assert "book.md.state.json" in refused.value.help
    (tmp_path / "book.md.state.json").unlink()
    with opened(path) as again:
        assert not again.session.resume.is_resumed


def test_a_finished_run_whose_folder_is_gone_holds_nothing_up(tmp_path: Path) -> None:
    """What was finished is over: the next deployment begins."""
    path = book(tmp_path, TEXT)
    with opened(path) as run:
        run.session.finish()
    shutil.rmtree(tmp_path / "book.md.runs")
    with opened(path) as again:
        assert not again.session.resume.is_resumed


def test_a_damaged_state_file_is_made_anew_from_the_journal(tmp_path: Path) -> None:
    """The sidecar is only a snapshot: the journal is the truth, and the next session writes it anew."""
    path = book(tmp_path, TEXT)
    with opened(path) as run:
        run.session.tick("1")
        name = run.session.run
    sidecar = tmp_path / "book.md.state.json"
    sidecar.write_bytes(b"{ not json")
    with opened(path) as again:
        assert again.session.run == name
    assert json.loads(sidecar.read_text())["run"] == name


def test_an_unknown_kind_is_an_error_of_the_file_not_of_the_night(tmp_path: Path) -> None:
    """A mistyped kind is refused when the checklist is opened, with its line and the nearest name."""
    path = book(
        tmp_path, TEXT + "- [ ] Check\n\n  ```yaml step\n  check: {sqlite.readyy: {path: a.db}}\n  ```\n"
    )
    with pytest.raises(ChecklistError, match=r"sqlite\.readyy") as refused:
        open_session(path)
    assert refused.value.where is not None
    assert refused.value.where.line == 10
    assert "`sqlite.ready`" in refused.value.help
    assert not (tmp_path / "book.md.runs").exists()


def test_an_action_is_no_check(tmp_path: Path) -> None:
    """A check may be repeated at will: what changes something cannot be written as one."""
    block = "\n  ```yaml step\n  check: {process.stop: {program: shop}}\n  ```\n"
    with pytest.raises(ChecklistError, match="changes something"):
        open_session(book(tmp_path, f"{TEXT}- [ ] Stop\n{block}"))


def ann(**more: Any) -> Edge:
    """The first operator's edge."""
    return Edge(who=lambda: "ann@db1", **more)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever finds a run being begun is told at once."""
    monkeypatch.setattr(lock, "take_beginning", partial(lock.take_beginning, wait_s=0.0))


@pytest.mark.parametrize("leaves", [False, True])
def test_who_comes_while_another_begins_a_run_begins_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, leaves: bool
) -> None:
    """They wait until that run is on the disk, then are told who holds it, or go on with it where its operator has left."""
    path = book(tmp_path, TEXT)
    real_begin, real_take = Session.begin, lock.take_beginning
    comes = threading.Event()
    outcome: list[Session | HeldError] = []

    def take(*given: Any, **more: Any) -> lock.Lock:
        if threading.current_thread() is second:
            comes.set()
        return real_take(*given, **more)

    def begin(self: Session, torn_bytes: int) -> None:
        if threading.current_thread() is not second:
            second.start()
            assert comes.wait(20)
            assert Places.of(path).list_runs() == []
        real_begin(self, torn_bytes)
        if leaves and threading.current_thread() is not second:
            self.close()

    def come() -> None:
        try:
            outcome.append(open_session(path, edge=Edge(who=lambda: "bob@db1")))
        except HeldError as error:
            outcome.append(error)

    second = threading.Thread(target=come)
    monkeypatch.setattr(lock, "take_beginning", take)
    monkeypatch.setattr(Session, "begin", begin)
    first = open_session(path, edge=ann())
    second.join()
    (came,) = outcome
    if leaves:
        assert isinstance(came, Session)
        assert came.run == first.run
        assert came.resume.is_resumed
        came.close()
    else:
        assert isinstance(came, HeldError)
        assert "ann@db1 holds this run since" in came.what
        first.close()
    assert [info.name for info in Places.of(path).list_runs()] == [first.run]


@pytest.mark.usefixtures("impatient")
def test_a_beginning_that_takes_long_is_told(tmp_path: Path) -> None:
    """Who begins a run, and since when; there is nothing to look on at yet. A run of a name of its own is not concerned."""
    path = book(tmp_path, TEXT)
    beginning = lock.take_beginning(Places.of(path).runs, "ann@db1", ann())
    for look_on in (False, True):
        with pytest.raises(HeldError, match=r"ann@db1 is beginning a run of this checklist, since 20"):
            open_session(path, look_on=look_on)
    assert Places.of(path).list_runs() == []
    open_session(path, run="second").close()
    beginning.release()
    with opened(path) as run:
        assert run.session.run == "second"


@pytest.mark.parametrize("instant", ["Session.begin", "Store._recover", "Store.append"])
def test_who_is_killed_while_beginning_is_in_nobodys_way(tmp_path: Path, instant: str) -> None:
    """Before its first record there is no run: the next operator begins one, at once."""
    path = book(tmp_path, TEXT)
    program = (
        "import os, signal, sys; from pathlib import Path; from orion_deploy.run import opening;"
        f" opening.{instant} = lambda *_: os.kill(os.getpid(), signal.SIGKILL);"
        " opening.open_session(Path(sys.argv[1]))"
    )
    done = subprocess.run([sys.executable, "-c", program, path], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "book.md.runs" / ".lock").exists()
    beginning = lock.take_beginning(Places.of(path).runs, "ann@db1", ann(), wait_s=0.0)
    beginning.release()
    with opened(path) as run:
        assert not run.session.resume.is_resumed
        assert [info.name for info in Places.of(path).list_runs()] == [run.session.run]


def test_the_lock_of_a_beginning_is_private_and_stays(tmp_path: Path) -> None:
    """Mode 0600 whatever the umask, and never removed; a run that is gone on with, or is named, does without."""
    path = book(tmp_path, TEXT)
    before = os.umask(0)
    try:
        with opened(path):
            pass
    finally:
        os.umask(before)
    file = tmp_path / "book.md.runs" / ".lock"
    assert file.stat().st_mode & 0o7777 == 0o600
    with file.open() as free:
        fcntl.flock(free, fcntl.LOCK_EX | fcntl.LOCK_NB)
    file.unlink()
    with opened(path):
        pass
    with opened(path, run="other"):
        pass
    assert not file.exists()


def test_a_beginning_in_the_users_own_folder_is_locked_there(tmp_path: Path) -> None:
    """Where the checklist's folder takes no state, the lock lies beside the runs all the same."""
    path = book(tmp_path, TEXT)
    tmp_path.chmod(0o777)
    with opened(path):
        runs = Places.of(path).runs
    assert runs.parent != tmp_path
    assert (runs / ".lock").is_file()
    assert sorted(entry.name for entry in tmp_path.glob("book.md*")) == ["book.md"]


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EIO])
def test_where_a_beginning_cannot_be_locked_nothing_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """As with the run's own lock: two could begin, and nobody could tell."""
    path = book(tmp_path, TEXT)

    def broken(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", broken)
        with pytest.raises(NotRecordedError, match="cannot be locked"):
            open_session(path)
    assert [entry.name for entry in (tmp_path / "book.md.runs").iterdir()] == [".lock"]


def test_a_planted_lock_of_a_beginning_is_refused(tmp_path: Path) -> None:
    """No run is begun under a lock on another file."""
    path = book(tmp_path, TEXT)
    runs = tmp_path / "book.md.runs"
    runs.mkdir(mode=0o700)
    (runs / ".lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="symbolic link"):
        open_session(path)
    assert not (tmp_path / "elsewhere").exists()
    assert Places.of(path).list_runs() == []
