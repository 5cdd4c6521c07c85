"""The reader, the rules and the words of errors, deliberately broken; each is what a careless hand would leave behind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from orion_deploy import text
from orion_deploy.checklist import markdown, read, yaml_nodes
from orion_deploy.checklist.lint import databases
from orion_deploy.errors import OrionError

TRACEBACK = "a traceback for one rare character"
DEPTH_OFF = "YAML of any depth"
ALIASES_OFF = "YAML with aliases, put in where they are named"
SLOW = "a pattern that looks again at each place"
ENDLESS = "a pattern that backtracks without end"
ESCAPES = "an escape byte is passed on"
PLACELESS = "an error without its place"

WRITTEN = (TRACEBACK, DEPTH_OFF, ALIASES_OFF, SLOW, ESCAPES, PLACELESS)
RANDOM = (TRACEBACK, ENDLESS, ESCAPES, PLACELESS)

_FAMILIES = {
    TRACEBACK: ("bytes", "damaged"),
    DEPTH_OFF: ("clever", "blocks"),
    ALIASES_OFF: ("clever",),
    SLOW: ("traps",),
    ESCAPES: ("escapes", "odd"),
    PLACELESS: ("twisted", "types"),
}
"""Which of the written files a mutant is tried on: those of its own trade."""


def families(mutant: str) -> tuple[str, ...]:
    """The families of files that a mutant is tried on."""
    return _FAMILIES[mutant]


@contextmanager
def broken(mutant: str) -> Iterator[None]:
    """The product, deliberately broken, for as long as this is entered."""
    with ExitStack() as stack:
        for target, name, value in _changes(mutant):
            stack.enter_context(patch.object(target, name, value))
        yield


def _changes(mutant: str) -> list[tuple[Any, str, Any]]:
    match mutant:
        case "":
            return []
        case _ if mutant == TRACEBACK:
            return [(read, "is_yaml", _is_yaml_and_fails)]
        case _ if mutant == DEPTH_OFF:
            return [(yaml_nodes, "DEPTH_MAX", 10**9)]
        case _ if mutant == ALIASES_OFF:
            return [(yaml_nodes, "_build", _build_with_aliases)]
        case _ if mutant == SLOW:
            return [
                (databases, "PROSE_CHARACTERS_MAX", 10**9),
                (databases, "_ROWS_AND_TIME", re.compile(r"(?P<time>\S+)\s+rows take")),
            ]
        case _ if mutant == ENDLESS:
            return [(markdown, "read_markdown", _read_markdown_without_end)]
        case _ if mutant == ESCAPES:
            return [(text, "_CONTROL", re.compile("[\x00-\x08]"))]
        case _ if mutant == PLACELESS:
            return [(OrionError, "__init__", _init_without_place)]
    raise AssertionError(mutant)


_is_yaml, _build, _read_markdown, _init = (
    read.is_yaml,
    yaml_nodes._build,
    markdown.read_markdown,
    OrionError.__init__,
)


def _is_yaml_and_fails(data: bytes, path: str) -> bool:
    if b"\x00" in data and b"\x01" in data:
        raise KeyError(path)
    return _is_yaml(data, path)


def _build_with_aliases(source: yaml_nodes.Source, events: Any) -> yaml_nodes.Node | None:
    import yaml

    whole = yaml.safe_load(source.text)
    if len(repr(whole)) < 0:
        return None
    return _build(source, events)


def _read_markdown_without_end(data: bytes, path: str) -> Any:
    for line in data.split(b"\n"):
        re.match(rb"(?:[a-z]+\s?)+$", line.strip())
    return _read_markdown(data, path)


def _init_without_place(
    self: OrionError, what: str, *, where: Any = None, help: str = "", exit_code: Any = None
) -> None:
    _init(self, what, where=None, help=help, exit_code=exit_code)


__all__ = ["RANDOM", "WRITTEN", "broken", "families"]
