"""Which steps a step is judged by: those that an `evidence.*` check names. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.checklist.model import Step

PREFIX = "evidence."


def evidence_call(step: Step) -> KindCall | None:
    """The step's `evidence.*` check, where it has one."""
    call = step.facts.check
    return call if call is not None and call.name.startswith(PREFIX) else None


def evidence_steps(call: KindCall) -> tuple[str, ...]:
    """Ids of the steps that an `evidence.*` call names, each once."""
    given = call.parameters.get("steps", call.parameters.get("step"))
    names = (given,) if isinstance(given, str) else given if isinstance(given, Sequence) else ()
    return tuple(dict.fromkeys(str(name) for name in names))
