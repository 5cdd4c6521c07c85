"""The short forms of the supervisor's crash harnesses; the full ones are `python tests/crash/full.py supervisor`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FULL = Path(__file__).with_name("full.py")
HARNESSES = {"kill -9 of the supervisor": (30, 4), "kill -9 of the app that starts a step": (30, 1)}
"""Name to the kills that the short form tries at least, and its number of mutants."""


def rows(name: str) -> list[dict[str, Any]]:
    """Run the short form of a harness in a process of its own."""
    argv = [sys.executable, str(FULL), "supervisor", "--short", "--json", "--only", name]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300)
    assert not done.stderr, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("name", HARNESSES)
def test_every_step_ran_once_or_never(name: str) -> None:
    """No fault in the product at any instant that is tried, and at least one in each broken supervisor."""
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
    from crash.supervisor_crash import HARNESSES as ALL

    assert {harness.name for harness in ALL} == set(HARNESSES)
