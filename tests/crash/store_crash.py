"""The harnesses of the store, in the order of the table."""

from __future__ import annotations

from crash import (
    store_faults,
    store_full_disk,
    store_kills,
    store_machine,
    store_races,
    store_starts,
    store_states,
)

HARNESSES = (
    store_states.HARNESS,
    store_kills.HARNESS,
    store_faults.HARNESS,
    store_full_disk.HARNESS,
    store_races.HARNESS,
    store_starts.HARNESS,
    store_machine.HARNESS,
)


def prepare() -> None:
    """Small disks need a place where they can be mounted without anyone seeing them."""
    store_full_disk.enter_own_mounts()
