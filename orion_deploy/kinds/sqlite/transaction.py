"""One script, whole or not at all: everything inside one transaction that is ours, verified, then committed.

How it came out is never inferred from an error: whoever calls reads the state again afterwards.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass

from orion_deploy.kinds.sqlite.connection import Meter, detach, in_words, is_interrupted
from orion_deploy.kinds.sqlite.sql import ALLOWED_PRAGMAS, Script

_DENIED = frozenset(
    {sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_SAVEPOINT, sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH}
)


@dataclass(frozen=True, slots=True)
class Applied:
    """How a script came out. `fault` is empty when it was committed; `why` is `timeout`, `cancelled` or empty."""

    vm_ops: int
    duration_s: float
    commit_s: float = 0.0
    fault: str = ""
    why: str = ""
    line: int = 0
    """Line of the statement that failed, 0 where none did."""


def carry_out(
    connection: sqlite3.Connection,
    script: Script,
    meter: Meter,
    verify: Callable[[sqlite3.Connection], str],
) -> Applied:
    """Carry `script` out in one transaction; COMMIT only when `verify` finds nothing to say (an empty string).

    The script may not begin or end a transaction, attach, or set what does not belong to one: refused when it
    was read, and here once more by SQLite's own authorizer. Raises nothing: after any fault the transaction
    has been taken back.
    """
    begun_s = time.monotonic()
    line = 0
    if meter.is_over():
        return _took(meter, begun_s, _why_words(meter))
    try:
        connection.execute("BEGIN EXCLUSIVE")
        meter.attach(connection)
        connection.set_authorizer(_authorize)
        for statement in script.statements:
            line = statement.line
            for _ in connection.execute(statement.text):
                pass
            if not connection.in_transaction:
                return _took(
                    meter, begun_s, "the statement ended the transaction: nothing after it was run", line
                )
        line = 0
        connection.set_authorizer(None)
        fault = verify(connection)
        detach(connection)
        if fault or meter.is_over():
            _take_back(connection)
            return _took(meter, begun_s, fault or _why_words(meter))
        committed_s = time.monotonic()
        connection.execute("COMMIT")
        return _took(meter, begun_s, commit_s=time.monotonic() - committed_s)
    except sqlite3.Error as fault:
        words = in_words(fault)
        if is_interrupted(fault) and meter.why:
            words = _why_words(meter)
        _take_back(connection)
        return _took(meter, begun_s, words, line)
    finally:
        detach(connection)
        connection.set_authorizer(None)


def _took(meter: Meter, begun_s: float, fault: str = "", line: int = 0, *, commit_s: float = 0.0) -> Applied:
    return Applied(
        vm_ops=meter.ops,
        duration_s=time.monotonic() - begun_s,
        commit_s=commit_s,
        fault=fault,
        why=meter.why if fault else "",
        line=line,
    )


def _why_words(meter: Meter) -> str:
    return "it was cancelled" if meter.why == "cancelled" else "the time was up"


def _take_back(connection: sqlite3.Connection) -> None:
    detach(connection)
    connection.set_authorizer(None)
    if connection.in_transaction:
        with contextlib.suppress(
            sqlite3.Error
        ):  # an error may have taken it back already; the caller reads the state
            connection.execute("ROLLBACK")


def _authorize(
    action: int, first: str | None, second: str | None, _database: str | None, _via: str | None
) -> int:
    if action in _DENIED:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_PRAGMA and (first or "").lower() not in ALLOWED_PRAGMAS:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() == "load_extension":
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK
