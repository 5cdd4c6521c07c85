"""The values of a run: variables and placeholders, where they come from, and which a step still lacks. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from orion_deploy.checklist.model import Checklist, CodeBlock, Step, Variable
from orion_deploy.checklist.variables import fit, resolve
from orion_deploy.run.state import RunState


@dataclass(frozen=True, slots=True)
class Missing:
    """What a person must give before a step can run."""

    variables: tuple[Variable, ...] = ()
    placeholders: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.variables or self.placeholders)


def values_of(
    checklist: Checklist, state: RunState, secrets: Mapping[str, str], environ: Mapping[str, str]
) -> dict[str, str]:
    """Every variable that has a value: given in this run, else from `ORION_<NAME>`, else its default.

    A value that was given before the file changed, and does not fit its variable's type now, is asked for again.
    Raises OrionError when one of the environment, or a default, does not fit.
    """
    declared = {v.name: v for v in checklist.variables}
    given = {
        k: v for k, v in {**state.variables, **secrets}.items() if k in declared and _fits(declared[k], v)
    }
    return dict(resolve(checklist.variables, given=given, environment=environ).values)


def _fits(variable: Variable, value: str) -> bool:
    try:
        fit(variable, value)
    except ValueError:
        return False
    return True


def missing_for(
    step: Step, block: CodeBlock | None, checklist: Checklist, state: RunState, values: Mapping[str, str]
) -> Missing:
    """What `step` (its `block`, for a command) mentions and has no value yet."""
    if block is not None:
        text = block.script
    else:
        call = step.facts.call
        text = json.dumps(dict(call.parameters), default=str) if call is not None else ""
        text += f" {step.facts.watch_for} {step.facts.watch_every}"
    variables = tuple(
        v
        for v in checklist.variables
        if v.name not in values and re.search(rf"\b{re.escape(v.name)}\b", text)
    )
    placeholders = tuple(p for p in (block.placeholders if block else ()) if p not in state.variables)
    return Missing(variables, placeholders)
