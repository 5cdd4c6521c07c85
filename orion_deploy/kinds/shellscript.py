"""A script as its steps: what its author ends with a line or a semicolon, and what in it hangs on `&&` and `||`. Pure.

Built on the words of `checklist.shell_text`; like that it never fails, and leaves what it does not
understand as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from orion_deploy.checklist.shell_text import Command, Script, argv, parse, program

_OPENS = frozenset({"{", "(", "if", "while", "until"})
_CLOSES = frozenset({"}", ")"})
_OPENING_WORDS = frozenset({"for", "select", "case"})
_CLOSING_WORDS = frozenset({"fi", "done", "esac"})
_ENDS = frozenset({";", "\n", "&"})
_JOINS = frozenset({"&&", "||", "|", "|&"})
_TOKEN = re.compile(
    r"(?P<redirect>\d*(?:[<>]|&>)[<>&|]*\s*[^\s;&|()<>]*)|&&|\|\||\|&|[;&|\n{}()!]|\b(?:if|while|until)\b"
)
COMMAND_CHARACTERS_MAX = 80
_TALKERS = frozenset({"echo", "printf", "logger", "cat", "tput", ":", "true"})


@dataclass(frozen=True, slots=True)
class Link:
    """One pipeline of a statement, and the operator (`&&`, `||`, or empty for the first) before it."""

    operator: str
    commands: tuple[Command, ...]
    """Its simple commands; all that a group or a loop holds, where it is one."""
    is_compound: bool
    is_negated: bool

    @property
    def is_exit(self) -> bool:
        """Whether it leaves the script, at least in one of its branches."""
        return any(name_of(command) == "exit" for command in self.commands)

    @property
    def said(self) -> tuple[str, ...]:
        """The texts that it prints as they are written."""
        texts = (" ".join(words_of(c)) for c in self.commands if name_of(c) == "echo")
        return tuple(text for text in texts if text and "$" not in text and "`" not in text)


@dataclass(frozen=True, slots=True)
class Statement:
    """What runs as one: a pipeline, a list of them, or a loop. Lines are 1-based."""

    line: int
    end_line: int
    text: str
    """As written, on one line, shortened."""
    links: tuple[Link, ...]

    @property
    def is_guard(self) -> bool:
        """Whether it is a check that leaves the script when it finds something: `A && echo ERROR && exit 1`."""
        rest = self.links[1:]
        return bool(
            rest
            and rest[-1].is_exit
            and all(link.operator == "&&" for link in rest)
            and all(name_of(command) in _TALKERS for link in rest[:-1] for command in link.commands)
        )

    @property
    def last(self) -> Command:
        """The command that stands last in it."""
        return self.links[-1].commands[-1]


def name_of(command: Command) -> str:
    """Return the name of the program that really runs, without its folder; empty where there is none."""
    words = program(command)[1]
    return words[0].text.rpartition("/")[2] if words else ""


def words_of(command: Command) -> tuple[str, ...]:
    """Return the words after the real program's name."""
    return tuple(word.text for word in program(command)[1][1:])


def command_of(text: str) -> Command | None:
    """Return the last simple command of a piece of script, or None where there is none."""
    commands = [command for command in parse(text).commands if not command.is_nested]
    return commands[-1] if commands else None


def shortened(text: str) -> str:
    """Return script text on one line, at most `COMMAND_CHARACTERS_MAX` long."""
    line = " ".join(re.sub(r"\\\n", " ", text).split())
    return line if len(line) <= COMMAND_CHARACTERS_MAX else line[: COMMAND_CHARACTERS_MAX - 1] + "\u2026"


def statements(script: Script) -> tuple[Statement, ...]:
    """Return the statements of a script, in order."""
    return tuple(_Reader(script).read())


