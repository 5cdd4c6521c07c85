"""Write a checklist as Markdown that a person would have written; a `yaml step` block only where prose cannot say it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from orion_deploy.checklist.markdown_front import facts_in_lines
from orion_deploy.checklist.model import Checklist, CodeBlock, Option, Role, Section, Step
from orion_deploy.checklist.stated import Stated, is_first, stated
from orion_deploy.checklist.titles import plain_title
from orion_deploy.checklist.words import option_in
from orion_deploy.checklist.yaml_text import INDENT, entry
from orion_deploy.checklist.yaml_writer import fact_lines, own_front_lines, own_lines
from orion_deploy.errors import ChecklistError

FIRST_LEVEL: Final = 2
LAST_LEVEL: Final = 6

_SIGNS = re.compile(r"([\\`*_~<&\[\]!])")
_ADDRESS = re.compile(r"((?:https?://|www\.)\S+)")
_BEGINS_BLOCK = re.compile(r"(?:[-+*#>=~`<|]|\d{1,9}[.)](?=\s|$))")
_LIST_ITEM = re.compile(r" {0,3}(?:[-*+]|\d{1,9}[.)])[ \t]+\S")
_FENCE = re.compile(r"`{3,}")


def to_markdown(checklist: Checklist) -> str:
    """Return the checklist as a Markdown file. Raises ChecklistError where sections nest deeper than headings do."""
    return _Writer(checklist).text()


def inline(text: str, *, begins_line: bool = False, is_heading: bool = False) -> str:
    """Return plain words as inline Markdown that reads as exactly these words.

    `begins_line`: nothing stands before them, so that they must not look like a list item or a heading.
    """
    words = next((words for words in _spellings(text) if plain_title(words) == text), text)
    if begins_line and (match := _BEGINS_BLOCK.match(words)) is not None:
        at = match.end() - 1
        words = f"{words[:at]}\\{words[at:]}"
    if is_heading and words.endswith("#"):
        words = f"{words[:-1]}\\#"
    return words


def _spellings(text: str) -> Iterator[str]:
    """The ways to write words, from the plainest on; nothing within a web address can be escaped."""
    yield text
    parts = _ADDRESS.split(text)
    yield "".join(part if at % 2 else _SIGNS.sub(r"\\\1", part) for at, part in enumerate(parts))
    yield _SIGNS.sub(r"\\\1", text)
    yield _SIGNS.sub(lambda match: f"&#{ord(match[0])};", text)


class _Writer:
    def __init__(self, checklist: Checklist) -> None:
        self.checklist = checklist
        self.stated: Stated = stated(checklist)
        self.at = -1
        """Number of the section that is being written, in document order."""

    def text(self) -> str:
        checklist = self.checklist
        front, facts = self._metadata()
        lines = ["---", *front, "---", ""] if front else []
        lines += [f"# {inline(checklist.title, is_heading=True)}", ""]
        lines += [*facts, ""] if facts else []
        for section in checklist.sections:
            if is_first(checklist, section):
                self.at += 1
                lines += self._inside(section)
            else:
                lines += self._section(section, FIRST_LEVEL)
        return re.sub(r"\n+\Z", "\n", "\n".join(lines))

    def _metadata(self) -> tuple[list[str], list[str]]:
        """Return the lines of the front matter, and those for facts below the title."""
        below: list[str] = []
        kept: list[str] = []
        for key, value in self.checklist.metadata.items():
            line = f"**{inline(key)}:** {inline(value)}"
            if facts_in_lines([line], plain_title) == [(key, value)]:
                below.append(line)
            else:
                kept += entry(key, value, INDENT)
        own = own_front_lines(self.checklist)
        return (["metadata:", *kept, *own] if kept else own[1:]), below

    def _section(self, section: Section, level: int) -> list[str]:
        self.at += 1
        at = self.at
        if level > LAST_LEVEL:
            raise ChecklistError(f"the section `{section.title}` stands deeper than Markdown has headings")
        lines = [f"{'#' * level} {inline(section.title, is_heading=True)}", ""]
        said = [f"kind: {self.stated.kinds[at].value}"] if at in self.stated.kinds else []
        necessity = self.stated.section_necessity.get(at, (None, None))
        said += [
            f"{k}: {str(v).lower()}"
            for k, v in zip(("mandatory", "optional"), necessity, strict=True)
            if v is not None
        ]
        lines += [*fenced("\n".join(said), "yaml step"), ""] if said else []
        lines += self._inside(section)
        for inner in section.sections:
            lines += self._section(inner, level + 1)
        return lines

    def _inside(self, section: Section) -> list[str]:
        lines = [*section.body.split("\n"), ""] if section.body else []
        for block in section.code:
            lines += [*_block(block), ""] if block.role is not Role.STEP else []
        if (
            section.steps
            and section.body
            and _LIST_ITEM.match(section.body.split("\n")[-1])
            and not section.code
        ):
            lines += ["<!-- steps -->", ""]
        return lines + self._steps(section.steps)

    def _steps(self, steps: Iterable[Step]) -> list[str]:
        lines: list[str] = []
        number = 0
        for step in steps:
            number = 0 if step.is_task else number + 1
            marker = "- " if step.is_task else f"{number}. "
            inside = self._step(step)
            lines += [marker + inside[0], *(" " * len(marker) + line if line else "" for line in inside[1:])]
            if len(inside) > 1 and lines[-1]:
                lines.append("")
        if lines and lines[-1]:
            lines.append("")
        return lines

    def _step(self, step: Step) -> list[str]:
        box = f"[{'x' if step.checked else ' '}] " if step.is_task else ""
        lines = [box + inline(step.title, begins_line=not box)]
        if step.body:
            lines += ([] if _LIST_ITEM.match(step.body) else [""]) + step.body.split("\n")
        said = [*own_lines(step, self.stated, ""), *fact_lines(step.facts, "")]
        if said:
            lines += _after(lines) + fenced("\n".join(said), "yaml step")
        for block in step.code:
            if block.option is None and block.role is not Role.STEP:
                lines += _after(lines) + _block(block)
        for option in step.options:
            lines += ["", _option(option)]
            for block in step.code:
                if block.option == option.number:
                    lines += _block(block)
        if step.steps:
            lines += _after(lines) + self._steps(step.steps)
        return lines


def _option(option: Option) -> str:
    """Return the line that begins an option: in bold, except where its words do not bear that."""
    mark = " (Recommended)" if option.recommended else ""
    spelled = [f"Option {option.number}: {words}{mark}" for words in _spellings(option.title)]
    for line in [*(f"**{words}**" for words in spelled), *spelled]:
        if option_in(plain_title(line), option.line) == option:
            return line
    return spelled[0]


def _after(lines: list[str]) -> list[str]:
    """Return the blank line that keeps blocks apart, except directly below a title."""
    return [""] if len(lines) > 1 else []


def _block(block: CodeBlock) -> list[str]:
    return fenced(block.text, block.language)


def fenced(text: str, info: str) -> list[str]:
    """Return the lines of a fenced block; its fence is longer than any within it."""
    longest = max((len(run) for run in _FENCE.findall(text)), default=2)
    fence = ("~" if "`" in info else "`") * max(3, longest + 1)
    return [f"{fence}{info}", *(text.split("\n") if text else []), fence]
