"""Room on a disk."""

from __future__ import annotations

import os
from pathlib import Path


def existing_parent(path: Path) -> Path:
    """The path, or the nearest folder above it that exists."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def free_bytes(path: Path) -> int:
    """Bytes that an ordinary user may still write on the disk of `path`. Raises OSError."""
    seen = os.statvfs(path)
    return seen.f_bavail * seen.f_frsize
