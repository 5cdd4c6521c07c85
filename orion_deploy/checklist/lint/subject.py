"""What rules look at: the checklist, its file's lines, and every script taken apart, with its place in the file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from orion_deploy.checklist.lint.finding import Hit
from orion_deploy.checklist.model import NO_TEXTS, Checklist, CodeBlock, Role, Section, SectionKind, Step
from orion_deploy.checklist.shell_text import Command, Script, Word, parse, program
from orion_deploy.errors import Place

_LINE_BREAK = re.compile("\r\n|\r|\n")
GAP_LINES_MAX = 200
"""Lines of output that may stand between two commands of a console block."""


@dataclass(frozen=True)
class Block:
    """A script with the step (None: it stands in the section itself) and the section that it belongs to."""

    subject: Subject
    section: Section
    step: Step | None
    code: CodeBlock

    @cached_property
    def script(self) -> Script:
        """The script taken apart."""
        return parse(self.code.script)

    @cached_property
    def top(self) -> tuple[Command, ...]:
        """Its commands in order, without those in substitutions."""
        return tuple(command for command in self.script.commands if not command.is_nested)

    @property
    def is_reference(self) -> bool:
        """Whether it is kept and not run."""
        return self.code.role is Role.REFERENCE

    @property
    def is_rollback(self) -> bool:
        """Whether it belongs to the way back."""
        return self.section.kind is SectionKind.ROLLBACK

    @property
    def titles(self) -> str:
        """The titles of its section and step, for words that say what is meant."""
        return f"{self.section.title}\n{self.step.title if self.step else ''}"

    @cached_property
    def _spots(self) -> list[tuple[int, int]]:
        """For each line of the script, its 1-based line in the file and how many columns stand before it."""
        lines = self.subject.lines
        at = max(self.code.line - 1, 0)
        spots: list[tuple[int, int]] = []
        for wanted in self.code.script.split("\n"):
            found = self._find(wanted, at) if wanted.strip() else None
            if found is None:
                spots.append((min(at + 1, len(lines)), 0))
                at += 0 if wanted.strip() else 1
                continue
            spots.append((found[0] + 1, found[1]))
            at = found[0] + 1
        return spots

    def _find(self, wanted: str, start: int) -> tuple[int, int] | None:
        lines = self.subject.lines
        for index in range(start, min(start + GAP_LINES_MAX, len(lines))):
            column = lines[index].find(wanted)
            if column >= 0:
                return index, column
            column = lines[index].find(wanted.strip())
            if column >= 0:
                return index, column - (len(wanted) - len(wanted.lstrip()))
        return None

    def place(self, start: int, end: int | None = None) -> Place:
        """Return the place in the file of a stretch of the script; it is underlined up to the end of its line."""
        line, column = self.script.line_column(start)
        stop = self.code.script.find("\n", start)
        stop = len(self.code.script) if stop < 0 else stop
        width = max(1, min(stop, end if end is not None else stop) - start)
        file_line, before = self._spots[line - 1] if line <= len(self._spots) else (self.code.line, 0)
        return self.subject.place(file_line, before + column, width)

    def hit(
        self,
        at: Command | Word | tuple[int, int],
        message: str,
        instead: str = "",
        fix: Mapping[str, str] = NO_TEXTS,
    ) -> Hit:
        """Return a hit at a command, a word, or a stretch of the script."""
        start, end = at if isinstance(at, tuple) else (at.start, at.end)
        return Hit(self.place(start, end), message, instead, self.step.id if self.step else "", fix)

    def before(self, command: Command, count: int = 20) -> str:
        """Return the text that stands before a command, at most `count` characters of it."""
        return self.code.script[max(0, command.start - count) : command.start]

    def next(self, command: Command) -> Command | None:
        """Return the command after a command, or None."""
        index = self._after.get(command.start)
        return None if index is None or command.is_nested else self.top[index]

    @cached_property
    def _after(self) -> dict[int, int]:
        """Where in `top` the command stands that follows the one at an offset."""
        return {command.start: index for index, command in enumerate(self.top[:-1], start=1)}

    @cached_property
    def programs(self) -> tuple[tuple[Command, tuple[str, ...], tuple[Word, ...]], ...]:
        """Each command with its wrappers (`sudo`) and the words from the real program on; those without are left out."""
        found = ((command, *program(command)) for command in self.script.commands)
        return tuple(each for each in found if each[2])

    @cached_property
    def _by_name(self) -> dict[str, list[int]]:
        """The program's name to the places of its commands in `programs`."""
        places: dict[str, list[int]] = {}
        for index, (_, _, words) in enumerate(self.programs):
            places.setdefault(words[0].text.rsplit("/", 1)[-1], []).append(index)
        return places

    @property
    def called(self) -> Iterable[str]:
        """The names of the programs that it calls, each once."""
        return self._by_name.keys()

    def calls(self, *names: str) -> Iterator[tuple[Command, tuple[str, ...], tuple[Word, ...]]]:
        """Every command whose real program is one of `names`, in order, with its wrappers and the words from the program on."""
        if self._by_name.keys().isdisjoint(names):
            return iter(())
        places = [index for name in names for index in self._by_name.get(name, ())]
        return (self.programs[index] for index in sorted(places))

    def named(self, *names: str) -> Iterator[tuple[Command, tuple[Word, ...]]]:
        """Every command whose real program is one of `names`, with the words from the program on."""
        return ((command, words) for command, _, words in self.calls(*names))


