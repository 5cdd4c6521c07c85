"""When the deployment itself was over: the moment from which `after 24 hours` counts. Pure.

It is the end of the last action or command that was settled, on the way forward and before the part that only
looks: sections about what comes after (post-deployment, monitoring, verification), criteria and gates count no
more. The first good end of a step counts, so that to look at it again moves nothing.
"""

from __future__ import annotations

import re

from orion_deploy.checklist.model import Checklist, Section, SectionKind, Step
from orion_deploy.run.state import SETTLED, RunState, StepState

_AFTERWARDS = re.compile(
    r"\bpost\b|\bpost-?(?:deploy|release|launch|migration|go-?live|rollout|cutover|upgrade)|\bmonitor|\bobserv"
    r"|\b(?:after|following)\s+(?:the\s+)?(?:deploy|release|launch|migration|go-?live|rollout|cutover|upgrade)"
    r"|\bhyper-?care\b|\bfirst\s+(?:day|hour|24|48|72|week)|\bsign-?off\b",
    re.IGNORECASE,
)


def deployed_at(checklist: Checklist, state: RunState) -> float | None:
    """The end of the deployment, in seconds since the epoch; None before anything was settled.

    Where the checklist runs nothing before that part, the last step there that a person settled counts.
    """
    steps = list(_steps(checklist.sections))
    acting = [step for step in steps if _acts(step)]
    for step in reversed(acting or steps):
        settled = state.step(step.id)
        if settled.status in SETTLED and (at := _ended_at(settled)) is not None:
            return at
    return None


def _steps(sections: tuple[Section, ...]) -> list[Step]:
    found: list[Step] = []
    for section in sections:
        if section.kind is not SectionKind.STEPS or _AFTERWARDS.search(section.title):
            if section.kind is SectionKind.STEPS:
                continue  # What is below it belongs to it.
        else:
            stack = list(reversed(section.steps))
            while stack:
                step = stack.pop()
                found.append(step)
                stack.extend(reversed(step.steps))
        found += _steps(section.sections)
    return found


def _acts(step: Step) -> bool:
    """Whether it changes something: an action, or a command of the shell."""
    if step.facts.call is not None:
        return step.facts.action is not None
    return any(step.scripts(option) for option in (None, *(o.number for o in step.options)))


def _ended_at(step: StepState) -> float | None:
    """The first good end of its attempts; else when a person settled it."""
    for attempt in step.attempts:
        if attempt.finished_at is not None and attempt.verdict is not None and attempt.verdict.is_good:
            return attempt.finished_at
    return step.at or None
