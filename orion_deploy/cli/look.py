"""`status` and `show`: look at a run, look at a checklist. Neither writes, neither executes."""

from __future__ import annotations

from pathlib import Path

import click

from orion_deploy.cli.options import ChecklistFile, examples, file_argument, json_option
from orion_deploy.cli.out import data, json_data


@click.command(
    "status",
    epilog=examples(
        "orion-deploy status",
        "orion-deploy status release.md",
        "orion-deploy status release.md --json | jq .counts",
        'orion-deploy status release.md --gate "Phase 1" && ./begin-phase-1',
    ),
)
@click.argument("file", required=False, metavar="[FILE]", shell_complete=ChecklistFile().shell_complete)
@click.option(
    "--run", "run_name", metavar="NAME", help="Of this run; by default the unfinished one, else the latest."
)
@click.option(
    "--gate",
    metavar="NAME",
    help="Only these criteria or gates: a section or a step by its id or title, or `all`. The exit code is 0"
    " when all hold, 1 when one fails, 3 when one is open or needs a person.",
)
@json_option
def status_command(*, file: str | None, run_name: str | None, gate: str | None, as_json: bool) -> int:
    """Tell where FILE's run stands: progress, what is outstanding and why, who works on it, and how to go on.

    Without FILE: every run in this folder and in your state folder. With --gate: whether what it guards may
    start, for scripts.
    """
    from orion_deploy.cli.status import print_status

    for name, value in (("--run", run_name), ("--gate", gate)):
        if value is not None and file is None:
            raise click.UsageError(f"{name} needs a FILE")
    return print_status(file, as_json=as_json, run=run_name, gate=gate)


@click.command(
    "show",
    epilog=examples(
        "orion-deploy show release.md", "orion-deploy show release.md --json | jq '.sections[].title'"
    ),
)
@file_argument
@json_option
def show_command(*, file: Path, as_json: bool) -> int:
    """Show what the app sees in FILE: metadata, variables, sections, steps with their ids, commands, samples."""
    from orion_deploy.checklist.read import load
    from orion_deploy.checklist.show import to_json, to_text

    checklist, _ = load(file)
    if as_json:
        json_data(to_json(checklist))
    else:
        data(to_text(checklist).rstrip("\n"))
    return 0
