"""The bundled checklist, from its first step to its last, on a sandbox: forward, and both ways back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.cli import Done, orion
from support.kinds import until
from support.sandbox import sandbox

from orion_deploy.demo.parts import living
from orion_deploy.demo.sandbox import Sandbox

ANSWERS = {"day": "yes"}
"""What a person answers at the end, by step."""
OF_ANSWERS = {"success-people"}
"""What is decided from those answers."""

WATCHES = {"errors", "flush", "send", "memory"}
BACK = {"back-stop", "back-way", "back-down", "back-restore", "back-verified", "back-start", "back-message"}


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox without faults, whose application will have figures to look at at once."""
    with sandbox(tmp_path / "box", conversations=1_000) as value:
        _hurry(value)
        yield value


def _hurry(box: Sandbox) -> None:
    """More figures a second, shorter looks at what should stay stopped or up, and a day of twelve seconds."""
    text = box.checklist.read_text("utf-8")
    text = text.replace('WATCH_FOR: {default: "2m"', 'WATCH_FOR: {default: "12s"')
    text = text.replace("  for: $WATCH_FOR\n", "  for: $WATCH_FOR\n  every: 0.5\n")
    text = text.replace("deadline_s: 15}", "deadline_s: 15, respawn_watch_s: 0.1}")
    text = text.replace("command: $START_COMMAND}", "command: $START_COMMAND, settle_s: 0.1}")
    box.checklist.write_text(text, "utf-8")
    path = box.directory / "Orion" / "app" / "settings.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "tick_s": 0.02}), "utf-8")


def _do(box: Sandbox, command: str, *more: str) -> Done:
    return orion(command, box.checklist, *more, cwd=box.directory, env=box.environ)


def _steps(box: Sandbox) -> dict[str, Any]:
    """What the state beside the checklist says of each step."""
    state = json.loads(box.checklist.with_name(f"{box.checklist.name}.state.json").read_text("utf-8"))
    return {step["id"]: step for section in state["sections"] for step in section["steps"]}


def _with_status(box: Sandbox, status: str) -> set[str]:
    return {step_id for step_id, step in _steps(box).items() if step["status"] == status}


def _columns(box: Sandbox) -> set[str]:
    path = box.directory / "Orion" / "data" / "orion.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return {row[1] for row in database.execute("PRAGMA table_info(conversations)")}


def test_the_whole_checklist_there_and_back(box: Sandbox) -> None:
    """All that is typed or scripted settles by itself, a person answers, nothing is left; and all of it can be taken back."""
    done = _do(box, "run", "--auto", "--approve")
    assert done.code == 3, done
    assert _with_status(box, "todo") >= {"quiet", "way-back"}
    for step in ("quiet", "way-back"):
        assert _do(box, "tick", step).code == 0
    assert living(box.directory, "orion") is not None
    assert "active_request_id" in _columns(box)
    assert _with_status(box, "running") | _with_status(box, "done") >= WATCHES
    until(lambda: _do(box, "watch").code == 2, "the end of every watch")
    assert _with_status(box, "done") >= WATCHES
    assert _do(box, "run", "--auto").code == 3
    assert _with_status(box, "todo") == ANSWERS.keys() | OF_ANSWERS | BACK
    assert _do(box, "status", "--gate", "Phase 1").code == 0
    assert _do(box, "status", "--gate", "all").code == 3
    for step, answer in ANSWERS.items():
        ticked = _do(box, "tick", step, "--value", answer)
        assert ticked.code == 0, ticked
    last = _do(box, "run", "--auto")
    assert last.code == 0, last
    assert _with_status(box, "done") == _steps(box).keys() - BACK
    assert _do(box, "status", "--gate", "all").code == 0
    assert not any("override" in step for step in _steps(box).values())

    back = _do(box, "rollback", "--auto", "--reason", "to see that it works")
    assert back.code == 3, back
    assert "active_request_id" in _columns(box)
    assert living(box.directory, "orion") is not None
    assert _do(box, "choose", "back-way", "down").code == 0
    back = _do(box, "run", "--auto")
    assert back.code == 0, back
    assert "active_request_id" not in _columns(box)
    assert _with_status(box, "done") >= BACK - {"back-restore"}
    assert _do(box, "status", "--gate", "Phase 1").code == 1
    assert living(box.directory, "orion") is not None


@pytest.mark.parametrize(
    ("fault", "step", "words"),
    [
        ("app-respawns", "stop", "came back"),
        ("open-handle", "closed", "reporter"),
        ("migration-fails", "rehearse", "active_requests_id"),
    ],
)
def test_a_fault_is_found_by_its_step(tmp_path: Path, fault: str, step: str, words: str) -> None:
    """The step that is there for it fails, says what it saw, and nothing after it is carried out."""
    with sandbox(tmp_path / "box", (fault,), conversations=1_000) as box:
        done = _do(box, "run", "--auto", "--approve")
        assert done.code == 1, done
        assert _with_status(box, "failed") == {step}
        assert words in _steps(box)[step]["verdict"]["reason"]
        assert "migrate" in _with_status(box, "todo")
        assert "active_request_id" not in _columns(box)


@pytest.mark.parametrize(
    ("fault", "step", "words"),
    [
        ("log-errors", "errors", "lines that must not be there"),
        ("slow-latency", "flush", "the limit is 5 ms"),
        ("memory-leak", "memory", "allowed"),
    ],
)
def test_a_fault_after_the_migration_fires_and_leads_back(
    tmp_path: Path, fault: str, step: str, words: str
) -> None:
    """Its watch sees it, status says so and names the way back, and the way back cures it."""
    with sandbox(tmp_path / "box", (fault,), conversations=1_000) as box:
        _hurry(box)
        begun = _do(box, "run", "--auto", "--approve", "--set", "WATCH_FOR=1h")
        assert begun.code in (1, 3), begun
        until(lambda: _firing(box, step), f"{step} fired")
        status = _do(box, "status")
        assert words in status.out
        assert "orion-deploy rollback " in status.out
        assert _do(box, "run", "--auto").code == 1
        assert _do(box, "rollback", "--auto", "--reason", f"{step} fired").code == 3
        assert _do(box, "choose", "back-way", "1").code == 0
        back = _do(box, "run", "--auto")
        assert back.code == 0, back
        assert "active_request_id" not in _columns(box)
        assert _with_status(box, "running") == set()
        log = box.directory / "Orion" / "logs" / "orion.log"
        after = log.read_text("utf-8").rpartition("[Orion] started")[2]
        assert "Failed to restore" not in after


def _firing(box: Sandbox, step: str) -> bool:
    found = json.loads(_do(box, "status", "--json").out)
    return any(watch["step"] == step and watch["fired"] for watch in found["watches"])
