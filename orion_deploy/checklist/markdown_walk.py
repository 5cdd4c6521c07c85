"""Walk the blocks of a Markdown file and say what they are for a checklist: sections, steps, options, notes, metadata.

A task is a list item that begins with `[ ]` or `[x]`, wherever GitHub sees a list item. The walk keeps its own
stack: a file may nest deeper than Python would.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from orion_deploy.checklist import words
from orion_deploy.checklist.markdown_drafts import (
    HTML_PROSE,
    OPTION_PROSE,
    Draft,
    SectionDraft,
    StepDraft,
)
from orion_deploy.checklist.markdown_front import facts_in_lines
from orion_deploy.checklist.markdown_tree import (
    CODE,
    HEADING,
    HTML,
    ITEM,
    LIST,
    PARAGRAPH,
    QUOTE,
    RULE,
    Block,
    Parsed,
)
from orion_deploy.checklist.model import PARTS_MAX, Option, SectionKind
from orion_deploy.checklist.titles import plain_title
from orion_deploy.errors import ChecklistError, Place

if TYPE_CHECKING:
    from orion_deploy.checklist.facts import ParsedFacts

TASK: Final = re.compile(r"\[([ \txX])\](?=[ \t\n\v\f])")
_OPTION_HINT = re.compile(
    r"[\s*_#]*(?:option|alternative|approach|method|variant|方式|方案|选项)", re.IGNORECASE
)
_NEARLY_STEP = re.compile(r"ya?ml[-_ :,]*steps?", re.IGNORECASE)
_COMMENT: Final = 1
"""Kind of an HTML block (spec, 4.6) that is a comment: nobody sees it."""


class _Frame:
    """Blocks that are being walked: where we are in them, and whose they are."""

    __slots__ = ("at", "blocks", "is_numbered", "option", "step")

    def __init__(self, blocks: list[Block], at: int, step: StepDraft | None, option: int | None) -> None:
        self.blocks, self.at, self.step, self.option = blocks, at, step, option
        self.is_numbered = False
        """Of a list's items: those without a tick box are steps too."""


