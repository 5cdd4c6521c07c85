"""The policy of a person in the terminal: shows a step, asks what to do with it, and does just that.

No answer is a default: an empty line asks again, and an unknown outcome is only ever decided.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orion_deploy.checklist.choices import options_of
from orion_deploy.checklist.escalation import escalations
from orion_deploy.checklist.model import Section, Step
from orion_deploy.checklist.placeholders import fill
from orion_deploy.checklist.variables import fit
from orion_deploy.cli.out import data_now, talk
from orion_deploy.cli.terminal import Terminal
from orion_deploy.cli.view import step_lines
from orion_deploy.errors import OrionError, RefusedError
from orion_deploy.kinds.verdict import Json
from orion_deploy.run import reports
from orion_deploy.run.blocks import is_block_id
from orion_deploy.run.headless import Stop, Walk, code_of
from orion_deploy.run.state import SETTLED, Status
from orion_deploy.run.verification import is_harmless
from orion_deploy.run.way_back import is_asked_at
from orion_deploy.text import plain_line, stripped

OUTPUT_TAIL_BYTES = 64 * 1024
CONFIRMATION_WORD = "yes"
"""What is typed where a step asks for a confirmation and names no word."""


class TurnedBack(Exception):  # noqa: N818  # it is no error: the way changed
    """The operator entered the rollback: the path is another one now."""


class Next(Exception):  # noqa: N818  # it is no error: the step is left as it is
    """The operator goes on to the next step."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that can be done with a step: its key, its word, and how."""

    key: str
    word: str
    act: Callable[[Step], Stop | None]

    @property
    def text(self) -> str:
        """`[r]un`."""
        return (
            f"[{self.key}]{self.word[1:]}" if self.word.startswith(self.key) else f"[{self.key}] {self.word}"
        )


def is_question(step: Step) -> bool:
    """Whether the step asks a person something: there is nothing to run, its tick is the answer."""
    return step.facts.call is not None and step.facts.call.name.startswith("people.")


