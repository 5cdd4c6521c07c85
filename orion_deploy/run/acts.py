"""What a person does to a run: tick, skip, note, choose, resolve. Each act is one event, on disk when it returns."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from orion_deploy.checklist.choices import asked_by, find_option, name_of, options_of, told
from orion_deploy.checklist.model import Option, SectionKind, Step
from orion_deploy.checklist.variables import resolve
from orion_deploy.errors import RefusedError, did_you_mean
from orion_deploy.kinds.verdict import Json
from orion_deploy.run import events as ev
from orion_deploy.run import progress
from orion_deploy.run.advice import command
from orion_deploy.run.asking import Asking
from orion_deploy.run.choices import answer
from orion_deploy.run.state import Status

REASON_CHARACTERS_MAX = 4_000


class Acts(Asking):
    """The acts of a person on a run. Every one raises RefusedError when the run is only looked on."""

    path: Path
    data: bytes

    @abstractmethod
    def _append(self, *events: ev.Event) -> None:
        """Put events on disk; returns when they are there."""

    @abstractmethod
    def apply_conditions(self) -> None:
        """Pass over the steps whose `when` does not hold."""

    @abstractmethod
    def end_watches(self, why: str, *, but: frozenset[str] = frozenset()) -> None:
        """End the watches under way, those of the steps in `but` left out."""

    @abstractmethod
    def _snapshot_now(self) -> None:
        """Write the sidecar."""

    def approve(self) -> None:
        """Trust exactly these bytes."""
        from orion_deploy.run.approvals import approve

        approve(self.path, self.data)
        self._append(ev.Approved(digest=self.checklist.digest))

    def set_variable(self, name: str, value: str, *, secret: bool = False) -> None:
        """Record a variable's or placeholder's value; a secret is kept in memory only.

        Raises OrionError when the value does not fit the variable's type; nothing is recorded then.
        """
        declared = tuple(v for v in self.checklist.variables if v.name == name)
        resolve(declared, given={name: value} if declared else {})
        if secret:
            self.secrets[name] = value
            self._append(ev.VariableSet(name=name, secret=True))
        elif self.state.variables.get(name) != value:
            self._append(ev.VariableSet(name=name, value=value))
        self.apply_conditions()

    def tick(self, step_id: str, *, reason: str = "", value: str = "") -> None:
        """Tick the step. `reason` is needed where the facts speak against it (then it is an override).

        Of a question with options `value` is one of them (see `choose`), and is kept as its title.

        Raises:
            RefusedError: a reason is needed, the step runs, or the answer is none of its options, or not the one that
                stands.
        """
        step = self.step(step_id)
        self._refuse_while_running(step.id)
        if asked_by(step.facts.call):
            option, taken = self._option(step, value), answer(step, self.state)
            if taken is not None and taken != option:
                raise RefusedError(
                    f"`{step.id}` is done: “{taken.title}” was chosen",
                    help=f"{self._take_back(step)}; then another option can be taken",
                )
            value = option.title
        why = self.why_reason_needed(step.id)
        if why and not reason.strip():
            raise RefusedError(
                f"`{step.id}` cannot be ticked without a reason: {why}",
                help="give a reason; it stands in the evidence",
            )
        self._append(
            ev.Ticked(step=step.id, override=bounded(reason) if why else "", value=bounded(value or reason))
        )

    def tick_by_verdict(self, step_id: str) -> None:
        """Take the passing verdict of the step's last run as its tick, as `--auto` does.

        Raises:
            RefusedError: there is no passing verdict of the whole step that waits for its tick.
        """
        step = self.step(step_id)
        verdict = self.state.step(step.id).verdict
        is_waiting = self.state.step(step.id).status is Status.UNDECIDED
        if verdict is None or not verdict.is_good or not is_waiting:
            raise RefusedError(f"`{step.id}` has no passing verdict")
        self._append(ev.Ticked(step=step.id, auto=True, value=verdict.value))

    def untick(self, step_id: str) -> None:
        """Take a tick, skip or failure back. Raises RefusedError when the step runs, or its outcome is unknown."""
        step = self.step(step_id)
        self._refuse_while_open(step.id)
        self._append(ev.Unticked(step=step.id))

    def _refuse_while_running(self, step_id: str) -> None:
        """Raise RefusedError while an attempt or a watch of the step is under way."""
        state = self.state.step(step_id)
        if state.is_watched:
            raise RefusedError(
                f"`{step_id}` is being watched", help="wait for its end, or end the watch with a reason"
            )
        if state.status is Status.RUNNING:
            raise RefusedError(f"`{step_id}` is running", help="wait for its end, or cancel it")

    def _refuse_while_open(self, step_id: str) -> None:
        """Raise RefusedError while nobody can know what the step's attempt did."""
        self._refuse_while_running(step_id)
        if self.state.step(step_id).status is Status.UNKNOWN:
            raise RefusedError(
                f"the outcome of `{step_id}` is unknown", help="resolve it: done, failed, or rerun"
            )

    def skip(self, step_id: str, reason: str) -> None:
        """Pass over the step with a reason; of a mandatory step this is an override."""
        step = self.step(step_id)
        if not reason.strip():
            raise RefusedError(
                f"skipping `{step.id}` needs a reason", help="say why; it stands in the evidence"
            )
        self._refuse_while_running(step.id)
        self._append(ev.Skipped(step=step.id, reason=bounded(reason), override=step.mandatory))

    def note(self, text: str, step_id: str = "") -> None:
        """Write something down, on a step or on the run."""
        if not text.strip():
            raise RefusedError("a note needs a text")
        self._append(ev.Noted(step=self.step(step_id).id if step_id else "", text=bounded(text)))

    def choose(self, step_id: str, said: str | int, *, reason: str = "") -> None:
        """Take an option of a choice: by its number, its key or its title. Of a question this is the tick.

        Raises:
            RefusedError: there is no such option, another one stands (it runs, is unknown, or ticked), or something
                speaks against the tick of a question and no reason was given.
        """
        step = self.step(step_id)
        option, state = self._option(step, str(said)), self.state.step(step.id)
        if step.facts.call is not None:
            if state.status is Status.DONE and answer(step, self.state) == option:
                return
            self.tick(step.id, value=option.title, reason=reason)
            return
        if state.option not in (None, option.number):
            self._refuse_while_open(step.id)
            if state.status in (Status.DONE, Status.CHANGED):
                raise RefusedError(
                    f"`{step.id}` is {state.status.value} with option {state.option}",
                    help=f"{self._take_back(step)}; then another option can be taken",
                )
        self._append(ev.Chosen(step=step.id, option=option.number, title=option.title))

    def _option(self, step: Step, said: str) -> Option:
        """The option that is meant. Raises RefusedError where there is none such, and lists those that there are."""
        options = options_of(step)
        if not options:
            raise RefusedError(f"`{step.id}` is not a choice: it has no options")
        option = find_option(options, said)
        if option is None:
            names = [name for o in options for name in (o.key, o.title) if name]
            near = did_you_mean(said, names) if said else ""
            raise RefusedError(
                f"`{step.id}` has no option `{said}`"
                if said
                else f"`{step.id}` is a choice: say which option",
                help=f"{f'{near} ' if near else ''}its options: {told(options)};"
                f" `{command('choose', self.checklist.path, step.id, name_of(options[0]))}` takes the first",
            )
        return option

    def _take_back(self, step: Step) -> str:
        return f"`{command('untick', self.checklist.path, step.id)}` takes the tick back"

    def resolve(self, step_id: str, how: str, reason: str = "") -> None:
        """Decide an unknown, failed or undecided outcome: `done` or `failed` (with a reason) or `rerun`."""
        step = self.step(step_id)
        status = self.state.step(step.id).status
        if how not in ("done", "failed", "rerun"):
            raise RefusedError(f"`{how}` is no way to resolve a step", help="use done, failed or rerun")
        if status not in (Status.UNKNOWN, Status.UNDECIDED, Status.FAILED):
            again = status in (Status.DONE, Status.SKIPPED, Status.CHANGED)
            raise RefusedError(
                f"`{step.id}` is {status.value}: there is nothing to resolve",
                help=f"`{command('untick', self.checklist.path, step.id)}` opens it to be run again"
                if again
                else "",
            )
        if how != "rerun" and not reason.strip():
            raise RefusedError(f"marking `{step.id}` {how} needs a reason")
        self._append(ev.Resolved(step=step.id, how=how, reason=bounded(reason)))

    def forget_carried(self, reason: str = "") -> None:
        """Drop the folder and the variables that steps left: later steps start as the first one did.

        Raises:
            RefusedError: nothing is carried, or a step runs that may leave more.
        """
        if running := self.state.running:
            raise RefusedError(f"`{running[0]}` is running", help="wait for its end, or cancel it")
        if self.state.carried_from is None:
            raise RefusedError("no step has left a folder or a variable for later ones")
        self._append(ev.Forgotten(reason=bounded(reason)))

    def complete_section(self, section_id: str) -> None:
        """Record that a section was completed by an explicit act, with what is open or skipped in it."""
        section = next((s for s in self.checklist.walk_sections() if s.id == section_id), None)
        if section is None:
            raise RefusedError(f"there is no section `{section_id}`")
        open_ids, skipped = [], []
        for step in progress.section_steps(section):
            status = self.state.step(step.id).status
            if status is Status.SKIPPED:
                skipped.append(step.id)
            elif status is not Status.DONE:
                open_ids.append(step.id)
        self._append(ev.SectionCompleted(section=section_id, open=open_ids, skipped=skipped))

    def enter_rollback(self, reason: str, facts: Mapping[str, Json] = MappingProxyType({})) -> None:
        """Turn back: from here the rollback section is the path. A finished run is open again.

        `facts` is what was known of the databases at that moment; it goes into the record.
        """
        if not any(s.kind is SectionKind.ROLLBACK for s in self.checklist.walk_sections()):
            raise RefusedError("this checklist has no rollback section")
        if self.state.rollback_at is None or self.state.finished_at is not None:
            self._append(ev.RollbackEntered(reason=bounded(reason), facts=dict(facts)))
            way_back = frozenset(step.id for _, step in progress.rollback(self.checklist))
            self.end_watches("turned back", but=way_back)


def bounded(text: str) -> str:
    """Return a reason or note without outer space. Raises RefusedError past its limit."""
    text = text.strip()
    if len(text) > REASON_CHARACTERS_MAX:
        raise RefusedError(
            f"the text has {len(text):,} characters; at most {REASON_CHARACTERS_MAX:,} are kept"
        )
    return text
