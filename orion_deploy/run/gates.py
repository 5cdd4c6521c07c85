"""Criteria and gates as a whole: whether what they guard may start, how many are open, and when they can be told. Pure."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orion_deploy.checklist.model import Checklist, SectionKind
from orion_deploy.errors import ExitCode, RefusedError, did_you_mean
from orion_deploy.kinds.verdict import Json
from orion_deploy.run.criteria import Criterion, Stand
from orion_deploy.run.words import Sign, clock, minutes

STANDS: Mapping[Stand, Sign] = {
    Stand.HOLDS: Sign("✓", "holds", "ok"),
    Stand.FAILS: Sign("✗", "fails", "bad"),
    Stand.OPEN: Sign("·", "open", "dim"),
    Stand.PERSON: Sign("~", "person", "warn"),
}
WEEK_S = 6 * 86_400.0
ALL = "all"
_GUARDED = re.compile(
    r"\b(?:gates?|criteria|conditions?)\s+(?:to|for|before|into|of)\s+(?:entering\s+)?(.+?)\W*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Gate:
    """The criteria of one section, or those that were asked for."""

    title: str
    kind: SectionKind
    criteria: tuple[Criterion, ...]

    def count(self, stand: Stand) -> int:
        """How many stand so."""
        return sum(criterion.stand is stand for criterion in self.criteria)

    @property
    def missing(self) -> int:
        """How many do not hold."""
        return len(self.criteria) - self.count(Stand.HOLDS)

    @property
    def stand(self) -> Stand:
        """The worst of them."""
        for stand in (Stand.FAILS, Stand.OPEN, Stand.PERSON):
            if self.count(stand):
                return stand
        return Stand.HOLDS

    @property
    def next_due_at(self) -> float | None:
        """When the next of those that are open can be decided, where that is known."""
        return next_due_at(self.criteria)

    @property
    def sentence(self) -> str:
        """`Phase 1 may not start: 1 of 5 fails, 3 open`."""
        total, what = len(self.criteria), guarded(self.title)
        what = what[:1].upper() + what[1:]
        is_gate = self.kind is SectionKind.GATES
        if self.stand is Stand.HOLDS:
            how = "it holds" if total == 1 else f"all {total} hold"
            return f"{what} may start: {how}" if is_gate else f"{what}: {how}"
        failing, waiting = self.count(Stand.FAILS), self.missing - self.count(Stand.FAILS)
        parts = [f"{failing} of {total} fail{'s' if failing == 1 else ''}"] if failing else []
        if waiting:
            parts.append(f"{waiting} open" if failing else f"{waiting} of {total} open")
        return f"{what} may not start: {', '.join(parts)}" if is_gate else f"{what}: {', '.join(parts)}"


def of_facts(found: Iterable[Mapping[str, Any]]) -> tuple[Gate, ...]:
    """The gates by what `status` tells of criteria (`due.criteria`)."""
    sections: dict[str, list[tuple[str, Criterion]]] = {}
    for facts in found:
        section = str(facts.get("section_id") or facts["section"])
        criterion = Criterion(
            step=facts["step"],
            title=facts["title"],
            section=section,
            kind=SectionKind(facts["kind"]),
            stand=Stand(facts["stand"]),
            why=facts["why"],
            value=facts.get("value", ""),
            limit=facts.get("limit", ""),
            so_far=facts.get("so_far", ""),
            due_at=facts.get("due_at"),
            waits_for=tuple(facts.get("waits_for", ())),
            asks_person=facts.get("asks_person", False),
            can_be_decided=facts.get("can_be_decided", False),
            by=facts.get("by", ""),
            at=facts.get("at"),
            by_person=facts.get("by_person", False),
            is_override=facts.get("override", False),
            is_outdated=facts.get("outdated", False),
        )
        sections.setdefault(section, []).append((facts["section"], criterion))
    return tuple(Gate(own[0][0], own[0][1].kind, tuple(c for _, c in own)) for own in sections.values())


def guarded(title: str) -> str:
    """What a section of gates guards, by its heading: `Phase 1` of `Gates to Phase 1:`."""
    match = _GUARDED.search(title)
    return match[1] if match else title.strip(" :")


def gates_of(checklist: Checklist, criteria: Sequence[Criterion]) -> tuple[Gate, ...]:
    """The criteria by section, in document order; sections without any are left out."""
    found = []
    for section in checklist.walk_sections():
        own = tuple(criterion for criterion in criteria if criterion.section == section.id)
        if own:
            found.append(Gate(section.title, section.kind, own))
    return tuple(found)


def named(name: str, gates: Sequence[Gate], path: str) -> tuple[Gate, ...]:
    """The gates that a name means: `all`; a section by its id, its title or what it guards; or one criterion.

    A title may be given by its end. Only the criteria that were asked for are in what is returned.

    Raises RefusedError when there is none, or when the name means several.
    """
    if name == ALL:
        return tuple(gates)
    wanted = _plain(name)
    sections = [
        g
        for g in gates
        if wanted in (_plain(g.criteria[0].section), _plain(g.title), _plain(guarded(g.title)))
    ]
    sections = sections or [
        g for g in gates if _ends(g.title, wanted) or _ends(g.criteria[0].section, wanted)
    ]
    steps = [(g, c) for g in gates for c in g.criteria if name == c.step]
    steps = steps or [
        (g, c) for g in gates for c in g.criteria if _ends(c.title, wanted) or c.step.endswith(f".{name}")
    ]
    if len(steps) == 1 and (steps[0][1].step == name or not sections):
        gate, criterion = steps[0]
        return (Gate(gate.title, gate.kind, (criterion,)),)
    if len(sections) == 1:
        return (sections[0],)
    several = [g.title for g in sections] or [c.step for _, c in steps]
    if several:
        raise RefusedError(
            f"`{name}` names several of {path}: {', '.join(several)}",
            help="give the id of one; `status FILE --gate all` lists them",
            exit_code=ExitCode.USAGE,
        )
    known = [ALL, *(g.title for g in gates), *(c.step for g in gates for c in g.criteria)]
    raise RefusedError(
        f"there is no criterion or gate `{name}` in {path}",
        help=did_you_mean(name, known) or "`status FILE --gate all` lists them",
        exit_code=ExitCode.USAGE,
    )


def _plain(text: str) -> str:
    return " ".join(text.casefold().strip(" :").split())


def _ends(text: str, wanted: str) -> bool:
    plain = _plain(text)
    return plain == wanted or plain.endswith((f" {wanted}", f".{wanted}"))


def exit_code(gates: Sequence[Gate]) -> ExitCode:
    """0 when all hold, 1 when one fails, 3 when one is open or needs a person."""
    stands = {gate.stand for gate in gates}
    if Stand.FAILS in stands:
        return ExitCode.FAILED
    return ExitCode.FINE if stands <= {Stand.HOLDS} else ExitCode.PERSON_NEEDED


def next_due_at(criteria: Sequence[Criterion]) -> float | None:
    """When the next of the open ones can be decided, where that is known."""
    due = [c.due_at for c in criteria if c.due_at is not None and c.stand in (Stand.OPEN, Stand.PERSON)]
    return min(due, default=None)


def summary(criteria: Sequence[Criterion]) -> dict[str, Json]:
    """Counts, for lists of runs: how many there are, how many hold, fail, are open; and when the next is due."""
    counts: dict[str, Json] = {
        "total": len(criteria),
        **{stand.value: sum(c.stand is stand for c in criteria) for stand in Stand},
    }
    due_at = next_due_at(criteria)
    return counts if due_at is None else {**counts, "due_at": due_at}


def due_words(due_at: float, now: float) -> str:
    """When something is due: `in 23 h 10 min, Thu 22:40`; `since Thu 22:40` when it was due before."""
    moment = time.localtime(due_at)
    is_near = abs(due_at - now) < WEEK_S
    at = time.strftime("%a %H:%M" if is_near else "%Y-%m-%d %H:%M", moment)
    return f"in {minutes(due_at - now)}, {at}" if due_at > now else f"since {at}"


def value_words(criterion: Criterion) -> str:
    """What was seen, against its limit: `1.8 ms, limit below 2 ms`."""
    limit = f"limit {criterion.limit}" if criterion.limit else ""
    return ", ".join(part for part in (criterion.value, limit) if part)


def when_words(criterion: Criterion, now: float) -> str:
    """When it can be decided, or who decided it and when; empty where neither is known."""
    if criterion.stand in (Stand.OPEN, Stand.PERSON) and criterion.due_at is not None:
        return f"due {due_words(criterion.due_at, now)}"
    if criterion.at is None or criterion.can_be_decided:
        return ""
    return f"{criterion.by} {clock(criterion.at, now)}".strip()


def reminder(
    counts: Mapping[str, Any], watching: Sequence[Mapping[str, Any]], due_at: float | None, now: float
) -> str:
    """What a run that was left still waits for: `2 watches, 5 of 12 criteria and gates open, next due in 3 h, Thu 22:40`."""
    parts = []
    if watching:
        parts.append(f"{len(watching)} watch{'es' if len(watching) > 1 else ''}")
    total, holds, fails = (int(counts.get(name, 0)) for name in ("total", "holds", "fails"))
    if fails:
        parts.append(f"{fails} of {total} criteria and gates fail{'s' if fails == 1 else ''}")
    elif total > holds:
        parts.append(f"{total - holds} of {total} criteria and gates open")
    if parts and due_at is not None:
        parts.append(f"next due {due_words(due_at, now)}")
    return ", ".join(parts)
