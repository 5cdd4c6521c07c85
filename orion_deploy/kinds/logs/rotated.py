"""The rotated files of a log, beside it: PATH.1, PATH-20261125.gz, app.2026-11-25.log; from the oldest to the newest."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from orion_deploy.kinds.logs.source import PACKED, UNREADABLE

BESIDE_MAX = 1_000
"""Files of one folder that are looked at."""
ALIKE_MAX = 8
_PACKINGS = "|".join(re.escape(suffix) for suffix in (*PACKED, *UNREADABLE))

Mark = tuple[int, ...]
"""When the newest rotated file was changed last, and the inodes of those that were changed then: a clock has ticks."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A file beside a log whose name begins as the log's does."""

    path: Path
    key: tuple[int, int]
    """Device and inode."""
    modified_ns: int
    is_empty: bool
    number: str
    """What rotation has put to the name: `1`, `20261125`. Empty: it need not have been this log at all."""

    @property
    def age(self) -> tuple[int, int]:
        """Sorts from the oldest to the newest, where only the time of the last change is known."""
        return (self.modified_ns, -int(self.number) if _is_counted(self.number) else 0)

    def is_fresh(self, newest: Mark) -> bool:
        """Whether it was rotated after those of this mark. Compressing keeps the time."""
        if self.modified_ns != newest[0]:
            return self.modified_ns > newest[0]
        return self.key[1] not in newest[1:] and not _is_packed(self.path.name)


def mark_of(beside: list[Beside]) -> Mark:
    """Where the rotated files stand now. An empty one may be a copy that is only beginning to be made."""
    rotated = [b for b in beside if b.number and not b.is_empty]
    newest_ns = max((b.modified_ns for b in rotated), default=0)
    return (newest_ns, *sorted(b.key[1] for b in rotated if b.modified_ns == newest_ns)[:ALIKE_MAX])


def later(newest: Mark | None, modified_ns: int, inode: int) -> Mark:
    """The mark after a file that was read to its end although it was changed since the mark."""
    if newest is None or modified_ns > newest[0]:
        return (modified_ns, inode)
    return (*newest, inode) if modified_ns == newest[0] and len(newest) <= ALIKE_MAX else newest


def files_beside(log: Path) -> list[Beside]:
    """Every file that may have been `log`, the oldest first: beside it, and beside the file that it is a link to.

    Empty where the folder cannot be listed.
    """
    found = _beside(log)
    if log.is_symlink():
        found += _beside(Path(os.path.realpath(log)))
    return sorted({beside.key: beside for beside in found}.values(), key=lambda beside: beside.age)


def _beside(log: Path) -> list[Beside]:
    stem, suffix = os.path.splitext(log.name)
    rotated = re.compile(
        rf"(?:{re.escape(log.name)}[.\-_](?P<after>\d[\d.\-_T:]*)"
        + (
            rf"|{re.escape(stem)}[.\-_](?P<within>\d[\d.\-_T:]*){re.escape(suffix)}"
            if stem and suffix
            else ""
        )
        + rf")(?P<packed>{_PACKINGS})?"
    )
    found: dict[str, Beside] = {}
    try:
        with os.scandir(log.parent) as entries:
            for entry in entries:
                if not entry.name.startswith(stem) or entry.name == log.name or len(found) >= BESIDE_MAX:
                    continue
                try:
                    if not entry.is_file():
                        continue
                    seen = entry.stat()
                except OSError:  # it went away meanwhile
                    continue
                match = rotated.fullmatch(entry.name)
                groups = match.groupdict() if match else {}
                number = (groups.get("after") or groups.get("within") or "").rstrip(".-_")
                found[entry.name] = Beside(
                    Path(entry.path),
                    (seen.st_dev, seen.st_ino),
                    seen.st_mtime_ns,
                    not seen.st_size,
                    number,
                )
    except OSError:
        return []
    # While a file is being compressed both forms are there, and only the plain one is whole.
    return [b for name, b in found.items() if os.path.splitext(name)[0] not in found or not _is_packed(name)]


def newer_than(one: Beside, files: list[Beside]) -> list[Beside]:
    """The rotated files that came after `one`, the oldest first."""
    rotated = [b for b in files if b.number and b.key != one.key]
    if not one.number:
        return in_order([b for b in rotated if b.age > one.age])
    ordered = in_order([*rotated, one])
    return ordered[ordered.index(one) + 1 :]


def in_order(rotated: list[Beside]) -> list[Beside]:
    """The oldest first: by their numbers, or by their dates; where there are both, by when they were changed last.

    A file may be changed after it was rotated, by a program that has not turned to the new one yet.
    """
    counted = sum(_is_counted(b.number) for b in rotated)
    if counted == len(rotated):
        return sorted(rotated, key=lambda b: -int(b.number))
    if not counted:
        return sorted(rotated, key=lambda b: b.number)
    return sorted(rotated, key=lambda b: b.age)


def _is_counted(number: str) -> bool:
    """`1`, `14`: a greater one is older. A date is longer, and a later one is newer."""
    return number.isdigit() and len(number) < 5


def _is_packed(name: str) -> bool:
    return os.path.splitext(name)[1] in (*PACKED, *UNREADABLE)
