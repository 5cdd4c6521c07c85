"""A question to a database, and the rows that are expected; it can only read, and only names are names."""

from __future__ import annotations

import difflib
import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import ClassVar

from pydantic import Field, field_validator, model_validator

from orion_deploy.errors import RefusedError
from orion_deploy.kinds.base import Check, Context
from orion_deploy.kinds.sqlite.connection import Meter, guarded, open_reader
from orion_deploy.kinds.sqlite.database import require_database
from orion_deploy.kinds.sqlite.parameters import OfDatabase
from orion_deploy.kinds.sqlite.sql import names_only, split
from orion_deploy.kinds.verdict import Json, Outcome, Verdict
from orion_deploy.text import plain_line

ROWS_MAX = 1000
ROWS_SHOWN_MAX = 20
CELL_SHOWN_MAX = 80
TYPING_MISTAKE_RATIO = 0.93
"""How alike a missing name and an existing one must be (difflib) to be taken for a typing mistake: one letter in ten or more."""
_MISSING = re.compile(r"no such (column|table): (?P<name>.+)")
_READING = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)
_LOOKING_PRAGMAS = frozenset(
    {"table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo", "foreign_key_list"}
    | {
        "foreign_key_check",
        "quick_check",
        "integrity_check",
        "compile_options",
        "collation_list",
        "database_list",
    }
)
"""They look even when they are given an argument; any other PRAGMA looks only without one."""

Cell = None | bool | int | float | str


class SqliteQuery(OfDatabase, Check):
    """A question in SQL has the expected answer.

    One statement, which can only read: writing, ATTACH and changing PRAGMAs are refused. Expected are `rows`, or one `value`
    (with `value_min`, `value_max` for numbers). A column or table that is not there: not applicable, which is a
    pass; but undecided where its name looks like a typing mistake. A "double-quoted" word is a name, never a text.
    Without an expectation a person decides.
    """

    name: ClassVar[str] = "sqlite.query"
    example: ClassVar[str] = """
        check:
          sqlite.query:
            path: ~/Orion/data/orion.db
            sql: SELECT count(*) FROM conversations WHERE active_request_id IS NOT NULL
            value: 0
    """

    sql: str = Field(
        min_length=1, max_length=100_000, description="one SELECT, WITH, VALUES or looking PRAGMA"
    )
    rows: tuple[tuple[Cell, ...], ...] | None = Field(
        None, description="the expected rows, in order; an empty list: none"
    )
    value: Cell = Field(None, description="the expected value of the first row's first column")
    value_min: float | None = Field(None, description="least value")
    value_max: float | None = Field(None, description="greatest value")
    timeout_s: float = Field(
        60.0, gt=0, le=86_400, description="seconds after which the question is given up"
    )

    @field_validator("rows", mode="before")
    @classmethod
    def _rows_of_one(cls, value: object) -> object:
        if isinstance(value, (list, tuple)):
            return tuple(tuple(r) if isinstance(r, (list, tuple)) else (r,) for r in value)
        return value

    @model_validator(mode="after")
    def _one_statement(self) -> SqliteQuery:
        single = self.value is not None or self.value_min is not None or self.value_max is not None
        if self.rows is not None and single:
            raise ValueError("give `rows`, or `value`, not both")
        try:
            statements = split(self.sql, is_migration=False)
        except RefusedError as fault:
            raise ValueError(fault.what) from fault
        if len(statements) != 1:
            raise ValueError(f"give one statement, not {len(statements)}")
        return self

    def probe(self, context: Context) -> Verdict:
        """Ask once."""
        return guarded(lambda: self._ask(context), context.path(self.path))

    def _ask(self, context: Context) -> Verdict:
        seen = require_database(context.path(self.path))
        with closing(open_reader(seen.path)) as connection:
            meter = Meter(context, "asking", timeout_s=self.timeout_s)
            meter.attach(connection)
            connection.set_authorizer(_only_reading)
            try:
                cursor = connection.execute(names_only(self.sql))
                rows = cursor.fetchmany(ROWS_MAX + 1)
            except sqlite3.DatabaseError as fault:
                connection.set_authorizer(None)
                return self._not_answered(connection, fault, meter)
        return self._judge([tuple(_cell(c) for c in row) for row in rows])

    def _not_answered(
        self, connection: sqlite3.Connection, fault: sqlite3.DatabaseError, meter: Meter
    ) -> Verdict:
        if meter.why:
            why = f"not answered within {self.timeout_s:g} s" if meter.why == "timeout" else "cancelled"
            return Verdict(Outcome.UNDECIDED, why, "not known")
        code = getattr(fault, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_AUTH, sqlite3.SQLITE_READONLY) or "not authorized" in str(fault):
            raise RefusedError("the question would change something; a check only reads")
        missing = _MISSING.fullmatch(str(fault))
        if missing is None:
            if code == sqlite3.SQLITE_ERROR:
                raise RefusedError(f"SQLite does not understand the question: {plain_line(str(fault))}")
            raise fault
        name = missing["name"].rpartition(".")[2]
        near = _typing_mistake(connection, name, missing[1])
        if near:
            return Verdict(
                Outcome.UNDECIDED, f"there is no {missing[1]} `{name}`; is `{near}` meant?", "not known"
            )
        return Verdict(
            Outcome.NOT_APPLICABLE,
            f"the {missing[1]} {missing['name']} is not there (yet): nothing to look at",
            f"no {missing[1]} {name}",
        )

    def _judge(self, rows: list[tuple[Cell, ...]]) -> Verdict:
        for row in rows[:ROWS_SHOWN_MAX]:
            print(" | ".join(_shown(c) for c in row))
        shown = _shown_rows(rows)
        values: dict[str, Json] = {"rows": [list(r) for r in rows[:ROWS_SHOWN_MAX]], "row_count": len(rows)}
        if len(rows) > ROWS_MAX:
            values["row_count_is_least"] = True
        if self.rows is not None:
            if len(rows) == len(self.rows) and all(
                _same_row(a, b) for a, b in zip(rows, self.rows, strict=True)
            ):
                return Verdict(Outcome.PASSED, f"the answer is as expected: {shown}", shown, values)
            return Verdict(
                Outcome.FAILED, f"the answer is {shown}, expected {_shown_rows(self.rows)}", shown, values
            )
        if self.value is None and self.value_min is None and self.value_max is None:
            return Verdict(Outcome.UNDECIDED, f"the answer is {shown}; a person decides", shown, values)
        if not rows:
            return Verdict(Outcome.FAILED, "there is no row to compare", "no rows", values)
        return self._judge_value(rows[0][0], values)

    def _judge_value(self, seen: Cell, values: dict[str, Json]) -> Verdict:
        shown = _shown(seen)
        if self.value is not None and not _same(seen, self.value):
            return Verdict(
                Outcome.FAILED, f"the answer is {shown}, expected {_shown(self.value)}", shown, values
            )
        limits = (self.value_min, self.value_max)
        if limits != (None, None):
            if not isinstance(seen, (int, float)):
                return Verdict(Outcome.FAILED, f"the answer is {shown}, no number", shown, values)
            least, most = limits
            if least is not None and seen < least:
                reason = f"the answer is {shown}, expected at least {least:g}"
                return Verdict(Outcome.FAILED, reason, shown, values)
            if most is not None and seen > most:
                return Verdict(
                    Outcome.FAILED, f"the answer is {shown}, expected at most {most:g}", shown, values
                )
        return Verdict(Outcome.PASSED, f"the answer is as expected: {shown}", shown, values)


