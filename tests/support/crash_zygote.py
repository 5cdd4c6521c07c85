"""Forks a kind on request: everything is imported once, so that a kill -9 meets the work and not the start of Python.

Reads one JSON line for each run from stdin (`folder`, `kind`, `parameters`, `mutant`), forks, and prints the
child's pid; when the child has ended it prints its wait status. `mutant` breaks the product deliberately.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.kinds.base import Action, Context
from orion_deploy.kinds.registry import build, kind_class
from orion_deploy.kinds.sqlite import backup, migrate, record, restore, transaction


def break_it(mutant: str) -> None:
    """Replace what makes a kind safe by what a careless one would do."""
    if mutant == "autocommit":

        def carry_out(
            database: sqlite3.Connection, script: Any, meter: Any, _verify: Any
        ) -> transaction.Applied:
            for statement in script.statements:
                database.execute(statement.text)
                time.sleep(0.02)  # the gap is there without it; this makes it as wide as on a large database
            return transaction.Applied(meter.ops, 0.0)

        vars(migrate)["carry_out"] = carry_out
    elif mutant == "in-place":

        @contextlib.contextmanager
        def partial_file(final: Path) -> Any:
            final.touch()
            yield final

        def take_backup(*arguments: Any, **more: Any) -> Any:
            folder = arguments[1]
            final = folder / "orion-before.db"
            pinned = record.Backup(0.0, str(final), "", 0, str(arguments[0].path))
            record.note(arguments[2].run_directory, arguments[0].path, "backup", pinned)
            return whole(*arguments, **more)

        whole = backup.take_backup
        vars(backup).update(
            partial_file=partial_file, publish=lambda _part, _final: None, take_backup=take_backup
        )
    elif mutant == "cp":

        def put_back(path: Path, _live: Any, pinned: Any, folder: Path, _context: Context) -> Any:
            with open(pinned.path, "rb") as source, open(path, "wb") as target:
                while piece := source.read(1 << 14):
                    target.write(piece)
                    target.flush()
            shutil.copy(pinned.path, folder / "kept.db")
            return restore._Kept(folder / "kept.db", "by cp")

        vars(restore)["_put_back"] = put_back
    elif mutant:
        raise SystemExit(f"no such mutant: {mutant}")


def run(order: dict[str, Any]) -> None:
    """Carry one kind out, as the worker does."""
    break_it(order.get("mutant", ""))
    folder = Path(order["folder"])
    context = Context(
        run="r1",
        run_directory=folder / "run",
        attempt_directory=folder / "run",
        cwd=folder,
        variables={},
        progress=lambda _done, _total, _message: None,
        is_cancelled=lambda: False,
        now=time.time,
    )
    kind = build(KindCall(order["kind"], order["parameters"]))
    assert isinstance(kind, Action)
    verdict = kind.act(context)
    print(verdict.outcome.value, verdict.reason, file=sys.stderr, flush=True)


def main() -> None:
    """Serve orders until stdin ends."""
    for name in ("sqlite.backup", "sqlite.migrate", "sqlite.restore", "sqlite.rehearse", "sqlite.rollback"):
        kind_class(name)
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                log = os.open(Path(order["folder"]) / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                os.dup2(log, 1)
                os.dup2(log, 2)
                run(order)
                status = 0
            finally:
                os._exit(status)
        print(pid, flush=True)
        print(os.waitpid(pid, 0)[1], flush=True)


if __name__ == "__main__":
    main()
