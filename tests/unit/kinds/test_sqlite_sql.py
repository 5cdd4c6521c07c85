from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.databases import DOWN, UP

from orion_deploy.errors import RefusedError
from orion_deploy.kinds.sqlite.sql import names_only, read_script, split, tokens


def test_the_bundled_pair_is_readable() -> None:
    """Our own scripts pass our own rules: four statements there, three back."""
    assert [len(read_script(p).statements) for p in (UP, DOWN)] == [4, 3]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("SELECT 1; SELECT 2", 2),
        ("-- only a comment; nothing\n", 0),
        (";;;", 0),
        ("INSERT INTO t VALUES ('a;b', \"c;d\", [e;f]); -- ; \n SELECT /* ; */ 1;", 2),
        ("CREATE TRIGGER x AFTER INSERT ON t BEGIN UPDATE t SET a = 1; DELETE FROM t; END; SELECT 1;", 2),
        ("SELECT 'begin;'; SELECT \"commit\";", 2),
        ("SELECT 'not closed; ", 1),
    ],
)
def test_split_as_sqlite_does(text: str, count: int) -> None:
    """A semicolon in a text, a name, a comment or a trigger's body ends nothing."""
    assert len(split(text)) == count


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("BEGIN;", 1, "BEGIN"),
        ("SELECT 1;\n  commit;", 2, "COMMIT"),
        ("/* x */ End Transaction;", 1, "END"),
        ("\n\nROLLBACK", 3, "ROLLBACK"),
        ("SAVEPOINT a;", 1, "SAVEPOINT"),
        ("ATTACH 'x' AS y;", 1, "ATTACH"),
        ("VACUUM;", 1, "VACUUM"),
        ("PRAGMA journal_mode = DELETE;", 1, "journal_mode"),
        ("PRAGMA main.writable_schema = 1;", 1, "writable_schema"),
        ("pragma foreign_keys = off;", 1, "foreign_keys"),
        ("SELECT 1;\n.read other.sql\n", 2, "dot-command"),
        ("SELECT 'a\0b';", 1, "NUL"),
    ],
)
def test_what_breaks_the_transaction_is_refused_with_its_line(text: str, line: int, words: str) -> None:
    """Line, caret and reason are told before anything is opened."""
    with pytest.raises(RefusedError) as caught:
        split(text, "m.sql")
    assert caught.value.where is not None
    assert caught.value.where.line == line
    assert words in caught.value.what


@pytest.mark.parametrize(
    "text", ["PRAGMA user_version = 3;", "PRAGMA defer_foreign_keys = ON", "PRAGMA foreign_key_check;"]
)
def test_pragmas_that_belong_to_the_transaction_are_allowed(text: str) -> None:
    """`user_version` is rolled back like a row."""
    assert len(split(text)) == 1


@pytest.mark.parametrize(
    "data", [b"", b"-- nothing\n", b"\xff\xfe", b"SELECT 1;" + b" " * (10 * 1024 * 1024)]
)
def test_a_script_that_is_none_is_refused(tmp_path: Path, data: bytes) -> None:
    """Empty, not UTF-8, too large, or missing."""
    path = tmp_path / "m.sql"
    path.write_bytes(data)
    with pytest.raises(RefusedError):
        read_script(path)
    with pytest.raises(RefusedError):
        read_script(tmp_path / "none.sql")


def test_a_double_quoted_word_is_a_name() -> None:
    """SQLite takes an unknown "name" for a text and counts every row; ours is an error."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript("CREATE TABLE t (a); INSERT INTO t VALUES (1), (2);")
        trap = 'SELECT count(*) FROM t WHERE "active_request_id" IS NOT NULL'
        assert connection.execute(trap).fetchone() == (2,)
        with pytest.raises(sqlite3.OperationalError, match="no such column: active_request_id"):
            connection.execute(names_only(trap))
        assert connection.execute(names_only('SELECT "a" FROM "t" WHERE \'"a"\' <> "a"')).fetchall() == [
            (1,),
            (2,),
        ]
    assert names_only('"a]b"') == "`a]b`"
    assert names_only('-- "x"\n[y"z] `"` \'"\'') == '-- "x"\n[y"z] `"` \'"\''


@settings(deadline=None)
@given(st.text(alphabet="ab'\"`[];-/*\n \u00e4\0", max_size=60))
def test_tokens_cover_any_text(text: str) -> None:
    """No text makes the splitter raise, loop or lose a character that is no blank or comment."""
    pieces = list(tokens(text))
    assert all(text[p.offset : p.offset + len(p.text)] == p.text for p in pieces)
    assert names_only(text).count("\n") == text.count("\n")
    try:
        statements = split(text)
    except RefusedError:
        return
    assert sum(len(list(tokens(s.text))) for s in statements) <= len(pieces)
