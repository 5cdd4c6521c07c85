"""From one format to the other, and never with a loss: what is written is read back and compared.

Compared is everything that a checklist says. Not compared: lines, bytes, the order of blocks of different
options, and how deep headings are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from orion_deploy.checklist.model import Checklist, Role, Section, Step
from orion_deploy.checklist.stated import is_first
from orion_deploy.errors import ChecklistError, Place

FORMATS: Final = ("yaml", "markdown")


def convert(checklist: Checklist, to: str) -> str:
    """Return the text of the checklist in the format `to` (`yaml` or `markdown`).

    Raises ChecklistError where the other format cannot say what this one says; the error names it.
    """
    from orion_deploy.checklist.markdown import read_markdown
    from orion_deploy.checklist.markdown_writer import to_markdown
    from orion_deploy.checklist.yaml_reader import read_yaml
    from orion_deploy.checklist.yaml_writer import to_yaml

    text = to_yaml(checklist) if to == "yaml" else to_markdown(checklist)
    read = read_yaml if to == "yaml" else read_markdown
    try:
        again = read(text.encode("utf-8", "surrogatepass"), checklist.path)
    except ChecklistError as error:
        raise ChecklistError(
            f"{to} cannot say this checklist: {error.what}", where=Place(checklist.path), help=error.help
        ) from error
    where = difference(checklist, again)
    if where:
        raise ChecklistError(
            f"{to} would read {where} differently",
            where=Place(checklist.path),
            help="prose that looks like a heading, a task, a code block or an option stands there: reword it",
        )
    return text


def difference(one: Checklist, other: Checklist) -> str:
    """Return where two checklists first say something different, in words; empty where they say the same."""
    return _difference(said(one), said(other), "the checklist")


def said(checklist: Checklist) -> dict[str, object]:
    """Return what a checklist says, without what only belongs to its file."""
    return {
        "title": checklist.title,
        "metadata": dict(checklist.metadata),
        "variables": [(v.name, v.default, v.prompt, v.secret, v.type) for v in checklist.variables],
        "cwd": checklist.cwd,
        "carry": checklist.carry,
        "notes": dict(checklist.notes),
        "sections": [
            _section(section, is_first=is_first(checklist, section)) for section in checklist.sections
        ],
    }


def _section(section: Section, *, is_first: bool) -> dict[str, object]:
    return {
        "id": "" if is_first else section.id,
        "title": "" if is_first else section.title,
        "kind": section.kind.value,
        "mandatory": section.mandatory,
        "optional": section.optional,
        "body": section.body,
        "code": _code(section),
        "steps": [_step(step) for step in section.steps],
        "sections": [_section(inner, is_first=False) for inner in section.sections],
    }


def _step(step: Step) -> dict[str, object]:
    from orion_deploy.checklist.identity import facts_json

    return {
        "id": step.id,
        "title": step.title,
        "depth": step.depth,
        "checked": step.checked,
        "is_task": step.is_task,
        "mandatory": step.mandatory,
        "optional": step.optional,
        "tags": list(step.tags),
        "kind": step.kind,
        "body": step.body,
        "code": _code(step),
        "options": [(o.number, o.title, o.recommended) for o in step.options],
        "facts": facts_json(step.facts),
        "blanks": step.blanks,
        "digest": step.digest,
        "steps": [_step(inner) for inner in step.steps],
    }


def _code(of: Section | Step) -> list[object]:
    blocks = [block for block in of.code if block.role is not Role.STEP]
    return [
        (b.language, b.text, b.role.value, b.option, b.script, b.placeholders)
        for b in sorted(blocks, key=lambda block: block.option or 0)
    ]


def _difference(one: object, other: object, where: str) -> str:
    if one == other:
        return ""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        name = f"{where}, `{one['title']}`" if one.get("title") and where != "the checklist" else where
        for key in one:
            if found := _difference(
                one[key], other.get(key), f"{key} of {name}" if key not in ("steps", "sections") else name
            ):
                return found
    if isinstance(one, list) and isinstance(other, list):
        for number, pair in enumerate(zip(one, other, strict=False), start=1):
            if found := _difference(*pair, f"{where}, {number}"):
                return found
        return f"how many there are in {where}"
    return where
