"""Blocks that stand under no step run only by an explicit act; and how a step or such a block is found by name. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from orion_deploy.checklist.model import Checklist, CodeBlock, Role, Section, Step
from orion_deploy.errors import RefusedError, did_you_mean

Index = Mapping[str, tuple[Section, Step]]


def block_step(section: Section, number: int, block: CodeBlock) -> Step:
    """A block that stands under no step, as a step that runs only by an explicit act."""
    return Step(
        id=f"{section.id}#{number}",
        title=f"Block {number} under “{section.title}”",
        line=block.line,
        is_task=False,
        kind="command" if block.role is Role.COMMAND else block.role.value,
        code=(block,),
    )


def is_block_id(step_id: str) -> bool:
    """Whether an id names a block under no step."""
    return "#" in step_id


def has_commands(checklist: Checklist) -> bool:
    """Whether anything in the checklist could run."""
    if any(b.role is Role.COMMAND for s in checklist.walk_sections() for b in s.code):
        return True
    return any(
        step.facts.call is not None or any(b.role is Role.COMMAND for b in step.code)
        for _, step in checklist.walk()
    )


def index_of(checklist: Checklist) -> Index:
    """Every step, and every block under no step, by id."""
    index = {step.id: (section, step) for section, step in checklist.walk()}
    for section in checklist.walk_sections():
        for number, block in enumerate(section.code, start=1):
            step = block_step(section, number, block)
            index.setdefault(step.id, (section, step))
    return index


def find_in(index: Index, name: str, path: str) -> tuple[Section, Step]:
    """Return a step and its section, by id, by number (`3`, in document order), or by the end of an id.

    Raises:
        RefusedError: there is no such step; names the nearest.
    """
    found = index.get(name) or _by_short_name(index, name)
    if found is None:
        raise RefusedError(
            f"there is no step `{name}` in {path}",
            help=did_you_mean(name, index) or f"`orion-deploy show {path}` lists the steps with their ids",
        )
    return found


def _by_short_name(index: Index, name: str) -> tuple[Section, Step] | None:
    """The step with this number in document order, or the only one whose id ends with `.name`."""
    pairs = [pair for pair in index.values() if not is_block_id(pair[1].id)]
    if name.isdecimal():
        return pairs[int(name) - 1] if 0 < int(name) <= len(pairs) else None
    ending = [pair for pair in pairs if pair[1].id.endswith(f".{name}")]
    return ending[0] if len(ending) == 1 else None
