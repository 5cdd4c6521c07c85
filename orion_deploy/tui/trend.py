"""A trend in one row: each column is a stretch of time, as high as its highest value; a stretch that nobody saw is hatched. Pure."""

from __future__ import annotations

from orion_deploy.run.watches.record import WatchRecord
from orion_deploy.tui.lines import Line, Span

STEPS = "▁▂▃▄▅▆▇█"
GAP = "░"
"""Nobody saw."""
NOTHING = " "
BREAK_HOLDS = 2
"""Values that are further apart than so many times as long as one stands are not joined in a plot."""
HOLD_LOOKS = 2
"""A value stands until the next one, but not for longer than so many looks."""


def columns(record: WatchRecord, width: int) -> list[float | str | None]:
    """For each column its highest value, `GAP` where nobody saw, None where nothing was measured."""
    if width <= 0:
        return []
    start, end = record.started_at, max(record.looked.wall, record.started_at + 1)
    hold_s = max(record.point_s, HOLD_LOOKS * record.every_s)
    found: list[float | str | None] = [None] * width

    def place(at: float) -> int:
        return max(0, min(width - 1, int((at - start) * width / (end - start))))

    for gap in record.gaps:
        for column in range(place(gap.at), place(gap.until) + 1):
            found[column] = GAP
    for number, point in enumerate(record.points):
        until = record.points[number + 1].at if number + 1 < len(record.points) else end
        first = place(point.at)
        for column in range(first, max(first, place(min(until, point.at + hold_s))) + 1):
            seen = found[column]
            if column == first or seen != GAP:
                found[column] = max(seen, float(point.high)) if isinstance(seen, float) else float(point.high)
    return found


def trend(record: WatchRecord, width: int) -> Line:
    """The trend of a watch; what is above its limit is painted so, and its text says the numbers."""
    cells = columns(record, width)
    values = [cell for cell in cells if isinstance(cell, float)]
    low, high = (min(values), max(values)) if values else (0.0, 0.0)
    spans: list[Span] = []
    for cell in cells:
        if isinstance(cell, float):
            part = (cell - low) / (high - low) if high > low else 0.0
            is_over = record.limit is not None and cell > record.limit
            text, role = STEPS[round(part * (len(STEPS) - 1))], "bad" if is_over else "accent"
        else:
            text, role = (GAP, "warn") if cell == GAP else (NOTHING, "")
        if spans and spans[-1].role == role:
            spans[-1] = Span(spans[-1].text + text, role)
        else:
            spans.append(Span(text, role))
    return tuple(spans)


def extremes(record: WatchRecord) -> tuple[float, float] | None:
    """The lowest and the highest value of the whole trend; None where nothing was measured."""
    if not record.points:
        return None
    return min(p.low for p in record.points), max(p.high for p in record.points)


def stretches(record: WatchRecord) -> list[tuple[list[float], list[float]]]:
    """Times and highest values, in stretches without a break: a gap ends one, and so does time without a value."""
    hold_s = max(record.point_s, HOLD_LOOKS * record.every_s)
    found: list[tuple[list[float], list[float]]] = []
    last: float | None = None
    for point in record.points:
        is_cut = last is None or point.at - last > BREAK_HOLDS * hold_s
        if is_cut or any(gap.until > (last or 0.0) and gap.at < point.at for gap in record.gaps):
            found.append(([], []))
        found[-1][0].append(point.at)
        found[-1][1].append(float(point.high))
        last = point.at
    return found
