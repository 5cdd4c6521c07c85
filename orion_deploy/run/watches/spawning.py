"""Starting a keeper that outlives whoever starts it: a session of its own, nobody's child, no word of ours in its argv."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from orion_deploy.errors import OrionError
from orion_deploy.run import files
from orion_deploy.run.watches import reading
from orion_deploy.run.watches.keeper import lock_patiently, write_down
from orion_deploy.run.watches.reading import Keeper

LOCK_FD = 3
"""Under which the keeper finds its lock."""
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
        f"raise SystemExit(main({str(run_directory)!r}, {LOCK_FD}))\n"
    ).encode("utf-8", "surrogateescape")


def spawn(run_directory: Path, environ: Mapping[str, str], who: str) -> None:
    """Start a keeper for the run, unless somebody looks already.

    Values of secret variables reach it through `environ`, and lie nowhere.

    Raises:
        OrionError: it could not be started; nothing is watched.
    """
    try:
        lock_fd = lock_patiently(run_directory)
        if lock_fd < 0:
            return
        try:
            write_down(lock_fd, Keeper(since=time.time(), who=who))
            _start(run_directory, environ, lock_fd)
        finally:
            os.close(lock_fd)  # The keeper has it now.
    except OSError as error:
        raise OrionError(
            f"the watches could not be started: {error.strerror}",
            help="nothing is watched now; `orion-deploy watch FILE` watches in the foreground",
        ) from error


def _start(run_directory: Path, environ: Mapping[str, str], lock_fd: int) -> None:
    from orion_deploy.kinds.worker import interpreter

    argv = [*interpreter(), "-"]
    folder = reading.folder_of(run_directory)
    files.make_folder(folder)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    with ExitStack() as opened:

        def kept(fd: int) -> int:
            opened.callback(os.close, fd)
            return fd

        log = kept(os.open(folder / LOG_NAME, flags, 0o600))
        null = kept(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC))
        reader, writer = os.pipe()
        kept(reader)
        with os.fdopen(writer, "wb") as program_pipe:
            pid = os.posix_spawn(
                argv[0],
                argv,
                {**environ, "PYDANTIC_DISABLE_PLUGINS": "__all__"},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, reader, 0),
                    (os.POSIX_SPAWN_DUP2, null, 1),
                    (os.POSIX_SPAWN_DUP2, log, 2),
                    (os.POSIX_SPAWN_DUP2, lock_fd, LOCK_FD),
                ],
                setsid=True,
            )
            program_pipe.write(program(run_directory))
        os.waitpid(pid, 0)
