"""What a person needs to know who comes back to a run: where it was, what was in flight, what changed. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from orion_deploy.checklist.model import Checklist
from orion_deploy.run.attempt import Finding
from orion_deploy.run.state import RunState, Status


@dataclass(frozen=True, slots=True)
class InFlight:
    """A step that had an attempt under way when the last session ended, and what became of it."""

    step: str
    attempt: int
    finding: Finding
    started_at: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Resume:
    """The facts of the resume screen. Seconds are wall-clock."""

    is_resumed: bool
    """False for a run that nobody opened before."""
    where: str = ""
    """Id of the step that was last worked on."""
    last_by: str = ""
    away_s: float = 0.0
    was_killed: bool = False
    """The last session did not end in good order."""
    in_flight: tuple[InFlight, ...] = ()
    file_changed: bool = False
    changed: tuple[str, ...] = ()
    """Steps that were settled and whose text is another one now."""
    added: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    """Steps of the run that the file no longer has."""
    commit_before: str = ""
    commit_now: str = ""
    cwd: str = ""
    unknown: tuple[str, ...] = ()
    torn_bytes: int = 0
    """Bytes of a half-written journal record that were set aside."""

    @property
    def is_quiet(self) -> bool:
        """Nothing here needs a person's eye: the run was left in good order and nothing changed."""
        return not (self.was_killed or self.in_flight or self.file_changed or self.unknown or self.torn_bytes)


def build(
    before: RunState,
    after: RunState,
    checklist: Checklist,
    in_flight: tuple[InFlight, ...],
    *,
    now: float,
    torn_bytes: int = 0,
) -> Resume:
    """Compare the run as it was found with what it is after opening."""
    if before.sessions == 0:
        return Resume(is_resumed=False, cwd=after.cwd, commit_now=after.commit)
    known = before.digests
    return Resume(
        is_resumed=True,
        where=before.last_step,
        last_by=before.operators[-1] if before.operators else "",
        away_s=max(0.0, now - before.last_at),
        was_killed=not before.in_order,
        in_flight=in_flight,
        file_changed=before.digest != checklist.digest,
        changed=tuple(i for i, s in after.steps.items() if s.status is Status.CHANGED),
        added=tuple(step.id for _, step in checklist.walk() if step.id not in known),
        gone=tuple(sorted(after.gone - before.gone)),
        commit_before=before.commit,
        commit_now=after.commit,
        cwd=after.cwd,
        unknown=tuple(i for i, s in after.steps.items() if s.status is Status.UNKNOWN),
        torn_bytes=torn_bytes,
    )
