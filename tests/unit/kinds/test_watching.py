"""A check that knows of no watch is watched by looking again and again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import kinds

from orion_deploy.kinds.base import Check, Context
from orion_deploy.kinds.verdict import Outcome, Verdict
from orion_deploy.kinds.watching import STATE_BYTES_MAX, Repeated


class Scripted(Check):
    """Says what it is told to, one outcome a look."""

    outcomes: list[Outcome | None]

    def probe(self, context: Context) -> Verdict:
        """The next outcome; None breaks."""
        outcome = self.outcomes.pop(0)
        if outcome is None:
            raise OSError("no such device")
        return Verdict(outcome, f"it is {outcome.value}", outcome.value)


P, F, U, N = Outcome.PASSED, Outcome.FAILED, Outcome.UNDECIDED, Outcome.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("outcomes", "ends_as"),
    [
        ([], U),
        ([P, P], P),
        ([N], P),
        ([U], U),
        ([U, P], P),
        ([P, F, P], F),
        ([None], U),
        ([None, P], P),
    ],
)
def test_one_failed_look_fails_the_watch(
    outcomes: list[Outcome | None], ends_as: Outcome, tmp_path: Path
) -> None:
    """It passes when a look passed and none failed; what could not be seen is lost time and decides nothing."""
    watch = Repeated(Scripted(outcomes=list(outcomes)))
    looks = [watch.look(kinds.context(tmp_path)) for _ in outcomes]
    assert [bool(look.fired) for look in looks] == [outcome is F for outcome in outcomes]
    assert [bool(look.lost) for look in looks] == [outcome in (U, None) for outcome in outcomes]
    assert watch.verdict().outcome is ends_as


def test_a_watch_goes_on_from_its_state(tmp_path: Path) -> None:
    """Whoever resumes from the state has seen what the one before has seen."""
    context = kinds.context(tmp_path)
    first = Repeated(Scripted(outcomes=[P, F]))
    first.look(context)
    first.look(context)
    kept = json.dumps(first.state())
    second = Repeated(Scripted(outcomes=[P]))
    second.resume(json.loads(kept), context)
    second.look(context)
    assert len(kept) < STATE_BYTES_MAX
    assert second.verdict().outcome is F
    assert second.verdict().values["looks"] == 3
    with pytest.raises((KeyError, ValueError, TypeError)):
        second.resume({"passed": "many"}, context)
