"""The main screen: the steps, the step, what its run left, and the strip. It shows; what a key does is decided elsewhere."""

from __future__ import annotations

import gc
from collections.abc import Mapping

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, Vertical
from textual.screen import Screen

from orion_deploy.run.session import Session
from orion_deploy.text import plain_line
from orion_deploy.tui.acting import Acting
from orion_deploy.tui.board import Board, Row
from orion_deploy.tui.chrome import bar_keys, strip_lines
from orion_deploy.tui.keys import ACTIONS
from orion_deploy.tui.lines import EMPTY, Line, Span, fit, line
from orion_deploy.tui.messages import Act, RowMoved
from orion_deploy.tui.offered import run_label, why_not
from orion_deploy.tui.patience import Patience
from orion_deploy.tui.view import Views
from orion_deploy.tui.widgets.bars import KeyBar, LinesBar
from orion_deploy.tui.widgets.evidence_pane import EvidencePane
from orion_deploy.tui.widgets.lines_view import LinesView
from orion_deploy.tui.widgets.outline import Outline

TAIL_S = 0.1
"""How often the output of a running step is looked at: 10 times a second keeps keys below 50 ms (docs/screens.md, "Speed")."""
EVIDENCE_PERCENT_MAX = 60
"""The share of the step's rows that its evidence may take."""
BETWEEN_PANELS_S = 0.2
CLOCK_S = 1.0
IDLE_CLOCK_S = 60.0


COLLECTOR_REST_S = 0.3
"""The garbage collector rests for the start, and a little longer: until the first paint is behind us."""


COLLECTOR_OBJECTS = 20_000
"""New objects before it looks again: at Python's 700 it would run with every page of a long checklist."""


def collect_again() -> None:
    """Let the collector work again, on what is made from now on."""
    if not gc.isenabled():
        gc.freeze()
        gc.set_threshold(COLLECTOR_OBJECTS)
        gc.enable()


