"""Write YAML that a person would have written: plain where that is safe, blocks for lines, quotes for the rest.

What is written reads back as the same value, in this project's reader and in any YAML 1.1 or 1.2 reader.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

INDENT: Final = "  "
LINE_CHARACTERS_MAX: Final = 100
"""A list longer than this is written one item a line."""

_HIDDEN: Final = (
    r"\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff"
    r"\U000e0000-\U000e007f"
)
"""Characters that nobody sees, or that YAML does not take: always written as escapes."""
_PLAIN = re.compile(rf"[\w~./(<^$+\u00a1-\u00bf][^\x00-\x1f\ud800-\udfff{_HIDDEN}]*")
_NOT_PLAIN = re.compile(
    r": |:$| #|^[~.]$|\s$|^(?:null|true|false|yes|no|on|off|y|n)$|^---|^\.\.\.|^<<$", re.IGNORECASE
)
_LIKE_NUMBER = re.compile(
    r"[-+.]?[0-9][0-9_:.,eExXoOa-fA-F+-]*(?:[T ][0-9:.Z +-]*)?|[-+]?\.(?:inf|nan)", re.IGNORECASE
)
_FLOW_SIGNS = re.compile(r"[\[\]{},?]")
_NOT_LITERAL = re.compile(rf"[\x00-\x08\x0b-\x1f\ud800-\udfff{_HIDDEN}]")
_ESCAPED = re.compile(rf'["\\\x00-\x1f{_HIDDEN}]')
_NAMED: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def scalar(text: str, *, in_flow: bool = False) -> str:
    """Return a text on one line: plain where nobody could read it as anything else, double-quoted otherwise."""
    is_plain = (
        _PLAIN.fullmatch(text) is not None
        and _NOT_PLAIN.search(text) is None
        and _LIKE_NUMBER.fullmatch(text) is None
        and not (in_flow and _FLOW_SIGNS.search(text))
    )
    return text if is_plain else quoted(text)


def quoted(text: str) -> str:
    """Return a text in double quotes, with escapes."""
    return '"' + _ESCAPED.sub(lambda m: _NAMED.get(m[0]) or _escape(m[0]), text) + '"'


def _escape(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"


def entry(key: str, text: str, indent: str, *, is_stripped: bool = False) -> list[str]:
    """Return the lines of `key: text`; a text of several lines becomes a block below the key.

    `is_stripped`: whoever reads strips line breaks at the ends, so that they need not be kept exactly, and a
    line that needed quotes becomes a block as well.
    """
    if is_stripped:
        text = text.strip("\n")
    is_block = "\n" in text or (is_stripped and scalar(text) != text)
    if not is_block or _NOT_LITERAL.search(text) or not text.strip(" \n"):
        return [f"{indent}{scalar(key)}: {scalar(text)}"]
    lines = text.split("\n")
    hint = str(len(INDENT)) if _needs_hint(lines) else ""
    chomp = "" if is_stripped else "-" if lines[-1] else "" if lines[-2] else "+"
    if not is_stripped and not lines[-1]:
        lines = lines[:-1]
    below = [indent + INDENT + line if line else "" for line in lines]
    return [f"{indent}{scalar(key)}: |{hint}{chomp}", *below]


def _needs_hint(lines: Sequence[str]) -> bool:
    """Whether the indentation cannot be told from the first line that holds something."""
    for line in lines:
        if line:
            return line[0] in " \t"
    return True


def value(item: object, *, in_flow: bool = False) -> str:
    """Return a parameter's value on one line: a number, true, null, a text, a list or a mapping."""
    if item is None:
        return "null"
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, int):
        return str(item)
    if isinstance(item, float):
        return repr(item)
    if isinstance(item, Mapping):
        inner = ", ".join(
            f"{scalar(str(k), in_flow=True)}: {value(v, in_flow=True)}" for k, v in item.items()
        )
        return "{" + inner + "}"
    if isinstance(item, list | tuple):
        return "[" + ", ".join(value(v, in_flow=True) for v in item) + "]"
    return scalar(str(item), in_flow=in_flow)


def parameter(key: str, item: object, indent: str) -> list[str]:
    """Return the lines of a parameter: on one line where it is short, else its items below one another."""
    if isinstance(item, str):
        return entry(key, item, indent)
    line = f"{indent}{scalar(key)}: {value(item)}"
    if len(line) <= LINE_CHARACTERS_MAX and not isinstance(item, Mapping):
        return [line]
    if isinstance(item, Mapping) and item:
        lines = [f"{indent}{scalar(key)}:"]
        for name, inner in item.items():
            lines += parameter(str(name), inner, indent + INDENT)
        return lines
    if isinstance(item, list | tuple) and item:
        return [f"{indent}{scalar(key)}:", *(f"{indent}{INDENT}- {value(inner)}" for inner in item)]
    return [line]
