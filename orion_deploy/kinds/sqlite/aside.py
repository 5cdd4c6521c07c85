"""Where a live file is no database any more: it is kept byte by byte, and a proved copy takes its place by one rename."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

from orion_deploy.kinds.base import Context
from orion_deploy.kinds.durable import sync_directory
from orion_deploy.kinds.sqlite.copying import (
    COPY_STEP_BYTES,
    Source,
    partial_file,
    publish,
)
from orion_deploy.kinds.sqlite.database import beside
from orion_deploy.kinds.sqlite.exact import copy_file

SIDE_FILES = ("-wal", "-shm", "-journal")
_MASKED = ((18, 20), (24, 28), (40, 44), (92, 100))
"""Header bytes that the backup API writes anew: journal version, change counter, schema cookie, version-valid-for and library."""


def keep_as_it_is(path: Path, final: Path, context: Context) -> None:
    """Copy a damaged database with what lies beside it, byte by byte. Raises Cancelled, RefusedError or OSError."""
    for suffix in ("", "-wal", "-journal"):
        source_path = beside(path, suffix) if suffix else path
        if not source_path.exists():
            continue
        target = beside(final, suffix) if suffix else final
        source = Source(source_path)
        try:
            with partial_file(target) as part:
                copy_file(source, part, context, "keeping the failed database")
                publish(part, target)
        finally:
            source.close()
    print(f"the failed database is kept as it is: {final}")


def take_place(path: Path, backup: Path, mode: int, context: Context) -> None:
    """Let a copy of `backup` take the place of `path` by one rename, its side files moved away before.

    They must go first: a new database with an old WAL beside it is worse than either. After an interruption the
    old, unusable file stands there, and this can be done again. Raises Cancelled, RefusedError or OSError.
    """
    with ExitStack() as after, partial_file(path.with_name(f"{path.name}.restored")) as part:
        source = Source(backup)
        after.callback(source.close)
        copy_file(source, part, context, "restoring")
        os.chmod(part, mode)
        if path.exists() and os.geteuid() == 0:
            seen = path.stat()
            os.chown(part, seen.st_uid, seen.st_gid)
        for suffix in SIDE_FILES:
            side = beside(path, suffix)
            if os.path.lexists(side):
                os.rename(side, _free_name(side))
        sync_directory(path.parent)
        os.replace(part, path)
        sync_directory(path.parent)


def _free_name(side: Path) -> Path:
    number = 1
    while os.path.lexists(aside := side.with_name(f"{side.name}.aside-{number}")):
        number += 1
    return aside


def same_content(one: Path, other: Path) -> bool:
    """Whether two database files are the same but for the header bytes that SQLite writes anew. Raises OSError."""
    if one.stat().st_size != other.stat().st_size:
        return False
    with open(one, "rb", buffering=0) as left, open(other, "rb", buffering=0) as right:
        is_first = True
        while True:
            pieces = [bytearray(f.read(COPY_STEP_BYTES) or b"") for f in (left, right)]
            if is_first:
                for piece in pieces:
                    for begin, end in _MASKED:
                        piece[begin:end] = bytes(end - begin)
                is_first = False
            if pieces[0] != pieces[1]:
                return False
            if not pieces[0]:
                return True
