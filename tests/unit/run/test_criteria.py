"""How a criterion stands: it holds by its evidence or by a person's word, and never otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.build import checklist, section, state_after, step
from support.criteria import DAY_S, evidence, ran, record, verdict, watched

from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.checklist.model import Checklist, SectionKind, Step, StepFacts
from orion_deploy.kinds.verdict import Outcome
from orion_deploy.run import events as ev
from orion_deploy.run.criteria import Criterion, Stand, look
from orion_deploy.run.evidence import judge, under_way
from orion_deploy.run.state import RunState, Status
from orion_deploy.run.watches.record import WatchRecord

HOUR_S = 3600.0
CALL = StepFacts(check=KindCall("sqlite.schema", {"path": "x"}))
ASKED = StepFacts(check=KindCall("people.confirm", {"question": "?"}), needs=("b",))


def book(
    *criteria: Step, title: str = "Success criteria", kind: SectionKind = SectionKind.CRITERIA
) -> Checklist:
    """A deployment `deploy`, two steps `a` and `b` that look, and these criteria."""
    return checklist(
        section("Work", step("deploy", "make deploy")),
        section("Post-deployment", step("a", "grep x"), step("b")),
        section("Rollback", step("back", "undo"), kind=SectionKind.ROLLBACK),
        section(title, *criteria, kind=kind),
    )


def criterion(
    of: Step,
    *events: ev.Event,
    now: float = 5000.0,
    records: tuple[WatchRecord, ...] = (),
    title: str = "Success criteria",
) -> Criterion:
    """How the only criterion stands after these events, which begin at 1000."""
    (found,) = look(book(of, title=title), state_after(*events), records, now=now)
    return found


PASSED = evidence("c", "passed", steps=["a"])


def decided(outcome: str = "passed", attempt: int = 1, said_of: str = "1 done") -> tuple[ev.Event, ...]:
    """The criterion was decided from evidence that stood so."""
    events: tuple[ev.Event, ...] = (
        ev.Started(step="c", attempt=attempt),
        ev.Finished(step="c", attempt=attempt, verdict=verdict(outcome, evidence={"a": said_of})),
    )
    return (*events, ev.Ticked(step="c", auto=True)) if outcome == "passed" else events


@pytest.mark.parametrize(
    ("of", "events", "stand", "words"),
    [
        (PASSED, (), Stand.OPEN, "`a` was not carried out yet"),
        (PASSED, ran("a"), Stand.OPEN, "it can be decided now"),
        (PASSED, (*ran("a"), *decided()), Stand.HOLDS, "seen"),
        (PASSED, (*ran("a", "failed"), *decided("failed", said_of="1 failed")), Stand.FAILS, "seen"),
        (PASSED, (ev.Ticked(step="c", override="I looked"),), Stand.HOLDS, "against the evidence: I looked"),
        (PASSED, (ev.Skipped(step="c", reason="not today"),), Stand.OPEN, "passed over: not today"),
        (PASSED, (ev.Skipped(step="c", reason="not applicable: when x"),), Stand.HOLDS, "not applicable"),
        (
            PASSED,
            (*ran("a"), *decided(), ev.RollbackEntered(reason="slow")),
            Stand.FAILS,
            "turned back: slow",
        ),
        (step("c"), (), Stand.PERSON, "a person says so"),
        (step("c"), (ev.Ticked(step="c", value="all fine"),), Stand.HOLDS, "a person's word: all fine"),
        (step("c", facts=ASKED), (), Stand.OPEN, "it needs `b` (todo)"),
        (step("c", facts=ASKED), (ev.Ticked(step="b"),), Stand.PERSON, "a person says so"),
        (step("c", facts=CALL), (), Stand.OPEN, "a check that was not carried out"),
        (step("c", facts=CALL), ran("c"), Stand.HOLDS, "seen"),
        (step("c", facts=CALL), ran("c", "failed"), Stand.FAILS, "seen"),
        (step("c", facts=CALL), ran("c", "undecided"), Stand.PERSON, "a person decides: seen"),
        (step("c", facts=CALL), (ev.Started(step="c", attempt=1),), Stand.OPEN, "it is running"),
        (
            step("c", "true"),
            (ev.Started(step="c", attempt=1), ev.Lost(step="c", attempt=1)),
            Stand.PERSON,
            "a person",
        ),
    ],
)
def test_how_it_stands(of: Step, events: tuple[ev.Event, ...], stand: Stand, words: str) -> None:
    """Each way in which a criterion can stand, with its reason."""
    found = criterion(of, *events)
    assert found.stand is stand, found
    assert words in found.why


def test_who_said_it_and_when_is_kept() -> None:
    """A person's word has a name and a time; a verdict says so too, and what it saw."""
    word = criterion(step("c"), ev.Ticked(step="c", value="12 requests", by="bea@host", at=1234.0))
    assert (word.by, word.at, word.by_person, word.value) == ("bea@host", 1234.0, True, "12 requests")
    told = criterion(PASSED, *ran("a"), *decided())
    assert (told.by, told.by_person) == ("ann@host", False)
    assert told.at is not None


