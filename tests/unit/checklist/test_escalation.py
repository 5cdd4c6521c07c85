"""Whom to turn to when it goes wrong is found by its heading, in Markdown and YAML alike."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.shared import seed

from orion_deploy.checklist.escalation import Escalation, escalations, is_escalation
from orion_deploy.checklist.read import load

CHECKLISTS = Path(__file__).parents[3] / "checklists"


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Emergency Contacts", True),
        ("📞 Contacts", True),
        ("Escalation path", True),
        ("On-call", True),
        ("7. In case of emergency", True),
        ("If it goes badly wrong", True),
        ("If something goes wrong", True),
        ("Need help?", True),
        ("Whom to call", True),
        ("紧急联系人", True),
        ("Deployment", False),
        ("The contact form", False),
        ("Emergency release of the shop", False),
        ("Right and wrong ways to deploy", False),
        ("De-escalated alerts", False),
        ("Help texts", False),
    ],
)
def test_a_heading_tells(title: str, expected: bool) -> None:
    """Contacts, escalation, emergency, on call, what to do if it goes wrong; not every heading with such a word."""
    assert is_escalation(title) is expected


def test_the_seed_says_it_in_its_own_words() -> None:
    """The team's checklist, unmodified: its emergency contacts, whole."""
    (found,) = escalations(load(seed())[0])
    assert found.title == "Emergency Contacts"
    assert "Execute rollback procedure immediately" in found.text
    assert "Check GitHub Issues" in found.text


def test_the_bundled_checklist_says_it_in_both_formats() -> None:
    """Markdown and YAML give the same."""
    found = [escalations(load(CHECKLISTS / f"0001_add_active_request.{end}")[0]) for end in ("md", "yaml")]
    assert [each.title for each in found[0]] == ["If it goes badly wrong"]
    assert found[0] == found[1]


def test_what_stands_below_counts_and_what_is_worked_through_does_not(tmp_path: Path) -> None:
    """Sections under the heading are told with it; one with steps, a way back and an empty one are none."""
    path = tmp_path / "book.md"
    path.write_text(
        "# R\n\n## Contacts\n\n### Database\n\nAnn, 4711\n\n### Network\n\n"
        "## Emergency contacts to tell\n\n- [ ] Tell Ann\n\n## Rollback: whom to call\n\nCall Bob\n"
    )
    assert escalations(load(path)[0]) == (Escalation("Database", "Ann, 4711"),)
