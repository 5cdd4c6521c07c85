"""Rules about databases: copies that are none, migrations that half succeed, questions that answer something else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from orion_deploy.checklist.lint import instead
from orion_deploy.checklist.lint.finding import Hit, Rule, Severity
from orion_deploy.checklist.lint.sqlite_calls import SHELLS, sqlite_calls
from orion_deploy.checklist.lint.subject import Subject

_QUOTED_COLUMN = re.compile(
    r"(?:\bwhere\b|\band\b|\bor\b)\s+(?:not\s+)?\"(?P<name>\w+)\"\s*(?:is\b|=|<|>|!=|like\b|in\b|between\b)",
    re.IGNORECASE,
)
_COUNT = re.compile(r"\bcount\s*\(", re.IGNORECASE)
_WHERE = re.compile(r"\bwhere\b", re.IGNORECASE)
_NOT_NULL = re.compile(r"\b(?P<name>[A-Za-z_]\w+)\s+is\s+not\s+null", re.IGNORECASE)
_TABLE_INFO = re.compile(
    r"pragma\s+(?:table_x?info|index_x?info|index_list)|\.schema|\.tables|\.indexes", re.IGNORECASE
)
_SELECT = re.compile(r"\bselect\b", re.IGNORECASE)
_ONE_ROW = re.compile(r"\b(?:count|exists|max|min|sum|total)\s*\(", re.IGNORECASE)
_ROWS_AND_TIME = re.compile(
    r"(?:[<>]\s*+)?(?<![\d,.])\d[\d,.]*+\s*+(?:(?:k|m|thousand|million)\s*+)?rows\b"
    r".{0,60}?(?P<time>(?:[<>]\s*+)?\d++(?:\.\d++)?\s*+(?:ms|s|sec|seconds|min|minutes))\b",
    re.IGNORECASE,
)
PROSE_CHARACTERS_MAX: Final = 10_000
"""Characters of a line of prose that are looked at; what follows is data."""
_NAME = re.compile(r"[\w-]+")
_NUMBERED = re.compile(r"\d\d[_-](?=[a-z])", re.IGNORECASE)
_MIGRATION_WORDS = re.compile(r"(?P<words>[a-z]\w*?)(?:_(?:up|down))?\b", re.IGNORECASE)


def _without_bail(subject: Subject) -> Iterator[Hit]:
    for block in subject.calling(*SHELLS):
        for call in sqlite_calls(block):
            if not call.stdin or not call.writes or "-bail" in call.options or ".bail on" in call.text:
                continue
            source = call.sql_file or ("what is piped in" if call.stdin == "pipe" else "the lines below")
            message = f"`sqlite3` goes on after an error in {source}"
            yield block.hit(
                call.command,
                message,
                instead.migrate(call.path, call.sql_file),
            )


def _creates(subject: Subject) -> Iterator[Hit]:
    for block in subject.calling(*SHELLS, can_run=True):
        if re.search(r"(?:\btest|\[\[?)\s+-[fsre]\s", block.code.script):
            continue
        for call in sqlite_calls(block):
            name = call.database.text if call.database else ""
            if not name or (call.stdin and call.writes):  # sqlite-goes-on says so too
                continue
            if name == ":memory:" or name.startswith("file:") or call.options & {"-readonly", "-ro"}:
                continue
            is_read = not call.writes and not any(word.text.startswith(".backup") for word in call.sql)
            uri = re.sub(r"^~(?=/)", "$HOME", name)
            safe = f"sqlite3 -readonly {name} ..." if is_read else f'sqlite3 "file:{uri}?mode=rw" ...'
            yield block.hit(
                (call.words[0].start, call.database.end if call.database else call.command.end),
                f"if `{name}` is not there, `sqlite3` creates it, empty",
                safe,
            )
            break


def _under_timeout(subject: Subject) -> Iterator[Hit]:
    for block in subject.calling(*SHELLS, can_run=True):
        for call in sqlite_calls(block):
            if "timeout" in call.wrappers and (call.stdin or call.writes):
                yield block.hit(
                    call.command,
                    "`timeout` kills `sqlite3` in the middle: status 124 says nothing about what was written",
                    instead.migrate(call.path, call.sql_file) + "\ntimeout: 30s",
                )


def _quoted_column(subject: Subject) -> Iterator[Hit]:
    for block in subject.calling(*SHELLS):
        for call in sqlite_calls(block):
            for match in _QUOTED_COLUMN.finditer(call.text):
                message = f'`"{match["name"]}"` is a text where there is no such column: the condition holds for every row'
                safe = f"write {match['name']} without quotes, or [{match['name']}]"
                yield block.hit(call.command, message, safe)


def _column_absent(subject: Subject) -> Iterator[Hit]:
    added: tuple[tuple[str, ...], ...] = ()
    for block in subject.calling(*SHELLS, can_run=True):
        for call in sqlite_calls(block):
            match = _counted_not_null(call.text)
            if match is None:
                continue
            added = added or _migrations(subject)
            if not any(_is_about(match["name"], words) for words in added):
                continue
            yield block.hit(
                call.command,
                f"before the migration there is no column `{match['name']}`: the query fails, where nothing is wrong",
                instead.query(call.path, call.text),
            )


def _counted_not_null(sql: str) -> re.Match[str] | None:
    """The column that a `count(...) ... where ...` requires to be not null."""
    count = _COUNT.search(sql)
    where = _WHERE.search(sql, count.end()) if count else None
    return _NOT_NULL.search(sql, where.end()) if where else None


def _migrations(subject: Subject) -> tuple[tuple[str, ...], ...]:
    """Return the words of the names of migrations that the file mentions, each once: `0001_add_active_request`."""
    found: dict[tuple[str, ...], None] = {}
    for name in _NAME.finditer(subject.text):
        numbers = list(_NUMBERED.finditer(subject.text, *name.span()))
        words = _MIGRATION_WORDS.match(subject.text, numbers[-1].end()) if numbers else None
        if words is not None:
            found[tuple(words["words"].lower().split("_"))] = None
    return tuple(found)


def _is_about(column: str, words: Sequence[str]) -> bool:
    """Whether two words in a row, or one long one, of a migration's name begin the name of a column."""
    parts = column.lower().split("_")
    pairs = list(pairwise(words))
    return any(pair in pairs for pair in pairwise(parts)) or (
        len(parts) == 1 and len(column) > 5 and column.lower() in words
    )


