"""Panels: a page of lines over the main screen, answered by one key, or by a typed line. None answers before it can be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, Protocol, Self, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input

from orion_deploy.text import plain_line
from orion_deploy.tui.lines import Line, Span, line
from orion_deploy.tui.patience import Patience
from orion_deploy.tui.widgets.bars import LinesBar
from orion_deploy.tui.widgets.lines_view import Build, LinesView

Answer = TypeVar("Answer")


TURNS: Mapping[str, Callable[[LinesView], None]] = {
    "pageup": LinesView.action_page_up,
    "pagedown": LinesView.action_page_down,
    "up": LinesView.action_scroll_up,
    "down": LinesView.action_scroll_down,
}
"""Keys that turn the page of a panel while a line is typed."""


class News(Message):
    """More has been found out."""


class Live(Protocol):
    """Something that goes on being found out while a panel is up."""

    def start(self, on_news: Callable[[], None]) -> None:
        """Begin; `on_news` may be called on any thread."""

    def stop(self) -> None:
        """Nobody looks on any more."""


class Panel(ModalScreen[Answer | None], Generic[Answer]):
    """The base: a title, a page, a line that names the keys. Esc gives None."""

    AUTO_FOCUS = ""

    def __init__(self, title: str, build: Build, hint: Line, *, is_grave: bool = False) -> None:
        super().__init__()
        self.heading = title
        self.build = build
        self.hint = hint
        self.is_grave = is_grave
        self.patience = Patience()
        self.live: Live | None = None

    def following(self, live: Live) -> Self:
        """Build the page again whenever `live` has found out more. No key waits for it."""
        self.live = live
        return self

    def compose(self) -> ComposeResult:
        """The page, what the kind of panel adds, the keys."""
        with Vertical(id="panel", classes="grave" if self.is_grave else None) as panel:
            panel.border_title = Content(plain_line(self.heading))
            yield Page(self.build, id="page")
            yield from self.compose_answer()
            yield LinesBar(1, id="hint")

    def compose_answer(self) -> ComposeResult:
        """What stands between the page and the keys."""
        yield from ()

    rows_beside_page = 8
    """Rows of the screen that are not the page's: the strip, the border, margins, what the kind of panel adds."""

    def on_mount(self) -> None:
        """Say which keys answer, and begin to listen when it has been painted."""
        self.show_hint()
        self.first_focus()
        self.call_after_refresh(self.patience.shown)
        if self.live is not None:
            self.live.start(self._tell_news)

    def show_hint(self) -> None:
        """The keys that answer; where the page is longer than its room, also the one that turns it."""
        for bar in self.query("#hint").results(LinesBar):
            is_longer = self.query_one("#page", LinesView).max_scroll_y > 0
            bar.show([reading_on(self.hint) if is_longer else self.hint])

    def _tell_news(self) -> None:
        self.post_message(News())

    def on_unmount(self) -> None:
        """Nobody looks on any more."""
        if self.live is not None:
            self.live.stop()

    def on_news(self) -> None:
        """Show what is known now, where the reader is."""
        self.query_one("#page", LinesView).show(self.build, keep_place=True)
        self.call_after_refresh(self.show_hint)

    def first_focus(self) -> None:
        """The page takes the keys that scroll; no button is ever the focus."""
        self.query_one("#page", LinesView).focus()

    def on_resize(self, event: events.Resize) -> None:
        """The page may be as high as the keys below it leave room for."""
        if not self.has_class("tall"):
            self.query_one("#page").styles.max_height = max(3, event.size.height - self.rows_beside_page)
        self.call_after_refresh(self.show_hint)

    def on_key(self, event: events.Key) -> None:
        """Esc leaves without an answer; some keys are answers; a page is turned also while a line is typed.

        Where the page has the focus, its own bindings turn it.
        """
        answer = self.answer_of(event.key)
        page = self.query_one("#page", LinesView)
        if event.key == "escape" or answer is not None:
            event.stop()
            self.dismiss(answer)
        elif not page.has_focus and event.key in TURNS:
            TURNS[event.key](page)

    def answer_of(self, key: str) -> Answer | None:  # the base knows no answers
        """The answer that a key gives, if it gives one."""
        return None


