"""The safe steps that rules propose, as the lines of a `yaml step` block, with the names that a script uses."""

from __future__ import annotations

import re
from collections.abc import Sequence

from orion_deploy.checklist.yaml_text import scalar, value


def _call(key: str, kind: str, **parameters: object) -> str:
    """Return a typed call: on one line where it is short, else its parameters below one another."""
    inner = ", ".join(f"{name}: {value(item, in_flow=True)}" for name, item in parameters.items())
    short = f"{key}: {{{kind}: {{{inner}}}}}"
    if len(short) <= 90:
        return short
    below = [f"    {name}: {value(item)}" for name, item in parameters.items()]
    return "\n".join([f"{key}:", f"  {kind}:", *below])


def absent(program: str = "NAME") -> str:
    """Nothing of this name runs."""
    return _call("check", "process.absent", program=program)


def stop(program: str = "NAME", deadline_s: int = 15) -> str:
    """End a program, and see that it has ended and stays so."""
    return _call("action", "process.stop", program=program, deadline_s=deadline_s)


def start(words: Sequence[str] = ("NAME",)) -> str:
    """Start a program, and see that it stays up."""
    return _call("action", "process.start", command=list(words))


def closed(files: Sequence[str] = ("FILE",)) -> str:
    """Nobody has a file open."""
    return _call("check", "files.closed", path=list(files))


def backup(path: str = "DATABASE") -> str:
    """Back a database up, verified."""
    return _call("action", "sqlite.backup", path=path, folder="FOLDER")


def restore(path: str = "DATABASE") -> str:
    """Restore this run's backup."""
    return _call("action", "sqlite.restore", path=path)


def pair(sql_file: str) -> tuple[str, str]:
    """Return the names of a migration's two files, from one of them: `x_up.sql` and `x_down.sql`."""
    ways = re.compile(r"(?<=[-_./])(up|down)(?=\.sql$)", re.IGNORECASE)
    if ways.search(sql_file):
        return ways.sub("up", sql_file), ways.sub("down", sql_file)
    return sql_file or "up.sql", "down.sql"


def migrate(path: str = "DATABASE", sql_file: str = "") -> str:
    """Migrate, or take back where `sql_file` does: in one transaction, verified before it is committed."""
    up, down = pair(sql_file)
    kind = "sqlite.rollback" if sql_file and sql_file == down else "sqlite.migrate"
    return _call("action", kind, path=path, up=up, down=down)


def rehearse(path: str = "DATABASE", sql_file: str = "") -> str:
    """Try the way there and back on a real copy."""
    up, down = pair(sql_file)
    return _call("action", "sqlite.rehearse", path=path, up=up, down=down)


def query(path: str = "DATABASE", sql: str = "SELECT count(*) FROM t WHERE c IS NOT NULL") -> str:
    """Ask a database, and compare the answer; an absent column is not applicable."""
    return _call("check", "sqlite.query", path=path, sql=" ".join(sql.split()).rstrip(";"), value=0)


def schema(
    path: str = "DATABASE", table: str = "TABLE", column: str = "COLUMN", *, is_gone: bool = False
) -> str:
    """Compare the schema, exactly."""
    name = f"{table}.{column}"
    if is_gone:
        return _call("check", "sqlite.schema", path=path, absent=[name])
    return _call("check", "sqlite.schema", path=path, columns={name: "TEXT"})


def contains(text: str = "TEXT") -> str:
    """Compare the output."""
    return f"expect: {{contains: {scalar(text, in_flow=True)}}}"
