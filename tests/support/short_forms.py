"""The short form of a crash harness: the product stands at every point that is tried, and each mutant falls."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FULL = Path(__file__).parent.parent / "crash" / "full.py"


def stands_and_mutants_fall(part: str, name: str, least: int, mutants_count: int) -> None:
    """Run one harness of `part` in a process of its own; `least` points at least, and so many mutants."""
    argv = [sys.executable, str(FULL), part, "--short", "--json", "--only", name]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300)
    assert not done.stderr, done.stderr[-2000:]
    rows: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    product, *mutants = rows
    if product["skipped"]:
        pytest.skip(product["skipped"])
    assert product["faults"] == {}, product["examples"]
    assert product["points"] >= least
    assert len(mutants) == mutants_count
    for mutant in mutants:
        assert mutant["faults"], f"{name} does not see: {mutant['mutant']}"
