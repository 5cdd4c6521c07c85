"""The fold: what each event does to a run, and what none of them may do."""

from __future__ import annotations

import gc
import time
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.build import state_after

from orion_deploy.kinds.verdict import Outcome, Verdict
from orion_deploy.run import events as ev
from orion_deploy.run.fold import BRANCHES, NEW, advance, fold
from orion_deploy.run.state import RunState, Status, StepState
from orion_deploy.run.working import WorkingRun, WorkingStep

PASSED = Verdict(Outcome.PASSED, "it reached its end").to_json()
FAILED = Verdict(Outcome.FAILED, "exit 3", "3").to_json()
UNSURE = Verdict(Outcome.UNDECIDED, "look at it").to_json()
NOT_APPLICABLE = Verdict(Outcome.NOT_APPLICABLE, "no such column").to_json()


def opened(**steps: str) -> ev.Opened:
    """The file as it was opened, with the digests of its steps."""
    return ev.Opened(checklist="a.md", digest="d1", cwd="/srv", commit="c1", steps=steps)


def started(step: str = "a", attempt: int = 1, **more: Any) -> ev.Started:
    """An attempt of a step."""
    return ev.Started(step=step, attempt=attempt, what="command", **more)


def finished(step: str = "a", attempt: int = 1, verdict: dict[str, Any] = PASSED, **more: Any) -> ev.Finished:
    """Its end."""
    return ev.Finished(step=step, attempt=attempt, verdict=verdict, **more)


def status_after(*events: ev.Event) -> Status:
    """Where step `a` stands after these events."""
    return state_after(*events).step("a").status


def test_every_event_type_has_a_branch() -> None:
    """An event type without a branch is a hole in the state: adding one without the other fails here."""
    assert set(BRANCHES) == set(ev.EVENT_TYPES)


def test_the_working_copies_have_the_fields_of_the_frozen_ones_in_their_order() -> None:
    """A field added to the state and not to its working copy would be lost, or land in another field."""
    assert [f.name for f in fields(WorkingStep)] == [f.name for f in fields(StepState)]
    assert [f.name for f in fields(WorkingRun)][: len(fields(RunState))] == [f.name for f in fields(RunState)]


def test_opened_tells_the_file_the_folder_and_that_a_session_is_open() -> None:
    """A session is on record as open until it leaves in good order."""
    run = state_after(opened(a="1", b="2"))
    assert (run.checklist, run.digest, run.cwd, run.commit, run.sessions) == ("a.md", "d1", "/srv", "c1", 1)
    assert dict(run.digests) == {"a": "1", "b": "2"}
    assert not run.in_order
    assert state_after(opened(), ev.Closed()).in_order
    assert not state_after(opened(), ev.Closed(), opened()).in_order


@pytest.mark.hazard("a tick faster than its command could run", half="ours")
def test_times_and_people_come_from_the_events() -> None:
    """The start is the first event's time, the end the last one's; who acted last stands last, each once."""
    run = fold(
        [
            replace(opened(), at=5.0, by="ann"),
            replace(ev.Noted(text="x"), at=6.0, by="bob"),
            replace(ev.Ticked(step="a"), at=7.0, by="ann"),
        ]
    )
    assert (run.sequence, run.started_at, run.last_at) == (3, 5.0, 7.0)
    assert run.operators == ("bob", "ann")
    assert (run.step("a").at, run.step("a").by) == (7.0, "ann")


def test_started_is_running_with_its_attempt() -> None:
    """From its start an attempt is on record with what it runs."""
    run = state_after(started(block=2, cwd="/x", script_sha256="ff", edited=True))
    step = run.step("a")
    attempt = step.attempts[0]
    assert (step.status, run.running, run.last_step) == (Status.RUNNING, ("a",), "a")
    assert (attempt.number, attempt.block, attempt.cwd, attempt.script_sha256) == (1, 2, "/x", "ff")
    assert attempt.edited
    assert attempt.ending == ""
    assert attempt.started_at == 1000.0


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        (PASSED, Status.UNDECIDED),
        (NOT_APPLICABLE, Status.UNDECIDED),
        (FAILED, Status.FAILED),
        (UNSURE, Status.UNDECIDED),
        ({}, Status.UNDECIDED),
    ],
)
def test_an_attempts_end_never_ticks_a_step(verdict: dict[str, Any], status: Status) -> None:
    """Only a tick makes a step done, however well its attempt came out."""
    run = state_after(started(), finished(verdict=verdict, exit_status=3, duration_s=2.5, carried=["X"]))
    attempt = run.step("a").attempts[0]
    assert run.step("a").status is status
    assert (attempt.ending, attempt.exit_status, attempt.duration_s) == ("finished", 3, 2.5)
    assert (attempt.finished_at, attempt.carried) == (1002.5, ("X",))
    assert run.step("a").verdict == (Verdict.from_json(verdict) if verdict else None)


