"""The model of a checklist: frozen, the same from Markdown and from YAML, and free of any library.

Everything else reads this page. Lines are 1-based. Text is as it stands in the file; it becomes safe for
a terminal or a report only through `orion_deploy.text.plain`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from orion_deploy.checklist.kind_call import KindCall

WATCH_S_DEFAULT: Final = 24 * 3600.0
"""How long a watch watches that does not say so."""
PARTS_MAX: Final = 25_000
"""Sections and steps of one checklist: more are refused, for they would take seconds to read, and nobody works them through."""
NO_TEXTS: Final[Mapping[str, str]] = MappingProxyType({})


class SectionKind(StrEnum):
    """What a section is for (from its heading, or stated by its own block)."""

    STEPS = "steps"
    """Worked through in order."""
    ROLLBACK = "rollback"
    """Never on the forward path."""
    CRITERIA = "criteria"
    """Evaluated at the end: success criteria, acceptance."""
    GATES = "gates"
    """Evaluated at the end: what may not start before."""
    NOTES = "notes"
    """Notes that tags in titles find."""


class Role(StrEnum):
    """What a code block is for."""

    COMMAND = "command"
    """Shell lines that a step runs."""
    SAMPLE = "sample"
    """Another language: shown, never run."""
    INSTRUCTION = "instruction"
    """A shell block of comments only: read by a person."""
    REFERENCE = "reference"
    """A command to keep at hand: shown and copied, never run by its step."""
    STEP = "step"
    """A `yaml step` block: facts about the step, not shown as code."""


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """A fenced or indented block. `text` is as written, without the fence and its indentation, no final newline."""

    text: str
    language: str
    role: Role
    line: int
    """Line of the opening fence, or the first line of an indented block."""
    option: int | None = None
    """Number of the option it stands under, where the step is a choice."""
    script: str = ""
    """What would run: `text` with the prompts of a console block taken off; empty unless role is COMMAND or REFERENCE."""
    placeholders: tuple[str, ...] = ()
    """Placeholders (`<VERSION>`, `YOUR_X`, `{{x}}`, `X.Y.Z`) that stop the step until a person fills them in."""


@dataclass(frozen=True, slots=True)
class Option:
    """One way of carrying a step out: "Option 1: ..." under a choice."""

    number: int
    title: str
    line: int
    recommended: bool = False
    key: str = ""
    """Its short name, by which a `when` and a command name it; empty: its title, or its number, does."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an author expects to see. From the key `expect`, or offered by a comment such as `# Should return 0`."""

    text: str
    """In the author's words."""
    matcher: str
    """`nothing`, `equals`, `contains`, `regex`, `number` (value is `<= 5`, `== 0`, ...), `status`, or `prose` (only a person can tell)."""
    value: str = ""
    line: int = 0
    from_comment: bool = False


