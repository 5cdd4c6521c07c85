"""What the kinds of one run know of each other: one small JSON file in the run's folder, whole or absent.

A rehearsal leaves its measure for the migration, a backup its hash, a memory check its baseline. Keys:
`marks` (when an action of this name, or of this step, passed), `sqlite` (by database), `memory` (by program).
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path

from orion_deploy.errors import NotRecordedError
from orion_deploy.kinds.durable import write_whole
from orion_deploy.kinds.verdict import Json

FACTS_NAME = "facts.json"
LOCK_NAME = "facts.lock"

Facts = dict[str, Json]


def read_facts(run_directory: Path) -> Facts:
    """Return the facts of a run; empty where nothing has been noted yet.

    Raises NotRecordedError when the file is there and cannot be read: missing knowledge would look like
    "no backup was taken".
    """
    path = run_directory / FACTS_NAME
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as fault:
        raise NotRecordedError(
            f"the facts of this run cannot be read: {path}: {fault}",
            help="move the file aside; rehearsal and backup must then be done again in this run",
        ) from fault
    if not isinstance(data, dict):
        raise NotRecordedError(f"the facts of this run cannot be read: {path} holds no object")
    return data


def change_facts(run_directory: Path, change: Callable[[Facts], None]) -> Facts:
    """Let `change` edit the facts in place, and write them; one writer at a time. Returns the new facts.

    Raises NotRecordedError when they cannot be read or written; they are then as they were.
    """
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        lock = os.open(run_directory / LOCK_NAME, flags, 0o600)
    except OSError as fault:
        raise NotRecordedError(f"the facts of this run cannot be written: {fault}") from fault
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        facts = read_facts(run_directory)
        change(facts)
        data = json.dumps(facts, ensure_ascii=False, indent=1, sort_keys=True).encode()
        try:
            write_whole(run_directory / FACTS_NAME, data)
        except OSError as fault:
            raise NotRecordedError(f"the facts of this run cannot be written: {fault}") from fault
        return facts
    finally:
        os.close(lock)


def part(facts: Facts, *keys: str) -> Facts:
    """Return the object under these keys, made on the way where it is missing."""
    here = facts
    for key in keys:
        below = here.setdefault(key, {})
        if not isinstance(below, dict):
            below = {}
            here[key] = below
        here = below
    return here
