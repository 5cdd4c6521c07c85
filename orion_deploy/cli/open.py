"""`open`: the screens, with the options that `orion-deploy FILE` alone does not take."""

from __future__ import annotations

from pathlib import Path

import click

from orion_deploy.cli.options import ChecklistFile, examples, opening_options
from orion_deploy.cli.screen import show_screen


@click.command(
    "open",
    epilog=examples(
        "orion-deploy release.md",
        "orion-deploy open release.md --run friday --set VERSION=1.2.3",
        "orion-deploy open release.md --look-on",
    ),
)
@click.argument("file", type=ChecklistFile(), required=False)
@opening_options
@click.option("--look-on", is_flag=True, help="Only look, if another operator holds the run.")
def open_command(
    *,
    file: Path | None,
    run_name: str | None,
    assigned: dict[str, str],
    cwd: str | None,
    approve: bool,
    look_on: bool,
) -> int:
    """Open FILE on the screen. Without FILE: choose one; runs to resume come first.

    `open` may be left out. It is needed for a file that is called like a command.
    """
    if file is None and (run_name or assigned or approve):
        raise click.UsageError("--run, --set and --approve need a FILE")
    return show_screen(file, run=run_name, cwd=cwd, assigned=assigned, look_on=look_on, approve=approve)
