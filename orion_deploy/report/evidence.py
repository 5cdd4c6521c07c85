"""All that a run leaves as evidence, in one frozen value. The pages are made from it, and from nothing else.

Times are seconds since the epoch, lengths are seconds. Texts are as the checklist, the operator or the log gave
them, and hostile until `plain` has seen them; only outputs have been made safe already (`stripped`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from orion_deploy.kinds.verdict import Json, Verdict
from orion_deploy.run.criteria import Criterion
from orion_deploy.run.state import Note, Status
from orion_deploy.run.watches.record import Firing, Gap, Line, Point

SCHEMA = 1
NO_VALUES: Mapping[str, Json] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the run's journal stood. Every report carries it: later it proves that nothing before it was altered."""

    run: str
    records: int
    hash: str
    """`h` of the last record."""

    @property
    def text(self) -> str:
        """`2026-01-29-2230 41:0f3a...`."""
        return f"{self.run} {self.records}:{self.hash}"


@dataclass(frozen=True, slots=True)
class Session:
    """One time that somebody had the run open."""

    at: float
    by: str
    app: str
    machine: str
    commit: str
    digest: str
    """Of the checklist's bytes, as this session read them."""
    pid: int
    boot: str
    until: float
    """When the last thing happened in it."""
    in_order: bool
    """It was left by an explicit act, and not killed."""


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody trusted exactly these bytes."""

    at: float
    by: str
    digest: str


@dataclass(frozen=True, slots=True)
class Value:
    """A variable, or what was filled in for a placeholder; of a secret only that it was given."""

    name: str
    text: str = ""
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class Act:
    """What was done to a step apart from running it, in words; or an event that this page has no words for."""

    at: float
    by: str
    what: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class OutputText:
    """What is shown of an attempt's output: its head and its tail, made safe."""

    head: str = ""
    tail: str = ""
    """Empty where `head` is all of it."""
    total_bytes: int = 0
    left_out_bytes: int = 0
    """Between head and tail, in this report; those that were never kept are among them."""
    why_missing: str = ""


NO_OUTPUT = OutputText()


