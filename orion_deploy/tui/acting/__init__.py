"""Carrying decisions out: the screen that a decision asks for, then the act, then what has changed is painted."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from orion_deploy.errors import RefusedError
from orion_deploy.run.state import SETTLED, Status
from orion_deploy.tui import flow, offered
from orion_deploy.tui.acting.answers import Answers
from orion_deploy.tui.acting.criteria import CriteriaActs
from orion_deploy.tui.acting.moving import Moving
from orion_deploy.tui.acting.watching import WatchActs
from orion_deploy.tui.acting.whole_run import WholeRun

if TYPE_CHECKING:
    from textual.screen import Screen

QUIET_RETURN_S = 60.0
"""Whoever comes back sooner, to a run left in good order, needs no resume screen."""

_ASKED_ONCE = frozenset(("run", "tick", "skip", "untick", "cancel", "rollback", "finish", "forget"))
"""Actions that a held key must not repeat, and that no key typed too early may ask for."""


class Acting(Moving, WholeRun, WatchActs, CriteriaActs, Answers):
    """The hands of the main screen: every action of the registry is a method `do_<id>`."""

    _told_above: Screen[str | None] | None = None
    """The panel that says why an action is off, asked for above the steps."""

    def begin(self) -> None:
        """What comes first: take in what has ended meanwhile, then the resume and the approval screens."""
        for step_id in self.session.state.running:
            self.on_ended(step_id)
        if not self.session.read_only:
            self.session.warm()
        self.begin_watches()
        resume = self.session.resume
        if self.session.read_only:
            self.main.say(offered.why_not(self.session, self.board, self.main.row, "run"))
        elif resume.is_resumed and not (
            resume.is_quiet and (resume.away_s < QUIET_RETURN_S or not resume.where)
        ):
            from orion_deploy.tui.screens.arrival import resume_panel

            self.main.app.push_screen(resume_panel(self.session), lambda _answer: self._begin_approval())
        else:
            self._begin_approval()
        self.offer_if_due()

    def _begin_approval(self) -> None:
        if self.session.needs_approval:
            self.decide(flow.Approve())
        elif self.main.starts_in_rollback:
            self.do_rollback()

    def act(self, action: str) -> None:
        """Do what a key asks for, or say why not."""
        if action in _ASKED_ONCE and not self.main.patience.accepts_again(monotonic()):
            return
        self.main.say("")
        why = offered.why_not(self.session, self.board, self.main.row, action)
        if why:
            self.main.say(why)
        else:
            getattr(self, f"do_{action}")()

    def act_above(self, action: str) -> None:
        """The same asked for on a screen above the steps: why not is told above it too, where the notice line is covered."""
        why = offered.why_not(self.session, self.board, self.main.row, action)
        if not why:
            self.act(action)
        elif self._told_above not in self.main.app.screen_stack:
            from orion_deploy.tui.screens.fault import fault_panel

            self._told_above = fault_panel(RefusedError(why))
            self.main.app.push_screen(self._told_above)

    def do_run(self) -> None:
        """Enter."""
        self.decide(flow.on_run(self.session, self.main.row))

    def do_tick(self) -> None:
        """Space."""
        self.decide(flow.on_tick(self.session, self.main.row))

    def decide(self, decision: flow.Decision, edited: str | None = None) -> None:
        """Carry a decision out."""
        from orion_deploy.tui.screens import arrival, asking, deciding

        step = self.session.step
        match decision:
            case flow.Refuse(why):
                self.main.say(why)
            case flow.CompleteSection(section):
                self.ask_section(section)
            case flow.Approve():
                self.main.app.push_screen(arrival.approval_screen(self.session), self.approved)
            case flow.Resolve(step_id):
                panel = deciding.unknown_panel(self.session, step_id)
                self.ask(panel, lambda answer: self.resolve(step_id, answer))
            case flow.Choose(step_id):
                self.ask(deciding.choice_panel(step(step_id)), lambda answer: self.choose(step_id, answer))
            case flow.AskValues(step_id, missing):
                script = flow.next_script(self.session, step_id)
                self.ask_values(
                    missing, script, lambda: self.decide(flow.on_run(self.session, self.main.row))
                )
            case flow.Confirm(step_id, word, reasons, override):
                panel_of_word = asking.confirm_panel(self.session, step_id, word, reasons, edited)
                self.ask(panel_of_word, lambda _typed: self._confirmed(step_id, edited, override))
            case flow.Launch(step_id, is_interactive, override):
                self._launch(step_id, edited, is_interactive=is_interactive, override=override)
            case flow.AskPerson() as question:
                panel_of_question = asking.question_panel(self.session, question)
                self.ask(panel_of_question, lambda seen: self.tick(question.step_id, value=seen))
            case flow.AskReason(step_id, why):
                panel_of_reason = asking.override_panel(step(step_id), self.board.with_titles(why))
                self.ask(panel_of_reason, lambda reason: self._tick_for(step_id, reason))
            case flow.AskOverride(step_id, why):
                panel_of_reason = asking.other_way_panel(step(step_id), self.board.with_titles(why))
                self.ask(
                    panel_of_reason,
                    lambda reason: self.decide(
                        flow.on_run(self.session, self.main.row, edited=edited, override=reason), edited
                    ),
                )
            case flow.Tick(step_id):
                self.tick(step_id)

    # Running

    def _confirmed(self, step_id: str, edited: str | None, override: str) -> None:
        row = self.main.row
        if row is not None and row.id == step_id:
            decision = flow.on_run(self.session, row, is_confirmed=True, edited=edited, override=override)
            self.decide(decision, edited)

    def _launch(self, step_id: str, edited: str | None, *, is_interactive: bool, override: str) -> None:
        if (step := self.session.step(step_id)).facts.watch is not None:
            self.start_watch(step)
            return
        if is_interactive:
            from orion_deploy.tui.foreground import run_in_terminal

            if self.do(lambda: run_in_terminal(self.main.app, self.session, step_id, edited)):
                self._settled(step_id)
        else:
            self.do(lambda: self.session.start(step_id, script=edited, override=override))
        self.main.patience.hold()

    def on_ended(self, step_id: str) -> None:
        """An attempt has ended: take its result in; a step that ticked itself hands over to the next."""
        if step_id == self.session.verifying:
            self.verified(step_id)
            return
        self.do(lambda: self.session.collect(step_id))
        self._settled(step_id)

    def _settled(self, step_id: str) -> None:
        self.main.patience.hold()
        row = self.main.row
        is_here = row is not None and row.id == step_id
        state = self.session.state.step(step_id)
        if state.attempts and state.attempts[-1].ending == "never started":
            self.main.say(f"{self.board.title_of(step_id)}: it could not be started; nothing was run", "bad")
            return
        match state.status:
            case Status.DONE | Status.SKIPPED if is_here:
                self.advance(step_id)
                self.main.say(f"{self.board.title_of(step_id)}: {state.value or 'done'}", "ok")
            case Status.DONE:
                self.main.say(f"{self.board.title_of(step_id)}: {state.value or 'done'}", "ok")
            case Status.UNDECIDED if is_here:
                self.main.say("it has run: look at its output, then Space ticks it", "")
            case Status.FAILED:
                self.main.say(f"{self.board.title_of(step_id)}: failed; its output says why", "bad")
            case Status.UNKNOWN:
                self.main.say(
                    f"{self.board.title_of(step_id)}: nobody knows how it ended; Enter decides", "bad"
                )
            case _:
                pass

    def do_cancel(self) -> None:
        """Stop the running step, or end the watch under the cursor, after a question."""
        from orion_deploy.tui.screens.deciding import cancel_panel

        if step_id := self.session.verifying:
            self._cancel(step_id, "stop")
            return
        row = self.main.row
        if row is not None and self.session.state.step(row.id).is_watched:
            self.end_watch(row.id)
            return
        step_id = self.session.state.running[0]
        self.ask(cancel_panel(self.session.step(step_id)), lambda how: self._cancel(step_id, how))

    def _cancel(self, step_id: str, how: str) -> None:
        was_asked = self.session.cancel(step_id, now=how == "kill")
        self.main.say("it was asked to stop" if was_asked else "it has ended already", "")

    def do_edit(self) -> None:
        """Edit the command before it runs."""
        from orion_deploy.tui.screens.edit import EditScreen

        row = self.main.row
        assert row is not None
        if why := self.session.why_not_start(row.id):
            self.main.say(why)
            return
        written = flow.next_script(self.session, row.id)

        def edited(text: str) -> None:
            script = None if text == written else text
            self.decide(flow.on_run(self.session, self.main.row, edited=script), script)

        self.ask(EditScreen(written, row.title), edited)

    # Settling

    def _tick_for(self, step_id: str, reason: str) -> None:
        """Tick for a reason; a choice is asked for its option all the same."""
        from orion_deploy.tui.screens import asking

        question = flow.question_of(self.session.step(step_id))
        if question is None or not question.options:
            self.tick(step_id, reason=reason)
            return
        panel = asking.question_panel(self.session, question)
        self.ask(panel, lambda seen: self.tick(step_id, reason=reason, value=seen))

    def tick(self, step_id: str, *, reason: str = "", value: str = "") -> None:
        """Tick a step."""
        if self.do(lambda: self.session.tick(step_id, reason=reason, value=value)):
            self.advance(step_id)

    def advance(self, step_id: str) -> None:
        """To the next open step; a section whose last step was settled is looked at first. Nothing runs by it."""
        self.main.patience.hold()
        row = self.board.row_of(step_id)
        if row is None or self.session.state.step(step_id).status not in SETTLED:
            return
        section = self.board.rows[row].section
        settled, total = self.board.section_progress(section)
        if settled == total and self.board.sections[section].id not in self.session.state.sections_completed:
            self.ask_section(section, is_on_the_way=True)
        else:
            self.do_next()

    def ask_section(self, section: int, *, is_on_the_way: bool = False) -> None:
        """Ask whether a section is complete, with what is open or skipped in it."""
        from orion_deploy.tui.screens.deciding import section_panel

        def answered(answer: str | None) -> None:
            if answer == "complete":
                self.do(lambda: self.session.complete_section(self.board.sections[section].id))
            if is_on_the_way:
                self.do_next()

        self.main.app.push_screen(section_panel(self.session, self.board, section), answered)
