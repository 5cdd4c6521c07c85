"""As much of JSON Schema as the project's own schema uses."""

from __future__ import annotations

import re
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "boolean": (bool,), "null": (type(None),), "number": (int, float),
}  # fmt: skip


def faults(value: Any, schema: dict[str, Any], root: dict[str, Any], where: str = "$") -> list[str]:
    """Where a value does not fit a schema."""
    if "$ref" in schema:
        return faults(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root, where)
    found: list[str] = []
    if "anyOf" in schema and all(faults(value, inner, root, where) for inner in schema["anyOf"]):
        found.append(f"{where}: none of anyOf")
    if "oneOf" in schema and sum(not faults(value, inner, root, where) for inner in schema["oneOf"]) != 1:
        found.append(f"{where}: not one of oneOf")
    if "const" in schema and value != schema["const"]:
        found.append(f"{where}: not {schema['const']}")
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{where}: not in {schema['enum']}")
    if "type" in schema:
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        fits = [
            isinstance(value, _TYPES[t]) and not (t == "number" and isinstance(value, bool)) for t in types
        ]
        if not any(fits):
            return [*found, f"{where}: not {types}"]
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        found.append(f"{where}: does not match {schema['pattern']}")
    if (
        isinstance(value, (int, float))
        and "exclusiveMinimum" in schema
        and value <= schema["exclusiveMinimum"]
    ):
        found.append(f"{where}: too small")
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            found += faults(item, schema["items"], root, f"{where}[{number}]")
    if isinstance(value, dict):
        found += _object(value, schema, root, where)
    return found


def _object(value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any], where: str) -> list[str]:
    found = [f"{where}: no {key}" for key in schema.get("required", ()) if key not in value]
    if not schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", len(value)):
        found.append(f"{where}: {len(value)} keys")
    for key, item in value.items():
        if "propertyNames" in schema:
            found += faults(key, schema["propertyNames"], root, f"{where}.{key}")
        inner = schema.get("properties", {}).get(key)
        patterns = [s for p, s in schema.get("patternProperties", {}).items() if re.search(p, key)]
        other = schema.get("additionalProperties", True)
        if inner is not None:
            found += faults(item, inner, root, f"{where}.{key}")
        elif patterns:
            found += faults(item, patterns[0], root, f"{where}.{key}")
        elif other is False:
            found.append(f"{where}: unknown {key}")
        elif isinstance(other, dict):
            found += faults(item, other, root, f"{where}.{key}")
    return found