@dataclass(frozen=True, slots=True)
class Watch:
    """What makes an attempt a watch."""

    watch_s: float
    kind: str = ""
    unit: str = ""
    limit: float | None = None
    value: float | None = None
    shown: str = ""
    looks: int = 0
    observed_s: float = 0.0
    gap_s: float = 0.0
    gaps: tuple[Gap, ...] = ()
    gaps_count: int = 0
    fired: tuple[Firing, ...] = ()
    fired_count: int = 0
    lines: tuple[Line, ...] = ()
    points: tuple[Point, ...] = ()
    is_open: bool = False
    looked_at: float = 0.0
    due_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One execution of a step."""

    number: int
    what: str
    block: int
    started_at: float
    by: str
    ending: str
    """`finished`, `never started`, `lost`, or `running`."""
    finished_at: float | None = None
    duration_s: float | None = None
    exit_status: int | None = None
    signal: int | None = None
    why: str = ""
    reason: str = ""
    """Of a lost one, one that never started, or a watch that a person stopped."""
    reached_end: bool | None = None
    timeout_s: float | None = None
    verdict: Verdict | None = None
    cwd: str = ""
    script: str = ""
    """What ran, cut to `gather.SCRIPT_CHARACTERS_MAX`."""
    script_sha256: str = ""
    is_edited: bool = False
    diff: str = ""
    is_adopted: bool = False
    """Its end was found by a later session than the one that started it."""
    carried: tuple[str, ...] = ()
    output: OutputText = NO_OUTPUT
    output_sha256: str = ""
    watch: Watch | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """One look of the check that tells whether an interrupted step was carried out."""

    number: int
    attempt: int
    what: str
    at: float
    by: str
    verdict: Verdict | None
    duration_s: float


@dataclass(frozen=True, slots=True)
class Step:
    """One step, and all that happened to it."""

    id: str
    title: str
    status: Status
    digest: str = ""
    """Of its text and commands, as the run last read them."""
    line: int = 0
    kind: str = ""
    parameters: str = ""
    """Of a typed step, as the checklist has them now, variables filled in; limits are among them."""
    is_action: bool = False
    """A typed step that changes something."""
    expected: tuple[str, ...] = ()
    is_mandatory: bool = False
    is_optional: bool = False
    is_gone: bool = False
    """The file no longer has it."""
    is_changed: bool = False
    """Its text is another one now than when the run last opened the file."""
    at: float = 0.0
    by: str = ""
    auto: bool = False
    override: bool = False
    reason: str = ""
    value: str = ""
    option: str = ""
    """Title of the option that was taken."""
    verdict: Verdict | None = None
    attempts: tuple[Attempt, ...] = ()
    looks: tuple[Look, ...] = ()
    criterion: Criterion | None = None
    """How it stands, where it is a criterion, a gate, or decided from evidence."""
    acts: tuple[Act, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def duration_s(self) -> float:
        """Time that its attempts took, all together."""
        return sum(attempt.duration_s or 0.0 for attempt in self.attempts)

    @property
    def is_passed_over(self) -> bool:
        """Skipped because its condition (`when`) did not hold: nobody decided that."""
        return self.status is Status.SKIPPED and self.reason.startswith("not applicable: ")


@dataclass(frozen=True, slots=True)
class Section:
    """A section with its steps, sub-steps among them."""

    id: str
    title: str
    kind: str
    level: int
    steps: tuple[Step, ...]
    completed_at: float | None = None
    completed_by: str = ""


@dataclass(frozen=True, slots=True)
class Gate:
    """A section of criteria or gates as a whole."""

    title: str
    kind: str
    stand: str
    """`holds`, `fails`, `open` or `person`: the worst of its criteria."""
    sentence: str


@dataclass(frozen=True, slots=True)
class Rollback:
    """The run turned back: why, what was known then, what had fired before, and the way that was taken."""

    at: float
    by: str
    reason: str
    facts: Mapping[str, Json] = field(default_factory=lambda: NO_VALUES)
    again: tuple[Act, ...] = ()
    """It was entered anew, after the run had been closed."""
    fired: tuple[tuple[str, Firing], ...] = ()
    """Title of the watch, and what it saw, before the run turned back."""
    failed: tuple[str, ...] = ()
    """Titles of the steps that stood failed or unknown, of the forward path."""
    ways: tuple[str, ...] = ()
    """Options taken, and kinds of actions carried out, on the way back."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A run. `concerns.py` says what of it needs a person's eyes."""

    title: str
    checklist: str
    """Path of the file."""
    mark: Mark
    result: str
    directory: str = ""
    digest: str = ""
    """sha256 of the file as the run last opened it."""
    digest_now: str = ""
    """sha256 of the file as it is; empty where it cannot be read."""
    why_unreadable: str = ""
    """Why the checklist cannot be read now; titles are then those of the run."""
    damage: str = ""
    """Why the run's journal cannot be read in full: what is told is what stands before that place."""
    torn_bytes: int = 0
    held_by: str = ""
    started_at: float = 0.0
    last_at: float = 0.0
    finished_at: float | None = None
    finish_reason: str = ""
    """Why a person closed it as it was."""
    left_open: tuple[str, ...] = ()
    """Ids of the steps that were open when it was closed."""
    cwd: str = ""
    commit: str = ""
    metadata: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    operators: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    sections: tuple[Section, ...] = ()
    gates: tuple[Gate, ...] = ()
    rollback: Rollback | None = None
    sessions: tuple[Session, ...] = ()
    approvals: tuple[Approval, ...] = ()
    variables: tuple[Value, ...] = ()
    notes: tuple[Note, ...] = ()
    survived: tuple[Act, ...] = ()
    others: tuple[Act, ...] = ()
    """Events that this program records and this page has no words for."""
    made_at: float = 0.0
    made_by: str = ""
    app: str = ""
    machine: str = ""
    """Name, system and Python of the machine that made the report."""
    schema: int = SCHEMA

    def steps(self) -> Iterator[tuple[Section, Step]]:
        """Every step, in the order of the file."""
        for section in self.sections:
            for step in section.steps:
                yield section, step
