"""Read a YAML checklist: the same model as from Markdown, and every fault with its place.

What prose says in Markdown (a section's kind, MANDATORY, a tag in brackets) is told from titles in the same
way; a key says it louder. See docs/format.md for the keys.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from orion_deploy.checklist import words
from orion_deploy.checklist.code import block_of
from orion_deploy.checklist.facts import facts_of, variables_of
from orion_deploy.checklist.identity import Ids, digest_of
from orion_deploy.checklist.keys import Where
from orion_deploy.checklist.model import (
    NO_TEXTS,
    PARTS_MAX,
    Checklist,
    CodeBlock,
    Option,
    Section,
    SectionKind,
    Step,
)
from orion_deploy.checklist.notes import NOTES_TITLE, notes_body, notes_in
from orion_deploy.checklist.references import Named, check_references
from orion_deploy.checklist.yaml_nodes import ListNode, MapNode, Node, Scalar, Source, compose
from orion_deploy.checklist.yaml_values import (
    boolean,
    identifier,
    known_keys,
    mapping,
    text,
    text_given,
    texts,
    wrong,
)
from orion_deploy.errors import ChecklistError, Place

DEFAULT_LANGUAGE: Final = "bash"
FIRST_LEVEL: Final = 2
LAST_LEVEL: Final = 6
"""Levels of headings that sections have where the checklist is Markdown; the title has level 1."""


def read_yaml(data: bytes, path: str) -> Checklist:
    """Return the checklist that a YAML file's bytes say.

    Raises ChecklistError, with line and column, for text that is not UTF-8 or not sound YAML, for unknown
    keys, values of the wrong type, ids that are taken, and steps that need what is not there.
    """
    source = Source(_decoded(data, path), path)
    root = compose(source)
    if root is None:
        raise ChecklistError(
            "the file holds no checklist",
            where=Place(path, 1),
            help="`orion-deploy new NAME` writes one to start from",
        )
    reader = _Reader(source, mapping(source, root, "a checklist"))
    return reader.checklist(hashlib.sha256(data).hexdigest())


def _decoded(data: bytes, path: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"byte 0x{data[error.start]:02X} is not UTF-8"
        raise ChecklistError(what, where=Place(path, line), help="save the file as UTF-8") from None


@dataclass(frozen=True, slots=True)
class _Parent:
    """What a section or a step hands down to what stands in it."""

    id: str = ""
    step_id: str = ""
    depth: int = 0
    level: int = FIRST_LEVEL - 1
    kind: SectionKind | None = None
    titles: tuple[str, ...] = ()
    is_mandatory: bool = False
    is_optional: bool = False


class _Reader:
    """One pass for the ids that the author chose and for notes, one for everything."""

    def __init__(self, source: Source, root: MapNode) -> None:
        self.source = source
        self.root = root
        self.ids = Ids()
        self.named: list[Named] = []
        self.notes: dict[str, str] = {}
        self._notes_body = ""

    def checklist(self, digest: str) -> Checklist:
        """Return the checklist; `digest` is that of the file's bytes."""
        source, root = self.source, self.root
        known_keys(source, root, Where.CHECKLIST, "a checklist")
        metadata, variables, carry, cwd = (root.get(key) for key in ("metadata", "variables", "carry", "cwd"))
        declared = () if variables is None else variables_of(source, variables)
        title = self._title(root, "a checklist")
        self._claim(root)
        self._find_notes(root)
        sections = (*self._first_section(title), *self._sections(root, _Parent()), *self._notes_section())
        check_references(self.named, declared)
        return Checklist(
            title=title,
            path=source.path,
            source="yaml",
            digest=digest,
            metadata=NO_TEXTS if metadata is None else texts(source, "metadata", metadata),
            variables=declared,
            sections=sections,
            notes=MappingProxyType(self.notes),
            cwd=None if cwd is None else text_given(source, "cwd", cwd),
            carry=carry is None or boolean(source, "carry", carry),
        )

    def _claim(self, node: MapNode) -> None:
        """Take the ids that the author chose, so that no made one stands in their way."""
        for count, step in enumerate(_inner(node, ("sections", "steps")), start=1):
            if count > PARTS_MAX:
                raise self.source.error(
                    step, f"more than {PARTS_MAX:,} sections and steps", "split the checklist"
                )
            given = step.get("id")
            if given is not None:
                name = identifier(self.source, "id", given)
                if not self.ids.claim(name):
                    raise self.source.error(
                        given, f"the id `{name}` stands twice", "each step has its own id"
                    )

    def _title(self, node: MapNode, what: str) -> str:
        value = node.get("title")
        if value is None:
            hint = "every checklist, section, step and option has one"
            raise self.source.error(node, f"{what} has no `title`", hint)
        return " ".join(text_given(self.source, "title", value).split())

    def _prose(self, node: MapNode) -> str:
        value = node.get("text")
        if value is None:
            return ""
        lines = [line.rstrip() for line in text(self.source, "text", value).split("\n")]
        return "\n".join(lines).strip("\n")

    def _list(self, node: MapNode, key: str, what: str) -> list[MapNode]:
        """Return the mappings of a list."""
        value = node.get(key)
        if value is None:
            return []
        if not isinstance(value, ListNode):
            raise wrong(self.source, key, value, f"a list: each {what} begins with `- `")
        article = "an" if what[0] in "aeiou" else "a"
        return [mapping(self.source, item, f"{article} {what}") for item in value.items]

    def _flag(self, node: MapNode, key: str) -> bool | None:
        value = node.get(key)
        return None if value is None else boolean(self.source, key, value)

    # Notes

    def _find_notes(self, root: MapNode) -> None:
        """Keep the notes of `notes`, and those that the text of sections of notes holds, as Markdown has them."""
        for section in _inner(root, ("sections",)):
            title, kind = section.get("title"), section.get("kind")
            stated = kind.value if isinstance(kind, Scalar) else None
            heading = title.value if isinstance(title, Scalar) else ""
            if (stated or words.section_kind(heading)) == SectionKind.NOTES:
                for tag, note in notes_in(self._prose(section)):
                    self.notes.setdefault(tag, note)
        given = self.root.get("notes")
        if given is None:
            return
        notes = texts(self.source, "notes", given)
        assert isinstance(given, MapNode)
        for tag, note in notes.items():
            if words.note_in(f"{tag}: x") is None:
                hint = "a title names it in brackets: `Stop the app (ELEPHANT-A)`"
                what = f"the tag `{tag}` is not written in capitals and with a hyphen"
                raise self.source.error(given.entries[tag][0], what, hint)
            if not note.strip():
                raise self.source.error(given.entries[tag][1], f"the note `{tag}` is empty")
        self._notes_body = notes_body(notes)
        for tag, note in notes_in(self._notes_body):
            self.notes.setdefault(tag, note)

    def _notes_section(self) -> tuple[Section, ...]:
        """Return the section that shows the notes of `notes`."""
        if not self._notes_body:
            return ()
        return (
            Section(
                id=self.ids.make("", NOTES_TITLE),
                title=NOTES_TITLE,
                kind=SectionKind.NOTES,
                level=FIRST_LEVEL,
                line=self.source.line_of(self.root.entries["notes"][0]),
                body=self._notes_body,
            ),
        )

    # Sections

    def _first_section(self, title: str) -> tuple[Section, ...]:
        """Return what stands before the first section: text, code and steps of the checklist itself."""
        body, code = self._prose(self.root), self._code(self.root)
        name = self.ids.make("", title)
        mandatory, optional = words.necessity(title, None, None)
        handed = _Parent(kind=SectionKind.STEPS, is_mandatory=mandatory, is_optional=optional)
        steps = self._steps(self.root, handed)
        if not (body or code or steps):
            return ()
        return (
            Section(
                id=name,
                title=title,
                kind=SectionKind.STEPS,
                level=FIRST_LEVEL - 1,
                line=1,
                steps=steps,
                code=code,
                body=body,
                mandatory=mandatory,
                optional=optional,
            ),
        )

    def _sections(self, node: MapNode, parent: _Parent) -> tuple[Section, ...]:
        return tuple(self._section(item, parent) for item in self._list(node, "sections", "section"))

    def _section(self, node: MapNode, parent: _Parent) -> Section:
        source = self.source
        known_keys(source, node, Where.SECTION, "a section")
        if parent.level == LAST_LEVEL:
            raise source.error(node, f"sections nested deeper than {LAST_LEVEL - FIRST_LEVEL + 1} levels")
        title = self._title(node, "a section")
        stated = facts_of(source, node)
        handed = stated.section_kind or words.section_kind(title, parent.kind)
        is_worked = handed is SectionKind.NOTES and node.get("steps") is not None
        kind = SectionKind.STEPS if is_worked else handed
        mandatory, optional = words.necessity(title, stated.mandatory, stated.optional)
        inner = _Parent(
            id=self.ids.make(parent.id, title),
            level=parent.level + 1,
            kind=handed,
            titles=(*parent.titles, title),
            is_mandatory=parent.is_mandatory or mandatory,
            is_optional=(parent.is_optional or optional) and kind is not SectionKind.ROLLBACK,
        )
        is_kept = kind is not SectionKind.ROLLBACK and words.is_kept_for_reference(title)
        return Section(
            id=inner.id,
            title=title,
            kind=kind,
            level=inner.level,
            line=source.line_of(node),
            steps=self._steps(node, inner),
            code=self._code(node, is_kept=is_kept),
            sections=self._sections(node, inner),
            body=self._prose(node),
            mandatory=mandatory,
            optional=optional,
        )

    # Steps

    def _steps(self, node: MapNode, parent: _Parent) -> tuple[Step, ...]:
        return tuple(self._step(item, parent) for item in self._list(node, "steps", "step"))

    def _step(self, node: MapNode, parent: _Parent) -> Step:
        source = self.source
        known_keys(source, node, Where.STEP, "a step")
        title = self._title(node, "a step")
        stated = facts_of(source, node)
        name = stated.id or self.ids.make(parent.id, title)
        is_kept = stated.facts.reference or (
            parent.kind is not SectionKind.ROLLBACK and words.is_kept_for_reference(title)
        )
        options, option_code = self._options(node, is_kept=is_kept)
        self.named.append(Named(name, stated.facts, stated.places, parent.step_id, options))
        code = self._code(node, is_kept=is_kept) + option_code
        body = self._prose(node)
        mandatory, optional = words.necessity(
            title,
            stated.mandatory,
            stated.optional,
            inherits_mandatory=parent.is_mandatory,
            inherits_optional=parent.is_optional,
        )
        titles = (*parent.titles, title)
        return Step(
            id=name,
            title=title,
            line=source.line_of(node),
            depth=parent.depth,
            checked=self._flag(node, "checked") or False,
            is_task=not self._flag(node, "numbered"),
            mandatory=mandatory,
            optional=optional,
            tags=tuple(dict.fromkeys((*words.tags_in(titles, self.notes), *stated.tags))),
            kind=words.kind_of_step(stated.facts, code, options),
            body=body,
            code=code,
            options=options,
            steps=self._steps(
                node, replace(parent, id=name, step_id=name, depth=parent.depth + 1, titles=titles)
            ),
            facts=stated.facts,
            blanks=words.blanks_in(title) + words.blanks_in(body),
            digest=digest_of(title, body, code, options, stated.facts),
        )

    def _options(self, node: MapNode, *, is_kept: bool) -> tuple[tuple[Option, ...], tuple[CodeBlock, ...]]:
        options: list[Option] = []
        code: list[CodeBlock] = []
        given = self._list(node, "options", "option")
        if len(given) == 1:
            raise self.source.error(given[0], "one option alone is no choice", "write a second one, or `run`")
        for number, item in enumerate(given, start=1):
            known_keys(self.source, item, Where.OPTION, "an option")
            title = self._title(item, "an option")
            recommended = self._flag(item, "recommended")
            is_recommended = words.is_recommended(title) if recommended is None else recommended
            shown = words.without_recommended(title)
            options.append(Option(number, shown, self.source.line_of(item), is_recommended))
            code += self._code(item, option=number, is_kept=is_kept)
        return tuple(options), tuple(code)

    # Code

    def _code(
        self, node: MapNode, *, option: int | None = None, is_kept: bool = False
    ) -> tuple[CodeBlock, ...]:
        run, code = node.get("run"), node.get("code")
        if run is not None and code is not None:
            raise self.source.error(
                node.entries["code"][0],
                "`run` and `code` stand beside each other",
                "write the script as the first block of `code`",
            )
        if run is not None:
            script = text_given(self.source, "run", run).removesuffix("\n")
            line = self.source.line_of(run)
            return (block_of(script, DEFAULT_LANGUAGE, line, option=option, is_reference=is_kept),)
        return tuple(self._block(item, option, is_kept) for item in self._list(node, "code", "code block"))

    def _block(self, node: MapNode, option: int | None, is_kept: bool) -> CodeBlock:
        source = self.source
        known_keys(source, node, Where.CODE, "a code block")
        content, language = node.get("text"), node.get("language")
        if content is None:
            raise source.error(
                node, "a code block has no `text`", "write `text: |` and the code below it, indented"
            )
        return block_of(
            text(source, "text", content).removesuffix("\n"),
            DEFAULT_LANGUAGE if language is None else text(source, "language", language),
            source.line_of(content),
            option=option,
            is_reference=is_kept,
        )


def _inner(root: MapNode, keys: tuple[str, ...]) -> Iterator[MapNode]:
    """Every mapping below `root` in lists under `keys`, in document order."""
    stack: list[Node] = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, ListNode):
            stack.extend(reversed(node.items))
        elif isinstance(node, MapNode):
            if node is not root:
                yield node
            stack.extend(child for key in keys if (child := node.get(key)) is not None)
