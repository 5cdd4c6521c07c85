from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.crash import SCENARIOS, Zygote, storm, zygote

KILLS = 15
"""The long form is `python tests/crash/full.py kinds`: 500 of each."""
MUTANT_KILLS = 30


@pytest.fixture(scope="module")
def forker() -> Iterator[Zygote]:
    """One process that forks all kinds of this file."""
    with zygote() as started:
        yield started


@pytest.mark.parametrize("name", list(SCENARIOS))
def test_kill_9_at_any_instant(tmp_path: Path, forker: Zygote, name: str) -> None:
    """Before or after, never between; whole; no half backup; and done again it comes to its end."""
    seen = storm(SCENARIOS[name], tmp_path, forker, KILLS, again_every=5)
    assert seen.wrong == []
    assert seen.killed >= KILLS // 3, seen


@pytest.mark.parametrize("name", [n for n, s in SCENARIOS.items() if s.mutant])
def test_the_harness_notices_a_careless_kind(tmp_path: Path, forker: Zygote, name: str) -> None:
    """Without the transaction, with the final name at once, or by `cp`, the same kills find damage."""
    scenario = SCENARIOS[name]
    for attempt in range(5):
        seen = storm(
            scenario, tmp_path / str(attempt), forker, MUTANT_KILLS // 5, seed=attempt, mutant=scenario.mutant
        )
        if seen.wrong:
            return
    pytest.fail(f"{MUTANT_KILLS} kills found nothing wrong with the mutant {scenario.mutant}")
