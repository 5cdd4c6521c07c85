"""Carrying a checklist out for a command: open the run, have it approved, walk it, and leave it in order."""

from __future__ import annotations

import queue
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orion_deploy.checklist.choices import find_option, options_of
from orion_deploy.cli.out import talk
from orion_deploy.cli.terminal import Terminal
from orion_deploy.errors import ExitCode, PersonNeededError, RefusedError
from orion_deploy.kinds.verdict import Json
from orion_deploy.run.auto import Auto
from orion_deploy.run.blocks import find_in, index_of
from orion_deploy.run.following import Follower, Left, Signals, Tell
from orion_deploy.run.headless import Walk
from orion_deploy.run.progress import overall, rollback
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
    way: str = ""
    """The answer to the choice of the way back."""
    override: str = ""
    """Why a step is run although the run has gone the other way back."""


def carry_out(request: Request) -> int:
    """Carry a checklist out in this process; returns the exit code.

    Raises:
        PersonNeededError: nobody is there to be asked.
        OrionError: as `open_session`.
    """
    from orion_deploy.cli.lines import print_json, print_text

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
    from orion_deploy.cli.opened import assigned, close
    from orion_deploy.run.opening import open_session

    ended: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()
    loaded = load(request.path)
    given = assigned(loaded[0], request.assigned)
    for name in (request.until, request.only):
        if name is not None:  # a mistyped step must not begin a run
            find_in(index_of(loaded[0]), name, loaded[0].path)
    session = open_session(
        request.path,
        run=request.run,
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
        close(session)


def _with(session: Session, follower: Follower, request: Request) -> int:
    from orion_deploy.cli.person import Person, TurnedBack

    terminal = Terminal(follower.signals)
    _tell_opened(session, follower, request)
    _approve(session, request, terminal)
    session.keep_watching()
    if request.way:
        _choose_way(session, request.way)
    if request.rollback_reason:
        _turn_back(session, follower, request.rollback_reason)
    while True:
        walk = Walk(session, follower, until=request.until, only=request.only)
        try:
            code = walk.carry_out(Auto(walk, request.override) if request.auto else Person(walk, terminal))
        except TurnedBack:
            continue
        break
    if session.state.watched:
        number = len(session.state.watched)
        talk(
            f"{'1 watch goes' if number == 1 else f'{number} watches go'} on without this command;"
            f" `orion-deploy status {shlex.quote(plain_line(session.checklist.path))}` tells what they see"
        )
    counts = overall(session.checklist, session.state)
    if session.state.finished_at is None and counts.total and counts.is_complete:
        _at_the_end(session, request, terminal)
    return code


def _choose_way(session: Session, way: str) -> None:
    """Answer the choice of the way back. Raises RefusedError when there is none, it has no such option, or another stands."""
    choices = [step for _, step in rollback(session.checklist) if options_of(step)]
    if not choices:
        raise RefusedError("the way back of this checklist has no choice: leave --way out")
    choice = next((step for step in choices if find_option(options_of(step), way)), choices[0])
    session.choose(choice.id, way)


def _turn_back(session: Session, follower: Follower, reason: str) -> None:
    """Enter the rollback, with what decides it in the record. One that was entered already is only gone on with."""
    from orion_deploy.checklist.escalation import escalations
    from orion_deploy.cli.way_back import known_now, looked
    from orion_deploy.run import reports

    facts: dict[str, Json] = {}
    if session.state.rollback_at is None:
        facts = known_now(session, looked(session, follower.signals))
        if facts:
            follower.tell(reports.Decides(at=session.edge.now(), facts=facts))
        if found := escalations(session.checklist):
            follower.tell(reports.Escalates.of(found, at=session.edge.now()))
    session.enter_rollback(reason, facts)


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
    from orion_deploy.cli.review import review

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
