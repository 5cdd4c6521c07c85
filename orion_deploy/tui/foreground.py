"""Interactive steps: the app steps aside, the command gets the real terminal, a key brings the app back."""

from __future__ import annotations

import os
import sys
import termios

from textual.app import App, SuspendNotSupported

from orion_deploy.errors import OrionError, RefusedError
from orion_deploy.kinds.verdict import Verdict
from orion_deploy.run.session import Session
from orion_deploy.text import plain, plain_line
from orion_deploy.tui.words import OUTCOMES


def run_in_terminal(app: App[object], session: Session, step_id: str, edited: str | None) -> Verdict:
    """Run the step in the terminal that the app was drawn on; returns when a key was pressed after its end.

    Nothing may leave the suspended block but by its end, or the terminal would never come back: errors are
    caught within and raised after it.

    Raises:
        RefusedError: there is no terminal to give, or the step cannot be run.
        NotRecordedError: the start could not be put on disk.
    """
    verdict: Verdict | None = None
    fault: BaseException | None = None
    try:
        with app.suspend():
            try:
                verdict = _run(session, step_id, edited)
            except BaseException as error:
                fault = error
            _wait_for_enter(verdict, fault)
    except SuspendNotSupported:
        raise RefusedError(
            "it needs a real terminal, and this is none", help="run it with `orion-deploy run`"
        ) from None
    if fault is not None:
        raise fault
    assert verdict is not None
    return verdict


def _run(session: Session, step_id: str, edited: str | None) -> Verdict:
    step = session.step(step_id)
    _tell(f"\n— {plain_line(step.title)} — in {plain_line(session.cwd)}\n")
    return session.run_in_foreground(step_id, script=edited)


def _wait_for_enter(verdict: Verdict | None, fault: BaseException | None) -> None:
    """Say how it came out, forget what was typed meanwhile, and wait for Enter."""
    if verdict is not None:
        _tell(f"\n— {OUTCOMES[verdict.outcome].text}: {plain_line(verdict.reason)}\n")
    elif isinstance(fault, OrionError):
        _tell(f"\n{plain(fault.render())}\n")
    elif fault is not None:
        _tell(f"\n— {plain_line(repr(fault))}\n")
    try:
        # Before it is said: an Enter that answers it must never be among what is forgotten.
        termios.tcflush(0, termios.TCIFLUSH)
        _tell("Enter goes back to the checklist ")
        while os.read(0, 1) not in (b"\n", b"\r", b""):
            pass
    except (OSError, termios.error, KeyboardInterrupt):
        pass


def _tell(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