def _schema_by_grep(subject: Subject) -> Iterator[Hit]:
    for block in subject.calling(*SHELLS, can_run=True):
        for call in sqlite_calls(block):
            following = block.next(call.command)
            if call.command.after != "|" or following is None or _TABLE_INFO.search(call.text) is None:
                continue
            options = "".join(word.raw for word in following.words[1:] if word.raw.startswith("-"))
            if following.words[0].text not in ("grep", "egrep", "fgrep") or "w" in options or "x" in options:
                continue
            name = following.words[-1].text
            table = re.search(r"\(\s*['\"]?(\w+)", call.text)
            yield block.hit(
                (call.command.start, following.end),
                f"`grep {name}` also finds `old_{name}`, of any type",
                instead.schema(call.path, table[1] if table else "TABLE", name, is_gone=block.is_rollback),
            )


def _rows_not_status(subject: Subject) -> Iterator[Hit]:
    from orion_deploy.checklist.expectations import expectations_of

    for block in subject.calling(*SHELLS, can_run=True):
        if block.step is not None and any(e.matcher != "prose" for e in expectations_of(block.step)):
            continue
        for call in sqlite_calls(block):
            if call.command.after == "|" or not call.sql or not _asks_for_rows(call.text) or call.writes:
                continue
            if call.command.is_nested:
                continue
            yield block.hit(call.command, "with no row found it succeeds just the same", instead.contains())


def _asks_for_rows(sql: str) -> bool:
    """Whether a `select ... where` stands in it after the last aggregate: it may find no row."""
    *_, aggregate = -1, *(match.start() for match in _ONE_ROW.finditer(sql))
    select = _SELECT.search(sql, aggregate + 1)
    return select is not None and _WHERE.search(sql, select.end()) is not None


