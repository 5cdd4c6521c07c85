"""A file that is there is whole: written beside its place, synced, then renamed; 0600 whatever the umask."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def sync_file(descriptor: int) -> None:
    """Bring a file's bytes to the disk itself: `fsync`, on macOS `F_FULLFSYNC` (fsync stops at the drive's cache)."""
    if sys.platform == "darwin":
        import fcntl

        try:
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        except OSError:  # not every file system there offers it
            os.fsync(descriptor)
    else:
        os.fsync(descriptor)


def sync_directory(directory: Path) -> None:
    """Make renames and new names in `directory` survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Replace `path` by `data` in one step (mode 0600). `durable=False` leaves out the syncs: for what may be lost.

    Raises OSError; `path` is then as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(temporary, flags, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            if durable:
                sync_file(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_directory(path.parent)
