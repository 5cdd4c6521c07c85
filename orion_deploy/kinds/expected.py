"""Whether an output is what the author of a step expected to see. Pure.

An expectation is met, missed, or cannot be told by a machine. One that a comment offers belongs to the
command before it; where other commands print too, only what can be told apart is decided.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from orion_deploy.checklist.model import Expectation
from orion_deploy.checklist.shell_text import Script
from orion_deploy.kinds.shellscript import Statement, name_of

SEEN_CHARACTERS_MAX = 80
LINES_MAX = 5_000
"""Of the output's end; an expectation is about a value, not about a log."""
_NUMBER_LINE = re.compile(r"[-+]?\d+(?:\.\d+)?")
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?![\w.])")
_COMPARISON = re.compile(r"(<=|>=|==|!=|<|>)\s*([-+]?\d+(?:\.\d+)?)")
_OF_STATUS = re.compile(r"\b(?:return|exit|status|code)", re.IGNORECASE)
ERROR = re.compile(
    r"no such file|not found|permission denied|not permitted|cannot (?:open|access|stat|read)"
    r"|unable to|not a database|is a directory|invalid (?:option|argument)|usage:|(?:^|[:\s])(?:error|fatal):",
    re.IGNORECASE | re.MULTILINE,
)
"""How programs say that they could not do what they were asked."""
_SILENT = frozenset(
    {"cd", "chmod", "chown", "cp", "exit", "export", "kill", "ln", "mkdir", "mv", "pkill", "popd", "pushd", "return"}
    | {"rm", "rmdir", "set", "shopt", "sleep", "source", ".", "test", "[", "[[", "touch", "trap", "true", "umask"}
    | {"unset", "wait"}
)  # fmt: skip
"""Programs that print nothing when they do their work."""


class Met(StrEnum):
    """Whether an expectation holds."""

    YES = "met"
    NO = "missed"
    UNSURE = "cannot be told"


@dataclass(frozen=True, slots=True)
class Seen:
    """The answer for one expectation, with what was seen in the author's terms."""

    met: Met
    expectation: Expectation
    what: str
    """A clause for the reason: "it printed 3"."""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Printed:
    """What a script printed, and what is known of who printed it."""

    text: str | None
    """None: it went to the terminal, and was not kept."""
    script: Script
    statements: tuple[Statement, ...]
    status: int | None
    last_is_silent_answer: bool
    """The last command was a search that found nothing (`grep`, status 1): nothing of the output is its own."""

    @property
    def lines(self) -> list[str]:
        """The lines that are not blank."""
        return [line.strip() for line in (self.text or "").splitlines()[-LINES_MAX:] if line.strip()]

    @property
    def has_one_voice(self) -> bool:
        """Whether at most one statement of the script prints."""
        return sum(not _is_silent(statement) for statement in self.statements) <= 1

    def is_of_last(self, expectation: Expectation) -> bool:
        """Whether the expectation stands behind the last statement, as a comment."""
        if not expectation.from_comment or not self.statements:
            return False
        place = self.script.text.rfind(expectation.text)
        last = self.statements[-1]
        return place >= 0 and self.script.line_column(place)[0] >= last.line


def _is_silent(statement: Statement) -> bool:
    return all(name_of(command) in _SILENT for link in statement.links for command in link.commands)


def check(printed: Printed, expectations: Sequence[Expectation]) -> tuple[Seen, ...]:
    """Hold the output against every expectation, in order.

    A comment in prose ("Column should be gone") over a command of which another comment tells what is to be
    seen ("Should return nothing") is only its heading, and is left out.
    """
    told = {_paragraph(printed.script, e) for e in expectations if e.matcher != "prose"} - {-1}
    return tuple(
        _check(printed, e)
        for e in expectations
        if not (e.matcher == "prose" and e.from_comment and _paragraph(printed.script, e) in told)
    )


def _paragraph(script: Script, expectation: Expectation) -> int:
    """Return where the lines around a comment begin, up to an empty one; -1 where the comment is not found."""
    place = script.text.find(expectation.text) if expectation.from_comment else -1
    return place if place < 0 else script.text.rfind("\n\n", 0, place) + 2


def _check(printed: Printed, expectation: Expectation) -> Seen:
    met, what, value = Met.UNSURE, "a person has to look", ""
    if printed.text is None and expectation.matcher != "status":
        return Seen(met, expectation, "what it printed went to the terminal", value)
    match expectation.matcher:
        case "nothing":
            met, what, value = _nothing(printed, expectation)
        case "equals":
            met, what, value = _equals(printed, expectation)
        case "contains":
            met, what, value = _contains(printed, expectation)
        case "regex":
            met, what, value = _regex(printed, expectation)
        case "number":
            met, what, value = _number(printed, expectation)
        case "status":
            met, what, value = _status(printed, expectation)
    return Seen(met, expectation, what, value)


_Answer = tuple[Met, str, str]


