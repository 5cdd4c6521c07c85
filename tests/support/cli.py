"""The command line as a process: the real program, run to its end, or driven through a real terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect

PROGRAM = (sys.executable, "-m", "orion_deploy")
SECONDS_MAX = 60.0
KEYS_SECONDS_MAX = 20


class Done:
    """How a command ended, and what it said."""

    def __init__(self, process: subprocess.CompletedProcess[bytes]) -> None:
        self.code = process.returncode
        self.out = process.stdout.decode("utf-8", "surrogateescape")
        self.err = process.stderr.decode("utf-8", "surrogateescape")

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What it printed, as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The JSON lines of one kind."""
        return [line for line in self.lines if line["event"] == kind]

    def __repr__(self) -> str:
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


def orion(
    *arguments: str | Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    before: Sequence[str] = (),
) -> Done:
    """Run the program to its end, without a terminal; `before` is an argv that becomes it."""
    return Done(
        subprocess.run(
            [*before, *PROGRAM, *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=SECONDS_MAX,
        )
    )


@contextmanager
def terminal(
    *arguments: str | Path, cwd: Path, env: Mapping[str, str] | None = None, columns: int = 200
) -> Iterator[pexpect.spawn[str]]:
    """Run the program in a terminal of its own; it is ended at the end whatever happened."""
    child = pexpect.spawn(
        PROGRAM[0],
        [*PROGRAM[1:], *map(str, arguments)],
        cwd=str(cwd),
        env={**os.environ, "TERM": "xterm-256color", **(env or {})},
        encoding="utf-8",
        codec_errors="replace",
        timeout=KEYS_SECONDS_MAX,
        dimensions=(60, columns),
        echo=False,
    )
    try:
        yield child
    finally:
        child.close(force=True)


def ended(child: pexpect.spawn[str]) -> int:
    """Wait for the program's own end and return its exit code."""
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus is not None
    return int(child.exitstatus)


def modules_after(*arguments: str, cwd: Path) -> set[str]:
    """The names in `sys.modules` when the command has done its work, in an interpreter of its own."""
    program = (
        "import sys\n"
        f"sys.argv = {['orion-deploy', *arguments]!r}\n"
        "from orion_deploy.__main__ import main\n"
        "code = main()\n"
        "assert code == 0, code\n"
        "sys.stderr.write(' '.join(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=cwd, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())
