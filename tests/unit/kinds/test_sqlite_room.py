"""Room on disks: one rule, and what is written to one disk adds up."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import pytest

from orion_deploy.errors import RefusedError
from orion_deploy.kinds.sqlite import connection, room
from orion_deploy.kinds.sqlite.room import SPARE_BYTES, for_restore, needs, require_room, why_no_room

MB = 1024 * 1024


def test_folders_on_one_disk_need_their_sum(tmp_path: Path) -> None:
    """A folder that is not there yet counts on the disk of the one above it; the spare room is asked for once a disk."""
    wanted = for_restore(tmp_path / "data" / "orion.db", 3 * MB, 5 * MB, tmp_path / "backups")
    (need,) = needs(wanted)
    assert need.needed_bytes == 8 * MB
    assert need.place == tmp_path


@pytest.mark.parametrize(
    ("free", "is_enough"), [(SPARE_BYTES + 8 * MB, True), (SPARE_BYTES + 8 * MB - 1, False)]
)
def test_the_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, *, is_enough: bool) -> None:
    """What is needed and the spare room, to the byte; the refusal says what is free, needed and to be done."""
    monkeypatch.setattr(room, "free_bytes", lambda _path: free)
    wanted = [(tmp_path, 5 * MB), (tmp_path, 3 * MB)]
    assert bool(why_no_room("a thing", *wanted)) is not is_enough
    if not is_enough:
        with pytest.raises(
            RefusedError, match=r"24\.0 MB are free at .*, 8\.0 MB needed and 16\.0 MB to spare"
        ) as refused:
            require_room("a thing", *wanted, help="make room")
        assert refused.value.help == "make room"


def test_a_full_disk_is_no_fault_of_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only where it is full: with room on it, an error of the disk stays one."""
    fault = sqlite3.OperationalError("disk I/O error")
    fault.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
    assert connection.in_words(fault, tmp_path) == "the disk reported an error (disk I/O error)"
    monkeypatch.setattr(connection, "has_room", lambda _path, _needed: False)
    assert connection.in_words(fault, tmp_path).startswith(
        f"the disk is full: nothing more can be written at {tmp_path}"
    )
    assert connection.why_full(OSError(errno.ENOSPC, "No space left on device"), tmp_path)
    assert not connection.why_full(OSError(errno.EIO, "Input/output error"), tmp_path)