class Walk:
    """One walk over a document; `draft` is what it found."""

    def __init__(self, parsed: Parsed, lines: list[str], path: str, draft: Draft) -> None:
        self.parsed, self.lines, self.path, self.draft = parsed, lines, path, draft
        self.section = SectionDraft("", 0, 1, None)
        self.section.blocks = _until_heading(parsed.document.children, 0)
        draft.sections.append(self.section)
        self.title_section: SectionDraft | None = None
        """The section of the document's title: its only heading of level 1, if that is its first heading."""
        self._parts = 0
        """Sections and steps so far."""
        self._given: dict[int, ParsedFacts] = {}
        """Facts of sections that were read ahead, by the line of their block."""

    def run(self) -> None:
        """Walk the whole document."""
        title = _title_of(self.parsed.document)
        closing, closing_lines = self._closing_facts()
        stack = [_Frame(self.parsed.document.children, 0, None, None)]
        while stack:
            frame = stack[-1]
            if frame.at == len(frame.blocks):
                stack.pop()
                continue
            block = frame.blocks[frame.at]
            frame.at += 1
            if block.line in closing_lines:
                continue
            if block.kind == ITEM:
                stack.append(self._item(block, frame))
            elif block.kind == LIST:
                inner = _Frame(block.children, 0, frame.step, frame.option)
                inner.is_numbered = block.is_ordered and self._is_numbered(block, frame.step)
                stack.append(inner)
            elif block.kind == QUOTE:
                stack.append(_Frame(block.children, 0, frame.step, frame.option))
            elif block.kind == HEADING and frame.step is None:
                self._open_section(block, frame, is_title=block is title)
            else:
                self._leaf(block, frame)
        self.draft.add_metadata(closing)

    def _leaf(self, block: Block, frame: _Frame) -> None:
        owner = frame.step or self.section
        if block.kind == CODE:
            self._code(block, frame)
        elif block.kind in (PARAGRAPH, HEADING):
            self._paragraph(block, frame)
        elif block.kind == HTML:
            if block.level != _COMMENT:
                owner.prose.add(block.line, block.end, HTML_PROSE)
        elif block.kind != RULE:
            owner.prose.add(block.line, block.end)

    def _plain(self, text: str) -> str:
        return plain_title(text, self.parsed.references)

    def _count(self, line: int) -> None:
        """One more section or step, at a line; refuse it where there are too many."""
        self._parts += 1
        if self._parts > PARTS_MAX:
            raise ChecklistError(
                f"more than {PARTS_MAX:,} sections and steps",
                where=Place(self.path, line, 1, self.lines[line - 1]),
                help="split the checklist",
            )

    # Sections

    def _open_section(self, block: Block, frame: _Frame, *, is_title: bool) -> None:
        """Begin the section of a heading. The document's title is a section only for what stands directly under it."""
        title = self._plain("\n".join(block.text))
        parent: SectionDraft | None = self.section
        while parent is not None and parent.level >= block.level:
            parent = parent.parent
        if parent is not None and (parent.level == 0 or parent is self.title_section):
            parent = None
        self._count(block.line)
        section = SectionDraft(title, block.level, block.line, parent)
        section.blocks = _until_heading(frame.blocks, frame.at)
        (self.draft.sections if parent is None else parent.sections).append(section)
        for inner in section.blocks:
            if inner.kind == CODE and is_step_block(inner):
                section.facts = self._facts(inner, section.facts, is_section=True)
                self._given[inner.line] = section.facts
        facts = section.facts
        stated_kind = facts.section_kind if facts is not None else None
        section.is_title = is_title
        if is_title:
            self.title_section = section
            section.kind = stated_kind or SectionKind.STEPS
        else:
            section.kind = stated_kind or words.section_kind(title, parent.kind if parent else None)
        said = (None, None) if facts is None else (facts.mandatory, facts.optional)
        section.is_mandatory, section.is_optional = words.necessity(title, *said)
        self.section = section

    def _has_tasks(self, section: SectionDraft) -> bool:
        if section.has_tasks is None:
            section.has_tasks = any(is_task(item) for block in section.blocks for item in _items(block))
        return section.has_tasks

    def _is_numbered(self, block: Block, step: StepDraft | None) -> bool:
        """Whether the items of an ordered list are steps: on the way back, or where a section has no tasks but code."""
        section = self.section
        if section.kind == SectionKind.NOTES or (step is not None and step.is_task):
            return False
        if section.kind == SectionKind.ROLLBACK and not words.is_about_triggers(section.title):
            return True
        return _holds_code(block) and (section.kind == SectionKind.ROLLBACK or not self._has_tasks(section))

    # Steps

    def _item(self, item: Block, frame: _Frame) -> _Frame:
        """Return the frame for what stands in a list item: under a new step, if the item is one."""
        first = item.children[0] if item.children else None
        if first is None or first.kind != PARAGRAPH:
            return _Frame(item.children, 0, frame.step, frame.option)
        text = "\n".join(first.text)
        ticked = TASK.match(text)
        if ticked is None and not (frame.is_numbered and self._option(first, frame.step) is None):
            return _Frame(item.children, 0, frame.step, frame.option)
        self._count(item.line)
        title = self._plain(text[ticked.end() :] if ticked else text)
        step = StepDraft(title, item.line, item.column, self.section, frame.step)
        step.is_task = ticked is not None
        step.checked = ticked is not None and ticked[1] in "xX"
        (self.section if frame.step is None else frame.step).steps.append(step)
        self.draft.steps.append(step)
        return _Frame(item.children, 1, step, None)

    def _paragraph(self, block: Block, frame: _Frame) -> None:
        """Take a paragraph (or a heading within a step) as an option, a note, metadata or prose."""
        step = frame.step
        if step is not None:
            option = self._option(block, step)
            if option is None:
                step.prose.add(block.line, block.end)
            else:
                frame.option = option.number
                step.options.append(option)
                step.prose.add(block.line, block.end, OPTION_PROSE)
            return
        section = self.section
        if section.kind == SectionKind.NOTES and (note := words.note_in("\n".join(block.text))):
            self.draft.notes.setdefault(note[0], self._plain(note[1]))
        elif section.level == 0 or section is self.title_section:
            facts = facts_in_lines(block.text, self._plain)
            if facts:
                self.draft.add_metadata(facts)
                return
        section.prose.add(block.line, block.end)

    def _option(self, block: Block, step: StepDraft | None) -> Option | None:
        """Read a paragraph of a step as the beginning of an option."""
        if step is None or _OPTION_HINT.match(block.text[0]) is None:
            return None
        option = words.option_in(self._plain(block.text[0]), block.line)
        if option is None or any(known.number == option.number for known in step.options):
            return None
        return option

    def _closing_facts(self) -> tuple[list[tuple[str, str]], set[int]]:
        """Return the metadata at the end of the file, after a last rule, and the lines where its blocks begin."""
        found: list[tuple[str, str]] = []
        lines: set[int] = set()
        for block in reversed(self.parsed.document.children):
            if block.kind == RULE:
                return found, lines
            facts = facts_in_lines(block.text, self._plain) if block.kind == PARAGRAPH else []
            if not facts:
                break
            found = [*facts, *found]
            lines.add(block.line)
        return [], set()

    # Code

    def _code(self, block: Block, frame: _Frame) -> None:
        step, section = frame.step, self.section
        if is_nearly_step_block(block):
            raise ChecklistError(
                f"`{block.info}` is not `yaml step`: what this block says would have no effect",
                where=Place(self.path, block.line, 1, self.lines[block.line - 1]),
                help=f"write {block.marker}yaml step",
            )
        if is_step_block(block):
            if step is not None:
                step.facts = self._facts(block, step.facts)
            elif block.line not in self._given:
                section.facts = self._facts(block, section.facts, is_section=True)
        if step is not None:
            step.code.append((block, frame.option))
        else:
            section.code.append(block)

    def _facts(self, block: Block, earlier: ParsedFacts | None, *, is_section: bool = False) -> ParsedFacts:
        from orion_deploy.checklist.facts import parse_step_facts
        from orion_deploy.checklist.keys import Where

        if earlier is not None:
            raise ChecklistError(
                f"a second `yaml step` block for the same {'section' if is_section else 'step'}",
                where=Place(self.path, block.line, 1, self.lines[block.line - 1]),
                help="put all its keys into one block",
            )
        if not block.is_closed:
            at = block.broken_by or block.line
            raise ChecklistError(
                f"the `yaml step` block of line {block.line} has no closing fence",
                where=Place(self.path, at, 1, self.lines[at - 1]),
                help="indent each of its lines as far as its opening fence, and close it",
            )
        where = Where.SECTION_BLOCK if is_section else Where.STEP_BLOCK
        return parse_step_facts("\n".join(block.text), self.path, block.line + 1, self.lines, where)


