"""One file with lines in it, plain or compressed: read from any place, never waited for, never written to.

A file is told by what it holds: a digest of its first bytes and one of the bytes just before the place up to which
it was read. Both stay with it through renaming, copying and compressing; a number of an inode does not.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import stat
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import IO, cast

BLOCK_BYTES = 256 * 1024
"""Read at a time: it stays in the processor's cache while it is looked through."""
FIRST_BLOCK_BYTES = 16 * 1024
LINE_BYTES_MAX = 1024 * 1024
"""A longer line is looked at in pieces of this size."""
HEAD_BYTES_MAX = 256
ANCHOR_BYTES = 64
DIGEST_BYTES = 8
PACKED: Mapping[str, Callable[[IO[bytes]], IO[bytes]]] = {
    ".gz": lambda file: cast("IO[bytes]", gzip.GzipFile(fileobj=file, mode="rb")),
    ".bz2": lambda file: cast("IO[bytes]", bz2.BZ2File(file)),
    ".xz": lambda file: cast("IO[bytes]", lzma.LZMAFile(file)),  # noqa: SIM115 - Source closes it
}
UNREADABLE = (".zst", ".lz4", ".lzo", ".Z", ".zip")
"""Compressed in ways that the standard library cannot read."""
READ_FAULTS = (OSError, EOFError, zlib.error, lzma.LZMAError)


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines, at `data[:end]`; the first byte stands at `offset` of the file. Valid until the next one is asked for."""

    path: str
    offset: int
    data: bytearray
    end: int


class Source:
    """An open file. Raises OSError where it cannot be opened, with a sentence where it is no file to read."""

    def __init__(self, path: Path) -> None:
        """Open it; a pipe or a device is not waited for."""
        self.path = path
        if path.suffix in UNREADABLE:
            raise OSError(f"{path.name} is compressed in a way that cannot be read here ({path.suffix})")
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        self._unpacked: IO[bytes] | None = None
        try:
            seen = os.fstat(self._fd)
            if not stat.S_ISREG(seen.st_mode):
                what = "folder" if stat.S_ISDIR(seen.st_mode) else "special file"
                raise OSError(f"{path} is a {what}, no file with lines")
            self.key = (seen.st_dev, seen.st_ino)
            self.is_packed = path.suffix in PACKED
            if self.is_packed:
                self._raw = os.fdopen(os.dup(self._fd), "rb")
                self._unpacked = PACKED[path.suffix](self._raw)
            self.head = self.peek(HEAD_BYTES_MAX, 0)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of it."""
        if self._unpacked is not None:
            self._unpacked.close()
            self._raw.close()
        os.close(self._fd)

    @property
    def real_path(self) -> str:
        """Its path, or that of the file that this is a link to: by that it is found when the link points elsewhere."""
        return os.path.realpath(self.path) if os.path.islink(self.path) else str(self.path)

    @property
    def size_bytes(self) -> int:
        """Of the file as it lies on the disk."""
        return os.fstat(self._fd).st_size

    @property
    def modified_ns(self) -> int:
        """When it was changed last."""
        return os.fstat(self._fd).st_mtime_ns

    def peek(self, size: int, offset: int) -> bytes:
        """Up to `size` bytes from `offset` on."""
        if self._unpacked is None:
            return os.pread(self._fd, size, offset)
        self._unpacked.seek(offset)
        return self._unpacked.read(size)

    def is_at(self, path: Path) -> bool:
        """Whether this very file, and no other, is found at a path."""
        try:
            seen = os.stat(path)
        except OSError:
            return False
        return (seen.st_dev, seen.st_ino) == self.key

    def is_as_it_was(self, end: int) -> bool:
        """Whether the file still holds what it held when it was opened, and at least `end` bytes."""
        if self.is_packed:
            return True
        return self.size_bytes >= end and self.peek(len(self.head), 0) == self.head

    def _fill(self, view: memoryview, offset: int) -> int:
        """Read into `view`; 0 at the end, and where the file was emptied meanwhile."""
        if self._unpacked is not None:
            self._unpacked.seek(offset)
            data = self._unpacked.read(len(view))
            view[: len(data)] = data
            return len(data)
        size = os.preadv(self._fd, [view], offset)
        return size if self.is_as_it_was(offset + size) else 0

    def blocks(self, begin: int, *, is_final: bool) -> Iterator[Block]:
        """Read lines from `begin` on; a last line without its line break only where the file is final.

        Raises what READ_FAULTS lists.
        """
        data = bytearray(FIRST_BLOCK_BYTES)
        offset, kept = begin, 0
        while True:
            room = len(data) - kept
            with memoryview(data) as view:
                size = self._fill(view[kept:], offset + kept)
            filled = kept + size
            end = data.rfind(b"\n", kept, filled) + 1
            if not end and filled >= LINE_BYTES_MAX:
                end = filled
            if end:
                yield Block(str(self.path), offset, data, end)
                data[: filled - end] = data[end:filled]
                offset += end
            kept = filled - end
            if size < room:
                if kept and is_final:
                    yield Block(str(self.path), offset, data, kept)
                return
            if len(data) < BLOCK_BYTES:
                data.extend(bytes(BLOCK_BYTES - len(data)))
            elif len(data) - kept < BLOCK_BYTES // 2:
                data.extend(bytes(BLOCK_BYTES))


def digest(data: bytes) -> str:
    """A short fingerprint of some bytes: enough to tell files apart, and it gives nothing of them away."""
    return blake2b(data, digest_size=DIGEST_BYTES).hexdigest()


def fault_words(path: Path, fault: BaseException) -> str:
    """Why a file cannot be read, in a sentence."""
    if isinstance(fault, (FileNotFoundError, NotADirectoryError)):
        return f"there is no {path}"
    if isinstance(fault, OSError) and fault.strerror is None:
        return str(fault)
    return f"{path} cannot be read: {fault.strerror if isinstance(fault, OSError) else fault}"
