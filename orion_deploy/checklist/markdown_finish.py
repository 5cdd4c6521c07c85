"""From drafts to the model: every step gets its id, what it inherits from headings, its kind and its digest.

Names are given in document order; values are built from the last to the first, so that what encloses
finds finished what it encloses, however deep the file nests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import Final

from orion_deploy.checklist import words
from orion_deploy.checklist.code import block_of, step_block
from orion_deploy.checklist.identity import Ids, digest_of
from orion_deploy.checklist.markdown_drafts import Draft, SectionDraft, StepDraft
from orion_deploy.checklist.markdown_tree import Block
from orion_deploy.checklist.markdown_walk import is_step_block
from orion_deploy.checklist.model import CodeBlock, Option, Problem, Section, SectionKind, Step, StepFacts
from orion_deploy.errors import ChecklistError

OPTIONS_MIN: Final = 2
"""One `Option 1` alone is no choice."""

_NO_FACTS: Final = StepFacts()
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")


def finished(draft: Draft, lines: list[str]) -> tuple[Section, ...]:
    """Return the sections of a draft.

    Raises ChecklistError for an id that stands twice and for needs that cannot be met.
    """
    return _Finish(draft, lines).sections()


@dataclass(frozen=True, slots=True)
class _Handed:
    """What a section hands down to its steps and sub-sections."""

    titles: tuple[str, ...] = ()
    is_mandatory: bool = False
    is_optional: bool = False


_NOTHING_HANDED: Final = _Handed()


class _Finish:
    def __init__(self, draft: Draft, lines: list[str]) -> None:
        self.draft = draft
        self.lines = lines
        self.ids = Ids()
        self.steps_of: dict[int, list[StepDraft]] = {}
        """All steps of a section, sub-steps included, by the `id()` of its draft."""
        for step in draft.steps:
            self.steps_of.setdefault(id(step.section), []).append(step)

    def sections(self) -> tuple[Section, ...]:
        """Name, inherit and build everything."""
        drafts = _in_order(self.draft.sections)
        self._claim_ids()
        handed: dict[int, _Handed] = {}
        steps: dict[int, Step] = {}
        for section in drafts:
            inherited = handed.get(id(section.parent), _NOTHING_HANDED)
            handed[id(section)] = self._settle(section, inherited)
        for section in reversed(drafts):
            for step in reversed(self.steps_of.get(id(section), ())):
                steps[id(step)] = self._step(step, handed[id(section)], steps)
        self._check_references()
        self._tell_alternatives(drafts)
        built: dict[int, Section] = {}
        for section in reversed(drafts):
            built[id(section)] = self._section(section, steps, built)
        return tuple(built[id(section)] for section in self.draft.sections if not _is_left_out(section))

    def _claim_ids(self) -> None:
        for step in self.draft.steps:
            if step.facts is not None and step.facts.id is not None:
                step.id = step.facts.id
                if not self.ids.claim(step.id):
                    raise ChecklistError(
                        f"the id `{step.id}` stands twice",
                        where=step.facts.places.get("id"),
                        help="each step has its own id",
                    )

    def _settle(self, section: SectionDraft, inherited: _Handed) -> _Handed:
        """Name a section and its steps, and return what it hands down."""
        steps = self.steps_of.get(id(section), ())
        if section.kind == SectionKind.NOTES and steps:
            section.kind = SectionKind.STEPS
        if section.level:
            section.id = self.ids.make(section.parent.id if section.parent is not None else "", section.title)
        prefix = "" if section.is_title else section.id
        for step in steps:
            if not step.id:
                step.id = self.ids.make(step.parent.id if step.parent is not None else prefix, step.title)
        return _Handed(
            titles=inherited.titles if section.is_title else (*inherited.titles, section.title),
            is_mandatory=inherited.is_mandatory or section.is_mandatory,
            is_optional=(inherited.is_optional or section.is_optional)
            and section.kind != SectionKind.ROLLBACK,
        )

    def _check_references(self) -> None:
        if all(step.facts is None for step in self.draft.steps):
            return
        from orion_deploy.checklist.references import Named, check_references

        named = []
        for step in self.draft.steps:
            parent = step.parent.id if step.parent is not None else ""
            options = _options_of(step)
            if step.facts is None:
                named.append(Named(step.id, _NO_FACTS, parent=parent, options=options))
            else:
                named.append(Named(step.id, step.facts.facts, step.facts.places, parent, options))
        check_references(named, self.draft.variables)

    def _tell_alternatives(self, sections: list[SectionDraft]) -> None:
        """Tell options that are steps or sections of their own: carrying the checklist out would carry out all of them."""
        siblings: list[list[SectionDraft] | list[StepDraft]] = [self.draft.sections]
        siblings += [
            each for section in sections for each in (section.sections, section.steps) if len(each) > 1
        ]
        siblings += [step.steps for step in self.draft.steps if len(step.steps) > 1]
        for group in siblings:
            options = [draft for draft in group if words.option_in(draft.title, draft.line) is not None]
            if len(options) >= OPTIONS_MIN:
                what = f"`{options[0].title}` and what stands beside it are ways to choose from, but each would be carried out"
                help = "put them as options under one step, and the operator chooses"
                self.draft.problems.append(Problem("alternatives", what, options[0].line, help=help))

    def _step(self, draft: StepDraft, handed: _Handed, steps: dict[int, Step]) -> Step:
        stated = draft.facts
        facts = _NO_FACTS if stated is None else stated.facts
        options = _options_of(draft)
        is_kept = facts.reference or (
            draft.section.kind != SectionKind.ROLLBACK and words.is_kept_for_reference(draft.title)
        )
        code = tuple(
            _code_block(block, option if options else None, is_kept=is_kept) for block, option in draft.code
        )
        body = draft.prose.text(self.lines, draft.column, is_choice=bool(options))
        mandatory, optional = words.necessity(
            draft.title,
            *((None, None) if stated is None else (stated.mandatory, stated.optional)),
            inherits_mandatory=handed.is_mandatory,
            inherits_optional=handed.is_optional,
        )
        return Step(
            id=draft.id,
            title=draft.title,
            line=draft.line,
            depth=draft.depth,
            checked=draft.checked,
            is_task=draft.is_task,
            mandatory=mandatory,
            optional=optional,
            tags=self._tags(draft, handed, stated.tags if stated is not None else ()),
            kind=words.kind_of_step(facts, code, options),
            body=body,
            code=code,
            options=options,
            steps=tuple(steps[id(inner)] for inner in draft.steps),
            facts=facts,
            blanks=words.blanks_in(draft.title) + words.blanks_in(body),
            digest=digest_of(draft.title, body, code, options, facts),
        )

    def _tags(self, draft: StepDraft, handed: _Handed, stated: tuple[str, ...]) -> tuple[str, ...]:
        if not self.draft.notes:
            return stated
        titles = [draft.title]
        parent = draft.parent
        while parent is not None:
            titles.append(parent.title)
            parent = parent.parent
        found = words.tags_in((*handed.titles, *reversed(titles)), self.draft.notes)
        return tuple(dict.fromkeys((*found, *stated)))

    def _section(self, draft: SectionDraft, steps: dict[int, Step], built: dict[int, Section]) -> Section:
        is_kept = draft.kind != SectionKind.ROLLBACK and words.is_kept_for_reference(draft.title)
        return Section(
            id=draft.id,
            title=draft.title,
            kind=draft.kind,
            level=draft.level,
            line=draft.line,
            steps=tuple(steps[id(step)] for step in draft.steps),
            code=tuple(_code_block(block, None, is_kept=is_kept) for block in draft.code),
            sections=tuple(built[id(inner)] for inner in draft.sections),
            body=draft.prose.text(self.lines, 0),
            mandatory=draft.is_mandatory,
            optional=draft.is_optional,
        )


def _in_order(sections: list[SectionDraft]) -> list[SectionDraft]:
    """Return sections and their sub-sections in document order."""
    found: list[SectionDraft] = []
    stack = sections[::-1]
    while stack:
        section = stack.pop()
        found.append(section)
        stack.extend(reversed(section.sections))
    return found


def _options_of(draft: StepDraft) -> tuple[Option, ...]:
    """The options under a step; one alone is no choice."""
    return tuple(draft.options) if len(draft.options) >= OPTIONS_MIN else ()


def _is_left_out(section: SectionDraft) -> bool:
    """Whether a section is only there for what does not stand in it: under the title, or before any heading."""
    return (section.level == 0 or section.is_title) and section.is_empty


def _code_block(block: Block, option: int | None, *, is_kept: bool) -> CodeBlock:
    text = "\n".join(block.text)
    if is_step_block(block):
        return step_block(text, block.line)
    words_of_info = block.info.split()
    language = words_of_info[0] if words_of_info else ""
    if "\\" in language or "&" in language:
        language = unescape(_ESCAPED.sub(r"\1", language))
    return block_of(text, language, block.line, option=option, is_reference=is_kept)
