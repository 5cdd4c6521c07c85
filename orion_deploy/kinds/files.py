"""Files: there, closed by everybody, with room beside them. Nothing is opened for writing, nothing is created."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from orion_deploy.kinds.base import Check, Context
from orion_deploy.kinds.holders import Holders, find_holders, listed, with_side_files
from orion_deploy.kinds.room import existing_parent, free_bytes
from orion_deploy.kinds.verdict import Json, Outcome, Verdict
from orion_deploy.kinds.words import bytes_words

MB = 1024 * 1024


class FilesExists(Check):
    """The file or folder is there.

    Sizes are in bytes. Failed when it is not there, is something else, or is smaller; undecided when it
    cannot be looked at (no right to enter a folder on the way).
    """

    name: ClassVar[str] = "files.exists"
    example: ClassVar[str] = """
        check:
          files.exists:
            path: ~/Orion/data/orion.db
            type: file
    """

    path: str = Field(
        min_length=1, description="the path; relative to the run's folder, `~` and `$NAME` are put in"
    )
    type: Literal["file", "folder", "any"] = Field(
        "any", description="what it must be; a symbolic link is followed"
    )
    size_bytes_min: int = Field(0, ge=0, description="least size of a file, in bytes")

    def probe(self, context: Context) -> Verdict:
        """Look at it."""
        path = context.path(self.path)
        try:
            seen = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return Verdict(Outcome.FAILED, f"there is no {path}", "not there")
        except OSError as fault:
            return Verdict(Outcome.UNDECIDED, f"{path} cannot be looked at: {fault.strerror}", "not known")
        what = (
            "folder"
            if stat.S_ISDIR(seen.st_mode)
            else "file"
            if stat.S_ISREG(seen.st_mode)
            else "special file"
        )
        values: dict[str, Json] = {
            "path": str(path),
            "size_bytes": seen.st_size,
            "modified_at": seen.st_mtime,
        }
        if self.type not in ("any", what):
            return Verdict(Outcome.FAILED, f"{path} is a {what}, not a {self.type}", what, values)
        shown = what if what != "file" else bytes_words(seen.st_size)
        if what == "file" and seen.st_size < self.size_bytes_min:
            return Verdict(
                Outcome.FAILED,
                f"{path} has {seen.st_size:,} bytes, fewer than {self.size_bytes_min:,}",
                shown,
                values,
            )
        return Verdict(Outcome.PASSED, f"{path} is there ({shown})", shown, values)


class FilesClosed(Check):
    """Nobody has the file open.

    Looks at the descriptors and mappings of every process, and at SQLite's locks; for a database its `-wal`,
    `-shm` and `-journal` count too. Failed with each holder's pid, command and user, or when the file is
    missing. Undecided when processes could not be inspected: they are named; root, or `sudo`, sees them all.
    """

    name: ClassVar[str] = "files.closed"
    example: ClassVar[str] = """
        check:
          files.closed:
            path: ~/Orion/data/orion.db
    """

    path: tuple[str, ...] = Field(min_length=1, description="the file, or several")
    trust_locks: bool = Field(
        default=False,
        description="pass although some processes cannot be inspected, when nobody holds a lock (of a SQLite database in WAL mode, everybody who has read from it holds one)",
    )

    @field_validator("path", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    def probe(self, context: Context) -> Verdict:
        """Scan every process once."""
        paths = [context.path(text) for text in self.path]
        for path in paths:
            try:
                os.stat(path)
            except (FileNotFoundError, NotADirectoryError):
                return Verdict(
                    Outcome.FAILED,
                    f"there is no {path}: this says nothing about who has it open",
                    "not there",
                )
            except OSError as fault:
                return Verdict(
                    Outcome.UNDECIDED, f"{path} cannot be looked at: {fault.strerror}", "not known"
                )
        wanted = [side for path in paths for side in with_side_files(path)]
        return closed_verdict(find_holders(wanted), paths, trust_locks=self.trust_locks)


def closed_verdict(seen: Holders, paths: list[Path], *, trust_locks: bool = False) -> Verdict:
    """What a scan for holders means."""
    what = ", ".join(p.name for p in paths)
    values: dict[str, Json] = {
        "holders": [
            {"pid": h.pid, "command": h.command, "user": h.user, "files": list(h.files)} for h in seen.holders
        ],
        "processes": seen.looked_at,
        "uninspected": len(seen.uninspected),
    }
    if seen.holders:
        for holder in seen.holders:
            print(f"{holder} holds {', '.join(holder.files)}")
        shown = "1 process" if len(seen.holders) == 1 else f"{len(seen.holders)} processes"
        return Verdict(Outcome.FAILED, f"{what} is open in {listed(seen.holders)}", shown, values)
    if seen.proved:
        return Verdict(
            Outcome.PASSED, f"nobody has {what} open: the kernel says so, of every process", "closed", values
        )
    inspected = seen.looked_at - len(seen.uninspected)
    nobody = f"none of {inspected} processes has {what} open"
    if seen.is_complete:
        return Verdict(Outcome.PASSED, nobody, "closed", values)
    if trust_locks:
        return Verdict(
            Outcome.PASSED, f"{nobody}, and nobody holds a lock on it; {seen.blind}", "closed", values
        )
    how = "look on the machine itself" if seen.enclosed else "`sudo lsof` sees them"
    return Verdict(
        Outcome.UNDECIDED,
        f"{nobody}, but {seen.blind}. {how[0].upper()}{how[1:]}",
        f"{inspected} of {seen.looked_at} seen",
        values,
    )


class FilesDiskFree(Check):
    """There is room on the disk that holds a path.

    Free space is what an ordinary user may still write, in MB of 1,048,576 bytes. The path need not exist yet: then
    its nearest existing folder counts. Failed when there is less than asked for.
    """

    name: ClassVar[str] = "files.disk_free"
    example: ClassVar[str] = """
        check:
          files.disk_free:
            path: ~/Orion/backups
            free_mb_min: 2000
    """

    path: str = Field(min_length=1, description="a path on the disk that is meant")
    free_mb_min: float | None = Field(None, gt=0, description="least free space, in MB")
    times_size_of: str | None = Field(
        None, min_length=1, description="a file: there must be room for `times` copies of it"
    )
    times: float = Field(2.0, gt=0, le=100, description="how many copies of `times_size_of`")

    def probe(self, context: Context) -> Verdict:
        """Ask the file system."""
        path = existing_parent(context.path(self.path))
        needed = 0
        if self.free_mb_min is not None:
            needed = int(self.free_mb_min * MB)
        if self.times_size_of is not None:
            source = context.path(self.times_size_of)
            try:
                needed = max(needed, int(source.stat().st_size * self.times))
            except OSError as fault:
                return Verdict(
                    Outcome.FAILED, f"the size of {source} cannot be read: {fault.strerror}", "not known"
                )
        try:
            free = free_bytes(path)
        except OSError as fault:
            return Verdict(
                Outcome.UNDECIDED, f"the free space at {path} cannot be read: {fault.strerror}", "not known"
            )
        values: dict[str, Json] = {"free_bytes": free, "needed_bytes": needed, "path": str(path)}
        shown = f"{bytes_words(free)} free"
        if free < needed:
            return Verdict(
                Outcome.FAILED, f"{shown} at {path}, {bytes_words(needed)} are needed", shown, values
            )
        asked = f", {bytes_words(needed)} are needed" if needed else ""
        return Verdict(Outcome.PASSED, f"{shown} at {path}{asked}", shown, values)
