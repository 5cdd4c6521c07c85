"""`demo`: a sandbox to try it on, opened on the screen, carried out headless, or only built."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
from click.shell_completion import CompletionItem

from orion_deploy.cli.options import examples, json_option
from orion_deploy.cli.out import data, json_data, talk
from orion_deploy.text import plain_line

if TYPE_CHECKING:
    from orion_deploy.demo.sandbox import Sandbox


def _complete_fault(
    _ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    from orion_deploy.demo.faults import FAULTS

    return [
        CompletionItem(name, help=fault.what) for name, fault in FAULTS.items() if name.startswith(incomplete)
    ]


@click.command(
    "demo",
    epilog=examples(
        "orion-deploy demo",
        "orion-deploy demo --auto --dir sandbox --fault app-respawns",
        "orion-deploy demo --no-open",
        "orion-deploy demo --stop --dir sandbox",
    ),
)
@click.option(
    "--dir",
    "directory",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where; resumed if it is a sandbox already. By default a new folder in your state folder.",
)
@click.option("--auto", is_flag=True, help="Carry it out headless: every step that needs no person.")
@click.option("--no-open", is_flag=True, help="Only build it, and print the command that opens it.")
@click.option("--stop", is_flag=True, help="Stop everything that lives in the sandbox --dir.")
@click.option(
    "--fault",
    "faults",
    metavar="NAME",
    multiple=True,
    shell_complete=_complete_fault,
    help="Make something go wrong; may be repeated. A name that is not known lists them.",
)
@json_option
def demo_command(
    *, directory: Path | None, auto: bool, no_open: bool, stop: bool, faults: tuple[str, ...], as_json: bool
) -> int:
    """Build a sandbox and carry the bundled checklist out on it: a database in use, an app that holds it.

    Nothing outside the sandbox is touched. Its app lives until it is stopped. With --auto the exit code is
    3 when people's steps are left.
    """
    if auto + no_open + stop > 1:
        raise click.UsageError("--auto, --no-open and --stop exclude each other")
    if as_json and not (auto or no_open):
        raise click.UsageError("--json goes with --auto or --no-open")
    if stop:
        return _stop(directory)
    if not (auto or no_open):
        from orion_deploy.cli.screen import require_terminal

        require_terminal(None)
    from orion_deploy.demo.sandbox import build_sandbox

    sandbox = build_sandbox(directory, faults)
    if no_open:
        _tell_built(sandbox, as_json=as_json)
        return 0
    if sandbox.enter:
        _go_on_inside(sandbox, auto=auto, as_json=as_json)
    talk(f"sandbox: {plain_line(str(sandbox.directory))}; to stop what lives in it: {sandbox.stop_command}")
    os.environ.update(sandbox.environ)
    if auto:
        from orion_deploy.cli.carrying import Request, carry_out

        return carry_out(
            Request(path=sandbox.checklist, auto=True, cwd=str(sandbox.cwd), approve=True, as_json=as_json)
        )
    from orion_deploy.cli.screen import show_screen

    code = show_screen(sandbox.checklist, cwd=str(sandbox.cwd))
    talk(f"the sandbox lives on; to stop it: {sandbox.stop_command}")
    return code


def _go_on_inside(sandbox: Sandbox, *, auto: bool, as_json: bool) -> NoReturn:
    """Become the same command where the sandbox's own disk is seen: its steps are to run there."""
    command = [sys.executable, "-m", "orion_deploy", "demo", "--dir", str(sandbox.directory)]
    command += [word for word, holds in (("--auto", auto), ("--json", as_json)) if holds]
    sys.stdout.flush()
    os.execvp(sandbox.enter[0], [*sandbox.enter, *command])


def _stop(directory: Path | None) -> int:
    from orion_deploy.demo.sandbox import stop_sandbox

    if directory is None:
        raise click.UsageError("--stop needs the sandbox: --dir FOLDER")
    stopped = stop_sandbox(directory)
    talk(f"stopped: {', '.join(stopped) or 'nothing lived there'}")
    return 0


def _tell_built(sandbox: Sandbox, *, as_json: bool) -> None:
    if as_json:
        json_data(
            {
                "directory": str(sandbox.directory),
                "checklist": str(sandbox.checklist),
                "command": sandbox.command,
                "stop_command": sandbox.stop_command,
                "faults": list(sandbox.faults),
                "resumed": sandbox.resumed,
            }
        )
        return
    data(sandbox.command)
    talk(f"to stop what lives in it: {sandbox.stop_command}")
