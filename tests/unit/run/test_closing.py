"""What a run leaves open when it is closed, and its result in words."""

from __future__ import annotations

from support.build import checklist, section, state_after, step
from support.criteria import DAY_S, evidence, ran

from orion_deploy.checklist.model import SectionKind
from orion_deploy.run import events as ev
from orion_deploy.run.closing import Open, result_of, what_is_open
from orion_deploy.run.criteria import look
from orion_deploy.run.state import RunState

BOOK = checklist(
    section("One", step("a"), step("b", steps=(step("c", depth=1),))),
    section("Gates", step("g"), evidence("h", "passed", steps=["a"]), kind=SectionKind.GATES),
    section("Criteria", step("k"), kind=SectionKind.CRITERIA),
    section("Back", step("r1"), step("r2"), kind=SectionKind.ROLLBACK),
    section("Two", step("d", mandatory=True)),
)
ALL = tuple(ev.Ticked(step=i) for i in "abcdkg")
HELD = (*ran("a"), *ran("h", evidence={"a": "1 done"}))


def left(state: RunState) -> Open:
    """What is open after these events."""
    return what_is_open(BOOK, state, look(BOOK, state, now=9000.0))


def result(*events: ev.Event) -> str:
    """The result in words."""
    state = state_after(*events)
    return result_of(BOOK, state, look(BOOK, state, now=9000.0))


def test_the_result_says_overrides_skips_and_what_is_open() -> None:
    """Gates and criteria are named apart from steps; nothing left is plainly `completed`."""
    some = (ev.Ticked(step="a"), ev.Skipped(step="d", reason="down", override=True))
    assert result(*some) == "closed with 2 gates open, 1 criterion open, 1 override, 1 skipped, 2 open"
    assert result(*ALL, *HELD) == "completed"
    assert result(*ALL, *HELD, ev.Ticked(step="b", override="seen")) == "completed with 1 override"
    assert result(*ALL, *HELD, ev.Resolved(step="g", how="failed", reason="x")) == "closed with 1 gate failed"
    assert result(ev.RollbackEntered(reason="x"), ev.Ticked(step="r1")) == "rolled back with 1 open"


def test_a_gate_that_is_out_of_date_is_open_though_it_is_ticked() -> None:
    """What was decided by evidence that changed since keeps a run from being complete."""
    assert result(*ALL, *HELD, *ran("a", attempt=2)) == "closed with 1 gate open"


def test_what_is_open_is_told_by_what_it_means() -> None:
    """Watches, gates and mandatory steps are grave; criteria and other steps are told, and are not."""
    found = left(state_after(ev.WatchStarted(step="b", attempt=1, watch_s=DAY_S), *ran("a")))
    assert [what for what, _, _ in found.rows] == [
        "gate open",
        "gate open",
        "criterion open",
        "watch",
        "mandatory",
        "open",
    ]
    assert found.is_grave
    assert found.sentences == (
        "2 gates are open",
        "1 criterion is open",
        "1 watch is under way and will end",
        "1 mandatory step is open",
        "1 other step is open",
    )
    harmless = left(state_after(*ALL[:4], *HELD, ev.Ticked(step="g"), ev.Unticked(step="a")))
    assert left(state_after(*ALL, *HELD)) == Open()
    assert {what for what, _, _ in harmless.rows} == {"gate open", "criterion open", "open"}
    assert not Open(others=(step("x"),)).is_grave


def test_a_run_that_turned_back_has_no_gates_left() -> None:
    """Its gates fail for good; what counts is the way back."""
    found = left(state_after(ev.RollbackEntered(reason="x")))
    assert [step for _, step, _ in found.rows] == ["r1", "r2"]
