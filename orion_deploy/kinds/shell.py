"""The kind `command`: the verdict of a shell step. Pure: what happened goes in, a verdict with its reason comes out.

A status alone is wrong for operators' scripts; see docs/verdict.md for the rules and where they come from, and
`judge.py` for the rules themselves, which are loaded when the first step has ended.
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
    pipeline: tuple[int, ...] = ()
    """Statuses of each command of its pipeline, the last one's being `status`."""


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
    """Every command that failed by itself (not as a condition), the last one included."""
    left_line: int = 0
    """Line of the `exit` by which it left; 0 where there was none, or where it is not known."""
    is_syntax_error: bool = False
    pipeline: tuple[int, ...] = ()
    """Statuses of each command of the last pipeline; empty where they are not known."""


def shell_verdict(
    script: str, result: ShellResult, output: str | None, expectations: tuple[Expectation, ...]
) -> Verdict:
    """Decide how a shell step came out. `output` is the (bounded) text that it printed, sequences stripped.

    None: it went to the terminal and was not kept, so that what it was is for the person who saw it.
    """
    from orion_deploy.kinds.judge import Judge

    return Judge(script, result, output).verdict(expectations)
