"""Keys that were typed before a screen could be read do not count on it. Times are seconds of one monotonic clock. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

WINDOW_S = 0.3
"""How long after it was painted a screen takes no keys: shorter than anybody reads and answers."""


@dataclass
class Patience:
    """When a screen may be answered.

    Before its first paint never; then only by keys typed `window_s` after it. `hold` starts a window for
    keys that act, when the screen has changed under the operator's fingers.
    """

    window_s: float = field(default_factory=lambda: WINDOW_S)
    clock: Callable[[], float] = monotonic
    _ready_at: float = field(default=float("inf"), init=False)
    _held_until: float = field(default=float("-inf"), init=False)
    _last: float = field(default=float("-inf"), init=False)

    def shown(self) -> None:
        """The screen has been painted."""
        if self._ready_at == float("inf"):
            self._ready_at = self.clock() + self.window_s

    def hold(self) -> None:
        """What is shown has changed by itself: nothing that is typed just now was meant for it."""
        self._held_until = self.clock() + self.window_s

    def refuses(self, typed_at: float) -> bool:
        """Whether a key typed at this time came too early."""
        return typed_at < self._ready_at

    def accepts_again(self, typed_at: float) -> bool:
        """For keys that act: whether it is a key of its own, and neither too early nor a held one that repeats."""
        is_repeat = typed_at - self._last < self.window_s
        self._last = typed_at
        return not is_repeat and typed_at >= self._held_until and not self.refuses(typed_at)