class _Reader:
    """One pass over the commands; what stands between them (braces, `if`, `do`) tells how they are nested."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._open: list[str] = []
        self._links: list[Link] = []
        self._commands: list[Command] = []
        self._operator = self._before = ""
        self._is_compound = self._is_negated = False
        self._begin: int | None = None
        self._end = 0

    def read(self) -> Iterator[Statement]:
        at = 0
        for command in self._script.commands:
            if command.is_nested:
                continue
            for sign in self._signs(at, command.start):
                yield from self._take(*sign)
            at = self._end = command.end
            first = command.words[0].raw
            if first in _CLOSING_WORDS:
                self._open = self._open[:-1]
                continue
            if first in _OPENING_WORDS:
                self._open.append(first)
            self._starts(command.start)
            self._is_compound |= bool(self._open)
            self._commands.append(command)
            self._before = ""
        for sign in self._signs(at, len(self._script.text)):
            yield from self._take(*sign)
        yield from self._statement()

    def _starts(self, place: int) -> None:
        if self._begin is None:
            self._begin = place

    def _signs(self, start: int, end: int) -> list[tuple[str, int, int]]:
        """Return what stands between two commands, with its places."""
        found = _TOKEN.finditer(self._bare(start, end))
        return [(m[0], start + m.start(), start + m.end()) for m in found if m["redirect"] is None]

    def _take(self, sign: str, start: int, end: int) -> Iterator[Statement]:
        """Go past what stands between two commands."""
        if sign in _CLOSES:
            is_of_case = sign == ")" and self._open[-1:] != ["("]  # `a)` closes nothing.
            if self._open and not is_of_case:
                self._open.pop()
                self._end = end
        elif sign in _OPENS:
            self._starts(start)
            self._open.append(sign)
        elif not self._open:
            if sign in _ENDS and self._before not in _JOINS:
                yield from self._statement()
            elif sign in ("&&", "||"):
                self._link()
                self._operator = sign
            elif sign == "!":
                self._starts(start)
                self._is_negated = True
        if sign != "\n":
            self._before = sign

    def _bare(self, start: int, end: int) -> str:
        """Return the text between two commands, without comments and here-documents."""
        text = self._script.text[start:end]
        for span in self._script.spans:
            if span.state in "#<" and start <= span.start < end:
                size = min(span.end, end) - span.start
                text = text[: span.start - start] + " " * size + text[span.start - start + size :]
        return text

    def _link(self) -> None:
        if self._commands:
            self._links.append(
                Link(self._operator, tuple(self._commands), self._is_compound, self._is_negated)
            )
        self._commands = []
        self._is_compound = self._is_negated = False

    def _statement(self) -> Iterator[Statement]:
        self._link()
        self._operator = ""
        if self._links:
            start = self._begin if self._begin is not None else self._links[0].commands[0].start
            end = max(self._end, *(command.end for link in self._links for command in link.commands))
            line = self._script.line_column(start)[0]
            yield Statement(
                line,
                self._script.line_column(end)[0],
                shortened(self._script.text[start:end]),
                tuple(self._links),
            )
        self._links = []
        self._begin = None


def next_command(script: Script, line: int, text: str) -> Command | None:
    """Return the command that runs after the one with this text at this line, as the script is written."""
    commands = [command for command in script.commands if not command.is_nested]
    words = text.split()
    best = -1
    for index, command in enumerate(commands):
        first = script.line_column(command.start)[0]
        if first <= line <= script.line_column(command.end)[0] and (
            best < 0 or [w.raw for w in command.words][: len(words)] == words
        ):
            best = index
    return commands[best + 1] if 0 <= best < len(commands) - 1 else None


def uses_status(command: Command) -> bool:
    """Whether the command reads `$?`."""
    return any("$?" in word.raw or "${?}" in word.raw for word in command.words)


def shows_status(command: Command) -> bool:
    """Whether the command prints `$?`."""
    words = argv(command)
    return bool(words) and words[0].text in ("echo", "printf") and uses_status(command)
