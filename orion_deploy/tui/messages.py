"""Messages: what goes up from widgets, and what other threads say. They carry ids and numbers, never a model."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message


@dataclass
class StepEnded(Message):
    """An attempt came to its end (said by the thread that waited for it)."""

    step_id: str
    attempt: int

    def __post_init__(self) -> None:
        """Let Textual set the message up."""
        super().__post_init__()


@dataclass
class WatchSeen(Message):
    """A watch may have seen something (said by the thread that follows them)."""

    def __post_init__(self) -> None:
        """Let Textual set the message up."""
        super().__post_init__()


@dataclass
class Tell(Message):
    """The operator is to be told beyond the screen."""

    notification: str
    """A sequence that `telling.notification` has made, or nothing."""
    rings: bool

    def __post_init__(self) -> None:
        """Let Textual set the message up."""
        super().__post_init__()


@dataclass
class RowMoved(Message):
    """The outline's cursor stands on another row."""

    row: int

    def __post_init__(self) -> None:
        """Let Textual set the message up."""
        super().__post_init__()


@dataclass
class Act(Message):
    """A person asked for an action by mouse or palette."""

    action: str

    def __post_init__(self) -> None:
        """Let Textual set the message up."""
        super().__post_init__()


@dataclass
class LeaveAsked(Message):
    """A person wants to leave."""

    def __post_init__(self) -> None:
        """Let Textual set the message up."""
        super().__post_init__()


@dataclass
class TakeOverAsked(Message):
    """A person who looks on wants to go on with the run."""

    def __post_init__(self) -> None:
        """Let Textual set the message up."""
        super().__post_init__()


@dataclass
class TerminalClosed(Message):
    """The terminal went away."""

    def __post_init__(self) -> None:
        """Let Textual set the message up."""
        super().__post_init__()
