"""Write the keys that findings propose into the file: only those that say what is so already, and nothing else.

A `yaml step` block is put before a step's first code, or the keys into the block that is there; in a YAML
file the keys come below the title. What was written is read back: a fix that changes anything but the facts
of its step is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from orion_deploy.checklist.lint.finding import Finding
from orion_deploy.checklist.model import Checklist, Role, Step
from orion_deploy.checklist.read import read
from orion_deploy.errors import ChecklistError

_ITEM = re.compile(r"(?P<before>[ \t>]*)(?P<marker>[-*+]|\d{1,9}[.)])(?P<gap> {1,4})(?=\S)")
_YAML_TITLE = re.compile(r"(?P<before> *)- +title:\s+\S")
_MARGIN = re.compile(r"[ \t>]*")

Insertion = tuple[int, list[str]]
"""Lines to put before the line of this 0-based number."""


def fix(text: str, findings: Iterable[Finding]) -> str:
    """Return the file's text with the keys that `findings` propose; unchanged where there are none.

    `findings` are those of `lint` for this very text. Raises ChecklistError when the text cannot be read.
    """
    found = list(findings)
    wanted = _wanted(found)
    if not wanted:
        return text
    path = found[0].place.path
    checklist = read(text.encode("utf-8", "surrogatepass"), path)
    ending = "\r\n" if "\r\n" in text else "\n"
    if text.count("\r") != (text.count("\n") if ending == "\r\n" else 0):
        return text  # line ends of several kinds: they would not stay what they are
    lines = text.replace("\r\n", "\n").split("\n")
    steps = {step.id: step for _, step in checklist.walk()}
    insertions = {
        name: insertion
        for name, keys in wanted.items()
        if name in steps and (insertion := _insertion(checklist, steps[name], keys, lines)) is not None
    }
    fixed = _with(lines, insertions.values())
    if not _is_same(checklist, fixed, path):
        insertions = {n: i for n, i in insertions.items() if _is_same(checklist, _with(lines, [i]), path)}
        fixed = _with(lines, insertions.values())
    return fixed.replace("\n", ending) if _is_same(checklist, fixed, path) else text


def _wanted(findings: Sequence[Finding]) -> dict[str, dict[str, str]]:
    """Return the keys for each step; the first finding that proposes a key wins."""
    wanted: dict[str, dict[str, str]] = {}
    for finding in findings:
        if finding.step and finding.fix:
            keys = wanted.setdefault(finding.step, {})
            for key, value in finding.fix.items():
                keys.setdefault(key, value)
    return wanted


def _insertion(
    checklist: Checklist, step: Step, keys: Mapping[str, str], lines: list[str]
) -> Insertion | None:
    said = [f"{key}: {value}" for key, value in keys.items()]
    if checklist.source == "yaml":
        title = _YAML_TITLE.match(lines[step.line - 1])
        if title is None:
            return None
        return step.line, [f"{title['before']}  {line}" for line in said]
    block = next((block for block in step.code if block.role is Role.STEP), None)
    if block is not None:
        return block.line, [_margin(lines[block.line - 1]) + line for line in said]
    fenced = ["```yaml step", *said, "```"]
    if step.options:
        at = step.options[0].line - 1
        return at, [_margin(lines[at]) + line for line in fenced] + [_margin(lines[at]).rstrip()]
    if step.code:
        at = step.code[0].line - 1
        if not lines[at].lstrip(" \t>").startswith(("```", "~~~")):
            return None
        return at, [_margin(lines[at]) + line for line in fenced]
    return _below_title(step, fenced, lines)


def _below_title(step: Step, fenced: list[str], lines: list[str]) -> Insertion | None:
    item = _ITEM.match(lines[step.line - 1])
    if item is None:
        return None
    margin = item["before"] + " " * len(item["marker"] + item["gap"])
    following = lines[step.line] if step.line < len(lines) else ""
    if following.strip(" \t>") and _ITEM.match(following) is None:
        return None  # the title goes on there
    return step.line, [margin + line for line in fenced]


def _margin(line: str) -> str:
    match = _MARGIN.match(line)
    return match[0] if match is not None else ""


def _with(lines: list[str], insertions: Iterable[Insertion]) -> str:
    result = list(lines)
    for at, new in sorted(insertions, key=lambda insertion: insertion[0], reverse=True):
        result[at:at] = new
    return "\n".join(result)


def _is_same(checklist: Checklist, text: str, path: str) -> bool:
    """Whether a text says the same steps, prose and code, facts and ids apart from stated ones aside."""
    try:
        again = read(text.encode("utf-8", "surrogatepass"), path)
    except ChecklistError:
        return False
    return _shape(checklist) == _shape(again)


def _shape(checklist: Checklist) -> list[object]:
    shape: list[object] = [checklist.title, dict(checklist.metadata), checklist.variables == ()]
    shape += [(section.id, section.body) for section in checklist.walk_sections()]
    for section, step in checklist.walk():
        code = [(b.language, b.text, b.option) for b in step.code if b.role is not Role.STEP]
        shape.append(
            (section.id, step.id, step.depth, step.title, step.body, code, step.options and len(step.options))
        )
    return shape
