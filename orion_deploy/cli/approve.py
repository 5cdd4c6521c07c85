"""`approve`: a person looks at what would run, and trusts exactly those bytes. Looking never executes."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orion_deploy.cli.options import examples, file_argument, json_option
from orion_deploy.cli.out import data, json_data, talk
from orion_deploy.errors import PersonNeededError


@click.command(
    "approve", epilog=examples("orion-deploy approve release.md", "orion-deploy approve release.md --yes")
)
@file_argument
@click.option("--yes", is_flag=True, help="Trust it without being asked.")
@json_option
def approve_command(*, file: Path, yes: bool, as_json: bool) -> int:
    """Show what FILE would run, or what changed in it since it was last approved, and trust exactly those bytes.

    Hidden characters are made visible. With --json nothing is asked.
    """
    from orion_deploy.checklist.read import load
    from orion_deploy.cli.review import review, runnables
    from orion_deploy.run.approvals import approve, is_approved

    checklist, bytes_read = load(file)
    approved = is_approved(checklist.digest)
    if as_json:
        if yes and not approved:
            approve(file, bytes_read)
        json_data(
            {
                "checklist": str(file),
                "digest": checklist.digest,
                "approved": approved or yes,
                "commands": [each.to_json() for each in runnables(checklist)],
            }
        )
        return 0
    data("\n".join(review(file, checklist, bytes_read)))
    if approved:
        talk("exactly these bytes are approved already")
        return 0
    if not yes:
        _ask(file)
    approve(file, bytes_read)
    talk(f"approved: {checklist.digest[:16]}")
    return 0


def _ask(file: Path) -> None:
    from orion_deploy.cli.terminal import Terminal
    from orion_deploy.run.following import Signals

    if not sys.stdin.isatty():
        raise PersonNeededError(
            "a person approves, and standard input is no terminal; nothing was approved",
            help=f"look at it, then `orion-deploy approve {file} --yes`",
        )
    with Signals() as signals:
        if not Terminal(signals).agree("Trust exactly this?"):
            raise PersonNeededError("nothing was approved")
