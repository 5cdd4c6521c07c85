"""All watches of the run: how each stands, and of one of them everything that was seen, with a way into its log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from orion_deploy.errors import RefusedError
from orion_deploy.run.watches.reading import Keeper
from orion_deploy.run.watches.record import Line as LogLine
from orion_deploy.run.watches.record import WatchRecord
from orion_deploy.run.watches.standing import Seen
from orion_deploy.text import plain_line
from orion_deploy.tui.lines import Line, line
from orion_deploy.tui.patience import Patience
from orion_deploy.tui.screens.output import OutputScreen
from orion_deploy.tui.screens.panel import keys_hint
from orion_deploy.tui.watch_lines import log_line, told_lines, watch_head, watch_row
from orion_deploy.tui.watches import Watches
from orion_deploy.tui.widgets.bars import LinesBar
from orion_deploy.tui.widgets.lines_view import LinesView
from orion_deploy.tui.widgets.rows_view import RowsView
from orion_deploy.tui.words import clock

if TYPE_CHECKING:
    from orion_deploy.run.watches.notify import Told

PLOT_ROWS_MIN = 26
PLOT_COLUMNS_MIN = 60
"""Rows and columns of the panel from which the plot stands beside the facts; below, p shows it instead of them."""
PLOT_PART = 0.4
LIST_PART = 0.25
LINES_PART = 0.25
PARTS = ("panel", "watches", "plotted", "page", "where", "lines", "hint")
ROWS_LEAST = 3
MARGIN_ROWS = 5
"""Between the parts, the name of the log, the keys."""


class WatchesScreen(ModalScreen[None]):
    """The watches."""

    AUTO_FOCUS = "#watches"
    BINDINGS = [  # noqa: RUF012  # Textual declares it so
        Binding("tab,right,l,shift+tab,left,h", "other", show=False),
        Binding("pageup,ctrl+b", "page(-1)", show=False),
        Binding("pagedown,ctrl+f", "page(1)", show=False),
        Binding("o", "log", show=False),
        Binding("p", "plot", show=False),
        Binding("x", "end", show=False),
        Binding("escape,q,w", "back", show=False),
    ]

    def __init__(
        self,
        watches: Watches,
        titles: Callable[[str], str],
        now: Callable[[], float],
        *,
        at: str,
        end: Callable[[str], None],
        keeper: Callable[[], Keeper | None],
        told: Callable[[WatchRecord], Sequence[Told]],
    ) -> None:
        """`at` is the step to stand on; `end` asks whether a watch is to end."""
        super().__init__()
        self.watches = watches
        self.titles = titles
        self.now = now
        self.at = at
        self.end = end
        self.keeper = keeper
        self.told = told
        self.patience = Patience()
        self._note = ""
        self.shows_plot = False
        """Where there is no room for both."""
        self.add_class("tall")

    def compose(self) -> ComposeResult:
        """The watches, the plot, the facts, the lines, the keys."""
        with Vertical(id="panel") as panel:
            panel.border_title = Content("Watches")
            yield RowsView(id="watches")
            yield Vertical(id="plotted")
            yield LinesView(id="page")
            yield LinesBar(1, id="where")
            yield RowsView(id="lines")
            yield LinesBar(1, id="hint")

    def on_mount(self) -> None:
        """Stand on the watch that was asked for, and hear of what is seen."""
        self.list = self.query_one("#watches", RowsView)
        self.lines = self.query_one("#lines", RowsView)
        place = next((n for n, seen in enumerate(self.watches.all) if seen.record.step == self.at), 0)
        self.list.cursor = place
        self.renew()
        self.watches.followers.append(self.renew)
        self.call_after_refresh(self.patience.shown)

    def on_unmount(self) -> None:
        """Nobody reads here any more."""
        self.watches.followers.remove(self.renew)

    @property
    def current(self) -> Seen | None:
        """The watch under the cursor."""
        found = self.watches.all
        return found[min(self.list.cursor, len(found) - 1)] if found else None

    @property
    def _log_lines(self) -> tuple[LogLine, ...]:
        return self.current.record.lines if self.current is not None else ()

    @property
    def _is_up(self) -> bool:
        """Whether all its parts are there: news may come when it is being left."""
        return all(self.query(f"#{part}") for part in PARTS)

    # Showing

    def renew(self, *, is_other: bool = False) -> None:
        """Show what is known now; of another watch from its top. A screen that is being left shows nothing."""
        if not self._is_up:
            return
        now = self.now()
        rows = [(seen, self.titles(seen.record.step)) for seen in self.watches.all]
        self.list.show(lambda width: [watch_row(seen, title, now, width) for seen, title in rows])
        seen = self.current
        if seen is not None:
            self.at = seen.record.step
            told = self.told(seen.record)
            self.query_one("#page", LinesView).show(
                lambda width: [
                    *watch_head(seen, now, width, is_brief=False),
                    *told_lines(told, now, width),
                ],
                keep_place=not is_other,
            )
            lines = seen.record.lines
            path = plain_line(lines[-1].path) if lines else ""
            self.query_one("#where", LinesBar).show(
                [line(f"last lines of {path}" if path else "last lines", "label")]
            )
            was_at_end = is_other or self.lines.cursor >= self.lines.count - 1
            self.lines.show(
                lambda width: [log_line(found, now, width) for found in lines],
                max(0, len(lines) - 1) if was_at_end else None,
            )
        self._say_who()
        self.share_rows()
        self.tell("" if is_other else self._note)

    def _say_who(self) -> None:
        keeper = self.keeper()
        panel = self.query_one("#panel")
        panel.set_class(bool(self.watches.open) and keeper is None, "grave")
        if keeper is not None:
            how = "`orion-deploy watch`" if keeper.in_foreground else "in the background"
            since = f" since {clock(keeper.since, self.now())}" if keeper.since else ""
            process = f" by process {keeper.pid}" if keeper.pid else ""
            text = f"watched {how}{process}{since}"
        else:
            text = "NOBODY WATCHES" if self.watches.open else ""
        panel.border_subtitle = Content(plain_line(text))

    def tell(self, note: str = "") -> None:
        """Say which keys there are."""
        if not self._is_up:
            return
        self._note = note
        keys = [("↑ ↓", "choose")]
        if self._log_lines:
            keys += [("Tab", "lines"), ("o", "log")]
        if not self._has_room and self._can_plot:
            keys.append(("p", "facts" if self.shows_plot else "plot"))
        keys += [("x", "end"), ("R", "rollback"), ("Esc", "back")]
        hint: Line = keys_hint(*keys)
        if note:
            hint = keys_hint((note, ""), ("Esc", "back"))
        self.query_one("#hint", LinesBar).show([hint])

    # Room

    @property
    def _has_room(self) -> bool:
        inner = self.query_one("#panel").size
        return inner.height >= PLOT_ROWS_MIN and inner.width >= PLOT_COLUMNS_MIN

    @property
    def _can_plot(self) -> bool:
        return self.current is not None and len(self.current.record.points) > 1

    def on_resize(self, _event: events.Resize) -> None:
        """What has room differs."""
        self.call_after_refresh(self.renew)

    def share_rows(self) -> None:
        """Give each part its rows; the plot comes only where it does not take them from the facts."""
        rows = self.query_one("#panel").size.height
        self.list.styles.height = max(1, min(len(self.watches.all), max(ROWS_LEAST, int(rows * LIST_PART))))
        count = len(self._log_lines)
        self.lines.display = bool(count)
        self.query_one("#where").display = bool(count)
        listed = min(count, max(ROWS_LEAST, int(rows * LINES_PART)))
        has_plot = self._can_plot and (self._has_room or self.shows_plot)
        plotted, page = self.query_one("#plotted", Vertical), self.query_one("#page")
        plotted.display = has_plot
        page.display = self._has_room or not has_plot
        plot_rows = max(1, int(rows * PLOT_PART)) if self._has_room and has_plot else 0
        plotted.styles.height = plot_rows or "1fr"
        page.styles.height = "auto" if count else "1fr"
        room = rows - len(self.watches.all) - plot_rows - listed - MARGIN_ROWS
        page.styles.max_height = max(ROWS_LEAST, room) if count else None
        self.lines.styles.height = "1fr" if page.display else listed
        if has_plot:
            self.call_later(self._draw)

    async def _draw(self) -> None:
        from orion_deploy.tui.widgets.watch_plot import WatchPlot

        if self._is_up and not self.query(WatchPlot):
            await self.query_one("#plotted", Vertical).mount(WatchPlot(id="plot"))
        for plot in self.query(WatchPlot):
            if self.current is not None:
                plot.show(self.current.record, self.now())

    # Keys

    def on_rows_view_moved(self, event: RowsView.Moved) -> None:
        """Another watch."""
        event.stop()
        if event.view is self.list:
            self.renew(is_other=True)

    def on_rows_view_chosen(self, event: RowsView.Chosen) -> None:
        """Enter: into the log."""
        event.stop()
        self.action_log()

    def action_other(self) -> None:
        """To the lines, and back to the watches."""
        (self.list if self.lines.has_focus or not self.lines.display else self.lines).focus()

    def action_page(self, pages: int) -> None:
        """Turn the facts."""
        page = self.query_one("#page", LinesView)
        page.action_page_down() if pages > 0 else page.action_page_up()

    def action_plot(self) -> None:
        """The plot instead of the facts, and back, where there is no room for both."""
        if self._can_plot and not self._has_room:
            self.shows_plot = not self.shows_plot
            self.renew()

    def action_log(self) -> None:
        """Open the log at the line under the cursor; from the watches at the last one."""
        from orion_deploy.tui.log_part import LogPart

        lines = self._log_lines
        if not lines:
            self.tell("there is no line of a log to go to")
            return
        found = lines[self.lines.cursor if self.lines.has_focus and self.lines.cursor < len(lines) else -1]
        try:
            part = LogPart(found)
        except RefusedError as error:
            self.tell(plain_line(error.what))
            return
        title = f"Log: {plain_line(str(part.path))}"
        self.app.push_screen(OutputScreen(part, title, lambda: False, at_row=part.row, note=part.note))

    def action_end(self) -> None:
        """Ask whether the watch is to end."""
        if self.current is not None and self.current.is_open:
            self.end(self.current.record.step)
        else:
            self.tell("this watch has ended already")

    def action_back(self) -> None:
        """Back to the steps."""
        self.dismiss(None)
