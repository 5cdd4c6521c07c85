"""A copied command: pasted into any terminal it does what it would do in the run, whatever its values hold."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sandbox import migrate, sandbox
from support.sessions import Driven

from orion_deploy.checklist.model import Role
from orion_deploy.demo.sandbox import Sandbox
from orion_deploy.run.standalone import mentioned, standing_alone


def pasted(text: str, cwd: str | Path = "/", **more: str) -> subprocess.CompletedProcess[str]:
    """What a shell that knows nothing of the run makes of it, and of one more line behind it."""
    env = {"PATH": os.environ["PATH"], "HOME": "/", **more}
    lines = f'{text}\nprintf "<still here, V=%s, %s>" "${{V-unset}}" "$PWD"\n'
    return subprocess.run(["bash"], input=lines, cwd=cwd, env=env, capture_output=True, text=True, timeout=30)


def test_a_command_without_values_is_left_as_it_is() -> None:
    """What mentions no variable is copied byte for byte; a part of a word is no mention."""
    assert standing_alone("ls -l\n", {"V": "1", "L": "2"}, folder="/x") == "ls -l\n"
    assert mentioned("echo $VALUE ${V} SV", ("V", "S", "VALUE")) == ("V", "VALUE")


@settings(deadline=None, max_examples=40)
@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=40))
def test_any_value_stays_a_value(value: str) -> None:
    """The command sees the value byte for byte, wherever its author put it; the shell around it is as it was."""
    text = standing_alone('printf "[%s]" "$V"; sh -c \'printf "[%s]" "$V"\'', {"V": value}, folder="/")
    assert pasted(text).stdout == f"[{value}][{value}]<still here, V=unset, />"


@pytest.mark.parametrize(
    "value", ["; exit 9", "$(exit 9)", "`exit 9`", "' ; exit 9 ; '", '"; exit 9; "', ")\nexit 9\n("]
)
def test_a_hostile_value_does_nothing(value: str) -> None:
    """A value that is a command stays a value, and does not end the terminal."""
    done = pasted(standing_alone('test "$V" != ""', {"V": value}, folder="/"))
    assert (done.stdout, done.stderr, done.returncode) == ("<still here, V=unset, />", "", 0)


def test_paths_are_made_absolute_in_the_folder_of_the_run(tmp_path: Path) -> None:
    """A relative path means the run's folder, from wherever it is pasted; so does what the script itself names."""
    folder = tmp_path / "it's a folder"
    (folder / "m").mkdir(parents=True)
    (folder / "m" / "a.sql").write_text("found")
    text = standing_alone(
        'cat "$V/a.sql" m/a.sql; echo " $V"', {"V": "m"}, folder=str(folder), paths=frozenset(("V",))
    )
    assert pasted(text).stdout == f"foundfound {folder}/m\n<still here, V=unset, />"


def test_a_folder_that_is_gone_runs_nothing(tmp_path: Path) -> None:
    """Where the folder is not there, nothing runs in another one."""
    done = pasted(standing_alone("echo ran $V", {"V": "x"}, folder=str(tmp_path / "gone")))
    assert done.stdout == "<still here, V=unset, />"
    assert "gone" in done.stderr


def test_a_secret_is_not_copied() -> None:
    """Its value stands nowhere; the command stops without it, and takes it from the shell."""
    text = standing_alone(
        'echo "got $V"', {"V": "hunter2"}, folder="/", secrets=frozenset(("V", "NEVER_GIVEN"))
    )
    assert "hunter2" not in text
    assert "NEVER_GIVEN" not in text
    done = pasted(text)
    assert done.stdout == "<still here, V=unset, />"
    assert "is a secret" in done.stderr
    assert "got mine" in pasted(text, V="mine").stdout


def test_a_script_that_leaves_does_not_close_the_terminal() -> None:
    """`exit` in a command ends the command."""
    assert "still here" in pasted(standing_alone("echo $V; exit 3", {"V": "x"}, folder="/")).stdout


def columns(box: Sandbox) -> set[str]:
    """Of the table that the migration changes."""
    with closing(sqlite3.connect(box.directory / "Orion" / "data" / "orion.db")) as database:
        return {row[1] for row in database.execute("PRAGMA table_info(conversations)")}


def test_the_way_back_of_the_bundled_checklist_works_from_anywhere(tmp_path: Path) -> None:
    """What is copied from `way-back` takes the migration back, pasted into a bare shell in another folder."""
    with sandbox(tmp_path / "it's a box") as box:
        migrate(box)
        assert "active_request_id" in columns(box)
        driven = Driven(box.checklist)
        try:
            step = driven.session.step("way-back")
            (block,) = (b for b in step.code if b.role is Role.REFERENCE)
            text = driven.session.to_copy(block.script or block.text, step)
        finally:
            driven.session.close()
        done = pasted(text)
        assert done.stdout == "<still here, V=unset, />", done.stderr
        assert "active_request_id" not in columns(box)
