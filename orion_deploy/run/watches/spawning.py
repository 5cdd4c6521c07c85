"""Starting a keeper that outlives whoever starts it: a session of its own, nobody's child, no word of ours in its argv."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from orion_deploy.errors import OrionError
from orion_deploy.run import files
from orion_deploy.run.watches import reading

LOG_NAME = "keeper.log"
"""What a keeper prints: nothing, unless it is at fault. Of the last keeper alone."""


def program(run_directory: Path) -> bytes:
    """The text of the program: it forks once, so that its starter has a child for some milliseconds only."""
    import sys

    root = str(Path(__file__).resolve().parents[3])
    paths = [root, *(p for p in sys.path if p and p != root)]
    return (
        "import os\nif os.fork():\n    os._exit(0)\n"
        f"import sys\nsys.path[:] = {paths!r} + [p for p in sys.path if p not in {paths!r}]\n"
        "from orion_deploy.run.watches.keeper import main\n"
        f"raise SystemExit(main({str(run_directory)!r}))\n"
    ).encode("utf-8", "surrogateescape")


def spawn(run_directory: Path, environ: Mapping[str, str]) -> None:
    """Start a keeper for the run, unless one looks already: then the new one leaves at once.

    Values of secret variables reach it through `environ`, and lie nowhere.

    Raises:
        OrionError: it could not be started; nothing is watched.
    """
    from orion_deploy.kinds.worker import interpreter

    argv = [*interpreter(), "-"]
    try:
        files.make_folder(reading.folder_of(run_directory))
        log = os.open(
            reading.folder_of(run_directory) / LOG_NAME,
            os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW,
            0o600,
        )
    except OSError as error:
        raise _not_started(error) from error
    reader, writer = os.pipe2(os.O_CLOEXEC) if hasattr(os, "pipe2") else os.pipe()
    null = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    try:
        pid = os.posix_spawn(
            argv[0],
            argv,
            {**environ, "PYDANTIC_DISABLE_PLUGINS": "__all__"},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, reader, 0),
                (os.POSIX_SPAWN_DUP2, null, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
            setsid=True,
        )
        os.close(reader)
        reader = -1
        files.write_all(writer, program(run_directory))
        os.close(writer)
        writer = -1
        os.waitpid(pid, 0)
    except OSError as error:
        raise _not_started(error) from error
    finally:
        for fd in (reader, writer, null, log):
            if fd >= 0:
                with contextlib.suppress(OSError):
                    os.close(fd)


def _not_started(error: OSError) -> OrionError:
    return OrionError(
        f"the watches could not be started: {error.strerror}",
        help="nothing is watched now; `orion-deploy watch FILE` watches in the foreground",
    )
