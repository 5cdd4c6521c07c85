"""The last line of defence: no control character of any text reaches the terminal, whatever a widget was given."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from orion_deploy.text import is_hidden


class SafeFilter(LineFilter):
    """Drops control characters from what is about to be painted; they have no width, so nothing moves.

    It finds none for as long as every text went through `plain` or `stripped` on its way here.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # the interface has it
        """Return the segments; where all are sound, the very same list."""
        if all(control or text.isprintable() or not is_hidden(text) for text, _, control in segments):
            return segments
        return [
            segment
            if segment.control or not is_hidden(segment.text)
            else Segment("".join(c for c in segment.text if not is_hidden(c)), segment.style)
            for segment in segments
        ]
