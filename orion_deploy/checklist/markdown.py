"""Read a Markdown checklist: any file of GitHub-flavoured Markdown, exactly where GitHub sees headings, tasks and code.

Nothing in such a file is an error, except within what is ours: `yaml step` blocks, and variables in the front
matter. What looks damaged is a `Problem` with its line.
"""

from __future__ import annotations

import hashlib
import os
import re
from types import MappingProxyType
from typing import Final

from orion_deploy.checklist.collector import without_collector
from orion_deploy.checklist.markdown_blocks import parse_blocks
from orion_deploy.checklist.markdown_damage import damage_in
from orion_deploy.checklist.markdown_drafts import Draft
from orion_deploy.checklist.markdown_finish import finished
from orion_deploy.checklist.markdown_front import front_matter_end, read_front_matter
from orion_deploy.checklist.markdown_walk import Walk
from orion_deploy.checklist.model import Checklist, Problem, Section
from orion_deploy.checklist.titles import plain_title
from orion_deploy.errors import ChecklistError, Place

LINES_MAX: Final = 500_000
"""Lines of a Markdown file: a checklist of 10,000 steps has about 60,000."""
PROBLEMS_MAX: Final = 200
"""Of damage in one file: whoever reads more has stopped reading."""

_STEP_FENCE = re.compile(r"(?:`{3,}|~{3,})\s*ya?ml\s+step\b", re.IGNORECASE)


def read_markdown(data: bytes, path: str) -> Checklist:
    """Return the checklist that a Markdown file's bytes say.

    Raises ChecklistError, with its place, only for a `yaml step` block or front matter of ours that is wrong.
    """
    draft = Draft()
    text = _decoded(data, draft.problems)
    _refuse_long(text, path)
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    with without_collector():
        sections = _read(lines, path, draft)
    title = draft.title or os.path.splitext(os.path.basename(path))[0] or "Checklist"
    return Checklist(
        title=title,
        path=path,
        source="markdown",
        digest=hashlib.sha256(data).hexdigest(),
        metadata=MappingProxyType(draft.metadata),
        variables=draft.variables,
        sections=sections,
        notes=MappingProxyType(draft.notes),
        problems=tuple(sorted(draft.problems, key=lambda problem: problem.line)),
        cwd=draft.cwd,
        carry=draft.carry,
    )


def _decoded(data: bytes, problems: list[Problem]) -> str:
    """Return the text with line feeds only; what is no text becomes U+FFFD and a problem."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = len(re.findall(rb"\r\n|\r|\n", data[: error.start])) + 1
        what = f"byte 0x{data[error.start]:02X} is not UTF-8; what cannot be read is shown as \ufffd"
        problems.append(Problem("not-utf8", what, line, help="save the file as UTF-8"))
        text = data.decode("utf-8-sig", "replace")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        problems.append(Problem("nul", "a NUL character stands here; it is read as \ufffd", line))
        text = text.replace("\0", "\ufffd")
    return text


def _refuse_long(text: str, path: str) -> None:
    count = text.count("\n")
    if count > LINES_MAX:
        raise ChecklistError(
            f"the file has {count:,} lines; at most {LINES_MAX:,} are read",
            where=Place(path, LINES_MAX + 1),
            help="split the checklist, and keep data in files of its own",
        )


def _read(lines: list[str], path: str, draft: Draft) -> tuple[Section, ...]:
    start = front_matter_end(lines)
    named = ""
    if start:
        front, problems = read_front_matter(lines, start, path)
        draft.problems += problems
        draft.add_metadata(front.metadata.items())
        draft.variables, draft.cwd = front.variables, front.cwd
        draft.carry = front.carry is not False
        named = front.metadata.get("title", "") or front.metadata.get("name", "")
    parsed = parse_blocks(lines, start)
    walk = Walk(parsed, lines, path, draft)
    walk.run()
    own_title = walk.title_section.title if walk.title_section is not None else ""
    draft.title = own_title or plain_title(named)
    damage = damage_in(parsed, lines)
    _refuse_lost_facts(damage, lines, path)
    draft.problems += damage[:PROBLEMS_MAX]
    sections = finished(draft, lines)
    if not draft.steps:
        what = "there are no tasks in it" if lines else "the file is empty"
        help = "a task is a list item that begins with a tick box: `- [ ] Stop the app`"
        draft.problems.append(Problem("no-steps", what, 1, help=help))
    return sections


def _refuse_lost_facts(damage: list[Problem], lines: list[str], path: str) -> None:
    """Refuse a `yaml step` fence that is text: what it says (that a step is not to be run) must not get lost."""
    for problem in damage:
        if problem.rule in ("fence-in-text", "fence-in-html", "fence-indented"):
            source = lines[problem.line - 1]
            if _STEP_FENCE.search(source):
                place = Place(path, problem.line, len(source) - len(source.lstrip()) + 1, source)
                raise ChecklistError(problem.message, where=place, help=problem.help)
