"""How a watch is told: its word, its value against its limit, its trend, what nobody saw, what fired."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.watched import DAY_S, HOUR_S, NOW, record, seen

from orion_deploy.kinds.verdict import Outcome, Verdict
from orion_deploy.run.watches.record import Clocks, Firing, Gap, Line, Point
from orion_deploy.run.watches.standing import Seen, Standing, Summary, summary
from orion_deploy.run.words import moment
from orion_deploy.tui.lines import text_of, width_of
from orion_deploy.tui.trend import GAP, columns, trend
from orion_deploy.tui.watch_lines import row_words, watch_head, watch_tail

FIRED = (Firing(NOW - 600, "p95 of the last 10 min is 12.6 ms, above 10 ms", "12.6 ms"),)


def told(watch: Seen, width: int = 100) -> str:
    """The head as text."""
    return "\n".join(text_of(row) for row in watch_head(watch, NOW, width))


@pytest.mark.parametrize(
    ("watch", "word"),
    [
        (seen(), Standing.WATCHING),
        (seen(fired=FIRED, fired_count=1), Standing.FIRED),
        (seen(is_kept=False, looked=Clocks(wall=NOW - 60)), Standing.UNWATCHED),
        (seen(is_kept=False), Standing.WATCHING),
        (seen(looked=Clocks(wall=NOW - 600)), Standing.UNWATCHED),
        (seen(ended_at=NOW), Standing.PASSED),
        (
            seen(ended={"ending": "finished", "why": "elapsed", "verdict": Verdict(Outcome.PASSED, "well")}),
            Standing.PASSED,
        ),
        (
            seen(
                ended={"ending": "finished", "why": "stopped", "verdict": Verdict(Outcome.UNDECIDED, "early")}
            ),
            Standing.EARLY,
        ),
        (
            seen(
                ended={"ending": "finished", "why": "turned back", "verdict": Verdict(Outcome.FAILED, "no")}
            ),
            Standing.FAILED,
        ),
    ],
)
def test_a_watch_has_one_word(watch: Seen, word: Standing) -> None:
    """What nobody looks at is never called watched, what fired says so, and what ended says how; a change of keepers is no alarm."""
    assert watch.standing(NOW) is word


def test_a_watch_tells_value_limit_time_and_what_is_missing() -> None:
    """Value against limit, time watched and left, when it is due, gaps with why and length: all in words."""
    gap = Gap(NOW - 3600, NOW - 2880, 720.0, "the machine slept")
    text = told(seen(gaps=(gap,), gaps_count=1, gap_s=720.0))
    assert "◔ watching  2 h of 24 h watched, 22 h left, due " in text
    assert moment(NOW - 1 + 22 * HOUR_S, NOW) in text
    assert "p95 2.1 ms of 198  limit 10 ms" in text
    assert "1 gap, 12 min not watched" in text
    assert f"{moment(gap.at, NOW)} to {moment(gap.until, NOW)}, 12 min: the machine slept" in text
    assert "fired     never" in text
    assert "passed" not in text.replace("p95", "")


def test_where_nobody_watches_that_is_said_before_all_else() -> None:
    """No due time, no word of being watched, and the time since the last look counts as missing."""
    text = told(seen(is_kept=False, looked=Clocks(wall=NOW - 1500)))
    assert text.startswith("! NOBODY WATCHES")
    assert "due" not in text
    assert "last looked 25 min ago" in text
    assert f"no gaps until {moment(NOW - 1500, NOW)}, and since then nobody has looked" in text


def test_what_fired_says_since_when_or_until_when() -> None:
    """A reason that is still seen, and one that has gone, differ."""
    assert "! since " in told(seen(fired=FIRED, fired_count=1))
    over = (Firing(NOW - 600, "too slow", "12 ms", NOW - 300),)
    text = told(seen(fired=over, fired_count=7))
    assert "! since" not in text
    assert " to " in text
    assert "and 6 earlier" in text


def test_hostile_text_of_a_log_stays_text() -> None:
    """Whatever a log or a program says: no control character reaches a line, and no line is too wide."""
    bad = "\x1b]52;c;cm0gLXJm\x07 \u202eevil\n[@click=app.quit]x[/]" + "w" * 2000
    lines = tuple(Line(NOW, bad, bad, 5) for _ in range(5))
    watch = seen(
        shown=bad, unit=bad, lost=bad, lines=lines, fired=(Firing(NOW, bad, bad),), fired_count=1,
        gaps=(Gap(NOW - 9, NOW, None, bad),), gaps_count=1, verdict=Verdict(Outcome.FAILED, bad).to_json(),
        points=(Point(NOW - 60, 1, 2, 1), Point(NOW - 30, 1, 2, 1)),
    )  # fmt: skip
    for width in (30, 80, 200):
        rows = [*watch_head(watch, NOW, width), *watch_tail(lines, NOW, 8, width)]
        assert all(text_of(row).isprintable() for row in rows)
        assert all(width_of(row) <= width for row in rows)
    sign, wordings = row_words(watch, NOW)
    assert sign.word == "fired"
    assert all(words.isprintable() and len(words) <= 24 for words in wordings)


POINTS = st.lists(st.tuples(st.integers(0, 86_400), st.integers(-9_999, 9_999)), max_size=12).map(
    lambda pairs: tuple(Point(NOW - DAY_S + at, value, value, value) for at, value in sorted(pairs))
)
GAPS = st.lists(st.tuples(st.integers(0, 86_400), st.integers(0, 86_400)), max_size=3).map(
    lambda pairs: tuple(Gap(NOW - DAY_S + min(p), NOW - DAY_S + max(p), None, "why") for p in pairs)
)


@given(POINTS, GAPS, st.integers(0, 120))
def test_a_trend_is_as_wide_as_asked_and_shows_every_value(
    points: tuple[Point, ...], gaps: tuple[Gap, ...], width: int
) -> None:
    """Any values, gaps and width: so many columns, the highest value among them, and a gap where nothing was seen."""
    watch = record(started_at=NOW - DAY_S, looked=Clocks(wall=NOW), points=points, gaps=gaps)
    cells = columns(watch, width)
    assert len(cells) == width
    assert width_of(trend(watch, width)) == width
    if width and points:
        assert max(c for c in cells if isinstance(c, float)) == max(p.high for p in points)
    if width and gaps and not points:
        assert GAP in cells


def test_a_gap_is_seen_in_the_trend() -> None:
    """Time that nobody saw is hatched, neither low nor empty."""
    points = tuple(Point(NOW - 7200 + 60 * n, 1, 1, 1) for n in (*range(40), *range(80, 120)))
    gap = Gap(NOW - 7200 + 40 * 60, NOW - 7200 + 80 * 60, 2400.0, "nobody watched")
    text = text_of(trend(record(points=points, gaps=(gap,), point_s=60.0), 60))
    assert 18 <= text.count(GAP) <= 22
    assert text.startswith("▁")
    assert text.endswith("▁")


def test_the_line_about_all_watches_says_the_worst_first() -> None:
    """Nothing, how many and how long, that one fired, that nobody watches: in this order of loudness."""
    assert summary([], NOW) == Summary()
    assert summary([seen(), seen(observed_s=9 * HOUR_S)], NOW).text == "2 watches, 22 h left"
    fired = summary([seen(), seen(fired=FIRED, fired_count=1)], NOW)
    assert (fired.text, fired.is_alarm) == ("1 of 2 watches FIRED", True)
    long_ago = Clocks(wall=NOW - 60)
    alone = summary([seen(is_kept=False, looked=long_ago)], NOW)
    assert (alone.text, alone.is_alarm) == ("NOBODY WATCHES, 1 watch", True)
    both = summary([seen(is_kept=False, looked=long_ago, fired=FIRED, fired_count=1)], NOW)
    assert both.text == "WATCH FIRED, NOBODY WATCHES"


@pytest.mark.parametrize(
    ("ahead_s", "form"), [(60, "HH:MM"), (2 * DAY_S, "ddd HH:MM"), (30 * DAY_S, "YYYY-MM-DD HH:MM")]
)
def test_a_moment_has_the_day_that_one_needs(ahead_s: float, form: str) -> None:
    """Today the hour, within a week the day of the week, beyond it the date."""
    assert len(moment(NOW + ahead_s, NOW)) == len(form)
