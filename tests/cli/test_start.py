"""Starting: what is fast stays light, what is wrong is one clear error with its exit code."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from support.cli import PROGRAM, modules_after, orion, terminal

from orion_deploy import __version__
from orion_deploy.cli.table import GROUPS, MODULES, overview

HEAVY = {
    "textual",
    "rich",
    "pydantic",
    "markdown_it",
    "yaml",
    "psutil",
    "sqlite3",
    "click",
    "dataclasses",
    "pathlib",
}


@pytest.mark.parametrize("word", ["--version", "-V"])
def test_version(word: str, tmp_path: Path) -> None:
    """The version is one line on stdout."""
    done = orion(word, cwd=tmp_path)
    assert (done.code, done.out, done.err) == (0, f"orion-deploy {__version__}\n", "")


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["-h"]])
def test_the_first_answers_import_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    """`--version` and `--help` need no library at all, not even click."""
    assert modules_after(*arguments, cwd=tmp_path) & HEAVY == set()


def test_the_first_line_of_the_screens_waits_for_nothing(tmp_path: Path) -> None:
    """Opening FILE: its first line is on the terminal before click, Textual, or any reader is imported."""
    (tmp_path / "release.md").write_text("# Release\n\n- [ ] One\n")
    program = (
        "import sys\n"
        "import orion_deploy.tui.splash as splash\n"
        "def put_up(self, text):\n"
        "    print(f'<{text}>', *sys.modules, '<end>')\n"
        "    raise SystemExit(0)\n"
        "splash.Splash.__init__ = put_up\n"
        "sys.argv = ['orion-deploy', 'release.md']\n"
        "from orion_deploy.__main__ import main\n"
        "main()\n"
    )
    child = pexpect.spawn(
        sys.executable,
        ["-c", program],
        cwd=str(tmp_path),
        env={**os.environ, "TERM": "xterm"},
        encoding="utf-8",
        timeout=60,
        dimensions=(24, 5000),
    )
    child.expect("<orion-deploy  release.md>(.*)<end>")
    assert isinstance(child.match, re.Match)
    assert set(child.match[1].split()) & HEAVY == set()
    child.close()


def test_help_of_a_command_imports_no_model_and_no_screen(tmp_path: Path) -> None:
    """A command's help costs click, and nothing of pydantic, Textual, or the Markdown parser."""
    for command in MODULES:
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "orion_deploy", command, "--help"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, (command, done.stderr)
        loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
        assert loaded & {"textual", "rich", "pydantic", "markdown_it", "yaml", "psutil"} == set(), command


def test_help_is_the_same_with_and_without_click(tmp_path: Path) -> None:
    """The page comes from the table, whichever way it is asked for."""
    plain = orion("--help", cwd=tmp_path)
    through_click = orion("--help", "status", cwd=tmp_path)
    assert plain.code == through_click.code == 0
    assert plain.out == through_click.out == overview()


def test_every_command_has_help_with_an_example(tmp_path: Path) -> None:
    """Each command's page shows how it is called, and at least one line to copy."""
    for command in MODULES:
        done = orion(command, "--help", cwd=tmp_path)
        assert done.code == 0
        assert f"orion-deploy {command}" in done.out.split("Usage:")[1].splitlines()[0]
        examples = done.out.split("Examples:")[1]
        assert "orion-deploy" in examples


def test_every_line_of_the_table_names_a_command() -> None:
    """A line whose module or command is missing is found here, not by a user."""
    from orion_deploy.cli.group import house

    for _, commands in GROUPS:
        for name, _, summary in commands:
            command = house.get_command(None, name)  # type: ignore[arg-type]  # it needs no context
            assert command is not None
            assert command.name == name
            assert summary.endswith(".")


