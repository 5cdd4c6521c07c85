"""A watch as lines: how it stands, value against limit, trend, time, what nobody saw, what fired, the last lines. Pure.

Texts of a record are hostile: each goes through `plain_line` here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from orion_deploy.run.watches.record import Gap, WatchRecord
from orion_deploy.run.watches.record import Line as LogLine
from orion_deploy.run.watches.standing import SIGNS, Seen, Standing, gaps_in_words, number, progress
from orion_deploy.run.words import Sign, length, moment
from orion_deploy.text import plain_line
from orion_deploy.tui.lines import Line, Span, bounded, fit, line, width_of, wrap
from orion_deploy.tui.page import LABEL_COLUMNS, labelled_wrap
from orion_deploy.tui.trend import GAP, extremes, trend
from orion_deploy.tui.words import OUTCOMES, clock

if TYPE_CHECKING:
    from orion_deploy.run.watches.notify import Told

FIRINGS_SHOWN_MAX = 3
GAPS_SHOWN_MAX = 2
TREND_COLUMNS_MAX = 60
ROW_RIGHT_COLUMNS_MAX = 24
WORD_COLUMNS, VALUE_COLUMNS, ROW_TREND_COLUMNS, TIME_COLUMNS = 13, 20, 14, 16
WITH_TREND_COLUMNS, WITH_TIME_COLUMNS = 68, 96
"""From which width on a row of the watch screen has them."""
FINE_SO_FAR = Sign("✓", "fine", "ok")
"""A watch under way has not passed: only its end says that."""


def sign_of(seen: Seen, now: float) -> Sign:
    """Glyph and word of a watch."""
    return SIGNS[seen.standing(now)]


def row_words(seen: Seen, now: float) -> tuple[Sign, tuple[str, ...]]:
    """What a row of the outline says of an open watch: its sign, and at the right the time left, or the value.

    The longest that leaves the title whole is taken.
    """
    sign = sign_of(seen, now)
    if seen.standing(now) is Standing.FIRED and seen.record.fired:
        return sign, (fit(plain_line(seen.record.fired[-1].value), ROW_RIGHT_COLUMNS_MAX),)
    left = length(seen.record.left_s)
    short = " ".join(left.split(" ")[:2])
    return sign, (f"{left} left", f"{short} left")


def watch_row(seen: Seen, title: str, now: float, width: int) -> Line:
    """A watch in one row: its word, its title, the value, the trend, and the time left, as there is room."""
    sign = sign_of(seen, now)
    word = f"{sign.text:<{WORD_COLUMNS}} "
    value = plain_line(seen.record.shown) or "no look yet"
    right = [Span(f" {fit(value, VALUE_COLUMNS):<{VALUE_COLUMNS}}", "bold")]
    if width >= WITH_TREND_COLUMNS:
        right += [Span(" "), *trend(seen.record, ROW_TREND_COLUMNS)]
    if width >= WITH_TIME_COLUMNS:
        time = f"{length(seen.record.left_s)} left" if seen.is_open else "ended"
        right.append(Span(f" {time:>{TIME_COLUMNS}}", "dim"))
    room = width - width_of(right) - len(word)
    name = fit(title, room)
    return (Span(word, sign.role), Span(name + " " * (room - cell_len(name))), *right)


def watch_head(seen: Seen, now: float, width: int, *, is_brief: bool = True) -> list[Line]:
    """Everything of a watch but its log lines. `is_brief` shows only the last firings and gaps."""
    record, sign = seen.record, sign_of(seen, now)
    word = sign.text if seen.standing(now) is not Standing.UNWATCHED else f"{sign.glyph} NOBODY WATCHES"
    lines = wrap((Span(f"{word}  ", sign.role), Span(_time(seen, now))), width, hang="  ")
    if why := seen.why_unwatched(now):
        lines += wrap((Span("! ", "bad"), Span(plain_line(why), "bad")), width, hang="  ")
    lines += _value(record, width)
    lines += _trend(record, width)
    lines += gap_lines(seen, now, width, GAPS_SHOWN_MAX if is_brief else len(record.gaps))
    lines += firing_lines(seen, now, width, FIRINGS_SHOWN_MAX if is_brief else len(record.fired))
    return lines + _verdict(seen, width)


def _time(seen: Seen, now: float) -> str:
    if seen.is_open:
        return progress(seen.record, now, is_due=not seen.why_unwatched(now))
    watched = seen.attempt.watched
    observed_s = watched.observed_s if watched is not None else 0.0
    ended = seen.attempt.finished_at
    at = f", ended {moment(ended, now)}" if ended is not None else ""
    why = f" ({plain_line(seen.attempt.why)})" if seen.attempt.why not in ("", "elapsed") else ""
    return f"{length(observed_s)} of {length(seen.record.watch_s)} watched{at}{why}"


def _value(record: WatchRecord, width: int) -> list[Line]:
    shown = plain_line(record.shown) or (
        number(record.value, plain_line(record.unit)) if record.looks else "nobody has looked yet"
    )
    lead = Span("value".ljust(LABEL_COLUMNS), "label")
    spans = [lead, Span(shown, "bold")]
    if record.limit is not None:
        is_over = record.value is not None and record.value > record.limit
        limit = number(record.limit, plain_line(record.unit))
        spans.append(Span(f"  limit {limit}", "bad" if is_over else "dim"))
    if record.lost:
        spans.append(Span(f"  cannot be seen now: {plain_line(record.lost)}", "bad"))
    return wrap(spans, width, hang=" " * LABEL_COLUMNS)


def _trend(record: WatchRecord, width: int) -> list[Line]:
    found = extremes(record)
    if found is None or len(record.points) < 2:
        return []
    unit = plain_line(record.unit)
    low, high = (number(value, unit) for value in found)
    text = f"low {low}, high {high}" if unit or record.limit is not None else "high: a look that failed"
    if record.gaps_count:
        text += f", {GAP} nobody saw"
    room = min(TREND_COLUMNS_MAX, width - LABEL_COLUMNS - len(text) - 2)
    if room < 12:
        room = min(TREND_COLUMNS_MAX, width - LABEL_COLUMNS)
        bars = (Span("trend".ljust(LABEL_COLUMNS), "label"), *trend(record, room))
        return [bars, *labelled_wrap("", text, width, "dim")]
    return [(Span("trend".ljust(LABEL_COLUMNS), "label"), *trend(record, room), Span(f"  {text}", "dim"))]


def gap_lines(seen: Seen, now: float, width: int, shown: int) -> list[Line]:
    """How much nobody saw, and the last gaps with why and how long."""
    record, text = seen.record, gaps_in_words(seen.record)
    if seen.why_unwatched(now):
        text += f" until {moment(record.looked.wall, now)}, and since then nobody has looked"
    is_fine = text == "no gaps"
    lines = labelled_wrap("gaps", text, width, "dim" if is_fine else "warn")
    for gap in record.gaps[len(record.gaps) - shown :] if shown else ():
        lines += labelled_wrap("", gap_words(gap, now), width)
    if (more := record.gaps_count - min(shown, len(record.gaps))) > 0 and shown:
        lines += labelled_wrap("", f"and {more} earlier", width, "dim")
    return lines


def gap_words(gap: Gap, now: float) -> str:
    """`Wed 22:31 to 22:43, 12 min: the machine slept`."""
    long = length(gap.length_s) if gap.length_s is not None else "nobody knows how long"
    return f"{moment(gap.at, now)} to {moment(gap.until, now)}, {long}: {plain_line(gap.why)}"


def firing_lines(seen: Seen, now: float, width: int, shown: int) -> list[Line]:
    """What fired, the last first, with its time; a reason that is still seen says so."""
    record = seen.record
    if not record.fired:
        return labelled_wrap("fired", "never", width, "dim")
    lines: list[Line] = []
    for place, firing in enumerate(reversed(record.fired[len(record.fired) - shown :])):
        is_on = firing.until is None and seen.is_open and record.ended_at is None
        until = clock(firing.until, now) if firing.until is not None else "its end"
        when = f"since {clock(firing.at, now)}" if is_on else f"{clock(firing.at, now)} to {until}"
        spans = [
            Span(("fired" if not place else "").ljust(LABEL_COLUMNS), "label"),
            Span(f"! {when}  ", "bad"),
            Span(plain_line(firing.reason)),
        ]
        if firing.value and firing.value not in firing.reason:
            spans.append(Span(f"  {plain_line(firing.value)}", "bold"))
        lines += wrap(spans, width, hang=" " * LABEL_COLUMNS)
    if (more := record.fired_count - min(shown, len(record.fired))) > 0:
        lines += labelled_wrap("", f"and {more} earlier", width, "dim")
    return lines


def told_lines(told: Sequence[Told], now: float, width: int) -> list[Line]:
    """Whether the operator was told by the means of their choice; nothing where they wished for none."""
    lines: list[Line] = []
    for one in [each for each in told if each.result != "not wished"][-FIRINGS_SHOWN_MAX:]:
        words = {"sent": "sent", "begun": "nobody knows whether it was sent"}.get(one.result)
        role = "bad" if one.is_fault else "warn" if one.result == "begun" else "dim"
        text = f"{clock(one.told_at, now)} on_{plain_line(one.event)}: {words or plain_line(one.result)}"
        mark = "! " if one.is_fault else ""
        lines += labelled_wrap("told" if not lines else "", f"{mark}{text}", width, role)
    return lines


def _verdict(seen: Seen, width: int) -> list[Line]:
    verdict = seen.attempt.verdict if not seen.is_open else seen.record.judged()
    if verdict is None:
        return []
    sign = OUTCOMES[verdict.outcome]
    if seen.is_open and verdict.is_good:
        sign = FINE_SO_FAR
    label = ("so far" if seen.is_open else "verdict").ljust(LABEL_COLUMNS)
    spans = (Span(label, "label"), Span(sign.text, sign.role), Span(f"  {plain_line(verdict.reason)}"))
    return wrap(spans, width, hang=" " * LABEL_COLUMNS)


def log_line(found: LogLine, now: float, width: int) -> Line:
    """A line that the watch is about, in one row: when it was seen, and its text."""
    at = f"{clock(found.at, now)} "
    return (Span(at, "dim"), Span(fit(bounded(plain_line(found.text)), max(4, width - len(at))), "output"))


def watch_tail(lines: Sequence[LogLine], now: float, height: int, width: int) -> list[Line]:
    """The last lines that fit, under the name of their log."""
    if height < 2 or not lines:
        return []
    path = plain_line(lines[-1].path)
    head = line(fit(f"last lines{f' of {path}' if path else ''}", width), "label")
    rows = [(Span("│ ", "dim"), *log_line(found, now, width - 2)) for found in lines[-(height - 1) :]]
    assert all(width_of(row) <= width for row in rows)
    return [head, *rows]
