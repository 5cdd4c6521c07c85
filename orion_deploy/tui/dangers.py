"""What speaks for a second look at a step: what lint knows of its words, and what of ours it would kill."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from orion_deploy.checklist.lint import Finding, Severity, lint
from orion_deploy.checklist.model import Checklist, CodeBlock, Role, Section, Step

WORD_RULES = frozenset(
    (
        "destructive",
        "kill-nine",
        "copy-is-original",
        "restore-by-copy",
        "restore-glob",
        "back-on-the-way",
        "hidden-character",
    )
)
"""Rules after whose findings Enter is not enough: what they find cannot be taken back, or cannot be seen."""


LINES_AROUND = 3
"""Lines of a block beside those of its text: its fences, and the count from one."""


def findings_of(checklist: Checklist, section: Section, step: Step, text: str) -> tuple[Finding, ...]:
    """What lint finds in one step; `text` is the text of the checklist's file. Notes are left out."""
    alone = replace(step, steps=())
    part = replace(section, steps=(alone,), sections=(), code=())
    found = lint(replace(checklist, sections=(part,), problems=()), text)
    lines: set[int] = set()
    for block in step.code:
        lines.update(range(block.line, block.line + block.text.count("\n") + LINES_AROUND))
    return tuple(f for f in found if f.severity is not Severity.NOTE and f.line in lines)


def reasons(
    checklist: Checklist, section: Section, step: Step, script: str, text: str, *, is_edited: bool
) -> Iterator[str]:
    """Why a word must be typed before this script runs, a sentence each."""
    if is_edited:
        block = CodeBlock(script, "bash", Role.COMMAND, 1, script=script)
        step, text = replace(step, code=(block,)), script
    seen: set[str] = set()
    for finding in findings_of(checklist, section, step, text):
        if finding.rule in WORD_RULES and finding.message not in seen:
            seen.add(finding.message)
            yield finding.message
    yield from own_processes(script)


def own_processes(script: str) -> Iterator[str]:
    """That the script ends processes, and which ones that nobody means it would find (looked up now)."""
    from orion_deploy.run import guards

    if guards.sends_term(script):
        yield "it ends processes"
    if guards.needs_processes(script):
        processes = guards.processes()
        for warning in guards.self_matches(script, processes, guards.own_pids_of(processes)):
            yield warning.text
