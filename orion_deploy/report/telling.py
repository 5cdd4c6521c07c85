"""What the pages tell of each part, as labels and texts: Markdown and HTML differ in their marks alone. Pure.

Texts are still hostile: a page makes them safe when it writes them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from orion_deploy.checklist.model import SectionKind
from orion_deploy.kinds.sqlite.way_facts import WayBack
from orion_deploy.kinds.sqlite.way_facts import told as told_of_way
from orion_deploy.kinds.verdict import Json, Verdict
from orion_deploy.report.evidence import Attempt, Evidence, Rollback, Section, Session, Step, Watch
from orion_deploy.run.criteria import Stand
from orion_deploy.run.gates import STANDS, value_words
from orion_deploy.run.state import FINISHED, LOST, NEVER_STARTED, Status
from orion_deploy.run.triggers import of_facts
from orion_deploy.run.watches.record import Firing, Gap
from orion_deploy.run.words import OUTCOMES, SIGNS, Sign, counted, duration, size

Fact = tuple[str, str]
"""A label, and what there is to say."""
DIGEST_SHOWN = 12
_NO_TIME = (OverflowError, ValueError, OSError)
"""What the clock of a broken machine makes of `localtime`."""
OVERRIDDEN = Sign("!", "overridden", "warn")
NOT_APPLICABLE = Sign("-", "not applicable", "dim")
_TOLD_OF_WATCH = frozenset({"observed_s", "gap_s", "gaps", "fired", "unit"})
_TOLD_OF_SHELL = frozenset({"exit_status", "signal", "why", "reached_end"})
NOT_TURNED_BACK = "The run did not turn back: nothing of this was carried out."
KIND_WORDS = {"steps": "", "rollback": "rollback", "criteria": "criteria", "gates": "gates", "notes": "notes"}


class Clock:
    """Times as a reader wants them: the day only where it is not that of the run's start, the zone only once."""

    def __init__(self, start: float) -> None:
        try:
            day = time.localtime(start)
        except _NO_TIME:
            day = time.localtime(0)
        self._day, self._offset = day[:3], day.tm_gmtoff

    def __call__(self, at: float) -> str:
        """`22:31:07`, `2026-01-30 06:02:11`; with its offset where clocks were changed since the start."""
        try:
            then = time.localtime(at)
        except _NO_TIME:
            return f"{at:g} s"
        form = "%H:%M:%S" if then[:3] == self._day else "%Y-%m-%d %H:%M:%S"
        return time.strftime(form if then.tm_gmtoff == self._offset else f"{form} %z", then)

    @staticmethod
    def full(at: float) -> str:
        """`2026-01-29 22:31:07 +0100`."""
        try:
            return time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(at)) if at else "not known"
        except _NO_TIME:
            return f"{at:g} s since 1970"


def sign_of(step: Step) -> Sign:
    """The status of a step as glyph, word and role."""
    if step.override:
        return OVERRIDDEN
    if step.is_passed_over:
        return NOT_APPLICABLE
    if step.criterion is not None and step.status not in (Status.SKIPPED, Status.RUNNING, Status.UNKNOWN):
        return STANDS[step.criterion.stand]
    return SIGNS[step.status]


def head_facts(evidence: Evidence, clock: Clock) -> Iterator[Fact]:
    """The run in a few lines."""
    yield "Run", evidence.mark.run
    yield "Begun", clock.full(evidence.started_at)
    if evidence.finished_at is not None:
        took = duration(max(0.0, evidence.finished_at - evidence.started_at))
        why = f": {evidence.finish_reason}" if evidence.finish_reason else ""
        yield "Closed", f"{clock.full(evidence.finished_at)}, after {took}{why}"
    else:
        yield "Last", clock.full(evidence.last_at)
    if evidence.held_by:
        yield "Held by", f"{evidence.held_by}, who works on it while this is written"
    yield "By", ", ".join(evidence.operators) or "nobody"
    machines = dict.fromkeys(session.machine for session in evidence.sessions if session.machine)
    yield "On", ", ".join(machines) or "not known"
    if evidence.cwd:
        yield "In", evidence.cwd
    yield "Checklist", f"{evidence.checklist}, sha256 {evidence.digest[:DIGEST_SHOWN] or 'not known'}"
    if evidence.commit:
        yield "Commit", evidence.commit[:DIGEST_SHOWN]
    yield "Steps", count_words(evidence.counts)
    for gate in evidence.gates:
        yield "Gate" if gate.kind == SectionKind.GATES else "Criteria", gate.sentence
    yield from evidence.metadata.items()


