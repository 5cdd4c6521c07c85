"""A tiny process that gives the terminal back when the app was killed, and says how to go on.

It stands by from the first line of the start on, before anything changes the terminal's modes. It waits on a pipe whose other end only the app holds: the kernel closes it, whatever the app dies of. Its
argv holds neither a path nor a name that a step's `pkill` could mean.
"""

from __future__ import annotations

import json
import os
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

_GOODBYE = b"\x00bye"
RESET = (
    "\x1b[<u\x1b[?2048l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l\x1b[?2004l\x1b[?1004l"
    "\x1b[?7h\x1b[?1049l\x1b[?25h\x1b[0m\r"
)
"""What takes back every mode that the driver sets (textual/drivers/linux_driver.py), in its order."""
_PROGRAM = """
import json, os, signal, termios
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
    signal.signal(number, signal.SIG_IGN)
data = b""
while part := os.read(0, 65536):
    data += part
if not data.endswith(b"\\0bye"):
    told = json.loads(data)
    modes = told["modes"]
    modes[6] = [c.encode("latin-1") if isinstance(c, str) else c for c in modes[6]]
    try:
        os.write(2, told["reset"].encode())
        termios.tcsetattr(2, termios.TCSANOW, modes)
        os.write(2, told["text"].encode("utf-8", "replace"))
    except (OSError, termios.error):
        pass
"""


class Guardian:
    """The process, for as long as the app holds its pipe."""

    def __init__(self, modes: list[Any], text: str) -> None:
        """Start it. `modes` are those of the terminal before the app took it; `text` is said after a kill.

        Raises OSError when it cannot be started.
        """
        told = {
            "modes": [*modes[:6], [c.decode("latin-1") if isinstance(c, bytes) else c for c in modes[6]]],
            "reset": RESET,
            "text": text,
        }
        reader, self._writer = os.pipe()
        try:
            _spawn(reader)
            os.write(self._writer, json.dumps(told).encode())
        except OSError:
            os.close(self._writer)
            self._writer = -1
            raise
        finally:
            os.close(reader)

    def dismiss(self) -> None:
        """The app gives the terminal back itself."""
        if self._writer < 0:
            return
        try:
            os.write(self._writer, _GOODBYE)
        except OSError:
            pass
        finally:
            os.close(self._writer)
            self._writer = -1


@contextmanager
def standing_by(text: str) -> Iterator[None]:
    """Have the terminal given back, as it is now, when this process is killed within the block; `text` is said then."""
    guardian = None
    with suppress(OSError, termios.error):  # Without it everything works, but for the day of a kill.
        guardian = Guardian(termios.tcgetattr(2), text)
    try:
        yield
    finally:
        if guardian is not None:
            guardian.dismiss()


def _spawn(reader: int) -> None:
    """Start the interpreter under any virtual environment, whose own path often holds the app's name."""
    path = os.path.realpath(getattr(sys, "_base_executable", "") or sys.executable)
    folder, name = os.path.split(path)
    argv = [name, "-I", "-S", "-c", _PROGRAM]
    actions = [(os.POSIX_SPAWN_DUP2, reader, 0), (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    env = {"PATH": folder}
    try:
        os.posix_spawn(path, argv, env, file_actions=actions, setsid=True)
    except NotImplementedError:  # macOS: it shares our session, and ignores what that is sent
        os.posix_spawn(path, argv, env, file_actions=actions)
