"""A verdict: passed, failed, undecided or not applicable, always with the value seen and the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


class Outcome(StrEnum):
    """How a check or an action came out."""

    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "undecided"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Verdict:
    """An outcome with its evidence.

    `reason` is a sentence for the operator; `value` what was seen, in a few words ("10,000 rows");
    `values` the same for machines (JSON), the unit in each name (`duration_s`, `size_bytes`).
    """

    outcome: Outcome
    reason: str
    value: str = ""
    values: Mapping[str, Json] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def is_good(self) -> bool:
        """Passed, or not applicable (which is a pass)."""
        return self.outcome in (Outcome.PASSED, Outcome.NOT_APPLICABLE)

    def to_json(self) -> dict[str, Json]:
        """The verdict as it stands in the journal."""
        return {
            "outcome": self.outcome.value,
            "reason": self.reason,
            "value": self.value,
            "values": dict(self.values),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Json]) -> Verdict:
        """Read what `to_json` wrote. Raises KeyError or ValueError on anything else."""
        values = data.get("values")
        return cls(
            Outcome(str(data["outcome"])),
            str(data["reason"]),
            str(data.get("value", "")),
            MappingProxyType(dict(values) if isinstance(values, dict) else {}),
        )
