"""The short form of the watches' crash harness; the full one is `python tests/crash/full.py watches`."""

from __future__ import annotations

from support.short_forms import stands_and_mutants_fall


def test_whoever_is_killed_nothing_is_counted_twice_or_left_out() -> None:
    """No fault in the product at any instant that is tried, and at least one in each broken keeper."""
    stands_and_mutants_fall("watches", "kill -9 of who watches", 100, 3)
