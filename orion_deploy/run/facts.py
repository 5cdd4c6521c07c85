"""What the wrapper noted about a script's end, read back. Part of the supervisor's program.

A record is a word and its fields, each ended by NUL; what a killed shell left half-written is passed over.
"""

from __future__ import annotations

import os

FACTS_BYTES_MAX = 256 * 1024
_FIELDS = {b"failed": 4, b"folder": 1, b"exit": 1, b"left": 1, b"syntax": 0, b"end": 2}


class Facts:
    """How a script ended. `reached_end` None: nobody noted it (`exec`, a signal).

    `failures` are `[line, status, command, statuses of the pipeline]`, in order; `left_line` the line of the
    `exit` that was executed, 0 where it is not known; `pipeline` the statuses of the last pipeline.
    """

    def __init__(self) -> None:
        self.reached_end: bool | None = None
        self.left_line = 0
        self.syntax_error = False
        self.failures: list[tuple[int, int, str, list[int]]] = []
        self.pipeline: list[int] = []
        self.folder = ""


def read_facts(data: bytes) -> Facts:
    """Return what the records say."""
    facts = Facts()
    fields = data[:FACTS_BYTES_MAX].split(b"\0")[:-1]
    at = 0
    while at < len(fields):
        word = fields[at]
        count = _FIELDS.get(word)
        if count is None:
            at += 1
            continue
        values = fields[at + 1 : at + 1 + count]
        at += 1 + count
        if len(values) == count:
            _note(facts, word, values)
    return facts


def _note(facts: Facts, word: bytes, values: list[bytes]) -> None:
    if word == b"failed":
        status, line, command, statuses = values
        facts.failures.append(
            (_number(line), _number(status), command.decode("utf-8", "replace"), _numbers(statuses))
        )
    elif word == b"folder":
        facts.folder = os.fsdecode(values[0].removesuffix(b"\n"))
    elif word == b"syntax":
        facts.syntax_error = True
    elif word == b"end":
        facts.reached_end = True
        facts.pipeline = _numbers(values[1])
    else:
        facts.reached_end = False
        facts.left_line = _number(values[0])


def _number(text: bytes) -> int:
    return int(text) if text.isdigit() else 0


def _numbers(text: bytes) -> list[int]:
    return [int(part) for part in text.split() if part.isdigit()]
