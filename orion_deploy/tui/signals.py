"""Signals: one way out for all of them, but for what a step of ours has sent by mistake."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from orion_deploy.errors import ExitCode, OrionError

if TYPE_CHECKING:
    from orion_deploy.tui.orion import OrionApp

LEAVING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)


def install(app: OrionApp) -> None:
    """Take the signals that end the app. Their handlers run between two messages, never within an act."""
    loop = asyncio.get_running_loop()
    for number in LEAVING:
        try:
            loop.add_signal_handler(number, _on_signal, app, number)
        except (NotImplementedError, RuntimeError, ValueError):  # not the main thread: a test
            return


def _on_signal(app: OrionApp, number: signal.Signals) -> None:
    """A step that kills by name may hit us: survive, and say which it was. Everything else is meant for us."""
    if number != signal.SIGHUP:
        try:
            step_id = app.session.survive(number) if not app.session.read_only else None
        except OrionError:
            step_id = None
        if step_id is not None:
            app.say_survived(step_id, number.name)
            return
    app.leave_now(ExitCode.INTERRUPTED)
