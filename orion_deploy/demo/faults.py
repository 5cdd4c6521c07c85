"""What can go wrong in a sandbox: each fault is the thing itself, made to happen, never a message that says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from orion_deploy.demo.small_disk import FILLER
from orion_deploy.errors import OrionError, did_you_mean


@dataclass(frozen=True, slots=True)
class Fault:
    """`what` it does to the sandbox, and `way_out`: what the operator can do about it.

    `part` is the stand-in's part that causes it, where a process of its own does.
    """

    what: str
    way_out: str
    part: str = ""


FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "app-respawns": Fault(
            "a keeper starts Orion again a moment after it was stopped",
            "stop the keeper first: kill $(cat Orion/run/keeper.pid)",
            "keeper",
        ),
        "open-handle": Fault(
            "a second program, `reporter`, holds the database open",
            "stop it: kill $(cat Orion/run/reporter.pid)",
            "reporter",
        ),
        "migration-fails": Fault(
            "the second statement of the migration names a column that is not there",
            "mend migrations/0001_add_active_request_up.sql; the database is as it was",
        ),
        "corrupt-backup": Fault(
            "every new file in Orion/backups is damaged in its middle, its size and times left alone",
            "the migration refuses; stop it: kill $(cat Orion/run/rot.pid); then back up again: orion-deploy untick 0001_add_active_request.md backup",
            "rot",
        ),
        "disk-full": Fault(
            "the disk that Orion/backups lies on is small and full: 32 MB of memory that only the sandbox sees (Linux, where an ordinary user may mount one; refused elsewhere)",
            f"make room, and back up again: bin/inside rm Orion/backups/{FILLER}",
            "disk",
        ),
        "slow-latency": Fault(
            "after the migration Orion's send() takes 12 ms and its flush 7.5 ms", "roll back: both recover"
        ),
        "memory-leak": Fault(
            "after the migration Orion loses 4 MB of memory a second, up to 560 MB", "roll back: it stops"
        ),
        "log-errors": Fault(
            "after the migration Orion writes `Failed to restore from DB` and `Failed to persist request` to its log",
            "roll back: the errors stop",
        ),
    }
)
"""Name to fault. The three faults of the application show only once the column is there, so that turning back cures them."""


def known(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names, each once and in the order of the table. Raises OrionError for one that is not there."""
    wanted = tuple(names)
    for name in wanted:
        if name not in FAULTS:
            raise OrionError(
                f"there is no fault `{name}`",
                help=did_you_mean(name, FAULTS) or "the faults are: " + ", ".join(FAULTS),
            )
    return tuple(name for name in FAULTS if name in wanted)


BROKEN_COLUMN: Final = "active_requests_id"


def break_migration(sql: str) -> str:
    """Return the migration's SQL with an index on a column that is not there: the statement before it is sound."""
    head, found, tail = sql.rpartition("(active_request_id)")
    if not found:
        raise OrionError("the migration makes no index on (active_request_id): it cannot be broken there")
    return f"{head}({BROKEN_COLUMN}){tail}"
