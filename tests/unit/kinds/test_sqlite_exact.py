"""Exact copies: compared while they are made, on the disk when they count, and nothing goes on after a fault."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from support.kinds import context

from orion_deploy.errors import RefusedError
from orion_deploy.kinds.sqlite import exact
from orion_deploy.kinds.sqlite.copying import Cancelled, Source
from orion_deploy.kinds.sqlite.exact import Copying, copy_file

SIZE = 40 * 1024 * 1024 + 17


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A file of several steps, and an empty one to copy it into."""
    source, part = tmp_path / "source", tmp_path / "part"
    source.write_bytes(os.urandom(SIZE))
    part.touch()
    return source, part


def copied(source: Path, part: Path, **more: object) -> str:
    """Copy, as a backup does."""
    opened = Source(source)
    try:
        return copy_file(opened, part, context(source.parent, **more), "copying")
    finally:
        opened.close()


def threads() -> set[str]:
    """The threads that live now."""
    return {thread.name for thread in threading.enumerate()}


def test_every_byte_and_its_hash(files: tuple[Path, Path]) -> None:
    """The same bytes, the sha256 of both, and progress up to the whole; no thread is left."""
    source, part = files
    before, told = threads(), []
    sha256 = copied(source, part, progress=lambda done, total, _message: told.append((done, total)))
    assert part.read_bytes() == source.read_bytes()
    assert sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    assert told[-1] == (SIZE, SIZE)
    assert len(told) > 4
    assert threads() == before


def test_an_empty_file(tmp_path: Path) -> None:
    """Nothing to copy is copied at once."""
    (tmp_path / "source").touch()
    (tmp_path / "part").touch()
    assert copied(tmp_path / "source", tmp_path / "part") == hashlib.sha256(b"").hexdigest()


def test_a_disk_that_keeps_other_bytes_is_found(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One bit that comes back otherwise: the copy does not count, whatever was hashed before."""
    source, part = files
    honest = exact._copy_some

    def bad(source: int, target: int, offset: int, left: int) -> int:
        count = honest(source, target, offset, left)
        if left == count:  # the last step
            byte = os.pread(target, 1, offset)
            os.pwrite(target, bytes([byte[0] ^ 1]), offset)
        return count

    monkeypatch.setattr(exact, "_copy_some", bad)
    before = threads()
    with pytest.raises(RefusedError, match="not what was copied"):
        copied(source, part)
    assert threads() == before


@pytest.mark.parametrize("at", [0, 2, 5])
def test_cancelled_at_any_step_ends_every_thread(files: tuple[Path, Path], at: int) -> None:
    """Before the first step, between two, and while it is compared: Cancelled, and nothing goes on."""
    source, part = files
    asked: list[int] = []

    def is_cancelled() -> bool:
        asked.append(1)
        return len(asked) > at

    before = threads()
    with pytest.raises(Cancelled):
        copied(source, part, is_cancelled=is_cancelled)
    assert threads() == before


def test_a_source_that_becomes_shorter_is_an_error(files: tuple[Path, Path]) -> None:
    """Cut while it is copied: told, and never taken for a whole copy."""
    source, part = files
    opened = Source(source)
    try:
        with Copying(opened, part, context(source.parent), "copying") as copying:
            os.truncate(source, 1024)
            with pytest.raises((OSError, RefusedError)):
                whole(copying)
    finally:
        opened.close()


def whole(copying: Copying) -> str:
    """Copy to the end."""
    copying.copy()
    return copying.result()


def test_without_the_kernels_own_copying(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where `copy_file_range` is not there, or not for these files, the bytes go through this process."""
    source, part = files
    fault: Callable[..., int] = _unsupported
    monkeypatch.setattr(os, "copy_file_range", fault, raising=False)
    assert copied(source, part) == hashlib.sha256(source.read_bytes()).hexdigest()
    assert part.read_bytes() == source.read_bytes()


def _unsupported(*_: object) -> int:
    import errno

    raise OSError(errno.EXDEV, "another device")
