"""What prose cannot carry: the facts of a step, with the very same keys in a YAML file and in a `yaml step` block."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from orion_deploy.checklist.keys import Where
from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.checklist.model import NO_TEXTS, SectionKind, StepFacts, Variable
from orion_deploy.checklist.variables import TYPES, fit, why_bad_name
from orion_deploy.checklist.yaml_expectations import expectations
from orion_deploy.checklist.yaml_nodes import ListNode, MapNode, Node, Scalar, Source, compose
from orion_deploy.checklist.yaml_values import (
    boolean,
    duration_s,
    flat,
    identifier,
    items,
    kind_call,
    known_keys,
    mapping,
    one_of,
    text,
    text_given,
    texts,
    wrong,
)
from orion_deploy.errors import Place

SHELLS: Final = ("bash", "sh", "zsh")
_NO_PLACES: Final[Mapping[str, Place]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ParsedFacts:
    """What one block says. None where it says nothing: then the prose decides.

    `places` finds what later checks complain about: `id`, `when`, and `needs.0`, `needs.1`, ...
    """

    facts: StepFacts = field(default_factory=StepFacts)
    id: str | None = None
    section_kind: SectionKind | None = None
    mandatory: bool | None = None
    optional: bool | None = None
    tags: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=lambda: NO_TEXTS)
    cwd: str | None = None
    carry: bool | None = None
    places: Mapping[str, Place] = field(default_factory=lambda: _NO_PLACES)


def parse_step_facts(
    text: str, path: str, first_line: int, file_lines: Sequence[str] = (), where: Where = Where.STEP_BLOCK
) -> ParsedFacts:
    """Read a `yaml step` block.

    `text` is its content without the fence and without the fence's indentation; `first_line` the file's line
    of the content's first line; `file_lines` all lines of the file, so that columns count from its margin.
    `where` is `STEP_BLOCK`, or `SECTION_BLOCK` for a block under a heading.
    Raises ChecklistError, with its place in the file, for anything that the block cannot say.
    """
    source = Source(text, path, first_line, file_lines)
    root = compose(source)
    if root is None:
        return ParsedFacts()
    what = "a section" if where is Where.SECTION_BLOCK else "a step"
    node = mapping(source, root, "a `yaml step` block")
    known_keys(source, node, where, what)
    return facts_of(source, node)


def parse_front_matter(text: str, path: str, first_line: int, file_lines: Sequence[str] = ()) -> ParsedFacts:
    """Read the front matter of a Markdown file.

    `variables`, `cwd`, `carry` and `metadata` mean what they mean in a YAML checklist. Other tools' keys are
    metadata too: lists are joined by commas. Raises ChecklistError for YAML that is not sound.
    """
    source = Source(text, path, first_line, file_lines)
    root = compose(source)
    if root is None:
        return ParsedFacts()
    if not isinstance(root, MapNode):
        return ParsedFacts()
    metadata = {
        name: flat(value)
        for name, (_, value) in root.entries.items()
        if name not in ("variables", "cwd", "carry", "metadata")
    }
    node = root.get("metadata")
    if node is not None:
        metadata.update(texts(source, "metadata", node, nested=True))
    cwd, carry, variables = root.get("cwd"), root.get("carry"), root.get("variables")
    return ParsedFacts(
        metadata=MappingProxyType(metadata),
        variables=() if variables is None else variables_of(source, variables),
        cwd=None if cwd is None else text_given(source, "cwd", cwd),
        carry=None if carry is None else boolean(source, "carry", carry),
    )


def facts_of(source: Source, node: MapNode) -> ParsedFacts:
    """Read the facts among the keys of a mapping; whoever calls has refused unknown keys."""
    places: dict[str, Place] = {}

    def flag(key: str) -> bool | None:
        value = node.get(key)
        return None if value is None else boolean(source, key, value)

    def words(key: str) -> str | None:
        value = node.get(key)
        return None if value is None else text_given(source, key, value)

    def call(key: str) -> KindCall | None:
        value = node.get(key)
        return None if value is None else kind_call(source, key, value)

    id_node, needs, env, expect = (node.get(k) for k in ("id", "needs", "env", "expect"))
    timeout = node.get("timeout")
    for key in ("id", "when"):
        if (stated := node.get(key)) is not None:
            places[key] = source.place_of(stated)
    for number, item in enumerate(items(needs) if needs is not None else ()):
        places[f"needs.{number}"] = source.place_of(item)
    _refuse_two_calls(source, node)
    facts = StepFacts(
        check=call("check"),
        action=call("action"),
        watch=call("watch"),
        watch_for=_of_a_watch(source, node, "for"),
        watch_every=_of_a_watch(source, node, "every"),
        expect=() if expect is None else expectations(source, expect),
        confirm=_confirmation(source, node),
        timeout_s=None if timeout is None else duration_s(source, "timeout", timeout),
        auto=flag("auto"),
        reference=flag("reference") or False,
        needs=() if needs is None else tuple(identifier(source, "needs", item) for item in items(needs)),
        idempotent=flag("idempotent") or False,
        verify=call("verify"),
        when=words("when"),
        interactive=flag("interactive"),
        cwd=words("cwd"),
        env=NO_TEXTS if env is None else _environment(source, env),
        shell=_shell(source, node),
    )
    kind, tags = node.get("kind"), node.get("tags")
    return ParsedFacts(
        facts=facts,
        id=None if id_node is None else identifier(source, "id", id_node),
        section_kind=None if kind is None else SectionKind(one_of(source, "kind", kind, tuple(SectionKind))),
        mandatory=flag("mandatory"),
        optional=flag("optional"),
        tags=() if tags is None else tuple(text_given(source, "tags", item) for item in items(tags)),
        places=MappingProxyType(places),
    )


def _refuse_two_calls(source: Source, node: MapNode) -> None:
    given = [key for key in ("check", "action", "watch") if node.get(key) is not None]
    if len(given) > 1:
        raise source.error(
            node.entries[given[1]][0],
            f"a step has one of check, action and watch, found `{given[0]}` and `{given[1]}`",
            "make two steps of it; the check that tells whether an action was carried out is its `verify`",
        )


def _of_a_watch(source: Source, node: MapNode, key: str) -> float | str | None:
    """A duration that only a watch has: seconds, or `$NAME` of a variable."""
    value = node.get(key)
    if value is None:
        return None
    if node.get("watch") is None:
        raise source.error(
            node.entries[key][0],
            f"`{key}` belongs to a watch, and this step has none",
            "`timeout` is the longest time that a command, check or action may take",
        )
    if isinstance(value, Scalar) and re.fullmatch(r"\$(?:\w+|\{\w+\})", value.value):
        return value.value
    return duration_s(source, key, value)


def _confirmation(source: Source, node: MapNode) -> str | None:
    value = node.get("confirm")
    if value is None:
        return None
    if isinstance(value, Scalar) and value.boolean is not None:
        return "" if value.boolean else None
    return text_given(source, "confirm", value)


def _environment(source: Source, node: Node) -> Mapping[str, str]:
    values = texts(source, "env", node)
    assert isinstance(node, MapNode)
    for name, (key, _) in node.entries.items():
        why = why_bad_name(name)
        if why:
            raise source.error(
                key, f"the variable `{name}` {why}", "a script can set it, where everyone sees it"
            )
    return values


def _shell(source: Source, node: MapNode) -> str | None:
    value = node.get("shell")
    if value is None:
        return None
    if isinstance(value, Scalar) and value.value.startswith("/"):
        return value.value
    return one_of(source, "shell", value, SHELLS)


def variables_of(source: Source, node: Node) -> tuple[Variable, ...]:
    """Read `variables`: name to default, or name to `{default, prompt, secret, type}`."""
    if isinstance(node, ListNode):
        raise wrong(
            source, "variables", node, "a mapping of names to defaults", "write `NAME: default`, without `-`"
        )
    return tuple(
        _variable(source, key, value) for key, value in mapping(source, node, "`variables`").entries.values()
    )


def _variable(source: Source, key: Scalar, node: Node) -> Variable:
    name = key.value
    why = why_bad_name(name)
    if why:
        raise source.error(key, f"the variable `{name}` {why}")
    line = source.line_of(key)
    if isinstance(node, Scalar):
        return Variable(name, default=None if node.is_nothing else node.value, line=line)
    described = mapping(source, node, f"the variable `{name}`")
    known_keys(source, described, Where.VARIABLE, f"the variable `{name}`")
    default, prompt, secret, kind = (described.get(key) for key in ("default", "prompt", "secret", "type"))
    variable = Variable(
        name,
        default=None if default is None else text(source, "default", default),
        prompt="" if prompt is None else text(source, "prompt", prompt),
        secret=secret is not None and boolean(source, "secret", secret),
        type="text" if kind is None else one_of(source, "type", kind, TYPES),
        line=line,
    )
    if default is not None and variable.default is not None:
        try:
            fit(variable, variable.default)
        except ValueError as error:
            raise source.error(default, f"the default of {error}") from None
    return variable
