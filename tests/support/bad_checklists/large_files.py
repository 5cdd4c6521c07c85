"""Files that are large in one way: each is made when it is asked for.

`LARGE` are shapes; `TRAPS` are one piece of text, over and over, where a rule might look for it again at each place.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from support.bad_checklists.model import MARKDOWN, YAML, Bad

Make = Callable[[], bytes]

LARGE: dict[str, Make] = {
    "10,000 tasks": lambda: b"".join(
        b"- [ ] **Step %d** `x` (if not done)\n  - more\n  ```bash\n  ls %d\n  ```\n\n" % (n, n)
        for n in range(10_000)
    ),
    "20,000 headings": lambda: b"# h\n" * 20_000,
    "a fence of 5 MB": lambda: b"- [ ] x\n  ```bash\n" + b"  echo hello world, this is text\n" * 160_000 + b"  ```\n",
    "a line of 1 MB": lambda: b"- [ ] " + b"a *b " * 200_000,
    "400,000 blank lines": lambda: b"- [ ] a\n" + b"\n" * 400_000,
    "1,000 lists within one another": lambda: "".join("  " * n + "- [ ] s\n" for n in range(1_000)).encode(),
    "100,000 markers in a line": lambda: b"- " * 100_000 + b"[ ] x\n",
    "100,000 quotes": lambda: b">" * 100_000 + b" x\n",
    "2,000 lines in 400 quotes": lambda: (b"> " * 400 + b"x\n") * 2_000,
    "a paragraph of 500,000 lines": lambda: b"a\n" * 500_000,
    "20,000 equal titles": lambda: b"- [ ] same\n" * 20_000,
    "20,000 numbered steps": lambda: b"## Rollback\n" + b"1. a\n" * 20_000,
    "20,000 options": lambda: b"- [ ] x\n\n" + b"  Option 1: a\n\n" * 20_000,
    "brackets": lambda: (b"- [ ] " + b"[" * 4_900 + b"\n") * 50,
    "definitions": lambda: b"[a]: /u\n" * 100_000,
    "open comments": lambda: (b"- [ ] " + b"<!-- " * 900 + b"\n") * 50,
    "front matter without end": lambda: b"---\na: 1\n" + b"x: y\n" * 100_000,
    "a table of 1 MB": lambda: b"|" * 500_000 + b"\n" + b"|-" * 250_000,
    "carriage returns": lambda: b"- [ ] a\r" * 20_000,
    "no text": lambda: bytes(range(256)) * 4_000,
}  # fmt: skip

LARGE_YAML: dict[str, tuple[Make, str]] = {
    "50,000 steps": (lambda: b"title: a\nsteps:\n" + b"- title: s\n" * 50_000, "more than 25,000 sections and steps"),
    "a megabyte and one byte": (lambda: b"title: a\ntext: " + b"x" * 1_000_000, "at most 1,000,000"),
    "16 megabytes": (lambda: b"title: a\ntext: " + b"x" * 16_000_000, "at most"),
    "a megabyte of one text": (lambda: b"title: a\ntext: " + b"x " * 490_000, ""),
    "100,000 brackets": (lambda: b"[" * 100_000, "nesting depth"),
    "a list of 499,990 values": (lambda: b"[" + b"a," * 499_990 + b"]", "200,000 values"),
    "a mapping of 75,000 keys": (lambda: b"{" + b",".join(b"k%d: 1" % n for n in range(75_000)) + b"}", "no key"),
    "metadata of 40,000 names": (lambda: b"title: a\nmetadata:\n" + b"".join(b"  k%d: v\n" % n for n in range(40_000)), ""),
    "5,000 steps": (lambda: b"title: a\nsteps:\n" + b"".join(b"- title: Step %d\n  run: ls %d\n" % (n, n) for n in range(5_000)), ""),
    "10,000 steps of one title": (lambda: b"title: a\nsteps:\n" + b"- title: same\n" * 10_000, ""),
    "a chain of 3,000 needs": (lambda: b"title: a\nsteps:\n" + b"".join(b"- {title: s, id: s%d, needs: s%d}\n" % (n, n - 1) if n else b"- {title: s, id: s0}\n" for n in range(3_000)), ""),
    "500 steps that each need all the others before": (lambda: b"title: a\nsteps:\n" + b"".join(b"- {title: s, id: s%d, needs: [%s]}\n" % (n, b", ".join(b"s%d" % m for m in range(n))) for n in range(500)), ""),
    "a line of 900,000 quotes": (lambda: b"title: '" + b"''" * 450_000 + b"'\n", ""),
    "a line of 300,000 escapes": (lambda: b'title: "' + b"\\e[" * 300_000 + b'"\n', ""),
    "100,000 comments": (lambda: b"title: a\n" + b"# x\n" * 100_000, ""),
    "10,000 patterns": (lambda: b"title: a\nsteps:\n- title: b\n  expect:\n" + b"".join(b"  - {regex: 'a%d+[b-z]'}\n" % n for n in range(10_000)), ""),
    "200 patterns that are wide": (lambda: b"title: a\nsteps:\n- title: b\n  expect:\n" + b"".join(b"  - {regex: '(?i)[\\x01-\\U0010fffe%d]'}\n" % n for n in range(200)), ""),
}  # fmt: skip


def _task(piece: str, size: int) -> bytes:
    return f"# R\n\n- [ ] {piece * (size // len(piece))}\n".encode()


def _prose(piece: str, size: int) -> bytes:
    return f"# R\n\n- [ ] a\n\n{piece * (size // len(piece))}\n".encode()


def _script(piece: str, size: int) -> bytes:
    return f"# R\n\n- [ ] a\n\n  ```bash\n  {piece * (size // len(piece))}\n  ```\n".encode()


def _sql(piece: str, size: int) -> bytes:
    text = piece * (size // len(piece))
    return f'# R\n\n- [ ] a\n\n  ```bash\n  sqlite3 app.db "{text}"\n  ```\n'.encode()


def _comment(piece: str, size: int) -> bytes:
    return (
        f"# R\n\n- [ ] a\n\n  ```bash\n  ls # Should return {piece * (size // len(piece))}\n  ```\n".encode()
    )


_PIECES = {
    "spaces": " ",
    "digits": "1",
    "digits and commas": "1,",
    "signs of less": "<",
    "less and a space": "< ",
    "numbers of rows": "10k rows ",
    "limits": "under 5 ms ",
    "dashes": "-",
    "words with dashes": "a-",
    "opening brackets": "[",
    "brackets": "[a](",
    "backquotes and words": "`a ",
    "stars": "*",
    "stars and words": "*a ",
    "underlines": "_",
    "underlines and words": "_a ",
    "colons": ":",
    "exclamation marks": "!",
    "parentheses": "(",
    "tags": "(A-",
    "placeholders": "<A ",
    "braces": "{{a",
    "dollars": "$",
    "comments of HTML": "<!--",
    "tags of HTML": "<a ",
    "entities": "&",
    "slashes": "/",
    "dots": ".",
    "capitals": "A",
    "capitals with dashes": "A-",
    "bars": "|",
    "backslashes": "\\",
    "tildes": "~",
    "names of migrations": "0001_a_",
    "addresses": "http://a",
}
_SHELL_PIECES = {
    "blank lines": "\n",
    "spaces": " ",
    "tabs": "\t",
    "signs of a comment": "# ",
    "options": "-a ",
    "letters": "a",
    "dots": ".",
    "equals signs": "A=",
    "killed names": "pkill a; ",
    "ways back": "alembic downgrade ",
    "rollouts": "rollout ",
    "changes of mode": "chmod 777 ",
    "followed logs": "tail -f a | ",
    "substitutions": "$(",
    "substitutions and words": "$(x ",
    "substitutions, closed": "$(x) ",
    "backquotes": "`",
    "single quotes": "'",
    "double quotes": '"',
    "guards": "a && ",
    "pipes": "a | ",
    "here-documents": "<<E ",
    "assignments": "A=b ",
    "wrappers": "sudo ",
    "copies": "cp a.db ",
    "kills": "kill -9 ",
    "greps": "pgrep -f x | ",
    "calls of sqlite3": "sqlite3 a.db x; ",
    "calls of sqlite3 that read": "sqlite3 a.db < up.sql; ",
    "processes": "ps aux | grep x; ",
    "parentheses": "(",
    "braces": "{ ",
    "dollars and braces": "${",
    "redirections": "> ",
    "backslashes": "\\ ",
    "placeholders": "<A> ",
    "loops": "while true; do ",
    "removals": "rm -rf $X/",
}
_SQL_PIECES = {
    "selects": "select ",
    "selects and wheres": "select where ",
    "counts": "count( ",
    "counts and wheres": "count( where ",
    "counts, wheres and names": "count(where a_b is not ",
    "quoted columns": "where 'a' and ",
    "column drops": "drop column ",
    "pragmas": "pragma a ",
}
_COMMENT_PIECES = {
    "spaces": " ",
    "digits": "1",
    "quotes": "'",
    "dots": ". ",
    "stars": "*",
    "slashes": "/",
    "brackets": "(a",
    "bars": " | ",
}
TRAP_BYTES = 100_000


def traps(size: int) -> dict[str, Make]:
    """Each piece over and over, as a title, prose, a script, SQL, or what a comment expects: about `size` bytes."""
    frames = (
        ("a task", _task, _PIECES),
        ("prose", _prose, _PIECES),
        ("a script", _script, _SHELL_PIECES),
        ("SQL", _sql, _SQL_PIECES),
        ("an expected result", _comment, _COMMENT_PIECES),
    )
    return {
        f"{what} of {name}": partial(frame, piece, size)
        for what, frame, pieces in frames
        for name, piece in pieces.items()
    }


TRAPS = traps(TRAP_BYTES)

TOO_LARGE: dict[str, tuple[Make, str]] = {
    "17 megabytes": (lambda: b"- [ ] a\n" + b"x" * 17_000_000, "at most 16,000,000"),
    "16 megabytes of short lines": (lambda: b"- [ ] a\n\n" + b"x\n" * 7_900_000, "at most 500,000"),
    "a million blank lines": (lambda: b"- [ ] a\n" + b"\n" * 1_000_000, "at most 500,000"),
    "100,000 headings": (lambda: b"# h\n" * 100_000, "more than 25,000 sections and steps"),
    "50,000 tasks": (lambda: b"- [ ] a\n" * 50_000, "more than 25,000 sections and steps"),
    "50,000 tasks, each in the one before": (lambda: b"".join(b" " * (2 * (n % 100)) + b"- [ ] a\n" for n in range(50_000)), "more than 25,000 sections and steps"),
}  # fmt: skip

FILES: tuple[Bad, ...] = (
    *(Bad(name, MARKDOWN, make, "", "large") for name, make in LARGE.items()),
    *(Bad(name, MARKDOWN, make, words, "large") for name, (make, words) in TOO_LARGE.items()),
    *(Bad(name, YAML, make, words, "large") for name, (make, words) in LARGE_YAML.items()),
    *(Bad(name, MARKDOWN, make, "", "traps") for name, make in TRAPS.items()),
    Bad("16 megabytes of prose", MARKDOWN, lambda: b"- [ ] a\n\n" + b"x" * 15_900_000, "", "large"),
)
