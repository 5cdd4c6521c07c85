"""`resolve FILE STEP verify`: the check of an interrupted step looks whether it was carried out, and decides."""

from __future__ import annotations

import queue
from pathlib import Path

from orion_deploy.cli.acts import tell_step
from orion_deploy.cli.lines import print_text
from orion_deploy.cli.opened import close, known_step
from orion_deploy.cli.out import talk
from orion_deploy.errors import ExitCode
from orion_deploy.run.following import Follower, Left, Signals
from orion_deploy.run.headless import Walk
from orion_deploy.run.opening import open_session
from orion_deploy.run.session import Session
from orion_deploy.run.state import Status

CODES = {Status.DONE: ExitCode.FINE, Status.TODO: ExitCode.FAILED}


def verify(path: Path, run_name: str | None, step: str, *, as_json: bool) -> int:
    """Verify a step whose outcome is unknown; returns the exit code.

    Raises:
        RefusedError: there is nothing to verify, or nothing to verify it with.
        OrionError: as `open_session`.
    """
    ended: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()
    with Signals() as signals:
        session = open_session(
            path,
            run=run_name,
            on_ended=lambda step_id, number: ended.put((step_id, number)),
            loaded=known_step(path, step),
        )
        try:
            return _verified(session, Follower(ended, signals, print_text), step, as_json=as_json)
        except Left as left:
            talk(str(left))
            return ExitCode.INTERRUPTED
        finally:
            close(session)


def _verified(session: Session, follower: Follower, step: str, *, as_json: bool) -> int:
    follower.attach(session)
    if as_json:
        follower.tell = lambda _report: None
    found = session.step(step)
    status = Walk(session, follower).verify(found)
    tell_step(session, found.id, as_json=as_json)
    return CODES.get(status, ExitCode.UNKNOWN)
