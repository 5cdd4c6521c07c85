"""A watch as a drawing: the value over time with its band, the limit, shaded gaps, marked firings. Inline SVG. Pure.

The drawing has no text and no fixed width: it is stretched to its place, and labels stand beside it as text, so that
it reads the same on a telephone and on paper. Colours come from the page's classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orion_deploy.report.evidence import Watch
from orion_deploy.run.watches.record import Gap, Point

WIDTH, HEIGHT = 1000.0, 160.0
PADDING = 0.06
"""Of the range of values, free above and below."""
POINT_WIDTH = 2.0
"""Of a value that stands alone between two gaps."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The times and the values that a drawing spans."""

    start: float
    end: float
    low: float
    high: float

    def x(self, at: float) -> float:
        """Place of a moment, within the drawing."""
        return WIDTH * min(1.0, max(0.0, (at - self.start) / (self.end - self.start)))

    def y(self, value: float) -> float:
        """Place of a value; high ones are above."""
        part = (value - self.low) / (self.high - self.low)
        return HEIGHT * (1.0 - min(1.0, max(0.0, part)))


def frame_of(watch: Watch, start: float, end: float) -> Frame:
    """What a drawing of the watch spans: its whole time, all its values, its limit; zero where that is near."""
    values = [value for point in watch.points for value in (point.low, point.high)]
    if watch.limit is not None:
        values.append(watch.limit)
    low, high = min(values, default=0.0), max(values, default=1.0)
    if 0.0 <= low < high / 2 or low == high:
        low = min(0.0, low)
    room = (high - low) * PADDING or 1.0
    times = [point.at for point in watch.points] + [firing.at for firing in watch.fired]
    last = max([end, *times, start + 1.0])
    return Frame(start, last, low - (room if low else 0.0), high + room)


def svg(watch: Watch, start: float, end: float, label: str) -> str:
    """The drawing; `label` (safe already) says in words what is in it."""
    frame = frame_of(watch, start, end)
    box = f'viewBox="0 0 {WIDTH:g} {HEIGHT:g}" preserveAspectRatio="none"'
    parts = [f'<svg class="plot" {box} role="img" aria-label="{label}">']
    parts += [_shade(frame, gap) for gap in watch.gaps]
    for stretch in stretches(watch.points, watch.gaps):
        parts.append(f'<path class="band" d="{_band(frame, stretch)}"/>')
        parts.append(f'<path class="value" d="{_line(frame, stretch)}"/>')
    if watch.limit is not None:
        y = f"{frame.y(watch.limit):.1f}"
        parts.append(f'<line class="limit" x1="0" x2="{WIDTH:g}" y1="{y}" y2="{y}"/>')
    for firing in watch.fired:
        x = f"{frame.x(firing.at):.1f}"
        parts.append(f'<line class="fired" x1="{x}" x2="{x}" y1="0" y2="{HEIGHT:g}"/>')
    return "".join([*parts, "</svg>"])


def stretches(points: tuple[Point, ...], gaps: tuple[Gap, ...]) -> Iterator[tuple[Point, ...]]:
    """The points between gaps: no line is drawn over a time in which nobody looked."""
    breaks = sorted(gap.until for gap in gaps)
    stretch: list[Point] = []
    place = 0
    for point in points:
        passed = place
        while place < len(breaks) and breaks[place] <= point.at:
            place += 1
        if place > passed and stretch:
            yield tuple(stretch)
            stretch = []
        stretch.append(point)
    if stretch:
        yield tuple(stretch)


def _shade(frame: Frame, gap: Gap) -> str:
    x = frame.x(gap.at)
    width = max(POINT_WIDTH, frame.x(gap.until) - x)
    return f'<rect class="gap" x="{x:.1f}" y="0" width="{width:.1f}" height="{HEIGHT:g}"/>'


def _line(frame: Frame, stretch: tuple[Point, ...]) -> str:
    places = [(frame.x(point.at), frame.y(point.last)) for point in stretch]
    if len(places) == 1:
        places.append((places[0][0] + POINT_WIDTH, places[0][1]))
    return _path(places)


def _band(frame: Frame, stretch: tuple[Point, ...]) -> str:
    above = [(frame.x(point.at), frame.y(point.high)) for point in stretch]
    below = [(frame.x(point.at), frame.y(point.low)) for point in reversed(stretch)]
    return f"{_path([*above, *below])}Z"


def _path(places: list[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
