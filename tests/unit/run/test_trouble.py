"""Where a person is told whom to turn to: at what weighs, not at a rehearsal, nor at a check that only looks."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.shared import seed

from orion_deploy.checklist.read import load
from orion_deploy.run.rules import is_in_trouble
from orion_deploy.run.state import Status, StepState

BOOK = """# R

- [ ] Rehearse
- [ ] Stop it (MANDATORY)
- [ ] Look
  ```yaml step
  check: {files.exists: {path: x}}
  ```
- [ ] Act
- [ ] Warm (optional)

## Rollback

1. Take back
"""


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Rehearse", False),
        ("Stop", True),
        ("Look", False),
        ("Act", True),
        ("Warm", False),
        ("Take back", True),
    ],
)
@pytest.mark.parametrize("status", list(Status))
def test_what_weighs(tmp_path: Path, title: str, expected: bool, status: Status) -> None:
    """Failed or unknown, and mandatory, or acting behind the first mandatory step or on the way back."""
    path = tmp_path / "book.md"
    path.write_text(BOOK)
    checklist = load(path)[0]
    step = next(step for _, step in checklist.walk() if step.title.startswith(title))
    is_bad = status in (Status.FAILED, Status.UNKNOWN)
    assert is_in_trouble(checklist, step, StepState(status=status)) is (expected and is_bad)


def test_the_seed_s_migration_weighs_and_its_rehearsal_does_not() -> None:
    """Neither is called mandatory there; the migration stands behind the mandatory steps."""
    checklist = load(seed())[0]
    failed = StepState(status=Status.FAILED)
    found = {step.title: is_in_trouble(checklist, step, failed) for _, step in checklist.walk()}
    assert found["Run migration with timeout"]
    assert not found["Run full test suite after migration"]


def test_without_a_mandatory_step_everything_that_acts_weighs(tmp_path: Path) -> None:
    """Nothing tells then where it becomes serious."""
    path = tmp_path / "book.md"
    path.write_text("# R\n\n- [ ] Act\n")
    checklist = load(path)[0]
    (_, step), *_ = checklist.walk()
    assert is_in_trouble(checklist, step, StepState(status=Status.FAILED))
