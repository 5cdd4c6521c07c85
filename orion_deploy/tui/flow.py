"""What a key means now: from the run's state to one decision, which the operator's desk carries out. No screens here.

Enter never does two things: it asks for what is missing, or it asks for a word, or it runs. Nothing here
remembers an earlier yes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orion_deploy.checklist.choices import options_of
from orion_deploy.checklist.model import Option, Step
from orion_deploy.run.blocks import is_block_id
from orion_deploy.run.session import Session
from orion_deploy.run.state import LOST, Status, StepState
from orion_deploy.run.values import Missing
from orion_deploy.tui.board import Row
from orion_deploy.tui.words import clock, counted

WORD_RUN = "run"
WORD_AGAIN = "again"
WORD_CANCEL = "cancel"
WORD_KINDS: Mapping[str, tuple[str, str]] = {
    "process.stop": ("stop", "it ends processes"),
    "sqlite.migrate": ("migrate", "it changes the database"),
    "sqlite.rollback": ("rollback", "it changes the database"),
    "sqlite.restore": (
        "restore",
        "it replaces the database by a backup: what was written since is gone from it",
    ),
}
"""Typed actions after which things are not as before: the word to type, and why."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """It cannot be done now; says why."""

    why: str


@dataclass(frozen=True, slots=True)
class CompleteSection:
    """Ask whether the section is complete."""

    section: int


@dataclass(frozen=True, slots=True)
class Approve:
    """The commands must be seen first."""


@dataclass(frozen=True, slots=True)
class Resolve:
    """The outcome is unknown: a person decides."""

    step_id: str


@dataclass(frozen=True, slots=True)
class Choose:
    """An option must be taken first."""

    step_id: str


@dataclass(frozen=True, slots=True)
class AskValues:
    """Values are missing."""

    step_id: str
    missing: Missing


@dataclass(frozen=True, slots=True)
class Confirm:
    """A word must be typed first; `why` says what speaks for a second look."""

    step_id: str
    word: str
    why: tuple[str, ...]
    override: str = ""


@dataclass(frozen=True, slots=True)
class Launch:
    """It may run."""

    step_id: str
    is_interactive: bool
    override: str = ""


@dataclass(frozen=True, slots=True)
class AskPerson:
    """The step is a question to a person: its tick takes an answer."""

    step_id: str
    question: str
    word: str = ""
    """The word that confirms; empty where a value is asked for."""
    value: str = ""
    """The name of the value."""
    options: tuple[Option, ...] = ()

    @property
    def is_a_mere_tick(self) -> bool:
        """Whether the tick itself is the answer."""
        return not (self.word or self.value or self.options)


@dataclass(frozen=True, slots=True)
class AskReason:
    """The tick is an override: it needs a reason."""

    step_id: str
    why: str


@dataclass(frozen=True, slots=True)
class AskOverride:
    """The run has gone the other way back: the step runs only with a reason."""

    step_id: str
    why: str


@dataclass(frozen=True, slots=True)
class Tick:
    """It may be ticked."""

    step_id: str


Decision = (
    Refuse
    | CompleteSection
    | Approve
    | Resolve
    | Choose
    | AskValues
    | Confirm
    | Launch
    | AskPerson
    | AskReason
    | AskOverride
    | Tick
)


def on_run(
    session: Session,
    row: Row | None,
    *,
    is_confirmed: bool = False,
    edited: str | None = None,
    override: str = "",
) -> Decision:
    """What Enter means on this row. `edited` is the text that would run instead of the checklist's.

    `override` is the reason that was given although the run has gone the other way back.
    """
    if row is None:
        return Refuse("there is nothing here")
    if row.kind == "section":
        if session.read_only:
            return Refuse(session.why_not_start(_first_step(session)) or "you are looking on")
        return CompleteSection(row.section)
    step = session.step(row.id)
    state = session.state.step(step.id)
    if session.read_only:
        return Refuse(session.why_not_start(step.id))
    if question := question_of(step):
        if question.is_a_mere_tick:
            return Refuse("it is a question to you: Space is the answer")
        return on_tick(session, row)
    if state.status is Status.UNKNOWN:
        return Resolve(step.id)
    if step.kind == "choice" and state.option is None and step.options:
        return Choose(step.id)
    if session.needs_approval and (step.facts.call is not None or session.scripts(step.id)):
        return Approve()
    if why := session.why_not_start(step.id):
        if why != session.why_override(step.id):
            return Refuse(why)
        if not override:
            return AskOverride(step.id, why)
    if edited is None and (missing := session.missing(step.id)):
        return AskValues(step.id, missing)
    script = edited if edited is not None else next_script(session, step.id)
    if not is_confirmed and (
        reasons := why_confirm(session, step, state, script, is_edited=edited is not None)
    ):
        return Confirm(step.id, confirm_word(session, step, state), reasons, override)
    return Launch(step.id, is_interactive=runs_in_terminal(step, script), override=override)


def _first_step(session: Session) -> str:
    return next((step.id for _, step in session.checklist.walk()), "")


def question_of(step: Step) -> AskPerson | None:
    """The question that a `people.*` step asks, or None."""
    call = step.facts.call
    if call is None or not call.name.startswith("people."):
        return None
    given: Mapping[str, object] = call.parameters
    return AskPerson(
        step.id,
        question=str(given.get("question") or step.title),
        word=str(given.get("word") or ""),
        value=str(given.get("value") or ""),
        options=options_of(step),
    )


def next_script(session: Session, step_id: str) -> str:
    """The script that the next run of the step carries out, as written; empty for a typed step."""
    blocks = session.scripts(step_id)
    return blocks[session.next_block(step_id)].script if blocks else ""


def has_run_before(session: Session, step: Step, state: StepState) -> bool:
    """Whether the next run would repeat an attempt that has begun before. Checks only look: they may be repeated."""
    if step.facts.check is not None:
        return False
    block = session.next_block(step.id)
    return any(a.block == block and a.ending != "never started" for a in state.attempts)


def repeats(session: Session, step: Step, state: StepState) -> bool:
    """Whether the next run needs a word because it would be a second one: not of what was cut off and does no harm twice."""
    if step.facts.idempotent and state.attempts and state.attempts[-1].ending == LOST:
        return False
    return has_run_before(session, step, state)


def confirm_word(session: Session, step: Step, state: StepState) -> str:
    """The word to type before the step runs."""
    if step.facts.confirm:
        return step.facts.confirm
    if repeats(session, step, state):
        return WORD_AGAIN
    kind = step.facts.call.name if step.facts.call is not None else ""
    return WORD_KINDS.get(kind, (WORD_RUN, ""))[0]


def why_confirm(
    session: Session, step: Step, state: StepState, script: str, *, is_edited: bool
) -> tuple[str, ...]:
    """Why a word must be typed before the step runs; empty when Enter is enough."""
    why: list[str] = []
    if repeats(session, step, state):
        last = state.attempts[-1]
        ran = "been watched" if step.facts.watch is not None else "run"
        why.append(
            f"it has {ran} before: {counted(len(state.attempts), 'attempt')}, the last at "
            f"{clock(last.started_at, session.edge.now())}"
        )
    if is_block_id(step.id):
        why.append("this block stands under no step; it runs only because you ask for it")
    if is_edited:
        why.append("you have edited it: what runs is not what the checklist says")
    if script:
        from orion_deploy.tui.dangers import reasons

        section, _ = session.find(step.id)
        text = session.data.decode("utf-8", "replace")
        why += reasons(session.checklist, section, step, script, text, is_edited=is_edited)
    if step.facts.call is not None and step.facts.call.name in WORD_KINDS:
        why.append(WORD_KINDS[step.facts.call.name][1])
    if step.facts.confirm is not None:
        why.append("the checklist asks for a word before this step")
    return tuple(why)


def runs_in_terminal(step: Step, script: str) -> bool:
    """Whether the step needs the real terminal: as stated, or by its words (sudo, an editor, `read`)."""
    if step.facts.call is not None:
        return False
    if step.facts.interactive is not None:
        return step.facts.interactive
    from orion_deploy.checklist.terminal import needs_terminal

    return bool(needs_terminal(script))


def on_tick(session: Session, row: Row | None) -> Decision:
    """What Space means on this row."""
    if row is None or row.kind == "section":
        return Refuse("Space ticks a step; Enter on a section completes it")
    if session.read_only:
        return Refuse(session.why_not_start(row.id))
    if row.kind == "block":
        return Refuse("this block is no step: there is nothing to tick")
    step = session.step(row.id)
    state = session.state.step(step.id)
    match state.status:
        case Status.DONE:
            return Refuse("it is done already; u takes the tick back")
        case Status.RUNNING:
            return Refuse("it is running; wait for its end, or cancel it with x")
        case Status.UNKNOWN:
            return Resolve(step.id)
        case _:
            pass
    question = question_of(step)
    if why := session.why_reason_needed(step.id):
        return AskReason(step.id, why)
    if question is not None and not question.is_a_mere_tick:
        return question
    if step.blanks:
        return AskPerson(
            step.id, question=step.title, value=f"the {counted(step.blanks, 'blank')} of this step"
        )
    return Tick(step.id)
