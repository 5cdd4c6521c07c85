"""What a person answered at a choice, and what follows from it for the steps that depend on it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from orion_deploy.checklist.choices import asked_by, find_option
from orion_deploy.checklist.conditions import applies, parse
from orion_deploy.checklist.model import Checklist, Option, Section, SectionKind, Step
from orion_deploy.kinds.verdict import Outcome
from orion_deploy.run import events as ev
from orion_deploy.run.state import CONDITION_PREFIX, NEVER_STARTED, RunState, Status, StepState

DOWN, RESTORE = "sqlite.rollback", "sqlite.restore"
"""The two ways back. Once one was gone in a run, the other only loses what the first has kept."""


def answer(step: Step, state: RunState) -> Option | None:
    """The option that was taken at a choice; None while nothing was, or its text changed since, or it was passed over."""
    step_state = state.step(step.id)
    if step_state.status in (Status.CHANGED, Status.SKIPPED):
        return None
    if asked := asked_by(step.facts.call):
        return find_option(asked, step_state.value) if step_state.status is Status.DONE else None
    return next((option for option in step.options if option.number == step_state.option), None)


def choice_of(checklist: Checklist, step: Step, known: Mapping[str, Step] | None = None) -> Step | None:
    """The choice on whose answer the step depends by its `when`; None where it depends on none.

    `known` are all steps by their ids, for those who ask often.
    """
    condition = parse(step.facts.when) if step.facts.when is not None else None
    if condition is None or any(variable.name == condition.name for variable in checklist.variables):
        return None
    if known is not None:
        return known.get(condition.name)
    return next((found for _, found in checklist.walk() if found.id == condition.name), None)


def holds(checklist: Checklist, state: RunState, step: Step, values: Mapping[str, str]) -> bool | None:
    """Whether the step applies by its `when`; None while that waits for a value, or for the answer to a choice."""
    return _holds(choice_of(checklist, step), state, step, values)


def _holds(choice: Step | None, state: RunState, step: Step, values: Mapping[str, str]) -> bool | None:
    if choice is None:
        return applies(step.facts.when, values)
    if state.step(choice.id).is_passed_over:
        return False
    return applies(step.facts.when, values, {choice.id: answer(choice, state)})


def why_not_applicable(
    checklist: Checklist, state: RunState, step: Step, known: Mapping[str, Step] | None = None
) -> str:
    """Say which choice the step waits for, or by which answer it does not apply; empty where neither is so."""
    choice = choice_of(checklist, step, known)
    held = None if choice is None else _holds(choice, state, step, {})
    if choice is None or held:
        return ""
    return (
        f"it waits for the choice `{choice.id}`"
        if held is None
        else f"{CONDITION_PREFIX}{_because(choice, state)}"
    )


def _because(choice: Step, state: RunState) -> str:
    option = answer(choice, state)
    return f"`{choice.id}` is “{option.title}”" if option is not None else f"`{choice.id}` is not applicable"


def deciding(checklist: Checklist) -> frozenset[str]:
    """Ids of the choices on whose answer a step depends."""
    names = {variable.name for variable in checklist.variables}
    found = (parse(step.facts.when) for _, step in checklist.walk() if step.facts.when is not None)
    return frozenset(condition.name for condition in found if condition is not None) - names


def consequences(checklist: Checklist, state: RunState, values: Mapping[str, str]) -> Iterator[ev.Event]:
    """What the values and answers of now do to the steps: passed over as not applicable, or open again.

    What has run stays as it is; a step that failed on a way that is not taken any more does not hold the run, and
    has failed still when the way is taken again. Of what was done after a way that is open now again, only checks
    are opened: they look anew, and nothing is carried out a second time.
    """
    opened: set[str] = set()
    known = {step.id: step for _, step in checklist.walk()}
    for step in known.values():
        step_state = state.step(step.id)
        if step.facts.when is not None:
            choice = choice_of(checklist, step, known)
            held = _holds(choice, state, step, values)
            may_pass = step_state.status is Status.TODO or (
                choice is not None and step_state.status is Status.FAILED
            )
            if held is False and may_pass:
                why = f"when {step.facts.when}" if choice is None else _because(choice, state)
                yield ev.Skipped(step=step.id, reason=CONDITION_PREFIX + why)
            elif step_state.is_passed_over and (held or (held is None and choice is not None)):
                opened.add(step.id)
                yield _again(step, step_state)
        if opened and opened.intersection(step.facts.needs) and step_state.status is Status.DONE:
            opened.add(step.id)
            if step.facts.check is not None:
                yield ev.Unticked(step=step.id)


def _again(step: Step, step_state: StepState) -> ev.Event:
    ended = [attempt for attempt in step_state.attempts if attempt.ending != NEVER_STARTED]
    verdict = ended[-1].verdict if ended else None
    if verdict is not None and verdict.outcome is Outcome.FAILED:
        return ev.Resolved(step=step.id, how="failed", reason=f"its last run failed: {verdict.reason}")
    return ev.Unticked(step=step.id)


# The two ways back


def other_way(checklist: Checklist, state: RunState, step: Step) -> Step | None:
    """The step by which this run has gone the other way back of the same database; None where it has not."""
    call = step.facts.call
    if call is None or call.name not in (DOWN, RESTORE):
        return None
    pairs = list(_ways(checklist, call.parameters.get("path")))
    if all(found.id != step.id for _, found in pairs):
        return None
    for _, found in pairs:
        if (
            found.facts.call is not None
            and found.facts.call.name != call.name
            and _is_gone(state.step(found.id))
        ):
            return found
    return None


def _ways(checklist: Checklist, database: object) -> Iterator[tuple[Section, Step]]:
    for section, step in checklist.walk():
        call = step.facts.call
        is_way = section.kind is SectionKind.ROLLBACK and call is not None and call.name in (DOWN, RESTORE)
        if is_way and call is not None and call.parameters.get("path") == database:
            yield section, step


def _is_gone(step_state: StepState) -> bool:
    """Whether the step was carried out, or may have been."""
    return step_state.status in (Status.DONE, Status.RUNNING, Status.UNKNOWN) or any(
        attempt.verdict is not None and attempt.verdict.outcome is Outcome.PASSED
        for attempt in step_state.attempts
    )


def why_other_way(checklist: Checklist, state: RunState, step: Step) -> str:
    """Say what the step would lose because this run has gone the other way back; empty where it has not.

    Only a typed reason, which is an override, lets it be done all the same.
    """
    other = other_way(checklist, state, step)
    if other is None or step.facts.call is None:
        return ""
    has = "has" if state.step(other.id).status not in (Status.RUNNING, Status.UNKNOWN) else "may have"
    if step.facts.call.name == RESTORE:
        return (
            f"`{other.id}` {has} taken the migration back in this run: restoring the backup now would lose"
            f" everything written since it was taken{_rows(state)}"
        )
    return (
        f"`{other.id}` {has} restored the backup in this run: the migration is not in it,"
        " and the down script could only lose what stands there now"
    )


def _rows(state: RunState) -> str:
    databases = state.rollback_facts.get("databases")
    written = (
        [d.get("written_rows") for d in databases if isinstance(d, Mapping)]
        if isinstance(databases, list)
        else []
    )
    rows = sum(count for count in written if isinstance(count, int))
    return f" ({rows:,} row{'' if rows == 1 else 's'} when the run turned back)" if rows else ""


def is_offered(
    checklist: Checklist, state: RunState, step: Step, known: Mapping[str, Step] | None = None
) -> bool:
    """Whether an open step may come up as the next one: not while it waits for a choice, nor behind the other way back.

    `known` are all steps by their ids, for those who ask often.
    """
    if step.facts.when is None and step.facts.call is None:
        return True
    return not why_not_applicable(checklist, state, step, known) and other_way(checklist, state, step) is None
