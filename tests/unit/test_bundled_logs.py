"""What the bundled checklist looks for in the application's log, on logs of every kind."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest
from support import kinds

from orion_deploy import bundled
from orion_deploy.checklist.read import load
from orion_deploy.kinds.base import Check
from orion_deploy.kinds.registry import build
from orion_deploy.kinds.verdict import Outcome, Verdict

STARTED = "2026-01-29 22:39:59.000 INFO  [Orion] started, pid 4711\n"
RESTORED = "2026-01-29 22:40:00.000 INFO  [RequestRegistry] Restored 3 active requests from DB in 12 ms\n"


def _look(step_id: str, log: Path) -> Verdict:
    """One look of a step's check, or of its watch, at a whole log."""
    path = bundled.checklist("0001_add_active_request")
    assert path is not None
    checklist, _ = load(path)
    (step,) = (step for _, step in checklist.walk() if step.id == step_id)
    assert step.facts.call is not None
    variables = {v.name: v.default or "" for v in checklist.variables} | {"LOG_FILE": str(log)}
    kind = build(step.facts.call, variables)
    assert isinstance(kind, Check)
    return kind.probe(kinds.context(log.parent, variables=variables))


def _log(folder: Path, *lines: str) -> Path:
    path = folder / "orion.log"
    path.write_text("".join(lines), "utf-8")
    return path


def _figures(name: str, *figures: float) -> str:
    return "".join(f"2026-01-29 22:41:00.000 INFO  [Any] {name} {figure} ms\n" for figure in figures)


@pytest.mark.parametrize("step", ["flush", "send"])
@pytest.mark.parametrize("count", [20, 99, 100, 1_000])
def test_the_percentile_is_that_of_the_figures(tmp_path: Path, step: str, count: int) -> None:
    """p95 is, within half a percent, the smallest figure that 95 of 100 do not exceed, whatever their order."""
    figures = [round(0.01 * n, 2) for n in range(1, count + 1)]
    shuffled = random.Random(count).sample(figures, count)
    verdict = _look(step, _log(tmp_path, STARTED, RESTORED, _figures(step, *shuffled)))
    p95 = verdict.values["p95_ms"]
    assert verdict.values["samples"] == count
    assert isinstance(p95, float)
    near = {figures[math.ceil(0.95 * count) - 1], figures[int(0.95 * (count - 1))]}
    assert any(p95 == pytest.approx(figure, rel=0.006) for figure in near)


@pytest.mark.parametrize("step", ["flush", "send"])
@pytest.mark.parametrize(
    ("p95", "outcome"), [(1.9, Outcome.PASSED), (2.05, Outcome.FAILED), (11.0, Outcome.FAILED)]
)
def test_a_percentile_beyond_its_limit_fails(tmp_path: Path, step: str, p95: float, outcome: Outcome) -> None:
    """Below the limit passes, above it fails."""
    log = _log(tmp_path, STARTED, RESTORED, _figures(step, *([1.0] * 90), *([p95] * 10)))
    assert _look(step, log).outcome is outcome


@pytest.mark.parametrize("step", ["flush", "send"])
def test_a_few_figures_decide_nothing(tmp_path: Path, step: str) -> None:
    """Nineteen figures are no percentile."""
    assert _look(step, _log(tmp_path, STARTED, _figures(step, *([1.0] * 19)))).outcome is Outcome.UNDECIDED


def test_figures_from_before_the_last_start_do_not_count(tmp_path: Path) -> None:
    """What an earlier version, or an earlier start, took cannot hide what this one takes."""
    log = _log(
        tmp_path, STARTED, _figures("flush", *([0.1] * 1_000)), STARTED, _figures("flush", *([5.5] * 20))
    )
    assert _look("flush", log).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    "line",
    [
        "ERROR [RequestRegistry] Failed to persist request r1: SQLITE_BUSY: database is locked\n",
        "ERROR [RequestRegistry] Failed to restore from DB: it is closed\n",
        "WARN  SqliteError: no such table: conversations\n",
        "ERROR SQLITE_CORRUPT: database disk image is malformed\n",
    ],
)
def test_each_error_of_the_database_is_found(tmp_path: Path, line: str) -> None:
    """Each of the sentences fails the step; one from before the start does not."""
    verdict = _look("errors", _log(tmp_path, STARTED, _figures("flush", 1.0), line))
    assert verdict.outcome is Outcome.FAILED
    assert verdict.values["matches"] == 1
    assert _look("errors", _log(tmp_path, line, STARTED, _figures("flush", 1.0))).outcome is Outcome.PASSED


@pytest.mark.parametrize("step", ["errors", "restored", "restore-time", "flush", "send"])
def test_a_log_that_is_not_there_never_passes(tmp_path: Path, step: str) -> None:
    """A wrong path is no log without errors."""
    assert not _look(step, tmp_path / "not-there.log").is_good


def test_the_restore_is_told_by_the_last_start(tmp_path: Path) -> None:
    """The last start counts: how many requests, be it none, and the time against its limit."""
    slow = RESTORED.replace("in 12 ms", "in 140 ms")
    verdict = _look("restored", _log(tmp_path, STARTED, RESTORED))
    assert (verdict.outcome, verdict.values["requests"]) == (Outcome.PASSED, 3)
    assert _look("restored", _log(tmp_path, STARTED, RESTORED.replace("3 active", "0 active"))).is_good
    assert _look("restored", _log(tmp_path, STARTED, RESTORED, STARTED)).outcome is Outcome.FAILED
    time = _look("restore-time", _log(tmp_path, STARTED, slow, STARTED, RESTORED))
    assert (time.outcome, time.values["ms"]) == (Outcome.PASSED, 12)
    assert _look("restore-time", _log(tmp_path, STARTED, RESTORED, STARTED, slow)).outcome is Outcome.FAILED
    assert not _look("restore-time", _log(tmp_path, STARTED, RESTORED.replace(" in 12 ms", ""))).is_good
