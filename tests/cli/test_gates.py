"""`status --gate`: the exit code is the answer; `status` and `run --auto` know criteria too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.cli import modules_after, orion
from support.sessions import book

BOOK = """\
# Release

## Deploy

- [ ] Deploy
  ```yaml step
  id: deploy
  auto: true
  ```
  ```bash
  test ! -e broken || exit 1
  ```

## Success criteria

- [ ] It was fast
  ```yaml step
  id: fast
  check: {evidence.value: {step: deploy, below: 30}}
  ```
- [ ] No complaints after 24 hours

## Gates to Phase 1:

- [ ] It is deployed
  ```yaml step
  id: deployed
  mandatory: true
  check: {evidence.passed: {steps: [deploy]}}
  ```
- [ ] A day has passed
  ```yaml step
  id: day
  mandatory: true
  check: {evidence.passed: {steps: [later]}}
  ```
- [ ] It is well
  ```yaml step
  id: well
  check: {evidence.passed: {steps: [deployed]}}
  ```

## Later

- [ ] Look again
  ```yaml step
  id: later
  ```
"""


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A checklist with criteria and gates, approved."""
    path = book(tmp_path, BOOK, "release.md")
    orion("approve", "release.md", "--yes", cwd=tmp_path)
    return path


def gate(release: Path, name: str) -> tuple[int, dict[str, Any]]:
    """The exit code of `status FILE --gate NAME`, and each criterion by its step."""
    done = orion("status", release.name, "--gate", name, "--json", cwd=release.parent)
    found = done.json if done.out else {"criteria": []}
    assert done.code == found.get("exit_code", done.code)
    return done.code, {criterion["step"]: criterion for criterion in found["criteria"]}


def test_before_there_is_a_run_all_are_open(release: Path) -> None:
    """Nothing has happened: exit 3, and nothing is written by asking."""
    before = sorted(p.name for p in release.parent.iterdir())
    code, found = gate(release, "all")
    assert code == 3
    assert {c["stand"] for c in found.values()} == {"open"}
    assert sorted(p.name for p in release.parent.iterdir()) == before


def test_auto_decides_what_can_be_and_leaves_the_rest_open(release: Path) -> None:
    """What can be decided ticks itself, behind an open mandatory one too; the run does not fail over what is open."""
    done = orion("run", "release.md", "--auto", "--json", cwd=release.parent)
    assert done.code == 3, done
    assert [e["step"] for e in done.events("ticked")] == ["deploy", "fast", "deployed", "well"]
    left = {e["step"]: e["why"] for e in done.events("left_open")}
    assert "`later` was not carried out yet" in left["day"]
    code, found = gate(release, "Phase 1")
    assert code == 3
    assert {step: c["stand"] for step, c in found.items()} == {
        "deployed": "holds",
        "day": "open",
        "well": "holds",
    }
    assert found["deployed"]["by"]
    orion("tick", "release.md", "later", cwd=release.parent)
    assert gate(release, "day")[1]["day"]["can_be_decided"] is True
    assert orion("run", "release.md", "--auto", cwd=release.parent).code == 3
    assert gate(release, "Phase 1")[0] == 0
    assert gate(release, "all")[0] == 3


def test_a_failing_gate_is_exit_1_and_may_be_looked_at_again(release: Path) -> None:
    """A failed step fails its gate; mended and decided anew it holds."""
    (release.parent / "broken").touch()
    orion("run", "release.md", "--auto", cwd=release.parent)
    orion("run", "release.md", "--auto", "--only", "deployed", cwd=release.parent)
    code, found = gate(release, "deployed")
    assert (code, found["deployed"]["stand"]) == (1, "fails")
    (release.parent / "broken").unlink()
    orion("resolve", "release.md", "deploy", "rerun", cwd=release.parent)
    orion("run", "release.md", "--auto", cwd=release.parent)
    assert gate(release, "deployed")[0] == 0


def test_gates_have_many_names(release: Path) -> None:
    """By what they guard, by title, by its end, by id, one step of them; anything else is a usage error with the nearest."""
    for name in ("Phase 1", "Gates to Phase 1", "phase 1", "gates-to-phase-1"):
        assert len(gate(release, name)[1]) == 3, name
    assert list(gate(release, "fast")[1]) == ["fast"]
    assert list(gate(release, "It is deployed")[1]) == ["deployed"]
    assert list(gate(release, "success criteria")[1]) == [
        "fast",
        "success-criteria.no-complaints-after-24-hours",
    ]
    wrong = orion("status", "release.md", "--gate", "Phase 2", cwd=release.parent)
    assert wrong.code == 2
    assert "there is no criterion or gate" in wrong.err
    assert orion("status", "--gate", "all", cwd=release.parent).code == 2
    plain = book(release.parent, "# R\n\n- [ ] a\n", "plain.md")
    none = orion("status", plain.name, "--gate", "all", cwd=release.parent)
    assert none.code == 2
    assert "no criteria and no gates" in none.err


def test_people_read_stand_value_limit_and_when(release: Path) -> None:
    """Words for people: what may not start and why, each criterion with its value against its limit, and the due time."""
    orion("run", "release.md", "--auto", cwd=release.parent)
    text = orion("status", "release.md", "--gate", "all", cwd=release.parent).out
    assert "Phase 1 may not start: 1 of 3 open" in text
    assert "✓ holds" in text
    assert "limit below 30 s" in text
    assert "due in 23 h 59 min" in text
    assert "its time (“after 24 hours”) is not over" in text
    whole = orion("status", "release.md", cwd=release.parent).out
    assert "Phase 1 may not start: 1 of 3 open" in whole
    assert "No complaints after 24 hours" in whole
    near = orion("status", cwd=release.parent).out
    assert "2 of 5 criteria and gates open, next due in 23 h 59 min" in near


def test_status_tells_criteria_as_data_from_the_snapshot_alone(release: Path) -> None:
    """`criteria` with stand, reason and due time; none of the heavy modules is imported for them."""
    orion("run", "release.md", "--auto", cwd=release.parent)
    found = orion("status", "release.md", "--json", cwd=release.parent).json
    assert [c["stand"] for c in found["criteria"]] == ["holds", "open", "holds", "open", "holds"]
    assert found["criteria_counts"]["total"] == 5
    assert found["criteria"][1]["due_at"] > found["started_at"] + 86_000
    heavy = {"click", "pydantic", "dataclasses", "pathlib", "textual", "yaml", "markdown_it"}
    assert modules_after("status", "release.md", "--json", cwd=release.parent) & heavy == set()
    assert modules_after("status", "--json", cwd=release.parent) & heavy == set()
