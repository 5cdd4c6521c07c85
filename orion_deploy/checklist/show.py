"""What the app sees in a checklist: as JSON (the contract of `show --json`), and as lines to read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from orion_deploy.checklist.choices import options_of
from orion_deploy.checklist.expectations import expectations_of
from orion_deploy.checklist.identity import expectation_json, facts_json
from orion_deploy.checklist.model import Checklist, CodeBlock, Role, Section, SectionKind, Step
from orion_deploy.text import plain, plain_line

BODY_LINES_MAX: Final = 3
"""Of the prose of a step or a section, in `to_text`."""


def to_json(checklist: Checklist) -> dict[str, object]:
    """Return the checklist as `{title, metadata, variables, sections: [...], ...}`.

    Steps and sections nest as in the file. Equal for a Markdown file and its YAML twin but for lines,
    levels and the file's own digest. A step's `depth` is the number of tasks around it, as GitHub nests them.
    """
    return {
        "title": checklist.title,
        "source": checklist.source,
        "digest": checklist.digest,
        "metadata": dict(checklist.metadata),
        "variables": [
            {
                "name": variable.name,
                "default": variable.default,
                "prompt": variable.prompt,
                "secret": variable.secret,
                "type": variable.type,
                "line": variable.line,
            }
            for variable in checklist.variables
        ],
        "cwd": checklist.cwd,
        "carry": checklist.carry,
        "sections": _sections_json(checklist),
        "notes": dict(checklist.notes),
        "problems": [
            {
                "rule": problem.rule,
                "message": problem.message,
                "line": problem.line,
                "column": problem.column,
                "help": problem.help,
            }
            for problem in checklist.problems
        ],
    }


def _sections_json(checklist: Checklist) -> list[dict[str, object]]:
    """Build from the last to the first, so that no depth of nesting costs recursion."""
    built: dict[int, dict[str, object]] = {}
    for section in reversed(list(checklist.walk_sections())):
        built[id(section)] = {
            "id": section.id,
            "title": section.title,
            "kind": section.kind.value,
            "level": section.level,
            "line": section.line,
            "mandatory": section.mandatory,
            "optional": section.optional,
            "body": section.body,
            "steps": _steps_json(section),
            "code": [_code_json(block) for block in section.code],
            "sections": [built[id(inner)] for inner in section.sections],
        }
    return [built[id(section)] for section in checklist.sections]


def _steps_json(section: Section) -> list[dict[str, object]]:
    built: dict[int, dict[str, object]] = {}
    order: list[tuple[Step, int]] = []
    stack = [(step, 0) for step in reversed(section.steps)]
    while stack:
        step, depth = stack.pop()
        order.append((step, depth))
        stack.extend((inner, depth + step.is_task) for inner in reversed(step.steps))
    for step, depth in reversed(order):
        built[id(step)] = _step_json(step, depth, [built[id(inner)] for inner in step.steps])
    return [built[id(step)] for step in section.steps]


def _step_json(step: Step, depth: int, steps: list[dict[str, object]]) -> dict[str, object]:
    shown: dict[str, object] = {
        "id": step.id,
        "title": step.title,
        "checked": step.checked,
        "task": step.is_task,
        "depth": depth,
        "mandatory": step.mandatory,
        "optional": step.optional,
        "line": step.line,
        "tags": list(step.tags),
        "kind": step.kind,
        "body": step.body,
        "options": [
            {
                "number": option.number,
                "title": option.title,
                "recommended": option.recommended,
                "line": option.line,
            }
            for option in step.options
        ],
        "blanks": step.blanks,
        "code": [_code_json(block) for block in step.code],
        "steps": steps,
    }
    shown |= facts_json(step.facts)
    expected = [
        expectation_json(expectation) | {"line": expectation.line, "from_comment": expectation.from_comment}
        for expectation in expectations_of(step)
    ]
    if expected:
        shown["expect"] = expected
    shown["digest"] = step.digest
    return shown


def _code_json(block: CodeBlock) -> dict[str, object]:
    shown: dict[str, object] = {
        "language": block.language,
        "text": block.text,
        "role": block.role.value,
        "line": block.line,
    }
    if block.option is not None:
        shown["option"] = block.option
    if block.script and block.script != block.text:
        shown["script"] = block.script
    if block.placeholders:
        shown["placeholders"] = list(block.placeholders)
    return shown


def to_text(checklist: Checklist) -> str:
    """Return the checklist as plain lines, safe for a terminal: every section and step with what it is."""
    lines = [plain_line(checklist.title)]
    lines += [f"  {plain_line(key)}: {plain_line(value)}" for key, value in checklist.metadata.items()]
    for variable in checklist.variables:
        default = (
            "" if variable.default is None else f" = {'(secret)' if variable.secret else variable.default}"
        )
        lines.append(f"  ${plain_line(variable.name)}{plain_line(default)}")
    for section in checklist.walk_sections():
        lines += _section_lines(section)
    if checklist.notes:
        lines += ["", "Notes"]
        lines += [f"  {plain_line(tag)}: {plain_line(text)}" for tag, text in checklist.notes.items()]
    if checklist.problems:
        lines += ["", "Problems"]
        lines += [f"  line {problem.line}: {plain_line(problem.message)}" for problem in checklist.problems]
    return "\n".join(lines) + "\n"


def _section_lines(section: Section) -> Iterator[str]:
    marks = [section.kind.value] if section.kind is not SectionKind.STEPS else []
    marks += _marks(mandatory=section.mandatory, optional=section.optional)
    yield ""
    yield f"{plain_line(section.title) or '(before the first heading)'}{_bracketed(marks)}"
    yield from _prose_lines(section.body, "  ")
    for block in section.code:
        yield f"  line {block.line}: {_block_words(block)}, under no step"
    stack = [(step, 1) for step in reversed(section.steps)]
    while stack:
        step, depth = stack.pop()
        yield from _step_lines(step, "  " * depth)
        stack.extend((inner, depth + 1) for inner in reversed(step.steps))


def _step_lines(step: Step, indent: str) -> Iterator[str]:
    box = ("[x]" if step.checked else "[ ]") if step.is_task else " - "
    marks = _marks(mandatory=step.mandatory, optional=step.optional) + list(step.tags)
    yield f"{indent}{box} {plain_line(step.title)}{_bracketed(marks)}"
    yield f"{indent}    {step.id}, line {step.line}, {plain_line(step.kind)}"
    yield from _prose_lines(step.body, f"{indent}    ")
    for option in options_of(step):
        key = f"{option.key}: " if option.key else ""
        recommended = " (recommended)" if option.recommended else ""
        yield f"{indent}    option {option.number}: {key}{plain_line(option.title)}{recommended}"
    if step.facts.when is not None:
        yield f"{indent}    when: {plain_line(step.facts.when)}"
    for block in step.code:
        if block.role is not Role.STEP:
            under = f", option {block.option}" if block.option is not None else ""
            yield f"{indent}    {_block_words(block)}, line {block.line}{under}"
            for line in plain(block.script or block.text).split("\n"):
                yield f"{indent}      {line}".rstrip()
    for expectation in expectations_of(step):
        yield f"{indent}    expect: {plain_line(expectation.text)}"


def _prose_lines(body: str, indent: str) -> Iterator[str]:
    """The first lines of prose, and a sign where there are more."""
    lines = plain(body).split("\n") if body else []
    for line in lines[:BODY_LINES_MAX]:
        yield f"{indent}{line}".rstrip()
    if len(lines) > BODY_LINES_MAX:
        yield f"{indent}..."


def _block_words(block: CodeBlock) -> str:
    language = f" ({plain_line(block.language)})" if block.language else ""
    fill_in = f", to fill in: {', '.join(map(plain_line, block.placeholders))}" if block.placeholders else ""
    return f"{block.role.value}{language}{fill_in}"


def _marks(*, mandatory: bool, optional: bool) -> list[str]:
    return [word for word, holds in (("MANDATORY", mandatory), ("optional", optional)) if holds]


def _bracketed(marks: list[str]) -> str:
    return "".join(f" [{plain_line(mark)}]" for mark in marks)
