"""The short forms of the harnesses of bad checklists; the full ones are `python tests/crash/full.py checklists`."""

from __future__ import annotations

import pytest
from support.short_forms import stands_and_mutants_fall

HARNESSES = {"bad checklists, written": (30, 6), "bad checklists, random": (200, 4)}
"""Name to the files that the short form tries at least, and its number of mutants."""


@pytest.mark.parametrize("name", HARNESSES)
def test_a_bad_checklist_loads_or_is_one_clear_error(name: str) -> None:
    """No traceback, one error with its place, nothing that acts upon a terminal, bounded time and memory; mutants fall."""
    stands_and_mutants_fall("checklists", name, *HARNESSES[name])


def test_every_harness_has_its_short_form_here() -> None:
    """A harness that is not run proves nothing."""
    from crash.checklists_crash import HARNESSES as ALL

    assert {harness.name for harness in ALL} == set(HARNESSES)


def test_there_are_enough_files_and_each_has_a_name_of_its_own() -> None:
    """The bar: at least 300 that were written, each with the name of what is wrong with it."""
    from support.bad_checklists import FILES

    assert sum(bad.family != "traps" for bad in FILES) >= 300
    assert len({(bad.name, bad.ending) for bad in FILES}) == len(FILES)
