"""Patterns in a block of whole lines: text by `bytes.find`, expressions only on the lines where their text stands.

An expression that is slow is given less of a long line from then on, and `slow` says so: nothing stands still for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

from orion_deploy.kinds.logs.pattern import WINDOW_BYTES_MIN, Pattern, shown
from orion_deploy.kinds.logs.plan import SAMPLE_BYTES_MIN, Probe, Target, plain_plan, plan

SLOW_MATCH_S = 0.25
"""Of one expression on one line: after this its share of a long line is quartered."""
PLANS_MAX = 8
VAIN_MAX = 1_024
"""A plan by which more than one line in so many bytes is looked at in vain is made anew."""
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
        self._gates: dict[bool, list[Target]] = {False: [], True: []}
        for number, pattern in enumerate(patterns):
            self._gates[pattern.ignore_case] += [(number, gate) for gate in pattern.gates]
        self._plans: dict[bool, tuple[Probe, ...]] = {}
        self._plans_made = 0
        self._vain = 0
        self.slow = ""
        """Which pattern was so slow that of long lines not all of its share was looked at; empty: none."""

    def hits(self, data: bytearray, end: int) -> list[Hit]:
        """The lines of `data[:end]` that any pattern matches, in order, each once.

        `data[:end]` begins with a line; its last one may lack its line break.
        """
        found: dict[int, Hit] = {}
        self._vain = 0
        for folds, gates in self._gates.items():
            if not gates:
                continue
            text = data[:end].lower() if folds else data
            for probe in self._plan(folds, gates, text, end):
                for hit in self._probed(probe, data, text, end, found):
                    found[hit.begin] = hit
        for number, pattern in enumerate(self._patterns):
            if not pattern.gates:
                for hit in self._every(number, data, end, found):
                    found[hit.begin] = hit
        if self._vain > SAMPLE_BYTES_MIN // VAIN_MAX + end // VAIN_MAX:
            self._plans.clear()
        return [found[begin] for begin in sorted(found)]

    def captures(self, data: bytearray, end: int, group: int) -> list[bytes]:
        """What a group of the only pattern captured, in each match: a line may hold several."""
        pattern = self._patterns[0]
        if pattern.is_blockwise:
            found = pattern.regex.findall(data, 0, end)
            return [groups[group - 1] for groups in found] if pattern.regex.groups > 1 else found
        captured = []
        for hit in self.hits(data, end):
            match = hit.match
            while match is not None:
                captured.append(match[group] or b"")
                match = pattern.regex.search(match.string, max(match.end(), match.start() + 1))
        return captured

    def _plan(self, folds: bool, gates: Sequence[Target], text: bytearray, end: int) -> tuple[Probe, ...]:
        if folds not in self._plans:
            if end < SAMPLE_BYTES_MIN:
                return plain_plan(gates)
            self._plans_made += 1
            is_for_good = self._plans_made > PLANS_MAX
            self._plans[folds] = plain_plan(gates) if is_for_good else plan(gates, text[:end])
        return self._plans[folds]

    def _probed(
        self, probe: Probe, data: bytearray, text: bytearray, end: int, found: dict[int, Hit]
    ) -> Iterator[Hit]:
        at = text.find(probe.needle, 0, end)
        while at >= 0:
            begin, stop, last = _line(data, at, end)
            if begin not in found:
                hit = None
                for number, gate in probe.targets:
                    hit = self._held((number, gate), data, text, begin, last)
                    if hit is not None:
                        yield hit
                        break
                self._vain += hit is None
            at = text.find(probe.needle, stop, end)

    def _held(self, target: Target, data: bytearray, text: bytearray, begin: int, last: int) -> Hit | None:
        """Hold one line against a pattern, at each place where its gate stands."""
        number, gate = target
        at = text.find(gate, begin, last)
        while at >= 0:
            if self._patterns[number].is_literal:
                return Hit(begin, last, None)
            half = self._windows[number] // 2
            match = self._match(
                number, data, max(begin, at - half), min(last, max(at + half, begin + 2 * half))
            )
            if match is not None:
                return Hit(begin, last, match)
            if last - at <= half:
                return None
            at = text.find(gate, at + half, last)
        return None

    def _every(self, number: int, data: bytearray, end: int, found: dict[int, Hit]) -> Iterator[Hit]:
        begin = 0
        while begin < end:
            _, stop, last = _line(data, begin, end)
            at = begin
            while begin not in found:
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
        regex, piece = self._patterns[number].regex, bytes(memoryview(data)[begin:end])
        if len(piece) <= WINDOW_BYTES_MIN:
            return regex.search(piece)
        before_s = perf_counter()
        match = regex.search(piece)
        if perf_counter() - before_s > SLOW_MATCH_S:
            self._windows[number] = max(WINDOW_BYTES_MIN, len(piece) // 4)
            pattern = shown(self._patterns[number].text)
            self.slow = f"`{pattern}` takes too long: of a line it is given only {self._windows[number]:,} bytes at a time"
        return match


def _line(data: bytearray, at: int, end: int) -> tuple[int, int, int]:
    """Begin of the line around `at`, where its line break stands, and where its text ends (a CR is none of it)."""
    begin = data.rfind(b"\n", 0, at) + 1
    stop = data.find(b"\n", at, end)
    if stop < 0:
        stop = end
    return begin, stop, stop - 1 if stop > begin and data[stop - 1] == _RETURN else stop
