"""The migration on a real copy of the live database: there, back, and there again, measured.

What is measured here is what the migration later shows as progress, and what decides whether its time will do.
The live database is only read.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from orion_deploy.errors import RefusedError
from orion_deploy.kinds.base import Action, Context
from orion_deploy.kinds.sqlite.connection import Meter, guarded, open_reader, open_writer
from orion_deploy.kinds.sqlite.copying import Cancelled, copy_pages, count_rows, partial_file
from orion_deploy.kinds.sqlite.database import DatabaseFile, beside, require_database
from orion_deploy.kinds.sqlite.looking import LOOK_S_MAX, TimeIsUp, look_through
from orion_deploy.kinds.sqlite.parameters import OfMigration
from orion_deploy.kinds.sqlite.record import Rehearsal, note
from orion_deploy.kinds.sqlite.room import REHEARSAL_FACTOR, require_room
from orion_deploy.kinds.sqlite.sql import Script
from orion_deploy.kinds.sqlite.state import Pair, State, check_names, classify, mismatch, quick_check
from orion_deploy.kinds.sqlite.structure import Structure, differences, read_structure, same, same_order
from orion_deploy.kinds.sqlite.transaction import Applied, carry_out
from orion_deploy.kinds.verdict import Json, Outcome, Verdict
from orion_deploy.kinds.words import bytes_words, duration_words


class SqliteRehearse(OfMigration, Action):
    """Carry the migration out on a copy of the live database: there, back, and there again.

    The copy is made through SQLite's backup API (rows in the `-wal` included) into the run's folder, and removed
    afterwards. Passed when: the up script leads to its schema, the down script leads back to exactly the schema and
    row counts of before, no row is lost, no foreign key is newly broken, and the up script works again. Times
    (s), VM operations and WAL growth (bytes) are kept with the run for `sqlite.migrate`, which carries out these very bytes only.
    Failed: one of these does not hold, the way there took more than `up_s_max` seconds, no room, the database does not
    stand before the migration, is locked or damaged, or the target is there already or is the database itself.
    """

    name: ClassVar[str] = "sqlite.rehearse"
    example: ClassVar[str] = """
        action:
          sqlite.rehearse:
            path: ~/Orion/data/orion.db
            up: migrations/0001_add_active_request_up.sql
            down: migrations/0001_add_active_request_down.sql
    """

    folder: str | None = Field(None, description="folder for the copy; default: the run's folder")
    target: str | None = Field(
        None, description="path of the copy, instead of a name of our own; it must not exist, and is kept"
    )
    up_s_max: float | None = Field(None, gt=0, description="seconds that the way there may take")

    def act(self, context: Context) -> Verdict:
        """Rehearse, and read every step back."""
        places = (context.path(self.path), self._folder(context))
        return guarded(lambda: self._act(context), *places, otherwise=Outcome.FAILED)

    def _act(self, context: Context) -> Verdict:
        path = context.path(self.path)
        pair = self.pair(context)
        seen = require_database(path)
        copy = self._copy_path(context, seen)
        require_room(
            "a rehearsal",
            (copy.parent, int(seen.total_bytes * REHEARSAL_FACTOR)),
            help="make room there, or give a `folder` on another disk",
        )
        try:
            with partial_file(copy) as part:
                _copy_live(seen, part, context)
                if os.path.samefile(part, seen.path):
                    raise RefusedError("the copy is the database itself: nothing was rehearsed")
                rehearsed = _there_and_back(part, pair, context)
                if self.target is not None:
                    os.rename(part, copy)
        except Cancelled:
            return Verdict(
                Outcome.FAILED, "cancelled; the copy is removed, the database was only read", "cancelled"
            )
        if rehearsed.is_damage:
            _refuse_damaged(seen, context)
        return self._verdict(seen, pair, rehearsed, context)

    def _copy_path(self, context: Context, seen: DatabaseFile) -> Path:
        if self.target is not None:
            target = context.path(self.target)
            if os.path.exists(target) and os.path.samefile(target, seen.path):
                raise RefusedError(
                    f"the rehearsal's target {target} IS the database {seen.path}",
                    help="name another path, or none",
                )
            if os.path.lexists(target):
                raise RefusedError(
                    f"the rehearsal's target {target} is there already: it is never overwritten"
                )
            return target
        folder = self._folder(context)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder / f"rehearsal-{seen.path.name}"

    def _folder(self, context: Context) -> Path:
        if self.target is not None:
            return context.path(self.target).parent
        return context.path(self.folder) if self.folder else context.run_directory

    def _verdict(self, seen: DatabaseFile, pair: Pair, done: _Rehearsed, context: Context) -> Verdict:
        if done.fault:
            return Verdict(Outcome.FAILED, done.fault, "not rehearsed", {"up_sha256": pair.up.sha256})
        assert done.up is not None
        assert done.down is not None
        rows = sum(done.rows.values())
        record = Rehearsal(
            at=context.now(),
            up_sha256=pair.up.sha256,
            down_sha256=pair.down.sha256,
            up_s=round(done.up.duration_s, 4),
            up_vm_ops=done.up.vm_ops,
            down_s=round(done.down.duration_s, 4),
            down_vm_ops=done.down.vm_ops,
            wal_growth_bytes=done.wal_growth_bytes,
            size_bytes=seen.total_bytes,
            rows=rows,
            sqlite=sqlite3.sqlite_version,
        )
        values: dict[str, Json] = {
            "up_s": record.up_s,
            "up_vm_ops": record.up_vm_ops,
            "down_s": record.down_s,
            "wal_growth_bytes": record.wal_growth_bytes,
            "rows": rows,
            "up_sha256": record.up_sha256,
            "down_sha256": record.down_sha256,
        }
        shown = f"{duration_words(record.up_s)} there, {duration_words(record.down_s)} back"
        if self.up_s_max is not None and record.up_s > self.up_s_max:
            reason = f"it works, but the way there took {duration_words(record.up_s)}: more than {self.up_s_max:g} s"
            return Verdict(Outcome.FAILED, reason, shown, values)
        note(context.run_directory, seen.path, "rehearsal", record)
        return Verdict(
            Outcome.PASSED,
            f"rehearsed on a copy of {rows:,} rows: {shown}, and there again; the schema came back exactly, no row was lost "
            f"({bytes_words(record.wal_growth_bytes)} of WAL)",
            shown,
            values,
        )


@dataclass(frozen=True, slots=True)
class _Rehearsed:
    """What came of it; `fault` is empty when everything did."""

    fault: str = ""
    is_damage: bool = False
    """Whether SQLite found damage in the copy, which may be the database's own."""
    up: Applied | None = None
    down: Applied | None = None
    wal_growth_bytes: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)


