"""A pattern is a regular expression over the bytes of one line; where it can be, it is gated by text that each match holds.

Text is found at nearly the speed of memory, a regular expression only at a tenth of it: so the text is looked for
first. Non-ASCII characters are their UTF-8 bytes: allowed as plain text, refused where a byte would be taken for
a character (in a class, before a repetition). Patterns that can take forever are refused (`regex.danger`).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from orion_deploy.kinds.logs import regex

PATTERN_CHARACTERS_MAX = 1_000
PATTERNS_MAX = 64
GATES_MAX = 16
"""Texts of which one must stand in each match; with more, every line is given to the expression."""
GATE_BYTES_MIN = 2
"""A shorter text stands in too many lines to save anything."""
WINDOW_BYTES_MAX = 64 * 1024
"""Of a line, what an expression is given at most: the bytes around the text that gates it, or else piece by piece."""
WINDOW_BYTES_MIN = 512
NOT_BLOCKWISE = re.IGNORECASE | re.DOTALL | re.MULTILINE | re.LOCALE


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern, ready to be looked for."""

    text: str
    regex: re.Pattern[bytes]
    gates: tuple[bytes, ...]
    """At least one of them stands in each match, in lower case where case is ignored. Empty: there are none."""
    is_literal: bool
    """The gate is the whole pattern: where it stands, there is a match."""
    ignore_case: bool
    window_bytes: int
    is_blockwise: bool = False
    """It may be held against many lines at once."""

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of its groups."""
        return tuple(self.regex.groupindex)


def compile_pattern(text: str, *, literal: bool = False, ignore_case: bool = False) -> Pattern:
    """Make a pattern of the text of a checklist. Raises ValueError, in words, where it cannot be one."""
    if not text.strip("\r\n"):
        raise ValueError("a pattern is empty")
    if len(text) > PATTERN_CHARACTERS_MAX:
        raise ValueError(f"a pattern has {len(text):,} characters, more than {PATTERN_CHARACTERS_MAX:,}")
    if "\n" in text:
        raise ValueError(
            f"`{shown(text)}`: a pattern is looked for within one line, it can hold no line break"
        )
    source = text.encode("utf-8", "surrogateescape")
    if literal:
        return _literal(text, source, ignore_case=ignore_case)
    flags = re.IGNORECASE if ignore_case else 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a later Python may read in another way
            compiled = re.compile(source, flags)
            tree = regex.parse(source, flags)
    except (re.error, OverflowError, RecursionError, ValueError) as fault:
        raise ValueError(f"`{shown(text)}` is no regular expression: {fault}") from fault
    why = regex.danger(tree, text)
    if why:
        raise ValueError(f"`{shown(text)}`: {why}")
    if compiled.search(b"") is not None:
        raise ValueError(f"`{shown(text)}` matches an empty line, and so says nothing")
    ignore_case = bool(compiled.flags & re.IGNORECASE) or regex.ignores_case(tree)
    gates = regex.gates(tree)
    if len(gates) > GATES_MAX or any(len(gate) < GATE_BYTES_MIN for gate in gates):
        gates = ()
    if ignore_case:
        gates = tuple(gate.lower() for gate in gates)
    whole = regex.literal(tree)
    return Pattern(
        text=text,
        regex=compiled,
        gates=gates,
        is_literal=whole is not None and gates in ((whole,), (whole.lower(),)),
        ignore_case=ignore_case,
        is_blockwise=regex.is_blockwise(tree) and not compiled.flags & NOT_BLOCKWISE,
        window_bytes=WINDOW_BYTES_MAX >> (2 * max(0, min(2, regex.wide_repeats(tree) - 1))),
    )


def compile_patterns(
    texts: Sequence[str], *, literal: bool = False, ignore_case: bool = False
) -> tuple[Pattern, ...]:
    """Make the patterns of one parameter. Raises ValueError for the first that cannot be one, or for too many."""
    if len(texts) > PATTERNS_MAX:
        raise ValueError(f"{len(texts)} patterns are more than {PATTERNS_MAX}")
    return tuple(compile_pattern(text, literal=literal, ignore_case=ignore_case) for text in texts)


def _literal(text: str, source: bytes, *, ignore_case: bool) -> Pattern:
    return Pattern(
        text=text,
        regex=re.compile(re.escape(source), re.IGNORECASE if ignore_case else 0),
        gates=(source.lower() if ignore_case else source,),
        is_literal=True,
        ignore_case=ignore_case,
        window_bytes=WINDOW_BYTES_MAX,
    )


def shown(text: str) -> str:
    """A pattern as it stands in a sentence."""
    from orion_deploy.text import plain_line

    return plain_line(text if len(text) <= 60 else text[:59] + "…")
