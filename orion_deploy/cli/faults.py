"""How a command ends when it does not end well: one clear text on stderr and an exit code, never a traceback.

A fault of the app itself keeps its traceback in the state folder and ends with its own code, so that no
script takes it for a failed step.
"""

from __future__ import annotations

import os
import sys

from orion_deploy.errors import ExitCode, OrionError
from orion_deploy.text import plain_line


def ended(error: BaseException) -> int:
    """Say what happened, and return the exit code."""
    match error:
        case OrionError():
            _say(error.render())
            return error.exit_code
        case SystemExit():
            return _of_exit(error)
        case BrokenPipeError():
            _drop_stdout()
            return ExitCode.INTERRUPTED
        case KeyboardInterrupt() | EOFError():
            _say("interrupted")
            return ExitCode.INTERRUPTED
    usage = _usage(error)
    if usage is not None:
        _say(usage.render())
        return usage.exit_code
    if type(error).__name__ == "Abort" and type(error).__module__.startswith("click"):
        _say("interrupted")
        return ExitCode.INTERRUPTED
    if isinstance(error, OSError) and error.filename is not None:
        _say(OrionError(f"{error.filename}: {error.strerror}").render())
        return ExitCode.USAGE
    return _own_fault(error)


def _of_exit(error: SystemExit) -> int:
    if isinstance(error.code, int):
        return error.code
    if error.code is None:
        return ExitCode.FINE
    _say(plain_line(str(error.code)))
    return ExitCode.FAILED


def _usage(error: BaseException) -> OrionError | None:
    """What click says about the words of a command, in our form; None when click said nothing."""
    if "click" not in sys.modules:
        return None
    import click

    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return OrionError("a command is missing", help="`orion-deploy --help` lists them")
    if not isinstance(error, click.ClickException):
        return None
    path = "orion-deploy"
    if isinstance(error, click.UsageError) and error.ctx is not None:
        path = error.ctx.command_path
    what = error.format_message().strip()
    return OrionError(what[:1].lower() + what[1:].rstrip("."), help=f"`{path} --help` shows how it is used")


def _own_fault(error: BaseException) -> int:
    what = f"orion-deploy itself is at fault: {type(error).__name__}: {error}"
    try:
        help = f"what is on disk is whole, and `status` shows it; the traceback is kept in {_keep(error)}"
    except OSError as second:
        help = f"what is on disk is whole, and `status` shows it; the traceback could not be kept: {second}"
    _say(OrionError(what[:1000], help=help).render())
    return ExitCode.FAULT


def _keep(error: BaseException) -> str:
    """Write the traceback, 0600, into the state folder; returns its path."""
    import time
    import traceback

    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    folder = os.path.join(state, "orion-deploy", "faults")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    path = os.path.join(folder, f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        traceback.print_exception(error, file=file)
    return path


def _drop_stdout() -> None:
    """Nobody reads any more: let the interpreter's last flush go nowhere, quietly."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def _say(text: str) -> None:
    try:
        sys.stdout.flush()
    except OSError:
        _drop_stdout()
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        return
