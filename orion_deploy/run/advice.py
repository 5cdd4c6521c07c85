"""What to type next, as commands that can be copied: for a step that cannot go on, and for the choice of a way back. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from orion_deploy.checklist.choices import name_of, options_of
from orion_deploy.checklist.model import Checklist, Option, SectionKind, Step
from orion_deploy.run import rules
from orion_deploy.run.choices import DOWN, RESTORE, answer, choice_of
from orion_deploy.run.state import RunState, Status


def command(act: str, *words: str) -> str:
    """A command line, quoted for a shell."""
    return shlex.join(["orion-deploy", act, *words])


def first_needed(checklist: Checklist, state: RunState, step: Step) -> Step:
    """The step that must be settled first for `step` to go on: what it waits for, or what that waits for; else itself."""
    seen = {step.id}
    while True:
        found = _waits_for(checklist, state, step)
        if found is None or found.id in seen:
            return step
        seen.add(found.id)
        step = found


def _waits_for(checklist: Checklist, state: RunState, step: Step) -> Step | None:
    choice = choice_of(checklist, step)
    if choice is not None and answer(choice, state) is None:
        return choice
    for need in step.facts.needs:
        if state.step(need).status is not Status.DONE and not state.step(need).is_passed_over:
            found = rules.find(checklist, need)
            return found[1] if found is not None else None
    return rules.open_before(checklist, state, step.id)


def how_to_settle(checklist: Checklist, state: RunState, step: Step) -> str:
    """How a person brings `step` further, beginning with what it waits for."""
    first = first_needed(checklist, state, step)
    path = checklist.path
    if options_of(first) and answer(first, state) is None:
        return how_to_choose(checklist, state, first)
    match state.step(first.id).status:
        case Status.FAILED | Status.UNKNOWN | Status.UNDECIDED:
            return f"look, then `{command('resolve', path, first.id)} done|failed|rerun --reason TEXT`"
        case Status.SKIPPED:
            return f"`{command('untick', path, first.id)}` opens it again"
        case _:
            pass
    if rules.needs_person(first):
        return f"when it is done: `{command('tick', path, first.id)}`"
    if first is step:
        return f"when it is done: `{command('tick', path, first.id)}`; `run` without --auto asks step by step"
    return f"`{command('run', path, '--auto', '--only', first.id)}` runs it; done by hand: `{command('tick', path, first.id)}`"


def how_to_mend(checklist: Checklist, state: RunState, step: Step) -> str:
    """How a failed step is run again, and what it needs that its verdict wants taken again."""
    path = checklist.path
    text = f"mend what it is; `{command('resolve', path, step.id, 'rerun')}` then opens the step again"
    verdict = state.step(step.id).verdict
    reason = verdict.reason.lower() if verdict is not None else ""
    for need in step.facts.needs:
        found = rules.find(checklist, need)
        call = found[1].facts.call if found is not None else None
        if (
            state.step(need).status is Status.DONE
            and call is not None
            and _TAKEN_AGAIN.get(call.name, "\0") in reason
        ):
            text += f"; `{command('untick', path, need)}` before it, to do `{need}` again"
    return text


_TAKEN_AGAIN: Mapping[str, str] = {"sqlite.backup": "backup", "sqlite.rehearse": "rehears"}
"""Kinds that a later step may want again, and the word by which its verdict says so."""


def how_to_choose(checklist: Checklist, state: RunState, choice: Step) -> str:
    """The commands that answer a choice; at that of a way back with what the facts of the run speak for."""
    options = options_of(choice)
    acts = [f"`{command('choose', checklist.path, choice.id, name_of(option))}`" for option in options]
    text = "choose: " + " or ".join(acts)
    found = rules.find(checklist, choice.id)
    if found is not None and found[0].kind is SectionKind.ROLLBACK:
        names = "|".join(shlex.quote(name_of(option)) for option in options)
        text += (
            f"; with the way back in one: `{command('rollback', checklist.path, '--auto', '--way')} {names}`"
        )
        if advice := recommendation(checklist, state, choice):
            text += f". {advice}"
    return text


def recommendation(checklist: Checklist, state: RunState, choice: Step) -> str:
    """What the facts that were recorded when the run turned back speak for; empty where they say nothing."""
    from orion_deploy.kinds.sqlite.way_facts import WayBack, recommended

    databases = state.rollback_facts.get("databases")
    ways = (
        [WayBack.from_json(d) for d in databases if isinstance(d, Mapping)]
        if isinstance(databases, list)
        else []
    )
    for way in ways:
        kind, why = recommended(way)
        option = _option_of(checklist, choice, {"down": DOWN, "restore": RESTORE}.get(kind, ""))
        if why:
            return (
                f"The facts speak for `{name_of(option)}`: {why}"
                if option is not None
                else f"The facts: {why}"
            )
    return ""


def _option_of(checklist: Checklist, choice: Step, kind: str) -> Option | None:
    """The option by which a step of this kind applies; None where no such step depends on the choice."""
    from orion_deploy.checklist.conditions import applies

    for _, step in checklist.walk():
        if (
            step.facts.call is None
            or step.facts.call.name != kind
            or choice_of(checklist, step) is not choice
        ):
            continue
        for option in options_of(choice):
            if applies(step.facts.when, {}, {choice.id: option}):
                return option
    return None