class Person:
    """Asks the operator about every open step."""

    def __init__(self, walk: Walk, terminal: Terminal) -> None:
        self._walk = walk
        self._session = walk.session
        self._terminal = terminal

    def settle(self, section: Section, step: Step, *, is_return: bool) -> Stop | None:
        """Ask until the step is settled, left open, or the operator leaves."""
        if self._status(step) in SETTLED:
            return None
        self._walk.fired()
        if self._session.state.step(step.id).is_watched:
            self._walk.tell_watch(step)
        data_now("\n".join(step_lines(self._session, step)))
        while True:
            if self._status(step) in SETTLED:
                self._tell_settled(step)
                return None
            try:
                stop = self._ask(section, step)
            except Next:
                return None
            except OrionError as error:
                talk(error.render())
                continue
            if stop is not None:
                return stop

    def _ask(self, section: Section, step: Step) -> Stop | None:
        choices = self._choices(section, step)
        answer = self._terminal.ask("  ".join(choice.text for choice in choices) + ": ").lower()
        for choice in choices:
            if answer in (choice.key, choice.word):
                return choice.act(step)
        if answer:
            talk(f"`{plain_line(answer)}` is none of these")
        return None

    def _choices(self, section: Section, step: Step) -> list[Choice]:
        status = self._status(step)
        if self._session.state.step(step.id).is_watched:
            first = [Choice("x", "end the watch", self._end_watch)]
        elif status is Status.UNKNOWN:
            first = [
                Choice("d", "done", self._resolve_done),
                Choice("f", "failed", self._resolve_failed),
                Choice("a", "run again", self._run_again),
            ]
            if not self._session.why_not_verify(step.id):
                first.insert(0, Choice("c", "check", self._verify))
        else:
            first = self._open_choices(section, step)
        last = [
            Choice("n", "note", self._note),
            Choice("v", "view", self._view),
            Choice("l", "leave open", self._leave),
        ]
        if self._session.state.step(step.id).attempts:
            last.append(Choice("o", "output", self._output))
        if self._can_turn_back(section):
            last.append(Choice("b", "back: roll back", self._turn_back))
        return [*first, *last, Choice("q", "quit", self._quit)]

    def _open_choices(self, section: Section, step: Step) -> list[Choice]:
        why = self._session.why_not_start(step.id)
        choices = []
        if step.options:
            choices.append(Choice("c", "choose", self._choose))
        if is_question(step):
            return [Choice("t", "tick", self._tick), Choice("s", "skip", self._skip)]
        if not why or why == self._session.why_override(step.id):
            if why:
                talk(plain_line(why))
            word = "run" if not self._session.state.step(step.id).attempts else "run again"
            choices.append(Choice("r", word, self._run))
            if step.facts.call is None:
                choices.append(Choice("e", "edit and run", self._edit))
        elif step.facts.call is not None or self._session.scripts(step.id):
            talk(f"it cannot be run now: {plain_line(why)}")
        if is_block_id(step.id):
            return choices
        return [*choices, Choice("t", "tick", self._tick), Choice("s", "skip", self._skip)]

    # What can be done

    def _run(self, step: Step, script: str | None = None) -> Stop | None:
        if not self._give_values(step) or not self._confirmed(step):
            return None
        if self._session.is_interactive(step.id):
            verdict = self._session.run_in_foreground(step.id, script=script)
            data_now(f"{verdict.outcome.value}: {plain_line(verdict.reason)}")
        else:
            why = self._session.why_override(step.id)
            reason = self._terminal.ask_text(f"To run it needs a reason ({plain_line(why)})") if why else ""
            if why and not reason:
                return None
            attempt = self._session.start(step.id, script=script, override=reason or "")
            if self._walk.follow(step, attempt) is Status.RUNNING:
                raise Next  # A watch goes on by itself.
        if self._status(step) is Status.TODO and self._session.next_block(step.id):
            data_now("\n".join(step_lines(self._session, step)))
        if is_block_id(step.id):
            raise Next
        return None

    def _end_watch(self, step: Step) -> Stop | None:
        reason = self._terminal.ask_text("Why end it before its time")
        if reason:
            self._session.stop_watch(step.id, reason)
        return None

    def _verify(self, step: Step) -> Stop | None:
        self._walk.verify(step)
        return None

    def _run_again(self, step: Step) -> Stop | None:
        if is_harmless(step):
            why = "it only looks" if step.facts.check else "running it again does no harm, says the checklist"
            talk(why)
            self._session.resolve(step.id, "rerun", why)
            return self._run(step)
        if self._terminal.ask_word("It may have happened already; run it a second time?", "again"):
            self._session.resolve(step.id, "rerun")
            return self._run(step)
        return None

    def _edit(self, step: Step) -> Stop | None:
        import click

        written = self._session.scripts(step.id)[self._session.next_block(step.id)].script
        edited = click.edit(written, extension=".sh")
        if edited is None or edited.rstrip("\n") == written.rstrip("\n"):
            talk("nothing was changed")
            return None
        from orion_deploy.run.desk import edit_diff

        for line in edit_diff(written, edited.rstrip("\n")).splitlines():
            data_now(f"  {plain_line(line)}")
        return self._run(step, edited.rstrip("\n")) if self._terminal.agree("Run it so?") else None

    def _tick(self, step: Step) -> Stop | None:
        if is_question(step):
            self._answer(step)
            return None
        why = self._session.why_reason_needed(step.id)
        if not why:
            value = self._terminal.ask("What did you see? (may be empty): ") if step.blanks else ""
            self._session.tick(step.id, value=value)
            return None
        reason = self._terminal.ask_text(f"To tick it needs a reason ({plain_line(why)})")
        if reason:
            self._session.tick(step.id, reason=reason)
        return None

    def _answer(self, step: Step) -> None:
        """A question to a person: a word, a value, or one of several ways."""
        assert step.facts.call is not None
        asked = step.facts.call.parameters
        question = plain_line(str(asked.get("question") or step.title))
        if options := options_of(step):
            if is_asked_at(self._session, step.id):
                self._tell_what_decides()
            number = self._terminal.choose(question, [option.title for option in options])
            if number is not None:
                why = self._session.why_reason_needed(step.id)
                reason = self._terminal.ask_text(f"It needs a reason ({plain_line(why)})") if why else ""
                self._session.choose(step.id, number, reason=reason or "")
        elif asked.get("word"):
            if self._terminal.ask_word(question, str(asked["word"])):
                self._session.tick(step.id, value=str(asked["word"]))
        elif asked.get("value"):
            value = self._terminal.ask_text(f"{question} {plain_line(str(asked['value']))}")
            if value:
                self._session.tick(step.id, value=value)
        elif self._terminal.agree(question):
            self._session.tick(step.id)

    def _skip(self, step: Step) -> Stop | None:
        word = "It is mandatory: passing over it is an override. Why" if step.mandatory else "Why"
        reason = self._terminal.ask_text(word)
        if reason:
            self._session.skip(step.id, reason)
        return None

    def _choose(self, step: Step) -> Stop | None:
        number = self._terminal.choose("Which?", [option.title for option in step.options])
        if number is not None:
            self._session.choose(step.id, step.options[number - 1].number)
            self._view(step)
        return None

    def _resolve_done(self, step: Step) -> Stop | None:
        self._resolve(step, "done")
        return None

    def _resolve_failed(self, step: Step) -> Stop | None:
        self._resolve(step, "failed")
        return None

    def _resolve(self, step: Step, how: str) -> None:
        reason = self._terminal.ask_text(f"How do you know that it is {how}?")
        if reason:
            self._session.resolve(step.id, how, reason)

    def _note(self, step: Step) -> Stop | None:
        text = self._terminal.ask_text("Note")
        if text:
            self._session.note(text, step.id)
        return None

    def _view(self, step: Step) -> Stop | None:
        data_now("\n".join(step_lines(self._session, step)))
        return None

    def _output(self, step: Step) -> Stop | None:
        output = self._session.output(step.id)
        text = output.tail(OUTPUT_TAIL_BYTES).decode("utf-8", "replace") if output is not None else ""
        for line in stripped(text).split("\n"):
            data_now(f"  | {line}")
        return None

    def _leave(self, step: Step) -> Stop | None:
        if step.mandatory:
            talk("it is mandatory: what comes after it cannot be run until it is settled")
        raise Next

    def _quit(self, step: Step) -> Stop | None:
        code = code_of([each for _, each in self._walk.pairs], self._session.state)
        return Stop(code, "you left; everything is on disk", step, "the same command goes on from here")

    def _turn_back(self, step: Step) -> Stop | None:
        facts = self._tell_what_decides()
        if found := escalations(self._session.checklist):
            self._walk.tell(reports.Escalates.of(found))
        if not self._terminal.ask_word("The rollback section becomes the path.", "rollback"):
            return None
        reason = self._terminal.ask_text("Why")
        if not reason:
            return None
        self._session.enter_rollback(reason, facts)
        raise TurnedBack

    def _tell_what_decides(self) -> dict[str, Json]:
        """Look at the databases, and say which way back keeps what; returns it for the record."""
        from orion_deploy.cli.way_back import known_now, looked

        facts = known_now(self._session, looked(self._session, self._walk.follower.signals))
        if facts:
            self._walk.tell(reports.Decides(facts=facts))
        return facts

    # What they need

    def _status(self, step: Step) -> Status:
        return self._session.state.step(step.id).status

    def _tell_settled(self, step: Step) -> None:
        state = self._session.state.step(step.id)
        if state.status is Status.DONE:
            self._walk.tell(reports.Ticked(step=step.id, title=step.title, value=state.value))
        else:
            talk(f"skipped: {plain_line(state.reason)}")

    def _can_turn_back(self, section: Section) -> bool:
        from orion_deploy.run.progress import rollback

        return self._session.state.rollback_at is None and any(
            True for _ in rollback(self._session.checklist)
        )

    def _give_values(self, step: Step) -> bool:
        """Ask for every value that the step's next run lacks; False when one was not given.

        Raises RefusedError when a placeholder's value could mean more to the shell than one word.
        """
        missing = self._session.missing(step.id)
        for variable in missing.variables:
            question = f"{plain_line(variable.prompt or variable.name)}: "
            value = self._terminal.ask_secret(question) if variable.secret else self._terminal.ask(question)
            if not value:
                return False
            try:
                fit(variable, value)
            except ValueError as error:
                raise RefusedError(str(error)) from None
            self._session.set_variable(variable.name, value, secret=variable.secret)
        answers = {}
        for placeholder in missing.placeholders:
            answers[placeholder] = self._terminal.ask_text(f"Value for {plain_line(placeholder)}")
            if not answers[placeholder]:
                return False
        if answers:
            block = self._session.scripts(step.id)[self._session.next_block(step.id)]
            fill(block.script, {**self._session.state.variables, **answers})
        for placeholder, value in answers.items():
            self._session.set_variable(placeholder, value)
        return True

    def _confirmed(self, step: Step) -> bool:
        if step.facts.confirm is None:
            return True
        return self._terminal.ask_word("It asks for a confirmation.", step.facts.confirm or CONFIRMATION_WORD)
