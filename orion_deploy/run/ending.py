"""What a script said about its own end: how it came to it, and what it leaves for later ones. Part of the supervisor's program."""

from __future__ import annotations

import errno
import json
import os

from orion_deploy.run import carry, child
from orion_deploy.run.facts import Facts, read_facts
from orion_deploy.run.record import put

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orion_deploy.run.supervisor import Order

NOTES_BYTES_MAX = 1 << 20


def facts_of(order: Order) -> Facts:
    """Return what the wrapper noted; of what is no shell's script, or cannot be read, that nothing is known."""
    if not order["is_shell"]:
        return Facts()
    try:
        with open("facts", "rb") as file:
            return read_facts(file.read(NOTES_BYTES_MAX))
    except OSError:
        return Facts()


def keep(order: Order, facts: Facts, variables: int, directory_fd: int) -> tuple[list[str], str]:
    """Put on disk what the script leaves for later ones; return the names, and why it could not be kept.

    `variables` is where the shell printed them at its end, -1 where there is no such place.
    """
    left = None
    if variables >= 0:
        dump = child.read_back(variables)
        left = carry.read_left(dump) if dump else None
    moved = facts.folder if facts.folder and not _is_same_folder(facts.folder, order["cwd"]) else ""
    kept, names = carry.carry_on(order["kept"], order["env"], order["given"], left, moved)
    if kept == carry.nothing() and not names:
        return [], ""
    try:
        put("carried.json", "carried.new", json.dumps(kept).encode(), directory_fd)
    except OSError as error:
        return [], f"{errno.errorcode.get(error.errno or 0, '')} (what it exports is lost)"
    return list(names), ""


def _is_same_folder(one: str, other: str) -> bool:
    return one == other or os.path.realpath(one) == os.path.realpath(other)
