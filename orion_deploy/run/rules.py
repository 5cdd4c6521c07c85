"""What may be done now, and why not. Pure: the same answers grey a key out, refuse a command and stop `--auto`."""

from __future__ import annotations

from hashlib import sha256

from orion_deploy.checklist.model import Checklist, Section, SectionKind, Step
from orion_deploy.kinds.verdict import Outcome
from orion_deploy.run.choices import why_not_applicable, why_other_way
from orion_deploy.run.progress import LATE, forward, rollback
from orion_deploy.run.state import FINISHED, LOST, NEVER_STARTED, SETTLED, RunState, Status, StepState


def open_before(checklist: Checklist, state: RunState, step_id: str) -> Step | None:
    """The first mandatory step before `step_id` on its path that is still open, or None.

    A step's own ancestors do not count: they are ticked after their sub-steps. Nor does one criterion or gate hold
    another: they are told, not worked through.
    """
    found = find(checklist, step_id)
    if found is None:
        return None
    section, _ = found
    pairs = rollback(checklist) if section.kind is SectionKind.ROLLBACK else forward(checklist)
    for there, step in pairs:
        if step.id == step_id or (section.kind in LATE and there.kind in LATE):
            return None
        if step.mandatory and state.step(step.id).status not in SETTLED and not _is_ancestor(step, step_id):
            return step
    return None


def why_not_start(checklist: Checklist, state: RunState, step: Step, section: Section | None = None) -> str:
    """Say why `step` cannot be run now, in one sentence; an empty string when it can."""
    status = state.step(step.id).status
    if state.finished_at is not None:
        return "the run is finished; start a new one"
    if state.step(step.id).is_watched:
        return "it is being watched"
    if status is Status.RUNNING:
        return "it is running"
    if status is Status.UNKNOWN:
        return "its outcome is unknown; resolve it first: look, then mark it done or failed, or run it again"
    if step.facts.reference or step.kind == "reference":
        return "it is a reference: a command to keep at hand, copied and never run by its step"
    if step.kind == "choice" and state.step(step.id).option is None:
        return "choose an option first"
    if step.facts.call is None and not step.scripts(state.step(step.id).option):
        return "it has nothing to run; a person does it, then ticks it"
    if section is None:
        found = find(checklist, step.id)
        section = found[0] if found else None
    if section is not None and section.kind is SectionKind.ROLLBACK and state.rollback_at is None:
        return "it belongs to the rollback; enter the rollback first"
    if others := [i for i in state.running if i != step.id]:
        return f"`{others[0]}` is still running"
    return why_not_yet(checklist, state, step) or why_other_way(checklist, state, step)


def why_not_yet(checklist: Checklist, state: RunState, step: Step) -> str:
    """Say what must be settled before `step`: the choice it depends on, its `needs`, and mandatory steps before it.

    A need that is not applicable is met: there is nothing to wait for.
    """
    if why := why_not_applicable(checklist, state, step):
        return why
    for need in step.facts.needs:
        if state.step(need).status is not Status.DONE and not state.step(need).is_passed_over:
            return f"it needs `{need}`, which is {state.step(need).status.value}"
    blocking = open_before(checklist, state, step.id)
    if blocking is not None:
        return f"the mandatory step `{blocking.id}` before it is {state.step(blocking.id).status.value}"
    return ""


def why_reason_needed(checklist: Checklist, state: RunState, step: Step) -> str:
    """Say why ticking `step` now needs a typed reason (an override), or an empty string when it does not."""
    step_state = state.step(step.id)
    if step_state.status is Status.FAILED:
        return "its last run failed"
    if step_state.status is Status.UNKNOWN:
        return "its outcome is unknown"
    last = step_state.attempts[-1] if step_state.attempts else None
    if last is not None and last.watched is not None and last.why not in ("", "elapsed"):
        return "its watch ended before its time"
    ended = [attempt for attempt in step_state.attempts if attempt.ending != NEVER_STARTED]
    if ended and step_state.status is Status.TODO:  # A failure that was only taken back is no success.
        last = ended[-1]
        if last.ending == LOST:
            number = last.number
            verdicts = [v.verdict for v in step_state.verifications if v.attempt == number]
            told = [verdict.outcome for verdict in verdicts if verdict is not None]
            is_told = told[-1:] == [Outcome.FAILED]
            return (
                "its last run was interrupted, and was not carried out"
                if is_told
                else "the outcome of its last run is unknown"
            )
        if last.verdict is not None and last.verdict.outcome is Outcome.FAILED:
            return "its last run failed"
    has_run = bool(ended) or step_state.status is Status.CHANGED
    if step_state.status is Status.TODO and (step_state.verdict is None or step_state.blocks_done):
        has_run = False  # Another option ran, or only the first of its blocks.
    could_run = bool(step.scripts(step_state.option)) if step.facts.call is None else not needs_person(step)
    if step.mandatory and not has_run and could_run:
        return "it is mandatory and was not run"
    for child in step.steps:
        if child.mandatory and state.step(child.id).status not in SETTLED:
            return f"its mandatory sub-step `{child.id}` is open"
    return why_not_yet(checklist, state, step) or why_other_way(checklist, state, step)


def next_block(step: Step, state: StepState) -> int:
    """Index of the block that the next run carries out: behind those that have passed as they are written now.

    What was filled in or edited before it ran cannot be compared; it counts as it stands.
    """
    blocks = step.scripts(state.option)
    if state.blocks_done >= len(blocks):
        return 0
    for place, block in enumerate(blocks[: state.blocks_done]):
        ran = next((a for a in reversed(state.attempts) if a.block == place and a.ending == FINISHED), None)
        if ran is None or ran.edited or block.placeholders or not ran.script_sha256:
            continue
        if ran.script_sha256 != sha256(block.script.encode("utf-8", "surrogateescape")).hexdigest():
            return place
    return state.blocks_done


def ticks_itself(step: Step) -> bool:
    """Whether a passing verdict ticks the step by itself: typed steps do, shell steps only by `auto: true`."""
    if step.facts.auto is not None:
        return step.facts.auto
    return step.facts.call is not None


def needs_person(step: Step) -> bool:
    """Whether only a person can settle the step: nothing to run, a question, a choice, or a real terminal."""
    call = step.facts.call
    if call is not None:
        return call.name.startswith("people.")
    return not any(step.scripts(option) for option in (None, *(o.number for o in step.options)))


def is_in_trouble(checklist: Checklist, step: Step, state: StepState) -> bool:
    """Whether a person should be told whom to turn to: it failed, or nobody knows how it ended, and that weighs.

    It weighs where the step is mandatory; and where it acts, on the way back, or behind the first mandatory
    step: before that nothing serious has begun, and a rehearsal may fail.
    """
    if step.optional or state.status not in (Status.FAILED, Status.UNKNOWN):
        return False
    if step.mandatory or step.facts.check is not None:
        return step.mandatory
    on_the_way = [each for _, each in forward(checklist)]
    first = next((n for n, each in enumerate(on_the_way) if each.mandatory), 0)
    return all(each.id != step.id for each in on_the_way[:first])


def find(checklist: Checklist, step_id: str) -> tuple[Section, Step] | None:
    """The step with this id and its section, or None."""
    for section, step in checklist.walk():
        if step.id == step_id:
            return section, step
    return None


def _is_ancestor(step: Step, step_id: str) -> bool:
    stack = list(step.steps)
    while stack:
        child = stack.pop()
        if child.id == step_id:
            return True
        stack.extend(child.steps)
    return False
