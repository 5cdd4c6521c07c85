"""Rules about the checklist as a whole, each from both sides."""

from __future__ import annotations

import pytest

from orion_deploy.checklist.lint import Finding, Severity, lint, rules
from orion_deploy.checklist.read import read


def found(text: str, rule: str, path: str = "a.md") -> list[Finding]:
    """What one rule finds in a file."""
    return [finding for finding in lint(read(text.encode(), path), text) if finding.rule == rule]


BACK = "\n## Rollback\n\n1. Go back\n"


def test_no_way_back() -> None:
    """A deployment without a rollback section is told once, at the first step that changes something."""
    text = "# T\n\n- [ ] Look\n- [ ] Migrate the database\n  ```bash\n  ./migrate\n  ```\n"
    (finding,) = found(text, "no-way-back")
    assert (finding.line, finding.step) == (4, "migrate-the-database")
    assert found(text + BACK, "no-way-back") == []
    assert found("# T\n\n- [ ] Read the plan\n", "no-way-back") == []
    assert (
        found("# T\n\n- [ ] Review the deployment plan\n  ```bash\n  cat plan\n  ```\n", "no-way-back") == []
    )
    assert found("# T\n\n- [ ] Deploy by hand\n", "no-way-back") == []


def test_same_title() -> None:
    """Two steps of a title in one section are told, and may get the ids that they have; stated ids are fine."""
    text = "# T\n\n## A\n\n- [ ] Look\n- [ ] Look\n\n## B\n\n- [ ] Look\n"
    (finding,) = found(text, "same-title")
    assert (finding.line, dict(finding.fix)) == (6, {"id": "a.look-2"})
    stated = "# T\n\n- [ ] Look\n- [ ] Look\n  ```yaml step\n  id: look-again\n  ```\n"
    assert found(stated, "same-title") == []


CHOICE = """# T

## Rollback

1. Choose

   **Option 1: Restore backup{first}**
   ```bash
   cp ~/backups/app-1.db ~/data/app.db
   ```

   **Option 2: Run the down migration{second}**
   ```bash
   sqlite3 -bail ~/data/app.db < 0001_down.sql
   ```
"""


def test_restore_recommended() -> None:
    """A recommended restore beside a down migration is told; the other way round is advice we give."""
    assert len(found(CHOICE.format(first=" (Recommended)", second=""), "restore-recommended")) == 1
    assert found(CHOICE.format(first="", second=" (Recommended)"), "restore-recommended") == []
    assert found(CHOICE.format(first="", second=""), "restore-recommended") == []


def test_reference_by_words() -> None:
    """A command that only its title keeps from running is told, with the key; a stated one is fine."""
    text = "# T\n\n- [ ] Document the rollback command (keep handy)\n  ```bash\n  ./rollback\n  ```\n"
    (finding,) = found(text, "reference-by-words")
    assert dict(finding.fix) == {"reference": "true"}
    stated = text.replace("  ```bash", "  ```yaml step\n  reference: true\n  ```\n  ```bash")
    assert found(stated, "reference-by-words") == []


def test_secret_default() -> None:
    """A secret in the file is told at its line; an empty or absent default is none."""
    text = "---\nvariables:\n  TOKEN: {secret: true, default: hunter2}\n---\n# T\n\n- [ ] A\n"
    (finding,) = found(text, "secret-default")
    assert finding.line == 3
    assert "hunter2" not in finding.message
    assert found(text.replace(", default: hunter2", ""), "secret-default") == []


def test_front_matter_key() -> None:
    """A misspelt key of ours is told; keys of other tools are metadata."""
    text = "---\nvaraibles: x\ntitle: y\nlabels: z\n---\n# T\n\n- [ ] A\n"
    (finding,) = found(text, "front-matter-key")
    assert (finding.line, finding.column) == (2, 1)
    assert "variables" in finding.message
    assert found(text.replace("varaibles", "author"), "front-matter-key") == []


def test_damaged_markdown_is_a_finding() -> None:
    """Every problem that the reader saw is a finding with its line."""
    text = "# T\n\n- [ ] A\n  ```bash\n  ls\n"
    problems = read(text.encode(), "a.md").problems
    assert [finding.line for finding in found(text, "damaged")] == [problem.line for problem in problems]
    assert problems
    assert found("# T\n\n- [ ] A\n", "damaged") == []


