"""Real attempts: a launcher, a folder, and the fewest words to run a script and see how it ended."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orion_deploy.kinds.shell import ShellResult
from orion_deploy.run import attempt as attempts
from orion_deploy.run.attempt import AttemptResult, AttemptSpec
from orion_deploy.run.launcher import Launcher
from orion_deploy.run.output import Output
from orion_deploy.text import stripped

DEADLINE_S = 30.0
BASH = os.environ.get("ORION_TEST_BASH", "bash")
"""Another bash (3.2 of macOS) under which to run the tests of the wrapper."""


@dataclass(frozen=True, slots=True)
class Ran:
    """An attempt that has ended."""

    directory: Path
    result: AttemptResult
    output: str

    @property
    def shell(self) -> ShellResult:
        """How its shell ended."""
        return self.result.shell


class Bench:
    """Runs scripts, each in a folder of its own below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.launcher = Launcher()
        self._number = 0

    def start(self, script: str | bytes, **more: Any) -> Path:
        """Start an attempt and return its folder."""
        self._number += 1
        directory = self.root / f"attempt-{self._number}"
        data = script.encode("utf-8", "surrogateescape") if isinstance(script, str) else script
        more.setdefault("cwd", str(self.root))
        if more.get("is_shell", True):
            more.setdefault("interpreter", (BASH,))
        self.launcher.start(directory, AttemptSpec(script=data, **more))
        return directory

    def run(self, script: str | bytes, **more: Any) -> Ran:
        """Run a script to its end."""
        return self.end_of(self.start(script, **more))

    def end_of(self, directory: Path) -> Ran:
        """Wait for the end of an attempt that was started."""
        assert attempts.wait(directory, DEADLINE_S), f"{directory} did not end"
        look = attempts.look(directory)
        trouble = directory / "supervisor.error"
        assert look.result is not None, (look, trouble.read_text() if trouble.exists() else "")
        output = Output(directory).tail(64 * 1024 * 1024).decode("utf-8", "replace")
        return Ran(directory, look.result, stripped(output))


@contextmanager
def bench(root: Path) -> Iterator[Bench]:
    """A bench, and its launcher closed afterwards."""
    made = Bench(root)
    try:
        yield made
    finally:
        made.launcher.close()


def eventually(condition: Callable[[], object], what: str = "it", deadline_s: float = DEADLINE_S) -> None:
    """Wait until a condition holds; fail when it does not within the deadline."""
    until = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < until, f"{what} did not come about"
        time.sleep(0.005)


def is_alive(pid: int) -> bool:
    """Whether a process is there and is no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        with suppress(OSError):
            os.kill(pid, 0)
            return not Path("/proc/self/stat").exists()
        return False
    return stat.rpartition(") ")[2][0] not in "ZX"


def end(pid: int) -> None:
    """End one process that a test left behind."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
