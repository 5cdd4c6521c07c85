"""The JSON Schema says what the reader does: the same keys, the same types, nothing more."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from support.checklists import SPARING, checklists
from support.schemas import faults

from orion_deploy.checklist.keys import KEYS, Where, keys_of
from orion_deploy.checklist.schema import block_schema, schema
from orion_deploy.checklist.yaml_reader import read_yaml

_HOMES = {
    Where.CHECKLIST: ("properties",),
    Where.SECTION: ("$defs", "section", "properties"),
    Where.STEP: ("$defs", "step", "properties"),
    Where.OPTION: ("$defs", "option", "properties"),
    Where.CODE: ("$defs", "code", "properties"),
    Where.VARIABLE: ("$defs", "variable", "properties"),
}


def at(data: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """What stands at a path."""
    for key in path:
        data = data[key]
    return data


@pytest.mark.parametrize("where", _HOMES)
def test_every_key_stands_where_it_may(where: Where) -> None:
    """Each mapping of the schema has exactly the keys of the table, with their help."""
    properties = at(schema(), _HOMES[where])
    assert list(properties) == list(keys_of(where))
    for key in keys_of(where).values():
        assert key.help in properties[key.name]["description"]


def test_a_block_takes_the_keys_of_a_block() -> None:
    """The schema of `yaml step` blocks has the facts and no prose."""
    assert list(block_schema()["properties"]) == list(keys_of(Where.STEP_BLOCK))
    assert "run" not in block_schema()["properties"]


def test_it_is_plain_json_with_references_that_resolve() -> None:
    """Editors load it: JSON, and every reference leads somewhere."""
    text = json.dumps(schema(["sqlite.backup"]))
    loaded = json.loads(text)
    for piece in text.split('"#/$defs/')[1:]:
        assert piece.split('"')[0] in loaded["$defs"]
    assert "sqlite.backup" in loaded["$defs"]["call"]["anyOf"][0]["examples"]


@SPARING
@given(checklists())
def test_what_is_read_fits_the_schema(data: bytes) -> None:
    """Every checklist that the reader takes is one for an editor too."""
    read_yaml(data, "a.yaml")
    whole = schema()
    assert faults(yaml.safe_load(data), whole, whole) == []


@pytest.mark.parametrize(
    "text",
    ["{}", "{title: a, stepps: []}", "{title: a, steps: [{run: x}]}", "{title: a, steps: [{title: b, auto: 'yes'}]}",
     "{title: a, steps: [{title: b, check: {a.b: {}, c.d: {}}}]}", "{title: a, steps: [{title: b, expect: {contains: x, status: 0}}]}",
     "{title: a, sections: [{title: b, kind: x}]}", "{title: a, variables: {A-B: x}}", "{title: a, steps: [{title: b, timeout: 0}]}",
     "{title: a, steps: [{title: b, code: [{language: sql}]}]}"],
)  # fmt: skip
def test_what_is_refused_does_not_fit(text: str) -> None:
    """What an editor can know to be wrong, it marks."""
    whole = schema()
    assert faults(yaml.safe_load(text), whole, whole)


def test_every_key_of_the_table_stands_somewhere() -> None:
    """No key is in the table alone."""
    homes = {
        where for where in Where if where not in (Where.FRONT_MATTER, Where.SECTION_BLOCK, Where.STEP_BLOCK)
    }
    assert homes == set(_HOMES)
    assert {key.name for key in KEYS} == {name for home in _HOMES.values() for name in at(schema(), home)}