def count_words(counts: Mapping[str, int]) -> str:
    """`12 of 14 done, 2 skipped`, of the path that the run is on."""
    names = ("skipped", "not_applicable", "failed", "unknown", "undecided", "running", "changed", "open")
    rest = "".join(f", {counts[name]:,} {name.replace('_', ' ')}" for name in names if counts.get(name))
    overrides = counts.get("overrides", 0)
    more = f", {counted(overrides, 'override')}" if overrides else ""
    return f"{counts.get('done', 0):,} of {counts.get('total', 0):,} done{rest}{more}"


def is_untouched_way_back(section: Section) -> bool:
    """Whether it is a way back that nobody went: there is nothing to tell of its steps."""
    is_back = section.kind == SectionKind.ROLLBACK
    return is_back and all(s.status is Status.TODO and not has_detail(s) for s in section.steps)


def value_of(step: Step) -> str:
    """What was seen: the person's word, else the verdict's value."""
    if step.criterion is not None and (words := value_words(step.criterion)):
        return words
    return step.value or (step.verdict.value if step.verdict is not None else "")


def why_of(step: Step) -> str:
    """Why the step stands where it stands, where that needs a word."""
    if step.override or step.status is Status.SKIPPED:
        return step.reason
    if step.criterion is not None:
        due_at = step.criterion.due_at
        is_open = step.criterion.stand in (Stand.OPEN, Stand.PERSON)
        due = f" (due {Clock.full(due_at)})" if due_at is not None and is_open else ""
        return f"{step.criterion.why}{due}"
    if step.status in (Status.FAILED, Status.UNKNOWN, Status.UNDECIDED):
        return step.verdict.reason if step.verdict is not None else step.reason
    return step.reason


def took(step: Step) -> str:
    """How long the step's attempts took; of a watch how long it was observed."""
    watches = [a.watch for a in step.attempts if a.watch is not None]
    if watches:
        return f"{duration(watches[-1].observed_s)} of {duration(watches[-1].watch_s)}"
    return duration(step.duration_s) if any(a.duration_s is not None for a in step.attempts) else ""


def by_whom(step: Step) -> str:
    """Who settled the step: a person, or the step's own verdict under that person."""
    return f"{step.by} (verdict)" if step.auto and step.by else step.by


def has_detail(step: Step) -> bool:
    """Whether there is more to say of a step than its row says."""
    return bool(step.attempts or step.acts or step.notes or step.looks)


def step_facts(step: Step, clock: Clock) -> Iterator[Fact]:
    """What there is to say of a step, its attempts left out."""
    what = f"{step.kind} ({step.parameters})" if step.parameters else step.kind
    if what:
        yield "What", what
    for text in step.expected:
        yield "Expected", text
    if step.option:
        yield "Taken", step.option
    for act in step.acts:
        text = f": {act.text}" if act.text else ""
        yield clock(act.at), f"{act.what} by {act.by or 'nobody'}{text}"
    for look in step.looks:
        word = OUTCOMES[look.verdict.outcome].word if look.verdict is not None else "not finished"
        reason = f": {look.verdict.reason}" if look.verdict is not None else ""
        yield clock(look.at), f"looked with {look.what} what became of attempt {look.attempt}: {word}{reason}"