@dataclass(frozen=True)
class Subject:
    """A checklist and the text of its file."""

    checklist: Checklist
    text: str

    @cached_property
    def lines(self) -> list[str]:
        """The file's lines."""
        return _LINE_BREAK.split(self.text)

    @cached_property
    def steps(self) -> tuple[tuple[Section, Step], ...]:
        """Every step with its section, in document order."""
        return tuple(self.checklist.walk())

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Every script that can run: of steps without a typed call, and those that sections keep in place."""
        return tuple(block for block in self.scripts if not block.is_reference)

    @cached_property
    def scripts(self) -> tuple[Block, ...]:
        """Every script that can run or be copied."""
        roles = (Role.COMMAND, Role.REFERENCE)
        found: list[Block] = []
        for section in self.checklist.walk_sections():
            found += (Block(self, section, None, code) for code in section.code if code.role in roles)
        for section, step in self.steps:
            if step.facts.call is None:
                found += (Block(self, section, step, code) for code in step.code if code.role in roles)
        return tuple(sorted(found, key=lambda block: block.code.line))

    @cached_property
    def _callers(self) -> dict[str, list[int]]:
        """A program's name to the places in `scripts` of those that call it."""
        found: dict[str, list[int]] = {}
        for index, block in enumerate(self.scripts):
            for name in block.called:
                found.setdefault(name, []).append(index)
        return found

    def calling(self, *names: str, can_run: bool = False) -> Iterator[Block]:
        """Every script that calls one of the programs `names`, in order; with `can_run` none that is only copied.

        Most rules ask for a few programs: they look at no other script.
        """
        places = {index for name in names for index in self._callers.get(name, ())}
        found = (self.scripts[index] for index in sorted(places))
        return (block for block in found if not (can_run and block.is_reference))

    @cached_property
    def _of_step(self) -> dict[str, tuple[Block, ...]]:
        found: dict[str, list[Block]] = {}
        for block in self.scripts:
            if block.step is not None:
                found.setdefault(block.step.id, []).append(block)
        return {name: tuple(blocks) for name, blocks in found.items()}

    def scripts_of(self, step: Step) -> tuple[Block, ...]:
        """Return the scripts of a step that can run or be copied."""
        return self._of_step.get(step.id, ())

    def place(self, line: int, column: int = 0, width: int = 1) -> Place:
        """Return a place in the file: 1-based line and column."""
        source = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        return Place(self.checklist.path, line, max(0, column), source, width)

    def title_place(self, title: str, line: int) -> Place:
        """Return the place of a title's words at a line, or of the whole line where marks stand between them."""
        source = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        column = source.find(title)
        if column >= 0:
            return self.place(line, column + 1, len(title))
        stripped = source.lstrip()
        return self.place(line, len(source) - len(stripped) + 1, max(1, len(stripped)))
