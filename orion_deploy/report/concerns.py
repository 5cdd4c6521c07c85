"""What of a run needs the eyes of whoever reviews it, the gravest first. Pure.

Everything here stands in the evidence too; nothing that deviates from "each step ran once and passed" is only there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from orion_deploy.checklist.model import SectionKind
from orion_deploy.report.evidence import Attempt, Evidence, Step
from orion_deploy.run.criteria import Stand
from orion_deploy.run.state import FINISHED, LOST, NEVER_STARTED, Status
from orion_deploy.run.words import counted, duration

LISTED_MAX = 20


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing to look at. `role` is `bad` or `warn`; `step` the id of the step, where it is about one."""

    what: str
    """One or two words."""
    role: str
    text: str
    title: str = ""
    step: str = ""
    at: float = 0.0
    by: str = ""


def concerns(evidence: Evidence) -> tuple[Concern, ...]:
    """What needs eyes: of the whole run first, then step by step, the gravest before the rest."""
    found = [*_of_run(evidence)]
    for _, step in evidence.steps():
        found += _of_step(step)
    return tuple(sorted(found, key=_rank))


def _rank(concern: Concern) -> int:
    """What is bad, then what a person did against the rules, then the rest; each in the order of the file."""
    return 0 if concern.role == "bad" else 1 if concern.what == "override" else 2


def tone(evidence: Evidence, found: tuple[Concern, ...]) -> str:
    """How the result is to be shown: `bad`, `warn` or `ok`."""
    if any(concern.role == "bad" for concern in found):
        return "bad"
    return "warn" if found or evidence.finished_at is None else "ok"


def _of_run(evidence: Evidence) -> Iterator[Concern]:
    if evidence.damage:
        yield Concern("damaged", "bad", f"{evidence.damage}; what is told here is what stands before it")
    if evidence.rollback is not None:
        back = evidence.rollback
        yield Concern("rolled back", "bad", back.reason or "no reason given", at=back.at, by=back.by)
    if evidence.why_unreadable:
        yield Concern("no checklist", "bad", f"it cannot be read now: {evidence.why_unreadable}")
    elif evidence.digest_now != evidence.digest:
        yield Concern(
            "file changed", "warn", "the checklist is another one now than when the run last read it"
        )
    digests = list(dict.fromkeys(session.digest for session in evidence.sessions))
    if len(digests) > 1:
        text = f"the run worked with {len(digests)} versions of the checklist, one after the other"
        yield Concern("file changed", "warn", text)
    if evidence.torn_bytes:
        text = f"{counted(evidence.torn_bytes, 'byte')} behind the journal's last record: a write under way, or torn off"
        yield Concern("torn write", "warn", text)
    for gate in evidence.gates if evidence.rollback is None else ():
        if gate.stand != Stand.HOLDS:
            word = "gate" if gate.kind == SectionKind.GATES else "criteria"
            yield Concern(word, "bad" if gate.stand == Stand.FAILS else "warn", gate.sentence)
    if evidence.left_open:
        text = f"{counted(len(evidence.left_open), 'step')} open when the run was closed"
        yield Concern("left open", "warn", f"{text}: {', '.join(evidence.left_open[:LISTED_MAX])}")
    if evidence.finished_at is None:
        yield Concern("not closed", "warn", "nobody has closed the run by an explicit act")
    for session in evidence.sessions[:-1]:
        if not session.in_order:
            text = "a session ended without being left: the app or the machine was stopped"
            yield Concern("interrupted", "warn", text, at=session.until, by=session.by)
    for act in evidence.survived:
        yield Concern("survived", "warn", act.text, at=act.at, by=act.by)


_OPEN = {
    Status.FAILED: ("failed", "bad"),
    Status.UNKNOWN: ("unknown", "bad"),
    Status.UNDECIDED: ("undecided", "warn"),
    Status.CHANGED: ("changed", "warn"),
    Status.RUNNING: ("running", "warn"),
}


def _of_step(step: Step) -> Iterator[Concern]:
    def concern(what: str, role: str, text: str, at: float = 0.0, by: str = "") -> Concern:
        return Concern(what, role, text, step.title, step.id, at or step.at, by or step.by)

    for attempt in step.attempts:
        if attempt.watch is not None:
            watch = attempt.watch
            for firing in watch.fired:
                yield concern("fired", "bad", _joined(firing.reason, firing.value), firing.at)
    last = step.attempts[-1].watch if step.attempts else None
    if step.status is Status.RUNNING and last is not None:
        text = f"its watch is not over: {duration(last.observed_s)} of {duration(last.watch_s)} observed"
        yield concern("watching", "warn", text)
    elif step.status in _OPEN:
        what, role = _OPEN[step.status]
        why = step.verdict.reason if step.verdict is not None else ""
        yield concern(what, role, why or step.reason or "a person decides")
    if step.status is Status.TODO and step.is_mandatory:
        yield concern("open", "warn", "a mandatory step was not carried out")
    if step.override:
        word = "skipped, though mandatory" if step.status is Status.SKIPPED else "ticked against its verdict"
        yield concern("override", "warn", f"{word}: {step.reason}")
    elif step.status is Status.SKIPPED and not step.is_passed_over:
        yield concern("skipped", "warn", step.reason or "no reason given")
    for attempt in step.attempts:
        yield from _of_attempt(concern, step, attempt)
    if step.is_gone:
        yield concern("gone", "warn", "the file no longer has this step")
    elif step.is_changed and step.status is not Status.CHANGED and step.attempts:
        yield concern("text changed", "warn", "its text is another one now than when it was carried out")


def _of_attempt(concern: Callable[..., Concern], step: Step, attempt: Attempt) -> Iterator[Concern]:
    number, at, by = f"attempt {attempt.number}", attempt.started_at, attempt.by
    if attempt.ending == LOST and step.status is not Status.UNKNOWN:
        yield concern("was lost", "warn", f"{number}: {attempt.reason}", at, by)
    if attempt.ending == NEVER_STARTED:
        yield concern("not started", "warn", f"{number} never began: {attempt.reason}", at, by)
    is_last = attempt is step.attempts[-1]
    verdict = attempt.verdict
    if attempt.ending == FINISHED and verdict is not None and not verdict.is_good and not is_last:
        yield concern(f"was {verdict.outcome}", "warn", f"{number}: {verdict.reason}", at, by)
    if attempt.is_edited:
        yield concern("edited", "warn", f"{number}: the command was edited before it ran", at, by)
    if attempt.output.why_missing:
        yield concern("no output", "warn", f"{number}: {attempt.output.why_missing}", at, by)
    watch = attempt.watch
    if watch is not None and (watch.gap_s or watch.gaps_count):
        gaps = counted(max(watch.gaps_count, len(watch.gaps)), "gap")
        text = f"{gaps}, {duration(watch.gap_s)} not observed, {duration(watch.observed_s)} observed"
        yield concern("gap", "warn", text, at, by)
    if watch is not None and attempt.why in ("stopped", "turned back", "run finished"):
        text = f"ended before its time ({attempt.why}) after {duration(watch.observed_s)} of {duration(watch.watch_s)}"
        yield concern("watch ended", "warn", _joined(text, attempt.reason), at, by)


def _joined(text: str, more: str) -> str:
    return f"{text} ({more})" if more else text