@pytest.mark.parametrize(
    "later",
    [
        (ev.WatchStarted(step="a", attempt=2, watch_s=DAY_S),),
        watched("a", attempt=2),
        ran("a", attempt=2),
        (ev.Unticked(step="a"),),
        ran("a", "failed", attempt=2),
    ],
)
def test_what_was_decided_is_out_of_date_when_its_evidence_changed(later: tuple[ev.Event, ...]) -> None:
    """A watch started again, a step that ran again, a tick taken back: it no longer holds, and says why."""
    found = criterion(PASSED, *ran("a"), *decided(), *later)
    assert found.stand is Stand.OPEN
    assert found.is_outdated
    assert "out of date: `a`" in found.why
    assert found.by == "ann@host"
    again = criterion(
        PASSED, *ran("a", "failed"), *decided("failed", said_of="1 failed"), *ran("a", attempt=2)
    )
    assert (again.stand, again.is_outdated, again.can_be_decided) == (Stand.OPEN, True, True)


def test_a_word_is_out_of_date_when_what_it_needs_ran_again() -> None:
    """What a person said of a step that ran again since was said of another one."""
    of = step("c", facts=ASKED)
    said = (*ran("b"), ev.Ticked(step="c"))
    assert criterion(of, *said).stand is Stand.HOLDS
    again = criterion(of, *said, *ran("b", attempt=2))
    assert (again.stand, again.is_outdated) == (Stand.PERSON, True)


def test_a_watch_says_when() -> None:
    """A criterion of a watch under way is due when the watch is; so is one that needs it."""
    events = (ev.WatchStarted(step="a", attempt=1, watch_s=DAY_S),)
    looked = record("a", 3000.0, HOUR_S)
    due_at = 3000.0 + DAY_S - HOUR_S
    assert criterion(PASSED, *events, records=(looked,), now=3000.0).due_at == due_at
    later = criterion(PASSED, *events, records=(looked,), now=9000.0)
    assert later.due_at == due_at + 6000.0  # nobody has looked since
    needing = criterion(
        evidence("c", "passed", needs=("a",), steps=["b"]), *events, records=(looked,), now=3000.0
    )
    assert (needing.due_at, needing.waits_for) == (due_at, ("a",))
    both = evidence("c", "passed", steps=["a", "b"])
    assert criterion(both, *events, records=(looked,)).due_at is None


class TestWords:
    """What an unmodified checklist says in words."""

    DEPLOYED = (
        ev.Started(step="deploy", attempt=1, at=1000.0),
        ev.Finished(
            step="deploy", attempt=1, at=1060.0, started_at=1000.0, duration_s=60.0, verdict=verdict()
        ),
        ev.Ticked(step="deploy", at=1070.0),
    )
    DUE_AT = 1060.0 + DAY_S
    AFTER = step("c", title="No issues after 24 hours")

    def test_it_is_open_until_its_time_has_come(self) -> None:
        """Counted from the first good end of the last command of the deployment; then a person can say so."""
        before = criterion(self.AFTER, *self.DEPLOYED, now=self.DUE_AT - 1)
        assert (before.stand, before.due_at, before.asks_person) == (Stand.OPEN, self.DUE_AT, True)
        assert "“after 24 hours”" in before.why
        assert criterion(self.AFTER, *self.DEPLOYED, now=self.DUE_AT).stand is Stand.PERSON

    def test_what_comes_after_the_deployment_moves_nothing(self) -> None:
        """Looks at the log, a day later, and a second look by the deployment's own step, do not begin the day anew."""
        later = ran("a") + ran("deploy", attempt=2)
        moved = tuple(replace(event, at=90_000.0) for event in later)
        assert criterion(self.AFTER, *self.DEPLOYED, *moved).due_at == self.DUE_AT

    def test_without_a_deployment_it_waits_for_one(self) -> None:
        """As long as nothing was settled there is no time from which to count."""
        found = criterion(self.AFTER)
        assert (found.stand, found.due_at) == (Stand.OPEN, None)
        assert "counts from the end of the deployment" in found.why

    def test_the_words_of_the_section_only_hold_back_what_must_wait(self) -> None:
        """`Within 24h`: a message can be answered at once; that no error came cannot be known."""
        title = "Required (within 24h monitoring period)"
        once = criterion(step("c", title="A message is answered"), *self.DEPLOYED, title=title)
        assert (once.stand, once.due_at) == (Stand.PERSON, self.DUE_AT)
        never = criterion(step("c", title="No error in the log"), *self.DEPLOYED, title=title)
        assert (never.stand, never.due_at) == (Stand.OPEN, self.DUE_AT)


