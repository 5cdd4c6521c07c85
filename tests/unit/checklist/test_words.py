"""What the words of headings and titles mean, and what they do not mean."""

from __future__ import annotations

import pytest

from orion_deploy.checklist import words
from orion_deploy.checklist.model import SectionKind

STEPS, BACK, CRITERIA, GATES, NOTES = (
    SectionKind.STEPS, SectionKind.ROLLBACK, SectionKind.CRITERIA, SectionKind.GATES, SectionKind.NOTES,
)  # fmt: skip


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Rollback", BACK),
        ("5. Roll back the release", BACK),
        ("🔙 Roll-back plan (if needed)", BACK),
        ("Backing out", BACK),
        ("Back-out procedure", BACK),
        ("Emergency revert", BACK),
        ("回滚方案", BACK),
        ("Rollback criteria", BACK),
        ("Test rollback on a copy", STEPS),
        ("Rollback rehearsal", STEPS),
        ("Prepare the rollback", STEPS),
        ("Verify that the rollback works", STEPS),
        ("Document rollback", STEPS),
        ("Backup", STEPS),
        ("Revenue backlog", STEPS),
        ("Success Criteria", CRITERIA),
        ("Acceptance criteria:", CRITERIA),
        ("Acceptance", CRITERIA),
        ("Definition of done", CRITERIA),
        ("User acceptance testing", STEPS),
        ("Gates to Phase 1:", GATES),
        ("Release gate", GATES),
        ("API gateway", STEPS),
        ("Remove the feature gate", STEPS),
        ("Notes", NOTES),
        ("7. Notes:", NOTES),
        ("General notes", NOTES),
        ("Release notes", STEPS),
        ("Notes for the operator on duty", STEPS),
        ("Deployment", STEPS),
    ],
)
def test_section_kind(title: str, kind: SectionKind) -> None:
    """A heading says what its section is for."""
    assert words.section_kind(title) is kind


def test_sections_inherit() -> None:
    """What stands under the way back is the way back; gates may stand among criteria, the way back anywhere."""
    assert words.section_kind("Success criteria", BACK) is BACK
    assert words.section_kind("Required", CRITERIA) is CRITERIA
    assert words.section_kind("Gates", CRITERIA) is GATES
    assert words.section_kind("Rollback", CRITERIA) is BACK
    assert words.section_kind("More", NOTES) is NOTES
    assert words.section_kind("Deployment", STEPS) is STEPS


@pytest.mark.parametrize(
    ("title", "holds"),
    [
        ("Trigger Rollback If:", True),
        ("When to roll back", True),
        ("Rollback triggers", True),
        ("Turn back when", True),
        ("Rollback decision", True),
        ("Rollback steps (when needed)", False),
        ("Rollback procedure", False),
    ],
)
def test_triggers(title: str, *, holds: bool) -> None:
    """A heading may announce when to go back instead of how."""
    assert words.is_about_triggers(title) is holds


@pytest.mark.parametrize(
    ("title", "mandatory", "optional"),
    [
        ("CRITICAL: MANDATORY STEPS (ELEPHANT-A Mitigation)", True, False),
        ("STOP application BEFORE migration (MANDATORY)", True, False),
        ("Back up (mandatory)", True, False),
        ("Critical: do not skip", True, False),
        ("[CRITICAL] Back up", True, False),
        ("This step is MANDATORY", True, False),
        ("Look for critical errors", False, False),
        ("Zero CRITICAL errors in the log", False, False),
        ("No CRITICAL or HIGH findings", False, False),
        ("Update mandatory fields", False, False),
        ("NON-CRITICAL follow-ups", False, False),
        ("Warm the cache (optional)", False, True),
        ("Rollback Procedure (If Needed)", False, True),
        ("Optional: warm the cache", False, True),
        ("Send mail (optional, but nice)", False, True),
        ("Stop it (if not already stopped)", False, False),
        ("Set the optional flag", False, False),
        ("Check what happens if needed files are missing", False, False),
    ],
)
def test_necessity(title: str, *, mandatory: bool, optional: bool) -> None:
    """MANDATORY and CRITICAL are commands, not subjects; `(optional)` and `(if needed)` are asides."""
    assert words.necessity(title, None, None) == (mandatory, optional)


def test_necessity_is_handed_down() -> None:
    """A block's own key is louder than the title, the title louder than the headings above."""
    assert words.necessity("a", None, None, inherits_mandatory=True) == (True, False)
    assert words.necessity("a (optional)", None, None, inherits_mandatory=True) == (False, True)
    assert words.necessity("a", False, None, inherits_mandatory=True) == (False, False)
    assert words.necessity("a", None, True, inherits_mandatory=True) == (False, True)
    assert words.necessity("a", None, None, inherits_optional=True) == (False, True)
    assert words.necessity("a MANDATORY", None, None, inherits_optional=True) == (True, False)
    assert words.necessity("a (optional)", True, None) == (True, True)