def attempt_sign(attempt: Attempt) -> Sign:
    """How an attempt came out."""
    if attempt.ending == FINISHED and attempt.verdict is not None:
        return OUTCOMES[attempt.verdict.outcome]
    signs = {
        LOST: Sign("?", "lost", "bad"),
        NEVER_STARTED: Sign("·", "never started", "dim"),
        FINISHED: Sign("✓", "finished", "dim"),
    }
    return signs.get(attempt.ending, SIGNS[Status.RUNNING])


def attempt_facts(attempt: Attempt, clock: Clock, cwd: str) -> Iterator[Fact]:
    """What there is to say of an attempt, its output left out; its folder where it is not `cwd`, the run's."""
    ended = f", took {duration(attempt.duration_s)}" if attempt.duration_s is not None else ""
    block = f", block {attempt.block + 1}" if attempt.block else ""
    yield "When", f"{clock(attempt.started_at)} by {attempt.by}{ended}{block}"
    if attempt.verdict is not None:
        yield "Why", attempt.verdict.reason
        if attempt.verdict.value:
            yield "Value", attempt.verdict.value
        is_shell = attempt.what in ("command", "interactive")
        known = _TOLD_OF_WATCH if attempt.watch is not None else _TOLD_OF_SHELL if is_shell else frozenset()
        yield from values_of(attempt.verdict, known)
    if attempt.reason:
        yield "Reason", attempt.reason
    if attempt.watch is None and (ending := _ending(attempt)):
        yield "Ended", ending
    if attempt.is_adopted:
        yield "Taken in", "by a later session than the one that started it"
    if attempt.carried:
        yield "Left", f"for later steps: {', '.join(attempt.carried)}"
    if attempt.cwd != cwd and attempt.cwd:
        yield "In", attempt.cwd
    if attempt.script_sha256:
        yield "Script", f"sha256 {attempt.script_sha256[:DIGEST_SHOWN]}"
    if attempt.output.total_bytes:
        proof = f", sha256 {attempt.output_sha256[:DIGEST_SHOWN]}" if attempt.output_sha256 else ""
        yield "Output", f"{size(attempt.output.total_bytes)}{proof}"


def _ending(attempt: Attempt) -> str:
    parts = []
    if attempt.why:
        parts.append("out of time" if attempt.why == "timeout" else attempt.why)
    if attempt.exit_status is not None:
        parts.append(f"exit status {attempt.exit_status}")
    if attempt.signal:
        parts.append(f"signal {attempt.signal}")
    return ", ".join(parts)


def values_of(verdict: Verdict, told: frozenset[str] = frozenset()) -> Iterator[Fact]:
    """The values of a verdict, by their names; the unit is in the name. What is told elsewhere is left out."""
    for name, value in verdict.values.items():
        if value not in ("", None, [], {}) and name not in told:
            yield name, shown(value)


def shown(value: Json) -> str:
    """A value of JSON as a person reads it."""
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.1f}"
        case None:
            return "not known"
        case list():
            return ", ".join(shown(item) for item in value) or "none"
        case dict():
            return ", ".join(f"{name} {shown(item)}" for name, item in value.items()) or "none"
        case str():
            return value


def watch_facts(watch: Watch, clock: Clock) -> Iterator[Fact]:
    """What a watch saw."""
    still = (
        f", still open, ends {clock(watch.due_at)} at the earliest" if watch.is_open and watch.due_at else ""
    )
    yield "Watched", f"{duration(watch.observed_s)} of {duration(watch.watch_s)}{still}"
    if watch.looks:
        yield "Looks", f"{watch.looks:,}"
    if watch.value is not None:
        yield "Last value", quantity(watch.value, watch.unit)
    if watch.points:
        low, high = min(p.low for p in watch.points), max(p.high for p in watch.points)
        yield "Range", f"{quantity(low, watch.unit)} to {quantity(high, watch.unit)}"
    if watch.limit is not None:
        yield "Limit", quantity(watch.limit, watch.unit)
    if watch.shown:
        yield "Seen", watch.shown
    if watch.gaps_count or watch.gap_s:
        yield "Not observed", f"{duration(watch.gap_s)} in {counted(watch.gaps_count, 'gap')}"
    if watch.fired_count:
        yield "Fired", counted(watch.fired_count, "time")


