"""What only the events tell, gathered in one pass: who came and went, what persons did, why an attempt was lost. Pure.

An event that has no branch here is not left out: it is told with its fields as they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from orion_deploy.report.evidence import Act, Approval, Session
from orion_deploy.run import events as ev

Key = tuple[str, int]
"""Step id and number of the attempt."""
_IN_STATE = (
    ev.VariableSet,
    ev.Noted,
    ev.WatchStarted,
    ev.WatchFired,
    ev.Verifying,
    ev.Verified,
    ev.RunFinished,
    ev.Closed,
)
"""Events of which the folded state tells everything."""
_ENVELOPE = ("at", "by", "step")


@dataclass(slots=True)
class Story:
    """A working value of `build.py`."""

    sessions: list[Session] = field(default_factory=list)
    approvals: list[Approval] = field(default_factory=list)
    acts: dict[str, list[Act]] = field(default_factory=dict)
    started: dict[Key, ev.Started] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    reasons: dict[Key, str] = field(default_factory=dict)
    output_sha256: dict[Key, str] = field(default_factory=dict)
    completed: dict[str, ev.SectionCompleted] = field(default_factory=dict)
    rollbacks: list[ev.RollbackEntered] = field(default_factory=list)
    left_open: tuple[str, ...] = ()
    survived: list[Act] = field(default_factory=list)
    others: list[Act] = field(default_factory=list)


def told(events: Iterable[ev.Event]) -> Story:
    """Go through the events of a run, in order."""
    story = Story()
    for event in events:
        _take_in(story, event)
        if story.sessions and not isinstance(event, ev.Opened):
            story.sessions[-1] = replace(
                story.sessions[-1], until=event.at, in_order=isinstance(event, ev.Closed)
            )
    return story


def _take_in(story: Story, event: ev.Event) -> None:
    match event:
        case ev.Opened():
            story.sessions.append(_session(event))
        case ev.Approved():
            story.approvals.append(Approval(event.at, event.by, event.digest))
        case ev.Started():
            story.started[event.step, event.attempt] = event
            story.titles[event.step] = event.title
        case ev.Finished():
            story.output_sha256[event.step, event.attempt] = event.output_sha256
        case ev.NeverStarted() | ev.Lost():
            story.reasons[event.step, event.attempt] = event.reason
        case ev.WatchEnded():
            story.reasons[event.step, event.attempt] = event.reason
        case ev.SectionCompleted():
            story.completed[event.section] = event
        case ev.RollbackEntered():
            story.rollbacks.append(event)
        case ev.Survived():
            text = (
                f"signal {event.signal}, sent by a step of the run{f' ({event.step})' if event.step else ''}"
            )
            story.survived.append(Act(event.at, event.by, "survived", text))
        case ev.Ticked() | ev.Unticked() | ev.Skipped() | ev.Chosen() | ev.Resolved():
            story.acts.setdefault(event.step, []).append(_act(event))
        case _ if isinstance(event, _IN_STATE):
            if isinstance(event, ev.WatchStarted):
                story.titles[event.step] = event.title
            if isinstance(event, ev.RunFinished):
                story.left_open = tuple(event.open)
        case _:
            _other(story, event)


def _session(event: ev.Opened) -> Session:
    return Session(
        at=event.at,
        by=event.by,
        app=event.app,
        machine=event.machine,
        commit=event.commit,
        digest=event.digest,
        pid=event.pid,
        boot=event.boot,
        until=event.at,
        in_order=False,
    )


def _act(event: ev.Event) -> Act:
    at, by = event.at, event.by
    match event:
        case ev.Ticked():
            what = "ticked by its verdict" if event.auto else "ticked"
            if event.override:
                return Act(at, by, f"{what}, overriding", event.override)
            return Act(at, by, what, event.value)
        case ev.Unticked():
            return Act(at, by, "taken back")
        case ev.Skipped():
            return Act(at, by, "skipped, overriding" if event.override else "skipped", event.reason)
        case ev.Chosen():
            title = f": {event.title}" if event.title else ""
            return Act(at, by, "chose", f"option {event.option}{title}")
        case ev.Resolved():
            return Act(at, by, f"decided: {event.how}", event.reason)
    raise AssertionError("unreachable")


def _other(story: Story, event: ev.Event) -> None:
    """An event that nobody told this page about: its kind, and its fields as they are."""
    body = ev.encode(event)
    kind = str(body.pop("k"))
    step = str(body.get("step", ""))
    text = ", ".join(f"{name} {value}" for name, value in body.items() if name not in _ENVELOPE)
    act = Act(event.at, event.by, kind.replace("_", " "), text)
    if step:
        story.acts.setdefault(step, []).append(act)
    else:
        story.others.append(act)
