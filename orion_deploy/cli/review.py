"""What a person must see before trusting a checklist: all that would run, or what changed since the last time."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orion_deploy.checklist.model import Checklist, CodeBlock, Role, Step
from orion_deploy.cli.view import call_lines, script_lines, value_text, verify_lines
from orion_deploy.kinds.verdict import Json
from orion_deploy.run.blocks import block_step, is_block_id
from orion_deploy.run.progress import section_steps
from orion_deploy.text import is_hidden, plain, plain_line

CONTEXT_LINES = 3


@dataclass(frozen=True, slots=True)
class Runnable:
    """Something that could run: a script, or a typed call."""

    section: str
    step: Step
    line: int
    block: CodeBlock | None = None
    """None for a typed call."""

    def to_json(self) -> dict[str, Json]:
        """As `approve --json` tells it."""
        call = self.step.facts.call
        what: dict[str, Json] = {"step": self.step.id, "section": self.section, "line": self.line}
        if self.block is not None:
            return {**what, "kind": "command", "script": self.block.script, "option": self.block.option}
        assert call is not None
        return {
            **what,
            "kind": call.name,
            "parameters": {k: value_text(v) for k, v in call.parameters.items()},
        }


def runnables(checklist: Checklist) -> Iterator[Runnable]:
    """Everything that could run, in document order; blocks under no step too, which run only when named."""
    for section in checklist.walk_sections():
        for number, block in enumerate(section.code, start=1):
            if block.role is Role.COMMAND:
                yield Runnable(section.title, block_step(section, number, block), block.line, block)
        for step in section_steps(section):
            if step.facts.call is not None:
                yield Runnable(section.title, step, step.facts.call.line or step.line)
                continue
            for block in step.code:
                if block.role is Role.COMMAND and not step.facts.reference:
                    yield Runnable(section.title, step, block.line, block)


def approval_lines(checklist: Checklist) -> list[str]:
    """Everything that could run, for a person who is to trust it."""
    lines: list[str] = []
    section = None
    for runnable in runnables(checklist):
        if runnable.section != section:
            section = runnable.section
            lines.append(f"{plain_line(section) or '(no heading)'}:")
        what = f"  {plain_line(runnable.step.id)}, line {runnable.line}"
        if runnable.block is None:
            lines += [f"{what}:", *call_lines(runnable.step, "    "), *verify_lines(runnable.step, "    ")]
            continue
        option = f", option {runnable.block.option}" if runnable.block.option is not None else ""
        named = ", only when named" if is_block_id(runnable.step.id) else ""
        lines += [f"{what}{option}{named}:", *script_lines(runnable.block, "    ")]
        lines += verify_lines(runnable.step, "    ")
    return lines


def review(path: Path, checklist: Checklist, bytes_read: bytes) -> list[str]:
    """What a person must see before trusting these bytes: all that would run, or the diff since the last time."""
    from orion_deploy.run.approvals import last_approved

    commands = approval_lines(checklist)
    before = last_approved(path)
    if not commands:
        return [f"{plain_line(str(path))}: nothing in it can run"]
    if before is None or before == bytes_read:
        return [f"{plain_line(str(path))} would run:", "", *commands]
    lines = [f"{plain_line(str(path))}, changed since it was last approved:", ""]
    for line in difflib.unified_diff(
        _text(before), _text(bytes_read), "approved", "now", n=CONTEXT_LINES, lineterm=""
    ):
        hidden = "   (holds characters that an editor does not show)" if is_hidden(line) else ""
        lines.append(plain(line).replace("\n", " ") + hidden)
    return lines


def _text(data_: bytes) -> list[str]:
    return data_.decode("utf-8", "backslashreplace").split("\n")
