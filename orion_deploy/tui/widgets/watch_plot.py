"""A watch over time, drawn by plotext: the values, the limit, and the time that nobody saw. Imported when it is shown."""

from __future__ import annotations

from rich.text import Text
from textual.widget import Widget
from textual_plotext.plot import Plot

from orion_deploy.run.watches.record import WatchRecord
from orion_deploy.run.watches.standing import number
from orion_deploy.run.words import moment
from orion_deploy.text import plain_line
from orion_deploy.tui.trend import GAP, extremes, stretches

TIMES = 5
"""Marks of the time axis."""
COLUMNS_PER_TIME = 18
ROOM_PART = 0.08
"""Of the range of values: free above and below."""
MARGIN_COLUMNS = 14
MARGIN_ROWS = 4
OVER = 2
"""Points for each cell, so that none is left out."""


def plotted(record: WatchRecord, now: float, width: int, height: int, colours: tuple[str, str, str]) -> str:
    """The plot as text with colour codes; `colours` are of the value, the limit, and a gap. Pure."""
    found = extremes(record)
    if found is None:
        return ""
    start, end = record.started_at, max(record.looked.wall, record.started_at + 1)
    unit = plain_line(record.unit)
    low, high = found
    levels = {low: number(low, unit), high: number(high, unit)}
    if record.limit is not None:
        low, high = min(low, record.limit), max(high, record.limit)
        levels[record.limit] = f"limit {number(record.limit, unit)}"
    room = (high - low or abs(high) or 1.0) * ROOM_PART
    bottom, top = low - room, high + room
    plot = Plot()
    plot.plotsize(width, height)
    plot._set_size(width, height)  # noqa: SLF001  # textual-plotext does so too: plotsize alone keeps the old size
    value, limit, gap = (_rgb(colour) for colour in colours)
    for hole in record.gaps:
        xs, ys = _hatched(
            max(start, hole.at), min(end, hole.until), (bottom, top), end - start, (width, height)
        )
        if xs:
            plot.scatter(xs, ys, marker=GAP, color=gap)
    if record.limit is not None:
        plot.hline(record.limit, color=limit)
    for xs, ys in stretches(record):
        plot.plot(xs, ys, marker="braille", color=value)
    plot.xlim(start, end)
    plot.ylim(bottom, top)
    plot.yticks(list(levels), list(levels.values()))
    times = max(2, min(TIMES, width // COLUMNS_PER_TIME))
    marks = [start + (end - start) * n / (times - 1) for n in range(times)]
    plot.xticks(marks, [moment(at, now) for at in marks])
    for dress in (plot.canvas_color, plot.axes_color, plot.ticks_color):
        dress("default")
    return str(plot.build())


def _hatched(
    at: float, until: float, range_of_values: tuple[float, float], length_s: float, size: tuple[int, int]
) -> tuple[list[float], list[float]]:
    """Points that fill the stretch of a gap."""
    if until < at:
        return [], []
    across = max(1, int(OVER * (until - at) / length_s * size[0]))
    down = max(2, OVER * size[1])
    bottom, top = range_of_values
    xs = [at + (until - at) * (n + 0.5) / across for n in range(across)]
    ys = [bottom + (top - bottom) * (n + 0.5) / down for n in range(down)]
    return [x for x in xs for _ in ys], [y for _ in xs for y in ys]


def _rgb(colour: str) -> tuple[int, int, int] | str:
    if not colour.startswith("#"):
        return "default"
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


class WatchPlot(Widget):
    """The plot of one watch."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._record: WatchRecord | None = None
        self._now = 0.0

    def show(self, record: WatchRecord, now: float) -> None:
        """Show a watch; draws only where it is another one, or was looked at since."""
        if record is not self._record:
            self._record, self._now = record, now
            self.refresh()

    def render(self) -> Text:
        """Draw."""
        theme = self.app.current_theme
        colours = (
            theme.accent or theme.primary,
            theme.error or theme.primary,
            theme.warning or theme.primary,
        )
        if self._record is None or self.size.width < MARGIN_COLUMNS or self.size.height < MARGIN_ROWS:
            return Text("")
        drawn = plotted(self._record, self._now, self.size.width, self.size.height, colours)
        return Text.from_ansi(drawn) if drawn else Text("nothing was measured yet", style="dim")
