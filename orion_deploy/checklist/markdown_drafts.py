"""What a Markdown file says, section by section and step by step, before names are given and inheritance is settled."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from orion_deploy.checklist.markdown_tree import Block
from orion_deploy.checklist.model import Option, Problem, SectionKind, Variable

if TYPE_CHECKING:
    from orion_deploy.checklist.facts import ParsedFacts

PROSE: Final = ""
HTML_PROSE: Final = "html"
OPTION_PROSE: Final = "option"

_TAG = re.compile(r"</?[A-Za-z][^<>]*+>|<!--.*?-->")


class Prose:
    """Which lines of the file are prose of a step or section, in order: first line, last line, what they are."""

    __slots__ = ("ranges",)

    def __init__(self) -> None:
        self.ranges: list[tuple[int, int, str]] = []

    def add(self, first: int, last: int, sort: str = PROSE) -> None:
        """Add lines, 1-based, both included."""
        self.ranges.append((first, last, sort))

    def text(self, lines: list[str], column: int, *, is_choice: bool = False) -> str:
        """Return the prose as Markdown source, from `column` on; what was left out between leaves a blank line."""
        kept: list[str] = []
        end = 0
        for first, last, sort in self.ranges:
            if is_choice and sort == OPTION_PROSE:
                first += 1  # noqa: PLW2901 - the option's own line stands in `Step.options`
            if first <= end or first > last:
                continue
            taken = [_without_margin(line, column).rstrip() for line in lines[first - 1 : last]]
            if sort == HTML_PROSE:
                taken = [words for line in taken if (words := _TAG.sub("", line).strip())]
            if kept and taken and first > end + 1:
                kept.append("")
            kept += taken
            end = last
        return "\n".join(kept).strip("\n")


def _without_margin(line: str, column: int) -> str:
    """Return the line without the columns that its containers take: spaces, tabs, quote marks."""
    if not column or line[:column].isspace():
        return line[column:] if "\t" not in line[:column] else line.expandtabs(4)[column:]
    at = 0
    while at < column and at < len(line) and line[at] in " \t>":
        at += 1
    return line[at:]


class StepDraft:
    """A task or a numbered step."""

    __slots__ = (
        "checked", "code", "column", "depth", "facts", "id", "is_task", "line", "options", "parent", "prose",
        "section", "steps", "title",
    )  # fmt: skip

    def __init__(
        self, title: str, line: int, column: int, section: SectionDraft, parent: StepDraft | None
    ) -> None:
        self.title, self.line, self.column = title, line, column
        self.section, self.parent = section, parent
        self.depth: int = parent.depth + 1 if parent is not None else 0
        self.is_task = True
        self.checked = False
        self.prose = Prose()
        self.code: list[tuple[Block, int | None]] = []
        """Blocks with the option that they stand under."""
        self.options: list[Option] = []
        self.facts: ParsedFacts | None = None
        self.steps: list[StepDraft] = []
        self.id = ""


class SectionDraft:
    """A heading and what stands under it; level 0 for what stands before the first heading."""

    __slots__ = (
        "blocks", "code", "facts", "has_tasks", "id", "is_mandatory", "is_optional", "is_title", "kind", "level",
        "line", "parent", "prose", "sections", "steps", "title",
    )  # fmt: skip

    def __init__(self, title: str, level: int, line: int, parent: SectionDraft | None) -> None:
        self.title, self.level, self.line, self.parent = title, level, line, parent
        self.kind = SectionKind.STEPS
        self.facts: ParsedFacts | None = None
        self.is_title = False
        """Whether it is the document's title: it hands nothing down, and is no part of ids."""
        self.is_mandatory = False
        self.is_optional = False
        self.blocks: list[Block] = []
        """What stands under the heading itself, in the heading's own container."""
        self.has_tasks: bool | None = None
        self.prose = Prose()
        self.code: list[Block] = []
        self.steps: list[StepDraft] = []
        self.sections: list[SectionDraft] = []
        self.id = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all stands under the heading."""
        return not (self.steps or self.code or self.sections or self.prose.ranges)


class Draft:
    """A whole file. `sections` are the outermost ones; `steps` are all, sub-steps included, in document order."""

    __slots__ = ("carry", "cwd", "metadata", "notes", "problems", "sections", "steps", "title", "variables")

    def __init__(self) -> None:
        self.title = ""
        self.metadata: dict[str, str] = {}
        self.variables: tuple[Variable, ...] = ()
        self.cwd: str | None = None
        self.carry = True
        self.notes: dict[str, str] = {}
        self.problems: list[Problem] = []
        self.sections: list[SectionDraft] = []
        self.steps: list[StepDraft] = []

    def add_metadata(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Keep facts about the checklist; what was said first stays."""
        for key, value in pairs:
            self.metadata.setdefault(key, value)
