"""The step's own process between its fork and its `exec`: what it inherits, and what it does not.

It waits at a gate until its start is on the disk; if the supervisor dies before, it has never begun. It
gets the operator's environment and umask, signals as a fresh process has them, and no descriptor but its
standard ones and the two from which the shell reads. Part of the supervisor's program.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import sys
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from orion_deploy.run.supervisor import Order

GO = b"g"
GATE_CLOSED_STATUS = 125
NOT_STARTED_STATUS = 126
SCRIPT_FD = 8
READER_FD = 9
"""The shell's wrapper, or the script of another interpreter: its path is the last word of the argv."""
_HIGH_FD = 64
_SIGNALS = (
    signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU,
    signal.SIGPIPE, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGCHLD, signal.SIGXFSZ,
)  # fmt: skip
"""Those that the fork server, this program or Python itself do not leave as they are."""


def become(order: Order, *, gate: int, error: int, output: int, wrapper: int, script: int) -> NoReturn:
    """Get ready, wait at the gate, then become the step. What prevents it goes to `error`, which just closes otherwise."""
    doing = "it could not be started"
    try:
        if order["in_foreground"]:
            os.setpgid(0, 0)
        else:
            os.setsid()
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        gate, error = _take_descriptors(
            order, gate=gate, error=error, output=output, wrapper=wrapper, script=script
        )
        os.umask(order["umask"])
        argv = (*order["interpreter"], f"/dev/fd/{READER_FD}")
        doing = f"`{argv[0]}` cannot be run"
        program = _found(argv[0], order["path"])
        doing = f"the folder {order['cwd']}"
        os.chdir(order["cwd"])
        doing = f"`{argv[0]}` cannot be run"
        if os.read(gate, 1) == GO:
            os.execve(program, argv, order["env"])
        os._exit(GATE_CLOSED_STATUS)
    except OSError as problem:
        hint = " (is it installed?)" if isinstance(problem, FileNotFoundError) and doing[0] == "`" else ""
        os.write(error, f"{doing}: {problem.strerror}{hint}".encode("utf-8", "replace")[:1000])
    except BaseException as problem:
        os.write(error, f"{doing}: {problem}".encode("utf-8", "replace")[:1000])
    os._exit(NOT_STARTED_STATUS)


def _found(program: str, search_path: str) -> str:
    """Return where PATH has the program; the bare name, which leads nowhere, where it has not."""
    if "/" not in program:
        for folder in search_path.split(os.pathsep):
            path = os.path.join(folder or ".", program)
            if os.access(path, os.X_OK) and not os.path.isdir(path):
                return path
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    return program


def _take_descriptors(
    order: Order, *, gate: int, error: int, output: int, wrapper: int, script: int
) -> tuple[int, int]:
    """Put every descriptor in its place and close all others; return where `gate` and `error` are, till the exec."""
    gate, error, output, wrapper, script = (
        fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _HIGH_FD) if fd >= 0 else -1
        for fd in (gate, error, output, wrapper, script)
    )
    os.closerange(3, _HIGH_FD)
    if not order["in_foreground"]:
        null = os.open("/dev/null", os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        os.dup2(output, 1)
        os.dup2(output, 2)
    if wrapper >= 0:
        os.dup2(wrapper, READER_FD)
        os.dup2(script, SCRIPT_FD)
    else:
        os.dup2(script, READER_FD)
    close_from(max(gate, error) + 1)
    return gate, error


def close_from(lowest: int) -> None:
    """Close every descriptor from `lowest` on. Only Linux does that at once, however many there may be."""
    if sys.platform.startswith("linux"):
        os.closerange(lowest, os.sysconf("SC_OPEN_MAX"))
        return
    for name in os.listdir("/dev/fd"):
        if name.isdigit() and int(name) >= lowest:
            with suppress(OSError):  # The one with which the folder was read.
                os.close(int(name))


def text_file(text: bytes) -> int:
    """Return a descriptor from which `text` can be read, from a file that no name leads to."""
    fd, _ = memory_file(0)
    view = memoryview(text)
    while view:
        view = view[os.write(fd, view) :]
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def memory_file(pid: int) -> tuple[int, str]:
    """Return a file that never reaches the disk, and the path by which other processes find it in process `pid`.

    Where the system has none: a file of the attempt, whose name goes as soon as it is not needed.
    """
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("step", os.MFD_CLOEXEC)
        return fd, f"/proc/{pid}/fd/{fd}"
    name = "variables" if pid else ".text"
    fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    if not pid:
        os.unlink(name)
    return fd, os.path.abspath(name)


def read_back(fd: int) -> bytes:
    """Return what was written to a memory file by others, and let go of it."""
    size = os.fstat(fd).st_size
    data = os.pread(fd, min(size, 16 << 20), 0)
    os.close(fd)
    if not hasattr(os, "memfd_create"):
        os.unlink("variables")
    return data


def give_terminal(group: int) -> None:
    """Make the step's process group the one that the terminal talks to; nothing where there is no terminal."""
    with suppress(OSError):  # It did so itself.
        os.setpgid(group, group)
    _set_foreground(group)


def take_terminal_back() -> None:
    """Give the terminal back to the group of the app."""
    _set_foreground(os.getpgrp())


def resume(group: int, app: int) -> None:
    """Go on with a step that was stopped from the keyboard, as long as the app that could have shown it lives."""
    if os.getppid() == app:
        _set_foreground(group)
        os.killpg(group, signal.SIGCONT)


def _set_foreground(group: int) -> None:
    if sys.stdin is None or not os.isatty(0):
        return
    with suppress(OSError):
        os.tcsetpgrp(0, group)  # TTOU is ignored here, so that this is allowed from the background.
