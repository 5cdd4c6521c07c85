"""Shell scripts seen as commands, words and quotes, without running anything.

It understands what people write in checklists, not the whole of a shell's grammar: quotes, comments,
continuations, operators, redirections, here-documents and command substitutions. What it does not
understand it leaves as words; it never fails.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

SCRIPT_CHARACTERS_MAX: Final = 200_000
"""A longer script is data: it is not taken apart."""
NESTING_MAX: Final = 8
"""Command substitutions within one another that are looked into."""

_OPERATOR = re.compile(r"&&|\|\||;;&?|;&|\|&|[;|()]|&(?!>)|\n")
_REDIRECT = re.compile(r"(?:\d+|\{\w+\})?(?:<<<|<<-?|<>|>>|>\||<&|>&|[<>](?!\())|&>>?")
_BARE = re.compile(r"[^\s'\"\\`$;|&()<>]+")
_EXPANSION = re.compile(r"\$(?:\w+|[!#$*@?-]|\{[^}\n]{0,200}\})|\$(?![('\"{])|\$\{|\$(?=[\"'])")
_KEYWORDS: Final = frozenset(("if", "then", "elif", "else", "while", "until", "do", "!", "time", "{", "}"))
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")


@dataclass(frozen=True, slots=True)
class Word:
    """A word: `text` without its quotes, `raw` as written, `start` and `end` offsets into the script."""

    text: str
    raw: str
    start: int
    end: int

    @property
    def is_quoted(self) -> bool:
        """Whether any of it stands in quotes."""
        return "'" in self.raw or '"' in self.raw


@dataclass(frozen=True, slots=True)
class Redirect:
    """A redirection: its operator, its target, and the body of a here-document."""

    operator: str
    target: Word | None
    body: str = ""
    body_start: int = 0


@dataclass(frozen=True, slots=True)
class Command:
    """A simple command: its words, what stands before and after it (`&&`, `||`, `|`, `;`, `&`, newline, empty)."""

    words: tuple[Word, ...]
    redirects: tuple[Redirect, ...] = ()
    before: str = ""
    after: str = ""
    is_nested: bool = False
    """Within a command substitution."""

    @property
    def start(self) -> int:
        """Offset of its first word."""
        return self.words[0].start

    @property
    def end(self) -> int:
        """Offset after its last word or redirection."""
        ends = [self.words[-1].end, *(r.target.end for r in self.redirects if r.target)]
        return max(ends)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a script that is read in one way: `'` and `"` quoted, `#` comment, `<` here-document."""

    start: int
    end: int
    state: str


@dataclass(frozen=True, slots=True)
class Script:
    """A script taken apart."""

    text: str
    commands: tuple[Command, ...]
    spans: tuple[Span, ...]

    def state_at(self, offset: int) -> str:
        """Tell how the character at `offset` is read: `'`, `"`, `#`, `<`, or an empty string for bare text."""
        index = bisect_right(self.spans, offset, key=lambda span: span.start) - 1
        if index >= 0 and offset < self.spans[index].end:
            return self.spans[index].state
        return ""

    def line_column(self, offset: int) -> tuple[int, int]:
        """Return the 1-based line and column of an offset."""
        before = self.text.rfind("\n", 0, offset)
        return self.text.count("\n", 0, offset) + 1, offset - before


def parse(text: str) -> Script:
    """Take a script apart. A script longer than `SCRIPT_CHARACTERS_MAX` has no commands and no spans."""
    if len(text) > SCRIPT_CHARACTERS_MAX:
        return Script(text, (), ())
    reader = _Reader(text, 0, len(text), 0)
    reader.run()
    commands = sorted(reader.commands, key=lambda c: c.start)
    spans = sorted(reader.spans, key=lambda s: (s.start, -s.end))
    return Script(text, tuple(commands), tuple(spans))


