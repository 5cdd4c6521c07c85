"""Whether the checksums of a journal follow one another: a glance at its bytes, for lists of runs. It only says yes or no.

Imports nothing but `os` and `zlib`: `status` answers at the speed of the interpreter's start. A journal that
does not pass is read by `reading.py`, which says where it is damaged, and why, or that it is not.
"""

from __future__ import annotations

import os
from zlib import crc32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

SCHEMA = 1
"""Of the records; `journal.py` tells of their form."""
GLANCE_BYTES_MAX = 32 * 1024 * 1024
"""Of all the journals of one list: at most some tenths of a second."""
NOT_CHECKED = "its journal was not checked for damage"
_FIRST = b"0" * 8


def is_chained(data: bytes, records: int) -> bool:
    """Tell whether `data` is that many whole records of the known schema, each continuing the one before."""
    lines = data.split(b"\n")
    if lines.pop() or len(lines) != records:
        return False
    crc = _FIRST
    for number, line in enumerate(lines, 1):
        if not line.startswith(b'{"v":%d,"n":%d,"p":"%b",' % (SCHEMA, number, crc)):
            return False
        crc = line[-10:-2]
        if b"%08x" % crc32(line[:-16]) != crc or line[-16:-10] != b',"c":"' or line[-2:] != b'"}':
            return False
    return True


class Glance:
    """Glances at the journals of one list, at `GLANCE_BYTES_MAX` bytes of them in all."""

    def __init__(self) -> None:
        """Nothing is read yet."""
        self._left_bytes = GLANCE_BYTES_MAX

    def is_sound(self, journal: str | os.PathLike[str], link: Mapping[str, Any]) -> bool | None:
        """Tell whether the journal is whole up to where a snapshot was made of it (`link`); None: too long to be checked.

        Raises nothing: what cannot be read is not sound.
        """
        try:
            size_bytes, records = int(link["bytes"]), int(link["records"])
            if size_bytes > self._left_bytes:
                return None
            self._left_bytes -= size_bytes
            return is_chained(_read(journal, size_bytes), records)
        except (OSError, KeyError, TypeError, ValueError):
            return False


def _read(path: str | os.PathLike[str], size_bytes: int) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    chunks = []
    try:
        while size_bytes > 0 and (chunk := os.read(fd, size_bytes)):
            chunks.append(chunk)
            size_bytes -= len(chunk)
    finally:
        os.close(fd)
    return b"".join(chunks)