@pytest.mark.hazard('"done" instead of the value', half="ours")
def test_a_tick_in_the_same_write_makes_the_step_done() -> None:
    """A step that ticks itself has the verdict's value and no person's name on the tick."""
    step = state_after(started(), finished(), ev.Ticked(step="a", auto=True, value="0 rows")).step("a")
    assert (step.status, step.auto, step.value, step.override) == (Status.DONE, True, "0 rows", False)


def test_further_blocks_leave_the_step_open_at_the_next_one() -> None:
    """A passed block moves the step to its next one; the last one leaves it to a person."""
    run = state_after(started(), finished(more=True))
    assert (run.step("a").status, run.step("a").blocks_done) == (Status.TODO, 1)
    run = fold([started(attempt=2, block=1), finished(attempt=2)], run)
    assert (run.step("a").status, run.step("a").blocks_done) == (Status.UNDECIDED, 2)
    assert status_after(started(), finished(more=True, verdict=FAILED)) is Status.FAILED
    assert state_after(started(), finished(more=True, verdict=FAILED)).step("a").blocks_done == 0


@pytest.mark.parametrize(
    ("before", "status"),
    [
        ((), Status.TODO),
        ((ev.Ticked(step="a"),), Status.DONE),
        ((ev.Skipped(step="a", reason="r"),), Status.SKIPPED),
        ((started(attempt=7), finished(attempt=7, verdict=FAILED)), Status.FAILED),
        ((opened(a="1"), ev.Ticked(step="a"), opened(a="2")), Status.CHANGED),
    ],
)
def test_an_attempt_that_never_started_leaves_the_step_as_it_was(
    before: tuple[ev.Event, ...], status: Status
) -> None:
    """What provably did not happen changes nothing but the record that it was tried."""
    run = state_after(*before, started(attempt=8), ev.NeverStarted(step="a", attempt=8))
    step = run.step("a")
    assert step.status is status
    assert step.attempts[-1].ending == "never started"
    was = state_after(*before).step("a")
    assert (step.verdict, step.reason, step.ticked_digest) == (was.verdict, was.reason, was.ticked_digest)


def test_a_file_that_changed_while_the_attempt_was_open_is_seen_when_it_never_started() -> None:
    """The status that comes back is compared with the file as it is now."""
    events = (opened(a="1"), ev.Ticked(step="a"), started(), opened(a="2"))
    assert status_after(*events, ev.NeverStarted(step="a", attempt=1)) is Status.CHANGED


def test_a_lost_attempt_makes_the_step_unknown_and_says_why() -> None:
    """What is not known is called unknown, with the reason."""
    step = state_after(ev.Ticked(step="a"), started(), ev.Lost(step="a", attempt=1, reason="reboot")).step(
        "a"
    )
    assert (step.status, step.reason, step.attempts[0].ending) == (Status.UNKNOWN, "reboot", "lost")
    assert step.ticked_digest == ""


@pytest.mark.parametrize(
    ("how", "status"), [("done", Status.DONE), ("failed", Status.FAILED), ("rerun", Status.TODO)]
)
def test_a_person_resolves_what_is_unknown(how: str, status: Status) -> None:
    """Done, failed or run again, with the reason kept."""
    step = state_after(
        opened(a="1"),
        started(),
        ev.Lost(step="a", attempt=1),
        ev.Resolved(step="a", how=how, reason="looked at the database"),
    ).step("a")
    assert (step.status, step.reason) == (status, "looked at the database")
    assert step.ticked_digest == ("1" if how == "done" else "")


