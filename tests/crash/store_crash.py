"""The harnesses of the store, in the order of the table."""

from __future__ import annotations

from crash import store_faults, store_kills, store_states

HARNESSES = (store_states.HARNESS, store_kills.HARNESS, store_faults.HARNESS)
