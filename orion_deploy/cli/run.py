"""`run` and `rollback`: a checklist carried out in plain lines, by a person's answers or, with --auto, by verdicts alone."""

from __future__ import annotations

import os
import queue
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import click

from orion_deploy.cli.options import (
    StepId,
    examples,
    file_argument,
    json_option,
    opening_options,
)
from orion_deploy.cli.out import talk
from orion_deploy.cli.terminal import Terminal
from orion_deploy.errors import ExitCode, PersonNeededError
from orion_deploy.run.edge import Edge
from orion_deploy.run.following import Follower, Left, Signals, Tell
from orion_deploy.run.headless import Auto, Walk
from orion_deploy.run.session import Session
from orion_deploy.text import plain_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be carried out, and how."""

    path: Path
    auto: bool = False
    until: str | None = None
    only: str | None = None
    run: str | None = None
    cwd: str | None = None
    assigned: Mapping[str, str] = field(default_factory=dict)
    approve: bool = False
    as_json: bool = False
    rollback_reason: str = ""
    """Not empty: turn back first."""
    environ: Mapping[str, str] = field(default_factory=dict)
    """Added to the environment of every step."""


@click.command(
    "run",
    epilog=examples(
        "orion-deploy run release.md",
        "orion-deploy run release.md --auto --approve --set VERSION=1.2.3",
        "orion-deploy run release.md --auto --until backup --json | jq .event",
        "orion-deploy run release.md --only smoke-test",
    ),
)
@file_argument
@click.option(
    "--auto",
    is_flag=True,
    help="Ask nothing: a passing verdict is the tick; a step that needs a person is left open, or stops the"
    " run where it is mandatory; a failed step stops it.",
)
@click.option("--until", metavar="STEP", type=StepId(), help="Stop behind this step.")
@click.option(
    "--only", metavar="STEP", type=StepId(), help="This step alone; also a block under no step (SECTION#N)."
)
@opening_options
@json_option
def run_command(
    *,
    file: Path,
    auto: bool,
    until: str | None,
    only: str | None,
    run_name: str | None,
    assigned: dict[str, str],
    cwd: str | None,
    approve: bool,
    as_json: bool,
) -> int:
    """Carry FILE out in plain lines: each step is shown, and you are asked what to do with it.

    With --auto nothing is asked. Exit codes: 0 everything is settled; 1 a step failed; 3 a person's steps are
    left; 4 another operator holds the run; 5 an outcome is unknown; 6 state could not be written; 130
    interrupted. Interrupted at any point, the same command goes on from there.
    """
    return carry_out(
        Request(
            path=file,
            auto=auto,
            until=until,
            only=only,
            run=run_name,
            cwd=cwd,
            assigned=assigned,
            approve=approve,
            as_json=as_json,
        )
    )


@click.command(
    "rollback",
    epilog=examples(
        "orion-deploy rollback release.md",
        'orion-deploy rollback release.md --auto --reason "p95 above 10 ms"',
    ),
)
@file_argument
@click.option(
    "--auto", is_flag=True, help="Carry the rollback section out, asking nothing, as `run --auto` does."
)
@click.option(
    "--reason", metavar="TEXT", default="", help="Why; stands in the evidence. Asked for on the screen."
)
@opening_options
@json_option
def rollback_command(
    *,
    file: Path,
    auto: bool,
    reason: str,
    run_name: str | None,
    assigned: dict[str, str],
    cwd: str | None,
    approve: bool,
    as_json: bool,
) -> int:
    """Open the way back of FILE's run on the screen: its rollback section becomes the path. With --auto, go it."""
    if auto:
        return carry_out(
            Request(
                path=file,
                auto=True,
                run=run_name,
                cwd=cwd,
                assigned=assigned,
                approve=approve,
                as_json=as_json,
                rollback_reason=reason or "rollback --auto",
            )
        )
    if as_json:
        raise click.UsageError("--json goes with --auto")
    from orion_deploy.cli.screen import show_screen

    return show_screen(
        file, run=run_name, cwd=cwd, assigned=assigned, approve=approve, start_in_rollback=True
    )


