"""Whatever stands in a Markdown file: it loads, or there is one clear error; and what loads is consistent."""

from __future__ import annotations

import json
import os
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.bad_checklists.large_files import LARGE, TOO_LARGE

from orion_deploy.checklist.model import Checklist, Role
from orion_deploy.checklist.read import load, read
from orion_deploy.checklist.show import to_json, to_text
from orion_deploy.errors import ChecklistError

EXAMPLES = int(os.environ.get("ORION_FUZZ_EXAMPLES", "200"))
"""The long form: `ORION_FUZZ_EXAMPLES=100000 pytest tests/unit/checklist/test_markdown_hostile.py`."""

PIECES = st.sampled_from(
    ["- [ ] ", "- [x] ", "1. ", "> ", "```", "```sh", "```yaml step", "~~~", "id: a", "needs: b", "kind: rollback", "check: x.y",
     "# ", "## Rollback", "## Notes", "- **T-1:** n", "(T-1)", "**K:** v", "Option 1: a", "Option 2: b", "---", "variables:",
     "$ ls", "# should return 0", "<VERSION>", "____", "  ", "    ", "\t", "\r", "\0", "\x1b[31m", "\u202e", "\ufeff", "é检",
     "<!--", "-->", "<details>", "| a |", "|-|", "*", "`", "[a]: b", "[a]", "MANDATORY", "(optional)", "\ud800"]
)  # fmt: skip
LINES = st.lists(st.lists(PIECES, max_size=4).map("".join), max_size=25)
TEXTS = st.one_of(LINES.map("\n".join), st.text(max_size=400))


def check(checklist: Checklist, lines: int) -> None:
    """What holds for every checklist: places within the file, ids unique, depth as nested, shown without fault."""
    ids = [step.id for _, step in checklist.walk()]
    assert len(set(ids)) == len(ids)
    sections = [section.id for section in checklist.walk_sections()]
    assert len(set(sections)) == len(sections)
    for section, step in checklist.walk():
        assert step.id
        assert 1 <= step.line <= lines
        assert section.line <= lines
        assert all(inner.depth == step.depth + 1 and inner.line >= step.line for inner in step.steps)
        assert not any(block.role is Role.STEP for block in step.scripts())
        assert {block.option for block in step.code} <= {None, *(option.number for option in step.options)}
        assert (step.kind == "choice") <= (len(step.options) > 1)
        assert all(1 <= block.line <= lines for block in step.code)
        assert "\0" not in step.title + step.body
    assert all(step.depth == 0 for section in checklist.walk_sections() for step in section.steps)
    assert all(1 <= problem.line <= max(lines, 1) for problem in checklist.problems)


def check_shown(checklist: Checklist) -> None:
    """It can be shown, and nothing of it acts upon a terminal."""
    json.dumps(to_json(checklist))
    assert "\x1b" not in to_text(checklist)


@settings(max_examples=EXAMPLES, deadline=None)
@given(TEXTS)
def test_any_text(text: str) -> None:
    """Any text loads and is consistent, or is refused with a place in the file."""
    data = text.encode("utf-8", "surrogatepass")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
    try:
        checklist = read(data, "plan.md")
    except ChecklistError as error:
        place = error.where
        checklist = None
    if checklist is not None:
        check(checklist, lines)
        check_shown(checklist)
    else:
        assert place is not None
        assert 1 <= place.line <= lines


@settings(max_examples=EXAMPLES // 4, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    """Any bytes load, or are refused."""
    try:
        checklist = read(data, "plan.md")
    except ChecklistError:
        return
    check(checklist, data.count(b"\n") + data.count(b"\r") + 1)


SECONDS_MAX = 6.0
"""Ten times what the slowest takes on a slow machine: a trap would take minutes."""


@pytest.mark.parametrize("name", LARGE)
def test_large_files(name: str) -> None:
    """No shape of file is a trap: each loads in about a second."""
    data = LARGE[name]()
    begin = time.process_time()
    checklist = read(data, "plan.md")
    assert time.process_time() - begin < SECONDS_MAX
    check(checklist, data.count(b"\n") + data.count(b"\r") + 1)


@pytest.mark.parametrize("name", TOO_LARGE)
def test_what_is_too_large_is_one_clear_error(name: str) -> None:
    """More bytes, lines, sections or steps than anyone works through are refused, with what to do, in about a second."""
    make, words = TOO_LARGE[name]
    data = make()
    begin = time.process_time()
    with pytest.raises(ChecklistError) as raised:
        read(data, "plan.md")
    assert time.process_time() - begin < SECONDS_MAX
    assert words in raised.value.what
    assert "split" in raised.value.help
    assert raised.value.where is not None


def test_the_largest_file(tmp_path: object) -> None:
    """A file just below the cap is read, whatever stands in it."""
    from pathlib import Path

    path = Path(str(tmp_path)) / "plan.md"
    path.write_bytes(b"- [ ] a\n\n" * 10_000 + b"x" * 15_000_000)
    assert sum(1 for _ in load(path)[0].walk()) == 10_000
