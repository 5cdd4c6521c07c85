"""The time that a criterion's words say must pass: found where it is said, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.shared import shared

from orion_deploy.checklist.model import SectionKind
from orion_deploy.checklist.read import load
from orion_deploy.checklist.waits import WAIT_S_MAX, WAIT_S_MIN, stated_wait, wait_of

HOUR_S = 3600.0


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("No user-reported issues after 24 hours", 24),
        ("Zero database migration errors in logs (monitor 24h)", 24),
        ("Required (within 24h monitoring period):", 24),
        ("Post-Deployment (Monitor for 24 Hours)", 24),
        ("No complaints in 24 hours", 24),
        ("Error rate stable over 24 hours", 24),
        ("Monitored for at least 30 minutes", 0.5),
        ("24-hour soak test passed", 24),
        ("48h monitoring window is clean", 48),
        ("No P1 incidents during the first 72 hours", 72),
        ("Memory stable over a 24 hour period", 24),
        ("System stays up for two weeks without restart", 14 * 24),
        ("Uptime 99.9% over one week", 7 * 24),
        ("No customer complaints within 24h of the release", 24),
        ("Latency remains below 200 ms for 1 hour", 1),
        ("No errors after 1 hour, none after 24 hours", 24),
    ],
)
def test_a_time_that_must_pass_is_found(text: str, hours: float) -> None:
    """What is watched, stays away or stays as it is for a time can be told only after it; the longest counts."""
    found = stated_wait(text)
    assert found is not None
    assert found.wait_s == hours * HOUR_S
    assert found.words in text


@pytest.mark.parametrize(
    "text",
    [
        "Migration completed in <30 seconds",
        "Sessions expire after 30 minutes of inactivity",
        "Requesters will be notified within 24 hours.",
        "Rollback completes within 15 minutes",
        "Deployment completed within 30 minutes",
        "Keys rotated within last 7 days",
        "No unresolved Sev1 older than one day",
        "Test restored in 2 hours",
        "Backups run every 24 hours",
        "1 day before event, the cluster is scaled up",
        "Cache refreshed after 10 minutes",
        "Registry restore <100ms on app startup",
        "Alerts fire within 5 minutes",
        "P0 bugs fixed within 24 hours",
        "The job takes over 2 hours",
        "Users are logged out after 15 minutes",
        "Zero-downtime deployment finished in 10 minutes",
        "No request takes longer than 2 minutes",
        "Cron runs without errors every 5 minutes",
        "Monitor and alert on unusual patterns (time, volume)",
        "No errors after 5 seconds",
        "No errors for 9000 days",
        "",
        "no errors for 24 hours " * 100,
    ],
)
def test_other_times_are_none(text: str) -> None:
    """What something may take, an age, an interval, and times beyond all sense ask nobody to wait."""
    assert stated_wait(text) is None


def test_the_time_of_a_section_is_firm_only_for_what_stays_away_or_as_it_is() -> None:
    """What happens once can be told at once; the step's own words always count, and the nearest section first."""
    section = "Required (within 24h monitoring period)"
    once = wait_of("Test message completes", section)
    stays = wait_of('Zero "Failed to restore" errors', section)
    own = wait_of("No issues after 48 hours", section)
    assert (once, stays, own) != (None, None, None)
    assert once is not None
    assert not once.is_firm
    assert stays is not None
    assert stays.is_firm
    assert own is not None
    assert own.wait_s == 48 * HOUR_S
    assert own.is_firm
    nearest = wait_of("It works", "Monitor for 1 hour", section)
    assert nearest is not None
    assert nearest.wait_s == HOUR_S
    assert wait_of("It works", "Success criteria") is None


def test_no_false_alarm_on_real_checklists() -> None:
    """In what others wrote, only what is to be watched for a time is found, and in the seed exactly its 24 hours."""
    found = []
    for path in sorted((*shared("corpus").glob("*.md"), *shared("seed").glob("*.md"))):
        checklist, _ = load(path)
        texts = [step.title for _, step in checklist.walk()]
        texts += [section.title for section in checklist.walk_sections()]
        found += [text for text in texts if stated_wait(text) is not None]
    assert all("onitor" in text or "24 hours" in text for text in found), found
    late = [t for t in found if "issues" in t or "errors in logs" in t]
    assert len(found) == 5
    assert len(late) == 2


def test_the_seed_says_24_hours_where_it_does() -> None:
    """Of the seed's criteria and gates these four wait firmly; the others can be told sooner."""
    (path,) = shared("seed").glob("*.md")
    checklist, _ = load(path)
    firm = []
    for section in checklist.walk_sections():
        if section.kind in (SectionKind.CRITERIA, SectionKind.GATES):
            for step in section.steps:
                found = wait_of(step.title, section.title)
                if found is not None and found.is_firm:
                    assert found.wait_s == 24 * HOUR_S
                    firm.append(step.title[:14])
    assert firm == ['Zero "Failed t', "No user-report", "Memory usage s", "Zero database "]


@given(st.text(max_size=1200))
def test_any_text_is_read_in_bounds(text: str) -> None:
    """Whatever is written: no error, and a time within its bounds or none."""
    found = stated_wait(text)
    assert found is None or WAIT_S_MIN <= found.wait_s <= WAIT_S_MAX