def test_tags() -> None:
    """A tag stands in brackets and has a note; it is found among other words, and once."""
    notes = {"TIGER-B": "", "ELEPHANT-A": "", "X_1": ""}
    assert words.tags_in(["Open (ELEPHANT-A Mitigation)", "Size (TIGER-B, ELEPHANT-A) [X_1]"], notes) == (
        "ELEPHANT-A",
        "TIGER-B",
        "X_1",
    )
    assert words.tags_in(["TIGER-B without brackets", "(TIGER-BB) (A-TIGER-B) (OTHER-1)"], notes) == ()


@pytest.mark.parametrize(
    ("source", "note"),
    [
        ("**TIGER-B (Index Size Check):** If large, wait", ("TIGER-B", "Index Size Check: If large, wait")),
        ("**RISK-1:** text\nmore", ("RISK-1", "text\nmore")),
        ("RISK_1: text", ("RISK_1", "text")),
        ("**RISK-1**: text", ("RISK-1", "text")),
        ("**NOTE:** text", None),
        ("**Important:** text", None),
        ("RISK-1 without a colon", None),
        ("plain text", None),
    ],
)
def test_notes(source: str, note: tuple[str, str] | None) -> None:
    """A note is a tag in capitals with a hyphen, a colon, and its text."""
    assert words.note_in(source) == note


@pytest.mark.parametrize(
    ("title", "number", "rest", "recommended"),
    [
        ("Option 1: Restore backup (Recommended)", 1, "Restore backup", True),
        ("Option 2 - Run the migration down", 2, "Run the migration down", False),
        ("Option B) Wait", 2, "Wait", False),
        ("Method 3 (preferred)", 3, "", True),
        ("方案1：恢复备份（推荐）", 1, "恢复备份", True),
        ("Option 2: Restore (not recommended)", 2, "Restore (not recommended)", False),
    ],
)
def test_options(title: str, number: int, rest: str, *, recommended: bool) -> None:
    """An option has a number, a title without its mark, and may be recommended."""
    option = words.option_in(title, 7)
    assert option is not None
    assert (option.number, option.title, option.recommended, option.line) == (number, rest, recommended, 7)


@pytest.mark.parametrize(
    "title",
    ["Optional: wait", "Option 1 is better than option 2", "Options:", "Option zero: a", "Option 0: a"],
)
def test_no_options(title: str) -> None:
    """Talk about options is none."""
    assert words.option_in(title, 1) is None


@pytest.mark.parametrize(
    ("text", "blanks"),
    [
        ("Name: ____ Date: ______", 2),
        (r"Name: \_\_\_\_", 1),
        ("snake__case __init__ a___b", 0),
        ("none", 0),
        ("___", 1),
    ],
)
def test_blanks(text: str, blanks: int) -> None:
    """Three underscores or more that belong to no word are a blank to fill in."""
    assert words.blanks_in(text) == blanks


@pytest.mark.parametrize(
    ("title", "kept"),
    [
        ("Document rollback command (keep handy)", True),
        ("Document the rollback commands", True),
        ("Save the following restore command", True),
        ("Write down the commands", True),
        ("Useful queries, for reference", True),
        ("Commands for quick reference", True),
        ("Keep this handy: the way back", True),
        ("Save database backup", False),
        ("Save the output of the command", False),
        ("Save command output", False),
        ("Document current version", False),
        ("Run the command and document its result", False),
        ("Record the number of rows", False),
        ("Keep the old version running", False),
        ("Update the reference data", False),
        ("Check the cross-reference table", False),
    ],
)
def test_kept_for_reference(title: str, *, kept: bool) -> None:
    """Only a title that asks to keep a command keeps its block from running."""
    assert words.is_kept_for_reference(title) is kept


@pytest.mark.parametrize(
    ("comment", "kept"),
    [
        ("Save this command for quick rollback if needed", True),
        ("Keep these at hand", True),
        ("For reference", True),
        ("Do not run this now", True),
        ("Don't run this command unless the migration failed", True),
        ("Don't run this as root", False),
        ("Do not run as root", False),
        ("Copy these lines", True),
        ("Copy this file to the server", False),
        ("Keep this window open", False),
        ("Kill if necessary", False),
        ("Save this output for the report", False),
        ("Copy production DB", False),
        ("Keep going until it is empty", False),
        ("Run this on the primary", False),
    ],
)
def test_reference_comments(comment: str, *, kept: bool) -> None:
    """A comment that asks to keep a block keeps it from running; others do not."""
    assert words.is_reference_comment(comment) is kept
