"""From the command line to the screens: what must be there, the first line, and what the shell is told afterwards.

Textual is imported after the first line is on the terminal.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from orion_deploy.errors import ExitCode, HeldError, OrionError
from orion_deploy.text import plain, plain_line
from orion_deploy.tui.splash import Splash

if TYPE_CHECKING:
    from orion_deploy.run.session import Session

KEYMAP_BYTES_MAX = 64 * 1024


def run_tui(
    path: Path | None,
    *,
    run: str | None = None,
    cwd: str | None = None,
    assignments: Mapping[str, str] | None = None,
    look_on: bool = False,
    approve: bool = False,
    start_in_rollback: bool = False,
) -> int:
    """Open a checklist (or the picker) on the terminal; returns the exit code when the operator has left.

    Raises:
        OrionError: there is no terminal, the checklist cannot be read, or another operator holds the run.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise OrionError(
            "the screens need a terminal, and this is none",
            help="`orion-deploy run FILE` works line by line; `status` and `show` print",
        )
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        return _run(
            path, run, cwd, dict(assignments or {}), look_on=look_on, approve=approve, back=start_in_rollback
        )
    finally:
        if was_collecting:
            gc.enable()


def _run(
    path: Path | None,
    run: str | None,
    cwd: str | None,
    assignments: dict[str, str],
    *,
    look_on: bool,
    approve: bool,
    back: bool,
) -> int:
    if path is None:
        chosen = _pick()
        if chosen is None:
            return int(ExitCode.FINE)
        path, run = chosen
    relay = Relay()
    splash = Splash(f"orion-deploy  {path.name}")
    from orion_deploy.tui.guardian import standing_by

    with standing_by(_how_to_go_on(path)):
        try:
            from orion_deploy.run.opening import open_session

            def opened(*, look_on: bool) -> Session:
                return open_session(
                    path, run=run, cwd=cwd, on_ended=relay, look_on=look_on, assignments=assignments
                )

            while True:
                try:
                    session = opened(look_on=look_on)
                except HeldError as error:
                    if not _looks_on(error, splash):
                        raise
                    session = opened(look_on=True)
                code = _show(session, relay, splash, approve=approve, back=back)
                if code is not None:
                    return code
                run, look_on = session.run, False
        finally:
            splash.take_down()


def _how_to_go_on(path: Path) -> str:
    """What is said after a kill."""
    import shlex

    again = f"orion-deploy {shlex.quote(plain_line(str(path)))}"
    return f"The screens were killed; a step that runs goes on.\r\nGo on with the run: {again}\r\n"


def _pick() -> tuple[Path, str | None] | None:
    splash = Splash("orion-deploy")
    from orion_deploy.tui.guardian import standing_by

    with standing_by("The screens were killed; nothing was begun.\r\n"):
        try:
            from orion_deploy.tui.choices import offers
            from orion_deploy.tui.screens.picker import pick

            offer = pick(offers(Path.cwd()), splash_is_up=splash.hand_over())
        finally:
            splash.take_down()
    return None if offer is None else (offer.path, offer.run.name if offer.run is not None else None)


def _looks_on(error: HeldError, splash: Splash) -> bool:
    """Ask whether to look on while another operator holds the run."""
    from orion_deploy.tui.alone import ask_alone
    from orion_deploy.tui.screens.fault import held_panel

    return ask_alone(held_panel(error), splash) == "look"


def _show(session: Session, relay: Relay, splash: Splash, *, approve: bool, back: bool) -> int | None:
    """Run the app; whatever happens to it, the session is closed and the terminal sane. None: open the run once more, to hold it."""
    try:
        if approve and not session.read_only and session.needs_approval:
            session.approve()
        keymap, faults = read_keymap()

        from orion_deploy.tui.orion import OrionApp

        app = OrionApp(session, keymap, notes=tuple(faults), starts_in_rollback=back)
    except BaseException:
        session.close()
        raise
    app.splash_is_up = splash.hand_over()
    relay.to = app.relay()
    try:
        app.run()
    finally:
        app.leave_now(ExitCode.FAILED)
    relay.to = None
    if app.takes_over:
        splash.take_back()
        if not app.crash:
            return None
        splash.take_down()
    with contextlib.suppress(OSError):  # The terminal may be gone: then nobody is left to be told.
        for note in app.notes:
            sys.stderr.write(plain(note) + "\n")
        if app.crash:
            sys.stderr.write(
                f"{plain(app.crash)}\nThis is a fault of orion-deploy; the run is on disk, and opening it again goes on with it.\n"
            )
        sys.stderr.flush()
    return int(app.exit_code)


class Relay:
    """What a session calls when an attempt has ended, before there is an app to tell: the app asks for those itself."""

    to: Callable[[str, int], None] | None = None

    def __call__(self, step_id: str, attempt: int) -> None:
        """Pass it on."""
        if self.to is not None:
            self.to(step_id, attempt)


def read_keymap() -> tuple[dict[str, str], list[str]]:
    """The person's own keys, `keys.json` in the app's configuration folder, and what is wrong with it.

    A file such as `{"tick": "t,space", "skip": "S"}`; the ids are those of the help.
    """
    base = os.environ.get("XDG_CONFIG_HOME", "")
    folder = base if os.path.isabs(base) else os.path.expanduser("~/.config")
    path = os.path.join(folder, "orion-deploy", "keys.json")
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(KEYMAP_BYTES_MAX)
    except FileNotFoundError:
        return {}, []
    except (OSError, UnicodeDecodeError) as error:
        return {}, [f"{path} cannot be read: {error}"]
    import json

    from orion_deploy.tui.keys import check_keymap

    try:
        content = json.loads(text)
    except ValueError as error:
        return {}, [f"{path} is not JSON: {error}"]
    if not isinstance(content, dict):
        return {}, [f"{path} does not hold an object"]
    return check_keymap(content)
