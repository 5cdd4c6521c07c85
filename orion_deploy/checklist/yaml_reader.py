"""Read a YAML checklist: the same model as from Markdown, and every fault with its place.

What prose says in Markdown (a section's kind, MANDATORY, a tag in brackets) is told from titles in the same
way; a key says it louder. See docs/format.md for the keys.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from orion_deploy.checklist import words
from orion_deploy.checklist.code import block_of
from orion_deploy.checklist.facts import ParsedFacts, facts_of, variables_of
from orion_deploy.checklist.identity import Ids, digest_of
from orion_deploy.checklist.keys import Where
from orion_deploy.checklist.model import (
    NO_TEXTS,
    Checklist,
    CodeBlock,
    Option,
    Section,
    SectionKind,
    Step,
)
from orion_deploy.checklist.references import Named, check_references
from orion_deploy.checklist.yaml_nodes import ListNode, MapNode, Node, Source, compose
from orion_deploy.checklist.yaml_values import (
    boolean,
    known_keys,
    mapping,
    text,
    text_given,
    texts,
    wrong,
)
from orion_deploy.errors import ChecklistError, Place

DEFAULT_LANGUAGE: Final = "bash"


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
    level: int = 0
    kind: SectionKind | None = None
    titles: tuple[str, ...] = ()
    is_mandatory: bool = False


class _Reader:
    """One pass for the ids that the author chose, one for everything."""

    def __init__(self, source: Source, root: MapNode) -> None:
        self.source = source
        self.root = root
        self.ids = Ids()
        self.named: list[Named] = []
        self.notes: Mapping[str, str] = NO_TEXTS

    def checklist(self, digest: str) -> Checklist:
        source, root = self.source, self.root
        known_keys(source, root, Where.CHECKLIST, "a checklist")
        metadata, variables, notes, carry, cwd = (
            root.get(key) for key in ("metadata", "variables", "notes", "carry", "cwd")
        )
        declared = () if variables is None else variables_of(source, variables)
        self.notes = NO_TEXTS if notes is None else texts(source, "notes", notes)
        title = self._title(root, "a checklist")
        self._claim(root)
        sections = self._first_section() + self._sections(root, _Parent())
        check_references(self.named, declared)
        return Checklist(
            title=title,
            path=source.path,
            source="yaml",
            digest=digest,
            metadata=NO_TEXTS if metadata is None else texts(source, "metadata", metadata),
            variables=declared,
            sections=sections,
            notes=self.notes,
            cwd=None if cwd is None else text_given(source, "cwd", cwd),
            carry=carry is None or boolean(source, "carry", carry),
        )

    def _claim(self, node: MapNode) -> None:
        """Take the ids that the author chose, so that no made one stands in their way."""
        stack: list[Node] = [node]
        while stack:
            at = stack.pop()
            if isinstance(at, ListNode):
                stack.extend(reversed(at.items))
            elif isinstance(at, MapNode):
                given = at.get("id")
                if given is not None:
                    name = text(self.source, "id", given)
                    if not self.ids.claim(name):
                        raise self.source.error(
                            given, f"the id `{name}` stands twice", "each step has its own id"
                        )
                stack.extend(child for key in ("sections", "steps") if (child := at.get(key)) is not None)

    def _title(self, node: MapNode, what: str) -> str:
        value = node.get("title")
        if value is None:
            raise self.source.error(
                node, f"{what} has no `title`", "every checklist, section, step and option has one"
            )
        return " ".join(text_given(self.source, "title", value).split())

    def _prose(self, node: MapNode) -> str:
        value = node.get("text")
        return "" if value is None else text(self.source, "text", value).strip("\n")

    def _list(self, node: MapNode, key: str, what: str) -> list[MapNode]:
        """Return the mappings of a list."""
        value = node.get(key)
        if value is None:
            return []
        if not isinstance(value, ListNode):
            raise wrong(self.source, key, value, f"a list: each {what} begins with `- title:`")
        return [mapping(self.source, item, f"a {what}") for item in value.items]

    def _flag(self, node: MapNode, key: str) -> bool | None:
        value = node.get(key)
        return None if value is None else boolean(self.source, key, value)

    # Sections

    def _first_section(self) -> tuple[Section, ...]:
        """Return what stands before the first section: steps, text and code of the checklist itself."""
        body = self._prose(self.root)
        code = self._code(self.root)
        parent = _Parent(kind=SectionKind.STEPS)
        steps = self._steps(self.root, parent)
        if not (body or code or steps):
            return ()
        return (
            Section(
                id="", title="", kind=SectionKind.STEPS, level=0, line=1, steps=steps, code=code, body=body
            ),
        )

    def _sections(self, node: MapNode, parent: _Parent) -> tuple[Section, ...]:
        return tuple(self._section(item, parent) for item in self._list(node, "sections", "section"))

    def _section(self, node: MapNode, parent: _Parent) -> Section:
        source = self.source
        known_keys(source, node, Where.SECTION, "a section")
        title = self._title(node, "a section")
        stated = facts_of(source, node)
        kind = stated.section_kind or words.section_kind(title, parent.kind)
        mandatory, optional = self._necessity(title, stated)
        name = self.ids.make(parent.id, title)
        inner = _Parent(
            id=name,
            level=parent.level + 1,
            kind=kind,
            titles=(*parent.titles, title),
            is_mandatory=mandatory or parent.is_mandatory,
        )
        return Section(
            id=name,
            title=title,
            kind=kind,
            level=inner.level,
            line=source.line_of(node),
            steps=self._steps(node, inner),
            code=self._code(node),
            sections=self._sections(node, inner),
            body=self._prose(node),
            mandatory=mandatory,
            optional=optional,
        )

    def _necessity(self, title: str, stated: ParsedFacts) -> tuple[bool, bool]:
        mandatory = words.is_mandatory(title) if stated.mandatory is None else stated.mandatory
        optional = words.is_optional(title) if stated.optional is None else stated.optional
        return mandatory, optional

    # Steps

    def _steps(self, node: MapNode, parent: _Parent) -> tuple[Step, ...]:
        return tuple(self._step(item, parent) for item in self._list(node, "steps", "step"))

    def _step(self, node: MapNode, parent: _Parent) -> Step:
        source = self.source
        known_keys(source, node, Where.STEP, "a step")
        title = self._title(node, "a step")
        stated = facts_of(source, node)
        name = stated.id or self.ids.make(parent.id, title)
        self.named.append(Named(name, stated.facts, stated.places, parent.step_id))
        is_kept = stated.facts.reference or words.is_kept_for_reference(title)
        options, option_code = self._options(node, is_kept=is_kept)
        code = self._code(node, is_kept=is_kept) + option_code
        body = self._prose(node)
        mandatory, optional = self._necessity(title, stated)
        tags = tuple(dict.fromkeys((*words.tags_in((*parent.titles, title), self.notes), *stated.tags)))
        inner = replace(parent, id=name, step_id=name, depth=parent.depth + 1, titles=(*parent.titles, title))
        return Step(
            id=name,
            title=title,
            line=source.line_of(node),
            depth=parent.depth,
            checked=self._flag(node, "checked") or False,
            is_task=not self._flag(node, "numbered"),
            mandatory=mandatory,
            optional=optional,
            tags=tags,
            kind=words.kind_of_step(stated.facts, code, options),
            body=body,
            code=code,
            options=options,
            steps=self._steps(node, inner),
            facts=stated.facts,
            blanks=words.blanks_in(title) + words.blanks_in(body),
            digest=digest_of(title, body, code, options, stated.facts),
        )

    def _options(self, node: MapNode, *, is_kept: bool) -> tuple[tuple[Option, ...], tuple[CodeBlock, ...]]:
        options: list[Option] = []
        code: list[CodeBlock] = []
        for number, item in enumerate(self._list(node, "options", "option"), start=1):
            known_keys(self.source, item, Where.OPTION, "an option")
            title = self._title(item, "an option")
            recommended = self._flag(item, "recommended") or False
            options.append(Option(number, title, self.source.line_of(item), recommended))
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
            script = text_given(self.source, "run", run).strip("\n")
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
            text(source, "text", content).strip("\n"),
            DEFAULT_LANGUAGE if language is None else text(source, "language", language),
            source.line_of(content),
            option=option,
            is_reference=is_kept,
        )
