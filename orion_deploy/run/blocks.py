"""Blocks that stand under no step: they stay with their section and run only by an explicit act. Pure."""

from __future__ import annotations

from orion_deploy.checklist.model import Checklist, CodeBlock, Role, Section, Step


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
