"""The terminal, lent to a step that needs it and taken back as it was."""

from __future__ import annotations

import os
from contextlib import suppress


class Terminal:
    """The terminal as it was before a step had it."""

    def __init__(self) -> None:
        self._modes: list[object] | None = None
        if os.isatty(0):
            import termios

            with suppress(termios.error):
                self._modes = termios.tcgetattr(0)

    def restore(self) -> None:
        """Take the terminal back, whoever has it, and set its modes as they were."""
        if self._modes is None:
            return
        import signal
        import termios

        # From the background this raises TTOU, unless that is blocked (tcsetpgrp(3)).
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
        try:
            with suppress(OSError):
                os.tcsetpgrp(0, os.getpgrp())
            with suppress(termios.error):
                termios.tcsetattr(0, termios.TCSADRAIN, self._modes)  # type: ignore[arg-type]  # as tcgetattr gave them
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