def _drop_order(subject: Subject) -> Iterator[Hit]:
    for block in subject.calling(*SHELLS):
        for call in sqlite_calls(block):
            column = re.search(r"\bdrop\s+column\b", call.text, re.IGNORECASE)
            index = re.search(r"\bdrop\s+index\b", call.text, re.IGNORECASE)
            if column and index and column.start() < index.start():
                yield block.hit(
                    call.command,
                    "DROP COLUMN stands before DROP INDEX: it fails while an index uses the column",
                )


def _guessed_duration(subject: Subject) -> Iterator[Hit]:
    for number, line in enumerate(subject.lines, start=1):
        match = _ROWS_AND_TIME.search(line, 0, PROSE_CHARACTERS_MAX)
        if match is not None:
            yield Hit(
                subject.place(number, match.start() + 1, match.end() - match.start()),
                f"`{match['time'].strip()}` for that many rows is a guess",
            )


def _live_backup_mode(subject: Subject) -> Iterator[Hit]:
    for block in subject.calling(*SHELLS, can_run=True):
        if "umask" in block.code.script or "chmod" in block.code.script:
            continue
        for call in sqlite_calls(block):
            if re.search(r"\.backup\b|\bvacuum\s+into\b", call.text, re.IGNORECASE):
                message = "the backup can be read by everyone on the machine (0644)"
                yield block.hit(call.command, message, instead.backup(call.path))


RULES: Final = (
    Rule(
        "sqlite-goes-on", Severity.DANGER, "`sqlite3 db < file.sql` without `-bail`",
        "After an error the rest is carried out, COMMIT included: a failed CREATE INDEX left the column and the version row, "
        "without the index. With a wrong path an empty database is migrated.",
        instead.migrate(), _without_bail,
    ),
    Rule(
        "sqlite-creates", Severity.NOTE, "`sqlite3` on a path without `-readonly` or `mode=rw`",
        "With a wrong path, or from a wrong folder, an empty database appears there and the answer comes from it.",
        "sqlite3 -readonly ...", _creates,
    ),
    Rule(
        "sqlite-timeout", Severity.DANGER, "`timeout` around `sqlite3`",
        "With status 124 the migration was once fully committed and once half there: the state must be read, not inferred.",
        instead.migrate() + "\ntimeout: 30s", _under_timeout,
    ),
    Rule(
        "quoted-column", Severity.DANGER, "a column in double quotes in a condition",
        'SQLite takes "name" for a text where there is no such column, so that the count is of all rows and nobody notices.',
        "leave the quotes out", _quoted_column,
    ),
    Rule(
        "column-absent", Severity.WARNING, "a count on a column that the migration adds",
        "Before the migration the column is absent, which is as good as no row; the query fails all the same.",
        instead.query(),
        _column_absent,
    ),
    Rule(
        "schema-by-grep", Severity.WARNING, "a schema looked at with `grep`",
        "A name within another name matches, whatever its type; on a wrong path the output is empty and the `grep` fails alike.",
        instead.schema(), _schema_by_grep,
    ),
    Rule(
        "rows-not-status", Severity.WARNING, "a SELECT that finds nothing and succeeds",
        "The status of a query tells that it could be asked, not what it found.",
        instead.contains(), _rows_not_status,
    ),
    Rule(
        "drop-order", Severity.DANGER, "DROP COLUMN before DROP INDEX",
        "It fails; without `-bail` the index and the version row are gone while the column stays.",
        "drop the index first, in one transaction (SQLite 3.35 or later)", _drop_order,
    ),
    Rule(
        "guessed-duration", Severity.NOTE, "a duration guessed from a number of rows",
        "10,000 rows took 13 ms and 5 million about 3 s where `>10k rows, >5 s` was written.",
        instead.rehearse(), _guessed_duration,
    ),
    Rule(
        "backup-mode", Severity.NOTE, "`.backup` or VACUUM INTO without `umask`",
        "The copy is created 0644: whoever has an account can read every row of it.",
        instead.backup(), _live_backup_mode,
    ),
)  # fmt: skip
