"""The short forms of the store's crash harnesses; the full ones are `python tests/crash/full.py store`."""

from __future__ import annotations

import pytest
from support.short_forms import stands_and_mutants_fall

HARNESSES = {
    "states after a power cut": (400, 7),
    "kill -9 of the writer": (120, 3),
    "a system call fails": (20, 3),
    "the disk is full": (64, 2),
    "two operators": (2_000, 2),
    "two who begin": (60, 3),
    "any life, against a model": (80, 3),
}
"""Name to the points that the short form tries at least, and its number of mutants."""


@pytest.mark.parametrize("name", HARNESSES)
def test_the_store_stands_and_its_mutants_fall(name: str) -> None:
    """No fault in the product at any point that is tried, and at least one in each broken store."""
    stands_and_mutants_fall("store", name, *HARNESSES[name])


def test_every_harness_has_its_short_form_here() -> None:
    """A harness that is not run proves nothing."""
    from crash.store_crash import HARNESSES as ALL

    assert {harness.name for harness in ALL} == set(HARNESSES)
