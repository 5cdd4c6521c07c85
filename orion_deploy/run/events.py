"""What can happen in a run. An event is a fact, written once to the journal and never changed.

Each event is a frozen dataclass; its `kind` names it in the journal. `encode` and `decode` are inverse.
`at` is wall-clock seconds since the epoch, `by` is `user@host`. Adding one is one class here and one
branch in `fold.py`; a test fails when the branch is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import ClassVar

from orion_deploy.kinds.verdict import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event tells: when, and by whom."""

    kind: ClassVar[str] = ""
    at: float = 0.0
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(Event):
    """A session opened the run."""

    kind: ClassVar[str] = "opened"
    checklist: str
    digest: str
    cwd: str
    app: str = ""
    machine: str = ""
    commit: str = ""
    """Git commit of the checklist's repository, `+dirty` appended where it was, empty where there is none."""
    boot: str = ""
    pid: int = 0
    steps: dict[str, str] = field(default_factory=dict)
    """Step id to digest: only where it differs from the last `opened` (everything in the first)."""
    gone: list[str] = field(default_factory=list)
    """Step ids that the file no longer has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved(Event):
    """These bytes were shown and trusted."""

    kind: ClassVar[str] = "approved"
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableSet(Event):
    """A variable or placeholder got its value; of a secret only that it was given."""

    kind: ClassVar[str] = "variable_set"
    name: str
    value: str = ""
    secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Started(Event):
    """An attempt is about to begin. On disk before anything runs."""

    kind: ClassVar[str] = "started"
    step: str
    attempt: int
    """1, 2, ... within the step; names the attempt's folder."""
    block: int = 0
    """Index into `step.scripts()`; 0 for a typed step."""
    title: str = ""
    what: str = ""
    """`command`, `interactive`, or the typed kind's name."""
    script_sha256: str = ""
    edited: bool = False
    """The script was edited before the run; the diff is kept beside the attempt."""
    override: str = ""
    """The reason, where something spoke against the run and a person wanted it all the same."""
    cwd: str = ""
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished(Event):
    """An attempt came to its end and its verdict is known."""

    kind: ClassVar[str] = "finished"
    step: str
    attempt: int
    exit_status: int | None = None
    signal: int | None = None
    why: str = ""
    """`timeout`, `cancelled`, or empty."""
    reached_end: bool | None = None
    started_at: float = 0.0
    duration_s: float = 0.0
    output_bytes: int = 0
    output_dropped_bytes: int = 0
    output_sha256: str = ""
    """Hash of what is kept of the output (`output.digest`); empty where there is none."""
    verdict: dict[str, Json] = field(default_factory=dict)
    adopted: bool = False
    """The result was found by a later session than the one that started it."""
    more: bool = False
    """Further blocks of the same step are still to run."""
    carried: list[str] = field(default_factory=list)
    """Names of the variables (and `cwd`) that this attempt left for later steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeverStarted(Event):
    """It is proved that the attempt did not begin: the step is open again."""

    kind: ClassVar[str] = "never_started"
    step: str
    attempt: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost(Event):
    """The attempt was interrupted and its outcome is not known. A person decides."""

    kind: ClassVar[str] = "lost"
    step: str
    attempt: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchStarted(Event):
    """A watch is about to begin. It is an attempt of its step that takes hours, beside which others may run."""

    kind: ClassVar[str] = "watch_started"
    step: str
    attempt: int
    title: str = ""
    what: str = ""
    """The typed kind's name."""
    watch_s: float = 0.0
    """How long it is to be watched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchFired(Event):
    """A watch saw a reason to turn back. It goes on watching."""

    kind: ClassVar[str] = "watch_fired"
    step: str
    attempt: int
    reason: str = ""
    value: str = ""
    fired_at: float = 0.0
    """When it was seen; `at` is when a session took note of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchEnded(Event):
    """A watch came to its end, or was ended."""

    kind: ClassVar[str] = "watch_ended"
    step: str
    attempt: int
    why: str = ""
    """`elapsed`; or `stopped` by a person, `turned back`, `run finished`: before its time."""
    reason: str = ""
    """The person's, where one stopped it."""
    ended_at: float = 0.0
    observed_s: float = 0.0
    """Time in which it was really watched."""
    gap_s: float = 0.0
    """Time in which it was not, as far as its length is known."""
    gaps: list[dict[str, Json]] = field(default_factory=list)
    """Each with `at`, `until`, `length_s` (null where it is not known) and `why`."""
    verdict: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifying(Event):
    """The check that tells whether an interrupted step was carried out is about to look. On disk before it does."""

    kind: ClassVar[str] = "verifying"
    step: str
    attempt: int
    """The attempt whose outcome is not known."""
    number: int
    """1, 2, ... within the step; names the folder."""
    what: str = ""
    """Name of the check's kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified(Event):
    """That check has looked. Passed: the step is done. Failed: it was not carried out, and is open again."""

    kind: ClassVar[str] = "verified"
    step: str
    attempt: int
    number: int
    verdict: dict[str, Json]
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked(Event):
    """The step is done."""

    kind: ClassVar[str] = "ticked"
    step: str
    auto: bool = False
    """By its own passing verdict, not by a person."""
    override: str = ""
    """The reason, where the verdict did not pass or something it needs is open."""
    value: str = ""
    """What the person saw, or gave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unticked(Event):
    """The tick, skip or failure was taken back."""

    kind: ClassVar[str] = "unticked"
    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped(Event):
    """The step is passed over, with a reason. Of a mandatory step this is an override."""

    kind: ClassVar[str] = "skipped"
    step: str
    reason: str
    override: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted(Event):
    """Someone wrote something down; on a step, or on the run (`step` empty)."""

    kind: ClassVar[str] = "noted"
    step: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen(Event):
    """An option of a choice was taken."""

    kind: ClassVar[str] = "chosen"
    step: str
    option: int
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved(Event):
    """A person decided an unknown or undecided outcome: `done`, `failed` or `rerun`."""

    kind: ClassVar[str] = "resolved"
    step: str
    how: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten(Event):
    """What steps left for later ones, their folder and variables, was dropped: later steps start as the first did."""

    kind: ClassVar[str] = "forgotten"
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionCompleted(Event):
    """A section was completed by an explicit act, its skips seen."""

    kind: ClassVar[str] = "section_completed"
    section: str
    open: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackEntered(Event):
    """The run turned back."""

    kind: ClassVar[str] = "rollback_entered"
    reason: str = ""
    facts: dict[str, Json] = field(default_factory=dict)
    """What was known of the databases when the reason was given (`WaysBack.to_json`); empty where nobody looked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survived(Event):
    """A signal that one of our own steps sent reached the app and was survived."""

    kind: ClassVar[str] = "survived"
    signal: int
    step: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event):
    """The run was closed for good by an explicit act; what was still open is listed."""

    kind: ClassVar[str] = "run_finished"
    result: str = ""
    open: list[str] = field(default_factory=list)
    reason: str = ""
    """The person's, where one was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed(Event):
    """A session left the run in good order."""

    kind: ClassVar[str] = "closed"
    running: list[str] = field(default_factory=list)


