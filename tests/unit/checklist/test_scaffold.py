"""A new checklist is sound from its first line, and shows what there is."""

from __future__ import annotations

import pytest

from orion_deploy.checklist.calls import check_calls
from orion_deploy.checklist.convert import difference
from orion_deploy.checklist.lint import lint
from orion_deploy.checklist.model import SectionKind
from orion_deploy.checklist.read import read
from orion_deploy.checklist.scaffold import file_name_of, scaffold, title_of
from orion_deploy.errors import OrionError


@pytest.mark.parametrize("name", ["release", "release_2-app.md", "x*y [a] #1", "caf\u00e9", "Orion 1.2"])
def test_it_has_no_findings_whatever_its_name(name: str) -> None:
    """No rule finds anything, every typed step is sound, and it converts without loss."""
    from orion_deploy.kinds.registry import is_action, validate

    text = scaffold(name)
    checklist = read(text.encode(), "new.md")
    assert checklist.title == title_of(name)
    assert checklist.problems == ()
    assert lint(checklist, text) == ()
    assert list(check_calls(checklist, validate, text, is_action)) == []
    again = scaffold(name, "yaml")
    assert difference(checklist, read(again.encode(), "new.yaml")) == ""
    assert lint(read(again.encode(), "new.yaml"), again) == ()


def test_it_shows_what_there_is() -> None:
    """A person's step, a command, a check, an action, a rollback, criteria, a note, and comments that teach."""
    text = scaffold("release")
    checklist = read(text.encode(), "new.md")
    kinds = {step.kind for _, step in checklist.walk()}
    assert {"manual", "command", "process.stop", "files.closed"} <= kinds
    sections = {section.kind for section in checklist.walk_sections()}
    assert {SectionKind.STEPS, SectionKind.ROLLBACK, SectionKind.CRITERIA, SectionKind.NOTES} <= sections
    assert any(step.tags for _, step in checklist.walk())
    assert any(step.mandatory for _, step in checklist.walk())
    assert text.count("<!--") >= 4
    assert len(text.split("\n")) < 120


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("release_2-app.md", "release-2-app.md"),
        ("Orion 1.2", "orion-1.2.md"),
        ("../../etc/passwd", "passwd.md"),
        ("a/b", "b.md"),
    ],
)
def test_the_file_name_is_made_of_the_words(name: str, file: str) -> None:
    """The file's name is safe: words, hyphens, one ending, no folder."""
    assert file_name_of(name) == file


@pytest.mark.parametrize("name", ["", " ", "/", "--", "a\x1b[2J", "\u202e", "x" * 200])
def test_what_is_no_name_is_refused(name: str) -> None:
    """Nothing visible, something hidden, or too long."""
    with pytest.raises(OrionError):
        scaffold(name)
