"""Which bytes a person has looked at and trusted. Approved is a content, not a path: any other byte is another one.

In the user's state folder: `approvals/<sha256>` holds the approved bytes themselves (for the diff when the
file changes), `approvals/by-path/` which of them a path was last approved with.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from orion_deploy.errors import NotRecordedError, Place, StoreError
from orion_deploy.run import files
from orion_deploy.run.places import path_name, state_home

CHECKLIST_BYTES_MAX = 64 * 1024 * 1024
_DIGEST = re.compile(r"[0-9a-f]{64}")


def is_approved(digest: str) -> bool:
    """Tell whether the bytes with this sha256 (hex) were approved.

    Raises StoreError when that cannot be found out, or the approval is not this user's own.
    """
    return _approved_bytes(digest) is not None


def approve(path: Path, data: bytes) -> str:
    """Trust exactly these bytes, which the file at `path` holds; returns their sha256 (hex).

    Raises:
        NotRecordedError: the approval cannot be written.
        StoreError: the folder of approvals is not this user's own.
    """
    digest = hashlib.sha256(data).hexdigest()
    folder = _folder()
    try:
        files.make_folder(folder)
        files.make_folder(folder / "by-path")
        files.write_private(folder / digest, data)
        files.write_private(_pointer(path), digest.encode() + b"\n")
    except OSError as error:
        raise NotRecordedError(
            f"the approval cannot be recorded: {error.strerror}; nothing was run",
            where=Place(str(error.filename or folder)),
            help="make room, or make the state folder writable",
        ) from error
    return digest


def last_approved(path: Path) -> bytes | None:
    """Return the bytes with which the file at `path` was last approved, or None. Raises as `is_approved`."""
    data = _read(_pointer(path), 1024)
    return None if data is None else _approved_bytes(data.decode("ascii", "replace").strip())


def _approved_bytes(digest: str) -> bytes | None:
    if _DIGEST.fullmatch(digest) is None:
        return None
    data = _read(_folder() / digest, CHECKLIST_BYTES_MAX)
    # What is on the disk is believed by its content only: a damaged approval is none.
    return data if data is not None and hashlib.sha256(data).hexdigest() == digest else None


def _read(path: Path, bytes_max: int) -> bytes | None:
    try:
        for folder in (_folder(), path.parent):
            files.check_folder(folder)
        return files.read_private(path, bytes_max=bytes_max)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(
            f"it cannot be told what was approved: {error.strerror}", where=Place(str(path))
        ) from error


def _folder() -> Path:
    return state_home() / "approvals"


def _pointer(path: Path) -> Path:
    return _folder() / "by-path" / path_name(Path(os.path.realpath(path)))
