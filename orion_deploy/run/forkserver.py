"""A fresh, bare interpreter that forks a supervisor for every step: no start of Python, no heap and no threads of the app.

It reads orders from descriptor 3, a stream socket to the app, and ends when that closes; the supervisors
that it made live on. An order is four bytes of length, then that many of `marshal`; with the first bytes come
the descriptors of the attempt: folder, `sup.lock`, `step.lock` and `ctl`. It is answered by one byte: a
supervisor has it. Part of the supervisor's program.
"""

from __future__ import annotations

import gc
import marshal
import os
import signal
import socket
import sys
import time
from contextlib import suppress

from orion_deploy.run import child, supervisor
from orion_deploy.run.conceal import conceal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orion_deploy.run.supervisor import Order

CHANNEL_FD = 3
ONCE = "once"
"""Argument for a single attempt in the terminal's own session: nothing is forked."""
SHOWN_AS = "step-keeper"
HEADER_BYTES = 4
ORDER_FDS = 4
FORK_PAUSE_S = 0.1
TAKEN = b"t"
"""The answer to an order, and the word for the server."""
_NO_MORE = b"e"
_IGNORED = (
    signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGTSTP, signal.SIGTTIN,
    signal.SIGTTOU, signal.SIGPIPE, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM,
)  # fmt: skip


def main() -> None:
    """Serve until the app's end of the channel closes.

    One process waits for the next order with everything ready; when it has it, it is that attempt's
    supervisor, and once the step runs the server forks the next. Nobody waits for a supervisor: its locks
    say that it lives.
    """
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    conceal(SHOWN_AS)
    umask = os.umask(0o077)
    channel = socket.socket(fileno=CHANNEL_FD)
    os.set_inheritable(CHANNEL_FD, False)
    child.close_from(CHANNEL_FD + 1)
    supervisor.load()
    gc.freeze()
    tell = -1 if sys.argv[1:] == [ONCE] else _child()
    ready = supervisor.Supervisor()
    received = receive(channel)
    if received is not None:
        channel.sendall(TAKEN)  # From here on the launcher does not give the order to another one.
    channel.close()
    if tell >= 0:
        os.setsid()
    if received is None:
        _say(tell, _NO_MORE)
        return
    order, fds = received
    order["umask"] = umask
    ready.carry_out(order, fds, lambda: _say(tell, TAKEN))


def _say(tell: int, word: bytes) -> None:
    """Tell the server. Whether it still lives must not matter to a step."""
    if tell >= 0:
        with suppress(OSError):
            os.write(tell, word)
        os.close(tell)


def _child() -> int:
    """Fork one process after the other, each when the one before is at work; return in them, never in the server.

    What is returned is where to say that. A child that died without a word may have taken half an order: the
    channel is of no use any more, and the launcher, which is told by its closing, starts another server.
    """
    while True:
        taken, tell = os.pipe()
        try:
            pid = os.fork()
        except (
            OSError
        ):  # The machine is full for now; what is ordered meanwhile waits, and its locks with it.
            pid = -1
        if pid == 0:
            os.close(taken)
            return tell
        os.close(tell)
        word = os.read(taken, 1) if pid > 0 else TAKEN
        os.close(taken)
        if word != TAKEN:
            os._exit(0)
        if pid < 0:
            time.sleep(FORK_PAUSE_S)


def receive(channel: socket.socket) -> tuple[Order, list[int]] | None:
    """Return the next order with its descriptors, or None when there will be none."""
    try:
        header, fds, _, _ = socket.recv_fds(channel, HEADER_BYTES, ORDER_FDS)
        for fd in fds:
            os.set_inheritable(fd, False)
        header += _exactly(channel, HEADER_BYTES - len(header)) if header else b""
        length = int.from_bytes(header, "big")
        data = _exactly(channel, length)
    except OSError:
        return None
    if not header or len(data) < length or len(fds) < ORDER_FDS:  # The app died in the middle of it.
        return None
    order: Order = marshal.loads(data)  # noqa: S302  # written by the app, through its own socket
    return order, fds


def _exactly(channel: socket.socket, length: int) -> bytes:
    chunks = []
    while length > 0 and (chunk := channel.recv(min(length, 1 << 20))):
        chunks.append(chunk)
        length -= len(chunk)
    return b"".join(chunks)
