"""What counts as evidence: only what really passed, over its whole time, and is still so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from support.build import state_after
from support.criteria import DAY_S, evidence, ran, record, verdict, watched

from orion_deploy.checklist.evidence import evidence_call
from orion_deploy.checklist.model import Step
from orion_deploy.kinds.verdict import Outcome
from orion_deploy.run import events as ev
from orion_deploy.run.evidence import Judged, judge, under_way
from orion_deploy.run.watches.record import WatchRecord

PASSED = evidence("criterion", "passed", steps=["a", "b"])
BELOW = evidence("criterion", "value", step="a", value="p95_ms", below=2)
FAST = evidence("criterion", "value", step="a", value="duration_s", below=30)
TICK = ev.Ticked(step="a")


def judged(
    step: Step, *events: ev.Event, records: Iterable[WatchRecord] = (), values: dict[str, str] | None = None
) -> Judged:
    """What the evidence of a step says after these events."""
    state = state_after(*events)
    call = evidence_call(step)
    assert call is not None
    return judge({"a", "b", "criterion"}, state, call, under_way(state, records), values or {})


@pytest.mark.parametrize(
    ("events", "outcome", "words"),
    [
        ((), Outcome.UNDECIDED, "`a` was not carried out yet; `b` was not"),
        ((*ran("a"),), Outcome.UNDECIDED, "`b` was not carried out yet"),
        ((*ran("a"), *ran("b")), Outcome.PASSED, "`a` passed; `b` passed"),
        ((*ran("a"), *watched("b")), Outcome.PASSED, "`b` passed"),
        ((*ran("a", "failed"), *ran("b")), Outcome.FAILED, "`a` failed: seen"),
        ((*ran("a", "failed"),), Outcome.FAILED, "`a` failed"),
        ((*ran("a"), *watched("b", outcome="failed")), Outcome.FAILED, "`b` failed"),
        ((*ran("a"), *watched("b", "stopped")), Outcome.UNDECIDED, "`b` is undecided"),
        (
            (*ran("a"), *watched("b", "stopped"), ev.Ticked(step="b")),
            Outcome.UNDECIDED,
            "12 h of 24 h",
        ),
        ((*ran("b"), TICK), Outcome.PASSED, "`a` was ticked by ann@host"),
        (
            (*ran("b"), ev.Ticked(step="a", override="no time")),
            Outcome.FAILED,
            "ticked it all the same: no time",
        ),
        (
            (*ran("b"), *ran("a", "failed"), ev.Resolved(step="a", how="done", reason="I saw it")),
            Outcome.FAILED,
            "I saw it",
        ),
        (
            (*ran("b"), ev.Skipped(step="a", reason="no staging")),
            Outcome.UNDECIDED,
            "passed over (no staging)",
        ),
        (
            (*ran("b"), ev.Skipped(step="a", reason="not applicable: when x")),
            Outcome.PASSED,
            "not applicable",
        ),
        ((*ran("a"), *ran("b"), ev.Unticked(step="a")), Outcome.UNDECIDED, "`a` was not carried out yet"),
        ((*ran("a"), *ran("b"), ev.Started(step="b", attempt=2)), Outcome.UNDECIDED, "`b` is running"),
        (
            (*ran("a"), *ran("b"), ev.Opened(checklist="", digest="", cwd="", steps={"a": "x"})),
            Outcome.PASSED,
            "",
        ),
        (
            (ev.Started(step="a", attempt=1), ev.Lost(step="a", attempt=1), *ran("b")),
            Outcome.UNDECIDED,
            "`a` is unknown",
        ),
    ],
)
def test_evidence_is_what_passed(events: tuple[ev.Event, ...], outcome: Outcome, words: str) -> None:
    """Each way in which a step can stand: passed only by a passing verdict or a person's tick without an override."""
    found = judged(PASSED, *events)
    assert found.verdict.outcome is outcome, found
    assert words in found.verdict.reason


def test_a_watch_is_waited_for_until_it_is_due() -> None:
    """While it goes on it is undecided, with the time when it is due, how long it was watched, and what it says so far."""
    events = (*ran("a"), ev.WatchStarted(step="b", attempt=1, watch_s=DAY_S))
    at = 2000.0
    looked = record("b", at, 3600.0, verdict=verdict("failed", "3 lines", "3 lines"))
    found = judged(PASSED, *events, records=[looked])
    assert not found.is_decided
    assert found.waits_for == ("b",)
    assert found.due_at == at + DAY_S - 3600
    assert "1 h of 24 h" in found.verdict.reason
    assert found.so_far is not None
    assert found.so_far.outcome is Outcome.FAILED
    old = record("b", at, 3600.0, attempt=7)
    assert judged(PASSED, *events, records=[old]).due_at is None