class MainScreen(Screen[None]):
    """The run, as it stands."""

    AUTO_FOCUS = "#outline"
    BINDINGS = [  # noqa: RUF012  # Textual declares it so
        Binding(",".join(action.keys), f"act('{action.id}')", action.label, id=action.id, show=False)
        for action in ACTIONS
    ]

    def __init__(
        self, session: Session, board: Board, keymap: Mapping[str, str], *, starts_in_rollback: bool = False
    ) -> None:
        super().__init__(id="main")
        self.keymap = keymap
        self.starts_in_rollback = starts_in_rollback
        self.session = session
        self.board = board
        self.patience = Patience()
        self.views = Views(session, board)
        self.watches = self.views.watches
        self.acting = Acting(self)
        self._tick = 0
        self._staying = ""
        self.said: Line = EMPTY
        """What stands in the line above the keys."""

    def compose(self) -> ComposeResult:
        """Strip, steps, step, evidence, notice, keys."""
        yield LinesBar(2, id="strip")
        with Container(id="body"):
            yield Outline(id="outline")
            with Vertical(id="step"):
                yield LinesView(id="page")
                yield EvidencePane(id="evidence")
        yield LinesBar(1, id="notice")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Fill everything in before the first paint."""
        self.outline = self.query_one("#outline", Outline)
        self.page = self.query_one("#page", LinesView)
        self.evidence = self.query_one("#evidence", EvidencePane)
        self.outline.show(self.board)
        if self.session.state.watched:
            self.see_watches()
        self.outline.cursor = self.views.first_row()
        self.show_row()
        self._clock = self.set_interval(IDLE_CLOCK_S, self.on_minute)
        self._tail = self.set_interval(TAIL_S, self.on_tail, pause=True)
        self.on_running()
        self.call_after_refresh(self.on_first_paint)

    def on_first_paint(self) -> None:
        """Listen, and begin what had to wait for the first paint."""
        self.outline.go_to(self.outline.cursor, center=True)
        self.patience.shown()
        self.views.has_time = True
        self.show_row()
        self.acting.begin()
        self.set_timer(COLLECTOR_REST_S, collect_again)

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self.outline.current

    # Showing

    def on_resize(self, event: events.Resize) -> None:
        """The strip and the keys are laid out for the width."""
        self.set_class(event.size.width < 100, "compact")
        self.show_strip()
        self.show_keys()
        self.call_after_refresh(self.share_rows)

    def on_row_moved(self, event: RowMoved) -> None:
        """Another row: another page."""
        event.stop()
        self.show_row()

    def show_row(self) -> None:
        """Show the page and the evidence of the current row."""
        row = self.row
        if row is None:
            self.page.show(lambda _width: [line("This checklist has no steps.", "dim")])
            return
        self.page.show(self.views.page_of(row))
        self.show_evidence()
        self.show_keys()

    def show_evidence(self) -> None:
        """Show what the last attempt of the current row left."""
        row = self.row
        head, tail = self.views.evidence_of(row) if row is not None else (None, None)
        self.evidence.display = head is not None
        self.query_one("#step").set_class(head is not None, "ran")
        self.evidence.show(head, tail)
        self.share_rows()

    def share_rows(self) -> None:
        """Give the evidence the rows that it fills, and the page the rest; a running step fills its share."""
        rows = self.query_one("#step").size.height
        share = rows * EVIDENCE_PERCENT_MAX // 100
        row = self.row
        is_running = row is not None and row.id in self.session.state.running
        wanted = share if is_running else self.evidence.wanted_rows(share)
        self.page.styles.max_height = max(3, rows - wanted - 1) if wanted and rows else None

    def show_strip(self) -> None:
        """Paint the strip."""
        self.query_one("#strip", LinesBar).show(strip_lines(self.views.strip(), max(20, self.size.width)))

    def show_keys(self) -> None:
        """Paint the keys that matter at the current row."""

        def why(action: str) -> str:
            return why_not(self.session, self.board, self.row, action)

        label = run_label(self.session, self.board, self.row)
        actions = [a for a in ACTIONS if a.id != "watches" or self.board.has_watches]
        keys = bar_keys(self.size.width, self.keymap, why, label, actions)
        self.query_one("#keys", KeyBar).show_keys(keys)

    def say(self, text: str, role: str = "warn", *, stays: bool = False) -> None:
        """Say something in the line above the keys, until the next act; what `stays` is not pushed out by what follows."""
        if self._staying and text:
            text, role = f"{self._staying}; {text}", "warn"
        self._staying = text if stays else self._staying if text else ""
        lead = {"bad": "! ", "warn": "! ", "ok": "✓ "}.get(role, "")
        text = plain_line(self.board.with_titles(text))
        content: Line = (Span(f" {lead}", role), Span(fit(text, self.size.width - 4))) if text else EMPTY
        self.said = content
        self.query_one("#notice", LinesBar).show([content])

    def on_changed(self) -> None:
        """The run's state is another one: paint what differs."""
        way = self.board.state.rollback_at
        dirty = self.board.update(self.session.state)
        if way == self.board.state.rollback_at:
            self.outline.paint_rows(dirty)
        else:
            self.outline.refresh()
        if any(self._is_watch(number) for number in dirty):
            self.see_watches()
        row = self.row
        if row is not None:
            self.page.show(self.views.page_of(row), keep_place=True)
            if self.outline.cursor in dirty:
                self.show_evidence()
        self.on_running()
        self.show_strip()
        self.show_keys()

    # Watches

    def on_screen_resume(self) -> None:
        """What stood above has been left. Another panel of the same question comes at once, and goes first."""
        self.set_timer(BETWEEN_PANELS_S, self.acting.offer_if_due)

    def _is_watch(self, number: int) -> bool:
        row = self.board.rows[number]
        attempts = self.board.step_state(row.id).attempts if row.kind == "step" else ()
        return bool(attempts) and attempts[-1].watched is not None

    def see_watches(self) -> None:
        """Show what the watches have seen; they are followed while there are any."""
        self.watches.read()
        self.outline.paint_rows(self.board.watch(self.watches.rows(self.session.edge.now())))
        self.acting.follow_watches(is_needed=bool(self.watches.open))
        row = self.row
        if row is not None and self.watches.of(row.id) is not None:
            self.page.show(self.views.page_of(row), keep_place=True)
            self.evidence.renew()
        self.show_strip()

    def on_minute(self) -> None:
        """The time goes on, also where nothing happens."""
        if self.watches.open:
            self.see_watches()
        else:
            self.show_strip()

    # Time

    def on_running(self) -> None:
        """Run the fast clocks only while a step runs."""
        if self.session.state.running:
            self._tail.resume()
        else:
            self._tail.pause()

    def on_tail(self) -> None:
        """Paint the output's end if it has grown; once a second the seconds."""
        self._tick += 1
        is_second = self._tick % int(CLOCK_S / TAIL_S) == 0
        row = self.row
        is_seen = row is not None and self.is_current and row.id in self.session.state.running
        if row is not None and is_seen and (is_second or self.views.has_grown(row.id)):
            self.evidence.renew()
        if is_second:
            self.show_strip()

    # Acting

    def action_act(self, action: str) -> None:
        """A key was pressed."""
        self.acting.act(action)

    def on_act(self, event: Act) -> None:
        """A key of the bar, or a row, was clicked."""
        event.stop()
        self.acting.act(event.action)
