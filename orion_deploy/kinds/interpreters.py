"""What an interpreter runs: how each family of them reads its argv, up to the script's name. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_NEVER = r"(?!)"


@dataclass(frozen=True, slots=True)
class Family:
    """How a family of interpreters reads its argv, up to the script."""

    names: str
    code: str = _NEVER
    """Options after which code follows, not a file."""
    module: str = _NEVER
    """Options after which the program's name follows."""
    value: str = _NEVER
    """Options that take the next argument."""


FAMILIES = (
    Family(r"(python|pypy)[\d.]*w?", r"-[A-Za-z]*c", r"-[A-Za-z]*m", r"-[WX]"),
    Family(
        r"(node|nodejs|bun|deno)", r"-e|-p|-pe|--eval|--print", value=r"-r|-C|--require|--import|--loader"
    ),
    Family(
        r"(r?ba|da|a|z|m?k|fi)?sh",
        r"[-+][A-Za-z]*c[A-Za-z]*",
        value=r"[-+][A-Za-z]*[oO]|--rcfile|--init-file",
    ),
    Family(r"(ruby|perl)[\d.]*", r"-[A-Za-z]*[eE]", value=r"-[IrCM]"),
    Family(r"java", module=r"-jar|-m|--module", value=r"-cp|-classpath|--class-path|-p|--module-path"),
    Family(r"(php|lua|luajit|tclsh|mono|dotnet)[\d.]*", r"-[re]"),
)


def script_of(interpreter: str, argv: Sequence[str]) -> str | None:
    """Return what an interpreter runs: the script, `-m` module or `-jar`; None for code given in argv, or none.

    `python3 -u /srv/orion --port 1` gives `/srv/orion`; `bash -c 'pgrep orion'` gives None.
    """
    family = family_of(interpreter)
    if family is None:
        return None
    arguments = iter(argv[1:])
    for argument in arguments:
        if argument == "--":
            return next(arguments, None)
        if re.fullmatch(family.value, argument):
            next(arguments, None)
        elif re.fullmatch(family.code, argument):
            return None
        elif re.fullmatch(family.module, argument):
            return next(arguments, None)
        elif not argument.startswith(("-", "+")) and not (
            argument == "run" and interpreter in ("bun", "deno")
        ):
            return argument
    return None


def family_of(interpreter: str) -> Family | None:
    """Return the family of an executable's name, or None where it is no interpreter."""
    return next((f for f in FAMILIES if re.fullmatch(f.names, interpreter, re.IGNORECASE)), None)
