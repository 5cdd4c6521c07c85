"""Acts of a person that need an answer first: values, an unknown outcome, a choice, a skip, a note."""

from __future__ import annotations

from collections.abc import Callable

from orion_deploy.run.state import Status
from orion_deploy.run.values import Missing
from orion_deploy.tui import flow
from orion_deploy.tui.acting.base import Hands


class Answers(Hands):
    """Asked for, then done."""

    def advance(self, step_id: str) -> None:
        """A step was settled: go on."""
        raise NotImplementedError

    def do_output(self) -> None:
        """Show the whole output."""
        raise NotImplementedError

    def do_skip(self) -> None:
        """Pass over the step, with a reason."""
        from orion_deploy.tui.screens.asking import skip_panel

        row = self.main.row
        assert row is not None

        def skip(reason: str) -> None:
            if self.do(lambda: self.session.skip(row.id, reason)):
                self.advance(row.id)

        self.ask(skip_panel(self.session.step(row.id)), skip)

    def do_note(self) -> None:
        """Write something down, at the step, or at the run where the cursor is on none."""
        from orion_deploy.tui.screens.asking import note_panel

        row = self.main.row
        step_id = row.id if row is not None and row.kind == "step" else ""
        title = row.title if row is not None and step_id else "the run"
        self.ask(note_panel(title), lambda text: self.do(lambda: self.session.note(text, step_id)))

    def do_untick(self) -> None:
        """Take a tick or a skip back."""
        row = self.main.row
        assert row is not None
        self.do(lambda: self.session.untick(row.id))

    def do_choose(self) -> None:
        """Take another option of a choice."""
        row = self.main.row
        assert row is not None
        if flow.question_of(self.session.step(row.id)) is not None:
            self.decide(flow.on_tick(self.session, row))
        else:
            self.decide(flow.Choose(row.id))

    def choose(self, step_id: str, number: str) -> None:
        """An option was taken; nothing runs by it."""
        self.do(lambda: self.session.choose(step_id, int(number)))
        self.main.patience.hold()

    def resolve(self, step_id: str, answer: str) -> None:
        """A way on from an unknown outcome was chosen."""
        from orion_deploy.tui.screens.asking import resolve_panel, word_panel

        def resolved(how: str, reason: str) -> None:
            self.do(lambda: self.session.resolve(step_id, how, reason))
            if how == "rerun":
                self.main.say("it is open again; Enter runs it", "")

        match answer:
            case "look":
                self.do_output()
            case "verify":
                if self.do(lambda: self.session.verify(step_id)):
                    self.main.say("its check looks whether it was carried out; x stops it", "")
            case "again":
                reason = "running it again does no harm"
                if self.do(lambda: self.session.resolve(step_id, "rerun", reason)):
                    self.decide(flow.on_run(self.session, self.main.row))
            case "done" | "failed":
                known = self.session.state.step(step_id).reason
                panel = resolve_panel(self.session.step(step_id), answer, known)
                self.ask(panel, lambda reason: resolved(answer, reason))
            case _:
                why = ("nobody knows how far the last run came",)
                self.ask(
                    word_panel("Open it again?", flow.WORD_AGAIN, why), lambda _typed: resolved("rerun", "")
                )

    def verified(self, step_id: str) -> None:
        """The check that looked whether a step was carried out has looked: take in what it saw, and say so."""
        if not self.do(lambda: self.session.collect(step_id)) or self.session.verifying:
            return
        self.main.patience.hold()
        state, title = self.session.state.step(step_id), self.board.title_of(step_id)
        verdict = state.verifications[-1].verdict
        match state.status:
            case Status.DONE:
                if self.main.row is not None and self.main.row.id == step_id:
                    self.advance(step_id)
                self.main.say(f"{title}: it was carried out ({state.value})", "ok")
            case Status.TODO:
                self.main.say(f"{title}: it was not carried out, and is open again", "warn")
            case Status.UNKNOWN if verdict is not None:
                self.main.say(f"{title}: still unknown: {verdict.reason}", "bad")

    def ask_values(self, missing: Missing, script: str, then: Callable[[], None]) -> None:
        """Ask for one value after the other."""
        from orion_deploy.tui.screens.asking import placeholder_panel, variable_panel

        count = len(missing.variables) + len(missing.placeholders)

        def given(number: int, name: str, value: str, *, is_secret: bool) -> None:
            if self.do(lambda: self.session.set_variable(name, value, secret=is_secret)):
                ask(number + 1)

        def ask(number: int) -> None:
            place = (number + 1, count)
            if number == count:
                then()
            elif number < len(missing.variables):
                variable = missing.variables[number]
                panel = variable_panel(variable, place)
                self.ask(panel, lambda value: given(number, variable.name, value, is_secret=variable.secret))
            else:
                name = missing.placeholders[number - len(missing.variables)]
                panel = placeholder_panel(name, script, place)
                self.ask(panel, lambda value: given(number, name, value, is_secret=False))

        ask(0)
