"""The app: it holds the session, its screens and its one way out, and knows nothing of what a step does."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import events
from textual.app import App
from textual.screen import Screen

from orion_deploy.errors import ExitCode, OrionError
from orion_deploy.run.session import Session
from orion_deploy.run.watches.standing import summary
from orion_deploy.text import plain_line
from orion_deploy.tui.alone import STYLESHEET, dress
from orion_deploy.tui.board import Board
from orion_deploy.tui.driver import TerminalDriver
from orion_deploy.tui.keys import BY_ID, keys_of
from orion_deploy.tui.messages import LeaveAsked, StepEnded, TakeOverAsked, Tell, TerminalClosed, WatchSeen
from orion_deploy.tui.screens.main import MainScreen

if TYPE_CHECKING:
    from textual.command import Provider

    from orion_deploy.run.lock import Holder


LOOK_ON_S = 1.0
"""How often a second operator's screen looks for what the first has done."""


def palette_commands() -> type[Provider]:
    """What the palette offers; imported when it is opened."""
    from orion_deploy.tui.palette import Commands

    return Commands


def changed_hands(before: Holder | None, now: Holder | None) -> str:
    """What a second operator is told when another one holds the run than before, or nobody any more."""
    if now is not None:
        return f"{now.who} holds the run now; you are looking on"
    left = f"{before.who} has left" if before is not None else "they have left"
    return f"{left}: nobody holds the run now"


