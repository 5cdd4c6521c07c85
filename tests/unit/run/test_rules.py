"""What may be done now, and why not."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest
from support.build import checklist, code, section, state_after, step

from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.checklist.model import Option, SectionKind, StepFacts
from orion_deploy.kinds.verdict import Json
from orion_deploy.run import events as ev
from orion_deploy.run import rules
from orion_deploy.run.state import RunState

STOP = step("stop", "systemctl stop app", mandatory=True)
BACKUP = step("backup", "cp a b", facts=StepFacts(needs=("stop",)))
MIGRATE = step("migrate", "migrate", facts=StepFacts(needs=("backup",)))
LOOK = step("look")
UNDO = step("undo", "undo")
BOOK = checklist(
    section("Work", STOP, BACKUP, MIGRATE, LOOK), section("Back", UNDO, kind=SectionKind.ROLLBACK)
)


def test_an_open_mandatory_step_holds_every_later_one() -> None:
    """A step cannot be run while a mandatory step before it on its path is open."""
    assert "`stop`" in rules.why_not_start(BOOK, RunState(), replace(LOOK, code=(code("ls"),)))
    done = state_after(ev.Ticked(step="stop"))
    assert rules.why_not_start(BOOK, done, BACKUP) == ""


def test_a_skipped_mandatory_step_was_overridden_and_holds_nothing() -> None:
    """An override (a skip with a reason) opens the way."""
    skipped = state_after(ev.Skipped(step="stop", reason="it is down", override=True))
    free = replace(BACKUP, facts=StepFacts())
    assert rules.why_not_start(BOOK, skipped, free) == ""


def test_needs_are_done_not_skipped() -> None:
    """What a step needs must be done; skipped is not done."""
    skipped = state_after(ev.Ticked(step="stop"), ev.Skipped(step="backup", reason="no time"))
    assert rules.why_not_start(BOOK, skipped, MIGRATE) == "it needs `backup`, which is skipped"


def test_the_rollback_is_entered_first() -> None:
    """A rollback step runs only once the rollback was entered, and forward mandatory steps do not hold it."""
    assert "enter the rollback first" in rules.why_not_start(BOOK, RunState(), UNDO)
    assert rules.why_not_start(BOOK, state_after(ev.RollbackEntered(reason="errors")), UNDO) == ""


@pytest.mark.hazard("a step that may have happened is done again", half="ours")
def test_an_unknown_outcome_is_never_run_again_by_itself() -> None:
    """UNKNOWN refuses a start until a person resolved it; `rerun` opens it."""
    lost = (ev.Started(step="stop", attempt=1), ev.Lost(step="stop", attempt=1))
    assert "unknown" in rules.why_not_start(BOOK, state_after(*lost), STOP)
    again = state_after(*lost, ev.Resolved(step="stop", how="rerun"))
    assert rules.why_not_start(BOOK, again, STOP) == ""


def test_one_step_at_a_time() -> None:
    """While a step runs no other starts, nor the same one twice."""
    running = state_after(ev.Started(step="stop", attempt=1))
    assert rules.why_not_start(BOOK, running, STOP) == "it is running"
    free = replace(UNDO, id="other")
    assert "`stop` is still running" in rules.why_not_start(BOOK, running, free)


@pytest.mark.hazard('a rollback command "kept at hand" in a block', half="ours")
def test_references_and_open_choices_do_not_run() -> None:
    """A reference block is never run by its step; a choice runs only once an option was taken."""
    assert "reference" in rules.why_not_start(BOOK, RunState(), step("keep", "undo", kind="reference"))
    choice = step(
        "way",
        kind="choice",
        code=(code("restore", option=1), code("down", option=2)),
        options=(Option(1, "Restore", 1), Option(2, "Down", 2)),
    )
    book = checklist(section("Work", choice))
    assert "choose" in rules.why_not_start(book, RunState(), choice)
    assert rules.why_not_start(book, state_after(ev.Chosen(step="way", option=2)), choice) == ""
    assert [b.text for b in choice.scripts(2)] == ["down"]


def test_a_tick_against_the_facts_needs_a_reason() -> None:
    """Failed, unknown, or mandatory and never run: a tick is an override with a typed reason."""
    failed = state_after(
        ev.Started(step="stop", attempt=1),
        ev.Finished(
            step="stop", attempt=1, exit_status=1, verdict={"outcome": "failed", "reason": "status 1"}
        ),
    )
    assert "failed" in rules.why_reason_needed(BOOK, failed, STOP)
    assert "not run" in rules.why_reason_needed(BOOK, RunState(), STOP)
    passed = state_after(
        ev.Started(step="stop", attempt=1),
        ev.Finished(step="stop", attempt=1, exit_status=0, verdict={"outcome": "passed", "reason": "end"}),
    )
    assert rules.why_reason_needed(BOOK, passed, STOP) == ""


@pytest.mark.hazard("a tick without a look", half="ours")
def test_typed_steps_tick_themselves_and_shell_steps_do_not() -> None:
    """A passing typed step ticks itself unless the author says `auto: false`; a shell step only by `auto: true`."""
    call = KindCall("sqlite.state")
    assert rules.ticks_itself(step("a", facts=StepFacts(check=call)))
    assert not rules.ticks_itself(step("a", facts=StepFacts(check=call, auto=False)))
    assert not rules.ticks_itself(STOP)
    assert rules.ticks_itself(step("a", "true", facts=StepFacts(auto=True)))


def test_ancestors_do_not_hold_their_own_sub_steps() -> None:
    """A mandatory parent is ticked after its sub-steps, so it does not stand in their way."""
    child = step("child", "true", depth=1)
    parent = step("parent", mandatory=True, steps=(child,))
    assert rules.why_not_start(checklist(section("Work", parent)), RunState(), child) == ""


def test_a_question_is_answered_by_its_tick() -> None:
    """A mandatory question to a person has nothing to run: ticking it is no override."""
    facts = StepFacts(check=KindCall("people.confirm", {"question": "Is everybody gone?"}))
    asked = step("asked", mandatory=True, facts=facts)
    book = checklist(section("Work", asked))
    assert rules.why_reason_needed(book, RunState(), asked) == ""


def test_a_failure_that_was_taken_back_is_no_success() -> None:
    """Taking a failure back, or asking for another run, does not let a mandatory step be ticked without a reason."""
    failed = (
        ev.Started(step="stop", attempt=1),
        ev.Finished(
            step="stop", attempt=1, exit_status=1, verdict={"outcome": "failed", "reason": "status 1"}
        ),
    )
    for back in (ev.Unticked(step="stop"), ev.Resolved(step="stop", how="rerun")):
        assert "failed" in rules.why_reason_needed(BOOK, state_after(*failed, back), STOP)
    lost = (ev.Started(step="stop", attempt=1), ev.Lost(step="stop", attempt=1))
    again = state_after(*lost, ev.Resolved(step="stop", how="rerun"))
    assert "unknown" in rules.why_reason_needed(BOOK, again, STOP)


def test_what_never_started_or_ran_in_part_was_not_run() -> None:
    """A mandatory step of which nothing, a part, or another option ran needs a reason to be ticked."""
    never = (ev.Started(step="stop", attempt=1), ev.NeverStarted(step="stop", attempt=1))
    assert "not run" in rules.why_reason_needed(BOOK, state_after(*never), STOP)
    passed: dict[str, Json] = {"outcome": "passed", "reason": "end"}
    two = step("two", mandatory=True, code=(code("echo one"), code("echo two")))
    part = (
        ev.Started(step="two", attempt=1),
        ev.Finished(step="two", attempt=1, exit_status=0, verdict=passed, more=True),
    )
    assert "not run" in rules.why_reason_needed(checklist(section("Work", two)), state_after(*part), two)
    way = step(
        "way",
        kind="choice",
        mandatory=True,
        code=(code("restore", option=1), code("down", option=2)),
        options=(Option(1, "Restore", 1), Option(2, "Down", 2)),
    )
    other = (
        ev.Chosen(step="way", option=1),
        ev.Started(step="way", attempt=1),
        ev.Finished(step="way", attempt=1, exit_status=0, verdict=passed),
        ev.Chosen(step="way", option=2),
    )
    assert "not run" in rules.why_reason_needed(checklist(section("Work", way)), state_after(*other), way)


def test_the_next_block_stands_behind_those_that_passed_as_they_are_written() -> None:
    """A block whose text changed after it had passed comes again; what follows an unchanged one goes on there."""
    passed: dict[str, Json] = {"outcome": "passed", "reason": "end"}
    sha = sha256(b"echo one").hexdigest()
    part = state_after(
        ev.Started(step="two", attempt=1, script_sha256=sha),
        ev.Finished(step="two", attempt=1, exit_status=0, verdict=passed, more=True),
    ).step("two")
    assert rules.next_block(step("two", code=(code("echo one"), code("echo 2"))), part) == 1
    assert rules.next_block(step("two", code=(code("echo new"), code("echo one"), code("x"))), part) == 0
    assert rules.next_block(step("two", code=(code("echo one"),)), part) == 0
