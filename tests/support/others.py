"""Things that belong to another user."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

NOBODY = 65534


def give_away(path: Path) -> None:
    """Let another user own `path`; where that is not possible the test is skipped."""
    try:
        os.chown(path, NOBODY, NOBODY)
    except PermissionError:
        pytest.skip("only root can make files of another user")
    if os.geteuid() == NOBODY:
        pytest.skip("nobody runs the tests")
