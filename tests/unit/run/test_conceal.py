"""Concealed: other processes do not find this one by the words it was started with."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orion_deploy.run import conceal as module

PROGRAM = """
import sys
sys.path.insert(0, {root!r})
from orion_deploy.run.conceal import conceal
conceal({name!r})
print("ready", flush=True)
input()
print(len(sys.argv), sys.argv[1])
"""
ROOT = str(Path(module.__file__).parents[2])


def started(name: str, *words: str) -> subprocess.Popen[str]:
    """A process with these words in its argv, concealed."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(root=ROOT, name=name), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


needs_proc = pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux's /proc")


@needs_proc
@pytest.mark.parametrize("name", ["checklist", "a name that is longer than fifteen bytes", "x"])
def test_argv_and_name_are_replaced(name: str) -> None:
    """`ps`, `pgrep -f` and `pgrep` see the new name alone; the program still has its own argv."""
    with started(name, "zebra_marker_771", "orion.md") as process:
        command_line = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        comm = Path(f"/proc/{process.pid}/comm").read_text()
        found = ""
        if shutil.which("pgrep"):
            answer = subprocess.run(["pgrep", "-f", "zebra_marker_77[1]"], capture_output=True, text=True)
            found = answer.stdout
        out, _ = process.communicate("\n")
    assert command_line.rstrip(b"\0") == name.encode()
    assert comm.rstrip("\n") == name[:15]
    assert str(process.pid) not in found.split()
    assert out == "3 zebra_marker_771\n"


@needs_proc
def test_the_environment_does_not_show_through() -> None:
    """The end of argv stays closed: what `ps` prints does not run on into the environment."""
    process = started("y" * 5000, "a")
    with process:
        command_line = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        process.communicate("\n")
    assert set(command_line.rstrip(b"\0")) == {ord("y")}
    assert command_line.endswith(b"\0")


def test_it_never_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be changed, nothing happens."""

    def refuse(*_: object, **__: object) -> object:
        raise PermissionError

    monkeypatch.setattr("builtins.open", refuse)
    module.conceal()


@needs_proc
def test_it_takes_no_time() -> None:
    """Well below a millisecond of processor time: it stands before the first paint."""
    program = (
        f"import sys, time; sys.path.insert(0, {ROOT!r}); from orion_deploy.run.conceal import conceal\n"
        "begin = time.process_time(); conceal(); print(time.process_time() - begin)"
    )
    spent = [
        float(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout)
        for _ in range(3)
    ]
    assert min(spent) < 0.001
