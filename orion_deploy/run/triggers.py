"""What speaks for turning back, as the run itself knows it, and what was looked at and does not. Pure.

The checklist's own triggers are prose, for a person to weigh; these stand beside them. Both the rollback screen and
plain lines are made of this, and the record keeps it with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum

from orion_deploy.checklist.model import Checklist
from orion_deploy.kinds.verdict import Json
from orion_deploy.run import progress, words
from orion_deploy.run.state import RunState, Status
from orion_deploy.run.watches import standing
from orion_deploy.run.watches.standing import Seen, Standing, gaps_in_words, number
from orion_deploy.run.words import Sign, length
from orion_deploy.text import plain_line


class Speaks(StrEnum):
    """How something that was looked at bears on turning back."""

    FIRED = "fired"
    FAILED = "failed"
    UNKNOWN = "unknown"
    UNSEEN = "not seen"
    FINE = "fine"


SIGNS: Mapping[Speaks, Sign] = {
    Speaks.FIRED: standing.SIGNS[Standing.FIRED],
    Speaks.FAILED: standing.SIGNS[Standing.FAILED],
    Speaks.UNKNOWN: words.SIGNS[Status.UNKNOWN],
    Speaks.UNSEEN: Sign("!", "not seen", "warn"),
    Speaks.FINE: Sign("✓", "fine", "ok"),
}


@dataclass(frozen=True, slots=True)
class Trigger:
    """Something of the run that speaks for turning back, or does not. All texts are plain."""

    what: Speaks
    step: str
    title: str
    text: str
    since: float = 0.0
    """Since when; 0 where that says nothing."""
    until: float | None = None
    """When a reason that had been seen was no longer seen."""

    @property
    def is_for_it(self) -> bool:
        """Whether it speaks for turning back."""
        return self.what in (Speaks.FIRED, Speaks.FAILED, Speaks.UNKNOWN)

    def to_json(self) -> dict[str, Json]:
        """As data."""
        return {**asdict(self), "what": self.what.value}

    @classmethod
    def from_json(cls, data: Mapping[str, Json]) -> Trigger:
        """The inverse of `to_json`. Raises TypeError or ValueError where it is none."""
        known = {f.name: data[f.name] for f in fields(cls) if f.name in data}
        return cls(**{**known, "what": Speaks(str(known.get("what")))})  # type: ignore[arg-type]  # our own JSON


def triggers(
    checklist: Checklist, state: RunState, watches: Iterable[Seen], now: float
) -> tuple[Trigger, ...]:
    """What was looked at on the way forward, what speaks for turning back first."""
    by_step = {seen.record.step: seen for seen in watches}
    found: list[Trigger] = []
    for _, step in progress.forward(checklist):
        title, seen = plain_line(step.title), by_step.get(step.id)
        found += _of_watch(seen, title, now) if seen is not None else _of_step(state, step.id, title)
    order = list(Speaks)
    return tuple(sorted(found, key=lambda trigger: order.index(trigger.what)))


def _of_step(state: RunState, step_id: str, title: str) -> Iterator[Trigger]:
    step = state.step(step_id)
    match step.status:
        case Status.FAILED:
            reason = step.verdict.reason if step.verdict is not None else step.reason
            yield Trigger(Speaks.FAILED, step_id, title, plain_line(reason or "it failed"), step.at)
        case Status.UNKNOWN:
            yield Trigger(Speaks.UNKNOWN, step_id, title, "nobody knows how it ended", step.at)
        case _:
            return


def _of_watch(seen: Seen, title: str, now: float) -> Iterator[Trigger]:
    """A watch: each is told, so that one sees also what is fine, and what nobody sees."""
    record, stands = seen.record, seen.standing(now)
    verdict = seen.attempt.verdict if not seen.is_open else record.judged()
    if record.fired and stands is not Standing.PASSED:
        firing = record.fired[-1]
        text = f"{firing.reason}; {'now ' if seen.is_open else ''}{_value(seen)}"
        is_over = firing.until is not None or not seen.is_open
        until = firing.until if firing.until is not None else record.looked.wall
        yield Trigger(
            Speaks.FIRED, record.step, title, plain_line(text), firing.at, until if is_over else None
        )
    elif stands is Standing.FAILED:
        reason = verdict.reason if verdict is not None else "it failed"
        yield Trigger(Speaks.FAILED, record.step, title, plain_line(reason), seen.attempt.finished_at or 0.0)
    elif stands in (Standing.UNWATCHED, Standing.EARLY, Standing.UNDECIDED):
        why = seen.why_unwatched(now) or (verdict.reason if verdict is not None else "nobody has looked")
        yield Trigger(Speaks.UNSEEN, record.step, title, plain_line(f"{why}; {_value(seen)}"))
    else:
        watched = f"{length(record.observed_s)} of {length(record.watch_s)}"
        gaps = f", {gaps_in_words(record)}" if record.gaps_count else ""
        yield Trigger(Speaks.FINE, record.step, title, plain_line(f"{_value(seen)}; {watched}{gaps}"))


def _value(seen: Seen) -> str:
    record = seen.record
    shown = record.shown or (number(record.value, record.unit) if record.looks else "no look yet")
    return shown if record.limit is None else f"{shown}, limit {number(record.limit, record.unit)}"


def reason_of(found: Iterable[Trigger]) -> str:
    """The reason to turn back that what fired gives; empty where nothing did."""
    return next(
        (
            f"{t.title}: {t.text.partition(';')[0]}"
            for t in found
            if t.what is Speaks.FIRED and t.until is None
        ),
        next((f"{t.title}: {t.text.partition(';')[0]}" for t in found if t.what is Speaks.FIRED), ""),
    )


def with_triggers(facts: Mapping[str, Json], found: Iterable[Trigger]) -> dict[str, Json]:
    """What is known when the run turns back, with this; for the record."""
    told: list[Json] = [dict(trigger.to_json()) for trigger in found]
    return {**facts, "triggers": told} if told else dict(facts)


def of_facts(facts: Mapping[str, Json]) -> tuple[Trigger, ...]:
    """What `with_triggers` has put there; what cannot be understood is left out."""
    found = []
    listed = facts.get("triggers")
    for data in listed if isinstance(listed, list) else ():
        if isinstance(data, dict):
            try:
                found.append(Trigger.from_json(data))
            except (TypeError, ValueError):
                continue
    return tuple(found)
