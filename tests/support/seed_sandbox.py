"""The seed checklist, unmodified, on a machine of its own: a process namespace where its `pkill -f` meets nobody else."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from orion_deploy.demo.faults import break_migration
from support.kinds import until
from support.shared import seed

_UNSHARE = (
    ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child"),
    ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child"),
)
_INIT = "import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\nwhile True: signal.pause()"
"""The first process of the namespace: it collects what ends, so that no zombie is taken for a running Orion."""
COMMAND_TIMEOUT_S = 120


@cache
def _unshare() -> tuple[str, ...] | None:
    """The way into a process namespace that this machine allows, or None."""
    if shutil.which("unshare") is None or shutil.which("nsenter") is None:
        return None
    for command in _UNSHARE:
        if subprocess.run([*command, "true"], capture_output=True).returncode == 0:
            return command
    return None


@dataclass(frozen=True)
class SeedBox:
    """A home as the seed expects it, and a way to run commands in its namespace."""

    home: Path
    checklist: Path
    environ: Mapping[str, str]
    _enter: tuple[str, ...]

    @property
    def database(self) -> Path:
        """The database of the seed's commands."""
        return self.home / "Orion" / "data" / "orion.db"

    def run(self, *argv: str | Path, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command in the namespace, in the home; `text` is its input."""
        return subprocess.run(
            [*self._enter, *argv],
            env=self.environ,
            input=text,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
        )

    def deploy(self, *argv: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run `orion-deploy` with these arguments."""
        return self.run(sys.executable, "-m", "orion_deploy", *argv, text=text)

    def start_orion(self) -> None:
        """Start the stand-in; returns when it is up."""
        self.run("sh", "-c", "orion </dev/null >/dev/null 2>&1 &")
        until(lambda: self.pids("orion"), "Orion's start")

    def stop_orion(self) -> None:
        """Stop the stand-in as its user would, by closing it; returns when it is gone."""
        for pid in self.pids("orion"):
            self.run("kill", pid)
        until(lambda: not self.pids("orion"), "Orion's stop")

    def break_migration(self) -> None:
        """Let the second statement of the migration name a column that is not there."""
        up = self.home / "src" / "db" / "migrations" / "0001_add_active_request_up.sql"
        up.write_text(break_migration(up.read_text("utf-8")), "utf-8")

    def pids(self, name: str) -> list[str]:
        """The processes of the namespace whose own name this is."""
        return self.run("pgrep", "-x", name).stdout.split()


@contextmanager
def seed_box(folder: Path) -> Iterator[SeedBox]:
    """Build the home, start Orion in a namespace of its own, and end everything afterwards."""
    from orion_deploy.demo.sandbox import build_sandbox, stop_sandbox

    checklist = seed()
    command = _unshare()
    if command is None:
        pytest.skip("needs a process namespace (unshare, nsenter): the seed's `pkill -f orion` spares nobody")
    home = folder / "home"
    build_sandbox(home, conversations=10_000, program="orion")
    stop_sandbox(home)
    shutil.copytree(home / "migrations", home / "src" / "db" / "migrations")
    copy = home / checklist.name
    shutil.copyfile(checklist, copy)
    environ = {
        **{k: v for k, v in os.environ.items() if k in ("LANG", "LC_ALL", "TMPDIR")},
        "HOME": str(home),
        "PATH": f"{home / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "XDG_STATE_HOME": str(home / ".state"),
    }
    outside = subprocess.Popen([*command, sys.executable, "-c", _INIT], cwd=home)
    try:
        box = SeedBox(
            home, copy, environ, ("nsenter", "--target", _child(outside.pid), *_namespaces(command))
        )
        box.start_orion()
        yield box
    finally:
        outside.send_signal(signal.SIGKILL)
        outside.wait()


def _child(pid: int) -> str:
    """The first process of the namespace, by its id outside."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    until(lambda: path.read_text().split(), "the namespace")
    return path.read_text().split()[0]


def _namespaces(command: Sequence[str]) -> tuple[str, ...]:
    return (
        "--pid",
        "--mount",
        "--wd",
        *(("--user", "--preserve-credentials") if "--user" in command else ()),
    )
