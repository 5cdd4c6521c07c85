"""The JSON Schema of a YAML checklist, for editors: made from the table of keys, so that it never says anything else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from orion_deploy.checklist.keys import Key, Takes, Where, keys_of
from orion_deploy.checklist.model import SectionKind
from orion_deploy.checklist.variables import NAME, TYPES
from orion_deploy.checklist.yaml_expectations import MATCHERS

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_REQUIRED: Final = {
    Where.CHECKLIST: ["title"],
    Where.SECTION: ["title"],
    Where.STEP: ["title"],
    Where.OPTION: ["title"],
    Where.CODE: ["text"],
}
_NAMES: Final = {
    Where.SECTION: "section",
    Where.STEP: "step",
    Where.OPTION: "option",
    Where.CODE: "code",
    Where.VARIABLE: "variable",
}
_TEXT: Final = {"type": ["string", "number", "boolean"]}
"""A text may be written as a number or as true: it stays as it is written."""


def schema(kinds: Iterable[str] = ()) -> dict[str, Any]:
    """Return the schema as plain data. `kinds` are the names of known kinds: editors then offer them."""
    definitions = {name: _mapping(where) for where, name in _NAMES.items()}
    definitions["call"] = _call(sorted(kinds))
    definitions["expectation"] = _expectation()
    return {
        "$schema": DIALECT,
        "title": "orion-deploy checklist",
        "description": "A deployment checklist. `orion-deploy show FILE` shows what is read.",
        **_mapping(Where.CHECKLIST),
        "$defs": definitions,
    }


def block_schema() -> dict[str, Any]:
    """Return the schema of a `yaml step` block in a step of a Markdown checklist."""
    whole = schema()
    return {**_mapping(Where.STEP_BLOCK), "$schema": DIALECT, "$defs": whole["$defs"]}


def _mapping(where: Where) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {key.name: _key(key) for key in keys_of(where).values()},
    }
    if where in _REQUIRED:
        found["required"] = _REQUIRED[where]
    return found


def _key(key: Key) -> dict[str, Any]:
    described = f"{key.help} Takes {key.takes.value}."
    return {"description": described, **_takes(key.takes)}


def _takes(takes: Takes) -> dict[str, Any]:
    """Return the schema of a value."""
    match takes:
        case Takes.TEXT | Takes.ID:
            return dict(_TEXT)
        case Takes.BOOLEAN:
            return {"type": "boolean"}
        case Takes.DURATION:
            return {"type": ["string", "number"], "exclusiveMinimum": 0}
        case Takes.IDS | Takes.TAGS:
            return {"anyOf": [dict(_TEXT), {"type": "array", "items": dict(_TEXT)}]}
        case Takes.TEXTS:
            return {"type": "object", "additionalProperties": dict(_TEXT)}
        case Takes.CALL:
            return {"$ref": "#/$defs/call"}
        case Takes.EXPECTATIONS:
            one = {"$ref": "#/$defs/expectation"}
            return {"anyOf": [one, {"type": "array", "items": one}]}
        case Takes.CONFIRMATION:
            return {"type": ["string", "boolean", "number"]}
        case Takes.SECTION_KIND:
            return {"enum": [kind.value for kind in SectionKind]}
        case Takes.SHELL:
            return {"anyOf": [{"enum": ["bash", "sh", "zsh"]}, {"type": "string", "pattern": "^/"}]}
        case Takes.TYPE:
            return {"enum": list(TYPES)}
        case Takes.VARIABLES:
            inner = {
                "anyOf": [{"type": ["string", "number", "boolean", "null"]}, {"$ref": "#/$defs/variable"}]
            }
            return {
                "type": "object",
                "propertyNames": {"pattern": f"^{NAME.pattern}$"},
                "additionalProperties": inner,
            }
        case Takes.SECTIONS | Takes.STEPS | Takes.OPTIONS | Takes.CODE:
            name = {
                Takes.SECTIONS: "section",
                Takes.STEPS: "step",
                Takes.OPTIONS: "option",
                Takes.CODE: "code",
            }[takes]
            return {"type": "array", "items": {"$ref": f"#/$defs/{name}"}}


def _call(kinds: list[str]) -> dict[str, Any]:
    name: dict[str, Any] = {"type": "string", "pattern": r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$"}
    if kinds:
        name["examples"] = kinds
    parameters: dict[str, Any] = {"type": ["object", "null"]}
    mapping: dict[str, Any] = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "patternProperties": {name["pattern"]: parameters},
        "additionalProperties": False,
    }
    if kinds:
        mapping["properties"] = dict.fromkeys(kinds, parameters)
    return {"anyOf": [name, mapping]}


def _expectation() -> dict[str, Any]:
    values: dict[str, Any] = {key: {"description": help, **_TEXT} for key, help in MATCHERS.items()}
    values["nothing"] = {"description": MATCHERS["nothing"], "const": True}
    values["text"] = {"description": "The author's words for it.", **_TEXT}
    alone = [{"required": [key]} for key in MATCHERS]
    return {
        "anyOf": [
            dict(_TEXT),
            {"type": "object", "properties": values, "additionalProperties": False, "oneOf": alone},
        ]
    }
