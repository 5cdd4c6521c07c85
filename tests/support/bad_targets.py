"""Databases that are none, and places where they should not be; each step of a deployment pointed at one, as a user would."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from support.cli import orion
from support.databases import MIGRATION
from support.sessions import book

SCRIPTS = f"up: '{MIGRATION['up']}', down: '{MIGRATION['down']}'"
HEAD = """---
variables:
  DATABASE: {default: data/orion.db, type: path}
  BACKUPS: {default: backups, type: path}
---

# Deployment

"""


def text(scripts: str = SCRIPTS) -> str:
    """A checklist with a step of each kind that touches a database."""
    calls = (
        ("ready", "check", "sqlite.ready: {path: $DATABASE, trust_locks: true}"),
        ("closed", "check", "files.closed: {path: $DATABASE}"),
        ("state", "check", f"sqlite.state: {{path: $DATABASE, {scripts}, expect_state: before}}"),
        ("rehearse", "action", f"sqlite.rehearse: {{path: $DATABASE, {scripts}}}"),
        ("backup", "action", "sqlite.backup: {path: $DATABASE, folder: $BACKUPS}"),
        ("migrate", "action", f"sqlite.migrate: {{path: $DATABASE, {scripts}}}"),
        ("down", "action", f"sqlite.rollback: {{path: $DATABASE, {scripts}, folder: $BACKUPS}}"),
        ("restore", "action", "sqlite.restore: {path: $DATABASE}"),
    )
    return HEAD + "\n\n".join(
        f"- [ ] {name}\n\n  ```yaml step\n  id: {name}\n  {word}:\n    {call}\n  ```"
        for name, word, call in calls
    )


STEPS = ("ready", "state", "rehearse", "backup", "migrate", "down", "restore")


class Deployment:
    """A checklist in a folder, whose steps are run one at a time by the program."""

    def __init__(
        self,
        folder: Path,
        *,
        before: Sequence[str] = (),
        env: dict[str, str] | None = None,
        scripts: str = SCRIPTS,
    ) -> None:
        """`before` is an argv that becomes the program: where its steps see something else."""
        self.folder = folder
        self.before = before
        self.env = env or {}
        self.path = book(folder, text(scripts))

    def run(self, step: str, **values: str | Path) -> dict[str, Any]:
        """Run one step and return its verdict; `values` are variables (`database=...`)."""
        given = [w for k, v in values.items() for w in ("--set", f"{k.upper()}={v}")]
        done = orion(
            *("run", self.path.name, "--auto", "--approve", "--json", "--only", step, *given),
            cwd=self.folder,
            env=self.env,
            before=self.before,
        )
        (finished,) = done.events("finished")
        assert done.code == {"passed": 0, "not applicable": 0}.get(finished["verdict"]["outcome"], done.code)
        assert "Traceback" not in done.out + done.err
        verdict: dict[str, Any] = finished["verdict"]
        return verdict


def everything_in(folder: Path) -> dict[str, tuple[str, ...]]:
    """Every file, link and folder below one: kind, mode, and content; without the index that SQLite's readers share."""
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = ("link", os.readlink(path))
        elif path.is_file() and not name.endswith("-shm"):
            content = hashlib.sha256(path.read_bytes()).hexdigest() if os.access(path, os.R_OK) else "?"
            if path.stat().st_size or not name.endswith("-wal"):
                found[name] = ("file", oct(path.stat().st_mode), content)
        elif path.is_dir():
            found[name] = ("folder", oct(path.stat().st_mode))
    return found


def as_ordinary() -> list[str]:
    """What makes root as weak as an ordinary user: files' modes count, other users' processes cannot be looked into."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--inh-caps=-all", "--bounding-set=-all"]


def why_not_ordinary() -> str:
    """Why root cannot be made ordinary here; empty where it can, or is not needed."""
    if os.geteuid() != 0:
        return ""
    if not shutil.which("setpriv"):
        return "root may do everything, and there is no setpriv to change that"
    done = subprocess.run([*as_ordinary(), "true"], capture_output=True)
    return "" if done.returncode == 0 else "root may do everything, and setpriv cannot change that here"


@cache
def namespaces(*flags: str) -> tuple[str, ...]:
    """An argv that runs what follows in namespaces of its own; empty where the system lets nobody."""
    if not shutil.which("unshare"):
        return ()
    for user in ((), ("--user", "--map-root-user")):
        argv = ("unshare", *user, *flags)
        if subprocess.run([*argv, "true"], capture_output=True).returncode == 0:
            return argv
    return ()


def on_disk(folder: Path, size: str, *, then: str = "true", after: str = "true") -> tuple[str, ...]:
    """An argv that runs what follows while a small disk is mounted on `folder`, which only it sees.

    `then` and `after` are shell text that runs before and behind it, in `folder`. Empty where nothing can be mounted.
    """
    argv = namespaces("--mount")
    if not argv:
        return ()
    probe = ["sh", "-c", f"mount -t tmpfs -o size=64k tmpfs '{folder}'"]
    if subprocess.run([*argv, *probe], capture_output=True).returncode != 0:
        return ()
    script = f"""
        where=$PWD; mount -t tmpfs -o size={size},mode=0700 tmpfs '{folder}' && cd '{folder}' || exit 99
        {{ {then}; }} || exit 98
        cd "$where"; "$@"; code=$?
        cd '{folder}'; {after}
        exit $code"""
    return (*argv, "sh", "-c", script, "sh")


def an_older_sqlite(folder: Path, version: str) -> dict[str, str]:
    """An environment in which Python's own `sqlite3` tells another version: the machine's library at the edge."""
    package = folder / "older" / "sqlite3"
    package.mkdir(parents=True)
    real = Path(sqlite3.__file__).parent
    numbers = tuple(int(n) for n in version.split("."))
    (package / "__init__.py").write_text(
        f"__path__ = [{str(real)!r}]\n"
        f"exec(compile(open({str(real / '__init__.py')!r}).read(), 'sqlite3', 'exec'))\n"
        f"sqlite_version, sqlite_version_info = {version!r}, {numbers!r}\n"
    )
    return {"PYTHONPATH": str(package.parent)}
