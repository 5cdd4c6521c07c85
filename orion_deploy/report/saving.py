"""Writing a report to a file: whole or not at all, for its user alone, and never through a symbolic link."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from orion_deploy.errors import NotRecordedError, OrionError, Place
from orion_deploy.run import files


def save(path: Path, data: bytes) -> None:
    """Put the report in place of the file at `path`.

    Raises:
        OrionError: something that is not a regular file stands there.
        NotRecordedError: it cannot be written.
    """
    try:
        there = os.lstat(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise _not_written(path, error) from error
    else:
        if not stat.S_ISREG(there.st_mode):
            what = "a symbolic link" if stat.S_ISLNK(there.st_mode) else "no regular file"
            raise OrionError(
                f"`{path}` is {what}; nothing was written",
                where=Place(str(path)),
                help="give the file itself, or another name",
            )
    try:
        files.write_private(path, data)
    except OSError as error:
        raise _not_written(path, error) from error


def _not_written(path: Path, error: OSError) -> NotRecordedError:
    return NotRecordedError(
        f"the report could not be written: {error.strerror}",
        where=Place(str(path)),
        help="look at the folder, its rights and its room; nothing of the run was changed",
    )
