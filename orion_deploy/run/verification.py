"""What can be known of an interrupted step without asking a person: which check tells, and what may be run again. Pure."""

from __future__ import annotations

from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.checklist.model import Step
from orion_deploy.errors import ChecklistError


def verification_of(step: Step) -> KindCall | None:
    """The check that tells whether the step was carried out: the author's, or one that its kind is sure of."""
    if step.facts.verify is not None:
        return step.facts.verify
    if step.facts.action is None:
        return None
    from orion_deploy.kinds.registry import verification_of as of_kind

    try:
        return of_kind(step.facts.action)
    except ChecklistError:
        return None  # It says so itself when it is run.


def is_harmless(step: Step) -> bool:
    """Whether running the step twice does no harm: its author says so, or it only looks."""
    return step.facts.idempotent or step.facts.check is not None
