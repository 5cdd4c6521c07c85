"""The kind `command`: the verdict of a shell step. Pure: what happened goes in, a verdict with its reason comes out.

A status alone is wrong for operators' scripts; see docs/verdict.md for the rules and where they come from.
"""

from __future__ import annotations

from dataclasses import dataclass

from orion_deploy.checklist.model import Expectation
from orion_deploy.kinds.verdict import Verdict


@dataclass(frozen=True, slots=True)
class HiddenFailure:
    """A command in the middle of a script that failed, and whose status a later command hid."""

    line: int
    status: int
    command: str


@dataclass(frozen=True, slots=True)
class ShellResult:
    """What is known of a shell's end."""

    exit_status: int | None
    """None when a signal ended it."""
    signal: int | None = None
    why: str = ""
    """`timeout`, `cancelled`, or empty."""
    reached_end: bool | None = None
    """True: the last line was executed. False: it left by `exit`, `set -e` or a signal. None: not known."""
    failures: tuple[HiddenFailure, ...] = ()


def shell_verdict(
    script: str, result: ShellResult, output: str, expectations: tuple[Expectation, ...]
) -> Verdict:
    """Decide how a shell step came out. `output` is the (bounded) text that it printed, sequences stripped."""
    raise NotImplementedError
