"""The seed checklist, unmodified, through the screens, from its first step to its last."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from support.screen import ENTER, Screen
from support.seed_sandbox import SeedBox, seed_box

ASKED = "Type run"
HAS_RUN = "Space ticks it"
OVERRIDE = "Tick it all the same?"
LATE = ("c-errors", "c-users", "c-memory", "g-errors")
"""What can only be told after 24 hours, by the words of the seed: sooner a tick takes a reason."""
RUNS = (
    "copy",
    "down-on-copy",
    "tests",
    "stop",
    "open",
    "size",
    "idle",
    "backup",
    "stop-again",
    "migrate",
    "verify",
)
PATH = (
    *("copy", "down-on-copy", "tests"),
    *("window", "stop", "open", "size", "idle", "backup", "keep"),
    *("stop-again", "migrate", "verify", "start"),
    *("log", "registry", "message", "latency", "memory"),
    *("c-time", "c-errors", "c-restored", "c-message", "c-users", "c-flush", "c-memory"),
    *("g-deployed", "g-errors", "g-flush", "g-restore", "g-leaks"),
)
"""The seed's forward path by names of ours: the rollback is not on it."""


def _steps(box: SeedBox) -> list[dict[str, Any]]:
    """The steps of the forward path as the state beside the checklist has them."""
    state = json.loads(box.checklist.with_name(f"{box.checklist.name}.state.json").read_text("utf-8"))
    return [step for s in state["sections"] if s["kind"] != "rollback" for step in s["steps"]]


def _carry_out(screen: Screen, name: str) -> None:
    """Run the step at hand where it can be run, look at what came of it, and tick it."""
    if name in RUNS:
        text = screen.press(ENTER)
        if ASKED in text:
            screen.press("run" + ENTER)
        screen.wait(HAS_RUN)
    before = settled(screen)
    while (
        settled(screen) == before
    ):  # a key that comes too soon behind the same one counts as held, not as pressed
        screen.press(" ")
        if OVERRIDE in screen.text:
            assert name in LATE
            screen.press("too long for a test" + ENTER)
    if "Section complete?" in screen.text:
        screen.press("c")


def settled(screen: Screen) -> str:
    """How many steps are settled, as the strip at the top has it."""
    return screen.wait(" settled").partition(" settled")[0].rsplit("\n", 1)[-1].strip()


def test_the_seed_through_the_screens(tmp_path: Path) -> None:
    """An operator goes from the first step to the last; the app outlives each `pkill -f orion` of the file."""
    with seed_box(tmp_path) as box:
        program = (*box._enter, sys.executable, "-m", "orion_deploy", box.checklist.name)
        with Screen(program, cwd=box.home, env=box.environ, size=(120, 40)) as screen:
            screen.wait("a approve exactly these")
            screen.press("a")
            for number, name in enumerate(PATH, start=1):
                if name == "stop":
                    box.stop_orion()
                if name == "log":
                    box.start_orion()
                _carry_out(screen, name)
                assert settled(screen) == f"{number} of {len(PATH)}"
            screen.press("q")
            assert screen.end() == 0
            assert screen.is_sane()
        assert {step["status"] for step in _steps(box)} == {"done"}
        assert sum("override" in step for step in _steps(box)) == len(LATE)
        ran = [step for step in _steps(box) if "attempts" in step]
        assert [step["attempts"] for step in ran] == [1] * len(RUNS)
        assert "was not reached" in ran[3]["verdict"]["reason"]