def carry_out(request: Request) -> int:
    """Carry a checklist out in this process; returns the exit code.

    Raises:
        PersonNeededError: nobody is there to be asked.
        OrionError: as `open_session`.
    """
    from orion_deploy.cli.lines import print_json, print_text

    if request.as_json and not request.auto:
        raise click.UsageError("--json goes with --auto: answers are asked for in words")
    if not request.auto and not sys.stdin.isatty():
        raise PersonNeededError(
            "`run` asks a person, and standard input is no terminal",
            help="run it in a terminal, or with --auto, which carries out what needs no person",
        )
    with Signals() as signals:
        try:
            return _carried_out(request, signals, print_json if request.as_json else print_text)
        except Left as left:
            talk(f"{left}; everything is on disk")
            return ExitCode.INTERRUPTED


def _carried_out(request: Request, signals: Signals, tell: Tell) -> int:
    from orion_deploy.checklist.read import load
    from orion_deploy.cli.opened import assigned
    from orion_deploy.run.opening import open_session

    ended: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()
    loaded = load(request.path)
    given = assigned(loaded[0], request.assigned)
    session = open_session(
        request.path,
        run=request.run,
        edge=Edge(environ=lambda: {**os.environ, **request.environ}),
        cwd=request.cwd,
        on_ended=lambda step_id, attempt: ended.put((step_id, attempt)),
        loaded=loaded,
        assignments=given,
    )
    try:
        follower = Follower(ended, signals, tell)
        follower.attach(session)
        return _with(session, follower, request)
    finally:
        session.close()


def _with(session: Session, follower: Follower, request: Request) -> int:
    from orion_deploy.cli.person import Person, TurnedBack

    terminal = Terminal(follower.signals)
    _tell_opened(session, follower, request)
    _approve(session, request, terminal)
    if request.rollback_reason:
        session.enter_rollback(request.rollback_reason)
    while True:
        walk = Walk(session, follower, until=request.until, only=request.only)
        try:
            code = walk.carry_out(Auto(walk) if request.auto else Person(walk, terminal))
        except TurnedBack:
            continue
        break
    if session.state.finished_at is None and code is ExitCode.FINE and request.only is None:
        _at_the_end(session, request, terminal)
    return code


def _tell_opened(session: Session, follower: Follower, request: Request) -> None:
    from orion_deploy.cli.view import resume_facts
    from orion_deploy.run import reports

    if request.cwd is not None and session.cwd != request.cwd:
        talk(f"note: the run keeps its folder {plain_line(session.cwd)}; --cwd is for a new run")
    if session.places.why_not_beside:
        talk(
            f"note: {session.places.why_not_beside}; the state is kept in {plain_line(str(session.directory))}"
        )
    follower.tell(
        reports.Opened(
            at=session.edge.now(),
            run=session.run,
            checklist=session.checklist.path,
            title=session.checklist.title,
            cwd=session.cwd,
            resumed=session.resume.is_resumed,
            facts=resume_facts(session.resume, session.checklist),
        )
    )


def _approve(session: Session, request: Request, terminal: Terminal) -> None:
    """See to it that these bytes are trusted. Raises PersonNeededError when they are not."""
    from orion_deploy.cli.approve import review

    if not session.needs_approval:
        return
    if request.approve:
        session.approve()
        return
    if not request.auto:
        talk("\n".join(review(session.path, session.checklist, session.data)))
        if terminal.agree("Trust exactly these commands?"):
            session.approve()
            return
    raise PersonNeededError(
        "the commands of this file were never looked at, or it changed since; nothing was run",
        help=f"`orion-deploy approve {request.path}` shows them and trusts them; --approve trusts them unseen",
    )


def _at_the_end(session: Session, request: Request, terminal: Terminal) -> None:
    if request.auto:
        talk(f"run {plain_line(session.run)} is settled; --run NAME begins another one")
        return
    if terminal.agree("Everything is settled. Close this run for good?"):
        talk(session.finish())
