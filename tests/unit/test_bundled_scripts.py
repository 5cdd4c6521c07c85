"""The scripts of the bundled checklist that read the application's log, on logs of every kind."""

from __future__ import annotations

import math
import os
import random
import re
import subprocess
from pathlib import Path

import pytest

from orion_deploy import bundled
from orion_deploy.checklist.read import load

RESTORED = "2026-01-29 22:40:00.000 INFO  [RequestRegistry] Restored 3 active requests from DB in 12 ms\n"
LIMITS = {
    "FLUSH_MS_MAX": "2",
    "SEND_MS_MAX": "2",
    "SEND_MS_ROLLBACK": "10",
    "RESTORE_MS_MAX": "100",
}


def _script(step_id: str) -> str:
    path = bundled.checklist("0001_add_active_request")
    assert path is not None
    (step,) = (step for _, step in load(path)[0].walk() if step.id == step_id)
    (block,) = step.scripts()
    return block.script


def _run(step_id: str, log: Path | str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", _script(step_id)],
        env={"PATH": os.environ["PATH"], "LOG_FILE": str(log), "LC_ALL": "C", **LIMITS},
        capture_output=True,
        text=True,
        timeout=30,
    )


def _log(folder: Path, *lines: str) -> Path:
    path = folder / "orion.log"
    path.write_text("".join(lines), "utf-8")
    return path


def _figures(name: str, *figures: float) -> str:
    return "".join(f"2026-01-29 22:41:00.000 INFO  [Any] {name} {figure} ms\n" for figure in figures)


@pytest.mark.parametrize(("step", "name"), [("flush", "flush"), ("send", "send")])
@pytest.mark.parametrize("count", [20, 21, 39, 40, 41, 99, 100, 101, 1_000])
def test_the_percentile_is_that_of_the_nearest_rank(tmp_path: Path, step: str, name: str, count: int) -> None:
    """p95 is the smallest figure that at least 95 of 100 do not exceed, whatever their order and number."""
    figures = [round(0.01 * n, 2) for n in range(1, count + 1)]
    shuffled = random.Random(count).sample(figures, count)
    done = _run(step, _log(tmp_path, RESTORED, _figures(name, *shuffled)))
    found = re.search(r"p95 ([0-9.]+) ms of (\d+) figures", done.stdout)
    assert found is not None, done
    assert int(found[2]) == count
    assert float(found[1]) == figures[math.ceil(0.95 * count) - 1]


@pytest.mark.parametrize("step", ["flush", "send"])
@pytest.mark.parametrize(("p95", "status"), [(1.9, 0), (2.0, 1), (2.1, 1), (11.0, 1)])
def test_the_limit_itself_is_too_much(tmp_path: Path, step: str, p95: float, status: int) -> None:
    """Below the limit passes; at it, or above, fails, and says how far it is."""
    done = _run(step, _log(tmp_path, RESTORED, _figures(step, *([1.0] * 90), *([p95] * 10))))
    assert done.returncode == status, done
    assert f"p95 {p95:g} ms" in done.stdout
    assert ("turn back" in done.stdout) == (step == "send" and p95 > 10)


def test_figures_from_before_the_last_start_do_not_count(tmp_path: Path) -> None:
    """What an earlier version, or an earlier start, took cannot hide what this one takes."""
    log = _log(tmp_path, _figures("flush", *([0.1] * 1_000)), RESTORED, _figures("flush", *([5.0] * 20)))
    assert _run("flush", log).returncode == 1


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
    """Each of the sentences fails the step and is shown with its line's number."""
    done = _run("errors", _log(tmp_path, RESTORED, _figures("flush", 1.0), line))
    assert done.returncode == 1
    assert done.stdout.startswith("3:")


@pytest.mark.parametrize("step", ["errors", "success-restores"])
def test_a_log_without_errors_passes(tmp_path: Path, step: str) -> None:
    """A log of ordinary lines, and an empty one."""
    assert _run(step, _log(tmp_path, RESTORED, _figures("send", 1.0))).returncode == 0
    assert _run(step, _log(tmp_path)).returncode == 0


@pytest.mark.parametrize("step", ["errors", "success-restores", "restored", "restore-time"])
def test_a_log_that_is_not_there_never_passes(tmp_path: Path, step: str) -> None:
    """A wrong path is no log without errors."""
    assert _run(step, tmp_path / "not-there.log").returncode != 0


def test_the_restore_is_told_by_the_last_start(tmp_path: Path) -> None:
    """The last line of the registry counts, and its figure against the limit."""
    slow = RESTORED.replace("in 12 ms", "in 140 ms")
    assert _run("restored", _log(tmp_path, RESTORED)).returncode == 0
    assert _run("restored", _log(tmp_path, _figures("flush", 1.0))).returncode == 1
    assert _run("restore-time", _log(tmp_path, slow, RESTORED)).returncode == 0
    assert _run("restore-time", _log(tmp_path, RESTORED, slow)).returncode == 1
    without = RESTORED.replace(" in 12 ms", "")
    assert _run("restore-time", _log(tmp_path, without)).returncode == 1
