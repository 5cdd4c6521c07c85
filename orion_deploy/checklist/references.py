"""What steps say about each other and about variables: `needs` names a step, without circles; `when` a variable or a choice."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from orion_deploy.checklist.choices import asked_by
from orion_deploy.checklist.conditions import check_condition
from orion_deploy.checklist.model import Option, StepFacts, Variable
from orion_deploy.errors import ChecklistError, Place


@dataclass(frozen=True, slots=True)
class Named:
    """A step by its id, with what it says of others and where (`needs.0`, `when`)."""

    id: str
    facts: StepFacts
    places: Mapping[str, Place] = field(default_factory=lambda: MappingProxyType({}))
    parent: str = ""
    """Id of the step that it is a sub-step of."""
    options: tuple[Option, ...] = ()
    """Those that stand under it."""


def check_references(steps: Sequence[Named], variables: Sequence[Variable]) -> None:
    """Refuse `needs` of an unknown step, of an enclosing step or in a circle, and a `when` that is no condition.

    `steps` are all steps of the checklist, in document order. Raises ChecklistError with its place.
    """
    by_id = {step.id: step for step in steps}
    names = [variable.name for variable in variables]
    choices = {step.id: asked_by(step.facts.call) or step.options for step in steps}
    earlier: set[str] = set()
    for step in steps:
        if step.facts.when is not None:
            why = check_condition(step.facts.when, names, choices, earlier)
            if why:
                raise ChecklistError(
                    f"`when: {step.facts.when}` of step `{step.id}` is not understood: {why}",
                    where=step.places.get("when"),
                    help="what a machine cannot decide belongs into the step's title or text",
                )
        earlier.add(step.id)
        for number, need in enumerate(step.facts.needs):
            where = step.places.get(f"needs.{number}")
            if need not in by_id:
                raise ChecklistError(
                    f"step `{step.id}` needs the unknown step `{need}`",
                    where=where,
                    help=_nearest(need, by_id),
                )
            if need in _enclosing(step, by_id):
                raise ChecklistError(
                    f"step `{step.id}` needs `{need}`, which it is a part of",
                    where=where,
                    help="a step is ticked after its sub-steps; leave this need out",
                )
    _refuse_circles(by_id)


def _nearest(need: str, known: Mapping[str, Named]) -> str:
    """Return the nearest id, by the whole of it or by its last part: `backup` for `production.backup`."""
    ends = {name.rsplit(".", 1)[-1]: name for name in known}
    near = difflib.get_close_matches(need, [*known, *ends], n=1, cutoff=0.6)
    if near:
        return f"did you mean `{ends.get(near[0], near[0])}`?"
    return "`orion-deploy show` lists the ids"


def _enclosing(step: Named, by_id: Mapping[str, Named]) -> set[str]:
    found: set[str] = set()
    while step.parent and step.parent in by_id and step.parent not in found:
        found.add(step.parent)
        step = by_id[step.parent]
    return found


def _refuse_circles(by_id: Mapping[str, Named]) -> None:
    """Walk along `needs` without recursion: a chain may be as long as the checklist."""
    settled: set[str] = set()
    for start in by_id:
        path: list[str] = []
        on_path: set[str] = set()
        stack: list[tuple[str, int]] = [(start, 0)]
        while stack:
            name, number = stack.pop()
            if number == 0:
                if name in settled:
                    continue
                path.append(name)
                on_path.add(name)
            needs = by_id[name].facts.needs
            if number == len(needs):
                settled.add(name)
                on_path.discard(path.pop())
                continue
            stack.append((name, number + 1))
            if needs[number] in on_path:
                circle = [*path[path.index(needs[number]) :], needs[number]]
                raise ChecklistError(
                    f"steps need each other in a circle: {' -> '.join(circle)}",
                    where=by_id[name].places.get(f"needs.{number}"),
                    help="one of them must be able to come first",
                )
            stack.append((needs[number], 0))
