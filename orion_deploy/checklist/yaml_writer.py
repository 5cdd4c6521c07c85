"""Write a checklist as YAML: the keys of the table, in a fixed order, only where they say something."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.checklist.model import (
    Checklist,
    CodeBlock,
    Expectation,
    Role,
    Section,
    Step,
    StepFacts,
    Variable,
)
from orion_deploy.checklist.stated import Stated, is_first, short_notes, stated
from orion_deploy.checklist.yaml_expectations import expectation_in_words, in_words
from orion_deploy.checklist.yaml_reader import DEFAULT_LANGUAGE
from orion_deploy.checklist.yaml_text import INDENT, entry, parameter, scalar
from orion_deploy.errors import ChecklistError

_LIST: Final = INDENT * 2
"""Indentation of a list item's keys, from the key of the list."""


def to_yaml(checklist: Checklist) -> str:
    """Return the checklist as a YAML file.

    Raises ChecklistError for options that are not numbered 1, 2, 3, ...
    """
    return _Writer(checklist).text()


class _Writer:
    def __init__(self, checklist: Checklist) -> None:
        self.checklist = checklist
        self.stated: Stated = stated(checklist)
        self.at = -1
        """Number of the section that is being written, in document order."""

    def text(self) -> str:
        checklist = self.checklist
        lines = [*entry("title", checklist.title, ""), *front_lines(checklist)]
        notes = short_notes(checklist)
        sections = checklist.sections[:-1] if notes else checklist.sections
        first = sections[0] if sections and is_first(checklist, sections[0]) else None
        if first is not None:
            self.at += 1
            lines += ["", *self._inside(first, "")]
        rest = sections[1:] if first is not None else sections
        if rest:
            lines += ["", "sections:"]
            for number, section in enumerate(rest):
                lines += ([""] if number else []) + self._section(section, INDENT)
        if notes:
            lines += ["", "notes:"]
            for tag, note in notes.items():
                lines += entry(tag, note, INDENT)
        return "\n".join(lines) + "\n"

    def _section(self, section: Section, indent: str) -> list[str]:
        self.at += 1
        at = self.at
        inner = indent + INDENT
        lines = _first(entry("title", section.title, inner))
        if at in self.stated.kinds:
            lines.append(f"{inner}kind: {self.stated.kinds[at].value}")
        lines += _flags(self.stated.section_necessity.get(at, (None, None)), inner)
        return lines + self._inside(section, inner)

    def _inside(self, section: Section, indent: str) -> list[str]:
        """Return the lines for what stands in a section."""
        lines = entry("text", section.body, indent, is_stripped=True) if section.body else []
        lines += code_lines(section.code, indent, may_run=False)
        if section.steps:
            lines.append(f"{indent}steps:")
            for number, step in enumerate(section.steps):
                lines += ([""] if number else []) + self._step(step, indent + INDENT)
        if section.sections:
            lines.append(f"{indent}sections:")
            for number, inner in enumerate(section.sections):
                lines += ([""] if number else []) + self._section(inner, indent + INDENT)
        return lines

    def _step(self, step: Step, indent: str) -> list[str]:
        inner = indent + INDENT
        lines = _first(entry("title", step.title, inner))
        lines += own_lines(step, self.stated, inner)
        lines += [f"{inner}checked: true"] if step.checked else []
        lines += [] if step.is_task else [f"{inner}numbered: true"]
        lines += entry("text", step.body, inner, is_stripped=True) if step.body else []
        lines += fact_lines(step.facts, inner)
        lines += code_lines([b for b in step.code if b.option is None], inner)
        if step.options:
            lines.append(f"{inner}options:")
            for number, option in enumerate(step.options, start=1):
                if option.number != number:
                    raise ChecklistError(
                        f"the options of step `{step.id}` are numbered otherwise than 1, 2, 3",
                        help="number them so; in YAML their order is their number",
                    )
                deep = inner + _LIST
                lines += _first(entry("title", option.title, deep))
                lines += [f"{deep}recommended: true"] if option.recommended else []
                lines += code_lines([b for b in step.code if b.option == number], deep)
        if step.steps:
            lines.append(f"{inner}steps:")
            for below in step.steps:
                lines += self._step(below, inner + INDENT)
        return lines


def _first(lines: list[str]) -> list[str]:
    """Make lines the beginning of a list item: the dash takes the place of the indentation before the first key."""
    head = lines[0]
    indent = len(head) - len(head.lstrip(" "))
    return [head[: indent - 2] + "- " + head[indent:], *lines[1:]]


def _flags(keys: tuple[bool | None, bool | None], indent: str) -> list[str]:
    named = zip(("mandatory", "optional"), keys, strict=True)
    return [f"{indent}{name}: {'true' if flag else 'false'}" for name, flag in named if flag is not None]


def own_lines(step: Step, said: Stated, indent: str) -> list[str]:
    """Return the lines for what a step is called and how it counts, where its title does not say it."""
    lines = [f"{indent}id: {scalar(step.id)}"] if step.id in said.ids else []
    lines += _flags(said.necessity.get(step.id, (None, None)), indent)
    tags = said.tags.get(step.id, ())
    return lines + (parameter("tags", list(tags), indent) if tags else [])


def front_lines(checklist: Checklist) -> list[str]:
    """Return the lines for metadata, variables, `cwd` and `carry`."""
    lines: list[str] = []
    if checklist.metadata:
        lines += ["", "metadata:"]
        for key, value in checklist.metadata.items():
            lines += entry(key, value, INDENT)
    return lines + own_front_lines(checklist)


