"""Acts on criteria and gates: evidence decides, or a person says so; either is asked for one at a time, or all that can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orion_deploy.run import rules
from orion_deploy.tui import flow
from orion_deploy.tui.acting.base import Hands

if TYPE_CHECKING:
    from orion_deploy.run.criteria import Criterion


class CriteriaActs(Hands):
    """The criteria and gates of the run."""

    def act(self, action: str) -> None:
        """Do what a key asks for."""
        raise NotImplementedError

    def tick(self, step_id: str, *, reason: str = "", value: str = "") -> None:
        """Tick a step."""
        raise NotImplementedError

    def do_criteria(self) -> None:
        """All criteria and gates, the one under the cursor first."""
        from orion_deploy.tui.screens.criteria import CriteriaScreen

        row = self.main.row
        self.main.app.push_screen(CriteriaScreen(self.main, row.id if row is not None else ""))

    def decide_criterion(self, step_id: str) -> None:
        """Decide one: by its evidence or its check; or ask the person who looks."""
        self.main.say("")
        self.go_to(step_id)
        row = self.main.row
        if row is None or row.id != step_id:
            return
        if not rules.needs_person(self.session.step(step_id)) or self.session.read_only:
            self.act("run")
            return
        criterion = self.session.criterion(step_id)
        decision = flow.on_tick(self.session, row)
        is_said = isinstance(decision, flow.Refuse) and criterion.is_outdated
        if (
            is_said
            or isinstance(decision, flow.Tick)
            or (isinstance(decision, flow.AskPerson) and decision.is_a_mere_tick)
        ):
            self._ask_word(criterion)
        else:
            self.decide(decision)

    def _ask_word(self, criterion: Criterion) -> None:
        from orion_deploy.tui.screens.criteria import denial_panel, seen_panel, word_panel

        who = self.session.edge.who()

        def answered(answer: str) -> None:
            match answer:
                case "holds":
                    self.tick(criterion.step)
                case "seen":
                    self.ask(seen_panel(criterion), lambda seen: self.tick(criterion.step, value=seen))
                case _:
                    self.ask(
                        denial_panel(criterion),
                        lambda reason: self.do(lambda: self.session.deny(criterion.step, reason)),
                    )

        question = flow.question_of(self.session.step(criterion.step))
        self.ask(word_panel(criterion, question.question if question else "", who), answered)

    def deny_criterion(self, step_id: str) -> None:
        """Ask why it does not hold, and record that as a person's word."""
        from orion_deploy.tui.screens.criteria import denial_panel

        self.main.say("")
        criterion = self.session.criterion(step_id)
        if not rules.needs_person(self.session.step(step_id)):
            self.main.say("its evidence decides it, not a word; Enter looks at that")
            return
        self.ask(
            denial_panel(criterion), lambda reason: self.do(lambda: self.session.deny(criterion.step, reason))
        )

    def decide_all_criteria(self) -> None:
        """Decide everything whose evidence is there."""
        decided: list[str] = []
        if self.do(lambda: decided.extend(self.session.decide_all())):
            if decided:
                self.main.say(f"{len(decided)} decided from evidence", "ok")
            else:
                self.main.say("no evidence is there that was not decided already")

    def untick_criterion(self, step_id: str) -> None:
        """Take a decision back; what it was stays in the record."""
        self.main.say("")
        self.do(lambda: self.session.untick(step_id))
