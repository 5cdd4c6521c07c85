"""Builders for criteria: evidence, watches under way, and how one stands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.checklist.model import Step, StepFacts
from orion_deploy.kinds.verdict import Json, Outcome, Verdict
from orion_deploy.run import events as ev
from orion_deploy.run.watches.record import Clocks, WatchRecord
from support.build import step

DAY_S = 86_400.0


def evidence(step_id: str, kind: str, needs: tuple[str, ...] = (), **parameters: Json) -> Step:
    """A step that is decided from evidence."""
    call = KindCall(f"evidence.{kind}", dict(parameters))
    return step(step_id, facts=StepFacts(check=call, needs=needs))


def verdict(
    outcome: str = "passed", reason: str = "seen", value: str = "", **values: Json
) -> dict[str, Json]:
    """A verdict as an event has it."""
    return Verdict(Outcome(outcome), reason, value, values).to_json()


def ran(step_id: str, outcome: str = "passed", attempt: int = 1, **values: Any) -> tuple[ev.Event, ...]:
    """A typed step that ran to its end, and ticked itself where it passed."""
    duration_s = float(values.pop("duration_s", 1.0) or 0)
    told = verdict(outcome, **values)
    events: list[ev.Event] = [
        ev.Started(step=step_id, attempt=attempt),
        ev.Finished(step=step_id, attempt=attempt, verdict=told, duration_s=duration_s),
    ]
    if outcome == "passed":
        events.append(ev.Ticked(step=step_id, auto=True))
    return tuple(events)


def watched(
    step_id: str, why: str = "elapsed", outcome: str = "passed", attempt: int = 1, **values: Any
) -> tuple[ev.Event, ...]:
    """A watch that came to its end, and ticked itself where it passed."""
    events: list[ev.Event] = [
        ev.WatchStarted(step=step_id, attempt=attempt, watch_s=DAY_S),
        ev.WatchEnded(
            step=step_id, attempt=attempt, why=why, observed_s=DAY_S / 2, verdict=verdict(outcome, **values)
        ),
    ]
    if outcome == "passed" and why == "elapsed":
        events.append(ev.Ticked(step=step_id, auto=True))
    return tuple(events)


def record(
    step_id: str, looked_at: float, observed_s: float = 0.0, attempt: int = 1, **more: Any
) -> WatchRecord:
    """The last look of a watch over a day."""
    base = WatchRecord(
        step=step_id,
        attempt=attempt,
        title=step_id,
        kind="logs.absent",
        watch_s=DAY_S,
        every_s=1.0,
        started_at=looked_at - observed_s,
        looked=Clocks(wall=looked_at),
        observed_s=observed_s,
    )
    return replace(base, **more)
