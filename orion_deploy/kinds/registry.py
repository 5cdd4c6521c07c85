"""The table of kinds: a kind is found by its name, and nothing heavy is imported to know that name.

Adding a kind is one class in the file of its domain and one line here; a test fails when the line is
missing. Packages of others add theirs through the entry-point group `orion_deploy.kinds` (name of the
kind = `module:Class`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.errors import ChecklistError, did_you_mean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from orion_deploy.kinds.base import Kind

ENTRY_POINT_GROUP = "orion_deploy.kinds"


@dataclass(frozen=True, slots=True)
class _Home:
    """Where the class of a kind stands, and whether it changes something."""

    module: str
    cls: str
    is_action: bool = False


KINDS: Mapping[str, _Home] = {
    "process.absent": _Home("process", "ProcessAbsent"),
    "process.running": _Home("process", "ProcessRunning"),
    "process.memory": _Home("memory", "ProcessMemory"),
    "process.stop": _Home("stop", "ProcessStop", is_action=True),
    "process.start": _Home("start", "ProcessStart", is_action=True),
    "files.exists": _Home("files", "FilesExists"),
    "files.closed": _Home("files", "FilesClosed"),
    "files.disk_free": _Home("files", "FilesDiskFree"),
    "sqlite.ready": _Home("sqlite.ready", "SqliteReady"),
    "sqlite.state": _Home("sqlite.checks", "SqliteState"),
    "sqlite.query": _Home("sqlite.query", "SqliteQuery"),
    "sqlite.schema": _Home("sqlite.checks", "SqliteSchema"),
    "sqlite.rehearse": _Home("sqlite.rehearse", "SqliteRehearse", is_action=True),
    "sqlite.backup": _Home("sqlite.backup", "SqliteBackup", is_action=True),
    "sqlite.migrate": _Home("sqlite.migrate", "SqliteMigrate", is_action=True),
    "sqlite.rollback": _Home("sqlite.migrate", "SqliteRollback", is_action=True),
    "sqlite.restore": _Home("sqlite.restore", "SqliteRestore", is_action=True),
    "sqlite.way_back": _Home("sqlite.way_back", "SqliteWayBack"),
    "logs.absent": _Home("logs.absent", "LogsAbsent"),
    "logs.present": _Home("logs.present", "LogsPresent"),
    "logs.latency": _Home("logs.latency", "LogsLatency"),
    "clock.window": _Home("clock", "ClockWindow"),
    "clock.elapsed": _Home("clock", "ClockElapsed"),
    "people.confirm": _Home("people", "PeopleConfirm"),
    "people.choice": _Home("people", "PeopleChoice"),
    "evidence.passed": _Home("evidence", "EvidencePassed"),
    "evidence.value": _Home("evidence", "EvidenceValue"),
}


@dataclass(frozen=True, slots=True)
class ParameterHelp:
    """One parameter of a kind, for people."""

    name: str
    type: str
    required: bool
    default: str
    help: str


@dataclass(frozen=True, slots=True)
class KindHelp:
    """A kind, for people: `summary` is the first sentence of `text`, its docstring."""

    name: str
    summary: str
    text: str
    parameters: tuple[ParameterHelp, ...]
    example: str
    is_action: bool


@dataclass(frozen=True, slots=True)
class ParameterProblem:
    """What is wrong with one parameter; `parameter` is empty where it is about them all."""

    parameter: str
    message: str
    line: int = 0
    help: str = ""


@cache
def _entry_points() -> Mapping[str, EntryPoint]:
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}


_others: set[str] = set()
"""Kinds of other packages that were asked for in this process."""


def has_loaded_others() -> bool:
    """Whether anything of another package was loaded in this process, in order to have its kind."""
    return bool(_others)


def kind_names() -> tuple[str, ...]:
    """Every kind's name: ours in the order of the table, then those of installed packages."""
    return (*KINDS, *(name for name in _entry_points() if name not in KINDS))


def is_action(name: str) -> bool:
    """Whether the kind changes something. False for an unknown name. Imports only other packages' kinds."""
    home = KINDS.get(name)
    if home is not None:
        return home.is_action
    if name not in _entry_points():
        return False
    from orion_deploy.kinds.base import Action

    return issubclass(kind_class(name), Action)


def verification_of(call: KindCall) -> KindCall | None:
    """The check that tells, after an interruption, whether an action was carried out; None where none is certain.

    Raises ChecklistError as `kind_class`.
    """
    from orion_deploy.kinds.base import Action

    cls = kind_class(call.name)
    return cls.verification(call.parameters) if issubclass(cls, Action) else None


def needs_person(name: str) -> bool:
    """Whether only a person can carry the kind out; such a kind needs no process."""
    return name.startswith("people.")


def check_name(name: str) -> None:
    """Raise ChecklistError for a name that no kind has. Imports no kind."""
    if name not in KINDS and name not in kind_names():
        raise ChecklistError(
            f"there is no kind `{name}`",
            help=did_you_mean(name, kind_names()) or "`orion-deploy kinds` lists them",
        )


