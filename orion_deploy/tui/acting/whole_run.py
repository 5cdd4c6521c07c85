"""Acts on the whole run: approve, turn back, close; and what only looks: output, search, help, report."""

from __future__ import annotations

from collections.abc import Mapping

from orion_deploy.errors import OrionError
from orion_deploy.kinds.verdict import Json
from orion_deploy.run.state import Status
from orion_deploy.tui import flow
from orion_deploy.tui.acting.base import Hands
from orion_deploy.tui.messages import LeaveAsked, TakeOverAsked


class WholeRun(Hands):
    """The run itself, and looks at it."""

    def do_approve(self) -> None:
        """Look at the commands."""
        self.decide(flow.Approve())

    def approved(self, answer: str | None) -> None:
        """The commands were looked at."""
        if answer == "approve":
            if self.do(self.session.approve):
                self.main.say("approved: these commands may run", "ok")
            self.main.show_row()
        else:
            self.main.say("not approved: you can read, tick and note; nothing can run (a looks again)")

    def do_rollback(self) -> None:
        """Turn back, after a look at what that means: over what is up, which is left only when the rollback is entered."""
        from orion_deploy.tui.screens.rollback import rollback_panel
        from orion_deploy.tui.screens.way_back import LiveWays

        if self.session.state.rollback_at is not None:
            self.main.pop_until_active()
            self.do_next()
            return
        live = LiveWays(self.session, self.main.watches)
        panel = rollback_panel(self.session, self.board, live)
        self.ask(panel, lambda reason: self.enter_rollback(reason, live.to_json()))

    def offer_rollback(self) -> None:
        """A watch fired: the way back, with that as its reason, to be taken by a word or left."""
        from orion_deploy.run.triggers import reason_of
        from orion_deploy.tui.screens.rollback import fired_panel
        from orion_deploy.tui.screens.way_back import LiveWays

        live = LiveWays(self.session, self.main.watches)
        reason = reason_of(live.triggers())
        panel = fired_panel(self.session, self.board, live, reason)
        self.ask(panel, lambda _word: self.enter_rollback(reason, live.to_json()))

    def enter_rollback(self, reason: str, facts: Mapping[str, Json]) -> None:
        """Turn back."""
        if not self.do(lambda: self.session.enter_rollback(reason, facts)):
            return
        self.main.pop_until_active()
        step_id = self.board.next_open(-1)
        if step_id is not None:
            self.go_to(step_id)
        self.main.say("rolling back: the rollback section is the path now", "bad")

    def do_forget(self) -> None:
        """Drop what steps left for later ones, after a word."""
        from orion_deploy.tui.screens.asking import word_panel

        why = ("later steps start in the run's own folder, without what earlier ones exported",)

        def forgotten(_typed: str) -> None:
            if self.do(self.session.forget_carried):
                self.main.say("forgotten: later steps start as the first one did", "ok")

        self.ask(word_panel("Forget what steps left?", "forget", why), forgotten)

    def do_take_over(self) -> None:
        """Go on with a run that was only looked on at."""
        self.main.post_message(TakeOverAsked())

    def do_finish(self) -> None:
        """Close the run for good: what it leaves open is listed first; where that is grave a reason is asked for."""
        from orion_deploy.tui.screens.finish import finish_panel, finish_reason_panel

        left = self.session.what_is_open()

        def close(reason: str) -> None:
            if self.do(lambda: self.session.finish(reason)):
                self.main.say(self.session.state.result, "warn" if left.is_grave else "ok")

        def agreed(_typed: str) -> None:
            if left.is_grave:
                self.ask(finish_reason_panel(left), close)
            else:
                close("")

        self.ask(finish_panel(self.session, left), agreed)

    def do_output(self) -> None:
        """The whole output."""
        from orion_deploy.tui.screens.output import OutputScreen

        row = self.main.row
        if row is not None and self.main.watches.of(row.id) is not None:
            self.main.acting.do_watches()
        elif row is not None and (output := self.session.output(row.id)) is not None:
            self.main.app.push_screen(
                OutputScreen(output, f"Output: {row.title}", lambda: self._still_runs(row.id))
            )

    def _still_runs(self, step_id: str) -> bool:
        return self.session.state.step(step_id).status is Status.RUNNING

    def do_report(self) -> None:
        """The evidence of the run."""
        from orion_deploy.tui.screens.report import ReportScreen

        self.main.app.push_screen(ReportScreen(self.session))

    def do_copy(self) -> None:
        """Copy the command that would run next, or the reference, to the clipboard."""
        from orion_deploy.tui.screens.output import script_to_copy

        row = self.main.row
        try:
            text = script_to_copy(self.session, self.board, row) if row is not None else ""
        except OrionError as error:
            self.main.say(error.what, "bad")
            return
        if text:
            self.main.app.copy_to_clipboard(text)
            self.main.say("copied, where the terminal allows it", "ok")
        else:
            self.main.say("there is nothing to copy here")

    def do_search(self) -> None:
        """Find a step by its words."""
        from orion_deploy.tui.screens.search import SearchScreen

        self.main.app.push_screen(SearchScreen(self.main.outline))

    def do_help(self) -> None:
        """All keys."""
        from orion_deploy.tui.screens.help import help_panel

        self.main.app.push_screen(help_panel(self.main.keymap))

    def do_palette(self) -> None:
        """Every command by name."""
        self.main.app.action_command_palette()

    def do_leave(self) -> None:
        """Leave; a running step goes on."""
        self.main.post_message(LeaveAsked())
