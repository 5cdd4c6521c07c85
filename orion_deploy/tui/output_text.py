"""The text of an output that may be long, and may still grow: its lines, bounded, decoded only when they are seen."""

from __future__ import annotations

from typing import Protocol

from orion_deploy.text import stripped
from orion_deploy.tui.words import size

BYTES_MAX = 32 * 1024 * 1024
"""Bytes held in memory; an attempt keeps 16 MB by default (run/attempt.py)."""
READ_BYTES = 4 * 1024 * 1024
"""Bytes read at a time; what grows faster is passed by, and a line says so."""
MATCHES_MAX = 100_000


class Readable(Protocol):
    """What can be read here: the output of an attempt, or a part of a log."""

    def size(self) -> int:
        """How many bytes have been produced."""

    def dropped_range(self) -> tuple[int, int] | None:
        """From where to where nothing was kept."""

    def read(self, offset: int, size: int, /) -> bytes:
        """Some of them."""


class OutputText:
    """The lines of one output. `refresh` reads what has come since."""

    def __init__(self, output: Readable) -> None:
        self._output = output
        self._at = 0
        self._held = 0
        self._is_open_line = False
        self.lines: list[bytes] = []

    @property
    def size_bytes(self) -> int:
        """How many bytes have been produced, as far as was read."""
        return self._at

    def refresh(self) -> bool:
        """Read what has come since, at most `READ_BYTES` of it at a time; True when there was something."""
        total = self._output.size()
        if total == self._at:
            return False
        if self._held > BYTES_MAX:
            self.lines = [b"... the beginning is in the attempt's folder ..."]
            self._held, self._is_open_line = 0, False
        gap = self._output.dropped_range()
        if gap is not None and gap[0] <= self._at < gap[1]:
            self._pass_by(gap[1])
        elif self._at and total - self._at > READ_BYTES:
            self._pass_by(total - READ_BYTES)
        data = self._output.read(self._at, READ_BYTES)
        if not data:
            return False
        self._at += len(data)
        self._held += len(data)
        rows = data.split(b"\n")
        if self._is_open_line and self.lines:
            self.lines[-1] += rows.pop(0)
        self._is_open_line = True
        self.lines += rows
        return True

    def read_all(self) -> None:
        """Read everything that is there."""
        while self.refresh():
            pass

    def _pass_by(self, to: int) -> None:
        self.lines.append(f"... {size(to - self._at)} were not kept here ...".encode())
        self._is_open_line = False
        self._at = to

    @property
    def count(self) -> int:
        """How many lines there are; an empty last one is none."""
        return len(self.lines) - bool(self.lines and not self.lines[-1])

    def text(self, number: int) -> str:
        """A line, made safe."""
        return stripped(self.lines[number].decode("utf-8", "replace")).replace("\n", " ")

    def find(self, words: str) -> list[int]:
        """The lines that hold the words, in any case of ASCII letters; at most `MATCHES_MAX`."""
        wanted = words.encode("utf-8", "replace").lower()
        if not wanted:
            return []
        found: list[int] = []
        for number, row in enumerate(self.lines):
            if wanted in row.lower():
                found.append(number)
                if len(found) >= MATCHES_MAX:
                    break
        return found