def quantity(value: float, unit: str) -> str:
    """`1.8 ms`."""
    return f"{value:,.4g} {unit}".rstrip()


def gap_words(gap: Gap, clock: Clock) -> str:
    """One gap: from when to when, how long, why."""
    length = duration(gap.length_s) if gap.length_s is not None else "how long is not known"
    return f"{clock(gap.at)} to {clock(gap.until)}, {length}: {gap.why}"


def firing_words(firing: Firing, clock: Clock) -> str:
    """One reason to turn back."""
    until = f" until {clock(firing.until)}" if firing.until is not None else ""
    value = f" ({firing.value})" if firing.value else ""
    return f"{clock(firing.at)}{until}: {firing.reason}{value}"


def rollback_facts(back: Rollback, clock: Clock) -> Iterator[Fact]:
    """Why the run turned back, what was known then, and by which way it went."""
    yield "Entered", f"{clock.full(back.at)} by {back.by or 'nobody'}"
    yield "Reason", back.reason or "none was given"
    for title, firing in back.fired:
        yield "Had fired", f"{title}: {firing_words(firing, clock)}"
    for title in back.failed:
        yield "Stood failed", title
    for way in back.ways:
        yield "Way", way
    for act in back.again:
        yield "Entered again", f"{clock(act.at)} by {act.by}: {act.text or 'no reason given'}"
    yield from _known_then(back.facts, clock)


def _known_then(facts: Mapping[str, Json], clock: Clock) -> Iterator[Fact]:
    """What was known of the databases; what cannot be understood is told as it is."""
    rest = dict(facts)
    databases = rest.pop("databases", None)
    if isinstance(databases, list):
        for data in databases:
            try:
                assert isinstance(data, dict)
                for fact in told_of_way(WayBack.from_json(data), clock):
                    yield fact.label, fact.text
            except (TypeError, ValueError, AssertionError):
                yield "Database", shown(data)
    follows = rest.pop("follows", None)
    for sentence in follows if isinstance(follows, list) else ():
        yield "So", shown(sentence)
    rest.pop("triggers", None)
    for trigger in of_facts(facts):
        if not trigger.is_for_it:  # what spoke for it stands above
            yield f"Then {trigger.what.value}", f"{trigger.title}: {trigger.text}"
    at = rest.pop("at", None)
    if isinstance(at, int | float):
        yield "Seen at", clock(float(at))
    for name, value in rest.items():
        if value not in ("", None, [], {}):
            yield name, shown(value)


def session_words(session: Session, clock: Clock) -> str:
    """One session: from when to when, by whom, with what."""
    end = clock(session.until) + ("" if session.in_order else ", not left in order")
    commit = f", commit {session.commit[:DIGEST_SHOWN]}" if session.commit else ""
    return (
        f"{clock(session.at)} to {end}: {session.by} on {session.machine or 'an unknown machine'}, "
        f"orion-deploy {session.app or '(version not known)'}, process {session.pid}{commit}, "
        f"checklist {session.digest[:DIGEST_SHOWN]}"
    )


def record_facts(evidence: Evidence, clock: Clock) -> Iterator[Fact]:
    """What the evidence rests on, and what proves later that it was not altered."""
    yield "Checklist", f"sha256 {evidence.digest or 'not known'}"
    if evidence.digest_now and evidence.digest_now != evidence.digest:
        yield "Checklist now", f"sha256 {evidence.digest_now}"
    yield "Journal", f"{evidence.mark.records:,} records, the last with the hash {evidence.mark.hash}"
    yield "Run folder", evidence.directory
    yield (
        "Report made",
        f"{clock.full(evidence.made_at)}{f' by {evidence.made_by}' if evidence.made_by else ''}",
    )
    yield "Made by", f"orion-deploy {evidence.app} on {evidence.machine}"
    yield "To prove", "orion-deploy report FILE --run RUN --verify --against THIS_REPORT"