@dataclass(frozen=True, slots=True)
class StepFacts:
    """What prose cannot carry: the keys of a YAML step, or of a `yaml step` block in Markdown."""

    check: KindCall | None = None
    action: KindCall | None = None
    watch: KindCall | None = None
    watch_for: float | str | None = None
    """How long a watch watches: seconds, or the variable (`$WATCH_FOR`) that says so; None: WATCH_S_DEFAULT."""
    watch_every: float | str | None = None
    """Time between two looks of a watch, in the same way; None: the kind decides."""
    expect: tuple[Expectation, ...] = ()
    confirm: str | None = None
    """A word that the operator types before the step runs; empty string: the default word."""
    timeout_s: float | None = None
    auto: bool | None = None
    """True: a passing verdict ticks the step. False: never by itself. None: the kind decides."""
    reference: bool = False
    needs: tuple[str, ...] = ()
    idempotent: bool = False
    verify: KindCall | None = None
    """The check that tells, after an interruption, whether the step was carried out."""
    when: str | None = None
    interactive: bool | None = None
    """True: needs the real terminal. None: recognised by its words (sudo, an editor, `read`)."""
    cwd: str | None = None
    env: Mapping[str, str] = field(default_factory=lambda: NO_TEXTS)
    shell: str | None = None

    @property
    def call(self) -> KindCall | None:
        """The check, action or watch of the step, whichever it has."""
        return self.check or self.action or self.watch


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do or to look at."""

    id: str
    title: str
    """Plain words: Markdown's marks are taken off."""
    line: int
    depth: int = 0
    """Number of steps that enclose it."""
    checked: bool = False
    """Was ticked in the file: shown, not trusted."""
    is_task: bool = True
    """False for a numbered step (an ordered list item without a checkbox)."""
    mandatory: bool = False
    optional: bool = False
    tags: tuple[str, ...] = ()
    """`ELEPHANT-A` for `(ELEPHANT-A)` in the title, where a note of that name exists."""
    kind: str = "manual"
    """`manual`, `command`, `reference`, `instruction`, `choice`, or a typed kind's name (`sqlite.backup`)."""
    body: str = ""
    """Prose of the step as Markdown source, without its code blocks and sub-steps."""
    code: tuple[CodeBlock, ...] = ()
    options: tuple[Option, ...] = ()
    steps: tuple[Step, ...] = ()
    facts: StepFacts = StepFacts()
    blanks: int = 0
    """Number of `____` to be filled in by a person."""
    digest: str = ""
    """sha256 (hex, first 16) of what the step says and would run: another digest means that its text changed."""

    def scripts(self, option: int | None = None) -> tuple[CodeBlock, ...]:
        """The blocks that running the step runs, in order: commands only, of the chosen option where it is a choice."""
        if self.facts.reference or self.facts.call is not None:
            return ()
        return tuple(b for b in self.code if b.role is Role.COMMAND and b.option in (None, option))


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it."""

    id: str
    title: str
    kind: SectionKind
    level: int
    """1 to 6; 0 for what stands before the first heading."""
    line: int
    steps: tuple[Step, ...] = ()
    code: tuple[CodeBlock, ...] = ()
    """Blocks under no step: visible in place, run only by an explicit act."""
    sections: tuple[Section, ...] = ()
    body: str = ""
    """Prose under the heading, as Markdown source."""
    mandatory: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Variable:
    """A value that the operator gives; it reaches scripts as an environment variable, never by substitution."""

    name: str
    default: str | None = None
    prompt: str = ""
    secret: bool = False
    type: str = "text"
    """`text`, `integer`, `number`, `boolean`, `path`."""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about the file that its author should know: damaged Markdown, a fence closed early."""

    rule: str
    message: str
    line: int
    column: int = 0
    help: str = ""


@dataclass(frozen=True, slots=True)
class Checklist:
    """A whole checklist, read from one file's bytes."""

    title: str
    path: str
    """As the operator gave it; for places in messages."""
    source: str
    """`markdown` or `yaml`."""
    digest: str
    """sha256 of the file's bytes (hex)."""
    metadata: Mapping[str, str] = field(default_factory=lambda: NO_TEXTS)
    variables: tuple[Variable, ...] = ()
    sections: tuple[Section, ...] = ()
    notes: Mapping[str, str] = field(default_factory=lambda: NO_TEXTS)
    """Tag (`ELEPHANT-A`) to the text of its note."""
    problems: tuple[Problem, ...] = ()
    cwd: str | None = None
    carry: bool = True
    """Whether `cd` and `export` of a step reach the next ones."""

    def walk_sections(self) -> Iterator[Section]:
        """Every section in document order."""
        yield from _sections(self.sections)

    def walk(self) -> Iterator[tuple[Section, Step]]:
        """Every step in document order, parents before their sub-steps, with the section it stands in."""
        for section in self.walk_sections():
            for step in _steps(section.steps):
                yield section, step


def _sections(sections: tuple[Section, ...]) -> Iterator[Section]:
    stack = list(reversed(sections))
    while stack:
        section = stack.pop()
        yield section
        stack.extend(reversed(section.sections))


def _steps(steps: tuple[Step, ...]) -> Iterator[Step]:
    stack = list(reversed(steps))
    while stack:
        step = stack.pop()
        yield step
        stack.extend(reversed(step.steps))
