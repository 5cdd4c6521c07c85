"""The part of a log around a line that a watch saw: read once, bounded, looked for also where the log was rotated to."""

from __future__ import annotations

from pathlib import Path

from orion_deploy.errors import RefusedError
from orion_deploy.run.watches.record import Line

BEFORE_BYTES = 1_000_000
AFTER_BYTES = 1_000_000
UNPACKED_BYTES_MAX = 256_000_000
"""Into a compressed file no further: to get there all before it must be unpacked."""
COMPARED_BYTES = 200
"""Of a line, to tell that it still is the one that was seen."""
FILES_MAX = 8
"""The log itself and the newest of its rotated files."""


class LogPart:
    """Some bytes of a file, whole lines, as the output viewer reads them. They do not grow.

    Raises RefusedError where there is nothing to read.
    """

    def __init__(self, line: Line) -> None:
        """Read around `line`."""
        from orion_deploy.kinds.logs.rotated import files_beside
        from orion_deploy.kinds.logs.source import READ_FAULTS, fault_words

        if not line.path:
            raise RefusedError("nobody knows where this line stands")
        log = Path(line.path)
        beside = [each.path for each in reversed(files_beside(log)) if each.number]
        first: tuple[Path, int, bytes] | None = None
        fault = ""
        for path in [log, *beside][:FILES_MAX]:
            try:
                start, data = _around(path, line.offset_bytes)
            except READ_FAULTS as error:
                fault = fault or fault_words(path, error)
                continue
            place = line.offset_bytes - start
            if _is_it(data[place:], line.text):
                self._set(path, start, data, place, "")
                return
            if path == log:
                first = (path, start, data)
        if first is None:
            raise RefusedError(fault)
        path, start, data = first
        place = min(max(0, line.offset_bytes - start), len(data))
        self._set(path, start, data, place, "this line is not there any more: the log was written anew")

    def _set(self, path: Path, start: int, data: bytes, place: int, note: str) -> None:
        cut = 0 if not start else data.find(b"\n", 0, max(0, place)) + 1
        self._data = data[cut:]
        self.path = path
        self.row = self._data.count(b"\n", 0, max(0, place - cut))
        """The row of the line, from 0."""
        self.note = note

    def size(self) -> int:
        """How many bytes there are."""
        return len(self._data)

    def dropped_range(self) -> tuple[int, int] | None:
        """Nothing was left out."""
        return None

    def read(self, at: int, count: int) -> bytes:
        """Some of them."""
        return self._data[at : at + count]


def _around(path: Path, offset: int) -> tuple[int, bytes]:
    """Where the part begins, and its bytes. Raises what READ_FAULTS lists."""
    from orion_deploy.kinds.logs.source import Source

    source = Source(path)
    try:
        if source.is_packed and offset > UNPACKED_BYTES_MAX:
            raise OSError(f"the line is too far into {path.name}, which is compressed")
        start = max(0, offset - BEFORE_BYTES)
        return start, source.peek(offset - start + AFTER_BYTES, start)
    finally:
        source.close()


def _is_it(data: bytes, text: str) -> bool:
    """Whether these bytes begin with the line that was seen."""
    wanted = text[:COMPARED_BYTES]
    line = data[: 4 * COMPARED_BYTES].decode("utf-8", "replace")
    return bool(data) and line.startswith(wanted)