def _nothing(printed: Printed, expectation: Expectation) -> _Answer:
    lines = printed.lines
    if not lines:
        return Met.YES, "it printed nothing", "nothing"
    if printed.is_of_last(expectation) and not printed.has_one_voice:
        if printed.last_is_silent_answer:
            return Met.YES, "the last command found nothing", "nothing"
        return Met.UNSURE, "other commands printed as well", ""
    return Met.NO, f"it printed {quote(lines)}", shown(lines[-1])


def _equals(printed: Printed, expectation: Expectation) -> _Answer:
    wanted = normal(expectation.value)
    lines = printed.lines
    if normal("\n".join(lines)) == wanted or (expectation.from_comment and wanted in map(normal, lines)):
        return Met.YES, f"it printed \u201c{shown(expectation.value)}\u201d", shown(expectation.value)
    return Met.NO, f"it printed {quote(lines)}", shown(lines[-1]) if lines else "nothing"


def _contains(printed: Printed, expectation: Expectation) -> _Answer:
    wanted = normal(expectation.value)
    lines = printed.lines
    if _NUMBER_LINE.fullmatch(wanted):  # A bare number is a whole answer: `1` is not in `10`, nor in `a|1|b`.
        found = next((line for line in lines if normal(line) == wanted), None)
    else:
        before, after = (
            (r"(?<!\w)" if wanted[:1].isalnum() else ""),
            (r"(?!\w)" if wanted[-1:].isalnum() else ""),
        )
        pattern = re.compile(before + re.escape(wanted) + after)
        found = next((line for line in lines if pattern.search(normal(line))), None)
        if found is None and pattern.search(normal("\n".join(lines))):
            found = expectation.value
    if found is not None:
        return Met.YES, f"it printed \u201c{shown(found)}\u201d", shown(found)
    return Met.NO, f"it printed {quote(lines)}", shown(lines[-1]) if lines else "nothing"


def _regex(printed: Printed, expectation: Expectation) -> _Answer:
    lines = printed.lines
    try:
        match = re.search(expectation.value, "\n".join(lines), re.MULTILINE)
    except re.error as error:
        return Met.UNSURE, f"the pattern cannot be read ({error})", ""
    if match is not None:
        seen = shown(match[0].partition("\n")[0])
        return Met.YES, f"it printed \u201c{seen}\u201d", seen
    return Met.NO, f"it printed {quote(lines)}", shown(lines[-1]) if lines else "nothing"


def _number(printed: Printed, expectation: Expectation) -> _Answer:
    comparison = _COMPARISON.fullmatch(expectation.value.strip())
    if comparison is None:
        return Met.UNSURE, "what number is expected cannot be read", ""
    lines = printed.lines
    if not lines and _OF_STATUS.search(expectation.text) and printed.status is not None:
        met = Met.YES if _holds(str(printed.status), comparison) else Met.NO
        return met, f"it printed nothing, and its status is {printed.status}", f"status {printed.status}"
    numbers = [line for line in lines if _NUMBER_LINE.fullmatch(line)]
    if not numbers and printed.status == 0:  # With another one it is the number of an error message.
        numbers = _NUMBER.findall("\n".join(lines))
        if len(numbers) > 1 and any(_holds(number, comparison) for number in numbers):
            numbers = []
    if not numbers:
        return Met.UNSURE, f"it printed {quote(lines)}, in which no single number stands", ""
    if not expectation.from_comment:
        numbers = numbers[-1:]
    fit = next((number for number in reversed(numbers) if _holds(number, comparison)), None)
    if fit is not None:
        return Met.YES, f"it is {fit}", fit
    return Met.NO, f"it is {', '.join(numbers[-3:])}", numbers[-1]


def _holds(number: str, comparison: re.Match[str]) -> bool:
    seen, wanted = float(number), float(comparison[2])
    return {
        "<=": seen <= wanted,
        ">=": seen >= wanted,
        "==": seen == wanted,
        "!=": seen != wanted,
        "<": seen < wanted,
        ">": seen > wanted,
    }[comparison[1]]


def _status(printed: Printed, expectation: Expectation) -> _Answer:
    if printed.status is None or not expectation.value.strip().isdigit():
        return Met.UNSURE, "its status is not known", ""
    met = Met.YES if printed.status == int(expectation.value) else Met.NO
    return met, f"its status is {printed.status}", f"status {printed.status}"


def normal(text: str) -> str:
    """Return text with runs of blanks made one and none beside a `|`: tables are printed in many widths."""
    return re.sub(r" ?\| ?", "|", " ".join(text.split()))


def shown(line: str) -> str:
    """Return a line short enough for a reason."""
    line = " ".join(line.split())
    return line if len(line) <= SEEN_CHARACTERS_MAX else line[: SEEN_CHARACTERS_MAX - 1] + "\u2026"


def quote(lines: Sequence[str]) -> str:
    """Return what was printed, in a few words: of several lines the first that tells of an error, else the last."""
    if not lines:
        return "nothing"
    if len(lines) == 1:
        return f"\u201c{shown(lines[0])}\u201d"
    error = next((line for line in lines if ERROR.search(line)), None)
    if error is not None:
        return f"{len(lines):,} lines, one of them \u201c{shown(error)}\u201d"
    return f"{len(lines):,} lines, the last \u201c{shown(lines[-1])}\u201d"
