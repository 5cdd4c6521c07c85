"""The state of a run, as the fold of its events leaves it. Frozen; nothing here knows a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from orion_deploy.kinds.verdict import Json, Verdict


class Status(StrEnum):
    """Where a step stands (design, "Words")."""

    TODO = "todo"
    RUNNING = "running"
    UNDECIDED = "undecided"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    CHANGED = "changed"


SETTLED = frozenset({Status.DONE, Status.SKIPPED})
FINISHED = "finished"
NEVER_STARTED = "never started"
LOST = "lost"
"""How an attempt ended."""
CONDITION_PREFIX = "not applicable: "
"""How the reason of a skip begins that nobody decided: the step's `when` does not hold."""


@dataclass(frozen=True, slots=True)
class Firing:
    """A watch saw a reason to turn back."""

    at: float
    reason: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Watched:
    """What makes an attempt a watch."""

    watch_s: float
    """How long it is to be watched."""
    fired: tuple[Firing, ...] = ()
    observed_s: float = 0.0
    """Of a watch that ended: the time in which it was really watched."""
    gap_s: float = 0.0
    gaps: tuple[Mapping[str, Json], ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One execution of a step."""

    number: int
    block: int
    what: str
    started_at: float
    by: str
    edited: bool = False
    override: str = ""
    """The reason for which it was run although something spoke against it."""
    cwd: str = ""
    script_sha256: str = ""
    finished_at: float | None = None
    duration_s: float | None = None
    exit_status: int | None = None
    signal: int | None = None
    why: str = ""
    reached_end: bool | None = None
    output_bytes: int = 0
    output_dropped_bytes: int = 0
    verdict: Verdict | None = None
    ending: str = ""
    """`finished`, `never started`, `lost`, or empty while it runs. `why` of a watch: see `events.WatchEnded`."""
    adopted: bool = False
    carried: tuple[str, ...] = ()
    watched: Watched | None = None
    """Where it is a watch."""


@dataclass(frozen=True, slots=True)
class Verification:
    """One look of the check that tells whether an interrupted step was carried out."""

    number: int
    attempt: int
    """The attempt whose outcome was not known."""
    what: str
    started_at: float
    by: str
    verdict: Verdict | None = None
    """None while it looks, and for good where the session ended before it had: a look is simply repeated."""
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Note:
    """What someone wrote down."""

    text: str
    at: float
    by: str


@dataclass(frozen=True, slots=True)
class StepState:
    """What happened to one step."""

    status: Status = Status.TODO
    attempts: tuple[Attempt, ...] = ()
    verdict: Verdict | None = None
    """Of the last attempt."""
    blocks_done: int = 0
    """How many of the step's scripts have passed; the next run starts with this one."""
    option: int | None = None
    reason: str = ""
    """Of a skip, override, or resolution."""
    override: bool = False
    auto: bool = False
    value: str = ""
    at: float = 0.0
    """When the status last changed."""
    by: str = ""
    notes: tuple[Note, ...] = ()
    ticked_digest: str = ""
    """Digest of the step's text when it was settled: another one now makes it CHANGED."""
    settled: Status | None = None
    """DONE or SKIPPED from when it was settled until that is taken back or overtaken by an attempt's end."""
    before: Status = Status.TODO
    """The status before the attempt under way: it comes back when that attempt never started."""
    verifications: tuple[Verification, ...] = ()

    @property
    def is_passed_over(self) -> bool:
        """Whether it is not applicable: skipped because its `when` does not hold."""
        return self.status is Status.SKIPPED and self.reason.startswith(CONDITION_PREFIX)

    @property
    def is_watched(self) -> bool:
        """Whether a watch of the step is under way."""
        return self.status is Status.RUNNING and self.attempts[-1].watched is not None


@dataclass(frozen=True, slots=True)
class RunState:
    """A run. `steps` holds only steps to which something happened; use `step()`."""

    sequence: int = 0
    started_at: float = 0.0
    last_at: float = 0.0
    checklist: str = ""
    digest: str = ""
    cwd: str = ""
    commit: str = ""
    operators: tuple[str, ...] = ()
    """Everyone who did something, each once, the one who did the last thing at the end."""
    sessions: int = 0
    approved: frozenset[str] = frozenset()
    variables: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    secrets: frozenset[str] = frozenset()
    digests: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Step id to the digest in the file as last opened."""
    gone: frozenset[str] = frozenset()
    steps: Mapping[str, StepState] = field(default_factory=lambda: MappingProxyType({}))
    notes: tuple[Note, ...] = ()
    sections_completed: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    rollback_at: float | None = None
    rollback_reason: str = ""
    rollback_facts: Mapping[str, Json] = field(default_factory=lambda: MappingProxyType({}))
    """What was known of the databases when the run turned back."""
    finished_at: float | None = None
    result: str = ""
    finish_reason: str = ""
    """Why a person closed it as it was."""
    in_order: bool = True
    """False while a session is open or after one ended without `closed`: the app was killed."""
    last_step: str = ""
    """The step that an event last concerned: where the operator was."""
    carried_from: tuple[str, int] | None = None
    """Step and number of the attempt that last left a folder or variables; by the journal, not by a clock."""

    def step(self, step_id: str) -> StepState:
        """The state of a step; untouched steps are `todo`."""
        return self.steps.get(step_id, UNTOUCHED)

    @property
    def running(self) -> tuple[str, ...]:
        """Ids of the steps with an attempt under way, watches left out: they take hours, and others run beside them."""
        return tuple(i for i, s in self.steps.items() if s.status is Status.RUNNING and not s.is_watched)

    @property
    def watched(self) -> tuple[str, ...]:
        """Ids of the steps with a watch under way."""
        return tuple(i for i, s in self.steps.items() if s.status is Status.RUNNING and s.is_watched)


UNTOUCHED = StepState()
