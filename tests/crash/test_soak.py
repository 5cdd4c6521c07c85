"""The short form of the soak; the full one is `python tests/crash/full.py soak`."""

from __future__ import annotations

from support.short_forms import stands_and_mutants_fall


def test_a_long_session_leaves_nothing_over() -> None:
    """Memory, descriptors, threads, processes, files and locks: as many at the end as at the half, and none afterwards."""
    stands_and_mutants_fall("soak", "soak of one session", 60, 5)
