"""What went wrong, where, and what to do next."""

from __future__ import annotations

from orion_deploy.errors import HeldError, NotRecordedError, OrionError
from orion_deploy.tui.lines import EMPTY, Line, Span, bounded, line, wrap
from orion_deploy.tui.screens.panel import KeysPanel, keys_hint


def fault_lines(error: OrionError, width: int) -> list[Line]:
    """The error as it would stand in a terminal, wrapped; its caret line kept whole."""
    lines: list[Line] = []
    for text in error.render().split("\n"):
        label, colon, rest = text.partition(": ")
        if colon and label in ("error", "help"):
            if label == "help":
                lines.append(EMPTY)
            role = "bad" if label == "error" else "accent"
            lines += wrap((Span(f"{label}: ", role), Span(rest)), width, hang="  ")
        else:
            lines.append(line(bounded(text), "code"))
    return lines


def fault_panel(error: OrionError) -> KeysPanel:
    """A panel over the screen where it happened."""
    title = "Not recorded" if isinstance(error, NotRecordedError) else "That did not work"
    return KeysPanel(
        title,
        lambda width: fault_lines(error, width),
        {"enter": "back", "q": "back"},
        keys_hint(("Enter", "back")),
        is_grave=True,
    )


def held_panel(error: HeldError) -> KeysPanel:
    """Another operator holds the run."""
    return KeysPanel(
        "Another operator holds the run",
        lambda width: fault_lines(error, width),
        {"l": "look"},
        keys_hint(("l", "look on"), ("Esc", "leave")),
    )
