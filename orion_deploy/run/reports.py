"""What a run without a screen tells while it goes: frozen facts, given to a callback; whoever gets them prints them.

Text in them is as it came from the checklist or the process: it becomes safe for a terminal where it is printed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import ClassVar

from orion_deploy.checklist.escalation import Escalation
from orion_deploy.kinds.verdict import Json, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One thing that happened. `at` is wall-clock seconds since the epoch."""

    event: ClassVar[str] = ""
    at: float = 0.0

    def to_json(self) -> dict[str, Json]:
        """The report as one JSON object: `event` names it."""
        body: dict[str, Json] = {"event": self.event}
        for field in fields(self):
            value = getattr(self, field.name)
            body[field.name] = value.to_json() if isinstance(value, Verdict) else value
        return body


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(Report):
    """The run was opened: what a person who comes back must know."""

    event: ClassVar[str] = "opened"
    run: str
    checklist: str
    title: str
    cwd: str
    resumed: bool
    facts: list[str]
    """Sentences: where it was, what was in flight, what changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decides(Report):
    """What decides which way back to take, as it is when the run turns back."""

    event: ClassVar[str] = "way_back"
    facts: Mapping[str, Json]

    def to_json(self) -> dict[str, Json]:
        """As `Report.to_json`."""
        body = Report.to_json(replace(self, facts={}))
        body["facts"] = dict(self.facts)
        return body


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalates(Report):
    """What the checklist says for when it goes wrong: told where a step did, and when the run turns back."""

    event: ClassVar[str] = "escalation"
    step: str = ""
    """Where it went wrong; empty when the run turns back."""
    sections: list[dict[str, str]]
    """`title`, and `text` as Markdown source."""

    @classmethod
    def of(cls, found: Iterable[Escalation], step: str = "", at: float = 0.0) -> Escalates:
        """The report of these sections."""
        return cls(at=at, step=step, sections=[{"title": each.title, "text": each.text} for each in found])


@dataclass(frozen=True, slots=True, kw_only=True)
class Section(Report):
    """A section begins."""

    event: ClassVar[str] = "section"
    section: str
    title: str
    kind: str
    settled: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Started(Report):
    """An attempt was recorded and let go. `block` counts from 1 to `blocks`."""

    event: ClassVar[str] = "started"
    step: str
    title: str
    attempt: int
    what: str
    block: int
    blocks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed(Report):
    """An attempt that another session started is still going on; it is followed to its end."""

    event: ClassVar[str] = "followed"
    step: str
    title: str
    attempt: int
    started_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching(Report):
    """A watch is under way: it takes `watch_s`, and goes on beside everything else and after this command."""

    event: ClassVar[str] = "watching"
    step: str
    title: str
    attempt: int
    watch_s: float
    due_at: float
    """When it ends if nobody leaves off watching."""
    shown: str
    """What was seen so far, in a few words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired(Report):
    """A watch saw a reason to turn back."""

    event: ClassVar[str] = "fired"
    step: str
    title: str
    reason: str
    value: str
    fired_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed(Report):
    """Whole lines of the step's output, or a long part of one."""

    event: ClassVar[str] = "output"
    step: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld(Report):
    """Output that was not told here because there is too much of it; all that is kept stands in `path`."""

    event: ClassVar[str] = "output_withheld"
    step: str
    size_bytes: int
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Advanced(Report):
    """How far long work is. `total` 0 means unknown: then `message` and `elapsed_s`, the seconds since its phase began, tell it. `eta_s` None while that cannot be said."""

    event: ClassVar[str] = "progress"
    step: str
    done: int
    total: int
    message: str
    elapsed_s: float
    eta_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished(Report):
    """An attempt came to its end."""

    event: ClassVar[str] = "finished"
    step: str
    attempt: int
    verdict: Verdict
    duration_s: float
    exit_status: int | None
    signal: int | None
    status: str
    """Of the step, now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFinished(Report):
    """An attempt has no end that is known: it provably never began, or nobody knows how it ended."""

    event: ClassVar[str] = "not_finished"
    step: str
    attempt: int
    ending: str
    """`never started`, or `lost`."""
    status: str
    """Of the step, now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifying(Report):
    """The check that tells whether an interrupted step was carried out begins to look."""

    event: ClassVar[str] = "verifying"
    step: str
    title: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified(Report):
    """It has looked. Passed: the step is done. Failed: it was not carried out."""

    event: ClassVar[str] = "verified"
    step: str
    verdict: Verdict
    status: str
    """Of the step, now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked(Report):
    """The step is done."""

    event: ClassVar[str] = "ticked"
    step: str
    title: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOpen(Report):
    """The step was passed over; `why` says what it waits for."""

    event: ClassVar[str] = "left_open"
    step: str
    title: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled(Report):
    """The step that was asked for is settled already: nothing was run. `why` says how it is opened again."""

    event: ClassVar[str] = "settled"
    step: str
    title: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Survived(Report):
    """A signal that one of our own steps sent reached the app, and was survived."""

    event: ClassVar[str] = "survived"
    signal: int
    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped(Report):
    """It cannot go on. `help` is what to do."""

    event: ClassVar[str] = "stopped"
    step: str
    title: str
    why: str
    help: str
    exit_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(Report):
    """The end of this session. Counts are of the path that the run is on."""

    event: ClassVar[str] = "ended"
    run: str
    exit_code: int
    result: str
    counts: Mapping[str, int]

    def to_json(self) -> dict[str, Json]:
        """As `Report.to_json`."""
        body = Report.to_json(self)
        body["counts"] = dict(self.counts)
        return body
