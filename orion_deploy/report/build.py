"""From a checklist and a run to its evidence. Pure: what lies in files is asked for through `kept`.

A run is told whatever has become of its checklist: steps that the file no longer has stand in a section of their
own, and without the file the titles are those that the run recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from orion_deploy.checklist.model import Checklist, SectionKind
from orion_deploy.checklist.model import Section as ModelSection
from orion_deploy.errors import OrionError
from orion_deploy.report.build_steps import Kept, StepMaker
from orion_deploy.report.evidence import (
    Act,
    Evidence,
    Gate,
    Mark,
    Rollback,
    Section,
    Step,
    Value,
)
from orion_deploy.report.story import Story, told
from orion_deploy.run import events as ev
from orion_deploy.run import progress
from orion_deploy.run.blocks import block_step
from orion_deploy.run.criteria import Criterion, look
from orion_deploy.run.gates import gates_of
from orion_deploy.run.sidecar import bare
from orion_deploy.run.state import RunState, Status
from orion_deploy.run.values import values_of
from orion_deploy.run.watches.record import WatchRecord

GONE_TITLE = "Steps that the file no longer has"
UNREAD_TITLE = "Steps, as the run recorded them"


@dataclass(frozen=True, slots=True)
class Known:
    """What the edge found of the run's files."""

    state: RunState
    events: Iterable[ev.Event]
    mark: Mark
    checklist: Checklist | None = None
    watches: tuple[WatchRecord, ...] = ()
    now: float = 0.0
    titles: Mapping[str, str] | None = None
    """Step id to title as the run's snapshot has them, for steps that the file no longer tells of."""


def build(known: Known, kept: Callable[[str, int], Kept]) -> Evidence:
    """Return the evidence of a run; what only the edge can tell (machine, damage, ...) is left for it to fill in."""
    state, checklist = known.state, known.checklist
    story = told(known.events)
    values = _known_values(checklist, state)
    criteria = _criteria(known, values)
    by_step = {criterion.step: criterion for criterion in criteria}
    maker = StepMaker(state, story, known.watches, kept=kept, criteria=by_step, values=values)
    sections = _sections(known, maker, story)
    counts = _counts(checklist, state)
    return Evidence(
        title=checklist.title if checklist is not None else "",
        checklist=checklist.path if checklist is not None else state.checklist,
        mark=known.mark,
        result=_stands(state, counts),
        digest=state.digest,
        digest_now=checklist.digest if checklist is not None else "",
        started_at=state.started_at,
        last_at=state.last_at,
        finished_at=state.finished_at,
        finish_reason=state.finish_reason,
        left_open=story.left_open,
        cwd=state.cwd,
        commit=state.commit,
        metadata=dict(checklist.metadata) if checklist is not None else {},
        operators=state.operators,
        counts=counts,
        sections=sections,
        gates=_gates(checklist, criteria),
        rollback=_rollback(state, story, sections),
        sessions=tuple(story.sessions),
        approvals=tuple(story.approvals),
        variables=_values(state),
        notes=state.notes,
        survived=tuple(story.survived),
        others=tuple(story.others),
    )


def _known_values(checklist: Checklist | None, state: RunState) -> dict[str, str]:
    """The values of the run's variables, secret ones left out; nothing where one does not fit any more."""
    if checklist is None:
        return {}
    try:
        values = values_of(checklist, state, {}, {})
    except OrionError:
        return {}
    secret = {variable.name for variable in checklist.variables if variable.secret} | state.secrets
    return {name: text for name, text in values.items() if name not in secret}


def _criteria(known: Known, values: Mapping[str, str]) -> tuple[Criterion, ...]:
    """How criteria and gates stand; nothing where there is no checklist to tell of them."""
    if known.checklist is None:
        return ()
    return look(known.checklist, known.state, known.watches, now=known.now, values=values)


def _gates(checklist: Checklist | None, criteria: tuple[Criterion, ...]) -> tuple[Gate, ...]:
    if checklist is None:
        return ()
    of = [gate for gate in gates_of(checklist, criteria) if gate.kind in progress.LATE]
    return tuple(Gate(gate.title, gate.kind.value, gate.stand.value, gate.sentence) for gate in of)


