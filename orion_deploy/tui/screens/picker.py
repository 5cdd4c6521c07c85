"""The picker: what there is to go on with, or to open. It is an app of its own that ends with the choice."""

from __future__ import annotations

import time

from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from orion_deploy.text import plain_line
from orion_deploy.tui.alone import AloneApp, answer_of
from orion_deploy.tui.choices import Offer
from orion_deploy.tui.lines import EMPTY, Line, Span, fit, line
from orion_deploy.tui.paint import cursor_style, palette_of, strip_of
from orion_deploy.tui.screens.panel import keys_hint
from orion_deploy.tui.widgets.bars import LinesBar
from orion_deploy.tui.words import counted, minutes

_HEADINGS = {"resume": "Go on with a run", "open": "Checklists here", "bundled": "Came with the app"}


class PickList(ScrollView, can_focus=True, inherit_bindings=False):
    """Offers under their headings, with a cursor that rests on offers only."""

    DEFAULT_CSS = """
    PickList { scrollbar-size-vertical: 1; overflow-x: hidden; overflow-y: auto; }
    """
    BINDINGS = [  # noqa: RUF012  # Textual declares it so
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "move(-10)", show=False),
        Binding("pagedown", "move(10)", show=False),
        Binding("home", "move(-100000)", show=False),
        Binding("end", "move(100000)", show=False),
    ]

    def __init__(self, offers: list[Offer], now: float) -> None:
        super().__init__(id="offers")
        self.offers = offers
        self.now = now
        self.cursor = 0
        self.rows: list[int | str | Line] = []
        """The number of an offer, a heading, or what the run of the offer above still waits for."""
        kind = ""
        for number, offer in enumerate(offers):
            if offer.kind != kind:
                kind = offer.kind
                self.rows += ["", _HEADINGS[kind]] if self.rows else [_HEADINGS[kind]]
            self.rows.append(number)
            if reminder := reminder_line(offer, now):
                self.rows.append(reminder)

    def on_mount(self) -> None:
        """As many lines as rows."""
        self.virtual_size = Size(1, len(self.rows))

    def action_move(self, by: int) -> None:
        """Move the cursor by some offers."""
        self.cursor = max(0, min(len(self.offers) - 1, self.cursor + by))
        row = self.rows.index(self.cursor)
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if row - 1 < top:
            self.scroll_to(y=max(0, row - 2), animate=False)
        elif row >= top + height:
            self.scroll_to(y=row - height + 1, animate=False)
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """A click selects."""
        number = event.y + self.scroll_offset.y
        row = self.rows[number] if number < len(self.rows) else ""
        if isinstance(row, int):
            self.cursor = row
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Paint one row."""
        number = y + self.scroll_offset.y
        base, width = self.rich_style, self.size.width
        palette = palette_of(self.app.current_theme)
        if number >= len(self.rows):
            return Strip.blank(width, base)
        row = self.rows[number]
        if isinstance(row, str):
            return strip_of(line(f"  {row}", "heading"), width, palette, base)
        if isinstance(row, tuple):
            return strip_of(row, width, palette, base)
        style: Style = base
        if row == self.cursor:
            style += cursor_style(self.app.current_theme, has_focus=self.has_focus)
        return strip_of(
            offer_line(self.offers[row], self.now, width, is_current=row == self.cursor),
            width,
            palette,
            style,
        )


def reminder_line(offer: Offer, now: float) -> Line:
    """What an unfinished run still waits for: its watches, its open criteria and gates, and when the next is due."""
    run = offer.run
    if run is None or run.damage or not (run.watching or run.criteria):
        return EMPTY
    from orion_deploy.run.due import next_due_at
    from orion_deploy.run.gates import reminder

    due_at = next_due_at([dict(watch) for watch in run.watching], dict(run.criteria), now)
    text = reminder(run.criteria, run.watching, due_at, now)
    if not text:
        return EMPTY
    is_due = (due_at is not None and due_at <= now) or bool(run.criteria.get("fails"))
    return line(f"      {plain_line(text)}", "warn" if is_due else "dim")


def offer_line(offer: Offer, now: float, width: int, *, is_current: bool) -> Line:
    """An offer in one line: the file, its title, and of a run how far it is and how long ago."""
    spans = [
        Span("› " if is_current else "  ", "accent"),
        Span(f"  {offer.shown}", "bold" if is_current else ""),
    ]
    if offer.run is None:
        spans.append(Span(f"  {offer.title}", "dim"))
    else:
        run = offer.run
        if run.damage:
            spans.append(Span(f"  run {run.name} is damaged: {plain_line(run.damage)}", "bad"))
        else:
            total = run.counts.get("total", 0)
            settled = total - run.counts.get("open", 0)
            spans.append(Span(f"  run {run.name}  {settled} of {total} settled"))
            spans += [
                Span(f"  {number} {word}", role)
                for word, role in (("running", "run"), ("unknown", "bad"), ("failed", "bad"))
                if (number := run.counts.get(word, 0))
            ]
            who = f" by {plain_line(run.operators[-1])}" if run.operators else ""
            spans.append(Span(f"  {minutes(now - run.last)} ago{who}", "dim"))
    text = "".join(span.text for span in spans)
    if len(text) <= width:
        return tuple(spans)
    return (
        *spans[:2],
        Span(
            fit("".join(span.text for span in spans[2:]), width - len(spans[0].text + spans[1].text)), "dim"
        ),
    )


class PickerApp(AloneApp[int]):
    """Gives the number of the chosen offer, or None."""

    BINDINGS = [  # noqa: RUF012  # Textual declares it so
        Binding("enter", "pick", show=False, priority=True),
        Binding("q,escape,ctrl+c", "quit", show=False, priority=True),
    ]

    def __init__(self, offers: list[Offer]) -> None:
        super().__init__()
        self.offers = offers

    def compose(self) -> ComposeResult:
        """The title, the offers, the keys."""
        yield LinesBar(2, id="strip")
        yield PickList(self.offers, time.time())
        yield LinesBar(1, id="keys")

    def on_mount(self) -> None:
        """Say what this is."""
        title: Line = (
            Span(" orion-deploy", "title"),
            Span(f"  {counted(len(self.offers), 'choice')}", "dim"),
        )
        self.query_one("#strip", LinesBar).show([title])
        self.query_one("#keys", LinesBar).show(
            [(Span(" "), *keys_hint(("↑ ↓", "choose"), ("Enter", "open"), ("q", "leave")))]
        )
        self.query_one(PickList).focus()

    def action_pick(self) -> None:
        """Take the offer under the cursor."""
        self.exit(self.query_one(PickList).cursor)


def pick(offers: list[Offer], *, splash_is_up: bool = False) -> Offer | None:
    """Let a person choose; None when they leave. Raises as `answer_of`."""
    app = PickerApp(offers)
    app.splash_is_up = splash_is_up
    number = answer_of(app)
    return offers[number] if number is not None else None
