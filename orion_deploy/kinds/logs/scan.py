"""Patterns in a block of whole lines, each line counted once: text by `bytes.find`, expressions only where it stands.

Nothing is lost to an expression that is slow: what it is given of a long line gets shorter, and `slow` says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

from orion_deploy.kinds.logs.pattern import WINDOW_BYTES_MIN, Pattern, shown

SLOW_MATCH_S = 0.25
"""Of one expression on one line: after this its share of a long line is quartered."""
_LINE_FEED = 10
_RETURN = 13


@dataclass(frozen=True, slots=True)
class Hit:
    """A line that a pattern matches: where it stands in the block, without its line break."""

    begin: int
    end: int
    match: re.Match[bytes] | None
    """None where the pattern is plain text."""


class Scanner:
    """Looks for several patterns in blocks of lines."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        """At least one pattern."""
        self._patterns = tuple(patterns)
        self._windows = [pattern.window_bytes for pattern in patterns]
        self._folds = any(pattern.ignore_case and pattern.gates for pattern in patterns)
        self.slow = ""
        """Which pattern was so slow that of long lines not all of its share was looked at; empty: none."""

    def hits(self, data: bytearray, end: int) -> list[Hit]:
        """The lines of `data[:end]` that any pattern matches, in order, each once (by the first that matches it).

        `data[:end]` begins with a line; its last one may lack its line break.
        """
        folded = data.lower() if self._folds else data
        found: dict[int, Hit] = {}
        for number, pattern in enumerate(self._patterns):
            lines = (
                self._gated(number, data, folded if pattern.ignore_case else data, end, found)
                if pattern.gates
                else self._every(number, data, end, found)
            )
            for hit in lines:
                found[hit.begin] = hit
        return [found[begin] for begin in sorted(found)] if len(self._patterns) > 1 else list(found.values())

    def _gated(
        self, number: int, data: bytearray, text: bytearray, end: int, found: dict[int, Hit]
    ) -> Iterator[Hit]:
        pattern = self._patterns[number]
        for gate in pattern.gates:
            at = text.find(gate, 0, end)
            while at >= 0:
                begin = data.rfind(b"\n", 0, at) + 1
                stop = data.find(b"\n", at, end)
                if stop < 0:
                    stop = end
                next_at = stop
                if begin not in found:
                    last = stop - 1 if stop > begin and data[stop - 1] == _RETURN else stop
                    if pattern.is_literal:
                        yield Hit(begin, last, None)
                    else:
                        half = self._windows[number] // 2
                        match = self._match(
                            number, data, max(begin, at - half), min(last, max(at + half, begin + 2 * half))
                        )
                        if match is not None:
                            yield Hit(begin, last, match)
                        elif stop - at > half:
                            next_at = at + half
                at = text.find(gate, next_at, end)

    def _every(self, number: int, data: bytearray, end: int, found: dict[int, Hit]) -> Iterator[Hit]:
        begin = 0
        while begin < end:
            stop = data.find(b"\n", begin, end)
            if stop < 0:
                stop = end
            last = stop - 1 if stop > begin and data[stop - 1] == _RETURN else stop
            if begin not in found:
                at = begin
                while True:
                    window = self._windows[number]
                    match = self._match(number, data, at, min(last, at + window))
                    if match is not None:
                        yield Hit(begin, last, match)
                        break
                    at += window // 2
                    if last - at <= window // 2:
                        break
            begin = stop + 1

    def _match(self, number: int, data: bytearray, begin: int, end: int) -> re.Match[bytes] | None:
        pattern = self._patterns[number]
        piece = bytes(memoryview(data)[begin:end])
        if len(piece) <= WINDOW_BYTES_MIN:
            return pattern.regex.search(piece)
        before_s = perf_counter()
        match = pattern.regex.search(piece)
        if perf_counter() - before_s > SLOW_MATCH_S:
            self._windows[number] = max(WINDOW_BYTES_MIN, len(piece) // 4)
            self.slow = f"`{shown(pattern.text)}` takes too long: of a line it is given only {self._windows[number]:,} bytes at a time"
        return match
