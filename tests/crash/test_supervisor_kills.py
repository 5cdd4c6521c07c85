"""The short forms of the supervisor's crash harnesses; the full ones are `python tests/crash/full.py supervisor`."""

from __future__ import annotations

import pytest
from support.short_forms import stands_and_mutants_fall

HARNESSES = {"kill -9 of the supervisor": (30, 4), "kill -9 of the app that starts a step": (30, 1)}
"""Name to the kills that the short form tries at least, and its number of mutants."""


@pytest.mark.parametrize("name", HARNESSES)
def test_every_step_ran_once_or_never(name: str) -> None:
    """No fault in the product at any instant that is tried, and at least one in each broken supervisor."""
    stands_and_mutants_fall("supervisor", name, *HARNESSES[name])


def test_every_harness_has_its_short_form_here() -> None:
    """A harness that is not run proves nothing."""
    from crash.supervisor_crash import HARNESSES as ALL

    assert {harness.name for harness in ALL} == set(HARNESSES)
