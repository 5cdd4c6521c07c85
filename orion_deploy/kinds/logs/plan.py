"""Which bytes to look for, so that every line with a gate is met and few others are: it changes the speed, never what is found.

One pass over a block is needed for each thing that is looked for. A byte that the log hardly ever has is found several
times faster than a text, and one text that several gates have in common saves a pass for each but the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from time import thread_time_ns

SAMPLE_BYTES_MIN = 64 * 1024
"""In less than this nothing can be said of how often something stands in a log."""
RARE = 4_096
"""Rare is what stands at most once in so many bytes."""
SHARED_BYTES_MIN = 5
NEEDLE_BYTES_MIN = 4
GATES_SHARED_MAX = 16
"""With more gates, what they share is not looked for."""

Target = tuple[int, bytes]
"""A gate, and the number of its pattern."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Bytes to look for, and the gates that a line may hold where they stand."""

    needle: bytes
    targets: tuple[Target, ...]


def plain_plan(gates: Iterable[Target]) -> tuple[Probe, ...]:
    """Each gate for itself."""
    return _grouped((gate, (number, gate)) for number, gate in gates)


def plan(gates: Sequence[Target], sample: bytearray) -> tuple[Probe, ...]:
    """The same gates, by the rarest thing that each holds, as a part of the log shows."""
    rare_max = len(sample) // RARE
    chosen: list[tuple[bytes, Target]] = []
    rest: list[Target] = []
    counts: dict[int, int] = {}
    for number, gate in gates:
        for byte in gate:
            if byte not in counts:
                counts[byte] = sample.count(byte)
        rarest = min(gate, key=lambda byte: counts[byte])
        if counts[rarest] <= rare_max:
            chosen.append((bytes((rarest,)), (number, gate)))
        else:
            rest.append((number, gate))
    while 2 <= len(rest) <= GATES_SHARED_MAX:
        shared = max(
            (_common(one[1], other[1]) for at, one in enumerate(rest) for other in rest[at + 1 :]), key=len
        )
        if len(shared) < SHARED_BYTES_MIN or sample.count(shared) > rare_max:
            break
        chosen += [(shared, target) for target in rest if shared in target[1]]
        rest = [target for target in rest if shared not in target[1]]
    chosen += [(target[1], target) for target in rest]
    return tuple(Probe(_quickest(p.needle, sample, rare_max), p.targets) for p in _grouped(chosen))


def _quickest(needle: bytes, sample: bytearray, rare_max: int) -> bytes:
    """The beginning of a text that is found in the least time: how far `bytes.find` can skip hangs on where it ends.

    It is tried, because the rule is the library's own; it saves up to a quarter of the time.
    """
    tried = sample[:SAMPLE_BYTES_MIN]
    best, best_ns = needle, 0
    for end in range(len(needle), NEEDLE_BYTES_MIN - 1, -1):
        taken_ns = min(_find_ns(needle[:end], tried) for _ in range(2))
        is_better = not best_ns or taken_ns < best_ns
        if is_better and (end == len(needle) or sample.count(needle[:end]) <= rare_max):
            best, best_ns = needle[:end], taken_ns
    return best


def _find_ns(needle: bytes, tried: bytearray) -> int:
    before_ns = thread_time_ns()
    tried.count(needle)
    return thread_time_ns() - before_ns


def _grouped(chosen: Iterable[tuple[bytes, Target]]) -> tuple[Probe, ...]:
    by_needle: dict[bytes, list[Target]] = {}
    for needle, target in chosen:
        by_needle.setdefault(needle, []).append(target)
    return tuple(Probe(needle, tuple(targets)) for needle, targets in by_needle.items())


def _common(one: bytes, other: bytes) -> bytes:
    """The longest text that stands in both."""
    best = b""
    for begin in range(len(one)):
        while begin + len(best) < len(one) and one[begin : begin + len(best) + 1] in other:
            best = one[begin : begin + len(best) + 1]
    return best
