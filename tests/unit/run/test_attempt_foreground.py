"""A step in the real terminal: it is the step's own while it runs, and the app's again afterwards, as it was."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect
import pytest
from support.supervised import end, eventually, is_alive

from orion_deploy.run.attempt import Finding, look, wait

if TYPE_CHECKING:
    Terminal = pexpect.spawn[str]
APP = """
import os, signal, sys, termios
from pathlib import Path
from orion_deploy.run.attempt import AttemptSpec
from orion_deploy.run.launcher import Launcher
from orion_deploy.errors import OrionError
root = Path(sys.argv[1])
signal.signal(signal.SIGINT, lambda *_: print("the app was interrupted"))
before = termios.tcgetattr(0)
launcher = Launcher()
try:
    spec = AttemptSpec(script=(root / "step").read_bytes(), cwd=str(root))
    result = launcher.run_in_foreground(root / "a", spec)
    print("ended:", result.shell.exit_status, result.shell.signal, result.shell.reached_end, *result.carried)
except OrionError as error:
    print("error:", error.what)
print("modes:", termios.tcgetattr(0) == before, "foreground:", os.tcgetpgrp(0) == os.getpgrp())
print("line:", input())
launcher.close()
"""


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    """Terminals, closed afterwards."""
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close(force=True)


def run(terminals: list[Terminal], root: Path, script: str) -> Terminal:
    """The app in a terminal, with this step in the foreground."""
    (root / "step").write_text(script)
    terminal: Terminal = pexpect.spawn(
        sys.executable, ["-c", APP, str(root)], encoding="utf-8", timeout=20, echo=False, cwd=str(root)
    )
    terminals.append(terminal)
    return terminal


def test_the_step_reads_and_prints_in_the_terminal(terminals: list[Terminal], tmp_path: Path) -> None:
    """`read` gets what is typed, output goes to the terminal, the end is known, and the app has its input back."""
    terminal = run(
        terminals, tmp_path, 'read -p "word? " -r x; test -t 1 && echo "got $x"; export W=1; exit 0'
    )
    terminal.expect_exact("word? ")
    terminal.sendline("open sesame")
    terminal.expect_exact("got open sesame")
    terminal.expect_exact("ended: 0 None False W x")
    terminal.expect_exact("modes: True foreground: True")
    terminal.sendline("mine again")
    terminal.expect_exact("line: mine again")
    terminal.expect(pexpect.EOF)
    assert look(tmp_path / "a").finding is Finding.FINISHED


def test_terminal_modes_are_restored(terminals: list[Terminal], tmp_path: Path) -> None:
    """A step that leaves the terminal raw leaves it as it was for the app."""
    terminal = run(terminals, tmp_path, "stty raw -echo -isig; exit 4")
    terminal.expect_exact("ended: 4")
    terminal.expect_exact("modes: True foreground: True")


def test_an_interrupt_from_the_keyboard_is_the_steps(terminals: list[Terminal], tmp_path: Path) -> None:
    """Ctrl-C reaches the step and not the app; Ctrl-Z does not leave it stopped."""
    terminal = run(terminals, tmp_path, "exec cat")
    terminal.sendline(
        "ready"
    )  # Its answer shows that it runs: a shell about to start it could miss the signal.
    terminal.expect_exact("ready")
    terminal.sendcontrol("z")
    terminal.sendcontrol("c")
    terminal.expect_exact("ended: None 2")
    assert "the app was interrupted" not in str(terminal.before)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")
def test_a_step_outlives_an_app_that_is_killed(terminals: list[Terminal], tmp_path: Path) -> None:
    """The app dies while a step has the terminal: the step runs on, and its end is recorded."""
    os.mkfifo(tmp_path / "gate")
    terminal = run(terminals, tmp_path, "trap '' HUP; echo ready; read -r x <gate; exit 6")
    terminal.expect_exact("ready")
    assert terminal.pid
    os.kill(terminal.pid, signal.SIGKILL)
    assert look(tmp_path / "a").finding is Finding.RUNNING
    (tmp_path / "gate").write_text("go\n")
    assert wait(tmp_path / "a", 20)
    result = look(tmp_path / "a").result
    assert result is not None
    assert result.shell.exit_status == 6


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")
def test_a_killed_supervisor_leaves_an_unknown_outcome(terminals: list[Terminal], tmp_path: Path) -> None:
    """What watched over the step is killed: the app says that it does not know, and has its terminal back."""
    terminal = run(terminals, tmp_path, "echo ready; sleep 60")
    terminal.expect_exact("ready")
    eventually((tmp_path / "a" / "run.json").exists)
    record = json.loads((tmp_path / "a" / "run.json").read_text())
    os.kill(record["supervisor"], signal.SIGKILL)
    eventually(lambda: look(tmp_path / "a").finding is Finding.ORPHAN, "the orphan")
    assert is_alive(record["pid"])
    end(record["pid"])
    terminal.expect_exact("error: what became of the step is not known")
    terminal.expect_exact("modes: True foreground: True")


def test_without_a_terminal_it_still_runs(tmp_path: Path) -> None:
    """In a pipe there is nothing to lend; the step runs all the same."""
    import subprocess

    (tmp_path / "step").write_text("read -r x; echo got $x")
    program = APP.replace("before = termios.tcgetattr(0)", "before = 0").split('print("modes')[0]
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], input="piped\n", capture_output=True, text=True
    )
    assert done.stdout.splitlines()[:2] == ["got piped", "ended: 0 None True x"], done.stderr
