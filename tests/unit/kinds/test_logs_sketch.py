"""Percentiles in bounded space: how far off they are, and that a sketch goes on from its state."""

from __future__ import annotations

import json
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orion_deploy.kinds.logs.sketch import ACCURACY, BINS_MAX, WINDOW_PARTS, Sketch, Window
from orion_deploy.kinds.verdict import Json
from orion_deploy.kinds.watching import STATE_BYTES_MAX

SAMPLES = st.lists(st.floats(0.001, 100_000), min_size=1, max_size=300)


def exact(samples: list[float], percent: float) -> float:
    """The sample at this rank."""
    return sorted(samples)[math.floor(percent / 100 * (len(samples) - 1))]


@settings(deadline=None)
@given(SAMPLES, st.floats(0.1, 100))
def test_a_percentile_is_within_its_error(samples: list[float], percent: float) -> None:
    """Whatever the samples: at most ACCURACY off the sample at that rank."""
    sketch = Sketch()
    for value in samples:
        sketch.add(value)
    assert sketch.count == len(samples)
    assert sketch.percentile(percent) == pytest.approx(exact(samples, percent), rel=ACCURACY * 1.0001)


@settings(deadline=None)
@given(SAMPLES, st.lists(st.floats(0, 10), max_size=50))
def test_a_sketch_goes_on_from_its_state(before: list[float], after: list[float]) -> None:
    """Kept as JSON and taken up again, it is as if it had never been put down; zeros are samples too."""
    one, other = Sketch(), Sketch()
    for value in before:
        one.add(value)
        other.add(value)
    other = Sketch(json.loads(json.dumps(other.state())))
    for value in after:
        one.add(value)
        other.add(value)
    assert one.state() == other.state()
    assert (one.count, one.greatest) == (other.count, other.greatest)
    for percent in (1, 50, 95, 100):
        assert one.percentile(percent) == other.percentile(percent)


def test_two_million_samples_take_no_more_room_than_a_few() -> None:
    """A day of latencies with tails over six decades stays in its bins, and exact within the error."""
    chance = random.Random(4)
    sketch = Sketch()
    samples = [chance.lognormvariate(0, 2) for _ in range(100_000)]
    for value in samples:
        sketch.add(value, 20)
    assert sketch.count == 2_000_000
    assert len(sketch.state()) <= 2 * BINS_MAX + 2
    for percent in (50, 95, 99, 99.9):
        assert sketch.percentile(percent) == pytest.approx(exact(samples, percent), rel=0.01)


def test_the_widest_window_fits_into_the_state() -> None:
    """Ten parts, each with every bin in use, are within what an observer may keep."""
    window = Window(600)
    for number in range(WINDOW_PARTS):
        part = window.at(1_000_000 + number * 60)
        for bin_number in range(BINS_MAX):
            part.add(1e-4 * 1.0101**bin_number, 100)
    assert len(json.dumps(window.state())) < STATE_BYTES_MAX * 0.9


def test_a_window_forgets() -> None:
    """What is older than the window is let go; a clock that is set back loses nothing of it."""
    window = Window(600)
    window.at(1_000_000).add(100.0, 50)
    assert window.all().count == 50
    window.at(1_000_000 + 300).add(1.0, 50)
    assert window.all().percentile(95) == pytest.approx(100, rel=ACCURACY)
    window.at(1_000_000 - 7_200).add(1.0, 50)
    assert window.all().count == 150
    window.at(1_000_000 - 7_200 + 301)
    assert window.all().count == 100
    again = Window(600)
    again.resume(json.loads(json.dumps(window.state())))
    assert again.all().state() == window.all().state()
    window.at(2_000_000)
    assert window.all().count == 0


def test_a_damaged_state_is_refused() -> None:
    """It raises, and counts nothing that is none."""
    states: tuple[Json, ...] = (3, [1], [0, "x"], [0, 1.0, "a", 2])
    for state in states:
        with pytest.raises((TypeError, ValueError)):
            Sketch(state)
    with pytest.raises((TypeError, ValueError)):
        Window(600).resume([3])
