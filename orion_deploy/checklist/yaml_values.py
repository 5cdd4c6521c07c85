"""Values of keys: a node goes in, what its key takes comes out, or an error that says what was expected and found.

`yes`, `no`, `on` and `off` are never booleans: where a text is expected they are texts, where true or false
is expected they are errors. A text may be written as a number (`version: 1.0`): it stays as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeVar

from orion_deploy.checklist.keys import Key, Where, keys_of
from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.checklist.yaml_nodes import ListNode, MapNode, Node, Scalar, Source
from orion_deploy.errors import ChecklistError, did_you_mean

TIMEOUT_S_MAX: Final = 30 * 24 * 3600
"""Thirty days: a longer timeout is a slip of the unit."""
ID_LENGTH_MAX: Final = 128
VALUE_LENGTH_SHOWN_MAX: Final = 40

ID: Final = re.compile(r"\w[\w.-]*")
KIND_NAME: Final = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+")
_DURATION = re.compile(
    r"(?:(?P<d>\d{1,9})d)?\s*(?:(?P<h>\d{1,9})h)?\s*(?:(?P<m>\d{1,9})m(?:in)?)?\s*"
    r"(?:(?P<s>\d{1,9}(?:\.\d{1,9})?)s)?\s*(?:(?P<ms>\d{1,9})ms)?"
)
_UNIT_S: Final = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_LIKE_BOOLEAN: Final = {
    "yes": "true", "y": "true", "on": "true", "t": "true", "True": "true", "TRUE": "true", "1": "true",
    "no": "false", "n": "false", "off": "false", "f": "false", "False": "false", "FALSE": "false", "0": "false",
}  # fmt: skip

Choice = TypeVar("Choice", bound=str)


def found(node: Node) -> str:
    """Say in words what a node is, for "expected X, found Y"."""
    if isinstance(node, ListNode):
        return "a list" if node.items else "an empty list"
    if isinstance(node, MapNode):
        return "a mapping" if node.entries else "an empty mapping"
    assert isinstance(node, Scalar)
    if node.is_nothing:
        return "nothing"
    shown = (
        node.value
        if len(node.value) <= VALUE_LENGTH_SHOWN_MAX
        else node.value[:VALUE_LENGTH_SHOWN_MAX] + "..."
    )
    kind = (
        "the number" if node.number is not None else "the value" if node.boolean is not None else "the text"
    )
    return f"{kind} `{shown}`"


def wrong(source: Source, key: str, node: Node, expected: str, help: str = "") -> ChecklistError:
    """Return the error for a value of the wrong type."""
    return source.error(node, f"`{key}` takes {expected}, found {found(node)}", help)


def mapping(source: Source, node: Node, what: str) -> MapNode:
    """Return a node that must be a mapping."""
    if not isinstance(node, MapNode):
        raise source.error(node, f"{what} is a mapping of keys to values, found {found(node)}")
    return node


def known_keys(source: Source, node: MapNode, where: Where, what: str) -> dict[str, Key]:
    """Return the keys that may stand here, after refusing every other one in `node`."""
    known = keys_of(where)
    for name, (key, _) in node.entries.items():
        if name not in known:
            raise source.error(key, f"{what} has no key `{name}`", _help_for_key(name, known, where, node))
    return known


def _help_for_key(name: str, known: dict[str, Key], where: Where, node: MapNode) -> str:
    in_markdown = where in (Where.STEP_BLOCK, Where.SECTION_BLOCK)
    if in_markdown and any(name in keys_of(other) for other in Where):
        return f"in Markdown the prose around the block says `{name}`; the block takes: " + ", ".join(known)
    near = did_you_mean(name, known)
    for key in ("check", "action", "watch"):
        call = node.get(key) if key in known else None
        if not near and isinstance(call, Scalar):
            return f"parameters stand below their kind: `{key}: {{{call.value}: {{{name}: ...}}}}`"
    return near or "it takes: " + ", ".join(known)


def text(source: Source, key: str, node: Node) -> str:
    """Return a text as it is written."""
    if not isinstance(node, Scalar):
        hint = (
            'a text with ": " or that begins with [ or { needs quotes'
            if not isinstance(node, ListNode)
            else ""
        )
        raise wrong(source, key, node, "a text", hint)
    return node.value


def text_given(source: Source, key: str, node: Node) -> str:
    """Return a text that is not empty."""
    value = text(source, key, node)
    if not value.strip():
        raise source.error(node, f"`{key}` is empty", "write a text, or leave the key out")
    return value


def boolean(source: Source, key: str, node: Node) -> bool:
    """Return true or false; `yes`, `no`, `on`, `off` are refused."""
    if isinstance(node, Scalar):
        if node.boolean is not None:
            return node.boolean
        near = _LIKE_BOOLEAN.get(node.value) or _LIKE_BOOLEAN.get(node.value.lower())
        if near or node.value in ("true", "false"):
            raise wrong(source, key, node, "true or false", f"did you mean {near or node.value}?")
    raise wrong(source, key, node, "true or false")


def duration_s(source: Source, key: str, node: Node) -> float:
    """Return seconds, above 0 and at most `TIMEOUT_S_MAX`."""
    seconds: float | None = None
    if isinstance(node, Scalar):
        seconds = node.number if node.number is not None else parse_duration(node.value)
    if seconds is None:
        raise wrong(source, key, node, "a duration such as 30s, 5m or 1h30m, or a number of seconds")
    if seconds <= 0:
        raise source.error(node, f"`{key}` must be longer than 0 seconds")
    if seconds > TIMEOUT_S_MAX:
        raise source.error(node, f"`{key}` is longer than 30 days", "look at the unit: 30s, 5m, 2h")
    return float(seconds)


def parse_duration(words: str) -> float | None:
    """Return the seconds of `30s`, `5m`, `1h30m`, `250ms`, `2d`; None for anything else."""
    match = _DURATION.fullmatch(words.strip())
    if match is None or not words.strip():
        return None
    return sum(float(value) * _UNIT_S[unit] for unit, value in match.groupdict().items() if value)


def one_of(source: Source, key: str, node: Node, choices: tuple[str, ...]) -> str:
    """Return one of a few words."""
    if isinstance(node, Scalar) and node.value in choices:
        return node.value
    near = did_you_mean(node.value.lower(), choices) if isinstance(node, Scalar) else ""
    raise wrong(source, key, node, "one of " + ", ".join(choices), near)


def identifier(source: Source, key: str, node: Node) -> str:
    """Return an id."""
    value = text(source, key, node)
    if len(value) > ID_LENGTH_MAX:
        raise source.error(node, f"`{key}` is longer than {ID_LENGTH_MAX} characters")
    if ID.fullmatch(value) is None:
        near = re.sub(r"[^\w.-]+", "-", value).strip("-.").lower()
        hint = f"did you mean `{near}`?" if near else ""
        raise source.error(
            node, f"`{key}` takes letters, digits, `-`, `_` and `.`, found {found(node)}", hint
        )
    return value


def items(node: Node) -> list[Node]:
    """Return the items of a list, or the one value that stands where a list of one could."""
    return node.items if isinstance(node, ListNode) else [node]


def texts(source: Source, key: str, node: Node, *, nested: bool = False) -> Mapping[str, str]:
    """Return names and texts. `nested`: lists are joined and inner mappings flattened (front matter of other tools)."""
    if not isinstance(node, MapNode):
        raise wrong(source, key, node, "a mapping of names to texts")
    return MappingProxyType(
        {
            name: (flat(value) if nested else text(source, name, value))
            for name, (_, value) in node.entries.items()
        }
    )


def flat(node: Node) -> str:
    """Return any value as one text: items joined by commas."""
    if isinstance(node, Scalar):
        return "" if node.is_nothing else node.value
    if isinstance(node, ListNode):
        return ", ".join(flat(item) for item in node.items)
    assert isinstance(node, MapNode)
    return ", ".join(f"{name}: {flat(value)}" for name, (_, value) in node.entries.items())


def plain_value(source: Source, node: Node) -> object:
    """Return a parameter's value: None, true, false, a number, a text, or a list or mapping of these."""
    if isinstance(node, Scalar):
        if node.is_nothing:
            return None
        if node.boolean is not None:
            return node.boolean
        number = node.number
        return node.value if number is None else number
    if isinstance(node, ListNode):
        return [plain_value(source, item) for item in node.items]
    assert isinstance(node, MapNode)
    return {name: plain_value(source, value) for name, (_, value) in node.entries.items()}


