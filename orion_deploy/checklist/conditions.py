"""What a `when` says: a step applies only under a condition on a variable, or on the answer to a choice. Pure."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from orion_deploy.checklist.choices import find_option, name_of, told
from orion_deploy.checklist.model import Option
from orion_deploy.checklist.variables import FALSE
from orion_deploy.errors import ChecklistError, did_you_mean

FORMS: Final = (
    "a condition is `NAME`, `not NAME`, `NAME == value` or `NAME != value` on a variable,"
    " or `STEP == option` or `STEP != option` on a choice"
)
Choices = Mapping[str, tuple[Option, ...]]
"""Id of every step to its options; none where it is no choice."""
NO_CHOICES: Final[Choices] = MappingProxyType({})
NO_ANSWERS: Final[Mapping[str, Option | None]] = MappingProxyType({})
_CONDITION = re.compile(
    r"(?P<not>not\s+)?(?P<name>[A-Za-z0-9_][\w.-]*)(?:\s*(?P<sign>==|!=)\s*(?P<value>.*))?", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition in its parts. `sign` is `==`, `!=`, `not` or empty."""

    name: str
    sign: str = ""
    value: str = ""


def parse(text: str) -> Condition | None:
    """Read a condition; None where it is none."""
    match = _CONDITION.fullmatch(text.strip())
    if match is None or (match["not"] and match["sign"]):
        return None
    return Condition(
        match["name"], match["sign"] or ("not" if match["not"] else ""), _unquoted(match["value"] or "")
    )


def check_condition(
    text: str, names: Iterable[str], choices: Choices = NO_CHOICES, earlier: Container[str] = ()
) -> str:
    """Say what is wrong with the condition of a `when`, or return an empty string.

    `names` are those of the variables; `earlier` are the steps that stand before the one with the condition.
    """
    condition = parse(text)
    if condition is None:
        return FORMS
    known, name = list(names), condition.name
    options = choices.get(name)
    if name in known:
        return f"`{name}` is a variable and a choice; give one of them another name" if options else ""
    if options is None:
        offered = [*known, *(step_id for step_id, found in choices.items() if found)]
        near = did_you_mean(name, offered) or (
            "known are: " + ", ".join(offered) if offered else "none is known"
        )
        return f"the variable `{name}` is not declared, and no choice is called so; {near}"
    if not options:
        return f"the step `{name}` is no choice: it has no options"
    if condition.sign not in ("==", "!="):
        return f"`{name}` is a choice: compare it, as in `{name} == {name_of(options[0])}`"
    if name not in earlier:
        return f"the choice `{name}` must come before the steps that depend on it"
    if find_option(options, condition.value) is None:
        near = did_you_mean(condition.value, [word for o in options for word in (o.key, o.title) if word])
        return f"`{name}` has no option `{condition.value}`; {near or f'it has: {told(options)}'}"
    return ""


def applies(
    text: str | None, values: Mapping[str, str], answers: Mapping[str, Option | None] = NO_ANSWERS
) -> bool | None:
    """Tell whether a step with this `when` applies; None while its variable has no value, or nothing was chosen.

    A variable alone is true unless it is empty, `false`, `no`, `off` or `0`. `answers` holds every choice that a
    condition may name, with the option that was taken. Raises ChecklistError where it is no condition.
    """
    if text is None:
        return True
    condition = parse(text)
    if condition is None:
        raise ChecklistError(f"`when: {text}` is not a condition")
    if condition.name in answers:
        option = answers[condition.name]
        return (
            None
            if option is None
            else (find_option((option,), condition.value) is not None) == (condition.sign == "==")
        )
    value = values.get(condition.name)
    if value is None:
        return None
    if condition.sign in ("==", "!="):
        return (value == condition.value) == (condition.sign == "==")
    return (value.strip().lower() not in FALSE | {""}) != (condition.sign == "not")


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"" else text
