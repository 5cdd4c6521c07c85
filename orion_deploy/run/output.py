"""The output of an attempt on disk: its head and its tail, never more than its limit, whatever a step prints.

`out` holds the head, half of the limit. What comes after goes to `out.tail0` and `out.tail1` in turn, at most a
quarter of the limit each; the older one gives way to the next. A tail begins with a line that says at
which byte of the whole output it starts. Tails appear by rename, so that a reader who has one open reads
on in what it was. `Recorder` writes (part of the supervisor's program), `Output` reads, at any time.
"""

from __future__ import annotations

import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hashlib import _Hash as Hash
    from pathlib import Path
    from typing import Self

HEAD = "out"
TAILS = ("out.tail0", "out.tail1")
_NEW_TAIL = ".out.tail"
_TAIL_HEADER = b"--- output from byte %020d ---\n"
TAIL_HEADER_BYTES = len(_TAIL_HEADER % 0)
FILE_MODE = 0o600
READ_BYTES_MIN = 1 << 16
READ_BYTES_MAX = 1 << 20
RING_BYTES_MAX = 4 << 20
"""Memory for the tail, whatever the limit of the output: less is kept of a flood then."""
FLUSH_S = 0.05
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


class Recorder:
    """Keeps a stream. It never fails: what cannot be written is counted, and `error` names the first reason.

    The head goes to its file at once. The tail is gathered in memory and written by `flush`, which is to be
    called `FLUSH_S` after something came, and at the end: of a flood only what is left of it by then is ever
    written. `total` counts every byte, `kept` those that a reader finds.
    """

    def __init__(self, directory: str, bytes_max: int) -> None:
        """Begin an attempt's output. Raises OSError when `out` cannot be made, or is there already."""
        self.total = 0
        self.error = ""
        self._directory = directory
        self._head = self._fd = os.open(
            os.path.join(directory, HEAD), _FLAGS | os.O_EXCL | os.O_APPEND, FILE_MODE
        )
        self._head_room = max(1, bytes_max // 2)
        self._head_end = 0
        self._buffer = bytearray(READ_BYTES_MIN)
        self._segment_bytes_max = max(1, bytes_max // 4)
        self._ring = bytearray()
        """The newest bytes of the tail: byte `n` of the output at place `n` modulo its size."""
        self._flushed = 0
        """Up to where the output is written, or lost for good."""
        self._room = 0
        self._tail: tuple[int, int] | None = None
        """Where the newest tail begins and ends in the output; the one before it ends where it begins."""
        self._before: tuple[int, int] | None = None
        self._tails = 0

    @property
    def kept(self) -> int:
        """How many bytes a reader finds."""
        return self._head_end + sum(part[1] - part[0] for part in (self._before, self._tail) if part)

    @property
    def is_pending(self) -> bool:
        """Whether something waits for `flush`."""
        return self._flushed < self.total

    def room(self) -> memoryview:
        """Return where to put the next bytes of the stream; call `took` with their number."""
        if self._head_room:
            return memoryview(self._buffer)
        return memoryview(self._ring)[self.total % len(self._ring) :]

    def took(self, count: int) -> None:
        """Take in the bytes that were put into `room`."""
        if self._head_room:
            self._take_head(memoryview(self._buffer)[:count])
            if (
                self._head_room and count == len(self._buffer) < READ_BYTES_MAX
            ):  # It prints much: read more at once.
                self._buffer = bytearray(READ_BYTES_MAX)
        else:
            self.total += count
            self._flushed = max(self._flushed, self.total - len(self._ring))

    def write(self, data: bytes) -> None:
        """Take in the next bytes of the stream."""
        rest = memoryview(data)
        while rest:
            place = self.room()
            part = rest[: len(place)]
            place[: len(part)] = part
            place.release()
            self.took(len(part))
            rest = rest[len(part) :]

    def _take_head(self, data: memoryview) -> None:
        part = data[: self._head_room]
        written = self._put(part)
        self._head_end += written
        self._head_room = self._head_room - written if written == len(part) else 0
        self.total = self._flushed = self._head_end
        if not self._head_room:
            self._buffer = bytearray()
            self._ring = bytearray(min(self._segment_bytes_max, RING_BYTES_MAX))
            self.write(bytes(data[written:]))

    def flush(self) -> None:
        """Write what was gathered. What cannot be written now is tried again, until newer bytes take its place."""
        while self._flushed < self.total:
            begins = self._tail is None or self._tail[1] != self._flushed or not self._room
            if begins and not self._next_tail():
                return
            place = self._flushed % len(self._ring)
            part = memoryview(self._ring)[place : place + min(self._room, self.total - self._flushed)]
            written = self._put(part)
            assert self._tail is not None
            self._tail = (self._tail[0], self._tail[1] + written)
            self._flushed += written
            self._room -= written
            if written < len(part):
                self._room = 0
                return

    def _put(self, part: memoryview) -> int:
        written = 0
        try:
            while written < len(part):
                written += os.write(self._fd, part[written:])
        except OSError as error:
            self._note(error)
        return written

    def _next_tail(self) -> bool:
        """Begin a tail at the first byte that is not written; where there is a gap before it, it is the only one."""
        name = TAILS[self._tails % 2]
        other = TAILS[(self._tails + 1) % 2]
        new = os.path.join(self._directory, _NEW_TAIL)
        is_gap = self._tail is not None and self._tail[1] != self._flushed
        try:
            fd = os.open(new, _FLAGS | os.O_TRUNC | os.O_APPEND, FILE_MODE)
            try:
                os.write(fd, _TAIL_HEADER % self._flushed)
                os.rename(new, os.path.join(self._directory, name))
                if is_gap:
                    os.unlink(os.path.join(self._directory, other))
                    self._tail = None
            except OSError:
                os.close(fd)
                raise
        except OSError as error:
            self._note(error)
            return False
        if self._fd != self._head:
            os.close(self._fd)
        self._fd = fd
        self._tails += 1
        self._before = self._tail
        self._tail = (self._flushed, self._flushed)
        self._room = self._segment_bytes_max
        return True

    def _note(self, error: OSError) -> None:
        self.error = self.error or errno.errorcode.get(error.errno or 0, str(error.errno))

    def sync(self) -> None:
        """Bring what is kept to the disk."""
        names = [] if self._tail is None else TAILS[: min(self._tails, 2)]
        try:
            if self._head_end:
                os.fsync(self._head)
            for name in names:
                _sync_if_there(os.path.join(self._directory, name))
        except OSError as error:
            self._note(error)


def _sync_if_there(path: str) -> None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:  # It gave way to the other one.
        return
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


class Output:
    """Reads an attempt's output, while it grows or afterwards. Offsets are those of the whole output.

    Nothing is kept open and nothing is kept in memory: every call looks at the files as they are.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = os.fspath(directory)

    def size(self) -> int:
        """Return how many bytes were produced, those that were dropped included."""
        with _Files(self._directory) as files:
            return files.pieces[-1].end

    def tail(self, bytes_max: int) -> bytes:
        """Return the last bytes, at most `bytes_max`; never across a gap."""
        with _Files(self._directory) as files:
            first = last = files.pieces[-1]
            for piece in reversed(files.pieces[:-1]):
                if piece.end != first.start:
                    break
                first = piece
            return files.read(max(first.start, last.end - bytes_max), bytes_max)

    def read(self, start: int, bytes_max: int) -> bytes:
        """Return what follows byte `start`, up to the next gap; empty at the end, and within a gap."""
        with _Files(self._directory) as files:
            return files.read(start, bytes_max)

    def dropped_range(self) -> tuple[int, int] | None:
        """Return the first dropped byte and the first one kept after it, or None where everything is kept."""
        with _Files(self._directory) as files:
            for before, after in zip(files.pieces, files.pieces[1:], strict=False):
                if before.end != after.start:
                    return before.end, after.start
            return None


def digest(directory: Path, end: int) -> str:
    """Return the hash (hex) of what is kept of the first `end` bytes of an output: its head, then its tails in order.

    What a step leaves running may print on after its end: that is no part of it. Empty where nothing was printed,
    or where it cannot be read: an outcome is recorded all the same.
    """
    if not end:
        return ""
    import hashlib

    found = hashlib.sha256()
    try:
        with _Files(os.fspath(directory)) as files:
            for piece in files.pieces:
                if piece.start < end:
                    found.update(b"%d:" % piece.start)
                    _feed(found, piece, end)
    except OSError:
        return ""
    return found.hexdigest()


def _feed(found: Hash, piece: _Piece, end: int) -> None:
    at, end = piece.start, min(end, piece.end)
    while at < end and (chunk := os.pread(piece.fd, min(READ_BYTES_MAX, end - at), at + piece.shift)):
        found.update(chunk)
        at += len(chunk)


class _Piece:
    """A stretch of the output, and where its bytes are."""

    def __init__(self, fd: int, start: int, header_bytes: int) -> None:
        self.fd = fd
        self.start = start
        self.end = start + max(0, os.fstat(fd).st_size - header_bytes) if fd >= 0 else start
        self.shift = header_bytes - start
        """Add it to an offset of the output to get one of the file."""


class _Files:
    """The files of one moment, open."""

    def __init__(self, directory: str) -> None:
        # The tails first: they may only move on, and the head does not change any more once there is one.
        tails = [piece for name in TAILS if (piece := _tail(os.path.join(directory, name))) is not None]
        self.pieces = [_Piece(_open(os.path.join(directory, HEAD)), 0, 0)]
        self.pieces += sorted(tails, key=lambda piece: piece.start)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for piece in self.pieces:
            if piece.fd >= 0:
                os.close(piece.fd)

    def read(self, start: int, bytes_max: int) -> bytes:
        chunks = []
        for piece in self.pieces:
            while piece.start <= start < piece.end and bytes_max > 0:
                chunk = os.pread(piece.fd, min(bytes_max, piece.end - start), start + piece.shift)
                if not chunk:
                    break
                chunks.append(chunk)
                start += len(chunk)
                bytes_max -= len(chunk)
        return b"".join(chunks)


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return -1


def _tail(path: str) -> _Piece | None:
    fd = _open(path)
    if fd < 0:
        return None
    header = os.pread(fd, TAIL_HEADER_BYTES, 0)
    digits = header[len("--- output from byte ") :][:20]
    if len(header) < TAIL_HEADER_BYTES or not digits.isdigit():
        os.close(fd)
        return None
    return _Piece(fd, int(digits), TAIL_HEADER_BYTES)
