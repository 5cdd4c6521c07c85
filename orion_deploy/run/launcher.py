"""Starting attempts: everything on disk first, then the supervisor, which no app and no terminal takes down with it.

One launcher per app. Its fork server is a fresh interpreter that was started before it is needed; values of
variables and secrets go to it through a socket, and never lie on the disk or in an argv.
"""

from __future__ import annotations

import errno
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from orion_deploy.errors import ExitCode, NotRecordedError, OrionError, RefusedError
from orion_deploy.run.attempt import AttemptResult, AttemptSpec, look, wait

if TYPE_CHECKING:
    from orion_deploy.run.forkclient import ForkServer
    from orion_deploy.run.supervisor import Order


class Launcher:
    """Starts attempts, from any thread.

    `warm` starts the fork server in the background right away, which the first step would otherwise wait
    for (20 to 30 ms).
    """

    def __init__(self, *, warm: bool = True) -> None:
        self._lock = threading.Lock()
        self._server: ForkServer | None = None
        self._prepared: dict[str, Order] = {}
        self._is_closed = False
        if warm:
            threading.Thread(target=self._warm, name="warm-launcher", daemon=True).start()

    def _warm(self) -> None:
        with suppress(OSError), self._lock:
            self._running_server()

    def _running_server(self) -> ForkServer:
        from orion_deploy.run.forkclient import ForkServer

        if self._server is None and not self._is_closed:
            self._server = ForkServer(own_session=True)
        if self._server is None:
            raise RefusedError("the launcher is closed")
        return self._server

    def start(self, directory: Path, spec: AttemptSpec) -> None:
        """Put the attempt on disk and let it go.

        Raises:
            NotRecordedError: it could not be put on disk; nothing was run.
            OrionError: it could not be started; nothing was run.
        """
        self.prepare(directory, spec)
        self.spawn(directory)

    def prepare(self, directory: Path, spec: AttemptSpec) -> None:
        """Put on disk, durably, what an attempt is made of, in a new folder. Nothing runs. Raises NotRecordedError."""
        from orion_deploy.run.laying import lay_out, order_of

        try:
            lay_out(directory, spec)
        except FileExistsError as error:
            raise NotRecordedError(
                f"the attempt's folder {directory} is there already; nothing was run",
                help="another session may be using this run; open it again",
            ) from error
        except OSError as error:
            raise NotRecordedError(
                f"the attempt could not be put on disk ({error.strerror}: {directory}); nothing was run",
                help="make room where the run is kept, then run the step again"
                if error.errno in (errno.ENOSPC, errno.EDQUOT)
                else "look after the disk that the run is kept on",
            ) from error
        order = order_of(directory, spec)
        with self._lock:
            self._prepared[str(directory)] = order

    def spawn(self, directory: Path) -> None:
        """Let a prepared attempt go. Raises OrionError when it could not be started; nothing was run then."""
        from orion_deploy.run.laying import close_all, hold

        with self._lock:
            order = self._prepared.pop(str(directory), None)
            if order is None:
                raise RefusedError(f"the attempt {directory} was not prepared by this session")
            try:
                fds = hold(directory)
            except OSError as error:
                raise _not_started(error) from error
            try:
                self._send(order, fds)
            except OSError as error:
                raise _not_started(error) from error
            finally:
                close_all(fds)

    def _send(self, order: Order, fds: list[int]) -> None:
        server = self._running_server()
        try:
            server.send(order, fds)
        except (BrokenPipeError, ConnectionResetError):  # It was killed; nothing began.
            server.close()
            self._server = None
            self._running_server().send(order, fds)

    def run_in_foreground(self, directory: Path, spec: AttemptSpec) -> AttemptResult:
        """Run an attempt in the real terminal, which is its own until it ends; blocks. The app is to be suspended.

        Its start and end are recorded as those of any other, so that an app that dies meanwhile finds it
        finished, or running, or of unknown outcome. Its output is the terminal's, and is not kept.

        Raises as `start`, and OrionError when what became of it is not known.
        """
        from orion_deploy.run.forkclient import ForkServer
        from orion_deploy.run.laying import close_all, hold
        from orion_deploy.run.terminal import Terminal

        self.prepare(directory, spec)
        with self._lock:
            order = self._prepared.pop(str(directory))
        order["in_foreground"] = True
        terminal = Terminal()
        try:
            fds = hold(directory)
            try:
                server = ForkServer(own_session=False)
                server.send(order, fds)
            finally:
                close_all(fds)
        except OSError as error:
            raise _not_started(error) from error
        try:
            wait(directory)
        finally:
            server.close()
            terminal.restore()
        seen = look(directory)
        if seen.result is None:
            raise OrionError(
                f"what became of the step is not known: {seen.reason}",
                exit_code=ExitCode.UNKNOWN,
                help="look at what it did, then mark it done, failed, or to be run again",
            )
        return seen.result

    def close(self) -> None:
        """Let the fork server go; running steps live on."""
        with self._lock:
            self._is_closed = True
            self._prepared.clear()
            if self._server is not None:
                self._server.close()
                self._server = None


def _not_started(error: OSError) -> OrionError:
    return OrionError(
        f"the step could not be started ({error.strerror}); nothing was run",
        exit_code=ExitCode.FAILED,
        help="look whether the machine can start more processes, then run the step again",
    )
