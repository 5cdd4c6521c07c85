"""The words of the screens: those of `run/words.py`, and what each status means to the operator. Pure."""

from __future__ import annotations

from orion_deploy.run.state import Status
from orion_deploy.run.words import (
    NOT_APPLICABLE,
    OUTCOMES,
    SIGNS,
    WAITS,
    Sign,
    clock,
    counted,
    duration,
    minutes,
    size,
)

__all__ = [
    "MEANINGS",
    "MORE_MEANINGS",
    "NOT_APPLICABLE",
    "OUTCOMES",
    "SIGNS",
    "STATUS_COLUMNS",
    "WAITS",
    "Sign",
    "clock",
    "counted",
    "duration",
    "minutes",
    "size",
]

STATUS_COLUMNS = 11
"""Columns of a status in the outline: a glyph, a space, and the longest word."""

MEANINGS: dict[Status, str] = {
    Status.TODO: "nothing has happened yet",
    Status.RUNNING: "it runs now; it goes on when you leave",
    Status.UNDECIDED: "it ran; you decide: Space ticks it",
    Status.DONE: "ticked, by you or by its own passing check",
    Status.FAILED: "it ran and did not pass",
    Status.SKIPPED: "passed over, with a reason",
    Status.UNKNOWN: "it was interrupted; nobody knows how it ended",
    Status.CHANGED: "its text changed since it was ticked",
}

MORE_MEANINGS: dict[Sign, str] = {
    WAITS: "it waits for the answer to a choice",
    NOT_APPLICABLE: "not applicable: a value, or the answer to a choice, rules it out",
}
"""What a step says beside its status."""