def is_task(item: Block) -> bool:
    """Whether a list item is a task (spec, 5.3): it begins with a paragraph, and that with a tick box."""
    first = item.children[0] if item.children else None
    return first is not None and first.kind == PARAGRAPH and TASK.match("\n".join(first.text[:2])) is not None


def is_step_block(block: Block) -> bool:
    """Whether a block is fenced as `yaml step`."""
    return block.is_fenced and block.info.lower().split()[:2] in (["yaml", "step"], ["yml", "step"])


def is_nearly_step_block(block: Block) -> bool:
    """Whether a block is fenced as what was meant to be `yaml step`: `yaml-step`, `yaml steps`."""
    return block.is_fenced and not is_step_block(block) and _NEARLY_STEP.fullmatch(block.info) is not None


def _title_of(document: Block) -> Block | None:
    """Return the heading that is the document's title: its only one of level 1, if that comes first."""
    headings: list[Block] = []
    stack = [document]
    while stack:
        block = stack.pop()
        if block.kind == HEADING:
            headings.append(block)
        elif block.kind != LIST:
            stack.extend(reversed(block.children))
    is_titled = bool(headings) and headings[0].level == 1 and all(h.level > 1 for h in headings[1:])
    return headings[0] if is_titled else None


def _until_heading(blocks: list[Block], start: int) -> list[Block]:
    end = start
    while end < len(blocks) and blocks[end].kind != HEADING:
        end += 1
    return blocks[start:end]


def _items(block: Block) -> list[Block]:
    """Return the list items within a block, at any depth."""
    found: list[Block] = []
    stack = [block]
    while stack:
        inner = stack.pop()
        if inner.kind == ITEM:
            found.append(inner)
        stack.extend(inner.children)
    return found


def _holds_code(block: Block) -> bool:
    """Whether any block of code stands within a block."""
    stack = [block]
    while stack:
        inner = stack.pop()
        if inner.kind == CODE:
            return True
        stack.extend(inner.children)
    return False
