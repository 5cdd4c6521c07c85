"""The team's own checklist: every dangerous line is found, and what is proposed instead is sound."""

from __future__ import annotations

import re
import time

import pytest
from support.shared import seed, shared

from orion_deploy.checklist.facts import parse_step_facts
from orion_deploy.checklist.lint import Finding, Severity, lint
from orion_deploy.checklist.lint.fix import fix
from orion_deploy.checklist.read import read

EXPECTED = [
    # words of a line of the seed, which of its occurrences, the rules that must find it
    ("cp ~/Orion/data/orion.db ~/Orion/data/orion-backup-$(date +%Y%m%d).db", 1, {"live-copy", "backup-by-day"}),
    ("sqlite3 ~/Orion/data/orion.db < src/db/migrations/0001_add_active_request_up.sql", 1, {"copy-is-original", "sqlite-goes-on"}),
    ("sqlite3 ~/Orion/data/orion.db < src/db/migrations/0001_add_active_request_down.sql", 1, {"copy-is-original", "sqlite-goes-on"}),
    ('pgrep -f orion && echo "ERROR: Orion is running', 1, {"process-pattern"}),
    ("pkill -SIGTERM -f orion", 1, {"process-pattern"}),
    ("sleep 2", 1, {"kill-then-sleep"}),
    ('pgrep -f orion && echo "ERROR: Failed to stop', 1, {"process-pattern", "guard-last"}),
    ("lsof ~/Orion/data/orion.db", 1, {"open-files", "guard-last"}),
    ("# If >10k rows", 1, {"guessed-duration"}),
    ("WHERE active_request_id IS NOT NULL", 1, {"column-absent"}),
    ("# Should return 0", 1, {"expectation-in-comment"}),
    ("cp ~/Orion/data/orion.db ~/Orion/backups/", 1, {"live-copy"}),
    ("Document rollback command", 1, {"reference-by-words"}),
    ("sqlite3 ~/Orion/data/orion.db < src/db/migrations/0001_add_active_request_down.sql", 2, {"sqlite-goes-on"}),
    ("pkill -f orion", 1, {"process-pattern", "nothing-to-kill"}),
    ("timeout 30s sqlite3", 1, {"sqlite-timeout", "sqlite-goes-on"}),
    ("echo $?", 1, {"echo-status"}),
    ("| grep active_request_id", 1, {"schema-by-grep"}),
    ("Latency degrades (send() >10ms)", 1, {"contradictory-limits"}),
    ("pkill -SIGTERM -f orion", 2, {"process-pattern", "nothing-to-kill"}),
    ("Option 1: Restore backup (Recommended)", 1, {"restore-recommended"}),
    ("cp ~/Orion/backups/orion-pre-migration-*.db", 1, {"restore-by-copy", "restore-glob"}),
    ("sqlite3 ~/Orion/data/orion.db < src/db/migrations/0001_add_active_request_down.sql", 3, {"sqlite-goes-on"}),
    ("| grep active_request_id", 2, {"schema-by-grep", "inverted-grep"}),
    ("Write-behind latency <2ms (p95)", 1, {"contradictory-limits"}),
    ("Memory usage stable (<500MB)", 1, {"contradictory-limits"}),
]  # fmt: skip


def findings() -> tuple[str, tuple[Finding, ...]]:
    """The seed's text, and what lint finds in it."""
    text = seed().read_text("utf-8")
    return text, lint(read(text.encode(), "seed.md"), text)


@pytest.mark.parametrize(("words", "occurrence", "rules"), EXPECTED)
def test_every_dangerous_line_is_found(words: str, occurrence: int, rules: set[str]) -> None:
    """The line is found by the rules that know it, at its number in the file, with its source."""
    text, found = findings()
    numbers = [number for number, line in enumerate(text.split("\n"), start=1) if words in line]
    number = numbers[occurrence - 1]
    on_line = [finding for finding in found if finding.line == number]
    assert rules <= {finding.rule for finding in on_line}
    assert all(words in finding.place.source for finding in on_line)


def test_nothing_but_notes_stands_elsewhere() -> None:
    """No line that is not in the table above is called a danger or a warning."""
    text, found = findings()
    lines = text.split("\n")
    known = {
        [number for number, line in enumerate(lines, start=1) if words in line][occurrence - 1]
        for words, occurrence, _ in EXPECTED
    }
    other = {finding.line for finding in found if finding.severity is not Severity.NOTE} - known
    assert other == set()


def test_what_is_proposed_is_sound() -> None:
    """Each proposed step parses, and its kind takes its parameters."""
    from orion_deploy.kinds.registry import kind_names, validate

    _, found = findings()
    calls = 0
    for finding in found:
        if re.match(r"(?:check|action|expect|reference|confirm|interactive):", finding.instead):
            call = parse_step_facts(finding.instead, "a.md", 1).facts.call
            if call is not None and call.name in kind_names():
                assert validate(call) == [], finding.instead
                calls += 1
    assert calls > 20


def test_fixing_writes_what_is_so_already_and_nothing_else() -> None:
    """Three blocks are written; the fixed file has fewer findings, the same steps, and nothing more to fix."""
    text, found = findings()
    fixed = fix(text, found)
    assert fixed.count("```yaml step") == 3
    assert "```yaml step\n  reference: true\n  ```" in fixed
    assert re.sub(r" *```yaml step\n.*\n *```\n", "", fixed) == text
    again = lint(read(fixed.encode(), "seed.md"), fixed)
    assert len(again) == len(found) - 3
    assert fix(fixed, again) == fixed


def test_public_checklists_raise_few_alarms() -> None:
    """Checklists of other projects, which nobody wrote for us, hold at most a danger or two each, and all lint fast."""
    for path in sorted(shared("corpus").glob("*.md")):
        text = path.read_text("utf-8")
        checklist = read(text.encode(), path.name)
        started = time.process_time()
        found = lint(checklist, text)
        assert time.process_time() - started < 2
        dangers = [finding.render() for finding in found if finding.severity is Severity.DANGER]
        assert len(dangers) <= 2, dangers
