"""docs/hazards.md is a table of promises: every row names tests, and every test that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
PAGE = (TESTS.parent / "docs" / "hazards.md").read_text("utf-8")
ROWS = [
    line
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith(("| Usual command", "| Hazard"))
]
NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def test_the_table_is_whole() -> None:
    """All three parts: processes, databases, people."""
    assert len(ROWS) >= 36


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:40])
def test_a_hazard_has_its_tests(row: str) -> None:
    """In the row's last cell; each names a file below tests/ and a test in it."""
    named = NAMED.findall(row.rsplit("|", 2)[1])
    assert named, row
    for file, test in named:
        found = [path for path in TESTS.rglob(Path(file).name) if str(path).endswith(f"/{file}")]
        assert any(re.search(rf"def {test}\(", path.read_text("utf-8")) for path in found), f"{file}::{test}"
