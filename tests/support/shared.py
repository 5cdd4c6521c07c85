"""Where the files are that come from others and are no part of this project: the seed checklist and the corpus."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_CHECKOUT = Path(__file__).resolve().parents[2]


def shared(name: str) -> Path:
    """Return a file or folder of `ORION_SHARED`, or of a folder `shared` beside the checkout; skips without it."""
    home = Path(os.environ.get("ORION_SHARED") or _CHECKOUT.parent / "shared")
    path = home / name
    if not path.exists():
        pytest.skip(f"{name} is not here: set ORION_SHARED to the folder that holds it")
    return path


def seed() -> Path:
    """Return the seed: the team's own deployment checklist, unmodified."""
    return shared("seed/database-migration-deployment-checklist.md")
