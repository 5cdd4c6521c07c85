"""A run of the release checklist, on real files, approved."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.sessions import opened
from support.stage import RELEASE, Stage


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """The release checklist in a folder of its own."""
    return Path(shutil.copy(RELEASE, tmp_path))


@pytest.fixture
def stage(book: Path) -> Iterator[Stage]:
    """A run of it."""
    with opened(book, cwd=str(book.parent)) as driven:
        yield Stage(driven)
