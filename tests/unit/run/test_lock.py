"""One operator at a time, the kernel's word for it, and the second one is told who."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from pathlib import Path

import pytest

from orion_deploy.errors import HeldError, NotRecordedError, StoreError
from orion_deploy.run import lock
from orion_deploy.run.edge import Edge
from orion_deploy.run.lock import Holder, read_holder, take

EDGE = Edge(now=lambda: 1769722200.0, boot_id=lambda: "b00t")


def held(folder: Path, who: str = "ann@db1") -> lock.Lock:
    """The lock of the folder, taken without patience."""
    return take(folder, who, EDGE, wait_s=0.0)


def test_the_holder_is_known_while_it_holds(tmp_path: Path) -> None:
    """Who, where, which process, since when; nobody before and after, whatever stands in the file."""
    assert read_holder(tmp_path) is None
    mine = held(tmp_path)
    holder = read_holder(tmp_path)
    assert holder == Holder("ann@db1", os.uname().nodename, os.getpid(), 1769722200.0, "b00t")
    mine.release()
    mine.release()
    assert (tmp_path / "lock").exists()
    assert read_holder(tmp_path) is None


def test_a_second_one_is_told_who_and_since_when(tmp_path: Path) -> None:
    """Even where both are the same person in the same process."""
    mine = held(tmp_path)
    with pytest.raises(HeldError) as caught:
        take(tmp_path, "bob@db1", Edge(now=lambda: 1769722200.0 + 12 * 60), wait_s=0.0)
    assert "ann@db1 holds this run since 2026-01-" in caught.value.what
    assert "(12 min)" in caught.value.what
    assert f"process {os.getpid()} on {os.uname().nodename}" in caught.value.what
    mine.release()
    held(tmp_path, "bob@db1").release()


def test_a_shorter_name_leaves_nothing_of_a_longer_one(tmp_path: Path) -> None:
    """What the file says is always one holder's whole line."""
    held(tmp_path, "a" * 3000).release()
    mine = held(tmp_path, "b")
    holder = read_holder(tmp_path)
    assert holder is not None
    assert holder.who == "b"
    mine.release()


@pytest.mark.parametrize("content", [b"", b"nonsense", b"{}", b"[1]\n", b'{"who": 1}\n'])
def test_a_lock_is_held_whatever_its_file_says(tmp_path: Path, content: bytes) -> None:
    """The content is information only: without it, somebody still holds the run."""
    mine = held(tmp_path)
    (tmp_path / "lock").write_bytes(content)
    assert read_holder(tmp_path) == Holder("another operator")
    with pytest.raises(HeldError, match="another operator holds this run"):
        held(tmp_path)
    mine.release()


def test_a_lock_that_is_let_go_in_time_is_taken(tmp_path: Path) -> None:
    """A killed holder's copy of the lock may live for a moment longer."""
    mine = held(tmp_path)
    timer = threading.Timer(0.05, mine.release)
    timer.start()
    take(tmp_path, "bob@db1", EDGE, wait_s=10.0).release()
    timer.join()


def test_a_lock_file_that_was_replaced_is_not_the_lock(tmp_path: Path) -> None:
    """Who waited on a file that somebody removed takes the new one, not the old."""
    path = tmp_path / "lock"
    path.touch()
    fd = os.open(path, os.O_RDWR)
    path.unlink()
    path.touch()
    assert lock._try(fd, path) is None
    path.unlink()
    fcntl.flock(fd, fcntl.LOCK_UN)
    assert lock._try(fd, path) is None
    os.close(fd)
    path.touch()
    held(tmp_path).release()


def test_the_lock_goes_to_no_child(tmp_path: Path) -> None:
    """A step that outlives the app must not hold the run."""
    mine = held(tmp_path)
    assert not os.get_inheritable(mine.fd)
    mine.release()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EIO, errno.ENOSYS, errno.EOPNOTSUPP])
def test_without_locks_nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """A file system that cannot lock is refused: two could run the same deployment."""

    def broken(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", broken)
    with pytest.raises(NotRecordedError, match="cannot be locked"):
        held(tmp_path)


def test_a_full_disk_takes_no_lock_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock holds without its content."""

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        mine = held(tmp_path)
    with pytest.raises(HeldError):
        held(tmp_path)
    mine.release()


def test_a_planted_lock_is_refused(tmp_path: Path) -> None:
    """No waiting on a FIFO, no lock on another file through a link."""
    os.mkfifo(tmp_path / "lock")
    with pytest.raises(StoreError):
        held(tmp_path)
    with pytest.raises(StoreError):
        read_holder(tmp_path)


def test_network_file_systems_are_known_by_their_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The device of the folder is looked up among the mounts; a local one is none."""
    assert lock.network_file_system(tmp_path) == ""
    device = os.stat(tmp_path).st_dev
    here = f"{os.major(device)}:{os.minor(device)}"
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        f"1 2 9:9 / / rw - ext4 x rw\n2 3 {here} / {tmp_path} rw shared:7 - nfs4 server:/x rw\n"
    )
    real = open
    monkeypatch.setattr(
        "builtins.open", lambda path, *a, **k: real(mounts if "mountinfo" in str(path) else path, *a, **k)
    )
    monkeypatch.setattr("sys.platform", "linux")
    assert lock.network_file_system(tmp_path) == "nfs4"
    mounts.write_text(f"2 3 {here} / {tmp_path} rw - tmpfs x rw\n")
    assert lock.network_file_system(tmp_path) == ""
    mounts.unlink()
    assert lock.network_file_system(tmp_path) == ""
