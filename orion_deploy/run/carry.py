"""What a script leaves for the next one: the folder it is in, and the variables that it changed.

The shell prints its variables at its end in its own quoting; this reads them back and compares them with
what the script began with. Only the difference is kept (0600), and only its names are ever shown. Part of
the supervisor's program.
"""

from __future__ import annotations

import os
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypedDict

    class Kept(TypedDict):
        """What all attempts up to one left, on top of the environment that the operator gave."""

        cwd: str
        env: dict[str, str | None]
        """Exported variables; None for one that was taken away."""
        over: dict[str, str | None]
        """What an explicit variable of the run was, where a script changed it."""
        variables: dict[str, str]
        """Variables that were set and not exported."""

    class Left(TypedDict):
        """What one script left: its variables at its end."""

        exported: dict[str, str]
        variables: dict[str, str] | None
        """None where the shell does not tell."""


VALUE_BYTES_MAX = 96 * 1024
"""Longer values are not carried: Linux takes no longer one (128 KiB with its name, execve(2))."""
NAMES_MAX = 500
"""Of exported variables, and of others, that are kept of one script; that some were not is said among the names."""

_NAME = rb"([A-Za-z_][A-Za-z0-9_]*)"
_ANSI = rb"\$'(?:[^'\\]|\\.)*'"
_DECLARED = re.compile(
    rb"declare (-[-A-Za-z]+) " + _NAME + rb'(?:(=)(?:"((?:[^"\\]|\\.)*)"|(' + _ANSI + rb")))?\n|[^\n]*\n",
    re.DOTALL,
)
"""A variable; or a line that is none: of an array, or with a name that is no variable's."""
_ASSIGNED = re.compile(
    _NAME + rb"=((?:[^\s'\\$\"()]|\$(?!')|\\.|'[^']*'|" + _ANSI + rb")*)\n", re.DOTALL
)  # `declare -p` of bash 3.2, which macOS has, prints assignments.
_PART = re.compile(rb"(" + _ANSI + rb")|'([^']*)'|\\(.)|([^'\\$]+|\$)", re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|x[0-9A-Fa-f]{1,2}|.)", re.DOTALL)
_LETTERS = {b"a": b"\a", b"b": b"\b", b"e": b"\33", b"E": b"\33", b"f": b"\f", b"n": b"\n"} | {
    b"r": b"\r", b"t": b"\t", b"v": b"\v"
}  # fmt: skip
_OF_THE_SHELL = re.compile(
    r"BASH.*|COMP_.*|COPROC.*|DIRSTACK|E?UID|EPOCH\w+|FUNCNAME|GROUPS|HIST\w+|HOST(?:NAME|TYPE)|IFS|LINENO|MACHTYPE"
    r"|MAPFILE|OPT(?:ARG|ERR|IND)|OSTYPE|PIPESTATUS|PPID|PS\d|S?RANDOM|POSIXLY_CORRECT|READLINE_\w+|REPLY|SECONDS|SHELL(?:OPTS)?"
    r"|TERM|_|__step_.*|(?:OLD)?PWD|SHLVL|COLUMNS|LINES"
)
"""Variables that a shell makes or keeps by itself, where they are not exported."""
_EXPORTED_BY_THE_SHELL = frozenset(
    {"_", "BASH_ENV", "BASHOPTS", "COLUMNS", "LINES", "LOGNAME", "PS1", "PWD", "SHELLOPTS", "SHLVL"}
)
"""A shell without a terminal drops `PS1`, which an activated virtual environment exports. And `BASH_ENV`: the next shell would run that file before the step, and could end in it unseen."""
_PREVIOUS_FOLDER = "OLDPWD"
"""Carried for `cd -`, but nothing that a person needs to hear of."""


def read_left(dump: bytes) -> Left:
    """Return the variables in what a shell printed at its end.

    That is `declare -p` of bash, before which bash 3.2, whose `declare -p` does not tell what is exported, puts
    `export -p` and a NUL; or NAME=value by NUL (zsh, which tells the exported ones alone).
    """
    if dump.startswith(b"declare "):
        exports, _, rest = dump.partition(b"\0\n")
        exported, variables = _declared(exports)
        variables |= _assigned(rest)
        # `export -p` of bash 3.2 puts a character of its own before some control characters.
        exported = {name: variables.get(name, value) for name, value in exported.items()}
    else:
        pairs = (record.partition(b"=") for record in dump.split(b"\0") if record)
        return {"exported": {_text(name): _text(value) for name, _, value in pairs}, "variables": None}
    for name in [n for n in variables if n in exported or _OF_THE_SHELL.fullmatch(n)]:
        del variables[name]
    return {"exported": exported, "variables": variables}


