"""Asking a person in the terminal: questions go to stderr, answers come from stdin, and nothing is a default.

What was typed before a question was there does not answer it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress

from orion_deploy.run.following import Left, Signals
from orion_deploy.text import plain_line

ANSWER_CHARACTERS_MAX = 10_000


class Terminal:
    """The person at the terminal. Every question raises Left when the input ends or a signal comes."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals

    def ask(self, question: str) -> str:
        """Ask for a line; returns it without outer space."""
        sys.stdout.flush()
        _forget_typed()
        sys.stderr.write(question)
        sys.stderr.flush()
        with self._signals.asking():
            line = sys.stdin.readline(ANSWER_CHARACTERS_MAX)
        if not line:
            sys.stderr.write("\n")
            raise Left("the input ended")
        return line.strip()

    def ask_secret(self, question: str) -> str:
        """Ask for a line that is not shown while it is typed."""
        from getpass import getpass

        _forget_typed()
        try:
            with self._signals.asking():
                return getpass(question, stream=sys.stderr)
        except EOFError:
            raise Left("the input ended") from None

    def ask_text(self, question: str) -> str:
        """Ask until something is typed; an empty answer gives up and returns an empty string."""
        return self.ask(f"{question} (empty: go back): ")

    def ask_word(self, question: str, word: str) -> bool:
        """Ask for a word to be typed exactly; anything else is a no."""
        return self.ask(f"{question}\ntype `{plain_line(word)}` to go on, anything else to go back: ") == word

    def agree(self, question: str) -> bool:
        """Ask for yes; anything else, and nothing at all, is a no."""
        return self.ask(f"{question} [y/N] ").lower() in ("y", "yes")

    def choose(self, question: str, options: Sequence[str]) -> int | None:
        """Ask for the number of an option, from 1; None when it is none of them."""
        for number, option in enumerate(options, start=1):
            sys.stderr.write(f"  {number}  {plain_line(option)}\n")
        answer = self.ask(f"{question} (number; empty: go back): ")
        return int(answer) if answer.isdecimal() and 0 < int(answer) <= len(options) else None


def _forget_typed() -> None:
    """Drop what was typed ahead: a key meant for one question must not answer the next."""
    import termios

    with suppress(termios.error, OSError, ValueError):  # a pipe has no such thing
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