def _only_reading(
    action: int, first: str | None, second: str | None, _database: str | None, _via: str | None
) -> int:
    if action in _READING:
        is_loading = action == sqlite3.SQLITE_FUNCTION and (second or "").lower() == "load_extension"
        return sqlite3.SQLITE_DENY if is_loading else sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_PRAGMA and (second is None or (first or "").lower() in _LOOKING_PRAGMAS):
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _typing_mistake(connection: sqlite3.Connection, name: str, what: str) -> str:
    """An existing name of which the missing one is probably a misspelling, or an empty string."""
    names = [
        r[0] for r in connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
    ]
    if what == "column":
        names = [
            r[0] for t in names for r in connection.execute("SELECT name FROM pragma_table_info(?)", (t,))
        ]
    known = {n.lower(): n for n in names}
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=TYPING_MISTAKE_RATIO)
    return known[near[0]] if near else ""


def _cell(value: object) -> Cell:
    if isinstance(value, bytes):
        return f"x'{value[:40].hex()}'" + ("…" if len(value) > 40 else "")
    assert value is None or isinstance(value, (int, float, str))
    return value


def _same(seen: Cell, wanted: Cell) -> bool:
    """Whether a cell is the expected one: numbers by value, and a number may be expected as its text."""
    if isinstance(seen, (int, float)) and isinstance(wanted, str):
        return str(seen) == wanted
    if isinstance(seen, str) and isinstance(wanted, (int, float)) and not isinstance(wanted, bool):
        return seen == str(wanted)
    return seen == wanted


def _same_row(seen: Sequence[Cell], wanted: Sequence[Cell]) -> bool:
    return len(seen) == len(wanted) and all(_same(a, b) for a, b in zip(seen, wanted, strict=True))


def _shown(cell: Cell) -> str:
    if cell is None:
        return "NULL"
    text = f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else plain_line(str(cell))
    return text if len(text) <= CELL_SHOWN_MAX else text[: CELL_SHOWN_MAX - 1] + "…"


def _shown_rows(rows: Sequence[Sequence[Cell]]) -> str:
    if not rows:
        return "no rows"
    first = ", ".join(_shown(c) for c in rows[0])
    if len(rows) == 1:
        return first
    count = f"more than {ROWS_MAX:,}" if len(rows) > ROWS_MAX else f"{len(rows)}"
    return f"{count} rows, first: {first}"