class _Reader:
    """One pass over `text[start:end]`; nested substitutions are read by readers of their own."""

    def __init__(self, text: str, start: int, end: int, nesting: int) -> None:
        self.text, self.at, self.end, self.nesting = text, start, end, nesting
        self.commands: list[Command] = []
        self.spans: list[Span] = []
        self._words: list[Word] = []
        self._redirects: list[Redirect] = []
        self._before = ""
        self._announced: list[tuple[str, bool]] = []
        """Here-documents of the command that is being read: delimiter, tabs stripped."""
        self._waiting: list[tuple[int | None, str, bool]] = []
        """Here-documents whose bodies begin after this line, with the index of their command."""

    def run(self) -> None:
        text = self.text
        while self.at < self.end:
            char = text[self.at]
            if char in " \t\r":
                self.at += 1
            elif text.startswith("\\\n", self.at):
                self.at += 2
            elif char == "#":
                stop = self._line_end(self.at)
                self.spans.append(Span(self.at, stop, "#"))
                self.at = stop
            elif redirect := _REDIRECT.match(text, self.at, self.end):
                self._redirect(redirect)
            elif operator := _OPERATOR.match(text, self.at, self.end):
                self.at = operator.end()
                self._close(operator[0])
            else:
                self._words.append(self._word())
        self._close("")

    def _line_end(self, start: int) -> int:
        stop = self.text.find("\n", start, self.end)
        return self.end if stop < 0 else stop

    def _close(self, operator: str) -> None:
        """End the command that is being read, at an operator."""
        while self._words and self._words[0].raw in _KEYWORDS:
            self._words.pop(0)
        if self._words:
            self.commands.append(
                Command(tuple(self._words), tuple(self._redirects), self._before, operator, self.nesting > 0)
            )
            self._before = operator
        elif operator != "\n" or not self._before:
            self._before = operator
        index = len(self.commands) - 1 if self._words else None
        self._waiting += [(index, delimiter, strip) for delimiter, strip in self._announced]
        self._words, self._redirects, self._announced = [], [], []
        if operator == "\n":
            self._bodies()

    def _redirect(self, match: re.Match[str]) -> None:
        self.at = match.end()
        operator = match[0].lstrip("0123456789")
        while self.at < self.end and self.text[self.at] in " \t":
            self.at += 1
        target = None
        if self.at < self.end and self.text[self.at] not in "\n;|()#":
            target = None if _REDIRECT.match(self.text, self.at) else self._word()
        self._redirects.append(Redirect(operator, target))
        if operator in ("<<", "<<-") and target is not None:
            self._announced.append((target.text, operator == "<<-"))

    def _bodies(self) -> None:
        """Read the here-documents that were announced on the line that just ended."""
        waiting, self._waiting = self._waiting, []
        for index, delimiter, strip in waiting:
            start = self.at
            while self.at < self.end:
                stop = self._line_end(self.at)
                line = self.text[self.at : stop]
                body_end = self.at
                self.at = min(stop + 1, self.end)
                if (line.lstrip("\t") if strip else line) == delimiter:
                    break
                body_end = stop
            else:
                body_end = self.end
            self.spans.append(Span(start, self.at, "<"))
            if index is not None:
                self._give_body(index, delimiter, self.text[start:body_end], start)

    def _give_body(self, index: int, delimiter: str, body: str, start: int) -> None:
        command = self.commands[index]
        redirects = tuple(
            Redirect(r.operator, r.target, body, start)
            if r.target is not None
            and r.operator in ("<<", "<<-")
            and r.target.text == delimiter
            and not r.body
            else r
            for r in command.redirects
        )
        self.commands[index] = Command(
            command.words, redirects, command.before, command.after, command.is_nested
        )

    def _word(self) -> Word:
        start, parts, text = self.at, [], self.text
        while self.at < self.end:
            char = text[self.at]
            if char == "'":
                parts.append(self._single())
            elif char == '"':
                parts.append(self._double())
            elif char == "\\":
                if not text.startswith("\\\n", self.at):
                    parts.append(text[self.at + 1 : self.at + 2])
                self.at += 2
            elif char == "`" or text.startswith(("$(", "<(", ">("), self.at):
                parts.append(self._substitution())
            elif char == "$":
                match = _EXPANSION.match(text, self.at, self.end)
                stop = match.end() if match else self.at + 1
                parts.append(text[self.at : stop])
                self.at = stop
            elif bare := _BARE.match(text, self.at, self.end):
                parts.append(bare[0])
                self.at = bare.end()
            elif self.at == start:
                self.at += 1
                parts.append(char)
                break
            else:
                break
        self.at = min(self.at, self.end)
        return Word("".join(parts), text[start : self.at], start, self.at)

    def _single(self) -> str:
        start = self.at
        stop = self.text.find("'", start + 1, self.end)
        stop = self.end if stop < 0 else stop
        self.at = min(stop + 1, self.end)
        self.spans.append(Span(start, self.at, "'"))
        return self.text[start + 1 : stop]

    def _double(self) -> str:
        """Read a double-quoted part; its substitutions are bare text within it, and get no span of it."""
        parts, text = [], self.text
        piece = span = self.at
        self.at += 1
        piece += 1
        while self.at < self.end and text[self.at] != '"':
            if text[self.at] == "\\":
                parts.append(text[piece : self.at])
                escaped = text[self.at + 1 : self.at + 2]
                parts.append(escaped if escaped in '"\\$`' else "" if escaped == "\n" else "\\" + escaped)
                self.at += 2
                piece = self.at
            elif text[self.at] == "`" or text.startswith("$(", self.at):
                parts.append(text[piece : self.at])
                self.spans.append(Span(span, self.at, '"'))
                parts.append(self._substitution())
                piece = span = self.at
            else:
                self.at += 1
        stop = min(self.at, self.end)
        parts.append(text[piece:stop])
        self.at = min(stop + 1, self.end)
        self.spans.append(Span(span, self.at, '"'))
        return "".join(parts)

    def _substitution(self) -> str:
        """Step over `$(...)`, `<(...)`, `$((...))` or backticks; look into them unless they are too deep."""
        start = self.at
        stop = self._backtick_end() if self.text[start] == "`" else self._paren_end(start + 1)
        inner_start = start + (1 if self.text[start] == "`" else 2)
        self.at = min(stop + 1, self.end)
        is_sum = self.text.startswith("$((", start)
        if self.nesting < NESTING_MAX and not is_sum:
            inner = _Reader(self.text, inner_start, stop, self.nesting + 1)
            inner.run()
            self.commands.extend(inner.commands)
            self.spans.extend(inner.spans)
        return self.text[start : self.at]

    def _backtick_end(self) -> int:
        stop = self.text.find("`", self.at + 1, self.end)
        return self.end if stop < 0 else stop

    def _paren_end(self, start: int) -> int:
        """Return the offset of the parenthesis that closes the one at `start`, quotes respected."""
        depth, at, text = 0, start, self.text
        while at < self.end:
            char = text[at]
            if char == "\\":
                at += 1
            elif char in "'\"":
                stop = at + 1
                while stop < self.end and text[stop] != char:
                    stop += 2 if text[stop] == "\\" and char == '"' else 1
                at = stop
            elif char == "(":
                depth += 1
            elif char == ")":
                depth -= 1
                if depth == 0:
                    return at
            at += 1
        return self.end