def kind_class(name: str) -> type[Kind]:
    """Return the class of a kind; imports only the module of its domain.

    Raises ChecklistError for an unknown name, and where another package's kind cannot be loaded.
    """
    from importlib import import_module

    from orion_deploy.kinds.base import Kind

    home = KINDS.get(name)
    if home is not None:
        found = getattr(import_module(f"{__package__}.{home.module}"), home.cls)
        assert isinstance(found, type)
        assert issubclass(found, Kind)
        return found
    point = _entry_points().get(name)
    if point is None:
        check_name(name)
        raise AssertionError(name)
    _others.add(name)
    try:
        loaded = point.load()
    except Exception as fault:  # another package's import may fail in any way
        raise ChecklistError(
            f"the kind `{name}` of {point.value} cannot be loaded: {type(fault).__name__}: {fault}"
        ) from fault
    if not (isinstance(loaded, type) and issubclass(loaded, Kind)):
        raise ChecklistError(f"the kind `{name}` of {point.value} is no orion_deploy.kinds.base.Kind")
    return loaded


def build(call: KindCall, variables: Mapping[str, str] = MappingProxyType({})) -> Kind:
    """Return the kind with its parameters.

    A parameter that takes no text (a number, a time, a list) may be a variable: `rss_mb_max: $MEMORY_MB_MAX`.
    Raises ChecklistError for an unknown name, or with the first thing that is wrong with a parameter.
    """
    cls = kind_class(call.name)
    open_names = {problem.parameter for problem in _problems(cls, call)}
    filled = {
        name: variables.get(variable_of(value), value) if name in open_names else value
        for name, value in call.parameters.items()
    }
    call = KindCall(call.name, filled, call.line)
    problems = _problems(cls, call)
    if problems:
        first = problems[0]
        raise ChecklistError(
            f"{call.name}: {first.parameter}: {first.message}"
            if first.parameter
            else f"{call.name}: {first.message}",
            help=first.help,
        )
    return cls.model_validate(dict(call.parameters))


def validate(call: KindCall) -> list[ParameterProblem]:
    """Return what is wrong with the parameters of a call, in plain words; empty when nothing is.

    What a variable will hold is not known yet, and not judged. Raises ChecklistError for an unknown name.
    """
    problems = _problems(kind_class(call.name), call)
    return [p for p in problems if not variable_of(call.parameters.get(p.parameter))]


_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def variable_of(value: object) -> str:
    """The name of the variable that a parameter is, where it is nothing else: `$NAME`, `${NAME}`; else empty."""
    match = _VARIABLE.fullmatch(value) if isinstance(value, str) else None
    return (match[1] or match[2]) if match else ""


def _problems(cls: type[Kind], call: KindCall) -> list[ParameterProblem]:
    from pydantic import ValidationError

    try:
        cls.model_validate(dict(call.parameters))
    except ValidationError as fault:
        return [_in_words(cls, error, call.line) for error in fault.errors(include_url=False)]
    return []


def _in_words(cls: type[Kind], error: Mapping[str, Any], line: int) -> ParameterProblem:
    where = [str(p) for p in error["loc"]]
    name = where[0] if where else ""
    inner = ".".join(where[1:])
    match error["type"]:
        case "missing":
            return ParameterProblem(name, "is required and missing", line, _help_of(cls, name))
        case "extra_forbidden":
            near = did_you_mean(name, _names(cls))
            return ParameterProblem(
                name,
                f"{call_name(cls)} has no such parameter",
                line,
                near or f"it has: {', '.join(_names(cls))}",
            )
        case "value_error" | "assertion_error":
            message = str(error.get("ctx", {}).get("error", error["msg"]))
        case _:
            message = str(error["msg"]).replace("Input should be ", "should be ", 1)
            seen = repr(error.get("input"))
            message += f", not {seen[:60]}"
    if inner:
        message = f"at {inner}: {message}"
    return ParameterProblem(name, message, line, _help_of(cls, name))


def call_name(cls: type[Kind]) -> str:
    """The name under which a checklist calls the kind."""
    return str(getattr(cls, "name", cls.__name__))


def _names(cls: type[Kind]) -> list[str]:
    return [field.alias or name for name, field in cls.model_fields.items()]


def _help_of(cls: type[Kind], name: str) -> str:
    for key, field in cls.model_fields.items():
        if (field.alias or key) == name:
            return field.description or ""
    return ""


def describe(name: str) -> KindHelp:
    """Return the help of a kind, from its docstring and its fields. Raises ChecklistError for an unknown name."""
    import inspect

    cls = kind_class(name)
    text = inspect.cleandoc(cls.__doc__ or "")
    properties = cls.model_json_schema(by_alias=True).get("properties", {})
    parameters = []
    for key, field in cls.model_fields.items():
        shown = field.alias or key
        required = field.is_required()
        default = "" if required else _default(field.get_default(call_default_factory=True))
        parameters.append(
            ParameterHelp(shown, _type(properties.get(shown, {})), required, default, field.description or "")
        )
    from orion_deploy.kinds.base import Action

    return KindHelp(
        name=name,
        summary=text.split("\n\n")[0].replace("\n", " "),
        text=text,
        parameters=tuple(parameters),
        example=inspect.cleandoc(cls.example),
        is_action=issubclass(cls, Action),
    )


def _default(value: object) -> str:
    if value is None or value in ("", (), {}):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(str(v) for v in value)
    return str(value)


_TYPES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}


def _type(schema: Mapping[str, Any]) -> str:
    """The type of a JSON Schema property in words."""
    if "enum" in schema:
        return " | ".join(str(v) for v in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if "anyOf" in schema:
        words = [_type(s) for s in schema["anyOf"] if s.get("type") != "null"]
        return " or ".join(dict.fromkeys(words))
    kind = schema.get("type")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if kind == "object":
        below = schema.get("additionalProperties")
        return f"mapping to {_type(below)}" if isinstance(below, dict) else "mapping"
    return _TYPES.get(str(kind), "any value")
