"""A terminal of our own: the program in a real pty, what it painted as rows of text, and every byte that it sent.

It answers what a terminal is asked. Waiting is for a condition, with a deadline.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyte

SECONDS_MAX = 20.0
REPLIES = ((b"\x1b[?2026$p", b"\x1b[?2026;2$y"), (b"\x1b[6n", b"\x1b[1;1R"), (b"\x1b[c", b"\x1b[?62;c"))
"""What Textual asks a terminal, and what one answers."""
UNKNOWN_TO_PYTE = re.compile(
    rb"\x1b\[[>=<][0-9;]*[a-z]|\x1bP[^\x1b]*\x1b\\|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[\?[0-9;]*\$p"
)
ENTER, ESCAPE, PAGE_DOWN, CTRL_C = "\r", "\x1b", "\x1b[6~", "\x03"
PROGRAM = (sys.executable, "-m", "orion_deploy")


class Screen:
    """A process in a pty. Use it as a context: what still runs at its end is killed."""

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        size: tuple[int, int] = (80, 24),
    ) -> None:
        """Start `argv` in a session and a terminal of its own, `size` columns and rows."""
        self.columns, self.rows = size
        self.master, self.slave = os.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", self.rows, self.columns, 0, 0))
        self.modes = termios.tcgetattr(self.slave)
        environ = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(env or {})}
        for name in ("COLUMNS", "LINES", "TEXTUAL", "TEXTUAL_THEME", "TMUX"):
            environ.pop(name, None)
        self.started = time.perf_counter()
        self.pid = os.fork()
        if self.pid == 0:
            self._become([str(part) for part in argv], cwd, environ)
        os.set_blocking(self.master, False)
        self.sent = bytearray()
        """Every byte that the program sent."""
        self.times: list[tuple[float, int]] = []
        """When (perf_counter) how many bytes had come."""
        self.screen = pyte.Screen(self.columns, self.rows)
        self.stream = pyte.ByteStream(self.screen)
        self._shown = 0
        self.status: int | None = None

    def _become(self, argv: list[str], cwd: Path | None, environ: Mapping[str, str]) -> None:
        try:
            os.setsid()
            fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
            for number in (0, 1, 2):
                os.dup2(self.slave, number)
            os.closerange(3, 256)
            if cwd is not None:
                os.chdir(cwd)
            os.execvpe(argv[0], argv, environ)
        except BaseException as error:
            os.write(2, repr(error).encode())
        os._exit(127)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        for fd in (self.master, self.slave):
            if fd >= 0:
                os.close(fd)
        self.master = self.slave = -1

    # What it says

    def read(self, seconds: float = 0.0) -> bool:
        """Take in what has come, waiting at most `seconds` for the first of it; True when something came."""
        ready, _, _ = select.select([self.master], [], [], max(0.0, seconds))
        if not ready:
            return False
        try:
            data = os.read(self.master, 1 << 16)
        except (BlockingIOError, OSError):
            return False
        if not data:
            return False
        self.sent += data
        self.times.append((time.perf_counter(), len(self.sent)))
        for question, answer in REPLIES:
            if question in data:
                os.write(self.master, answer)
        return True

    @property
    def lines(self) -> list[str]:
        """The rows of the screen as they are now."""
        while self.read():
            pass
        fresh = bytes(self.sent[self._shown :])
        self._shown = len(self.sent)
        self.stream.feed(UNKNOWN_TO_PYTE.sub(b"", fresh))
        return list(self.screen.display)

    @property
    def text(self) -> str:
        """The screen as one text."""
        return "\n".join(self.lines)

    def wait(self, condition: str | Callable[[str], bool], seconds: float = SECONDS_MAX) -> str:
        """Wait until the screen holds a text, or fulfils a condition; returns the screen.

        Raises AssertionError with the screen when it does not in time.
        """
        deadline = time.monotonic() + seconds
        holds = (lambda text: condition in text) if isinstance(condition, str) else condition
        while True:
            text = self.text
            if holds(text):
                return text
            if time.monotonic() > deadline:
                raise AssertionError(f"waited for {condition!r} in vain:\n{text}")
            self.read(0.05)

    def wait_quiet(self, seconds: float = 0.35) -> str:
        """Wait until nothing has been painted for `seconds`: longer than a screen refuses keys for."""
        while self.read(seconds):
            pass
        return self.text

    # What it is told

    def type(self, keys: str) -> None:
        """Type keys, all at once."""
        os.write(self.master, keys.encode())

    def press(self, keys: str) -> str:
        """Type keys one by one, each after the screen has come to rest; returns the screen."""
        for key in re.findall(r"\x1b\[[0-9;]*[A-Za-z~]|.", keys, re.DOTALL):
            self.wait_quiet()
            self.type(key)
        return self.wait_quiet()

    def kill(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size."""
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)
        os.killpg(self.pid, signal.SIGWINCH)

    def hang_up(self) -> None:
        """Close the terminal, as a dropped connection does."""
        os.close(self.master)
        os.close(self.slave)
        self.master = self.slave = -1

    def end(self, seconds: float = SECONDS_MAX) -> int:
        """Wait for the end; returns the exit code, negative for a signal."""
        deadline = time.monotonic() + seconds
        while True:
            if self.master >= 0:
                self.read(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
                return self.status
            if time.monotonic() > deadline:
                raise AssertionError(f"it does not end:\n{self.text if self.master >= 0 else ''}")
            if self.master < 0:
                time.sleep(0.01)

    # How it leaves the terminal

    @property
    def turns(self) -> str:
        """When the alternate screen was entered (`h`) and left (`l`), in order: `hl` is once each."""
        return b"".join(re.findall(rb"\x1b\[\?1049([hl])", self.sent)).decode()

    def is_sane(self) -> bool:
        """Whether echo and line mode are as they were, every mode that was set was taken back, and nothing was painted over the shell's own screen."""
        modes: list[Any] = termios.tcgetattr(self.slave)
        while self.read(0.1):
            pass
        is_cooked = modes[:4] == self.modes[:4]
        is_own = self.turns.replace("hl", "") == "" and not self._painted_on_the_shells_screen()
        is_seen = self.sent.rfind(b"\x1b[?25l") <= self.sent.rfind(b"\x1b[?25h")
        return (
            is_cooked
            and is_own
            and is_seen
            and all(
                self.sent.rfind(b"\x1b[?%dh" % mode) <= self.sent.rfind(b"\x1b[?%dl" % mode)
                for mode in (1049, 1000, 1003, 1006, 2004, 1004)
            )
        )

    def _painted_on_the_shells_screen(self) -> bool:
        """Whether the cursor was put anywhere (CUP) while the alternate screen was not there."""
        shells = re.sub(rb"\x1b\[\?1049h.*?(?:\x1b\[\?1049l|$)", b"", bytes(self.sent), flags=re.DOTALL)
        return re.search(rb"\x1b\[[0-9;]*H", shells) is not None
