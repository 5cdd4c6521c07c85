"""The values of a run: variables and placeholders, where they come from, and which a step still lacks. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from orion_deploy.checklist.model import Checklist, CodeBlock, Step, Variable
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
    """Every variable that has a value: given in this run, else from `ORION_<NAME>`, else its default."""
    values: dict[str, str] = {}
    for variable in checklist.variables:
        for value in (
            secrets.get(variable.name),
            state.variables.get(variable.name),
            environ.get(f"ORION_{variable.name.upper()}"),
            variable.default,
        ):
            if value is not None:
                values[variable.name] = value
                break
    return values


def missing_for(
    step: Step, block: CodeBlock | None, checklist: Checklist, state: RunState, values: Mapping[str, str]
) -> Missing:
    """What `step` (its `block`, for a command) mentions and has no value yet."""
    if block is not None:
        text = block.script
    else:
        call = step.facts.call
        text = json.dumps(dict(call.parameters), default=str) if call is not None else ""
    variables = tuple(
        v
        for v in checklist.variables
        if v.name not in values and re.search(rf"\b{re.escape(v.name)}\b", text)
    )
    placeholders = tuple(p for p in (block.placeholders if block else ()) if p not in state.variables)
    return Missing(variables, placeholders)
