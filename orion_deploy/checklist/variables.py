"""Variables: where each value comes from, whether it fits its type, and which must still be asked for.

Values reach scripts as environment variables and never by substitution: of 29 hostile values, putting them
into the text ran 8 as commands, quoting them 4, the environment none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from orion_deploy.checklist.model import Variable
from orion_deploy.errors import OrionError, did_you_mean

TYPES: Final = ("text", "integer", "number", "boolean", "path")
ENVIRONMENT_PREFIX: Final = "ORION_"
VALUE_CHARACTERS_MAX: Final = 32_000
"""A quarter of what Linux takes for one string of the environment (128 KiB, MAX_ARG_STRLEN)."""

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_RESERVED: Final = re.compile(
    r"PATH|IFS|ENV|BASH_.*|BASHOPTS|SHELLOPTS|SHELL|PS[0-4]|PROMPT_COMMAND|CDPATH|GLOBIGNORE|FIGNORE|FUNCNEST"
    r"|HOME|USER|LOGNAME|UID|EUID|PPID|PWD|OLDPWD|HOSTNAME|TERM|TERMINFO.*|TMPDIR|OPTIND|OPTARG|REPLY|RANDOM|SECONDS|LINENO"
    r"|HISTFILE|HISTCMD|DIRSTACK|PIPESTATUS|FUNCNAME|GROUPS|MACHTYPE|OSTYPE|HOSTTYPE|SHLVL|_"
    r"|LD_.*|DYLD_.*|GCONV_PATH|LOCPATH|NLSPATH|MALLOC_.*|GLIBC_TUNABLES|ZDOTDIR|FPATH|INPUTRC"
    r"|PYTHON.*|PERL.*|RUBY.*|NODE_OPTIONS|JAVA_TOOL_OPTIONS|GIT_SSH.*|GIT_EXEC_PATH|EDITOR|VISUAL|PAGER|ORION_.*",
)
"""Names that change how a shell or another program works, or belong to this one."""
_TRUE: Final = frozenset(("true", "yes", "on", "1"))
FALSE: Final = frozenset(("false", "no", "off", "0"))
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?(?:[0-9]{1,18}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})(?:[eE][-+]?[0-9]{1,3})?")


class Origin(StrEnum):
    """Where a value came from; the first that has one wins."""

    GIVEN = "--set"
    ENVIRONMENT = "environment"
    EARLIER = "earlier in this run"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Values:
    """What is known of a checklist's variables."""

    values: Mapping[str, str]
    """Name as declared to value: the environment of every script."""
    origins: Mapping[str, Origin]
    missing: tuple[Variable, ...]
    """Variables without a value: they must be asked for, with their prompt."""
    secrets: frozenset[str]
    """Names whose values are never shown or recorded."""

    @property
    def secret_values(self) -> tuple[str, ...]:
        """What must be redacted from output, longest first, so that a part never shields its whole."""
        found = {self.values[name] for name in self.secrets if self.values.get(name)}
        return tuple(sorted(found, key=lambda value: (-len(value), value)))


def why_bad_name(name: str) -> str:
    """Say why a name cannot be an environment variable of a step, or return an empty string."""
    if NAME.fullmatch(name) is None:
        return "is no name for a shell: letters, digits and `_`, not a digit first, at most 100 characters"
    if _RESERVED.fullmatch(name):
        return "is reserved: it changes how the shell, or another program, works"
    return ""


def parse_sets(items: Iterable[str]) -> dict[str, str]:
    """Return the names and values of `--set NAME=VALUE` arguments; the last one counts. Raises OrionError."""
    given = {}
    for item in items:
        name, sign, value = item.partition("=")
        if not sign or NAME.fullmatch(name) is None:
            raise OrionError(
                f"`--set {item}` is not NAME=VALUE", help="write it as `--set DATABASE=data/app.db`"
            )
        given[name] = value
    return given


def resolve(
    variables: tuple[Variable, ...],
    *,
    given: Mapping[str, str] = MappingProxyType({}),
    environment: Mapping[str, str] = MappingProxyType({}),
    earlier: Mapping[str, str] = MappingProxyType({}),
) -> Values:
    """Find the value of every variable: `given` by `--set`, `ORION_<NAME>` of `environment`, `earlier`, default.

    Values are normalised to their type (see `fit`); `~` of a path is `environment["HOME"]`.
    Raises OrionError for a given name that is not declared, and for a value that does not fit its type;
    the value of a secret never stands in the message.
    """
    names = [variable.name for variable in variables]
    for name in given:
        if name not in names:
            known = "it declares: " + ", ".join(names) if names else "it declares none"
            raise OrionError(
                f"the checklist has no variable `{name}`", help=did_you_mean(name, names) or known
            )
    values: dict[str, str] = {}
    origins: dict[str, Origin] = {}
    missing = []
    home = environment.get("HOME", "")
    for variable in variables:
        sources = (
            (Origin.GIVEN, given.get(variable.name)),
            (Origin.ENVIRONMENT, environment.get(ENVIRONMENT_PREFIX + variable.name.upper())),
            (Origin.EARLIER, earlier.get(variable.name)),
            (Origin.DEFAULT, variable.default),
        )
        found = next(((origin, value) for origin, value in sources if value is not None), None)
        if found is None:
            missing.append(variable)
            continue
        origins[variable.name] = found[0]
        try:
            values[variable.name] = fit(variable, found[1], home)
        except ValueError as error:
            raise OrionError(f"{error} (from: {found[0].value})") from None
    secrets = frozenset(variable.name for variable in variables if variable.secret)
    return Values(MappingProxyType(values), MappingProxyType(origins), tuple(missing), secrets)


def fit(variable: Variable, value: str, home: str = "") -> str:
    """Return `value` as its type writes it: `yes` of a boolean as `true`, `~/x` of a path under `home`.

    Raises ValueError with a sentence for a person; a secret's value is not in it.
    """
    shown = "the value" if variable.secret else f"`{value[:60]}`"
    name = f"`{variable.name}`"
    if "\x00" in value:
        raise ValueError(f"{name} cannot hold a NUL character")
    if len(value) > VALUE_CHARACTERS_MAX:
        raise ValueError(f"{name} is longer than {VALUE_CHARACTERS_MAX:,} characters")
    match variable.type:
        case "integer":
            if _INTEGER.fullmatch(value.strip()) is None:
                raise ValueError(f"{name} takes an integer, {shown} is none")
            return str(int(value))
        case "number":
            if _NUMBER.fullmatch(value.strip()) is None:
                raise ValueError(f"{name} takes a number, {shown} is none")
            return value.strip()
        case "boolean":
            word = value.strip().lower()
            if word not in _TRUE | FALSE:
                raise ValueError(f"{name} takes true or false, {shown} is neither")
            return "true" if word in _TRUE else "false"
        case "path":
            if not value.strip():
                raise ValueError(f"{name} takes a path, which cannot be empty")
            if home and (value == "~" or value.startswith("~/")):
                return home.rstrip("/") + value[1:]
            return value
        case _:
            return value
