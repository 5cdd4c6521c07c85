"""The first line on the terminal, before anything heavy is imported: imports nothing but `os`.

It is written on the screen that Textual then takes over, so that there is no blank one in between. Whoever
fails before that takes it down again; putting it up or taking it down twice does nothing.
"""

from __future__ import annotations

import os

_STDERR = 2


class Splash:
    """The line. There is one terminal: every instance speaks of the same line."""

    _is_up = False

    def __init__(self, text: str) -> None:
        """Put it up."""
        if Splash._is_up:
            return
        if not (text.isascii() and text.isprintable()):
            from orion_deploy.text import plain_line

            text = plain_line(text)
        try:
            os.write(_STDERR, f"\x1b[?1049h\x1b[2J\x1b[H {text}  opening…\r\n".encode("utf-8", "replace"))
        except OSError:
            return
        Splash._is_up = True

    def hand_over(self) -> bool:
        """Leave the screen to whoever draws next; returns whether the line was up."""
        was_up, Splash._is_up = Splash._is_up, False
        return was_up

    def take_back(self) -> None:
        """The one who drew has left the screen as it is."""
        Splash._is_up = True

    def take_down(self) -> None:
        """Back to the shell's screen."""
        if not Splash._is_up:
            return
        Splash._is_up = False
        try:
            os.write(_STDERR, b"\x1b[?1049l")
        except OSError:
            return
