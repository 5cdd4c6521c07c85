"""The evidence as JSON: all of it, by the names of `evidence.py`, in ASCII. Pure.

`schema` changes when a name goes or changes its meaning; names may come without that.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass

from orion_deploy.kinds.verdict import Json
from orion_deploy.report.concerns import concerns, tone
from orion_deploy.report.evidence import Evidence

FORMAT = "orion-deploy report"


def page(evidence: Evidence) -> str:
    """Return the evidence as JSON."""
    return json.dumps(to_json(evidence), indent=1, allow_nan=False) + "\n"


def to_json(evidence: Evidence) -> dict[str, Json]:
    """Return the evidence as data, with what needs eyes worked out."""
    data = as_data(evidence)
    assert isinstance(data, dict)
    found = concerns(evidence)
    head: dict[str, Json] = {
        "format": FORMAT,
        "schema": data.pop("schema"),
        "journal": data.pop("mark"),
        "tone": tone(evidence, found),
    }
    return {**head, **data, "concerns": as_data(found)}


def as_data(value: object) -> Json:
    """Any part of the evidence as data. What JSON does not know (`nan`) becomes its text."""
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case str():
            return str(value)
        case Mapping():
            return {str(name): as_data(item) for name, item in value.items()}
        case tuple() | list():
            return [as_data(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: as_data(getattr(value, f.name)) for f in fields(value)}
    return str(value)
