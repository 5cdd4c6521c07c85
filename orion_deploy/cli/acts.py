"""The acts of a person on a run, one command each: the same as the keys of the screen, for scripts and screen readers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orion_deploy.cli.options import (
    Decorated,
    examples,
    file_argument,
    json_option,
    run_option,
    step_argument,
)
from orion_deploy.cli.out import data, json_data
from orion_deploy.text import plain_line

if TYPE_CHECKING:
    from orion_deploy.run.session import Session


def _act(
    path: Path, run_name: str | None, step: str, as_json: bool, act: Callable[[Session, str], None]
) -> int:
    """Open the run, act on the step, and tell what it is now."""
    from orion_deploy.cli.opened import known_step, opened

    loaded = known_step(path, step)
    with opened(path, run=run_name, loaded=loaded) as session:
        found = session.step(step)
        act(session, found.id)
        tell_step(session, found.id, as_json=as_json)
    return 0


def tell_step(session: Session, step_id: str, *, as_json: bool) -> None:
    """Tell what a step is now."""
    state = session.state.step(step_id)
    if as_json:
        json_data(
            {
                "run": session.run,
                "step": step_id,
                "status": state.status.value,
                "override": state.override,
                "reason": state.reason,
                "value": state.value,
                "option": state.option,
                "notes": len(state.notes),
            }
        )
    else:
        override = ", an override" if state.override else ""
        data(f"{plain_line(step_id)} is {state.status.value}{override} (run {plain_line(session.run)})")


def _on_step(function: Decorated) -> Decorated:
    """FILE, STEP, --run and --json: what every act takes."""
    for decorate in (json_option, run_option, step_argument, file_argument):
        function = decorate(function)
    return function


@click.command(
    "tick",
    epilog=examples(
        "orion-deploy tick release.md backup",
        'orion-deploy tick release.md 7 --value "10,000 rows"',
        'orion-deploy tick release.md deploy --reason "done by hand, see ticket 4711"',
    ),
)
@_on_step
@click.option(
    "--reason", default="", metavar="TEXT", help="Why, where something speaks against the tick: an override."
)
@click.option("--value", default="", metavar="TEXT", help="What was seen, or asked for; kept as evidence.")
def tick_command(
    *, file: Path, step: str, run_name: str | None, as_json: bool, reason: str, value: str
) -> int:
    """Tick STEP (its id, or its number in document order) of FILE's run."""
    return _act(file, run_name, step, as_json, lambda session, i: session.tick(i, reason=reason, value=value))


@click.command("untick", epilog=examples("orion-deploy untick release.md backup"))
@_on_step
def untick_command(*, file: Path, step: str, run_name: str | None, as_json: bool) -> int:
    """Take the tick, skip or failure of STEP back. What happened stays in the evidence."""
    return _act(file, run_name, step, as_json, lambda session, i: session.untick(i))


@click.command("forget", epilog=examples("orion-deploy forget release.md"))
@file_argument
@run_option
@json_option
@click.option("--reason", default="", metavar="TEXT", help="Why; stands in the evidence.")
def forget_command(*, file: Path, run_name: str | None, as_json: bool, reason: str) -> int:
    """Drop the folder (`cd`) and the variables (`export`) that steps of FILE's run left for later ones.

    Needed where that folder is not there any more: every later step would be refused. Later steps start as the
    first one did.
    """
    from orion_deploy.cli.opened import opened

    with opened(file, run=run_name) as session:
        session.forget_carried(reason)
        if as_json:
            json_data({"run": session.run, "forgotten": True})
        else:
            data(f"forgotten: later steps start as the first one did (run {plain_line(session.run)})")
    return 0


@click.command("skip", epilog=examples('orion-deploy skip release.md smoke-test --reason "no staging today"'))
@_on_step
@click.option("--reason", required=True, metavar="TEXT", help="Why; of a mandatory step this is an override.")
def skip_command(*, file: Path, step: str, run_name: str | None, as_json: bool, reason: str) -> int:
    """Pass over STEP, with a reason that stands in the evidence."""
    return _act(file, run_name, step, as_json, lambda session, i: session.skip(i, reason))


@click.command("note", epilog=examples('orion-deploy note release.md backup "took 40 s, disk is slow"'))
@_on_step
@click.argument("text")
def note_command(*, file: Path, step: str, run_name: str | None, as_json: bool, text: str) -> int:
    """Write TEXT down on STEP. Its status stays as it is."""
    return _act(file, run_name, step, as_json, lambda session, i: session.note(text, i))


@click.command(
    "choose",
    epilog=examples(
        "orion-deploy choose release.md rollback-method 2",
        "orion-deploy choose release.md back-way restore",
    ),
)
@_on_step
@click.argument("option", metavar="OPTION")
@click.option(
    "--reason",
    default="",
    metavar="TEXT",
    help="Why, where something speaks against the answer: an override.",
)
def choose_command(
    *, file: Path, step: str, run_name: str | None, as_json: bool, option: str, reason: str
) -> int:
    """Take OPTION of STEP, which is a choice: its number, its key, or its title. `show FILE` lists them.

    Of a question (`people.choice`) this is the answer, and its tick.
    """
    return _act(file, run_name, step, as_json, lambda session, i: session.choose(i, option, reason=reason))


@click.command(
    "resolve",
    epilog=examples(
        'orion-deploy resolve release.md migrate done --reason "the column is there"',
        "orion-deploy resolve release.md migrate rerun",
        "orion-deploy resolve release.md migrate verify",
    ),
)
@_on_step
@click.argument("how", type=click.Choice(["verify", "done", "failed", "rerun"]))
@click.option("--reason", default="", metavar="TEXT", help="How you know; needed for done and failed.")
def resolve_command(
    *, file: Path, step: str, run_name: str | None, as_json: bool, how: str, reason: str
) -> int:
    """Decide the outcome of STEP, which is unknown, undecided or failed: done, failed, or open to run again.

    There is no default, and the step is not run by this command. `verify` lets the check that the step has for
    this (its `verify`, or one that its kind is sure of) look whether it was carried out. Exit code 0: it was, and
    is done; 1: it was not, and is open again; 5: that cannot be told.
    """
    if how == "verify":
        from orion_deploy.cli.verifying import verify

        return verify(file, run_name, step, as_json=as_json)
    return _act(file, run_name, step, as_json, lambda session, i: session.resolve(i, how, reason))
