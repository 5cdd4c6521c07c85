"""The harnesses of bad checklists, in the order of the table."""

from __future__ import annotations

from crash import checklists_random, checklists_written

HARNESSES = (checklists_written.HARNESS, checklists_random.HARNESS)
