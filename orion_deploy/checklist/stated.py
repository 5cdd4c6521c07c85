"""What must be said by a key because titles and order do not say it: ids, kinds, mandatory, tags.

Both readers make names and inherit in the same way (see `words` and `identity`); this page walks a finished
model as they walk a file, and finds where their reading of the titles alone would differ from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from orion_deploy.checklist import words
from orion_deploy.checklist.identity import Ids
from orion_deploy.checklist.model import Checklist, Section, SectionKind, Step
from orion_deploy.checklist.notes import NOTES_TITLE, notes_of


@dataclass(slots=True)
class Stated:
    """What keys must say: by a step's id, or by the position of a section in document order."""

    ids: set[str] = field(default_factory=set)
    necessity: dict[str, tuple[bool | None, bool | None]] = field(default_factory=dict)
    tags: dict[str, tuple[str, ...]] = field(default_factory=dict)
    kinds: dict[int, SectionKind] = field(default_factory=dict)
    section_necessity: dict[int, tuple[bool | None, bool | None]] = field(default_factory=dict)


def is_first(checklist: Checklist, section: Section) -> bool:
    """Whether a section is what stands under the title itself: it has no heading of its own in either format."""
    if section.level == 0:
        return True
    return (
        section is checklist.sections[0]
        and section.title == checklist.title
        and section.level == 1
        and all(other.level for other in checklist.sections)
    )


def short_notes(checklist: Checklist) -> Mapping[str, str]:
    """Return the notes that the key `notes` can say: those of a last section that holds nothing else."""
    last = checklist.sections[-1] if checklist.sections else None
    if last is None or last.title != NOTES_TITLE or last.kind is not SectionKind.NOTES:
        return {}
    if last.steps or last.code or last.sections or last.mandatory or last.optional:
        return {}
    return notes_of(last.body)


def stated(checklist: Checklist) -> Stated:
    """Return what the keys of a checklist must say, in either format."""
    found = Stated()
    for at, section, parent in _sections(checklist):
        first = is_first(checklist, section)
        if (stated_kind := _kind(section, parent.kind, is_first=first)) is not None:
            found.kinds[at] = stated_kind
        if not first:
            found.section_necessity[at] = _necessity(
                section, inherits_mandatory=False, inherits_optional=False
            )
        handed = parent.of(section, is_first=first)
        for step, titles in _steps(section.steps, handed.titles):
            found.necessity[step.id] = _necessity(
                step, inherits_mandatory=handed.is_mandatory, inherits_optional=handed.is_optional
            )
            told = words.tags_in((*titles, step.title), checklist.notes)
            found.tags[step.id] = tuple(tag for tag in step.tags if tag not in told)
    _find_ids(checklist, found.ids)
    return found


def _kind(section: Section, parent: SectionKind | None, *, is_first: bool) -> SectionKind | None:
    """Return the kind that a key must state, None where the title tells it."""
    made = SectionKind.STEPS if is_first else words.section_kind(section.title, parent)
    if made is SectionKind.NOTES and section.steps:
        made = SectionKind.STEPS
    return None if section.kind is made else section.kind


@dataclass(frozen=True, slots=True)
class _Handed:
    kind: SectionKind | None = None
    titles: tuple[str, ...] = ()
    is_mandatory: bool = False
    is_optional: bool = False

    def of(self, section: Section, *, is_first: bool) -> _Handed:
        """What a section hands down, having got this itself."""
        told = words.section_kind(section.title, self.kind)
        return _Handed(
            _kind(section, self.kind, is_first=is_first) or (section.kind if is_first else told),
            self.titles if is_first else (*self.titles, section.title),
            self.is_mandatory or section.mandatory,
            (self.is_optional or section.optional) and section.kind is not SectionKind.ROLLBACK,
        )


def _sections(checklist: Checklist) -> Iterator[tuple[int, Section, _Handed]]:
    stack = [(section, _Handed()) for section in reversed(checklist.sections)]
    at = 0
    while stack:
        section, parent = stack.pop()
        yield at, section, parent
        at += 1
        handed = parent.of(section, is_first=False)
        stack.extend((inner, handed) for inner in reversed(section.sections))


def _steps(steps: tuple[Step, ...], titles: tuple[str, ...]) -> Iterator[tuple[Step, tuple[str, ...]]]:
    stack = [(step, titles) for step in reversed(steps)]
    while stack:
        step, above = stack.pop()
        yield step, above
        stack.extend((inner, (*above, step.title)) for inner in reversed(step.steps))


def _necessity(
    of: Section | Step, *, inherits_mandatory: bool, inherits_optional: bool
) -> tuple[bool | None, bool | None]:
    """Return the fewest keys `mandatory` and `optional` that say what is so."""
    wanted = (of.mandatory, of.optional)
    for keys in ((None, None), (of.mandatory, None), (None, of.optional)):
        told = words.necessity(
            of.title, *keys, inherits_mandatory=inherits_mandatory, inherits_optional=inherits_optional
        )
        if told == wanted:
            return keys
    return wanted


def _find_ids(checklist: Checklist, chosen: set[str]) -> None:
    """Add to `chosen` the ids that would not be made from titles and order, until none is missing."""
    while True:
        missing = [step_id for step_id, made in _made(checklist, chosen) if made != step_id]
        if not missing:
            return
        chosen.update(missing)


def _made(checklist: Checklist, chosen: set[str]) -> Iterator[tuple[str, str]]:
    """Yield each step's id and the id that a reader would give it, where the chosen ones are stated."""
    ids = Ids()
    for name in chosen:
        ids.claim(name)
    ids.make("", checklist.title)
    stack = [(section, "") for section in reversed(checklist.sections)]
    while stack:
        section, parent = stack.pop()
        own = "" if is_first(checklist, section) else ids.make(parent, section.title)
        steps = [(step, own) for step in reversed(section.steps)]
        while steps:
            step, above = steps.pop()
            made = step.id if step.id in chosen else ids.make(above, step.title)
            yield step.id, made
            steps.extend((inner, step.id) for inner in reversed(step.steps))
        stack.extend((inner, own) for inner in reversed(section.sections))