def _declared(text: bytes) -> tuple[dict[str, str], dict[str, str]]:
    """Return the exported and the plain variables in lines of `declare`."""
    exported: dict[str, str] = {}
    plain: dict[str, str] = {}
    for flags, name, is_set, quoted, ansi in _DECLARED.findall(text):
        if is_set and (flags == b"--" or b"x" in flags):
            value = quoted
            if ansi:
                value = _ansi(ansi)
            elif b"\\" in quoted:
                value = re.sub(rb'\\([$`"\\])', rb"\1", quoted)
            (plain if flags == b"--" else exported)[_text(name)] = _text(value)
    return exported, plain


def _assigned(text: bytes) -> dict[str, str]:
    found = {}
    at = 0
    while at < len(text):
        match = _ASSIGNED.match(text, at)
        if match is None:
            if re.match(rb"[^\s=]+ \(\) *\n", text[at : at + 200]):
                break  # Functions come last.
            at = text.find(b"\n", at) + 1 or len(text)
            continue
        at = match.end()
        parts = (
            _ansi(ansi) if ansi else single if single is not None else escaped or bare
            for ansi, single, escaped, bare in (m.groups() for m in _PART.finditer(match[2]))
        )
        found[_text(match[1])] = _text(b"".join(parts))
    return found


def _ansi(quoted: bytes) -> bytes:
    """Undo `$'...'`."""

    def character(match: re.Match[bytes]) -> bytes:
        code = match[1]
        if code[:1] == b"x" and len(code) > 1:
            return bytes([int(code[1:], 16)])
        if code[:1].isdigit():
            return bytes([int(code, 8) & 255])
        return _LETTERS.get(code, code)

    return _ESCAPE.sub(character, quoted[2:-1])


def _text(data: bytes) -> str:
    return os.fsdecode(data)


def carry_on(
    before: Kept, start: Mapping[str, str], given: Mapping[str, str], left: Left | None, cwd: str
) -> tuple[Kept, tuple[str, ...]]:
    """Return what is kept after an attempt, and the names of what this attempt changed (`cwd` for the folder).

    `start` is the environment with which it began, `given` the explicit variables of the run in it, `left`
    None where the shell did not come to say it; `cwd` the folder at the end, empty where it did not change.
    """
    after: Kept = {
        "cwd": cwd or before["cwd"],
        "env": dict(before["env"]),
        "over": dict(before["over"]),
        "variables": dict(before["variables"]),
    }
    names = ["cwd"] if cwd else []
    if left is None:
        return after, tuple(names)
    ends = left["exported"]
    changes: dict[str, str | None] = {n: v for n, v in ends.items() if start.get(n) != v}
    changes |= {n: None for n in start if n not in ends and n.isidentifier() and n.isascii()}
    for name, value in list(changes.items())[:NAMES_MAX]:
        if name in _EXPORTED_BY_THE_SHELL or (value is not None and _is_long(value)):
            continue
        after["env"][name] = value
        if name in given:
            after["over"].setdefault(name, given[name])
        if name != _PREVIOUS_FOLDER:
            names.append(name)
    cut = max(0, len(changes) - NAMES_MAX)
    if left["variables"] is not None:
        short = [(name, value) for name, value in left["variables"].items() if not _is_long(value)]
        cut += max(0, len(short) - NAMES_MAX)
        after["variables"] = dict(short[:NAMES_MAX])
        names += [n for n, v in after["variables"].items() if before["variables"].get(n) != v]
        names += [n for n in before["variables"] if n not in after["variables"] and n not in ends]
    if cut:
        names.append(f"({cut:,} more were not kept: at most {NAMES_MAX} are)")
    return after, tuple(names)


def _is_long(value: str) -> bool:
    return len(os.fsencode(value)) > VALUE_BYTES_MAX


def applied(kept: Kept, env: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return `env` with what was kept. An explicit variable that was given another value since stays as given."""
    result = dict(env)
    for name, value in kept["env"].items():
        if name in given and given[name] != kept["over"].get(name):
            continue
        if value is None:
            result.pop(name, None)
        else:
            result[name] = value
    return result


def nothing() -> Kept:
    """Return the beginning: nothing was left yet."""
    return {"cwd": "", "env": {}, "over": {}, "variables": {}}
