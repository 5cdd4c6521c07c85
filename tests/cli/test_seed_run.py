"""The seed checklist, unmodified, with its own commands, from its first step to its last."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.seed_sandbox import SeedBox, seed_box

NUMBERS = {name: str(number) for number, name in enumerate((
    "copy", "down-on-copy", "tests",
    "window", "stop", "open", "size", "idle", "backup", "keep",
    "stop-again", "migrate", "verify", "start",
    "log", "registry", "message", "latency", "memory",
    "back-stop", "back-way", "back-verify", "back-start", "back-message",
    "c-time", "c-errors", "c-restored", "c-message", "c-users", "c-flush", "c-memory",
    "g-deployed", "g-errors", "g-flush", "g-restore", "g-leaks",
), start=1)}  # fmt: skip
"""The seed's steps by names of ours, with their numbers in document order."""
LATE = {"c-errors", "c-users", "c-memory", "g-errors"}
"""What can only be told after 24 hours, by the words of the seed."""


def _do(box: SeedBox, command: str, *more: str) -> subprocess.CompletedProcess[str]:
    return box.deploy(command, box.checklist.name, *more)


def _act(box: SeedBox, command: str, name: str, *more: str) -> None:
    """Carry out an act on a step, which must succeed."""
    done = _do(box, command, NUMBERS[name], *more)
    assert done.returncode == 0, done


def _go_on(box: SeedBox, code: int, stopped_at: str = "") -> None:
    """Carry on without a person, to this exit code, and to where this step stops it."""
    done = _do(box, "run", "--auto", "--approve")
    assert done.returncode == code, done
    if stopped_at:
        step_id = _step(box, stopped_at)["id"]
        assert f"stopped at {step_id} " in done.stdout + done.stderr, done


def _state(box: SeedBox) -> dict[str, dict[str, Any]]:
    """Every step as the state beside the checklist has it, by number."""
    state = json.loads(box.checklist.with_name(f"{box.checklist.name}.state.json").read_text("utf-8"))
    steps = [step for section in state["sections"] for step in section["steps"]]
    return {str(number): step for number, step in enumerate(steps, start=1)}


def _step(box: SeedBox, name: str) -> dict[str, Any]:
    return _state(box)[NUMBERS[name]]


def _columns(box: SeedBox) -> set[str]:
    with closing(sqlite3.connect(f"file:{box.database}?mode=ro", uri=True)) as database:
        return {row[1] for row in database.execute("PRAGMA table_info(conversations)")}


def _up_to_the_migration(box: SeedBox) -> None:
    """Go through everything that stands before the migration, as an operator would."""
    _go_on(box, 3, "window")
    _act(box, "tick", "window")
    _go_on(box, 1, "stop")
    assert "Orion is running" in _step(box, "stop")["verdict"]["reason"]
    box.stop_orion()
    _act(box, "resolve", "stop", "rerun")
    _go_on(box, 3, "idle")
    _act(box, "resolve", "idle", "done", "--reason", "the column is not there yet")
    _go_on(box, 3, "keep")
    _act(box, "tick", "keep")


def test_the_seed_can_be_carried_out(tmp_path: Path) -> None:
    """Its own commands, from the first step to the last: the app outlives every `pkill -f orion` of them."""
    with seed_box(tmp_path) as box:
        _up_to_the_migration(box)
        for guard in ("stop", "open"):
            verdict = _step(box, guard)["verdict"]
            assert verdict["outcome"] == "passed"
            assert "was not reached" in verdict["reason"]
        assert len(list((box.home / "Orion" / "backups").glob("orion-pre-migration-*.db"))) == 1

        _go_on(box, 3)
        assert _step(box, "stop-again")["verdict"]["outcome"] == "passed"
        assert _step(box, "migrate")["verdict"]["outcome"] == "passed"
        assert "Should be 0 (success)" in _step(box, "migrate")["verdict"]["reason"]
        assert _step(box, "verify")["verdict"]["outcome"] == "passed"
        assert "active_request_id" in _columns(box)
        box.start_orion()
        left = [
            name for name in NUMBERS if _step(box, name)["status"] == "todo" and not name.startswith("back-")
        ]
        assert left[0] == "start"
        for name in left:
            if name in LATE:
                early = _do(box, "tick", NUMBERS[name])
                assert early.returncode == 2, early
                assert "is not over (due in 23 h " in early.stderr
                _act(box, "tick", name, "--reason", "this is a test: a day is too long")
            else:
                _act(box, "tick", name)
        _go_on(box, 0)
        assert {step["status"] for n, step in _state(box).items() if not _is_back(n)} == {"done"}
        assert {n for n, step in _state(box).items() if "override" in step} == {
            NUMBERS[name] for name in LATE
        }
        assert _do(box, "status", "--gate", "Phase 1").returncode == 0


def _is_back(number: str) -> bool:
    return any(number == NUMBERS[name] for name in NUMBERS if name.startswith("back-"))


@pytest.mark.hazard("`echo $?` at the end", half="both")
def test_a_failed_migration_is_not_hidden_by_its_last_line(tmp_path: Path) -> None:
    """`echo $?` ends with status 0 whatever the migration did; the printed 1 against the expected 0 fails the step."""
    with seed_box(tmp_path) as box:
        _up_to_the_migration(box)
        box.break_migration()
        _go_on(box, 1, "migrate")
        step = _step(box, "migrate")
        assert step["status"] == "failed"
        assert step["last_attempt"]["exit_status"] == 0
        assert "Should be 0 (success)" in step["verdict"]["reason"]
        assert "active_request_id" in _columns(box)


def test_the_way_back_of_the_seed(tmp_path: Path) -> None:
    """The seed's `pkill` ends a running Orion and not this app; a failed verification holds until a way was taken."""
    with seed_box(tmp_path) as box:
        _up_to_the_migration(box)
        _go_on(box, 3)
        box.start_orion()
        back = _do(box, "rollback", "--auto", "--reason", "a rehearsal")
        assert back.returncode == 1, back
        assert box.pids("orion") == []
        assert _step(box, "back-stop")["status"] == "done"
        assert "active_request_id" in _step(box, "back-verify")["verdict"]["reason"]
        _act(box, "choose", "back-way", "2")
        _act(box, "resolve", "back-verify", "rerun")
        _go_on(box, 3)
        assert _step(box, "back-way")["verdict"]["outcome"] == "passed"
        verified = _step(box, "back-verify")["verdict"]
        assert verified["values"]["exit_status"] == 1
        assert verified["outcome"] == "passed", verified
        assert "active_request_id" not in _columns(box)
