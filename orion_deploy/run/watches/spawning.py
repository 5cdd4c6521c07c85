"""Starting a keeper that outlives whoever starts it: a session of its own, nobody's child, no word of ours in its argv."""

from __future__ import annotations

import fcntl
import os
import select
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
READY_FD = 4
"""Where the keeper says that it looks from now on; closed without a word where it died before."""
READY_S = 30.0
"""So long whoever wants to know waits for that."""
LOG_NAME = "keeper.log"
"""What a keeper prints: nothing, unless it is at fault. Of the last keeper alone."""
LOG_TAIL_BYTES = 4096


def program(run_directory: Path) -> bytes:
    """The text of the program: it forks once, so that its starter has a child for some milliseconds only."""
    import sys

    root = str(Path(__file__).resolve().parents[3])
    paths = [root, *(p for p in sys.path if p and p != root)]
    return (
        "import os\nif os.fork():\n    os._exit(0)\n"
        f"import sys\nsys.path[:] = {paths!r} + [p for p in sys.path if p not in {paths!r}]\n"
        "from orion_deploy.run.watches.keeper import main\n"
        f"raise SystemExit(main({str(run_directory)!r}, {LOCK_FD}, {READY_FD}))\n"
    ).encode("utf-8", "surrogateescape")


def spawn(run_directory: Path, environ: Mapping[str, str], who: str, *, ready_s: float = 0.0) -> None:
    """Start a keeper for the run, unless somebody looks already; wait up to `ready_s` until it is ready to look.

    Values of secret variables reach it through `environ`, and lie nowhere.

    Raises:
        OrionError: it could not be started, or, where it is waited for, died or was not ready in time.
    """
    try:
        lock_fd = lock_patiently(run_directory)
        if lock_fd < 0:
            return
        try:
            write_down(lock_fd, Keeper(since=time.time(), who=who))
            _start(run_directory, environ, lock_fd, ready_s)
        finally:
            os.close(lock_fd)  # The keeper has it now.
    except OSError as error:
        raise OrionError(
            f"the watches could not be started: {error.strerror}",
            help="nothing is watched now; `orion-deploy watch FILE` watches in the foreground",
        ) from error


def _start(run_directory: Path, environ: Mapping[str, str], lock_fd: int, ready_s: float) -> None:
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
        ready, low = os.pipe()
        kept(ready)
        with os.fdopen(low, "wb"):
            # Above every descriptor that the keeper is given: none of those may take its place first.
            is_ready = os.fdopen(fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, READY_FD + 1), "wb")
        opened.callback(is_ready.close)
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
                    (os.POSIX_SPAWN_DUP2, is_ready.fileno(), READY_FD),
                ],
                setsid=True,
            )
            program_pipe.write(program(run_directory))
        _, status = os.waitpid(pid, 0)
        is_ready.close()
        if os.waitstatus_to_exitcode(status) != 0:
            raise _ended(folder / LOG_NAME)
        if ready_s > 0:
            _wait_until_ready(ready, ready_s, folder / LOG_NAME)


def _wait_until_ready(ready: int, wait_s: float, log: Path) -> None:
    """Return when the keeper says that it is ready. Raises OrionError where it ends before, or takes longer."""
    readable, _, _ = select.select([ready], [], [], wait_s)
    if not readable:
        raise OrionError(
            f"the process that is to watch has not begun within {wait_s:g} s",
            help="`orion-deploy status FILE` tells whether it has meanwhile",
        )
    if not os.read(ready, 1):
        raise _ended(log)


def _ended(log: Path) -> OrionError:
    """The error for a keeper that died before it looked; its reason is the last line that it printed."""
    try:
        with open(log, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - LOG_TAIL_BYTES))
            words = file.read(LOG_TAIL_BYTES).decode("utf-8", "replace").strip().rpartition("\n")[2]
    except OSError:
        words = ""
    return OrionError(
        f"the watches could not be started: the process that is to watch ended at once, {words or 'without a word'}",
        help=f"nothing is watched now; {log} has all that it said. `orion-deploy watch FILE` watches in the foreground",
    )