def test_an_unknown_resolution_is_refused() -> None:
    """No event can be recorded whose meaning is not known."""
    with pytest.raises(ValueError, match="no way to resolve"):
        advance(NEW, ev.Resolved(step="a", how="maybe"))


def test_a_late_end_does_not_overrule_a_person() -> None:
    """An orphan's end that is found after a person decided is evidence, and decides nothing."""
    events = (started(), ev.Lost(step="a", attempt=1), ev.Resolved(step="a", how="done", reason="r"))
    run = state_after(*events, finished(verdict=FAILED, adopted=True))
    assert run.step("a").status is Status.DONE
    assert run.step("a").reason == "r"
    assert run.step("a").attempts[0].adopted
    assert status_after(started(), ev.Lost(step="a", attempt=1), finished(verdict=FAILED)) is Status.FAILED


def test_the_end_of_an_earlier_attempt_does_not_end_the_one_under_way() -> None:
    """Attempts are told apart by their number."""
    run = state_after(started(attempt=1), started(attempt=2), finished(attempt=1, verdict=FAILED))
    assert run.step("a").status is Status.RUNNING
    assert [a.ending for a in run.step("a").attempts] == ["finished", ""]
    assert run.step("a").verdict is None


def test_running_a_done_step_again_takes_its_tick() -> None:
    """After a new attempt the old tick says nothing any more."""
    step = state_after(ev.Ticked(step="a", override="r", value="v"), started(), finished()).step("a")
    assert (step.status, step.override, step.reason, step.value) == (Status.UNDECIDED, False, "", "")


def test_a_tick_against_the_facts_is_an_override_with_its_reason() -> None:
    """The result can count overrides, and name them."""
    step = state_after(ev.Ticked(step="a", override="seen by hand", value="7")).step("a")
    assert (step.status, step.override, step.reason, step.value) == (Status.DONE, True, "seen by hand", "7")


def test_unticking_opens_the_step_and_keeps_its_history() -> None:
    """What ran stays on record; what was said of it is taken back."""
    step = state_after(started(), finished(more=True), ev.Ticked(step="a"), ev.Unticked(step="a")).step("a")
    assert (step.status, step.blocks_done, step.reason, step.ticked_digest) == (Status.TODO, 0, "", "")
    assert len(step.attempts) == 1


def test_a_skip_has_its_reason_and_may_be_an_override() -> None:
    """Of a mandatory step a skip is an override."""
    step = state_after(ev.Skipped(step="a", reason="no replica here", override=True)).step("a")
    assert (step.status, step.reason, step.override) == (Status.SKIPPED, "no replica here", True)


@pytest.mark.parametrize("act", [ev.Ticked(step="a"), ev.Skipped(step="a", reason="r")])
def test_a_settled_step_whose_text_changes_is_changed_until_the_text_returns(act: ev.Event) -> None:
    """A tick was said of a text: another text has no tick, and the same text has it back."""
    run = state_after(opened(a="1", b="1"), act)
    settled = run.step("a").status
    run = advance(run, opened(a="2"))
    assert run.step("a").status is Status.CHANGED
    assert run.step("b").status is Status.TODO
    assert advance(run, opened(b="9")).step("a").status is Status.CHANGED
    assert advance(run, opened(a="1")).step("a").status is settled
    again = fold([ev.Ticked(step="a"), opened(a="1")], run)
    assert again.step("a").status is Status.CHANGED
    assert advance(run, ev.Ticked(step="a")).step("a").status is Status.DONE


def test_what_is_not_settled_is_not_changed_by_an_edit() -> None:
    """An edited file says nothing about a step that failed, runs, or is unknown."""
    for events in (
        (started(),),
        (started(), finished(verdict=FAILED)),
        (started(), ev.Lost(step="a", attempt=1)),
    ):
        before = state_after(opened(a="1"), *events)
        assert advance(before, opened(a="2")).step("a") == before.step("a")


def test_opening_does_not_move_the_operator() -> None:
    """Where the operator was is told by acts, not by an edited file."""
    run = state_after(opened(a="1", b="1"), ev.Ticked(step="a"), ev.Noted(step="b", text="x"), opened(a="2"))
    assert run.last_step == "b"


