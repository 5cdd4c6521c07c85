"""A program that writes numbered lines to a log and rotates it, in the ways that programs and logrotate do.

`python rotating.py LOG SEED SECONDS WAY...` prints the number of lines that it has written.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import random
import shutil
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

PACKERS: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
KEPT_MAX = 400
pause = threading.Event().wait
"""A program does not write all the time."""


class Writer:
    """Writes lines `n=0 ...`, `n=1 ...` to a log, each whole."""

    def __init__(self, log: Path, seed: int) -> None:
        self.log = log
        self.lines = 0
        self.random = random.Random(seed)
        self._fd = self._open()

    def _open(self) -> int:
        return os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, count: int = 1) -> None:
        """Write lines, now and then in two pieces."""
        for _ in range(count):
            text = f"n={self.lines} {'x' * self.random.choice((0, 10, 80, 80, 3000))}\n".encode()
            self.lines += 1
            cut = self.random.randrange(len(text)) if self.random.random() < 0.1 else len(text)
            os.write(self._fd, text[:cut])
            if cut < len(text):
                os.write(self._fd, text[cut:])

    def _numbered(self, number: int) -> Path:
        return self.log.with_name(f"{self.log.name}.{number}")

    def shift(self) -> None:
        """`.1` becomes `.2`, and so on, compressed ones too."""
        for number in range(KEPT_MAX, 0, -1):
            for ending in ("", *(f".{packer}" for packer in PACKERS)):
                one = self._numbered(number)
                here = one.with_name(one.name + ending)
                if here.exists():
                    below = self._numbered(number + 1)
                    here.rename(below.with_name(below.name + ending))

    def pack(self) -> None:
        """Compress one of the rotated files, as gzip does: beside it, with its time, then it goes."""
        plain = [
            p for p in self.log.parent.glob(f"{self.log.name}.*") if p.suffix[1:] not in (*PACKERS, "part")
        ]
        if not plain:
            return
        one = self.random.choice(plain)
        packer = self.random.choice(list(PACKERS))
        packed = one.with_name(f"{one.name}.{packer}")
        data, times = one.read_bytes(), one.stat()
        squeezed = PACKERS[packer](data)
        with packed.open("wb", buffering=0) as file:
            file.write(squeezed[: len(squeezed) // 2])
            file.write(squeezed[len(squeezed) // 2 :])
        os.utime(packed, ns=(times.st_atime_ns, times.st_mtime_ns))
        one.unlink()

    def rename(self) -> None:
        """The log gets another name, the program goes on with its old file for a while, then makes a new one."""
        self.shift()
        self.log.rename(self._numbered(1))
        self.write(self.random.randrange(3))
        self._reopen()

    def create(self) -> None:
        """The same, but the new file is there before the program turns to it."""
        self.shift()
        self.log.rename(self._numbered(1))
        self.log.touch(0o600)
        for _ in range(self.random.randrange(4)):
            self.write()
            pause(self.random.choice((0, 0.003)))
        self._reopen()

    def dated(self) -> None:
        """The rotated file has a date to its name."""
        self.log.rename(self.log.with_name(f"{self.log.name}-20261125-{time.time_ns()}"))
        self._reopen()

    def copytruncate(self) -> None:
        """The log is copied, then emptied; the program, which writes only whole lines, waits meanwhile."""
        self.shift()
        copy = self._numbered(1)
        with self.log.open("rb") as source, copy.open("wb", buffering=0) as target:
            while piece := source.read(self.random.choice((100, 4096, 1 << 20))):
                target.write(piece)
        if self.random.random() < 0.3:
            shutil.copystat(self.log, copy)
        os.truncate(self.log, 0)

    def _reopen(self) -> None:
        os.close(self._fd)
        self._fd = self._open()


def main(arguments: list[str]) -> int:
    """Write and rotate for so many seconds."""
    log, seed, seconds, *ways = arguments
    writer = Writer(Path(log), int(seed))
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        writer.write(writer.random.choice((0, 1, 1, 2, 5, 30)))
        if writer.random.random() < 0.1:
            getattr(writer, writer.random.choice(ways))()
        if writer.random.random() < 0.5:
            pause(writer.random.choice((0, 0.001, 0.005)))
    sys.stdout.write(f"{writer.lines}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
