"""A file copied exactly: while its bytes are written, what was written is read back, compared, hashed, and brought to the disk.

Copying, comparing and syncing go on at once, each in a thread that leaves the interpreter to the others; whoever
copies can go on looking at the copy, and asks at the end whether it holds.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sys
import threading
from pathlib import Path
from typing import Self

from orion_deploy.errors import RefusedError
from orion_deploy.kinds.base import Context
from orion_deploy.kinds.durable import sync_file
from orion_deploy.kinds.sqlite.copying import COPY_STEP_BYTES, HASH_STEP_BYTES, Cancelled, Source

WAIT_S = 0.1


class Copying:
    """One copy of an open file into `part`, which exists. Use it as a context; at its end nothing of it goes on."""

    def __init__(self, source: Source, part: Path, context: Context, message: str) -> None:
        """Raises OSError where `part` cannot be opened."""
        self._source = source.descriptor
        self._size = os.fstat(self._source).st_size
        self._target = os.open(part, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        self._context = context
        self._message = message
        self._change = threading.Condition()
        self._copied = 0
        self._is_over = False
        self._fault: Exception | None = None
        self._digest = hashlib.sha256()
        self._threads = [
            threading.Thread(target=self._guarded, args=(work,), daemon=True)
            for work in (self._compare, self._sync)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._change:
            self._is_over = True
            self._change.notify_all()
        for thread in self._threads:
            thread.join()
        os.close(self._target)

    def copy(self) -> None:
        """Copy every byte; comparing and syncing may still go on afterwards. Raises Cancelled, or OSError."""
        done = 0
        while done < self._size:
            done += _copy_some(self._source, self._target, done, self._size - done)
            with self._change:
                self._copied = done
                self._change.notify_all()
            self._context.progress(done, self._size, self._message)
            self._go_on()

    def result(self) -> str:
        """Wait until all of it was compared and is on the disk; returns the sha256 of both files.

        Raises Cancelled; RefusedError where the copy is not what was copied; or OSError.
        """
        for thread in self._threads:
            while thread.is_alive():
                thread.join(WAIT_S)
                self._go_on()
        if self._fault is not None:
            raise self._fault
        return self._digest.hexdigest()

    def _go_on(self) -> None:
        if self._context.is_cancelled():
            raise Cancelled
        if self._fault is not None:
            raise self._fault

    def _guarded(self, work: object) -> None:
        try:
            assert callable(work)
            work()
        except Exception as fault:  # it is raised again where the copy is asked for
            self._fault = self._fault or fault

    def _wait_beyond(self, offset: int) -> int:
        """Wait until more than `offset` bytes are copied; returns how many, or `offset` when it is over."""
        with self._change:
            self._change.wait_for(lambda: self._copied > offset or self._is_over)
            return offset if self._is_over else self._copied

    def _compare(self) -> None:
        offset = 0
        while offset < self._size:
            until = self._wait_beyond(offset)
            if until == offset:
                return
            while offset < until and not self._is_over:
                wanted = min(HASH_STEP_BYTES, until - offset)
                written = os.pread(self._target, wanted, offset)
                if not written or os.pread(self._source, len(written), offset) != written:
                    raise RefusedError(
                        "the copy is not what was copied: the disk or its cable is at fault; nothing was kept"
                    )
                self._digest.update(written)
                offset += len(written)

    def _sync(self) -> None:
        """Have the disk write while the rest is copied, and at the end all that is left."""
        offset = 0
        while offset < self._size:
            until = self._wait_beyond(offset)
            if until == offset:
                return
            offset = until
            if offset < self._size and sys.platform.startswith("linux"):
                os.fdatasync(self._target)
        sync_file(self._target)


def copy_file(source: Source, part: Path, context: Context, message: str) -> str:
    """Copy a file's bytes to `part` (which exists), compare, sync, and return the sha256 of both.

    Raises Cancelled, RefusedError, or OSError.
    """
    with Copying(source, part, context, message) as copying:
        copying.copy()
        return copying.result()


def _copy_some(source: int, target: int, offset: int, left: int) -> int:
    wanted = min(COPY_STEP_BYTES, left)
    if hasattr(os, "copy_file_range"):
        try:
            copied = os.copy_file_range(source, target, wanted, offset, offset)
            if copied:
                return copied
        except OSError as fault:
            if fault.errno not in (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM):
                raise
    data = os.pread(source, wanted, offset)
    if not data:
        raise OSError(errno.EIO, "the database became shorter while it was copied")
    view, at = memoryview(data), offset
    while view:
        written = os.pwrite(target, view, at)
        view, at = view[written:], at + written
    return len(data)
