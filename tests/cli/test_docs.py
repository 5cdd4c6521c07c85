"""The documentation is held to the program: no command and no option is missing from it."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from orion_deploy.cli.group import house
from orion_deploy.cli.table import MODULES, overview
from orion_deploy.errors import ExitCode
from orion_deploy.run import reports

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "commands.md").read_text("utf-8")
SHARED = ("--help",)


def command(name: str) -> click.Command:
    """A command of the table."""
    found = house.get_command(click.Context(house), name)
    assert found is not None
    return found


def told_of(name: str) -> str:
    """What the page tells of a command: its section, or the row of its table with the words above it."""
    for part in re.split(r"^##+ ", PAGE, flags=re.MULTILINE):
        heading = part.split("\n", 1)[0]
        if re.search(rf"`(?:[^`]*, )?{name}\b", heading):
            return part
        if re.search(rf"^\| `{name} ", part, flags=re.MULTILINE):
            rows = [
                line
                for line in part.split("\n")
                if not line.startswith("| `") or line.startswith(f"| `{name} ")
            ]
            return "\n".join(rows)
    raise AssertionError(f"docs/commands.md does not tell of `{name}`")


@pytest.mark.parametrize("name", MODULES)
def test_every_command_and_option_is_documented(name: str) -> None:
    """A command without its place on the page, or an option that is not in it, fails here."""
    told = told_of(name)
    for parameter in command(name).params:
        for word in parameter.opts:
            if isinstance(parameter, click.Option) and word.startswith("--"):
                assert re.search(rf"{word}\b", told), f"`{name} {word}` is not documented"


def test_every_option_of_the_page_exists() -> None:
    """The page promises nothing that is not there."""
    known = {word for name in MODULES for parameter in command(name).params for word in parameter.opts}
    promised = set(re.findall(r"--[a-z][a-z-]*", PAGE)) - {"--version", "--help"}
    assert promised <= known


def test_every_exit_code_is_documented() -> None:
    """Exit codes are a contract: the page and the program's own help name each of them."""
    for code in ExitCode:
        assert f"| {int(code)} |" in PAGE
        assert re.search(rf"\b{int(code)}\b", overview())


def test_every_event_is_documented() -> None:
    """`run --json` prints no event that the page does not name."""
    kinds = [cls.event for cls in reports.Report.__subclasses__()]
    assert len(kinds) > 10
    for kind in kinds:
        assert f"`{kind}`" in PAGE