def kind_call(source: Source, key: str, node: Node) -> KindCall:
    """Return a typed call: `sqlite.state`, or `{sqlite.state: {database: app.db}}`. Parameters are not judged here."""
    line = source.line_of(node)
    if isinstance(node, Scalar) and not node.is_nothing:
        return KindCall(_kind_name(source, key, node), line=line)
    if isinstance(node, MapNode) and len(node.entries) == 1:
        ((name, parameters),) = node.entries.values()
        call = _kind_name(source, key, name)
        if isinstance(parameters, Scalar) and parameters.is_nothing:
            return KindCall(call, line=source.line_of(name))
        if not isinstance(parameters, MapNode):
            raise source.error(
                parameters,
                f"the parameters of `{call}` are a mapping of names to values, found {found(parameters)}",
            )
        values = plain_value(source, parameters)
        assert isinstance(values, dict)
        return KindCall(
            call, MappingProxyType(values) if values else KindCall(call).parameters, source.line_of(name)
        )
    if isinstance(node, MapNode) and len(node.entries) > 1:
        second = list(node.entries.values())[1][0]
        hint = f"indent the parameters under the kind: `{key}: {{sqlite.state: {{database: app.db}}}}`"
        raise source.error(
            second, f"`{key}` takes one kind with its parameters, found {len(node.entries)} keys", hint
        )
    raise wrong(source, key, node, "a kind's name, or one kind with its parameters")


def _kind_name(source: Source, key: str, node: Scalar) -> str:
    if KIND_NAME.fullmatch(node.value) is None:
        hint = "a kind is called by its domain and its name: `sqlite.backup`, `process.absent`"
        raise source.error(node, f"`{key}` takes a kind's name, found {found(node)}", hint)
    return node.value
