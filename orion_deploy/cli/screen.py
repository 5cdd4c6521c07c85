"""The way to the screens. No click here: opening a checklist waits for nothing that it does not need."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from orion_deploy.tui.splash import Splash


def open_screen(file: str | None) -> int:
    """Open FILE, or the picker without one; returns the exit code. Raises OrionError as `show_screen`."""
    if file is None:
        return show_screen(None)
    if os.path.isfile(file):
        require_terminal(file)
        _put_up_splash(file)
    from orion_deploy.cli.files import resolve

    return show_screen(resolve(file))


def show_screen(
    path: Path | None,
    *,
    run: str | None = None,
    cwd: str | None = None,
    assigned: Mapping[str, str] | None = None,
    look_on: bool = False,
    approve: bool = False,
    start_in_rollback: bool = False,
) -> int:
    """Start the screens in this terminal; returns the exit code.

    Raises:
        OrionError: there is no terminal; says what to run instead. Or a value of `assigned` fits nothing.
    """
    require_terminal(path)
    splash = _put_up_splash("" if path is None else os.fspath(path))
    values: Mapping[str, str] = {}
    try:
        if assigned and path is not None:
            from orion_deploy.checklist.read import load
            from orion_deploy.cli.opened import assigned as known

            values = known(load(path)[0], assigned)
        from orion_deploy.tui.app import run_tui
    except BaseException:
        splash.take_down()
        raise
    return run_tui(
        path,
        run=run,
        cwd=cwd,
        assignments=values,
        look_on=look_on,
        approve=approve,
        start_in_rollback=start_in_rollback,
    )


def _put_up_splash(file: str) -> Splash:
    from orion_deploy.tui.splash import Splash

    return Splash(f"orion-deploy  {os.path.basename(file)}")


def require_terminal(path: str | Path | None) -> None:
    """Raise OrionError where the screens cannot be drawn or keys not be read."""
    missing = next((name for number, name in ((0, "input"), (2, "error")) if not os.isatty(number)), None)
    is_dumb = os.environ.get("TERM", "") == "dumb"
    if missing is None and not is_dumb:
        return
    why = f"standard {missing} is none" if missing else "TERM=dumb cannot draw them"
    import shlex

    from orion_deploy.errors import OrionError

    file = "FILE" if path is None else shlex.quote(os.fspath(path))
    raise OrionError(
        f"the screens need a terminal, and {why}",
        help=f"`orion-deploy run {file} --auto` asks nothing, `orion-deploy run {file}` asks in plain lines,"
        f" `orion-deploy status {file}` tells where it stands",
    )
