"""The file that was read last, among those beside a log: found while programs rename and compress them."""

from __future__ import annotations

from pathlib import Path

from orion_deploy.kinds.logs.place import Place, source_at
from orion_deploy.kinds.logs.rotated import Beside, Mark, files_beside
from orion_deploy.kinds.logs.source import READ_FAULTS, Source

ATTEMPTS_MAX = 20
"""When files are renamed while they are being looked for; after that the next look goes on."""


def steady(log: Path, live: Source | None) -> list[Beside] | None:
    """The files beside the log, without the live one, as they lay at one moment at which the log was still `live`.

    A folder that is listed while its files are renamed tells of no moment: a file is missing, or two have one
    number. None where it was never seen twice alike, or the log is another file by now.
    """
    before = files_beside(log)
    for _ in range(ATTEMPTS_MAX):
        beside = files_beside(log)
        if _names(beside) == _names(before):
            if live is not None and not live.is_at(log):
                return None
            return [b for b in beside if live is None or b.key != live.key]
        before = beside
    return None


def search(
    log: Path, newest: Mark | None, place: Place, live: Source | None
) -> tuple[list[Beside], tuple[Beside, Source] | None] | None:
    """Look for the file of a place among those beside the log. None where they do not keep still for it."""
    beside = steady(log, live)
    for _ in range(ATTEMPTS_MAX):
        if beside is None:
            return None
        found = _find(log, newest, place, beside)
        if found is not None:
            return beside, found
        again = steady(log, live)
        if again is not None and _names(again) == _names(beside):
            return beside, None
        beside = again
    return None


def _find(log: Path, newest: Mark | None, place: Place, beside: list[Beside]) -> tuple[Beside, Source] | None:
    """The file of a place, open; the one with its inode is looked at first."""
    source = source_at(place) if place.path != str(log) else None
    if source is not None:
        return next((b for b in beside if b.key == source.key), _unlisted(source)), source
    for candidate in _likeliest_first(newest, place, beside):
        if place.head_bytes == 0 and candidate.key != place.key:
            break
        try:
            source = Source(candidate.path)
        except READ_FAULTS:
            continue
        try:
            if source.key == candidate.key and place.is_in(source):
                return candidate, source
        except READ_FAULTS:
            pass
        source.close()
    return None


def _likeliest_first(newest: Mark | None, place: Place, beside: list[Beside]) -> list[Beside]:
    """The file with the inode of a place; then, of a few bytes that many files begin with, what was rotated since.

    The file that was read last was rotated after the last look, and before all others that were. A trail was not.
    """
    if place.left_at or newest is None:
        return sorted(beside, key=lambda b: (b.key != place.key, -b.modified_ns))
    return sorted(beside, key=lambda b: (b.key != place.key, not (b.number and b.is_fresh(newest))))


def _names(beside: list[Beside]) -> set[tuple[Path, tuple[int, int]]]:
    """Which rotated file lies where; not when it was changed: a program may go on writing to one of them."""
    return {(b.path, b.key) for b in beside if b.number}


def _unlisted(source: Source) -> Beside:
    """A file that does not lie beside the log: a link pointed to it."""
    return Beside(source.path, source.key, source.modified_ns, is_empty=False, number="")
