"""Durable, private files: modes whatever the umask, nothing through links, and only ENOENT means nothing."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.others import give_away

from orion_deploy.errors import StoreError
from orion_deploy.run import files


def mode(path: Path) -> int:
    """Permission bits."""
    return stat.S_IMODE(os.lstat(path).st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o777], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """Whatever the operator's umask is."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_modes_do_not_depend_on_the_umask(tmp_path: Path, umask: int) -> None:
    """Folders 0700 and files 0600, under every umask."""
    folder = tmp_path / "x" / "y" / "z"
    files.make_folder(folder)
    files.create_private(folder / "created", b"1")
    files.write_private(folder / "written", b"2")
    os.close(files.open_private(folder / "opened", os.O_RDWR | os.O_CREAT))
    assert [mode(tmp_path / "x"), mode(tmp_path / "x/y"), mode(folder)] == [0o700] * 3
    assert {mode(path) for path in folder.iterdir()} == {0o600}
    assert len(list(folder.iterdir())) == 3


def test_what_was_open_to_others_is_closed_to_them(tmp_path: Path) -> None:
    """A copy that was made under another umask is ours alone again once it is used."""
    folder = tmp_path / "run"
    folder.mkdir(mode=0o755)
    (folder / "f").write_bytes(b"x")
    os.chmod(folder / "f", 0o644)
    files.make_folder(folder)
    os.close(files.open_private(folder / "f", os.O_RDWR))
    assert (mode(folder), mode(folder / "f")) == (0o700, 0o600)


def test_reading_changes_nothing(tmp_path: Path) -> None:
    """To look on writes nothing, not even a mode."""
    path = tmp_path / "f"
    path.write_bytes(b"x")
    os.chmod(path, 0o644)
    assert files.read_private(path) == b"x"
    assert mode(path) == 0o644


def plant(kind: str, path: Path) -> None:
    """Put something at `path` that is not a file of ours alone."""
    match kind:
        case "symbolic link":
            (path.parent / "victim").write_text("precious")
            path.symlink_to(path.parent / "victim")
        case "hard link":
            (path.parent / "victim").write_text("precious")
            os.link(path.parent / "victim", path)
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "other's":
            path.write_text("theirs")
            give_away(path)


KINDS = ["symbolic link", "hard link", "fifo", "folder", "other's"]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_written_through_what_was_planted(tmp_path: Path, kind: str) -> None:
    """A link, a FIFO, a folder or another user's file is refused, and nothing waits for a FIFO."""
    plant(kind, tmp_path / "f")
    with pytest.raises(StoreError) as caught:
        files.open_private(tmp_path / "f", os.O_RDWR | os.O_CREAT)
    assert str(tmp_path / "f") in caught.value.render()
    if (tmp_path / "victim").exists():
        assert (tmp_path / "victim").read_text() == "precious"


@pytest.mark.parametrize("kind", ["symbolic link", "hard link", "other's"])
def test_replacing_a_planted_file_harms_nobody(tmp_path: Path, kind: str) -> None:
    """A rename takes the name, and leaves alone what it stood for."""
    plant(kind, tmp_path / "f")
    files.write_private(tmp_path / "f", b"ours")
    assert (tmp_path / "f").read_bytes() == b"ours"
    assert not (tmp_path / "f").is_symlink()
    assert mode(tmp_path / "f") == 0o600
    if (tmp_path / "victim").exists():
        assert (tmp_path / "victim").read_text() == "precious"


@pytest.mark.parametrize("kind", ["symbolic link", "file", "other's", "anyone's"])
def test_state_is_not_kept_in_a_folder_that_is_not_ours_alone(tmp_path: Path, kind: str) -> None:
    """A link to a folder, a file, another user's or everybody's folder is refused."""
    folder = tmp_path / "run"
    if kind == "symbolic link":
        (tmp_path / "real").mkdir()
        folder.symlink_to(tmp_path / "real")
    elif kind == "file":
        folder.write_text("x")
    else:
        folder.mkdir()
        if kind == "anyone's":
            os.chmod(folder, 0o777)
        else:
            give_away(folder)
    with pytest.raises(StoreError):
        files.make_folder(folder)


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.ELOOP, errno.ENOTDIR])
def test_only_enoent_means_that_there_is_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Any other error is an error: `None` would begin a deployment again."""
    assert files.read_private(tmp_path / "f") is None

    def broken(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", broken)
    with pytest.raises((OSError, StoreError)):
        files.read_private(tmp_path / "f")


def test_there_is_a_limit_to_what_is_read(tmp_path: Path) -> None:
    """A file that cannot be ours is not taken into memory."""
    (tmp_path / "f").write_bytes(b"x" * 100)
    assert files.read_private(tmp_path / "f", bytes_max=100) == b"x" * 100
    with pytest.raises(StoreError, match="longer than 99 bytes"):
        files.read_private(tmp_path / "f", bytes_max=99)


def failing(name: str, at: int, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the `at`-th call of an `os` function fail."""
    real: Callable[..., object] = getattr(os, name)
    calls = iter(range(1, 1000))

    def call(*given: object, **more: object) -> object:
        if next(calls) == at:
            raise OSError(number, os.strerror(number))
        return real(*given, **more)

    monkeypatch.setattr(os, name, call)


@pytest.mark.parametrize(
    ("name", "at"), [("open", 1), ("write", 1), ("fsync", 1), ("replace", 1), ("open", 2), ("fsync", 2)]
)
def test_a_replacement_that_fails_leaves_the_old_file_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, at: int
) -> None:
    """Whichever call fails: no mixture, and nothing left lying about."""
    path = tmp_path / "f"
    path.write_bytes(b"old")
    with monkeypatch.context() as patch:
        failing(name, at, errno.ENOSPC, patch)
        with pytest.raises(OSError, match="No space"):
            files.write_private(path, b"new" * 1000)
    assert path.read_bytes() in (b"old", b"new" * 1000)
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_what_a_crash_left_behind_is_cleared_away_by_the_next_one(tmp_path: Path) -> None:
    """With a tag at most one temporary file can ever lie about."""
    litter = tmp_path / files.TEMPORARY.format(tag="run")
    litter.write_bytes(b"half")
    files.write_private(tmp_path / "f", b"new", tag="run")
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_a_short_write_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may take less than it was given."""
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, bytes(data)[:7]))
    files.create_private(tmp_path / "f", b"0123456789" * 10)
    monkeypatch.undo()
    assert (tmp_path / "f").read_bytes() == b"0123456789" * 10


def test_a_created_file_is_new(tmp_path: Path) -> None:
    """What stands there already is not touched."""
    (tmp_path / "f").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        files.create_private(tmp_path / "f", b"new")
    assert (tmp_path / "f").read_bytes() == b"old"
