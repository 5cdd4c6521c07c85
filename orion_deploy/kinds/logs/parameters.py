"""What every kind of this domain is told, and how it looks: one reading of a log, by a check or by a watch."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Literal

from pydantic import Field, model_validator

from orion_deploy.errors import ChecklistError
from orion_deploy.kinds.base import Context, Kind
from orion_deploy.kinds.logs.follow import Follower
from orion_deploy.kinds.logs.pattern import Pattern, compile_pattern, compile_patterns, shown
from orion_deploy.kinds.logs.place import whole
from orion_deploy.kinds.logs.scan import Hit, Scanner
from orion_deploy.kinds.logs.source import Block
from orion_deploy.kinds.verdict import Json
from orion_deploy.kinds.watching import LINE_CHARACTERS_MAX, LINES_PER_LOOK_MAX, Found

EVERY_S = 5.0
"""Seconds between two looks at a log, unless the step says otherwise."""
LOOK_S_MAX = 20.0
"""A look that has read for so long goes on at the next one."""
PATTERN_HELP = "a regular expression, held against each line; `$NAME` is put in"


class OfLog(Kind):
    """The parameters that say which lines of which log are meant."""

    path: str = Field(
        min_length=1, description="the log; relative to the run's folder, `~` and `$NAME` are put in"
    )
    ignore_case: bool = Field(
        default=False, description="take upper and lower case of ASCII letters for the same"
    )
    since: Literal["now", "start"] | None = Field(
        None,
        description="where reading begins: `start` of the file (what a check does), or `now`: at its end (what a watch does)",
    )
    since_pattern: str | None = Field(
        None,
        description="instead of `since`: reading begins after the last line that this regular expression matches, such as the one that the program writes when it starts",
    )

    @model_validator(mode="after")
    def _one_beginning(self) -> OfLog:
        if self.since is not None and self.since_pattern is not None:
            raise ValueError("give `since` or `since_pattern`, not both")
        if self.since_pattern is not None:
            compile_pattern(self.since_pattern)
        return self


class Reading:
    """A log that is read with patterns: where it begins, how far it is, and what must be said of it."""

    def __init__(
        self, asked: OfLog, patterns: tuple[Pattern, ...], context: Context, *, is_watch: bool
    ) -> None:
        """Nothing is read yet. Raises ChecklistError where a variable has made `since_pattern` into none."""
        self.log = context.path(asked.path)
        self.scanner = Scanner(patterns)
        self.follower = Follower(self.log)
        self.lines = 0
        self.bytes = 0
        self.lost = ""
        self._since = asked.since or ("now" if is_watch else "start")
        self._starts = (
            patterns_with(context, (asked.since_pattern,), ignore_case=asked.ignore_case)
            if asked.since_pattern
            else ()
        )
        self.is_watch = is_watch
        self._has_begun = False

    def _begin(self) -> str:
        """Find where reading begins. Returns why it cannot begin."""
        if self._starts:
            if self.follower.begin_after(Scanner(self._starts)):
                return ""
            if not self.is_watch:
                return f"no line of {self.log} matches the `since_pattern` {shown(self._starts[0].text)}"
            return self.follower.begin_at_end()
        return self.follower.begin_at_end() if self._since == "now" else ""

    def read(self, context: Context, take: Callable[[Block], None]) -> str:
        """Read what is new, and give each block to `take`. Returns why not everything is known; or empty."""
        if not self._has_begun:
            self.lost = self._begin()
            if self.lost:
                return self.lost
            self._has_begun = True
        end_s = monotonic() + LOOK_S_MAX
        done = 0
        size = _size_bytes(self.log) if not self.is_watch else 0

        def is_enough() -> bool:
            return context.is_cancelled() or (self.is_watch and monotonic() > end_s)

        for block in self.follower.blocks(context.now(), is_final=not self.is_watch, is_enough=is_enough):
            self.lines += block.data.count(b"\n", 0, block.end) + (block.data[block.end - 1] != 10)
            self.bytes += block.end
            take(block)
            if size:
                done += block.end
                context.progress(min(done, size), size, f"reading {self.log.name}")
        self.lost = self.follower.lost or self.scanner.slow
        return self.lost

    @property
    def is_behind(self) -> bool:
        """Whether there is more to read already."""
        return self.follower.is_behind

    @property
    def why_unknown(self) -> str:
        """Why nothing can be said of the log; of a watch only where nothing at all was seen: gaps are kept by others."""
        if not self.follower.has_begun or not self.is_watch:
            if self.lost:
                return self.lost
            if not self.follower.has_begun:
                return f"nobody has read {self.log} yet"
        if self.is_behind:
            return f"only {counted(self.lines, 'line')} of {self.log.name} were read so far"
        return ""

    def state(self) -> dict[str, Json]:
        """Everything that must be known to go on."""
        return {
            "follower": self.follower.state(),
            "lines": self.lines,
            "bytes": self.bytes,
            "has_begun": self._has_begun,
        }

    def resume(self, state: Mapping[str, Json]) -> None:
        """Go on. Raises KeyError, TypeError or ValueError where the state cannot be understood."""
        follower = state["follower"]
        if not isinstance(follower, dict):
            raise TypeError("no state of a follower")
        self.follower.resume(follower)
        self.lines, self.bytes = (whole(state[key]) for key in ("lines", "bytes"))
        self._has_begun = bool(state["has_begun"])


def patterns_with(
    context: Context, texts: Sequence[str], *, literal: bool = False, ignore_case: bool = False
) -> tuple[Pattern, ...]:
    """Patterns with the variables put in. Raises ChecklistError where one of them has made a pattern into none."""
    try:
        return compile_patterns([context.text(t) for t in texts], literal=literal, ignore_case=ignore_case)
    except ValueError as fault:
        raise ChecklistError(str(fault), help="a variable is put into it") from fault


class LastLines:
    """The last lines that were found, a few of them."""

    def __init__(self, kept_max: int = LINES_PER_LOOK_MAX) -> None:
        """Keep so many."""
        self._found: deque[Found] = deque(maxlen=kept_max)

    def add(self, block: Block, hits: list[Hit]) -> None:
        """Add the lines of some hits."""
        for hit in hits[-LINES_PER_LOOK_MAX:]:
            self._found.append(Found(line_text(block, hit), block.path, block.offset + hit.begin))

    def all(self) -> tuple[Found, ...]:
        """The oldest first."""
        return tuple(self._found)


def line_text(block: Block, hit: Hit) -> str:
    """The text of a line, hostile, cut to LINE_CHARACTERS_MAX."""
    end = min(hit.end, hit.begin + 4 * LINE_CHARACTERS_MAX)
    return bytes(memoryview(block.data)[hit.begin : end]).decode("utf-8", "replace")[:LINE_CHARACTERS_MAX]


def number(value: Json) -> float:
    """A number that was kept. Raises TypeError where it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def several(value: object) -> object:
    """One text as a list of one."""
    return (value,) if isinstance(value, str) else value


def counted(count: int, what: str) -> str:
    """`1 line`, `2,340 lines`."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _size_bytes(log: Path) -> int:
    try:
        return log.stat().st_size
    except OSError:
        return 0