class OrionApp(App[int]):
    """One checklist on one terminal."""

    CSS_PATH = STYLESHEET
    TITLE = "orion-deploy"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS = {palette_commands}  # noqa: RUF012  # Textual declares it so
    COMMAND_PALETTE_BINDING = "f24"
    """The registry has the key of the palette; Textual's own binding must not take another."""
    splash_is_up = False

    def __init__(
        self,
        session: Session,
        keymap: dict[str, str],
        *,
        notes: tuple[str, ...] = (),
        starts_in_rollback: bool = False,
    ) -> None:
        """`keymap` is checked already; `notes` is what there is to say at the start."""
        super().__init__(driver_class=None if os.environ.get("TEXTUAL_DRIVER") else TerminalDriver)
        self.session = session
        self.keymap_in_use = keymap
        self.starts_in_rollback = starts_in_rollback
        self.notes = notes
        self.has_left = False
        self.takes_over = False
        """It ends to be opened anew, as the one who holds the run."""
        self.hands_screen_on = False
        self.exit_code = ExitCode.FINE
        dress(self)
        if keymap:
            self.set_keymap(keymap)

    def get_default_screen(self) -> Screen[None]:
        """The main screen is the first one: there is nothing to be drawn before it."""
        board = Board(self.session.checklist, self.session.state)
        return MainScreen(self.session, board, self.keymap_in_use, starts_in_rollback=self.starts_in_rollback)

    @property
    def main(self) -> MainScreen:
        """The main screen, whatever stands above it."""
        screen = self.screen_stack[0]
        assert isinstance(screen, MainScreen)
        return screen

    def on_mount(self) -> None:
        """Take the signals; look on, if another operator holds the run."""
        from orion_deploy.tui.signals import install

        install(self)
        if self.session.looks_on:
            self.set_interval(LOOK_ON_S, self.look_on)

    # Input

    async def on_event(self, event: events.Event) -> None:
        """Drop what was typed or clicked before the screen on top could be read."""
        is_answer = isinstance(event, (events.Key, events.Paste, events.MouseDown, events.MouseUp))
        if is_answer and not event.is_forwarded and self.screen_stack:
            patience = getattr(self.screen, "patience", None)
            if patience is not None and patience.refuses(event.time):
                return
        await super().on_event(event)

    def on_key(self, event: events.Key) -> None:
        """The way back is one key away from every screen: no other has taken it, and no text is being typed."""
        if event.key not in keys_of(BY_ID["rollback"], self.keymap_in_use) or self.screen is self.main:
            return
        if event.key in self.screen.active_bindings or self.screen.query("Input, TextArea"):
            return
        event.prevent_default()
        self.main.acting.act_above("rollback")

    async def action_quit(self) -> None:
        """Ctrl+Q."""
        self.leave()

    def action_help_quit(self) -> None:
        """Ctrl+C: it never ends the app by itself."""
        if self.screen is self.main:
            self.main.acting.act("cancel")
        else:
            self.main.say("Ctrl+C does nothing here; Esc goes back")

    # From other threads

    def on_step_ended(self, event: StepEnded) -> None:
        """An attempt has ended."""
        event.stop()
        if not self.has_left:
            self.main.acting.on_ended(event.step_id)

    def on_watch_seen(self, event: WatchSeen) -> None:
        """A watch may have seen something."""
        event.stop()
        if not self.has_left:
            self.main.acting.on_watch_seen()

    def on_tell(self, event: Tell) -> None:
        """Ring the bell, and have the terminal tell it."""
        event.stop()
        if event.rings:
            self.bell()
        if event.notification and self._driver is not None:
            self._driver.write(event.notification)

    def on_terminal_closed(self, event: TerminalClosed) -> None:
        """Nobody sees anything any more: leave in good order; what runs goes on."""
        event.stop()
        self.leave_now(ExitCode.INTERRUPTED)

    def look_on(self) -> None:
        """Read what the holder has done since, and hear when they have left."""
        before, has_changed = self.session.held_by, False
        if self.session.hear_of_holder():
            self.main.say(changed_hands(before, self.session.held_by), "warn")
            has_changed = True
        try:
            has_changed = self.session.refresh() or has_changed
        except OrionError as error:
            self.main.say(error.what, "bad")
        if has_changed:
            self.main.on_changed()

    def relay(self) -> Callable[[str, int], None]:
        """What the session calls, on another thread, when an attempt has ended."""

        def ended(step_id: str, attempt: int) -> None:
            self.post_message(StepEnded(step_id, attempt))

        return ended

    # Leaving

    def on_leave_asked(self, event: LeaveAsked) -> None:
        """A person wants to leave."""
        event.stop()
        self.leave()

    def on_take_over_asked(self, event: TakeOverAsked) -> None:
        """A person wants the run that nobody holds."""
        event.stop()
        self.take_over()

    def leave(self) -> None:
        """Leave on a person's word; where a step runs, after a question."""
        if self.session.state.running and not self.session.read_only:
            from orion_deploy.tui.screens.deciding import leave_panel

            def answered(answer: str | None) -> None:
                if answer == "leave":
                    self.leave_now(ExitCode.FINE)
                elif answer == "cancel":
                    self.main.acting.act("cancel")

            if not any(getattr(screen, "name", "") == "leave" for screen in self.screen_stack):
                panel = leave_panel(self.session)
                self.push_screen(panel, answered)
        else:
            self.leave_now(ExitCode.FINE)

    def take_over(self) -> None:
        """End, so that the run is opened anew on the same screen: as any opening, it is refused where somebody was faster."""
        self.takes_over = self.hands_screen_on = True
        self.leave_now(ExitCode.FINE)

    def leave_now(self, code: ExitCode) -> None:
        """The one way out: close the session in good order, then the terminal is given back."""
        if self.has_left:
            return
        self.has_left = True
        self.exit_code = code
        parting = self._parting()  # a session that is closed can only be read
        try:
            self.session.close()
        except OrionError as error:
            self.exit_code = error.exit_code
            self.notes = (*self.notes, error.render())
        else:
            self.notes = (*self.notes, *parting)
        self.exit(int(self.exit_code))

    def _parting(self) -> tuple[str, ...]:
        """Where the run was left, and how to go on: said on the shell's screen."""
        from orion_deploy.run.progress import overall

        state = self.session.state
        if self.session.read_only or state.finished_at is not None:
            return ()
        counted = overall(self.session.checklist, state)
        left = f"{counted.settled} of {counted.total} settled in run {self.session.run}, all of it on disk"
        if state.running:
            left += "; a step is still running, and goes on"
        path = shlex.quote(self.session.checklist.path)
        watches = summary(self.session.seen_watches(), self.session.edge.now()).text
        if watches:
            left += (
                f"\n{watches}; watching goes on: `orion-deploy status {path}` shows it, "
                f"`orion-deploy watch {path}` does it in the foreground"
            )
        return (f"{left}\ngo on with: orion-deploy {path}",)

    def say_survived(self, step_id: str, signal_name: str) -> None:
        """A step of ours has sent a signal to us."""
        title = plain_line(self.session.step(step_id).title)
        self.main.say(f"survived {signal_name}, sent by the step “{title}”", "warn", stays=True)
        self.main.on_changed()

    def _fatal_error(self) -> None:
        """A bug of ours: say where, without the values of locals, which may be secret."""
        import traceback

        self.crash = traceback.format_exc()
        self._close_messages_no_wait()

    crash = ""