@pytest.mark.parametrize(
    ("step", "values", "outcome", "words"),
    [
        (BELOW, {"p95_ms": 1.8}, Outcome.PASSED, "1.8 ms is below 2 ms"),
        (BELOW, {"p95_ms": 2}, Outcome.FAILED, "2 ms is not below 2 ms"),
        (BELOW, {}, Outcome.UNDECIDED, "no value `p95_ms`; it saw: none"),
        (BELOW, {"p95_ms": "many"}, Outcome.UNDECIDED, "cannot be compared"),
        (BELOW, {"p95_ms": float("nan")}, Outcome.UNDECIDED, "cannot be compared"),
        (FAST, {"duration_s": 29.9}, Outcome.PASSED, "29.9 s is below 30 s"),
        (FAST, {"duration_s": 31}, Outcome.FAILED, "31 s is not below 30 s"),
        (
            evidence("c", "value", step="a", value="count", at_least=0),
            {"count": 0},
            Outcome.PASSED,
            "0 is at least 0",
        ),
        (
            evidence("c", "value", step="a", value="count", equals=3),
            {"count": 4},
            Outcome.FAILED,
            "not exactly 3",
        ),
        (
            evidence("c", "value", step="a", value="n", at_least=1, at_most=9),
            {"n": 10},
            Outcome.FAILED,
            "10 is not at most 9",
        ),
        (
            evidence("c", "value", step="a", value="state", equals="ok"),
            {"state": "ok"},
            Outcome.PASSED,
            "ok is",
        ),
    ],
)
def test_a_value_keeps_its_limit(step: Step, values: dict[str, Any], outcome: Outcome, words: str) -> None:
    """The value of the last run against its limit, with its unit; what cannot be compared decides nothing."""
    found = judged(step, *ran("a", **values))
    assert found.verdict.outcome is outcome, found
    assert words in found.verdict.reason


def test_a_failed_step_is_no_evidence_of_its_value() -> None:
    """A migration that failed after 3 seconds did not take less than 30: it fails, with the value."""
    found = judged(FAST, *ran("a", "failed", duration_s=3))
    assert found.verdict.outcome is Outcome.FAILED
    assert "`a` failed" in found.verdict.reason


def test_the_last_run_counts_and_only_while_it_stands() -> None:
    """A second, slower run is what is judged; a tick that was taken back is nothing."""
    slow = (*ran("a", p95_ms=1), *ran("a", attempt=2, p95_ms=3))
    assert judged(BELOW, *slow).verdict.outcome is Outcome.FAILED
    assert not judged(BELOW, *slow, ev.Unticked(step="a")).is_decided


def test_a_limit_may_be_a_variable() -> None:
    """Its value is the limit; without a value nothing is decided, and nothing is guessed."""
    step = evidence("criterion", "value", step="a", value="p95_ms", below="$MAX", at_least=0)
    events = ran("a", p95_ms=1.8)
    assert judged(step, *events, values={"MAX": "2"}).verdict.outcome is Outcome.PASSED
    assert judged(step, *events, values={"MAX": "1.5"}).verdict.outcome is Outcome.FAILED
    for values in ({}, {"MAX": "soon"}):
        assert not judged(step, *events, values=values).is_decided


def test_a_watch_shows_its_value_so_far() -> None:
    """The value of a watch that goes on is shown against the limit, and decides nothing."""
    events = (ev.WatchStarted(step="a", attempt=1, watch_s=DAY_S),)
    looked = record("a", 2000.0, 60.0, verdict=verdict(p95_ms=2.5))
    found = judged(BELOW, *events, records=[looked])
    assert not found.is_decided
    assert found.verdict.value == "2.5 ms"
    assert found.so_far is not None
    assert found.so_far.outcome is Outcome.FAILED


def test_what_it_names_must_be_there() -> None:
    """A step that the file no longer has decides nothing, and is named."""
    found = judged(evidence("criterion", "passed", steps=["a", "gone"]), *ran("a"))
    assert not found.is_decided
    assert "`gone`" in found.verdict.reason
