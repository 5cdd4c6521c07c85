"""Failures that a script's end hides: in its middle, in its last pipeline, in a guard that could not look. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orion_deploy.checklist.shell_text import parse
from orion_deploy.kinds.answers import SIGPIPE_STATUS, answers_of, has_broken_pipe, is_answer
from orion_deploy.kinds.shellscript import (
    Statement,
    name_of,
    next_command,
    shortened,
    shows_status,
    statements,
    uses_status,
    words_of,
)

if TYPE_CHECKING:
    from orion_deploy.kinds.shell import HiddenFailure, ShellResult

FAILURES_SHOWN_MAX = 3
_NOT_FOUND = re.compile(r"^\S+: line (\d+): ([^:\s]+): command not found$", re.MULTILINE)
CANNOT_RUN = {126: "it cannot be executed", 127: "it is not installed"}
"""Statuses that a shell gives when it could not run a command (POSIX, 2.8.2)."""


class Scene:
    """A script that has run: its statements, how it ended, the lines it printed; and the places of what is told."""

    def __init__(self, script: str, result: ShellResult, output: str) -> None:
        self.script = parse(script)
        self.statements = statements(self.script)
        self.result = result
        self.lines = [line.strip() for line in output.splitlines() if line.strip()]

    def at(self, line: int, command: str = "") -> Statement | None:
        """The statement at a line; of several, the last one in which the command stands."""
        there = [s for s in self.statements if s.line <= line <= s.end_line]
        words = " ".join(command.split())
        fitting = [s for s in there if words and words in s.text] or there
        return fitting[-1] if fitting else None

    def text_of(self, failure: HiddenFailure) -> str:
        """The failed command: the whole pipeline where its statement is one, else what the shell said."""
        statement = self.at(failure.line, failure.command)
        if statement and len(statement.links) == 1 and not statement.links[0].is_compound:
            return statement.text
        return shortened(failure.command)

    def has_broken_pipe(self, statement: Statement | None, index: int, statuses: tuple[int, ...]) -> bool:
        """Whether a command before the last one of a pipeline failed: what the last one says is worth nothing then."""
        stages = statement.links[index].commands if statement and statement.links else ()
        if len(stages) != len(statuses) or (statement and statement.links[index].is_compound):
            return has_broken_pipe(statuses)
        return any(
            status not in (0, SIGPIPE_STATUS) and status not in answers_of(name_of(stage), words_of(stage))
            for stage, status in zip(stages[:-1], statuses[:-1], strict=True)
        )

    def part(self, statement: Statement, index: int) -> str:
        """The text of one link of a statement, shortened."""
        commands = statement.links[index].commands
        return shortened(self.script.text[commands[0].start : commands[-1].end])


def hidden_failures(scene: Scene, *, is_decided: bool) -> tuple[str, str]:
    """Say which failures the author's own `echo $?` shows, and which ones the end hides; each empty if none."""
    failures = list(scene.result.failures)
    if scene.result.exit_status and scene.result.reached_end and failures:
        last = failures[-1]
        if scene.statements and last.line >= scene.statements[-1].line:
            failures.pop()  # It is the end itself.
    hidden = []
    for index, failure in enumerate(failures):
        is_no = _is_answer(scene, failures, index)
        follower = next_command(scene.script, failure.line, failure.command)
        if follower is not None and shows_status(follower):
            words = (
                f"line {failure.line}: `{scene.text_of(failure)}` ended with status {failure.status}"
                f"{_why(failure)}, which the command after it shows"
            )
            if not is_no:
                return words, ""
            if not is_decided:
                hidden.append(words)
        elif not is_no and not (follower is not None and uses_status(follower)):
            hidden.append(
                f"line {failure.line}: `{scene.text_of(failure)}` failed with status {failure.status}{_why(failure)}"
            )
    if not hidden:
        return "", ""
    more = len(hidden) - FAILURES_SHOWN_MAX
    rest = f" and {more} more" if more > 0 else ""
    return "", f"{'; '.join(hidden[:FAILURES_SHOWN_MAX])}{rest}; the script went on, and its end hides it"


def blind_guard(scene: Scene) -> str:
    """Say which guard in the middle could not look, because its program is not there: nothing else would tell."""
    for number, name in _NOT_FOUND.findall("\n".join(scene.lines)):
        statement = scene.at(int(number))
        if statement is not None and statement.is_guard and name_of(statement.links[0].commands[-1]) == name:
            return f"line {number}: `{name}` is not installed, so the check `{scene.part(statement, 0)}` tells nothing"
    return ""


def broken_end(scene: Scene) -> str:
    """Say what failed in the last pipeline before its last command, whose 0 hides it."""
    result = scene.result
    last = scene.statements[-1] if scene.statements else None
    if last is None or result.exit_status != 0 or not result.reached_end:
        return ""
    if not scene.has_broken_pipe(last, -1, result.pipeline):
        return ""
    statuses = " | ".join(map(str, result.pipeline))
    return f"line {last.line}: a command in `{last.text}` failed (statuses {statuses}), and the last one hides it"


def _is_answer(scene: Scene, failures: list[HiddenFailure], index: int) -> bool:
    """Whether a command's status is no failure of its own."""
    failure = failures[index]
    if scene.has_broken_pipe(scene.at(failure.line, failure.command), -1, failure.pipeline):
        return False
    text = failure.command.strip() or scene.text_of(failure)
    if index and failures[index - 1].status == failure.status and _is_function(scene, text):
        return True  # The function's own last command has been judged already.
    return is_answer(text, failure.status)


def _is_function(scene: Scene, text: str) -> bool:
    name = re.escape(text.split(maxsplit=1)[0]) if text else "-"
    return re.search(rf"(?:^|[\s;]){name}\s*\(\)", scene.script.text) is not None


def _why(failure: HiddenFailure) -> str:
    if failure.status in CANNOT_RUN:
        return f" ({CANNOT_RUN[failure.status]})"
    if any(failure.pipeline[:-1]):
        return f" (its pipeline: {' | '.join(map(str, failure.pipeline))})"
    return ""