EVENT_TYPES: tuple[type[Event], ...] = (
    Opened,
    Approved,
    VariableSet,
    Started,
    Finished,
    NeverStarted,
    Lost,
    WatchStarted,
    WatchFired,
    WatchEnded,
    Verifying,
    Verified,
    Ticked,
    Unticked,
    Skipped,
    Noted,
    Chosen,
    Resolved,
    Forgotten,
    SectionCompleted,
    RollbackEntered,
    Survived,
    RunFinished,
    Closed,
)
_BY_KIND = {cls.kind: cls for cls in EVENT_TYPES}
_DEFAULTS: dict[str, dict[str, object]] = {
    cls.kind: {
        f.name: (f.default_factory() if f.default_factory is not MISSING else f.default) for f in fields(cls)
    }
    for cls in EVENT_TYPES
}


def encode(event: Event) -> dict[str, Json]:
    """Return the event as a journal record's body: `k` is its kind; fields at their default are left out."""
    defaults = _DEFAULTS[event.kind]
    body: dict[str, Json] = {"k": event.kind}
    for name, default in defaults.items():
        value = getattr(event, name)
        if value != default:
            body[name] = value
    return body


def decode(body: Mapping[str, Json]) -> Event | None:
    """Return the event of a journal record's body; unknown fields are ignored, an unknown kind gives None.

    Raises TypeError when a field without a default is missing.
    """
    cls = _BY_KIND.get(str(body.get("k")))
    if cls is None:
        return None
    known = _DEFAULTS[cls.kind]
    given = {name: value for name, value in body.items() if name in known}
    return cls(**given)  # type: ignore[arg-type]  # the journal is held by its own checksum
