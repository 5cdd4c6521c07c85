"""What speaks for turning back: what fired, failed or is unknown, and beside it what was looked at and is fine."""

from __future__ import annotations

from pathlib import Path

from support.build import checklist, section, state_after, step
from support.watched import DAY_S, HOUR_S, NOW, attempt, record

from orion_deploy.checklist.model import SectionKind
from orion_deploy.kinds.verdict import Outcome, Verdict
from orion_deploy.run import events as ev
from orion_deploy.run.state import RunState, Watched
from orion_deploy.run.triggers import Speaks, Trigger, of_facts, reason_of, triggers, with_triggers
from orion_deploy.run.watches.record import Clocks, Firing
from orion_deploy.run.watches.standing import Seen

BOOK = checklist(
    section("Work", step("stop", "false"), step("latency"), step("memory"), step("errors")),
    section("Back", step("undo", "true"), kind=SectionKind.ROLLBACK),
)
NO = Verdict(Outcome.FAILED, "it left by `exit 3`", "exit 3")


def failed() -> RunState:
    """A run whose first step failed."""
    return state_after(
        ev.Opened(checklist="a", digest="0", cwd="/"),
        ev.Started(step="stop", attempt=1, block=0, what="command", cwd="/"),
        ev.Finished(step="stop", attempt=1, exit_status=3, verdict=NO.to_json()),
    )


def watch(step_id: str, *, is_kept: bool = True, **changes: object) -> Seen:
    """A watch of a step."""
    return Seen(record(step=step_id, **changes), attempt(watched=Watched(DAY_S)), is_kept)


FIRING = Firing(NOW - 300, "p95 of the last 10 min is 12.6 ms, above 10 ms", "12.6 ms")


def test_what_speaks_for_it_comes_first_and_what_is_fine_is_told_too() -> None:
    """A firing with value, limit and time, a failed step with its reason, then what nobody sees, then what is fine."""
    watches = [
        watch("latency", fired=(FIRING,), fired_count=1, shown="p95 12.6 ms"),
        watch("memory", shown="418 MB", unit="MB", limit=492.0),
        watch("errors", is_kept=False, looked=Clocks(wall=NOW - HOUR_S), shown="0 lines", limit=None),
    ]
    found = triggers(BOOK, failed(), watches, NOW)
    assert [(t.step, t.what) for t in found] == [
        ("latency", Speaks.FIRED), ("stop", Speaks.FAILED), ("errors", Speaks.UNSEEN), ("memory", Speaks.FINE),
    ]  # fmt: skip
    fired, stop, errors, memory = found
    assert (fired.since, fired.until) == (FIRING.at, None)
    assert fired.text == f"{FIRING.reason}; now p95 12.6 ms, limit 10 ms"
    assert stop.text == "it left by `exit 3`"
    assert errors.text == "last looked 1 h ago; 0 lines"
    assert memory.text == "418 MB, limit 492 MB; 2 h of 24 h"
    assert [t.is_for_it for t in found] == [True, True, False, False]


def test_the_reason_is_that_of_what_fires_now() -> None:
    """Of two firings the one that is still seen; where none is, the last one; where nothing fired, none."""
    over = watch("memory", fired=(Firing(NOW - 900, "too much memory", "", NOW - 600),), fired_count=1)
    now = watch("latency", fired=(FIRING,), fired_count=1)
    assert reason_of(triggers(BOOK, RunState(), [over, now], NOW)) == f"Latency: {FIRING.reason}"
    assert reason_of(triggers(BOOK, RunState(), [over], NOW)) == "Memory: too much memory"
    assert reason_of(triggers(BOOK, failed(), [watch("latency")], NOW)) == ""


def test_a_watch_that_passed_does_not_speak_for_it() -> None:
    """What fired and was still within its limits at the end is fine; what failed at its end is not."""
    for outcome, what in ((Outcome.PASSED, Speaks.FINE), (Outcome.FAILED, Speaks.FIRED)):
        ended = attempt(
            ending="finished", why="elapsed", verdict=Verdict(outcome, "so it is"), finished_at=NOW
        )
        seen = Seen(record(fired=(FIRING,), fired_count=1, ended_at=NOW), ended, is_kept=False)
        assert [t.what for t in triggers(BOOK, RunState(), [seen], NOW)] == [what]


def test_hostile_words_are_plain_and_the_record_gives_them_back() -> None:
    """No control character comes through; what the record keeps is read again as it was; what is damaged is left out."""
    bad = watch("latency", fired=(Firing(NOW, "\x1b[31mred\u202e\n", "\x07"),), fired_count=1, shown="\x9b1m")
    found = triggers(BOOK, failed(), [bad, watch("memory")], NOW)
    assert all(t.text.isprintable() and t.title.isprintable() for t in found)
    facts = with_triggers({"databases": []}, found)
    assert of_facts(facts) == found
    assert facts["databases"] == []
    assert of_facts({"triggers": [{"what": "nonsense"}, 3, {"what": "fine"}]}) == ()
    assert with_triggers({}, ()) == {}
    assert Trigger.from_json(found[0].to_json()) == found[0]


def test_the_room_for_triggers_imports_no_screen() -> None:
    """Both the screen and plain lines are made of it, so it knows neither."""
    import orion_deploy.run.triggers as room

    text = Path(str(room.__file__)).read_text()
    assert "orion_deploy.tui" not in text
    assert "orion_deploy.cli" not in text
