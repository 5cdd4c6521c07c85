"""A value against its limits: `below 30`, `at least 0`. Pure; needs no pydantic, so that a screen can tell it at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orion_deploy.kinds.verdict import Json

RELATIONS: Mapping[str, str] = {
    "below": "below",
    "at_most": "at most",
    "above": "above",
    "at_least": "at least",
    "equals": "exactly",
}
"""Parameters that say a limit, and how they are read."""
UNITS: Mapping[str, str] = {
    "s": "s",
    "ms": "ms",
    "min": "min",
    "h": "h",
    "mb": "MB",
    "kb": "kB",
    "gb": "GB",
    "bytes": "bytes",
    "percent": "%",
}
"""What the last part of a value's name says of its unit: `duration_s`, `size_bytes`."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of a value."""

    relation: str
    """One of RELATIONS."""
    bound: Json

    def holds(self, value: Json) -> bool | None:
        """Whether the value keeps it; None where the two cannot be compared."""
        if self.relation == "equals":
            seen, bound = number_of(value), number_of(self.bound)
            return seen == bound if seen is not None and bound is not None else value == self.bound
        seen, bound = number_of(value), number_of(self.bound)
        if seen is None or bound is None:
            return None
        match self.relation:
            case "below":
                return seen < bound
            case "at_most":
                return seen <= bound
            case "above":
                return seen > bound
            case _:
                return seen >= bound

    def text(self, unit: str = "") -> str:
        """`below 30 s`."""
        return f"{RELATIONS[self.relation]} {shown(self.bound, unit)}"


def number_of(value: Json) -> float | None:
    """A value as a number; None where it is none. What is true or false is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if number == number else None  # noqa: PLR0124  # NaN keeps no limit, and breaks none


def shown(value: Json, unit: str = "") -> str:
    """A value as it is told: `0.41 s`, `10,000`, `true`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        is_whole = (value.is_integer() and abs(value) < 1e15) or 1000 <= abs(value) < 1e15
        text = f"{value:,.0f}" if is_whole else f"{value:,.3g}"
    else:
        text = f"{value:,}" if isinstance(value, int) else str(value)
    return f"{text} {unit}" if unit else text


def unit_of(name: str) -> str:
    """The unit that a value's name says; empty where it says none."""
    return UNITS.get(name.rpartition("_")[2].lower(), "") if "_" in name else ""