def own_front_lines(checklist: Checklist) -> list[str]:
    """Return the lines for variables, `cwd` and `carry`: what prose cannot say of a checklist."""
    lines: list[str] = []
    if checklist.variables:
        lines += ["", "variables:"]
        for variable in checklist.variables:
            lines += _variable_lines(variable)
    if checklist.cwd is not None or not checklist.carry:
        lines.append("")
    lines += entry("cwd", checklist.cwd, "") if checklist.cwd is not None else []
    return lines + ([] if checklist.carry else ["carry: false"])


def _variable_lines(variable: Variable) -> list[str]:
    described: list[str] = []
    deep = INDENT * 2
    if variable.type != "text":
        described.append(f"{deep}type: {variable.type}")
    described += entry("prompt", variable.prompt, deep) if variable.prompt else []
    described += [f"{deep}secret: true"] if variable.secret else []
    if not described and variable.default is not None:
        return entry(variable.name, variable.default, INDENT)
    described += entry("default", variable.default, deep) if variable.default is not None else []
    return [f"{INDENT}{variable.name}:", *described]


def fact_lines(facts: StepFacts, indent: str) -> list[str]:
    """Return the lines for the facts of a step, the same in a YAML file and in a `yaml step` block."""
    lines: list[str] = []
    for key, call in (("check", facts.check), ("action", facts.action), ("watch", facts.watch)):
        lines += _call_lines(key, call, indent)
    lines += _expect_lines(facts.expect, indent)
    if facts.confirm is not None:
        lines += entry("confirm", facts.confirm, indent) if facts.confirm else [f"{indent}confirm: true"]
    for key, time in (("for", facts.watch_for), ("every", facts.watch_every), ("timeout", facts.timeout_s)):
        if time is not None:
            lines.append(f"{indent}{key}: {time if isinstance(time, str) else duration(time)}")
    lines += _truth_lines((("auto", facts.auto), ("reference", facts.reference or None)), indent)
    if facts.needs:
        lines += parameter("needs", list(facts.needs), indent)
    lines += _truth_lines((("idempotent", facts.idempotent or None),), indent)
    lines += _call_lines("verify", facts.verify, indent)
    lines += entry("when", facts.when, indent) if facts.when is not None else []
    lines += _truth_lines((("interactive", facts.interactive),), indent)
    lines += entry("cwd", facts.cwd, indent) if facts.cwd is not None else []
    if facts.env:
        lines.append(f"{indent}env:")
        for name, value in facts.env.items():
            lines += entry(name, value, indent + INDENT)
    return lines + (entry("shell", facts.shell, indent) if facts.shell is not None else [])


def _truth_lines(pairs: Iterable[tuple[str, bool | None]], indent: str) -> list[str]:
    return [f"{indent}{key}: {'true' if flag else 'false'}" for key, flag in pairs if flag is not None]


def _call_lines(key: str, call: KindCall | None, indent: str) -> list[str]:
    if call is None:
        return []
    if not call.parameters:
        return [f"{indent}{key}: {call.name}"]
    lines = [f"{indent}{key}:", f"{indent}{INDENT}{call.name}:"]
    for name, value in call.parameters.items():
        lines += parameter(name, value, indent + _LIST)
    return lines


def _expect_lines(expectations: tuple[Expectation, ...], indent: str) -> list[str]:
    values = [_expectation(expectation) for expectation in expectations]
    if not values:
        return []
    if len(values) == 1:
        return parameter("expect", values[0], indent)
    lines = [f"{indent}expect:"]
    for value in values:
        if isinstance(value, str):
            lines.append(f"{indent}{INDENT}- {scalar(value)}")
            continue
        below = [line for key, item in value.items() for line in parameter(key, item, indent + _LIST)]
        lines += _first(below)
    return lines


def _expectation(expectation: Expectation) -> str | dict[str, object]:
    """Return an expectation as words where they read back as the same, as a mapping otherwise."""
    told = expectation_in_words(expectation.text)
    if (told.matcher, told.value) == (expectation.matcher, expectation.value):
        return expectation.text
    value: object = expectation.value
    if expectation.matcher == "nothing":
        value = True
    elif expectation.matcher == "prose":
        value = expectation.text
    said: dict[str, object] = {expectation.matcher: value}
    if expectation.text != in_words(expectation.matcher, str(value)):
        said["text"] = expectation.text
    return said


def duration(seconds: float) -> str:
    """Return seconds as `30s`, `5m`, `1h30m` or `250ms`, exactly; else as a number."""
    whole = int(seconds)
    if seconds != whole:
        thousandths = seconds * 1000
        return f"{int(thousandths)}ms" if thousandths == int(thousandths) else repr(seconds)
    parts = ((whole // 3600, "h"), (whole % 3600 // 60, "m"), (whole % 60, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count)


def code_lines(code: Iterable[CodeBlock], indent: str, *, may_run: bool = True) -> list[str]:
    """Return the lines for code blocks: `run` for one script of the default language, `code` otherwise."""
    blocks = [block for block in code if block.role is not Role.STEP]
    if not blocks:
        return []
    only = blocks[0]
    if may_run and len(blocks) == 1 and only.language == DEFAULT_LANGUAGE and only.text.strip():
        return entry("run", _closed(only.text), indent)
    lines = [f"{indent}code:"]
    for block in blocks:
        deep = indent + _LIST
        item = [] if block.language == DEFAULT_LANGUAGE else entry("language", block.language, deep)
        lines += _first([*item, *entry("text", _closed(block.text), deep)])
    return lines


def _closed(text: str) -> str:
    """End a text of lines, or one that would need quotes, with a line break, so that it is written as a block."""
    return text + "\n" if "\n" in text or scalar(text) != text else text
