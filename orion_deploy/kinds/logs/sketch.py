"""Percentiles of any number of samples in bounded space, by the library ddsketch; and those of the last few minutes.

A percentile is told within ACCURACY of its true value, as long as the samples span no more than BINS_MAX bins (a
factor of 700 million between the least and the greatest that count): below that the least are taken together.
"""

from __future__ import annotations

from collections.abc import Sequence

from ddsketch.ddsketch import BaseDDSketch
from ddsketch.mapping import LogarithmicMapping
from ddsketch.store import CollapsingLowestDenseStore

from orion_deploy.kinds.verdict import Json

ACCURACY = 0.005
"""Relative error of a percentile, at most."""
BINS_MAX = 2_048
WINDOW_PARTS = 10
"""A window slides by a tenth of itself."""


class Sketch:
    """Counts samples, which are not negative, in bins of equal relative width."""

    def __init__(self, state: Json = None) -> None:
        """An empty one, or one from its `state()`. Raises ValueError or TypeError where that cannot be understood."""
        self._store = CollapsingLowestDenseStore(BINS_MAX)
        self._zeros, self.greatest = 0.0, 0.0
        if state is not None:
            if not isinstance(state, list) or len(state) % 2 or len(state) > 2 * BINS_MAX + 2:
                raise TypeError("no state of a sketch")
            zeros, greatest, *bins = (_number(n) for n in state)
            self._zeros, self.greatest, key = zeros, greatest, 0
            for step, count in zip(bins[::2], bins[1::2], strict=True):
                key += int(step)
                self._store.add(key, count)
        mapping = LogarithmicMapping(ACCURACY)
        self._least: float = mapping.min_possible
        """What is not above this counts as nothing."""
        self._sketch = BaseDDSketch(mapping, self._store, CollapsingLowestDenseStore(1), self._zeros)

    @property
    def count(self) -> int:
        """Samples so far."""
        return int(self._sketch.count)

    def add(self, value: float, count: int = 1) -> None:
        """Count samples of one value, which is finite and not negative."""
        if value <= self._least:
            self._zeros += count
        self.greatest = max(self.greatest, value)
        self._sketch.add(value, count)

    def merge(self, other: Sketch) -> None:
        """Count all samples of another sketch too."""
        self._zeros += other._zeros
        self.greatest = max(self.greatest, other.greatest)
        self._sketch.merge(other._sketch)

    def percentile(self, percent: float) -> float | None:
        """The sample below which so many percent lie, within ACCURACY; None where there is no sample."""
        value = self._sketch.get_quantile_value(percent / 100)
        return None if value is None else min(float(value), self.greatest)

    def state(self) -> list[Json]:
        """Everything in it: zeros, the greatest, and of each bin the distance from the last one and its count."""
        kept: list[Json] = [int(self._zeros), self.greatest]
        before = 0
        for index, count in enumerate(self._store.bins):
            if count:
                key = index + self._store.offset
                kept += [key - before, int(count)]
                before = key
        return kept


class Window:
    """The samples of the last `window_s` seconds, by the time at which they were read, a tenth at a time."""

    def __init__(self, window_s: float) -> None:
        """An empty one."""
        self._part_s = window_s / WINDOW_PARTS
        self._parts: list[tuple[int, Sketch]] = []
        self._closed = Sketch()
        """All parts but the newest, together."""

    def at(self, now: float) -> Sketch:
        """The sketch into which samples go that are read now; what is too old is let go."""
        number = int(now // self._part_s)
        newest = self._parts[-1][0] if self._parts else None
        if newest is not None and number < newest:  # the clock was set back
            self._parts = [(n - newest + number, part) for n, part in self._parts]
            newest = number
        if number != newest:
            self._parts = [(n, part) for n, part in self._parts if n > number - WINDOW_PARTS]
            self._closed = Sketch()
            for _, part in self._parts:
                self._closed.merge(part)
            self._parts.append((number, Sketch()))
        return self._parts[-1][1]

    def all(self) -> Sketch:
        """All samples of the window."""
        whole = Sketch()
        whole.merge(self._closed)
        if self._parts:
            whole.merge(self._parts[-1][1])
        return whole

    def state(self) -> list[Json]:
        """Everything in it."""
        return [[number, part.state()] for number, part in self._parts]

    def resume(self, state: Sequence[Json]) -> None:
        """Go on. Raises ValueError or TypeError where the state cannot be understood."""
        parts: list[tuple[int, Sketch]] = []
        for item in state[-WINDOW_PARTS:]:
            if not isinstance(item, list):
                raise TypeError("no state of a window")
            number, kept = item
            parts.append((int(_number(number)), Sketch(kept)))
        self._parts = parts
        self._closed = Sketch()
        for _, part in parts[:-1]:
            self._closed.merge(part)


def _number(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{value!r} is no number")
    return value