@pytest.mark.parametrize(
    ("arguments", "what", "help"),
    [
        (["nope.md"], "there is no checklist `nope.md`", "there: release.md"),
        (["relaese.md"], "there is no checklist `relaese.md`", "did you mean `release.md`?"),
        (["release"], "there is no checklist `release`", "did you mean `release.md`?"),
        (["statsu"], "there is no checklist `statsu`", "did you mean the command `status`?"),
        (["statsu", "release.md"], "there is no checklist `statsu`", "did you mean the command `status`?"),
        (
            ["show", "0001_add_active_requst"],
            "there is no checklist",
            "did you mean `0001_add_active_request`?",
        ),
        (["show", "nowhere/x.md"], "there is no checklist", "the folder `nowhere` is not there either"),
        (["show", "."], "`.` is a folder", "there: release.md"),
        (["show", "-"], "a checklist is a file", "write it to a file first"),
        (["run", "release.md", "--atuo"], "--atuo", "`orion-deploy run --help`"),
        (["tick", "release.md"], "missing argument", "`orion-deploy tick --help`"),
        (["run", "release.md", "--set", "x"], "`--set x` is not NAME=VALUE", "write it as"),
        (["resolve", "release.md", "a", "maybe"], "'maybe'", "`orion-deploy resolve --help`"),
    ],
)
def test_what_is_wrong_is_said_with_what_is_near(
    arguments: list[str], what: str, help: str, tmp_path: Path
) -> None:
    """A usage error is one `error:` and one `help:` on stderr, and exit code 2; stdout stays empty."""
    (tmp_path / "release.md").write_text("# Release\n\n- [ ] One\n")
    done = orion(*arguments, cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    error, help_line = done.err.strip().splitlines()
    assert error.startswith("error: ")
    assert what in error
    assert help_line.startswith("help: ")
    assert help in help_line


def test_bundled_checklist_by_its_name(tmp_path: Path) -> None:
    """A bundled checklist opens by name, says that it is the bundled one, and yields to a file of that name."""
    bundled = orion("show", "0001_add_active_request", cwd=tmp_path)
    assert bundled.code == 0
    assert "this is the bundled checklist" in bundled.err
    (tmp_path / "0001_add_active_request").write_text("# Mine\n\n- [ ] One\n")
    mine = orion("show", "0001_add_active_request", cwd=tmp_path)
    assert mine.err == ""
    assert "Mine" in mine.out


@pytest.mark.parametrize(
    "arguments", [[], ["release.md"], ["open", "release.md"], ["rollback", "release.md"], ["demo"]]
)
def test_without_a_terminal_the_screens_say_what_to_run_instead(arguments: list[str], tmp_path: Path) -> None:
    """No terminal: exit code 2, and the commands that work without one; nothing was begun."""
    (tmp_path / "release.md").write_text("# Release\n\n- [ ] One\n")
    done = orion(*arguments, cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert "the screens need a terminal" in done.err
    assert "orion-deploy run" in done.err
    assert os.listdir(tmp_path) == ["release.md"]


def test_a_dumb_terminal_is_none_for_the_screens(tmp_path: Path) -> None:
    """TERM=dumb cannot draw: the same error as without a terminal."""
    (tmp_path / "release.md").write_text("# Release\n\n- [ ] One\n")
    with terminal("release.md", cwd=tmp_path, env={"TERM": "dumb"}) as child:
        child.expect("TERM=dumb cannot draw them")


def test_a_reader_that_goes_away_is_no_fault(tmp_path: Path) -> None:
    """`show FILE | head`: no traceback, no message."""
    (tmp_path / "long.md").write_text(
        "# Long\n\n" + "".join(f"- [ ] Step number {n}\n" for n in range(20_000))
    )
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    process = subprocess.Popen(
        [*PROGRAM, "show", "long.md"],
        cwd=tmp_path,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 130


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(
    ("arguments", "code"), [("tick book.md one", 0), ("--help", 0), ("--version", 0), ("show none.md", 2)]
)
def test_closed_standard_streams_change_no_outcome(
    closed: str, arguments: str, code: int, tmp_path: Path
) -> None:
    """A timer may close them: the command does what it does, and no file of the run takes their place."""
    (tmp_path / "book.md").write_text("# Book\n\n- [ ] One\n", "utf-8")
    script = f"exec {shlex.join(PROGRAM)} {arguments} {closed}"
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60, env={**os.environ}
    )
    assert done.returncode == code, done
    assert "Traceback" not in done.stderr
    for journal in tmp_path.glob("*.runs/*/journal.jsonl"):
        assert all(line.startswith('{"v":') for line in journal.read_text("utf-8").splitlines())


def test_a_locale_without_the_characters_ends_nothing(tmp_path: Path) -> None:
    """What the terminal cannot say is escaped."""
    (tmp_path / "a.md").write_text("# Über\n\n- [ ] Größe prüfen\n")
    done = orion("show", "a.md", cwd=tmp_path, env={"PYTHONIOENCODING": "ascii"})
    assert done.code == 0
    assert "\\xdc" in done.out


def test_a_fault_of_the_app_keeps_its_traceback_to_itself(tmp_path: Path, own_home: Path) -> None:
    """An exception that nobody foresaw: one error, its own exit code, the traceback in a private file."""
    program = (
        "import sys\n"
        "sys.argv = ['orion-deploy', 'kinds']\n"
        "import orion_deploy.kinds.registry as registry\n"
        "def broken(): raise LookupError('\\x1b[31mgone')\n"
        "registry.kind_names = broken\n"
        "from orion_deploy.__main__ import main\n"
        "sys.exit(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 70
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr
    assert "LookupError" in done.stderr
    (kept,) = (own_home / ".local/state/orion-deploy/faults").iterdir()
    assert "in broken" in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert str(kept) in done.stderr


def test_hostile_file_names_reach_no_terminal(tmp_path: Path) -> None:
    """A name with escape sequences is shown with their pictures, in errors too."""
    done = orion("show", "\x1b]52;c;aGk=\x07.md", cwd=tmp_path)
    assert done.code == 2
    assert "\x1b" not in done.err + done.out
    assert "\u241b]52" in done.err


def test_a_bundled_checklist_keeps_its_state_with_the_user(tmp_path: Path, own_home: Path) -> None:
    """Nothing is written into the installation, or the checkout: the run is in the state folder, and is found again."""
    from orion_deploy import bundled

    folder = bundled.folder("checklists")
    assert folder is not None
    before = sorted(os.listdir(folder))
    assert orion("note", "0001_add_active_request", "1", "tried", cwd=tmp_path).code == 0
    assert sorted(os.listdir(folder)) == before
    assert len(list((own_home / ".local/state/orion-deploy").glob("*/*.runs"))) == 1
    found = orion("status", "0001_add_active_request", "--json", cwd=tmp_path).json
    assert len(found["runs"]) == 1
    assert [run["run"] for run in orion("status", "--json", cwd=tmp_path).json] == [found["run"]]
