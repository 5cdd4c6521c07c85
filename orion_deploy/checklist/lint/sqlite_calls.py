"""Calls of the `sqlite3` shell in scripts, with the names of databases and of SQL files; what rules share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from orion_deploy.checklist.lint.subject import Block
from orion_deploy.checklist.shell_text import Command, Word

SHELLS: Final = ("sqlite3", "sqlite")
COPIERS: Final = ("cp", "mv", "rsync", "scp", "install")
_TAKES_VALUE: Final = frozenset(
    (
        "-cmd",
        "-init",
        "-separator",
        "-newline",
        "-nullvalue",
        "-vfs",
        "-mmap",
        "-maxsize",
        "-pagecache",
        "-lookaside",
    )
)
_DATABASE = re.compile(r"\.(?:db|sqlite|sqlite3|db3)$", re.IGNORECASE)
_DATABASE_VARIABLE = re.compile(
    r"\$\{?(?:\w*_)?(?:DB|DATABASE|SQLITE)(?:_(?:PATH|FILE|NAME))?\}?$", re.IGNORECASE
)
_BACKUP = re.compile(
    r"backup|(?:^|[-_./])(?:bak|bkp|copy|copies|snapshots?|dump|old|orig|tmp|temp|test|scratch|rehears\w*|restore\w*|staging)"
    r"(?=$|[-_./0-9])|pre-|\$\(date|[-_.]\d{8}",
    re.IGNORECASE,
)
_WRITES = re.compile(
    r"\b(?:insert|update|delete|create|alter|drop|replace|reindex|vacuum|pragma\s+\w+\s*=)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class SqliteCall:
    """One call: the words from `sqlite3` on, its database, the SQL of its arguments, and what it reads."""

    command: Command
    wrappers: tuple[str, ...]
    words: tuple[Word, ...]
    database: Word | None
    sql: tuple[Word, ...]
    options: frozenset[str]
    stdin: str
    """`file`, `here`, `pipe`, `read` (a `.read` argument), or empty."""
    sql_file: str
    """Name of the file that it reads."""
    text: str
    """All SQL that can be seen: arguments and here-documents."""

    @property
    def path(self) -> str:
        """Its database as written, or a word to replace."""
        return self.database.text if self.database is not None else "DATABASE"

    @property
    def writes(self) -> bool:
        """Whether it changes the database, as far as can be seen: a file of SQL counts as changing it."""
        return self.stdin in ("file", "pipe", "read") or _WRITES.search(self.text) is not None


def sqlite_calls(block: Block) -> Iterator[SqliteCall]:
    """Every call of the `sqlite3` shell in a script."""
    for command, wrappers, words in block.calls(*SHELLS):
        yield _call(command, wrappers, words)


def _call(command: Command, wrappers: tuple[str, ...], words: tuple[Word, ...]) -> SqliteCall:
    rest: list[Word] = []
    options: set[str] = set()
    skip = False
    for word in words[1:]:
        if skip:
            skip = False
        elif word.raw.startswith("-"):
            name = "-" + word.raw.lstrip("-")
            options.add(name)
            skip = name in _TAKES_VALUE
        else:
            rest.append(word)
    database, sql = (rest[0] if rest else None), tuple(rest[1:])
    stdin, name, body = "pipe" if command.before == "|" else "", "", ""
    for redirect in command.redirects:
        if redirect.operator == "<" and redirect.target is not None:
            stdin, name = "file", redirect.target.text
        elif redirect.operator in ("<<", "<<-"):
            stdin, body = "here", redirect.body
        elif redirect.operator == "<<<" and redirect.target is not None:
            stdin, body = "here", redirect.target.text
    for word in sql:
        if read := re.match(r"\s*\.read\s+['\"]?([^\s'\"]+)", word.text):
            stdin, name = "read", read[1]
    text = "\n".join([*(word.text for word in sql), body])
    return SqliteCall(command, wrappers, words, database, sql, frozenset(options), stdin, name, text)


def is_database(name: str) -> bool:
    """Whether a word names a SQLite database: by its ending, or a variable called so."""
    return bool(_DATABASE.search(name) or _DATABASE_VARIABLE.search(name))


def is_backup(name: str) -> bool:
    """Whether a word names a copy: a backup, a snapshot, something temporary or dated."""
    return _BACKUP.search(name) is not None


def is_live(name: str) -> bool:
    """Whether a word names a database that is no copy."""
    return is_database(name) and not is_backup(name)


def copies(block: Block) -> Iterator[tuple[Command, tuple[Word, ...], Word]]:
    """Every copying command of a script, with its sources and its destination."""
    for command, words in block.named(*COPIERS):
        names = [word for word in words[1:] if not word.raw.startswith("-")]
        if len(names) >= 2:
            yield command, tuple(names[:-1]), names[-1]


def is_down(name: str) -> bool:
    """Whether a file of SQL takes a migration back."""
    return (
        re.search(
            r"(?:^|[-_./])(?:down|rollback|revert|undo)(?=[-_.]|$)[^/]*\.sql$|[-_.]down\.sql$",
            name,
            re.IGNORECASE,
        )
        is not None
    )


def is_same_path(one: str, other: str) -> bool:
    """Whether two words name the same path, as written."""
    return one.rstrip("/") == other.rstrip("/")


def text_of(words: Sequence[Word]) -> str:
    """Return words as they would be typed."""
    return " ".join(word.raw for word in words)
