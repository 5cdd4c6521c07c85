"""`finish`: close a run for good. What it leaves open is printed first, and is in the record."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orion_deploy.cli.options import examples, file_argument, json_option, run_option
from orion_deploy.cli.out import data, json_data, talk
from orion_deploy.cli.status_text import aligned
from orion_deploy.errors import ExitCode, PersonNeededError, RefusedError
from orion_deploy.text import plain_line

if TYPE_CHECKING:
    from orion_deploy.run.closing import Open
    from orion_deploy.run.session import Session

WORD = "close"
ROWS_MAX = 40


@click.command(
    "finish",
    epilog=examples(
        "orion-deploy finish release.md",
        'orion-deploy finish release.md --yes --reason "the rest goes into ticket 4711"',
    ),
)
@file_argument
@run_option
@click.option("--reason", default="", metavar="TEXT", help="Why it is closed as it is; kept as evidence.")
@click.option("--yes", is_flag=True, help="Close it also with a watch, a gate or something mandatory open.")
@json_option
def finish_command(*, file: Path, run_name: str | None, reason: str, yes: bool, as_json: bool) -> int:
    """Close FILE's run for good, and say what it leaves open.

    With a watch under way, or a gate or a mandatory step open, a word is to be typed, or --yes to be given: a
    closed run cannot be gone on with, and its watches end. Exit code 3 where neither was done.
    """
    from orion_deploy.cli.opened import opened
    from orion_deploy.run.places import Places

    run = run_name or Places.of(file).unfinished()
    if run is None:
        raise RefusedError(f"{file} has no run that is open", help="`orion-deploy status` lists its runs")
    with opened(file, run=run) as session:
        left = session.what_is_open()
        if not as_json:
            _tell(session, left)
        if left.is_grave and not yes:
            _agree(session)
        result = session.finish(reason)
        if as_json:
            json_data(
                {
                    "run": session.run,
                    "result": result,
                    "reason": session.state.finish_reason,
                    "open": [{"what": what, "step": step, "title": title} for what, step, title in left.rows],
                }
            )
        else:
            data(f"run {plain_line(session.run)}: {result}")
    return ExitCode.FINE


def _tell(session: Session, left: Open) -> None:
    """Say what is open: in sentences, then each of it."""
    talk(f"the result of run {plain_line(session.run)} will be: {session.result}")
    for sentence in left.sentences:
        talk(f"  {sentence}")
    rows = [(what, plain_line(step), plain_line(title)) for what, step, title in left.rows]
    for row in aligned(rows[:ROWS_MAX]):
        talk(f"  {row}")
    if len(rows) > ROWS_MAX:
        talk(f"    and {len(rows) - ROWS_MAX} more")


def _agree(session: Session) -> None:
    """Have a word typed. Raises PersonNeededError where nobody is there, or another word was typed."""
    if sys.stdin.isatty():
        from orion_deploy.cli.terminal import Terminal
        from orion_deploy.run.following import Left, Signals

        with Signals() as signals, suppress(Left):
            if Terminal(signals).ask_word("A closed run cannot be gone on with.", WORD):
                return
    raise PersonNeededError(
        f"run `{session.run}` was not closed: it leaves a watch, a gate or something mandatory open",
        help="look at it; `finish --yes --reason TEXT` closes it all the same",
    )