def _stands(state: RunState, counts: Mapping[str, int]) -> str:
    """The result of a closed run; how far an open one is, which is no result yet (`closing.result_of`: what it would be)."""
    if state.finished_at is not None:
        return state.result or "closed"
    word = "rolled back, not closed" if state.rollback_at is not None else "not closed"
    settled = counts["total"] - counts["open"]
    rest = "".join(
        f", {counts[name]} {name}"
        for name in ("failed", "unknown", "undecided", "running")
        if counts.get(name)
    )
    return f"{word}: {settled:,} of {counts['total']:,} steps settled{rest}"


def _counts(checklist: Checklist | None, state: RunState) -> dict[str, int]:
    if checklist is None:
        counts = bare(state, "")["counts"]
        assert isinstance(counts, dict)
        return counts
    of = progress.overall(checklist, state)
    return {
        "total": of.total,
        "done": of.done,
        "skipped": of.skipped,
        "not_applicable": of.not_applicable,
        "open": of.open,
        "failed": of.failed,
        "unknown": of.unknown,
        "undecided": of.undecided,
        "running": of.running,
        "changed": of.changed,
        "overrides": of.overrides,
    }


def _values(state: RunState) -> tuple[Value, ...]:
    given = [Value(name, text) for name, text in state.variables.items()]
    return (*given, *(Value(name, is_secret=True) for name in sorted(state.secrets)))


def _sections(known: Known, maker: StepMaker, story: Story) -> tuple[Section, ...]:
    found: list[Section] = []
    told_of: set[str] = set()
    if known.checklist is not None:
        for section in known.checklist.walk_sections():
            steps = _steps_of(section, known.state, maker)
            told_of.update(step.id for step in steps)
            if steps:
                found.append(_completed(section, tuple(steps), story))
    rest = [step_id for step_id in known.state.steps if step_id not in told_of]
    if known.checklist is None:
        rest += [step_id for step_id in known.state.digests if step_id not in known.state.steps]
    titles = {**(known.titles or {}), **story.titles}
    if rest:
        is_gone = known.checklist is not None
        gone = tuple(maker.without_text(i, titles.get(i, ""), is_gone=is_gone) for i in rest)
        found.append(Section("", GONE_TITLE if is_gone else UNREAD_TITLE, SectionKind.STEPS.value, 2, gone))
    return tuple(found)


def _steps_of(section: ModelSection, state: RunState, maker: StepMaker) -> list[Step]:
    """The section's steps, and those of its blocks under no step that were run."""
    steps = [maker.step(step) for step in progress.section_steps(section)]
    for number, block in enumerate(section.code, start=1):
        step = block_step(section, number, block)
        if step.id in state.steps:
            steps.append(maker.step(step))
    return steps


def _completed(section: ModelSection, steps: tuple[Step, ...], story: Story) -> Section:
    made = Section(section.id, section.title, section.kind.value, section.level, steps)
    event = story.completed.get(section.id)
    return made if event is None else replace(made, completed_at=event.at, completed_by=event.by)


def _rollback(state: RunState, story: Story, sections: tuple[Section, ...]) -> Rollback | None:
    if not story.rollbacks:
        return None
    first, *later = story.rollbacks
    forward = [s for section in sections if section.kind != SectionKind.ROLLBACK for s in section.steps]
    back = [s for section in sections if section.kind == SectionKind.ROLLBACK for s in section.steps]
    fired = [
        (step.title, firing)
        for step in forward
        for attempt in step.attempts
        if attempt.watch is not None
        for firing in attempt.watch.fired
        if firing.at <= first.at
    ]
    bad = (Status.FAILED, Status.UNKNOWN)
    return Rollback(
        at=first.at,
        by=first.by,
        reason=first.reason,
        facts=state.rollback_facts,
        again=tuple(Act(event.at, event.by, "turned back again", event.reason) for event in later),
        fired=tuple(fired),
        failed=tuple(step.title for step in forward if step.status in bad),
        ways=tuple(way for step in back for way in _ways(step)),
    )


def _ways(step: Step) -> list[str]:
    """The answer that was given, the option that was taken, the action that was carried out."""
    ways = [step.option] if step.option else []
    if step.kind.startswith("people.") and step.value:
        ways.append(f"{step.title}: {step.value}")
    if step.is_action and any(attempt.verdict is not None for attempt in step.attempts):
        ways.append(f"{step.title} ({step.kind})")
    return ways
