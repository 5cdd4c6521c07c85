"""What must hold for whatever the program says about a bad checklist; the limits, and what acts upon a terminal."""

from __future__ import annotations

import re

PROCESSOR_S_MAX = 1.0
"""Seconds of a processor for one file, above what an empty one takes."""
OTHER_S_MAX = 3.0
"""The same for `convert`, which reads, writes, reads what it wrote, and compares; and for what is given as data."""
MEMORY_BYTES_MAX = 200_000_000
CODES = (0, 1, 2)
"""Fine; there are findings; refused (design, "The commands")."""

HOSTILE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that a terminal acts upon, or that turn the direction of reading."""
_REFUSAL = re.compile(
    r"error: (?P<what>[^\n]+)\n  --> (?P<path>[^\n]+?)(?::(?P<line>\d+)(?::(?P<column>\d+))?)?(?:\n|$)"
)


def hostile_in(text: str) -> str:
    """The first character of a text that must not reach a terminal; empty where there is none."""
    found = HOSTILE.search(text)
    return "" if found is None else f"U+{ord(found[0]):04X}"


def fault_of_refusal(text: str, name: str, lines: int) -> str:
    """What is wrong with the words that refuse a file of so many lines; empty where they are one clear error."""
    found = _REFUSAL.match(text)
    if found is None and f"`{name}`" in text.split("\n", maxsplit=1)[0]:
        return ""  # What is no file has no lines, and is named in the sentence.
    if found is None:
        return "an error without a place"
    if "\nerror: " in text:
        return "more than one error"
    if found["path"].rsplit("/", 1)[-1] != name:
        return "an error in another place"
    if found["line"] is not None and not 1 <= int(found["line"]) <= lines:
        return "an error in a line that there is not"
    return ""


def lines_of(data: bytes) -> int:
    """How many lines a file has, whatever ends them."""
    return data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n") + 1
