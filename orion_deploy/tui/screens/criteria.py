"""Criteria and gates: whether what they guard may start, how each stands, and the deciding of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from orion_deploy.run import rules
from orion_deploy.run.criteria import Criterion, Stand
from orion_deploy.run.gates import Gate, gates_of
from orion_deploy.text import plain_line
from orion_deploy.tui.criteria_lines import GATES_SHOWN_MAX, criterion_page, criterion_row, gate_lines
from orion_deploy.tui.lines import EMPTY, Line, Span, line, wrap
from orion_deploy.tui.patience import Patience
from orion_deploy.tui.prose import prose_lines
from orion_deploy.tui.screens.panel import KeysPanel, Panel, TypePanel, keys_hint, needed
from orion_deploy.tui.widgets.bars import LinesBar
from orion_deploy.tui.widgets.lines_view import LinesView
from orion_deploy.tui.widgets.rows_view import RowsView

if TYPE_CHECKING:
    from orion_deploy.tui.screens.main import MainScreen

RENEW_S = 2.0
"""How often it is looked at anew: a watch goes on, and times come."""
PAGE_ROWS, PAGE_ROWS_SMALL, SMALL_ROWS = 10, 6, 30


class CriteriaScreen(ModalScreen[None]):
    """Every criterion and gate. Nothing is decided but by a key of its own."""

    AUTO_FOCUS = "#criteria"
    BINDINGS = [  # noqa: RUF012  # Textual declares it so
        Binding("d", "decide_all", show=False),
        Binding("f", "deny", show=False),
        Binding("u", "untick", show=False),
        Binding("pageup,ctrl+b", "page(-1)", show=False),
        Binding("pagedown,ctrl+f", "page(1)", show=False),
        Binding("escape,q,G", "back", show=False),
    ]

    def __init__(self, main: MainScreen, at: str) -> None:
        """`at` is the step to stand on."""
        super().__init__()
        self.main = main
        self.at = at
        self.patience = Patience()
        self.rows: list[Criterion | str] = []
        """A criterion, or the heading above some."""
        self.gates: tuple[Gate, ...] = ()
        self.before = 0
        self.add_class("tall")

    def compose(self) -> ComposeResult:
        """The gates as a whole, each criterion, everything about one, what was said, the keys."""
        with Vertical(id="panel") as panel:
            panel.border_title = Content("Criteria and gates")
            yield LinesBar(1, id="gates")
            yield RowsView(id="criteria")
            yield LinesView(id="page")
            yield LinesBar(1, id="said")
            yield LinesBar(1, id="hint")

    def on_mount(self) -> None:
        """Stand on the one that was asked for, else on the first that does not hold."""
        self.list = self.query_one("#criteria", RowsView)
        self.renew()
        steps = [row.step if isinstance(row, Criterion) else "" for row in self.rows]
        missing = [
            n
            for n, row in enumerate(self.rows)
            if isinstance(row, Criterion) and row.stand is not Stand.HOLDS
        ]
        place = steps.index(self.at) if self.at in steps and self.at else next(iter(missing), 1)
        self.list.cursor = self.before = place
        self.renew()
        self.set_interval(RENEW_S, self.renew)
        self.call_after_refresh(self.patience.shown)

    def on_screen_resume(self) -> None:
        """Something was answered above."""
        if self.rows:
            self.renew()

    def on_resize(self, event: events.Resize) -> None:
        """The page of one takes its rows, the list the rest."""
        rows = PAGE_ROWS_SMALL if event.size.height < SMALL_ROWS else PAGE_ROWS
        self.query_one("#page").styles.height = rows
        self.call_after_refresh(self.renew)

    @property
    def current(self) -> Criterion | None:
        """The criterion under the cursor."""
        row = self.rows[self.list.cursor] if self.list.cursor < len(self.rows) else ""
        return row if isinstance(row, Criterion) else None

    # Showing

    def renew(self) -> None:
        """Judge everything as it is now, and show it."""
        session = self.main.session
        now = session.edge.now()
        self.gates = gates_of(session.checklist, session.criteria())
        self.rows = []
        for gate in self.gates:
            self.rows += [gate.title, *gate.criteria]
        heads = self.query_one("#gates", LinesBar)
        heads.styles.height = min(len(self.gates), GATES_SHOWN_MAX + 1)
        heads.show(gate_lines(self.gates, now, self.list.size.width or 76))
        rows = list(self.rows)
        self.list.show(
            lambda width: [
                criterion_row(row, now, width)
                if isinstance(row, Criterion)
                else line(plain_line(row) or "Before the first heading", "heading.off")
                for row in rows
            ]
        )
        self.query_one("#said", LinesBar).show([self.main.said])
        self.show_page(now)

    def show_page(self, now: float) -> None:
        """Show everything about the one under the cursor."""
        criterion = self.current
        page = self.query_one("#page", LinesView)
        if criterion is None:
            page.show(lambda _width: [])
            return
        step = self.main.session.step(criterion.step)
        is_word = rules.needs_person(step)
        does, who = self._does(criterion, is_word=is_word)
        keys = [("Enter", "decide")] if does else []
        keys += [("f", "it fails")] if is_word else []
        keys += [("d", "decide all with evidence"), ("u", "take back"), ("Esc", "back")]
        self.query_one("#hint", LinesBar).show([keys_hint(*keys)])
        titles = self.main.board.with_titles
        page.show(
            lambda width: criterion_page(criterion, now, width, who=who, titles=titles, does=does),
            keep_place=True,
        )

    def _does(self, criterion: Criterion, *, is_word: bool) -> tuple[str, str]:
        """What Enter does with it, and in whose name."""
        if self.main.session.read_only or (criterion.stand is Stand.HOLDS and is_word):
            return "", ""
        if is_word:
            return "asks whether it holds; your answer is recorded", self.main.session.edge.who()
        if criterion.stand is Stand.HOLDS or criterion.stand is Stand.FAILS:
            return "decides it once more", ""
        return (
            ("decides it from its evidence", "") if criterion.can_be_decided else ("tries to decide it", "")
        )

    # Keys

    def on_rows_view_moved(self, event: RowsView.Moved) -> None:
        """Another one; headings are passed over."""
        event.stop()
        here = self.list.cursor
        if self.current is None:
            by = 1 if here > self.before else -1
            place = here + by if 0 <= here + by < len(self.rows) else here - by
            self.list.cursor = place
            self.list.action_move(0)
        self.before = self.list.cursor
        self.main.say("")
        self.renew()

    def on_rows_view_chosen(self, event: RowsView.Chosen) -> None:
        """Enter: decide it."""
        event.stop()
        if self.current is not None:
            self.main.acting.decide_criterion(self.current.step)
            self.renew()

    def action_decide_all(self) -> None:
        """Decide everything whose evidence is there."""
        self.main.acting.decide_all_criteria()
        self.renew()

    def action_deny(self) -> None:
        """A person says that it does not hold."""
        if self.current is not None:
            self.main.acting.deny_criterion(self.current.step)
            self.renew()

    def action_untick(self) -> None:
        """Take the decision back."""
        if self.current is not None:
            self.main.acting.untick_criterion(self.current.step)
            self.renew()

    def action_page(self, pages: int) -> None:
        """Turn the page of the one under the cursor."""
        page = self.query_one("#page", LinesView)
        page.action_page_down() if pages > 0 else page.action_page_up()

    def action_back(self) -> None:
        """Back to the steps."""
        self.dismiss(None)


def word_panel(criterion: Criterion, question: str, who: str) -> KeysPanel:
    """Whether a criterion holds: a person's word, with their name. No key is the obvious one."""

    def build(width: int) -> list[Line]:
        lines = wrap(line(plain_line(criterion.title), "bold"), width)
        if question:
            lines += prose_lines(question, width)
        lines.append(EMPTY)
        for key, text in (
            ("y", "it holds"),
            ("v", "it holds, and I write down what I saw"),
            ("f", "it does not hold"),
        ):
            lines += wrap((Span(f"{key}  ", "key"), Span(text)), width, hang="   ")
        text = f"Recorded as the word of {plain_line(who)}, with the time."
        return [*lines, EMPTY, *wrap(line(text, "dim"), width)]

    return KeysPanel(
        "Does it hold?", build, {"y": "holds", "v": "seen", "f": "fails"}, keys_hint(("Esc", "decide later"))
    )


def seen_panel(criterion: Criterion) -> Panel[str]:
    """What a person saw who says that it holds."""
    return TypePanel(
        "It holds",
        lambda width: wrap(line(plain_line(criterion.title), "bold"), width),
        "What did you see?",
        needed,
        enter="records that it holds",
    )


def denial_panel(criterion: Criterion) -> Panel[str]:
    """Why it does not hold."""
    return TypePanel(
        "It does not hold",
        lambda width: wrap(line(plain_line(criterion.title), "bold"), width),
        "What did you see?",
        needed,
        is_grave=True,
        enter="records that it fails",
    )
