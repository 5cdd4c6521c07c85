"""The launcher's side of the fork server: the bare interpreter it is, the program it gets, the channel to it."""

from __future__ import annotations

import errno
import fcntl
import marshal
import os
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orion_deploy.run.supervisor import Order

PROGRAM = (
    "conceal", "family", "redact", "output", "carry", "facts", "record", "stopping", "child", "ending", "supervisor",
    "forkserver",
)  # fmt: skip
"""Modules of `orion_deploy.run` that make up the supervisor's program, each after what it needs."""
CHANNEL_FD = 3
PATIENCE_S = 30.0
"""How long a start may take to be answered; then something holds the machine, and the operator is told."""
ONCE = "once"
"""Argument of a server for a single attempt in the terminal."""
_BOOT = """\
import marshal,os,sys
def r(n):
    b=b''
    while len(b)<n:
        c=os.read(3,n-len(b))
        if not c:os._exit(0)
        b+=c
    return b
for n,s in marshal.loads(r(int.from_bytes(r(4),'big'))):
    m=sys.modules[n]=type(sys)(n);m.__path__=[]
    p,_,a=n.rpartition('.')
    if p:setattr(sys.modules[p],a,m)
    exec(s,m.__dict__)
m.main()
"""


class ForkServer:
    """A bare interpreter with the supervisor's program in it, and the channel to it."""

    def __init__(self, *, own_session: bool) -> None:
        """Raises OSError when it cannot be started."""
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._channel.settimeout(PATIENCE_S)
        high = fcntl.fcntl(theirs, fcntl.F_DUPFD_CLOEXEC, CHANNEL_FD + 1)
        theirs.close()
        try:
            self._pid = _spawn_interpreter(high, own_session=own_session)
        except BaseException:
            self._channel.close()
            raise
        finally:
            os.close(high)
        try:
            program = marshal.dumps(_program())
            self._channel.sendall(len(program).to_bytes(4, "big") + program)
        except BaseException:
            self.close()
            raise

    def send(self, order: Order, fds: list[int]) -> None:
        """Hand an attempt over; on return a supervisor has it.

        Raises OSError: the server is gone. Whoever had the order is gone with it, and had begun nothing.
        """
        data = marshal.dumps(dict(order))
        message = len(data).to_bytes(4, "big") + data
        sent = socket.send_fds(self._channel, [message], fds)
        self._channel.sendall(memoryview(message)[sent:])
        if not self._channel.recv(1):
            raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))

    def close(self) -> None:
        """Close the channel, at which the server ends."""
        self._channel.close()
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)


def _program() -> list[tuple[str, object]]:
    """Return the modules of the supervisor's program with their compiled text."""
    from importlib.util import find_spec

    modules: list[tuple[str, object]] = [("orion_deploy", ""), ("orion_deploy.run", "")]
    for name in PROGRAM:
        spec = find_spec(f"orion_deploy.run.{name}")
        assert spec is not None
        loader = spec.loader
        assert loader is not None
        modules.append((spec.name, loader.get_code(spec.name)))  # type: ignore[attr-defined]  # every loader of source has it
    return modules


def _spawn_interpreter(channel: int, *, own_session: bool) -> int:
    """Start the interpreter under any virtual environment, whose own path often holds the app's name."""
    path = os.path.realpath(getattr(sys, "_base_executable", "") or sys.executable)
    folder, name = os.path.split(path)
    actions: list[tuple[object, ...]] = [(os.POSIX_SPAWN_DUP2, channel, CHANNEL_FD)]
    if own_session:
        actions += [
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
    argv = [
        name,
        "-I",
        "-S",
        "-c",
        _BOOT,
        *(() if own_session else (ONCE,)),
    ]  # A name without a path: found through PATH, shown by no `ps`.
    env = {"PATH": folder}
    try:
        return os.posix_spawn(path, argv, env, file_actions=actions, setsid=own_session)
    except NotImplementedError:  # macOS: the server makes its session itself.
        return os.posix_spawn(path, argv, env, file_actions=actions)
