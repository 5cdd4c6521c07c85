"""The short forms of the state machine over a session; the full ones are `python tests/crash/full.py session`."""

from __future__ import annotations

import pytest
from support.short_forms import stands_and_mutants_fall

HARNESSES = {"any life of a session, against a model": (25, 4), "any life with real processes": (4, 1)}
"""Name to the lives that the short form tries at least, and its number of mutants."""


@pytest.mark.parametrize("name", HARNESSES)
def test_no_life_confuses_a_run(name: str) -> None:
    """In every life that is tried the run is what the model says; each broken session is told from it."""
    stands_and_mutants_fall("session", name, *HARNESSES[name])


def test_every_harness_has_its_short_form_here() -> None:
    """A harness that is not run proves nothing."""
    from crash.session_crash import HARNESSES as ALL

    assert {harness.name for harness in ALL} == set(HARNESSES)