def test_a_step_that_left_the_file_is_gone_until_it_returns() -> None:
    """State of steps outlives their text; a step that returns has its tick."""
    run = state_after(opened(a="1", b="1"), ev.Ticked(step="a"))
    run = advance(run, ev.Opened(checklist="a.md", digest="d2", cwd="/", gone=["a"]))
    assert run.gone == {"a"}
    assert dict(run.digests) == {"b": "1"}
    assert run.step("a").status is Status.DONE
    run = advance(run, opened(a="1"))
    assert (run.gone, run.step("a").status) == (frozenset(), Status.DONE)


def test_notes_stay_where_they_were_written() -> None:
    """A note is the step's or the run's, with its time and author, and changes no status."""
    run = state_after(ev.Ticked(step="a"), ev.Noted(step="a", text="slow"), ev.Noted(text="handover"))
    assert [(n.text, n.at, n.by) for n in run.step("a").notes] == [("slow", 1001.0, "ann@host")]
    assert [n.text for n in run.notes] == ["handover"]
    assert (run.step("a").status, run.step("a").at) == (Status.DONE, 1000.0)


def test_what_is_carried_comes_from_the_last_end_whatever_the_clock_said() -> None:
    """A clock that was set back in between does not bring an earlier step's folder and variables back."""
    late = ev.Finished(step="a", attempt=1, exit_status=0, started_at=9000.0, carried=["A"])
    early = ev.Finished(step="b", attempt=1, exit_status=0, started_at=10.0, carried=["A"])
    nothing = ev.Finished(step="c", attempt=1, exit_status=0, started_at=20.0)
    assert state_after(late, early, nothing).carried_from == ("b", 1)


def test_another_option_begins_the_step_anew() -> None:
    """The blocks that have passed belong to the option that was chosen."""
    run = state_after(ev.Chosen(step="a", option=1), started(), finished(more=True))
    assert run.step("a").option == 1
    assert advance(run, ev.Chosen(step="a", option=1)).step("a").blocks_done == 1
    assert advance(run, ev.Chosen(step="a", option=2)).step("a").blocks_done == 0


def test_of_a_secret_only_that_it_was_given_is_kept() -> None:
    """A value is either shown or secret, and changing from one to the other leaves nothing behind."""
    run = state_after(ev.VariableSet(name="V", value="1"), ev.VariableSet(name="P", secret=True))
    assert (dict(run.variables), run.secrets) == ({"V": "1"}, frozenset({"P"}))
    run = fold([ev.VariableSet(name="V", secret=True), ev.VariableSet(name="P", value="2")], run)
    assert (dict(run.variables), run.secrets) == ({"P": "2"}, frozenset({"V"}))


def test_the_acts_of_a_run() -> None:
    """Approval, a completed section, the way back, and the end."""
    run = state_after(
        ev.Approved(digest="d1"),
        ev.SectionCompleted(section="s"),
        ev.RollbackEntered(reason="latency"),
        ev.RollbackEntered(reason="again"),
        ev.Survived(signal=15, step="a"),
        ev.RunFinished(result="rolled back"),
    )
    assert run.approved == {"d1"}
    assert dict(run.sections_completed) == {"s": 1001.0}
    assert (run.rollback_at, run.rollback_reason) == (1002.0, "latency")
    assert (run.finished_at, run.result, run.last_step) == (1005.0, "rolled back", "")


@st.composite
def some_events(draw: st.DrawFn) -> list[ev.Event]:
    """Events that sessions could write, and some that they never would."""
    step = st.sampled_from(["a", "b"])
    attempt = st.integers(1, 3)
    event = st.one_of(
        st.builds(opened, a=st.sampled_from("123")),
        st.builds(started, step, attempt),
        st.builds(finished, step, attempt, st.sampled_from([PASSED, FAILED, UNSURE]), more=st.booleans()),
        st.builds(ev.NeverStarted, step=step, attempt=attempt),
        st.builds(ev.Lost, step=step, attempt=attempt),
        st.builds(ev.Ticked, step=step, auto=st.booleans()),
        st.builds(ev.Unticked, step=step),
        st.builds(ev.Skipped, step=step, reason=st.just("r")),
        st.builds(ev.Resolved, step=step, how=st.sampled_from(["done", "failed", "rerun"])),
        st.builds(ev.Noted, step=step, text=st.just("t")),
        st.builds(ev.Chosen, step=step, option=attempt),
    )
    return draw(st.lists(event, max_size=30))


