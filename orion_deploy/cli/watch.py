"""`watch`: the watches of a run, carried on in the foreground of a terminal, a service manager or a timer."""

from __future__ import annotations

from pathlib import Path

import click

from orion_deploy.cli.options import examples, file_argument, json_option, set_option


@click.command(
    "watch",
    epilog=examples(
        "orion-deploy watch release.md",
        "orion-deploy watch release.md --background",
        "*/5 * * * *  orion-deploy watch /srv/release.md --once",
    ),
)
@file_argument
@click.option("--once", is_flag=True, help="Look at every watch once, and end: for cron or a timer.")
@click.option(
    "--background",
    is_flag=True,
    help="See to it that somebody watches, as the screens do, and end: after a reboot.",
)
@click.option(
    "--run", "run_name", metavar="NAME", help="Of this run; by default the unfinished one, else the latest."
)
@set_option
@json_option
def watch_command(
    *,
    file: Path,
    once: bool,
    background: bool,
    run_name: str | None,
    assigned: dict[str, str],
    as_json: bool,
) -> int:
    """Carry the watches of FILE's run on in the foreground: under tmux, systemd, or whatever keeps it alive.

    Who watched them in the background hands over. A line tells of whatever fires, is lost or ends, and one an
    hour how things are. After ctrl+c nobody watches: that time is recorded as a gap. Exit codes: 0 all is well
    (with --once: so far); 1 a watch fired or failed; 2 nothing is being watched; 3 the watches are over, and a
    person decides; 130 interrupted.
    """
    if once and background:
        raise click.UsageError("--once and --background exclude each other")
    from orion_deploy.cli.watching import Wanted, watch

    return watch(
        Wanted(file=file, run=run_name, assigned=assigned, once=once, background=background, as_json=as_json)
    )
