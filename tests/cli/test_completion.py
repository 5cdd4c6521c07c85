"""Completion: the scripts load in their shells, and what they offer comes from the program itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.cli import PROGRAM, orion
from support.sessions import book

from orion_deploy.cli.table import MODULES


def offered(line: str, cwd: Path) -> set[str]:
    """What is offered for the last word of a line, as the bash script would ask for it."""
    words = line.split(" ")
    done = subprocess.run(
        PROGRAM,
        cwd=cwd,
        env={
            **os.environ,
            "_ORION_DEPLOY_COMPLETE": "bash_complete",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    return {each.partition(",")[2] for each in done.stdout.splitlines()}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_printed_and_sound(shell: str, tmp_path: Path) -> None:
    """Each shell's script names the program; where the shell is here, it takes the script."""
    done = orion("completion", shell, cwd=tmp_path)
    assert done.code == 0
    assert "_ORION_DEPLOY_COMPLETE" in done.out
    if shutil.which(shell):
        check = subprocess.run([shell, "-n"], input=done.out, capture_output=True, text=True, timeout=60)
        assert check.returncode == 0, check.stderr


def test_an_unknown_shell(tmp_path: Path) -> None:
    """It is refused with the shells there are."""
    done = orion("completion", "tcsh", cwd=tmp_path)
    assert done.code == 2
    assert "bash" in done.err


def test_commands_are_offered(tmp_path: Path) -> None:
    """The first word: every command that begins so."""
    assert offered("orion-deploy st", tmp_path) >= {"status"}
    assert set(MODULES) <= offered("orion-deploy ", tmp_path)


def test_options_are_offered(tmp_path: Path) -> None:
    """Of the command that stands there."""
    assert offered("orion-deploy run release.md --a", tmp_path) == {"--auto", "--approve"}


def test_steps_of_the_file_are_offered(tmp_path: Path) -> None:
    """Their ids, of the very file; none where it cannot be read."""
    book(tmp_path, "# R\n\n- [ ] Back up\n- [ ] Migrate\n", "release.md")
    assert offered("orion-deploy tick release.md ", tmp_path) == {"back-up", "migrate"}
    assert offered("orion-deploy tick release.md mi", tmp_path) == {"migrate"}
    assert offered("orion-deploy tick nope.md ", tmp_path) <= {""}


def test_faults_and_kinds_are_offered(tmp_path: Path) -> None:
    """From the tables of the demo and of the kinds."""
    assert "app-respawns" in offered("orion-deploy demo --fault app", tmp_path)
    assert "sqlite.backup" in offered("orion-deploy kinds sqlite.b", tmp_path)
