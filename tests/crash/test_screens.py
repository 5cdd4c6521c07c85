"""The short forms of the kills of the real screens; the full ones are `python tests/crash/full.py screens`."""

from __future__ import annotations

import pytest
from support.short_forms import stands_and_mutants_fall

HARNESSES = {"kill -9 of the screens": (5, 3), "kill -9 of their process group": (4, 0)}
"""Name to the kills that the short form tries at least, and its number of mutants."""


@pytest.mark.parametrize("name", HARNESSES)
def test_every_step_runs_exactly_once(name: str) -> None:
    """Whatever is killed in a real terminal: each step ran once, its result is exact, the terminal is given back."""
    stands_and_mutants_fall("screens", name, *HARNESSES[name])


def test_every_harness_has_its_short_form_here() -> None:
    """A harness that is not run proves nothing."""
    from crash.screens_crash import HARNESSES as ALL

    assert {harness.name for harness in ALL} == set(HARNESSES)
