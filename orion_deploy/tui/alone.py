"""Small apps that ask one thing before there is a run: the picker, and a panel on its own."""

from __future__ import annotations

import asyncio
import os
from typing import Generic, TypeVar

from textual import events
from textual.app import App

from orion_deploy.tui.driver import TerminalDriver
from orion_deploy.tui.messages import TerminalClosed
from orion_deploy.tui.paint import DAY, NIGHT
from orion_deploy.tui.patience import Patience
from orion_deploy.tui.safe_filter import SafeFilter
from orion_deploy.tui.screens.panel import Panel
from orion_deploy.tui.splash import Splash

Answer = TypeVar("Answer")
STYLESHEET = os.path.join(os.path.dirname(os.path.abspath(__file__)), "orion.tcss")
THEME_VARIABLE = "TEXTUAL_THEME"


def dress(app: App[Answer]) -> None:
    """Give an app our themes and the last line of defence."""
    app.register_theme(NIGHT)
    app.register_theme(DAY)
    if not os.environ.get(THEME_VARIABLE):
        app.theme = NIGHT.name
    app._filters.append(SafeFilter())  # noqa: SLF001  # Textual has no public way to add a filter


class AloneApp(App[Answer], Generic[Answer]):
    """An app that ends with an answer, or with None on any signal. Run it with `answer_of`."""

    CSS_PATH = STYLESHEET
    splash_is_up = False
    """The alternate screen is there already."""
    hands_screen_on = False
    """At its end the alternate screen stays, for whoever draws next."""
    ENABLE_COMMAND_PALETTE = False

    def __init__(self) -> None:
        super().__init__(driver_class=TerminalDriver if not os.environ.get("TEXTUAL_DRIVER") else None)
        self.patience = Patience()
        self.was_cut_off = False
        """A signal ended it, or its terminal has gone: that is no answer."""
        dress(self)

    def on_load(self) -> None:
        """Every signal that ends the app leaves the terminal sane."""
        from orion_deploy.tui.signals import LEAVING

        loop = asyncio.get_running_loop()
        for number in LEAVING:
            try:
                loop.add_signal_handler(number, self.cut_off)
            except (NotImplementedError, RuntimeError, ValueError):
                return

    def on_ready(self) -> None:
        """It can be read now."""
        self.patience.shown()

    async def on_event(self, event: events.Event) -> None:
        """Drop what was typed before there was anything to answer."""
        is_answer = isinstance(event, (events.Key, events.Paste, events.MouseDown, events.MouseUp))
        if is_answer and not event.is_forwarded and self.patience.refuses(event.time):
            return
        await super().on_event(event)

    def on_terminal_closed(self, event: TerminalClosed) -> None:
        """Nobody is there to answer."""
        event.stop()
        self.cut_off()

    def cut_off(self) -> None:
        """End without an answer."""
        self.was_cut_off = True
        self.hands_screen_on = False
        self.exit(None)


class PanelApp(AloneApp[str]):
    """One panel, and nothing behind it. After an answer more is drawn on the same screen."""

    def __init__(self, panel: Panel[str]) -> None:
        super().__init__()
        self.panel = panel

    def on_mount(self) -> None:
        """Ask."""
        self.push_screen(self.panel, self.answered)

    def answered(self, answer: str | None) -> None:
        """End with the answer."""
        self.hands_screen_on = answer is not None
        self.exit(answer)


def answer_of(app: AloneApp[Answer]) -> Answer | None:
    """Run it; returns its answer. Raises KeyboardInterrupt when a signal ended it, or the terminal has gone."""
    answer = app.run()
    if app.was_cut_off:
        raise KeyboardInterrupt
    return answer


def ask_alone(panel: Panel[str], splash: Splash) -> str | None:
    """Ask on the screen of `splash`; returns the answer, with the screen still there, or None. Raises as `answer_of`."""
    app = PanelApp(panel)
    app.splash_is_up = splash.hand_over()
    answer = answer_of(app)
    if app.hands_screen_on:
        splash.take_back()
    return answer
