"""Where state lives: beside the checklist where that can be, always found again, and never silently begun anew."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.others import give_away

from orion_deploy.errors import RefusedError, StoreError
from orion_deploy.run import events as ev
from orion_deploy.run import places, reading
from orion_deploy.run.edge import Edge
from orion_deploy.run.places import Places, new_run_name
from orion_deploy.run.store import Store


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A checklist in a folder of its own."""
    path = tmp_path / "books" / "0001.md"
    path.parent.mkdir()
    path.write_text("- [ ] a")
    return path


def carried_out(
    where: Places, name: str, *, at: float = 1000.0, finished: bool = False, snapshot: bool = True
) -> Path:
    """A run with a tick in it."""
    directory = where.run_directory(name)
    store = Store.open(directory, sidecar=where.sidecar, edge=Edge(), wait_s=0.0)
    store.append(
        ev.Opened(checklist="0001.md", digest="d", cwd="/", steps={"a": "1", "b": "1"}, at=at, by="ann")
    )
    store.append(ev.Ticked(step="a", at=at + 1, by="bob"))
    if finished:
        store.append(ev.RunFinished(result="completed", at=at + 2, by="ann"))
    if snapshot:
        store.snapshot(force=True)
    store.close()
    return directory


def unwritable(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Take the right to write into a folder away; root's too."""
    real = os.access

    def access(path: Any, mode: int, **more: Any) -> bool:
        return False if Path(path) == folder and mode & os.W_OK else real(path, mode, **more)

    monkeypatch.setattr(os, "access", access)
    monkeypatch.setattr(os, "supports_effective_ids", {access})


def test_state_lives_beside_the_file_under_its_whole_name(book: Path) -> None:
    """The YAML twin of a checklist has a state of its own."""
    where = Places.of(book)
    assert where.sidecar == book.with_name("0001.md.state.json")
    assert where.runs == book.with_name("0001.md.runs")
    assert where.why_not_beside == ""
    assert Places.of(book.with_name("0001.yaml")).runs != where.runs
    assert sorted(p.name for p in book.parent.iterdir()) == ["0001.md"]


def test_two_names_of_one_file_have_one_state(book: Path) -> None:
    """A symbolic link counts as what it means, a relative path as the absolute one."""
    (book.parent / "latest.md").symlink_to("0001.md")
    assert Places.of(book.parent / "latest.md") == Places.of(book)
    assert Places.of(Path(os.path.relpath(book))) == Places.of(book)


def test_a_folder_that_is_not_writable_has_its_state_in_the_users_own(
    book: Path, monkeypatch: pytest.MonkeyPatch, own_home: Path
) -> None:
    """XDG_STATE_HOME, by name and by a hash of the real path: another folder's twin has another state."""
    unwritable(monkeypatch, book.parent)
    where = Places.of(book)
    base = own_home / ".local/state/orion-deploy"
    assert where.runs.parent.parent == base
    assert where.runs.parent.name.startswith("0001-md-")
    assert (where.runs.name, where.sidecar.name) == ("0001.md.runs", "0001.md.state.json")
    assert "not writable" in where.why_not_beside
    other = book.parent.parent / "other"
    other.mkdir()
    unwritable(monkeypatch, other)
    assert Places.of(other / "0001.md").runs != where.runs
    assert carried_out(where, "one").is_dir()
    assert Places.of(book).unfinished() == "one"
    assert list(book.parent.iterdir()) == [book]


def test_a_relative_state_folder_is_ignored(monkeypatch: pytest.MonkeyPatch, own_home: Path) -> None:
    """As the XDG Base Directory Specification asks for."""
    monkeypatch.setenv("XDG_STATE_HOME", "somewhere")
    assert places.state_home() == own_home / ".local/state/orion-deploy"
    monkeypatch.setenv("XDG_STATE_HOME", "/elsewhere")
    assert places.state_home() == Path("/elsewhere/orion-deploy")


def test_a_folder_that_anyone_may_write_to_is_no_place_for_state(book: Path) -> None:
    """Anybody could put a run there; a sticky folder is another matter."""
    os.chmod(book.parent, 0o777)
    assert "anyone" in Places.of(book).why_not_beside
    os.chmod(book.parent, 0o1777)
    assert Places.of(book).why_not_beside == ""


@pytest.mark.parametrize("begun_beside", [True, False])
def test_a_run_is_found_again_when_the_folders_rights_change(
    book: Path, monkeypatch: pytest.MonkeyPatch, *, begun_beside: bool
) -> None:
    """A run begun in one place is gone on with there: it is never begun again in the other."""
    with monkeypatch.context() as patch:
        if not begun_beside:
            unwritable(patch, book.parent)
        directory = carried_out(Places.of(book), "one")
    with monkeypatch.context() as patch:
        if begun_beside:
            unwritable(patch, book.parent)
        where = Places.of(book)
        assert where.unfinished() == "one"
        assert where.run_directory("one") == directory
        assert where.run_directory("two").parent == where.runs != directory.parent
        assert Store.look(where.run_directory("one")).events_count == 2


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/b", "/x", ".hidden", "-rf", "a b", "a\nb", "a\0b", "ü", "x" * 65, "a\x1b[31m"],
)
def test_a_runs_name_is_no_path(book: Path, name: str) -> None:
    """Separators, dots at the start, controls and long names are refused with what is possible."""
    with pytest.raises(RefusedError) as caught:
        Places.of(book).run_directory(name)
    assert "letters, digits" in caught.value.help


@pytest.mark.parametrize("name", ["a", "2026-01-29-2230", "Release_1.2.3", "x" * 64])
def test_a_runs_name_is_readable(book: Path, name: str) -> None:
    """What people call a run."""
    assert Places.of(book).run_directory(name) == book.with_name("0001.md.runs") / name


def test_new_runs_are_named_by_the_local_time(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And by a number where two are begun in one minute."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    assert new_run_name(1769722200.0) == "2026-01-29-2230"
    where = Places.of(book)
    assert where.free_run_name(1769722200.0) == "2026-01-29-2230"
    for expected in ("2026-01-29-2230-2", "2026-01-29-2230-3"):
        carried_out(where, where.free_run_name(1769722200.0))
        assert where.free_run_name(1769722200.0) == expected
    monkeypatch.undo()
    time.tzset()


def test_runs_are_listed_latest_first(book: Path) -> None:
    """With when, who, how many, and how they ended."""
    where = Places.of(book)
    assert (where.list_runs(), where.unfinished()) == ([], None)
    carried_out(where, "old", at=1000.0, finished=True)
    carried_out(where, "older", at=500.0)
    carried_out(where, "new", at=2000.0, finished=True)
    runs = where.list_runs()
    assert [run.name for run in runs] == ["new", "old", "older"]
    assert (runs[1].started, runs[1].last, runs[1].finished) == (1000.0, 1002.0, 1002.0)
    assert (runs[1].result, runs[1].operators, runs[1].damage) == ("completed", ("bob", "ann"), "")
    assert (runs[2].finished, runs[2].operators, runs[2].counts["done"]) == (None, ("ann", "bob"), 1)
    assert runs[2].counts["total"] == 2
    assert where.unfinished() == "older"


def test_a_current_snapshot_spares_reading_the_journal(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of long runs is cheap; a snapshot that is behind is not believed."""
    where = Places.of(book)
    carried_out(where, "one")
    stale = carried_out(where, "two")
    store = Store.open(stale, edge=Edge())
    store.append(ev.RunFinished(result="completed", at=3000.0))
    store.close()
    looked: list[str] = []
    real = reading.Reader.look

    def look(directory: Path) -> reading.Reader:
        looked.append(directory.name)
        return real(directory)

    monkeypatch.setattr(reading.Reader, "look", look)
    assert where.unfinished() == "one"
    assert looked == ["two"]
    monkeypatch.undo()
    assert {run.name: run.finished for run in where.list_runs()} == {"one": None, "two": 3000.0}


def test_nothing_that_is_not_a_run_is_listed(book: Path) -> None:
    """Files, foreign folders, links, and a run in which nothing has happened."""
    where = Places.of(book)
    directory = carried_out(where, "one")
    (where.runs / "file").write_text("x")
    (where.runs / "folder").mkdir()
    (where.runs / ".hidden").mkdir()
    (where.runs / "link").symlink_to(directory)
    Store.open(where.run_directory("empty"), edge=Edge()).close()
    assert [run.name for run in where.list_runs()] == ["one"]


@pytest.mark.parametrize("snapshot", [True, False])
def test_a_damaged_run_is_listed_as_such_and_never_passed_over(book: Path, *, snapshot: bool) -> None:
    """To take it for finished, or for nothing, would begin its deployment again."""
    where = Places.of(book)
    carried_out(where, "fine", at=10.0, finished=True)
    directory = carried_out(where, "bad", snapshot=snapshot)
    path = directory / "journal.jsonl"
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.write_bytes(data + b"x")
    runs = {run.name: run for run in where.list_runs()}
    assert "damaged at line 1" in runs["bad"].damage
    assert (runs["fine"].damage, where.unfinished()) == ("", "bad")
    path.unlink()
    if snapshot:
        assert where.unfinished() == "bad"


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.ESTALE])
@pytest.mark.parametrize(
    ("name", "ask"),
    [
        ("scandir", lambda book: Places.of(book).unfinished()),
        ("lstat", lambda book: Places.of(book).run_directory("one")),
        ("lstat", lambda book: Places.of(book).free_run_name(0.0)),
    ],
)
def test_what_cannot_be_told_is_an_error(
    book: Path, monkeypatch: pytest.MonkeyPatch, number: int, name: str, ask: Callable[[Path], object]
) -> None:
    """No answer is no `no`: runs that cannot be listed are not none."""
    carried_out(Places.of(book), "one")
    real: Callable[..., Any] = getattr(os, name)

    def broken(path: Any, *given: Any, **more: Any) -> Any:
        if str(path).startswith(str(book.with_name("0001.md.runs"))):
            raise OSError(number, os.strerror(number))
        return real(path, *given, **more)

    monkeypatch.setattr(os, name, broken)
    with pytest.raises(StoreError, match="cannot be told"):
        ask(book)


def test_a_state_folder_that_cannot_be_is_no_hindrance_beside(
    book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below a file there is certainly nothing."""
    monkeypatch.setenv("XDG_STATE_HOME", str(book / "below"))
    assert Places.of(book).list_runs() == []


def test_another_users_runs_are_named(book: Path) -> None:
    """The second operator under another name is told whose runs they are."""
    where = Places.of(book)
    carried_out(where, "one")
    give_away(where.runs)
    with pytest.raises(StoreError, match="belongs to"):
        Store.open(where.run_directory("one"), edge=Edge())