class Page(LinesView):
    """The page of a panel: with another room, other keys may be needed to read it."""

    def on_resize(self, _event: events.Resize) -> None:
        """Have the panel say them; the lines are laid out by the base."""
        if isinstance(self.screen, Panel):
            self.call_after_refresh(self.screen.show_hint)


class KeysPanel(Panel[str]):
    """Answered by one of its keys; no key is the obvious one, and Enter is none unless it does no harm."""

    def __init__(
        self,
        title: str,
        build: Build,
        answers: Mapping[str, str],
        hint: Line,
        *,
        is_grave: bool = False,
    ) -> None:
        """`answers` maps Textual's key names to results."""
        super().__init__(title, build, hint, is_grave=is_grave)
        self.answers = answers

    def answer_of(self, key: str) -> str | None:
        """The answer of a key."""
        return self.answers.get(key)


class Typed(Input):
    """A line to type. What is pasted is not typed, where `takes_paste` is off."""

    def __init__(self, *, takes_paste: bool, password: bool, value: str) -> None:
        super().__init__(value, password=password, compact=True, select_on_focus=False, id="typed")
        self.takes_paste = takes_paste
        self.cursor_blink = False

    def _on_paste(self, event: events.Paste) -> None:
        if self.takes_paste:
            super()._on_paste(event)
        else:
            event.stop()
            event.prevent_default()


class TypePanel(Panel[str]):
    """Answered by a typed line that `check` finds nothing wrong with."""

    rows_beside_page = 11

    def __init__(
        self,
        title: str,
        build: Build,
        label: str | Line,
        check: Callable[[str], str],
        *,
        is_grave: bool = False,
        is_secret: bool = False,
        takes_paste: bool = True,
        value: str = "",
        enter: str = "goes on",
    ) -> None:
        """`check` says what is wrong with the text, or nothing."""
        hint = (Span("Enter", "key"), Span(f" {enter}   "), Span("Esc", "key"), Span(" leaves it"))
        super().__init__(title, build, hint, is_grave=is_grave)
        self.label = line(plain_line(label), "bold") if isinstance(label, str) else label
        self.check = check
        self.is_secret = is_secret
        self.takes_paste = takes_paste
        self.value = value

    def compose_answer(self) -> ComposeResult:
        """The label, the line, and what was wrong with it."""
        yield LinesBar(1, id="label")
        yield Typed(takes_paste=self.takes_paste, password=self.is_secret, value=self.value)
        yield LinesBar(1, id="fault")

    def first_focus(self) -> None:
        """The line takes the keys."""
        self.query_one("#label", LinesBar).show([self.label])
        self.query_one(Typed).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Give the text, or say what is wrong with it."""
        event.stop()
        fault = self.check(event.value)
        if fault:
            self.query_one("#fault", LinesBar).show([line(plain_line(fault), "bad")])
        else:
            self.dismiss(event.value)

    def on_input_changed(self, event: Input.Changed) -> None:
        """What was wrong is being mended."""
        event.stop()
        self.query_one("#fault", LinesBar).show([])


def word_label(word: str, does: str) -> Line:
    """`Type RUN to run it:`, the word set apart, so that it is read as one."""
    return (Span("Type ", "bold"), Span(plain_line(word), "word"), Span(f" {does}:", "bold"))


def word_check(word: str) -> Callable[[str], str]:
    """A check that takes only this word, in any case of letters."""

    def check(text: str) -> str:
        if text.strip().casefold() == word.casefold():
            return ""
        return (
            f"that is not the word; type {word}, or leave with Esc"
            if text.strip()
            else f"type {word}, or leave with Esc"
        )

    return check


def needed(text: str) -> str:
    """A check that takes any text but none."""
    return "" if text.strip() else "it cannot be empty"


def keys_hint(*pairs: tuple[str, str]) -> Line:
    """A line of keys and what they do."""
    spans: list[Span] = []
    for key, does in pairs:
        spans += [Span(key, "key"), Span(f" {does}   ")]
    return tuple(spans)


def reading_on(hint: Line) -> Line:
    """The same keys, and before Esc the one that turns the page, where they do not tell of it already."""
    if any("PgDn" in span.text for span in hint):
        return hint
    place = next((n for n, span in enumerate(hint) if span.text == "Esc"), len(hint))
    return (*hint[:place], *keys_hint(("PgDn", "reads on")), *hint[place:])
