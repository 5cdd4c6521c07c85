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


def has_room(path: Path, needed_bytes: int) -> bool:
    """Whether an ordinary user may write so much, and make a file, on the disk of `path`; True where that cannot be told."""
    try:
        seen = os.statvfs(path)
    except OSError:
        return True
    has_inode = seen.f_favail > 0 or seen.f_files == 0
    return has_inode and seen.f_bavail * seen.f_frsize >= needed_bytes