def argv(command: Command) -> tuple[Word, ...]:
    """Return the words from the program on: assignments before it are left out."""
    words = command.words
    start = 0
    while start < len(words) and _ASSIGNMENT.match(words[start].raw):
        start += 1
    return words[start:]


_WRAPPERS: Final = {"sudo": "ughpCrTt", "doas": "uC", "env": "uCS", "nohup": "", "command": "", "exec": "a", "nice": "n", "ionice": "cnp", "stdbuf": "ioe", "time": "fo", "timeout": "ks", "setsid": "", "xargs": "IndLPsE"}  # fmt: skip
"""Commands that run another one, and their options that take a value."""


def program(command: Command) -> tuple[tuple[str, ...], tuple[Word, ...]]:
    """Return the wrappers (`sudo`, `timeout`) and the words from the real program on."""
    words = list(argv(command))
    wrappers: list[str] = []
    while words and (name := words[0].text.rsplit("/", 1)[-1]) in _WRAPPERS:
        wrappers.append(name)
        takes = _WRAPPERS[name]
        words.pop(0)
        while words and (words[0].raw.startswith("-") or _ASSIGNMENT.match(words[0].raw)):
            option = words.pop(0).raw
            if len(option) == 2 and option[1] in takes and words:
                words.pop(0)
            if option == "--":
                break
        if name == "timeout" and words:
            words.pop(0)
    return tuple(wrappers), tuple(words)


def commands_named(script: Script, *names: str) -> Iterator[tuple[Command, tuple[Word, ...]]]:
    """Every command whose real program is one of `names`, with the words from the program on."""
    for command in script.commands:
        words = program(command)[1]
        if words and words[0].text.rsplit("/", 1)[-1] in names:
            yield command, words
