"""Watches in a real terminal: a kill ends the screens and not the watch, and what fires leads to the way back."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.screen import ENTER, PROGRAM, Screen
from support.watched import BOOK

from orion_deploy.run.watches import keeper as keepers
from orion_deploy.run.watches import reading


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Path]:
    """A checklist with a watch, what it watches, and how the operator wants to be told; who looks is asked to leave."""
    (tmp_path / "there.txt").write_text("here")
    path = tmp_path / "night.md"
    path.write_text(BOOK)
    wishes = tmp_path / "config" / "orion-deploy" / "notify.json"
    wishes.parent.mkdir(parents=True)
    command = f'printf "%s %s %s" "$ORION_EVENT" "$ORION_STEP" "$ORION_CHECKLIST" > {tmp_path}/told'
    wishes.write_text(json.dumps({"terminal": "osc9", "on_trigger": command}))
    yield path
    for run in tmp_path.glob("*.runs/[!.]*"):
        assert keepers.ask_to_leave(run)


def opened(book: Path) -> Screen:
    """The app on it, approved."""
    return Screen(
        [*PROGRAM, "open", book.name, "--approve"],
        cwd=book.parent,
        env={"XDG_CONFIG_HOME": str(book.parent / "config")},
    )


def test_a_watch_outlives_a_kill_and_its_firing_leads_to_the_way_back(book: Path) -> None:
    """Kill -9 ends the app; the same keeper looks on; the app comes back to it; what fires is told, once, by bell, by the terminal, by the command, and the word turns back."""
    with opened(book) as screen:
        screen.wait("q leave")
        screen.press(ENTER)
        screen.wait("watched for 2 h, until")
        screen.wait("◔ watching")
        (run,) = book.parent.glob("night.md.runs/[!.]*")
        screen.wait(lambda _: reading.read_all(run) != [])
        screen.kill(signal.SIGKILL)
        assert screen.end() == -signal.SIGKILL
    first = reading.keeper_of(run)
    (before,) = reading.read_all(run)
    with opened(book) as screen:
        assert "◔ watching" in screen.wait("Back in run")
        screen.press(ENTER)
        screen.wait("1 watch, ")
        screen.wait(lambda _: reading.read_all(run)[0].looks > before.looks)
        assert reading.keeper_of(run) == first
        (book.parent / "there.txt").unlink()
        screen.wait("A WATCH FIRED: turn back?")
        screen.wait(lambda _: (book.parent / "told").exists())
        assert screen.sent.count(b"\x1b]9;orion-deploy: FIRED: The file is there: there is no ") == 1
        screen.press("rollback" + ENTER)
        screen.wait("ROLLING BACK since")
        screen.press("q")
        assert screen.end() == 0
        assert screen.is_sane()
    assert (book.parent / "told").read_text() == f"trigger there {book.name}"
