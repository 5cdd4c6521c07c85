"""A sandbox for one test: built for real, and everything that lives in it stopped at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orion_deploy.demo.parts import PARTS, end_part, living
from orion_deploy.demo.sandbox import Sandbox, build_sandbox


@contextmanager
def sandbox(
    directory: Path, faults: Sequence[str] = (), *, conversations: int = 300, program: str = ""
) -> Iterator[Sandbox]:
    """Build (or resume) the sandbox in `directory`; a small database keeps the tests fast."""
    try:
        yield build_sandbox(directory, faults, conversations=conversations, program=program)
    finally:
        for part in PARTS:
            if living(directory, part) is not None:
                end_part(directory, part)


def log_of(box: Sandbox) -> str:
    """What the stand-in has logged so far."""
    return (box.directory / "Orion" / "logs" / "orion.log").read_text("utf-8")


def migrate(box: Sandbox, *, down: bool = False) -> None:
    """Apply the sandbox's migration in one transaction; the stand-in must not run."""
    import sqlite3

    way = "down" if down else "up"
    sql = (box.directory / "migrations" / f"0001_add_active_request_{way}.sql").read_text("utf-8")
    database = sqlite3.connect(box.directory / "Orion" / "data" / "orion.db", isolation_level=None)
    try:
        database.executescript(f"BEGIN EXCLUSIVE;\n{sql}\nCOMMIT;")
    finally:
        database.close()


def hurry(folder: Path) -> None:
    """More figures a second, and shorter looks at what should stay stopped or up."""
    checklist = folder / "0001_add_active_request.md"
    text = checklist.read_text("utf-8")
    text = text.replace("deadline_s: 15}", "deadline_s: 15, respawn_watch_s: 0.5}")
    text = text.replace("command: $START_COMMAND}", "command: $START_COMMAND, settle_s: 0.1}")
    checklist.write_text(text, "utf-8")
    path = folder / "Orion" / "app" / "settings.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "tick_s": 0.02}), "utf-8")


def steps_of(checklist: Path) -> dict[str, Any]:
    """What the state beside a checklist says of each step."""
    state = json.loads(checklist.with_name(f"{checklist.name}.state.json").read_text("utf-8"))
    return {step["id"]: step for section in state["sections"] for step in section["steps"]}