def test_mandatory_steps_before_hold_it_back_and_criteria_hold_each_other_not() -> None:
    """What must be done before is named; the order of criteria means nothing."""
    first, second = replace(PASSED, id="d", mandatory=True), replace(PASSED, mandatory=True)
    with_work = checklist(
        section("Work", step("deploy", "x", mandatory=True), step("a")),
        section("Gates", first, second, kind=SectionKind.GATES),
    )
    blocked = look(with_work, state_after(*ran("a")), now=1.0)
    assert [c.waits_for for c in blocked] == [("deploy",), ("deploy",)]
    free = look(with_work, state_after(*ran("deploy"), *ran("a")), now=1.0)
    assert [c.can_be_decided for c in free] == [True, True]


def test_only_criteria_gates_and_evidence_are_judged() -> None:
    """Steps of other sections are none, unless they are decided from evidence; the way back stays its own."""
    back = evidence("shown", "passed", steps=["back"])
    whole = checklist(
        section("Work", step("deploy"), evidence("e", "passed", steps=["deploy"])),
        section("Rollback", step("back"), back, kind=SectionKind.ROLLBACK),
        section("Gates", step("g"), kind=SectionKind.GATES),
    )
    state = state_after(ev.RollbackEntered(reason="r"), *ran("back"))
    found = {c.step: c.stand for c in look(whole, state, now=1.0)}
    assert found == {"e": Stand.FAILS, "shown": Stand.OPEN, "g": Stand.FAILS}


EVENTS = st.sampled_from(
    [
        *ran("a"),
        *ran("a", "failed", attempt=2),
        *watched("a", attempt=3),
        *watched("a", "stopped", attempt=4),
        *decided(),
        *decided("failed", attempt=2),
        *decided(said_of="2 done"),
        ev.Ticked(step="a"),
        ev.Ticked(step="a", override="x"),
        ev.Ticked(step="c"),
        ev.Ticked(step="c", override="x"),
        ev.Unticked(step="a"),
        ev.Unticked(step="c"),
        ev.Skipped(step="a", reason="x"),
        ev.Skipped(step="c", reason="x"),
        ev.Lost(step="a", attempt=1),
        ev.Resolved(step="a", how="done", reason="x"),
        ev.Resolved(step="c", how="failed", reason="x"),
        ev.RollbackEntered(reason="x"),
    ]
)


@given(st.lists(EVENTS, max_size=14))
def test_nothing_holds_without_its_evidence(events: list[ev.Event]) -> None:
    """Whatever happened: what holds was ticked by a verdict that passed and whose evidence is as it was, or by a person."""
    state = state_after(*events)
    (found,) = look(book(PASSED), state, now=9000.0)
    own = state.step("c")
    if found.stand is Stand.HOLDS:
        assert own.status is Status.DONE
        assert found.by
        assert found.at is not None
        assert state.rollback_at is None
        if not found.by_person:
            assert _evidence(state) is Outcome.PASSED
            assert own.verdict is not None
            assert own.verdict.outcome is Outcome.PASSED
    if found.can_be_decided and state.rollback_at is None:
        assert _evidence(state) is not Outcome.UNDECIDED


def _evidence(state: RunState) -> Outcome:
    call = PASSED.facts.check
    assert call is not None
    return judge({"a"}, state, call, under_way(state, ())).verdict.outcome
