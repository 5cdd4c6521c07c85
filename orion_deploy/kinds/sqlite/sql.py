"""SQL as text: split into statements the way SQLite does, and refused where it would break our one transaction.

Nothing here opens a database.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from sqlite3 import complete_statement

from orion_deploy.errors import Place, RefusedError

SCRIPT_BYTES_MAX = 10 * 1024 * 1024
STATEMENTS_MAX = 10_000

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))
    |(?P<string>'[^']*(?:''[^']*)*(?:'|\Z))
    |(?P<double>"[^"]*(?:""[^"]*)*(?:"|\Z))
    |(?P<bracket>\[[^\]]*(?:\]|\Z))
    |(?P<tick>`[^`]*(?:``[^`]*)*(?:`|\Z))
    |(?P<word>[A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]*)
    |(?P<number>\.?[0-9][0-9A-Za-z_.]*)
    |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)

_OURS = "the transaction is ours: everything in the script is carried out in one, verified, then committed"
_REFUSED = {
    "BEGIN": _OURS,
    "COMMIT": _OURS,
    "END": _OURS,
    "ROLLBACK": _OURS,
    "SAVEPOINT": _OURS,
    "RELEASE": _OURS,
    "ATTACH": "a migration changes one database; two cannot be committed together safely",
    "DETACH": "a migration changes one database",
    "VACUUM": "VACUUM cannot be done inside a transaction, and so cannot be taken back; make it a step of its own",
}
ALLOWED_PRAGMAS = frozenset(
    {"user_version", "application_id", "defer_foreign_keys", "foreign_key_check", "legacy_alter_table"}
    | {
        "table_info",
        "table_xinfo",
        "table_list",
        "index_list",
        "index_info",
        "index_xinfo",
        "foreign_key_list",
    }
)
"""Those that belong to the transaction, or only look."""


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of SQL. `kind` is the name of its group; blanks and comments are not given out."""

    kind: str
    text: str
    offset: int

    @property
    def plain(self) -> str:
        """The token as SQLite compares it: names and words in small letters, without their quotes."""
        match self.kind:
            case "word":
                return self.text.lower()
            case "double" | "tick":
                quote = self.text[0]
                return self.text[1:-1].replace(quote * 2, quote).lower()
            case "bracket":
                return self.text[1:-1].lower()
        return self.text


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a script; `line` is where it begins, 1-based."""

    text: str
    line: int
    offset: int


@dataclass(frozen=True, slots=True)
class Script:
    """A migration script as it was read: once, so that what was checked is what is carried out."""

    path: str
    sha256: str
    statements: tuple[Statement, ...]


def tokens(sql: str) -> Iterator[Token]:
    """Every token of `sql` but blanks and comments."""
    for match in _TOKEN.finditer(sql):
        kind = match.lastgroup or "sign"
        if kind not in ("space", "comment"):
            yield Token(kind, match[0], match.start())


def names_only(sql: str) -> str:
    """Return `sql` with every "double-quoted" token as a name that cannot be anything else.

    SQLite takes a double-quoted word that names no column for a text, and compares with that: a check of
    a missing column then counts every row. Brackets and backticks have no such second meaning.
    """

    def sure(match: re.Match[str]) -> str:
        if match.lastgroup != "double" or not match[0].endswith('"') or len(match[0]) < 2:
            return match[0]
        name = match[0][1:-1].replace('""', '"')
        return f"[{name}]" if "]" not in name else "`" + name.replace("`", "``") + "`"

    return _TOKEN.sub(sure, sql)


def read_script(path: Path) -> Script:
    """Read and split a migration script.

    Raises RefusedError, with line and reason, where it cannot be read or holds a statement that would break
    the transaction (BEGIN, COMMIT, ROLLBACK, ATTACH, VACUUM, most PRAGMAs, dot-commands).
    """
    try:
        with open(path, "rb") as file:
            data = file.read(SCRIPT_BYTES_MAX + 1)
    except OSError as fault:
        raise RefusedError(f"the script {path} cannot be read: {fault.strerror}") from fault
    if len(data) > SCRIPT_BYTES_MAX:
        raise RefusedError(f"the script {path} is larger than {SCRIPT_BYTES_MAX:,} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise RefusedError(f"the script {path} is not UTF-8: byte {fault.start}") from fault
    statements = tuple(split(text, os.fspath(path)))
    if not statements:
        raise RefusedError(f"the script {path} holds no statement")
    return Script(os.fspath(path), hashlib.sha256(data).hexdigest(), statements)


def split(text: str, path: str = "", *, is_migration: bool = True) -> list[Statement]:
    """Split a script into its statements. Raises RefusedError as `read_script` does.

    With `is_migration` false only what is no SQL at all is refused.
    """
    if "\0" in text:
        raise _refusal(text, text.index("\0"), path, "the script holds a NUL character", "take it out")
    statements: list[Statement] = []
    begin: int | None = None
    for token in tokens(text):
        if begin is None:
            if token.text == ";":
                continue
            begin = token.offset
            _refuse_dot(token, text, path)
        if token.text == ";":
            candidate = text[begin : token.offset + 1]
            if complete_statement(candidate):
                statements.append(_statement(candidate, text, begin))
                begin = None
        if len(statements) > STATEMENTS_MAX:
            raise RefusedError(f"the script {path} has more than {STATEMENTS_MAX:,} statements")
    if begin is not None:
        statements.append(_statement(text[begin:], text, begin))
    if is_migration:
        for statement in statements:
            _refuse_what_breaks(statement, text, path)
    return statements


def _statement(statement: str, text: str, offset: int) -> Statement:
    return Statement(statement, text.count("\n", 0, offset) + 1, offset)


def _refuse_dot(token: Token, text: str, path: str) -> None:
    if token.text.startswith("."):
        raise _refusal(
            text,
            token.offset,
            path,
            "a dot-command belongs to the sqlite3 shell; it is no SQL",
            "take it out",
        )


def _refuse_what_breaks(statement: Statement, text: str, path: str) -> None:
    offset = statement.offset
    words = list(islice((t for t in tokens(statement.text) if t.kind == "word"), 3))
    first = words[0].text.upper() if words else ""
    if first in _REFUSED:
        raise _refusal(text, offset, path, f"{first} may not stand in a migration script", _REFUSED[first])
    if first == "PRAGMA":
        name = next((t.plain for t in words[1:] if t.plain not in ("main", "temp")), "")
        if name not in ALLOWED_PRAGMAS:
            why = (
                "inside a transaction it has no effect: the script would believe that it has"
                if name == "foreign_keys"
                else "it does not belong to the transaction, and could not be taken back"
            )
            raise _refusal(text, offset, path, f"PRAGMA {name} may not stand in a migration script", why)


def _refusal(text: str, offset: int, path: str, what: str, help: str) -> RefusedError:
    line = text.count("\n", 0, offset) + 1
    start = text.rfind("\n", 0, offset) + 1
    source = text[start:].split("\n", 1)[0]
    width = len((text[offset:].split() or [""])[0])
    return RefusedError(what, where=Place(path, line, offset - start + 1, source, width), help=help)
