"""Roles for a shell script, good enough to read by. It colours; it decides nothing, and imports no parser."""

from __future__ import annotations

import re

from orion_deploy.text import plain
from orion_deploy.tui.lines import Line, Span, bounded

_TOKEN = re.compile(
    r"(?P<comment>(?:(?<=\s)|^)\#[^\n]*)"
    r"|(?P<string>'[^'\n]*'?|\"(?:\\.|[^\"\\\n])*\"?)"
    r"|(?P<variable>\$(?:\w+|[?#@*!$-]|\{[^}\n]*\}?))"
    r"|(?P<operator>&&|\|\||\|&|[|;&<>()]+|\$\()"
    r"|(?P<option>(?:(?<=\s)|^)--?[A-Za-z][\w-]*)"
    r"|(?P<word>(?:\\.|[^\s'\"$|;&<>()\\])+)"
    r"|(?P<space>\s+)|(?P<other>.)",
    re.MULTILINE | re.DOTALL,
)
_STARTS = {"then", "do", "else", "elif", "if", "while", "until", "time", "sudo", "exec", "!", "{"}
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_ROLES = {
    "comment": "code.comment",
    "string": "code.string",
    "variable": "code.variable",
    "operator": "code.operator",
    "option": "code.option",
}


def shell_lines(script: str) -> list[Line]:
    """The script's lines with their roles. Control characters are made visible here."""
    script = plain(script)
    return [_line(bounded(text)) for text in script.split("\n")]


def _line(text: str) -> Line:
    spans: list[Span] = []
    at_start = True
    for match in _TOKEN.finditer(text):
        kind, value = match.lastgroup or "other", match[0]
        role = _ROLES.get(kind, "code")
        if kind == "word":
            if at_start and not _ASSIGNMENT.match(value):
                role = "code.command"
                at_start = value in _STARTS
        elif kind == "operator":
            at_start = value not in ("<", ">", ">>", "<<")
        elif kind in ("string", "variable"):
            at_start = False
        spans.append(Span(value, role))
    return tuple(spans)
