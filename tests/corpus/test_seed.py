"""The seed, the team's own deployment checklist, comes out wholly right (it is no part of the project)."""

from __future__ import annotations

import pytest
from support.shared import seed

from orion_deploy.checklist.expectations import expectations_of
from orion_deploy.checklist.model import Checklist, Role, SectionKind, Step
from orion_deploy.checklist.read import load


@pytest.fixture
def checklist() -> Checklist:
    """The seed as it is read."""
    return load(seed())[0]


def steps_of(checklist: Checklist, kind: SectionKind) -> list[Step]:
    """The steps in sections of one kind."""
    return [step for section, step in checklist.walk() if section.kind is kind]


def named(checklist: Checklist, title: str) -> Step:
    """The first step of that title."""
    return next(step for _, step in checklist.walk() if step.title == title)


def test_front_and_back(checklist: Checklist) -> None:
    """Title and all seven facts, above and below."""
    assert checklist.title == "Database Migration Deployment Checklist"
    assert dict(checklist.metadata) == {
        "Phase": "Phase 0 - Concurrent Sessions Foundation",
        "Migration": "0001_add_active_request",
        "Risk Level": "MEDIUM",
        "Estimated Time": "15-30 minutes",
        "Deployment Checklist Version": "1.0",
        "Last Updated": "2026-01-29",
        "Related Plan": "Phase 0 - Concurrent Sessions Foundation",
    }
    assert checklist.problems == ()


def test_sections(checklist: Checklist) -> None:
    """Every heading with what it is for."""
    assert [(s.level, s.kind.value, s.title) for s in checklist.walk_sections()] == [
        (2, "steps", "Pre-Deployment (Dev Environment)"),
        (3, "steps", "Test Migration on Production Database Copy"),
        (2, "steps", "Pre-Deployment (Production)"),
        (3, "steps", "CRITICAL: MANDATORY STEPS (ELEPHANT-A Mitigation)"),
        (2, "steps", "Deployment"),
        (2, "steps", "Post-Deployment (Monitor for 24 Hours)"),
        (3, "steps", "Monitoring Checklist"),
        (2, "rollback", "Rollback Procedure (If Needed)"),
        (3, "rollback", "Trigger Rollback If:"),
        (3, "rollback", "Rollback Steps"),
        (2, "criteria", "Success Criteria"),
        (3, "criteria", "Required (within 24h monitoring period):"),
        (3, "gates", "Gates to Phase 1:"),
        (2, "steps", "Emergency Contacts"),
        (2, "notes", "Notes"),
    ]


def test_counts(checklist: Checklist) -> None:
    """31 tasks; 5 numbered steps back; 7 criteria; 5 gates; 3 notes; every block in its place."""
    tasks = [step for _, step in checklist.walk() if step.is_task]
    assert (len(tasks), any(step.checked for step in tasks)) == (31, False)
    assert [step.title for step in steps_of(checklist, SectionKind.ROLLBACK)] == [
        "Stop application",
        "Choose rollback method:",
        "Verify rollback",
        "Restart application",
        "Verify single-session mode works",
    ]
    assert len(steps_of(checklist, SectionKind.CRITERIA)) == 7
    assert len(steps_of(checklist, SectionKind.GATES)) == 5
    assert list(checklist.notes) == ["TIGER-B", "ELEPHANT-A", "ELEPHANT-B"]
    assert checklist.notes["TIGER-B"].startswith("Index Size Check: If table has >10k rows")
    assert not any(section.code for section in checklist.walk_sections())
    roles = [block.role.value for _, step in checklist.walk() for block in step.code]
    assert {role: roles.count(role) for role in set(roles)} == {
        "command": 15,
        "reference": 1,
        "instruction": 4,
    }


def test_triggers_and_contacts_are_prose(checklist: Checklist) -> None:
    """Reasons to turn back stay with their heading; the numbered list of contacts is nothing to run."""
    trigger = next(s for s in checklist.walk_sections() if s.title == "Trigger Rollback If:")
    assert trigger.body.splitlines()[0] == "- Migration fails with timeout"
    assert len(trigger.body.splitlines()) == 5
    contacts = next(s for s in checklist.walk_sections() if s.title == "Emergency Contacts")
    assert (contacts.steps, contacts.code) == ((), ())
    assert "1. Execute rollback procedure immediately" in contacts.body


def test_mandatory_and_tags(checklist: Checklist) -> None:
    """The heading makes its seven steps mandatory and hands them its tag; a title adds its own."""
    mandatory = [step for _, step in checklist.walk() if step.mandatory]
    assert len(mandatory) == 7
    assert all("ELEPHANT-A" in step.tags for step in mandatory)
    assert named(checklist, "Check table size before migration (TIGER-B)").tags == ("ELEPHANT-A", "TIGER-B")
    assert [s.title for _, s in checklist.walk() if s.tags] == [s.title for s in mandatory]


@pytest.mark.hazard('a rollback command "kept at hand" in a block', half="ours")
def test_reference_is_never_run(checklist: Checklist) -> None:
    """The step that documents the rollback command shows it and runs nothing."""
    step = named(checklist, "Document rollback command (keep handy)")
    assert (step.kind, step.scripts(), step.code[0].role) == ("reference", (), Role.REFERENCE)
    assert step.code[0].script.endswith("0001_add_active_request_down.sql")


def test_choice(checklist: Checklist) -> None:
    """Two ways back, one of them recommended; each with its own command."""
    choice = named(checklist, "Choose rollback method:")
    assert [(o.number, o.title, o.recommended) for o in choice.options] == [
        (1, "Restore backup", True),
        (2, "Run rollback migration", False),
    ]
    assert [block.option for block in choice.code] == [1, 2]


def test_expectations(checklist: Checklist) -> None:
    """What the comments announce, with the line of each."""
    found = {
        step.title: [(e.matcher, e.value, e.line) for e in expectations_of(step)]
        for _, step in checklist.walk()
        if expectations_of(step)
    }
    assert found == {
        "Verify no active sessions": [("number", "== 0", 77)],
        "Run migration with timeout": [("number", "== 0", 105)],
        "Verify migration success": [
            ("regex", r"active_request_id\s*\|\s*TEXT", 112),
            ("contains", "idx_conversations_active_request", 116),
            ("number", "== 1", 120),
        ],
        "Verify rollback": [("prose", "", 197), ("nothing", "", 199)],
    }


def test_ids_are_short_words(checklist: Checklist) -> None:
    """Ids are made of the headings' and the title's own words."""
    ids = [step.id for _, step in checklist.walk()]
    assert len(set(ids)) == len(ids)
    assert "deployment.run-migration-with-timeout" in ids
    assert "rollback-procedure-if-needed.rollback-steps.verify-rollback" in ids
