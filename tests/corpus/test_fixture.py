"""A whole checklist of our own: everything that prose can say is read, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from orion_deploy.checklist.model import Checklist, Role, Section, SectionKind, Step
from orion_deploy.checklist.read import load

FIXTURE = Path(__file__).parent / "fixtures" / "library.md"


@pytest.fixture(scope="module")
def library() -> Checklist:
    """The fixture as it is read."""
    return load(FIXTURE)[0]


def section(checklist: Checklist, title: str) -> Section:
    """The section of that title."""
    return next(s for s in checklist.walk_sections() if s.title == title)


def step(checklist: Checklist, title: str) -> Step:
    """The first step of that title."""
    return next(s for _, s in checklist.walk() if s.title == title)


def test_title_and_metadata(library: Checklist) -> None:
    """The heading names the checklist; front matter, the lines below it and those at the end are its metadata."""
    assert library.title == "Move the library catalogue to the new index"
    assert dict(library.metadata) == {
        "title": "Not the title, which the heading gives",
        "labels": "catalogue, night",
        "Branch": "Riverside",
        "Risk": "high",
        "Estimated Time": "40 minutes",
        "List Version": "3",
        "Last Updated": "2025-11-02",
    }


def test_sections(library: Checklist) -> None:
    """Headings nest by level; their words say what they are for; sub-headings inherit, gates among criteria do not."""
    found = [(s.level, s.kind, s.title) for s in library.walk_sections()]
    steps, back = SectionKind.STEPS, SectionKind.ROLLBACK
    assert found == [
        (1, steps, "Move the library catalogue to the new index"),
        (2, steps, "Day before"),
        (3, steps, "Try the move on a copy"),
        (2, steps, "Evening"),
        (3, steps, "MANDATORY: close the house (FROST-1 Precaution)"),
        (3, steps, "Move"),
        (2, back, "Way back: revert the move (if needed)"),
        (3, back, "Revert when"),
        (3, back, "Steps"),
        (2, SectionKind.CRITERIA, "Success criteria"),
        (3, SectionKind.GATES, "Gates to the second floor"),
        (2, steps, "Who helps"),
        (2, SectionKind.NOTES, "Notes"),
    ]
    assert library.sections[0].body == "Everybody in the reading room is told a week before."


def test_tasks_and_numbered_steps(library: Checklist) -> None:
    """Every task is a step where GitHub sees it; on the way back the numbered items are steps, lists of reasons are not."""
    found = [(s.is_task, s.checked, s.depth, s.line, s.title) for _, s in library.walk()]
    assert found == [
        (True, True, 0, 19, "Copy the catalogue"),
        (True, False, 0, 24, "Count the books of the copy"),
        (True, False, 0, 36, "Lock the returns box (MANDATORY)"),
        (True, False, 0, 37, "Ask whether a reader is still inside (CROWD-2)"),
        (True, False, 0, 40, "Print the sign for the door (optional)"),
        (True, False, 0, 41, "Note down the restore command (keep handy)"),
        (True, False, 0, 49, "Stop the lending desk"),
        (True, False, 0, 54, "Move the catalogue to"),
        (True, False, 1, 55, "Check the signatures"),
        (True, False, 1, 59, "Check the covers"),
        (True, False, 0, 63, "Name of the person who moved it: ______"),
        (False, False, 0, 78, "Stop the lending desk"),
        (False, False, 0, 82, "Bring the catalogue back:"),
        (False, False, 0, 93, "Switch the lights on"),
        (True, False, 0, 97, "48,211 books are found"),
        (True, False, 0, 98, "A search takes less than 300 ms"),
        (True, False, 0, 102, "No complaint within a week"),
    ]
    assert section(library, "Revert when").body.splitlines() == [
        "1. Readers cannot be found",
        "2. The index is slower than 300 ms",
    ]
    assert section(library, "Who helps").steps == ()


def test_kinds_of_steps(library: Checklist) -> None:
    """What a step is follows from its blocks: a command, a reference that is kept, a choice, or nothing to run."""
    kinds = {s.title: s.kind for _, s in library.walk()}
    assert kinds["Copy the catalogue"] == "command"
    assert kinds["Note down the restore command (keep handy)"] == "reference"
    assert kinds["Bring the catalogue back:"] == "choice"
    assert kinds["Check the signatures"] == "manual"
    assert kinds["Lock the returns box (MANDATORY)"] == "manual"


def test_code(library: Checklist) -> None:
    """A block belongs to its nearest task; of a console only what stands behind the prompt would run."""
    count = step(library, "Count the books of the copy")
    assert [(b.role, b.script) for b in count.code] == [
        (Role.COMMAND, 'sqlite3 trial.db "SELECT COUNT(*) FROM books;"')
    ]
    assert count.body == "The number stands in the yearly report, too."
    move = step(library, "Move the catalogue to")
    assert [(b.line, b.placeholders) for b in move.code] == [(60, ("<SHELF>",))]
    assert [b.role for b in step(library, "Check the signatures").code] == [Role.SAMPLE]
    assert [b.line for b in section(library, "Move").code] == [65]


def test_choice(library: Checklist) -> None:
    """Two options under one step are a choice: their blocks never run together."""
    choice = step(library, "Bring the catalogue back:")
    assert [(o.number, o.title, o.recommended, o.line) for o in choice.options] == [
        (1, "Carry it back", True, 84),
        (2, "Take yesterday's", False, 89),
    ]
    assert [b.script for b in choice.scripts(1)] == ["mv trial.db catalogue.db"]
    assert [b.script for b in choice.scripts(2)] == ["./restore.sh yesterday"]
    assert choice.scripts(None) == ()
    assert choice.body == ""


def test_marks(library: Checklist) -> None:
    """MANDATORY and tags reach every step under a heading; what is optional is not made mandatory by it."""
    house = section(library, "MANDATORY: close the house (FROST-1 Precaution)")
    assert [(s.mandatory, s.optional, s.tags) for s in house.steps] == [
        (True, False, ("FROST-1",)),
        (True, False, ("FROST-1", "CROWD-2")),
        (False, True, ("FROST-1",)),
        (True, False, ("FROST-1",)),
    ]
    assert dict(library.notes) == {
        "FROST-1": "Cold nights: Below zero the returns box jams",
        "CROWD-2": "Somebody is always asleep in the reading room",
    }
    assert step(library, "Name of the person who moved it: ______").blanks == 1
    assert library.problems == ()


def test_body_keeps_inner_lists(library: Checklist) -> None:
    """Prose of a step is its Markdown, without the margin of the step."""
    inside = step(library, "Ask whether a reader is still inside (CROWD-2)")
    assert inside.body == "- Look into the reading room\n- Look into the `archive`, too"