@given(some_events(), st.integers(0, 30))
def test_folding_in_parts_is_folding_at_once(events: list[ev.Event], cut: int) -> None:
    """One by one, in two parts or all at once: the same state, and no earlier state is touched."""
    whole = fold(events)
    half = fold(events[:cut])
    kept = repr(half)
    assert fold(events[cut:], half) == whole
    assert repr(half) == kept
    run = NEW
    for event in events:
        run = advance(run, event)
    assert run == whole


@given(some_events())
def test_what_always_holds(events: list[ev.Event]) -> None:
    """Running has an open attempt; done and skipped were said by someone; steps nobody touched are not there."""
    run = fold(events)
    for step_id, step in run.steps.items():
        assert any(getattr(event, "step", "") == step_id for event in events)
        if step.status is Status.RUNNING:
            assert step.attempts[-1].ending == ""
        if step.status in (Status.DONE, Status.SKIPPED, Status.CHANGED):
            assert step.settled is not None
        if step.status is Status.UNKNOWN:
            assert any(isinstance(event, ev.Lost) for event in events)


def test_untouched_steps_are_shared_between_states() -> None:
    """A copy is shallow: one tick among ten thousand steps costs no ten thousand objects."""
    run = fold(ev.Ticked(step=f"s{number}") for number in range(100))
    after = advance(run, ev.Unticked(step="s7"))
    assert all(after.steps[i] is run.steps[i] for i in run.steps if i != "s7")


def test_a_long_run_is_folded_in_an_instant() -> None:
    """Linear: 20,000 events take less than twenty times as long as 2,000 (measured as the best of several)."""

    def seconds(number: int) -> float:
        events = [e for i in range(number // 2) for e in (started(f"s{i}"), finished(f"s{i}"))]
        best = 9.0
        gc.disable()  # what it costs to look through everything that the other tests left is not the fold's
        try:
            for _ in range(5):
                begin = time.process_time()
                fold(events)
                best = min(best, time.process_time() - begin)
        finally:
            gc.enable()
        return best

    assert seconds(20_000) < 20 * max(seconds(2_000), 0.002)


LOST_ONCE = (opened(a="1"), started(), ev.Lost(step="a", attempt=1, reason="power cut"))


def verified(verdict: dict[str, Any], attempt: int = 1) -> tuple[ev.Event, ...]:
    """A look of the check of step `a`, and what it saw."""
    return (
        ev.Verifying(step="a", attempt=attempt, number=1, what="files.exists"),
        ev.Verified(step="a", attempt=attempt, number=1, verdict=verdict),
    )


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (PASSED, Status.DONE),
        (FAILED, Status.TODO),
        (UNSURE, Status.UNKNOWN),
        (NOT_APPLICABLE, Status.UNKNOWN),
    ],
)
def test_a_verification_decides_only_by_a_clear_word(verdict: dict[str, Any], expected: Status) -> None:
    """Passed is done, failed was not carried out; anything else leaves the outcome unknown, with the look as evidence."""
    run = state_after(*LOST_ONCE, *verified(verdict))
    assert run.step("a").status is expected
    assert run.step("a").verifications[0].verdict == Verdict.from_json(verdict)
    assert len(run.step("a").attempts) == 1


@pytest.mark.parametrize("how", ["done", "failed", "rerun"])
@pytest.mark.parametrize("verdict", [PASSED, FAILED])
def test_a_verification_that_comes_late_changes_nothing(how: str, verdict: dict[str, Any]) -> None:
    """A person has decided while the check looked: that stands."""
    begin, end = verified(verdict)
    decided = ev.Resolved(step="a", how=how, reason="I was there")
    before = status_after(*LOST_ONCE, begin, decided)
    assert status_after(*LOST_ONCE, begin, decided, end) is before


def test_a_verification_of_an_earlier_attempt_changes_nothing() -> None:
    """It was run again and lost again: what the check saw of the first attempt says nothing of the second."""
    again = (ev.Resolved(step="a", how="rerun"), started(attempt=2), ev.Lost(step="a", attempt=2))
    begin, end = verified(PASSED)
    assert status_after(*LOST_ONCE, begin, *again, end) is Status.UNKNOWN
