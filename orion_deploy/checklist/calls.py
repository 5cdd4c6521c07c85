"""Typed calls held against their kinds: each fault with its place in the file. What a kind takes is told by the caller."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

from orion_deploy.checklist.evidence import PREFIX, evidence_steps
from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.checklist.model import Checklist, Step
from orion_deploy.errors import ChecklistError, Place, did_you_mean

CALL_LINES_MAX: Final = 200
"""Lines below a call in which its parameters are looked for."""


class Problem(Protocol):
    """What is wrong with one parameter; `parameter` is empty where it is about them all."""

    @property
    def parameter(self) -> str:
        """Name of the parameter."""
        ...

    @property
    def message(self) -> str:
        """What is wrong with it."""
        ...

    @property
    def help(self) -> str:
        """What to do next."""
        ...


Validate = Callable[[KindCall], Sequence[Problem]]
"""Says what is wrong with a call. Raises ChecklistError for a kind that there is not."""


def check_calls(
    checklist: Checklist,
    validate: Validate,
    text: str = "",
    is_action: Callable[[str], bool] | None = None,
) -> Iterator[tuple[Step, ChecklistError]]:
    """Yield what is wrong with the checks, actions, watches and verifications of a checklist, in document order.

    `text` is the text of the file: with it the errors have columns. `is_action` tells whether a kind changes
    something: such a kind is no `check`, `watch` or `verify`, and a kind that only looks is no `action`.
    Evidence is a `check`, and names other steps of this checklist.
    """
    ids = [step.id for _, step in checklist.walk()]
    lines = re.split("\r\n|\r|\n", text) if text else []
    for _, step in checklist.walk():
        facts = step.facts
        for key, call in (
            ("check", facts.check),
            ("action", facts.action),
            ("watch", facts.watch),
            ("verify", facts.verify),
        ):
            if call is None:
                continue
            try:
                problems = validate(call)
            except ChecklistError as error:
                yield (
                    step,
                    ChecklistError(error.what, where=_place(checklist, lines, call, ""), help=error.help),
                )
                continue
            for problem in problems:
                name = f"`{problem.parameter}` of {call.name}" if problem.parameter else call.name
                where = _place(checklist, lines, call, problem.parameter)
                yield step, ChecklistError(f"{name}: {problem.message}", where=where, help=problem.help)
            for what, parameter, hint in _faults_of_evidence(step, key, call, ids):
                yield step, ChecklistError(what, where=_place(checklist, lines, call, parameter), help=hint)
            if is_action is not None and is_action(call.name) != (key == "action"):
                what = (
                    f"`{call.name}` changes something: it cannot be a `{key}`"
                    if key != "action"
                    else f"`{call.name}` only looks: it is no `action`"
                )
                hint = "write it as `action`" if key != "action" else "write it as `check`"
                yield step, ChecklistError(what, where=_place(checklist, lines, call, ""), help=hint)


def _faults_of_evidence(
    step: Step, key: str, call: KindCall, ids: Sequence[str]
) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong with the steps that an `evidence.*` call names, the parameter, and what to do."""
    if not call.name.startswith(PREFIX):
        return
    if key != "check":
        yield (
            f"`{call.name}` is judged from the run's record: it cannot be a `{key}`",
            "",
            "write it as `check`",
        )
    parameter = "steps" if "steps" in call.parameters else "step"
    for name in evidence_steps(call):
        if name == step.id:
            yield f"step `{step.id}` cannot be evidence of itself", parameter, "name the step that shows it"
        elif name not in ids:
            hint = did_you_mean(name, ids) or "`orion-deploy show` lists the ids"
            yield f"`{call.name}` of step `{step.id}` names the unknown step `{name}`", parameter, hint


def _place(checklist: Checklist, lines: list[str], call: KindCall, parameter: str) -> Place:
    """Return where a parameter stands; where it is missing, where the kind's name does."""
    start = call.line - 1
    if not 0 <= start < len(lines):
        return Place(checklist.path, call.line)
    if parameter:
        word = re.compile(
            rf"(?<![\w.]){re.escape(parameter)}(?=\s*:)|(?<=[\"']){re.escape(parameter)}(?=[\"']\s*:)"
        )
        margin = _margin(lines[start])
        for number in range(start, min(start + CALL_LINES_MAX, len(lines))):
            line = lines[number]
            if number > start and line.strip() and _margin(line) <= margin:
                break
            begin = line.find(call.name) + len(call.name) if number == start and call.name in line else 0
            if found := word.search(line, begin):
                return Place(checklist.path, number + 1, found.start() + 1, line, len(parameter))
    column = lines[start].find(call.name)
    if column < 0:
        return Place(checklist.path, call.line, 0, lines[start])
    return Place(checklist.path, call.line, column + 1, lines[start], len(call.name))


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip(" >"))
