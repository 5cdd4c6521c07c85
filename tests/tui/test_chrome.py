"""The strip that never leaves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orion_deploy.tui.board import Totals
from orion_deploy.tui.chrome import StripFacts, estimate_s, strip_lines
from orion_deploy.tui.lines import text_of, width_of

FACTS = StripFacts(
    title="Release 2.4 of the web shop",
    run="2026-01-29-2231",
    cwd="~/shop",
    totals=Totals(5, 9, 1, 1, 1, 0, 0, 0),
    elapsed_s=725,
    estimate="15-30 minutes",
    rollback="ready",
)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
def test_the_strip_fits_and_never_loses_the_way_back(width: int) -> None:
    """In any width: two lines that fit, with ROLLBACK, the count, and what is outstanding."""
    for facts in (
        FACTS,
        replace(FACTS, title="x" * 300, cwd="/" + "y" * 300, estimate="z" * 300, running="w" * 90),
    ):
        first, second = strip_lines(facts, width)
        assert width_of(first) <= width
        assert "R ROLLBACK" in text_of(first)
        assert "5 of 9 settled" in text_of(second)
        if width >= 80:
            assert width_of(second) <= width
            for word in ("1 unknown", "1 override", "1 skipped"):
                assert word in text_of(second)


def test_the_strip_says_that_time_is_over() -> None:
    """Past the upper bound of the estimate the strip says so in a word."""
    assert "12 min of 15-30 minutes" in text_of(strip_lines(FACTS, 120)[1])
    assert "31 min of 15-30 minutes, over" in text_of(strip_lines(replace(FACTS, elapsed_s=1860), 120)[1])


def test_rolling_back_is_said_instead_of_offered() -> None:
    """Once the run has turned back, the strip says since when."""
    text = text_of(strip_lines(replace(FACTS, rollback="entered", rollback_at=0.0, now=0.0), 100)[0])
    assert "ROLLING BACK since" in text
    assert "no rollback section" in text_of(strip_lines(replace(FACTS, rollback="none"), 100)[0])


def test_who_looks_on_sees_that_all_the_time() -> None:
    """The banner takes the place of the way back, which one who looks on cannot go."""
    text = text_of(strip_lines(replace(FACTS, only_looks="LOOKING ON: ann@shop since 22:31:00"), 80)[0])
    assert "LOOKING ON: ann@shop since 22:31:00" in text
    assert "ROLLBACK" not in text


def test_a_strip_with_nothing_outstanding_says_so() -> None:
    """Silence is no statement."""
    assert "nothing outstanding" in text_of(
        strip_lines(replace(FACTS, totals=Totals(0, 9, 0, 0, 0, 0, 0, 0)), 80)[1]
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("15-30 minutes", 1800),
        ("2 h", 7200),
        ("about 1.5 hours", 5400),
        ("45 sec", 45),
        ("15 to 30 minutes, and a day", 1800),
        ("soon", None),
    ],
)
def test_estimates_in_words(text: str, seconds: float | None) -> None:
    """The upper bound of what people write."""
    assert estimate_s(text) == seconds
