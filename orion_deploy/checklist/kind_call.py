"""What a checklist says of a kind: a page of its own, because a kind's process reads nothing else of the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

NOTHING: Final[Mapping[str, object]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class KindCall:
    """A typed check, action or watch: the kind's name (`sqlite.backup`) and its parameters, not yet validated."""

    name: str
    parameters: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    line: int = 0
