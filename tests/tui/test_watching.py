"""Watches on the screens, with real keepers: begun, shown, ended, taken in, and never silently unwatched."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.play import Player, playing
from support.sessions import book as write_book
from support.watched import BOOK

from orion_deploy.run.state import Status
from orion_deploy.run.watches import keeper as keepers
from orion_deploy.run.watches import reading
from orion_deploy.tui.acting import watching
from orion_deploy.tui.screens.panel import TypePanel


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Path]:
    """A checklist with watches, and what they watch; whoever looks at its end is asked to leave."""
    (tmp_path / "there.txt").write_text("here")
    path = write_book(tmp_path, BOOK)
    yield path
    for run in tmp_path.glob("*.runs/[!.]*"):
        assert keepers.ask_to_leave(run)


async def begun(player: Player) -> int:
    """Begin the long watch by its key, and wait until somebody has looked; returns who looks."""
    await player.go("The file is there")
    await player.press("enter")
    await player.until(lambda: any(seen.record.looks for seen in player.session.seen_watches()), "a look")
    keeper = player.session.keeper()
    assert keeper is not None
    return keeper.pid


async def test_enter_on_a_watch_begins_it_and_says_so(watched: Path) -> None:
    """It says for how long and that it goes on; the row has a word of its own; other steps run beside it; the strip counts it."""
    async with playing(watched) as player:
        await player.go("The file is there")
        assert "Enter watch" in player.shown
        await begun(player)
        assert "watched for 2 h, until " in player.shown
        assert "it goes on when you leave" in player.shown
        player.app.main.acting.on_watch_seen()
        await player.pilot.pause()
        assert "◔ watching  The file is there" in player.shown
        assert "1 watch, 2 h left" in player.shown
        assert "▸ running" not in player.shown
        await player.press("enter")
        assert "it is being watched; w shows" in player.shown
        await player.go("Something else")
        await player.press("enter")
        await player.until(lambda: player.status("Something else") is Status.UNDECIDED, "the other step")
        assert player.session.state.watched == ("there",)


async def test_x_ends_a_watch_only_with_a_reason(watched: Path) -> None:
    """The question shows what was seen; Enter alone does not answer it; the reason goes into the record."""
    async with playing(watched) as player:
        await begun(player)
        await player.press("x")
        assert isinstance(player.app.screen, TypePanel)
        assert "End the watch before its time?" in player.shown
        await player.press("enter")
        assert player.session.state.watched == ("there",)
        await player.type("seen enough")
        await player.pilot.press("enter")
        await player.until(lambda: not player.session.state.watched, "the end")
        verdict = player.session.state.step("there").verdict
        assert verdict is not None
        assert "seen enough" in verdict.reason
        assert player.status("The file is there") is Status.UNDECIDED


async def test_a_watch_that_passes_ticks_its_step_on_the_screen(watched: Path) -> None:
    """Nobody presses a key: its end is heard of, taken in, painted and said."""
    async with playing(watched) as player:
        await player.go("For a moment")
        await player.press("enter")
        await player.until(lambda: player.status("For a moment") is Status.DONE, "the end of the watch")
        await player.until(lambda: "For a moment: the watch passed" in player.shown, "the word")
        assert "✓ done" in player.shown
        assert not player.session.state.watched


async def test_a_keeper_that_is_gone_is_started_again_and_said(
    watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed without a word: the screen says that nobody watched, and somebody does again."""
    monkeypatch.setattr(watching, "GRACE_S", 0.1)
    monkeypatch.setattr(watching, "RESTART_S", 0.0)
    async with playing(watched) as player:
        first = await begun(player)
        os.kill(first, signal.SIGKILL)
        await player.until(lambda: "nobody was watching" in player.shown, "the alarm")
        await player.until(
            lambda: (keeper := player.session.keeper()) is not None and keeper.pid != first, "another keeper"
        )


async def test_who_comes_back_finds_the_watch_and_who_left_was_told(watched: Path) -> None:
    """Leaving asks nothing, says that watching goes on and how to see it; the next one finds it watched."""
    async with playing(watched) as player:
        keeper = await begun(player)
        await player.press("q")
        await player.until(lambda: player.app.has_left, "the end")
        said = "\n".join(player.app.notes)
        assert "1 watch, 2 h left; watching goes on: `orion-deploy status" in said
        assert "`orion-deploy watch" in said
        directory = player.session.directory
    found = reading.keeper_of(directory)
    assert found is not None
    assert found.pid == keeper
    async with playing(watched) as player:
        assert "◔ watching" in player.shown
        assert "1 watch, " in player.shown