@pytest.mark.parametrize(
    ("one", "other", "is_told"),
    [
        ("Write-behind flush takes <5ms", "Write-behind latency <2ms (p95)", True),
        ("No send() latency increase (stays <2ms)", "Roll back if send() >10ms", True),
        ("Memory stays under 500 MB", "Memory: no growth >20%", True),
        ("Memory stays under 500 MB", "Memory at most 0.5 GB", False),
        ("Write-behind flush takes <5ms", "Write-behind flush takes under 5 ms", False),
        ("Write-behind flush takes <5ms", "Read-ahead takes <2ms", False),
        ("CPU below 80%", "CPU above 20%", False),
        ("Start takes <5s", "Restore takes <2s", False),
    ],
)
def test_contradictory_limits(one: str, other: str, is_told: bool) -> None:
    """Two upper limits for one thing are told at the second; other things, equal limits and ranges are not."""
    text = f"# T\n\n- [ ] {one}\n- [ ] {other}\n"
    hits = found(text, "contradictory-limits")
    assert [finding.line for finding in hits] == ([4] if is_told else [])


def test_limits_inherit_what_they_are_about_from_their_step() -> None:
    """A line below a step that names nothing itself is about what the step's title names."""
    text = "# T\n\n- [ ] Check memory\n  - No growth >20% in a day\n\n## Criteria\n\n- [ ] Memory stable (<500MB)\n"
    assert [finding.line for finding in found(text, "contradictory-limits")] == [8]


def test_hidden_characters_in_prose() -> None:
    """A direction override is told anywhere; joiners of emoji and marks in prose are not."""
    assert found("# T\n\nSafe \u202eelbisrever\n\n- [ ] A\n", "hidden-character")[0].column == 6
    escaped = 'title: T\nsteps:\n- title: "a \\u202e b"\n'
    assert [finding.line for finding in found(escaped, "hidden-character", "a.yaml")] == [3]
    assert found("# T \U0001f469\u200d\U0001f4bb\n\n- [ ] A\n", "hidden-character") == []


def test_rules_speak() -> None:
    """Every rule says what it finds, why it matters and what to do; names are words joined by hyphens."""
    for rule in rules():
        assert rule.summary
        assert not rule.summary.endswith(".")
        assert rule.why.endswith(".")
        assert rule.instead
        assert rule.name == rule.name.lower().replace(" ", "-")
        assert rule.severity in Severity


def test_a_finding_renders_like_a_compiler() -> None:
    """Severity, rule, place with the source and a caret, why, and the step to use instead; nothing hidden escapes."""
    text = "# T\n\n- [ ] A\n  ```bash\n  pgrep -f 'x\x07'\n  ```\n" + BACK
    (finding,) = found(text, "process-pattern")
    shown = finding.render()
    assert shown.startswith("danger[process-pattern]: ")
    assert "--> a.md:5:3" in shown
    assert "^^^^^" in shown
    assert "why: " in shown
    assert "instead: check: {process.absent:" in shown
    assert "\x07" not in shown
    assert finding.to_json()["line"] == 5


def test_both_ways_back_are_left_to_a_choice() -> None:
    """A down migration and a restore of one database, each by its answer: nothing to say; else the step that no answer rules out is named."""
    text = (
        "# T\n\n## Rollback\n\n1. Which\n   ```yaml step\n   id: way\n   check: {people.choice: {question: q, options: {down: a, up: b}}}\n   ```\n"
        "2. Take it back\n   ```yaml step\n   id: down\n   when: way == down\n   action: {sqlite.rollback: {path: a.db, up: u, down: d}}\n   ```\n"
        "3. Restore it\n   ```yaml step\n   id: up\n   when: way == up\n   action: {sqlite.restore: {path: a.db}}\n   ```\n"
    )
    assert found(text, "both-ways-back") == []
    (finding,) = found(text.replace("   when: way == up\n", ""), "both-ways-back")
    assert "`Restore it` is carried out whichever way back is chosen" in finding.message
    assert (
        found(
            text.replace("   when: way == up\n", "").replace("{path: a.db}", "{path: b.db}"), "both-ways-back"
        )
        == []
    )
