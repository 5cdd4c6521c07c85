"""The terminal: read without polling, given back whole after every signal, and known to be gone when it is gone.

Textual's own driver looks for input ten times a second for ever, spins when the terminal has closed, and
starts twice after STOP and CONT; see docs/screens.md, "The terminal".
"""

from __future__ import annotations

import os
import selectors
import signal
from codecs import getincrementaldecoder
from types import FrameType
from typing import IO, Any

from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers import linux_driver
from textual.drivers._writer_thread import WriterThread
from textual.drivers.linux_driver import LinuxDriver

from orion_deploy.tui.messages import TerminalClosed

ENTER_ALTERNATE, LEAVE_ALTERNATE = "\x1b[?1049h", "\x1b[?1049l"
READ_BYTES = 4096
ESCAPE_S = 0.1
"""How often the parser is asked, after input, whether a lone ESC was the key."""
AWAKE_S = 0.5
"""For how long after input it is asked."""


class QuietWriter(WriterThread):
    """Writes to the terminal; where that has gone, it writes nowhere instead of dying, which would stop the app."""

    def __init__(self, file: IO[str]) -> None:
        super().__init__(file)
        self.is_gone = False

    def run(self) -> None:
        """Write until told to stop."""
        while (text := self._queue.get()) is not None:
            self._put(text)
        self._flush()

    def _put(self, text: str) -> None:
        if self.is_gone:
            return
        try:
            self._file.write(text)
            if self._queue.qsize() == 0:
                self._file.flush()
        except (OSError, ValueError):
            self.is_gone = True

    def _flush(self) -> None:
        try:
            self._file.flush()
        except (OSError, ValueError):
            self.is_gone = True


linux_driver.WriterThread = QuietWriter  # type: ignore[attr-defined]  # the driver makes its writer itself


class TerminalDriver(LinuxDriver):
    """Textual's driver, with an input thread that sleeps until there is input."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._wake_read, self._wake_write = os.pipe()
        self._is_suspended = False
        self._splash_is_up = bool(getattr(app, "splash_is_up", False))

    # Signals

    def _sigtstp_application(self, *_: object) -> None:
        """Stop as a job does: the terminal first given back."""
        if self._auto_restart:
            self.suspend_application_mode()
            self._must_signal_resume = True
            self._is_suspended = True
        os.kill(os.getpid(), signal.SIGSTOP)

    def _sigcont_application(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """Go on. After STOP, which nobody is told of, the terminal is as the shell left it: taken anew too."""
        if not self._auto_restart:
            return
        if not self._is_suspended:
            self.suspend_application_mode()
        self._is_suspended = False
        self.resume_application_mode()
        self._app.call_later(self._app.refresh)

    # Output

    def write(self, data: str) -> None:
        """Write; the alternate screen is not asked for where it is there already, nor left where the app hands it on."""
        if self._splash_is_up and data == ENTER_ALTERNATE:
            self._splash_is_up = False
            return
        if data == LEAVE_ALTERNATE and getattr(self._app, "hands_screen_on", False):
            return
        super().write(data)

    # Input

    def disable_input(self) -> None:
        """Wake the input thread, so that it sees that it is to end."""
        os.write(self._wake_write, b"x")
        super().disable_input()

    def run_input_thread(self) -> None:
        """Read keys until told to stop, or until the terminal has gone."""
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode
        selector = selectors.DefaultSelector()
        selector.register(self.fileno, selectors.EVENT_READ)
        selector.register(self._wake_read, selectors.EVENT_READ)
        looks_left = 0
        try:
            while not self.exit_event.is_set():
                ready = {key.fd for key, _ in selector.select(ESCAPE_S if looks_left else None)}
                looks_left = max(0, looks_left - 1)
                if self._wake_read in ready:
                    os.read(self._wake_read, READ_BYTES)
                    self.exit_event.wait(1.0)  # it is set right after the wake-up was written
                    continue
                if self.fileno in ready:
                    data = self._read()
                    if not data:
                        self.send_message(TerminalClosed())
                        return
                    for event in parser.feed(decode(data)):
                        self.process_message(event)
                    looks_left = int(AWAKE_S / ESCAPE_S)
                for event in parser.tick():
                    self.process_message(event)
        finally:
            selector.close()
            try:
                for _event in parser.feed(""):
                    pass
            except (EOFError, ParseError):
                pass

    def _read(self) -> bytes:
        try:
            return os.read(self.fileno, READ_BYTES)
        except OSError:  # EIO: the terminal has hung up
            return b""
