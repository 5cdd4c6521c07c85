"""The short forms of the store's crash harnesses; the full ones are `python tests/crash/full.py store`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FULL = Path(__file__).with_name("full.py")
HARNESSES = {
    "states after a power cut": (400, 7),
    "kill -9 of the writer": (120, 3),
    "a system call fails": (20, 3),
    "the disk is full": (64, 2),
    "two operators": (2_000, 2),
    "any life, against a model": (80, 3),
}
"""Name to the points that the short form tries at least, and its number of mutants."""


def rows(name: str) -> list[dict[str, Any]]:
    """Run the short form of a harness in a process of its own."""
    argv = [sys.executable, str(FULL), "store", "--short", "--json", "--only", name]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300)
    assert not done.stderr, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("name", HARNESSES)
def test_the_store_stands_and_its_mutants_fall(name: str) -> None:
    """No fault in the product at any point that is tried, and at least one in each broken store."""
    product, *mutants = rows(name)
    if product["skipped"]:
        pytest.skip(product["skipped"])
    least, number_of_mutants = HARNESSES[name]
    assert product["faults"] == {}, product["examples"]
    assert product["points"] >= least
    assert len(mutants) == number_of_mutants
    for mutant in mutants:
        assert mutant["faults"], f"{name} does not see: {mutant['mutant']}"


def test_every_harness_has_its_short_form_here() -> None:
    """A harness that is not run proves nothing."""
    from crash.store_crash import HARNESSES as ALL

    assert {harness.name for harness in ALL} == set(HARNESSES)