def _copy_live(seen: DatabaseFile, part: Path, context: Context) -> None:
    def too_busy() -> None:
        raise RefusedError(f"{seen.path.name} is locked by another connection: no copy could be made")

    with closing(open_reader(seen.path)) as source, closing(open_writer(part)) as target:
        target.execute("PRAGMA synchronous = OFF")
        if seen.header is not None and seen.header.is_wal:
            # One snapshot for the whole copy: a writer neither waits for it nor makes it begin anew.
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        restarts = copy_pages(source, target, context, "copying the database", is_busy=too_busy)
    print(f"copied {seen.path} to {part}" + (f" after {restarts} restarts" if restarts else ""))


def _refuse_damaged(seen: DatabaseFile, context: Context) -> None:
    """Raise RefusedError where the damage is the database's own, and not the migration's."""
    with contextlib.suppress(TimeIsUp, Cancelled, sqlite3.Error):
        if fault := look_through(seen.path, context, limit_s=LOOK_S_MAX):
            raise RefusedError(
                f"the database {seen.path} itself is damaged: {fault}",
                help="it was so before the migration, which was tried on a copy only",
            )


def _there_and_back(part: Path, pair: Pair, context: Context) -> _Rehearsed:
    with closing(open_writer(part)) as connection:
        reading = classify(connection, pair)
        if reading.state is not State.BEFORE:
            return _Rehearsed(
                f"the database does not stand before the migration, it is {reading.state.value}: {reading.reason}"
            )
        check_names(connection, pair)
        before = read_structure(connection, pair.version_table)
        rows = count_rows(connection)
        broken = _broken_keys(connection)
        print(f"{sum(rows.values()):,} rows in {len(rows)} tables")
        up, fault = _go(
            connection, pair.up, reading.after, pair, context=context, message="rehearsing the way there"
        )
        if fault:
            return _Rehearsed(f"the way there fails: {fault}")
        wal_growth = _size(beside(part, "-wal"))
        fault = _lost(rows, count_rows(connection)) or _newly_broken(broken, _broken_keys(connection))
        if fault:
            return _Rehearsed(f"the way there: {fault}")
        down, fault = _go(
            connection, pair.down, reading.before, pair, context=context, message="rehearsing the way back"
        )
        if fault:
            return _Rehearsed(f"the way back fails: {fault}")
        fault = _not_as_before(connection, before, rows, pair)
        if fault:
            return _Rehearsed(f"the way back does not lead back: {fault}")
        _, fault = _go(
            connection,
            pair.up,
            reading.after,
            pair,
            context=context,
            message="rehearsing the way there again",
        )
        if fault:
            return _Rehearsed(f"the way there fails the second time: {fault}")
        Meter(context, "looking through every page").attach(connection)
        try:
            fault = quick_check(connection)
        except sqlite3.OperationalError as interrupted:
            if context.is_cancelled():
                raise Cancelled from interrupted
            raise
        if fault:
            return _Rehearsed(f"the migrated copy is damaged: {fault}", is_damage=True)
    return _Rehearsed(up=up, down=down, wal_growth_bytes=wal_growth, rows=rows)


def _go(
    connection: sqlite3.Connection,
    script: Script,
    wanted: Structure | None,
    pair: Pair,
    *,
    context: Context,
    message: str,
) -> tuple[Applied, str]:
    applied = carry_out(connection, script, Meter(context, message), lambda c: mismatch(c, wanted, pair))
    if applied.why == "cancelled":
        raise Cancelled
    if applied.fault:
        spot = f"{script.path}:{applied.line}: " if applied.line else ""
        return applied, f"{spot}{applied.fault}"
    print(f"{message}: {applied.duration_s:.3f} s, {applied.vm_ops:,} VM operations")
    return applied, ""


def _not_as_before(
    connection: sqlite3.Connection, before: Structure, rows: Mapping[str, int], pair: Pair
) -> str:
    after = read_structure(connection, pair.version_table)
    kept = pair.version_table.lower() in before.tables
    one, other = (after, before) if kept else (after.but_for(pair.version_table), before)
    if not same(one, other):
        return "; ".join(list(differences(one, other))[:4])
    if not same_order(other, one):
        return "the columns stand in another order"
    return _lost(rows, count_rows(connection))


def _lost(before: Mapping[str, int], after: Mapping[str, int]) -> str:
    lost = [
        f"{name} had {count:,} rows, and has {after.get(name, 0):,}"
        for name, count in before.items()
        if after.get(name, 0) < count
    ]
    return "; ".join(lost[:4])


def _broken_keys(connection: sqlite3.Connection) -> int:
    return sum(1 for _ in connection.execute("PRAGMA foreign_key_check"))


def _newly_broken(before: int, after: int) -> str:
    return f"{after - before:,} rows refer to something that is not there any more" if after > before else ""


def _size(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0
