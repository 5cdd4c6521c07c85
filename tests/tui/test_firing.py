"""A watch that fires leads to the way back, by itself, and takes no key that was meant for something else. With real keepers."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.play import Player, playing
from support.sessions import book as write_book
from support.watched import BOOK
from textual.widgets import Input

from orion_deploy.run import events as ev
from orion_deploy.run.watches import keeper as keepers
from orion_deploy.run.watches import reading
from orion_deploy.tui.lines import text_of
from orion_deploy.tui.screens.panel import TypePanel
from orion_deploy.tui.widgets.bars import LinesBar

OFFER = "A WATCH FIRED: turn back?"


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Path]:
    """A checklist with watches, and what they watch; whoever looks at its end is asked to leave."""
    (tmp_path / "there.txt").write_text("here")
    path = write_book(tmp_path, BOOK)
    yield path
    for run in tmp_path.glob("*.runs/[!.]*"):
        assert keepers.ask_to_leave(run)


@asynccontextmanager
async def watching(path: Path) -> AsyncIterator[Player]:
    """The app, with the long watch begun and looked at."""
    async with playing(path) as player:
        await player.go("The file is there")
        await player.press("enter")
        await player.until(lambda: any(s.record.looks for s in player.session.seen_watches()), "a look")
        yield player


def fires(path: Path) -> None:
    """Let what is watched for come true."""
    (path.parent / "there.txt").unlink(missing_ok=True)


def strip_of(player: Player) -> str:
    """What the strip says, whatever is up."""
    return "\n".join(text_of(row) for row in player.app.main.query_one("#strip", LinesBar).lines)


def title(player: Player) -> str:
    """What the panel on top is about."""
    return getattr(player.app.screen, "heading", "")


async def test_a_firing_offers_the_way_back_with_its_reason(watched: Path) -> None:
    """The panel comes by itself with what speaks for it; Enter alone and other words do not answer; the word takes the reason."""
    async with watching(watched) as player:
        fires(watched)
        await player.until(lambda: title(player) == OFFER, "the offer")
        await player.ready()
        assert "The reason: The file is there: " in player.shown
        assert "! fired" in player.shown
        assert "Turn back if the file goes." in player.shown
        assert "FIRED" in strip_of(player)
        await player.press("enter")
        await player.type("jj")
        await player.press("enter")
        assert title(player) == OFFER
        assert player.session.state.rollback_at is None
        player.app.screen.query_one(Input).value = ""
        await player.type("rollback")
        await player.pilot.press("enter")
        await player.until(lambda: player.session.state.rollback_at is not None, "the rollback")
        (entered,) = [e for e in player.session.events() if isinstance(e, ev.RollbackEntered)]
        assert entered.reason.startswith("The file is there: ")
        assert "fired" in str(entered.facts["triggers"])
        assert not player.session.state.watched


async def test_keys_typed_ahead_of_the_offer_answer_nothing(watched: Path) -> None:
    """The word and Enter, typed at the moment when it comes up, are dropped."""
    async with watching(watched) as player:
        fires(watched)
        await player.until(lambda: title(player) == OFFER, "the offer")
        await player.hold(*"rollback", "enter")
        await player.ready()
        assert player.session.state.rollback_at is None
        assert player.app.screen.query_one(Input).value == ""


async def test_an_answer_that_is_being_typed_is_not_disturbed(watched: Path) -> None:
    """While a note is typed, only the strip says it; the panel comes when the note is done, once."""
    async with watching(watched) as player:
        await player.press("n")
        await player.type("the shop ")
        fires(watched)
        await player.until(lambda: "FIRED" in strip_of(player), "the strip")
        assert title(player) == "Note"
        await player.type("is slow")
        await player.pilot.press("enter")
        await player.until(lambda: title(player) == OFFER, "the offer")
        assert [n.text for n in player.session.state.step("there").notes] == ["the shop is slow"]
        await player.press("escape")
        assert player.app.screen is player.app.main
        await player.press("n")
        await player.press("escape")
        await player.pilot.pause(0.4)
        assert player.app.screen is player.app.main


async def test_left_for_now_it_stays_loud_and_r_takes_a_reason_of_ones_own(watched: Path) -> None:
    """Esc decides nothing: the strip goes on saying it, and R asks for a reason with the same facts."""
    async with watching(watched) as player:
        fires(watched)
        await player.until(lambda: title(player) == OFFER, "the offer")
        await player.press("escape")
        assert "FIRED" in strip_of(player)
        await player.press("R")
        assert isinstance(player.app.screen, TypePanel)
        assert "What speaks for it, as seen now" in player.shown
        assert "! fired" in player.shown
        await player.type("the file went")
        await player.pilot.press("enter")
        await player.until(lambda: player.session.state.rollback_reason == "the file went", "the rollback")


async def test_what_fired_while_nobody_was_there_is_offered_at_the_start(watched: Path) -> None:
    """The app was left, it fired, the app is opened: the way back comes first; opened once more, it does not come again."""
    async with watching(watched) as player:
        directory = player.session.directory
    fires(watched)
    async with playing(watched) as player:
        await player.until(lambda: any(r.fired for r in reading.read_all(directory)), "the firing")
        await player.until(lambda: title(player) == OFFER, "the offer")
        await player.press("escape")
    async with playing(watched) as player:
        await player.pilot.pause(0.5)
        assert player.app.screen is player.app.main
        assert "FIRED" in strip_of(player)


async def test_a_wrong_file_of_wishes_is_said_once_and_breaks_nothing(watched: Path) -> None:
    """One warning at the start; watches begin and fire as they do."""
    wishes = Path(os.environ["XDG_CONFIG_HOME"]) / "orion-deploy" / "notify.json"
    wishes.parent.mkdir(parents=True)
    wishes.write_text('{"terminal": "osc8"}')
    async with playing(watched) as player:
        assert "`terminal` must be one of osc9, osc777, off" in player.shown
        await player.go("The file is there")
        await player.press("enter")
        await player.until(lambda: any(s.record.looks for s in player.session.seen_watches()), "a look")
        fires(watched)
        await player.until(lambda: title(player) == OFFER, "the offer")
        await player.ready()


async def test_how_the_operator_was_told_stands_on_the_watch_screen(watched: Path) -> None:
    """A command that fails is seen where the watch is seen, with what it printed."""
    wishes = Path(os.environ["XDG_CONFIG_HOME"]) / "orion-deploy" / "notify.json"
    wishes.parent.mkdir(parents=True)
    wishes.write_text('{"on_trigger": "echo no route; exit 3"}')
    async with watching(watched) as player:
        fires(watched)
        await player.until(lambda: title(player) == OFFER, "the offer")
        await player.press("escape")
        (seen,) = player.session.seen_watches()
        await player.until(lambda: any(t.is_fault for t in player.session.told_of(seen.record)), "the fault")
        await player.press("w")
        await player.until(
            lambda: "on_trigger: it ended with status 3: no route" in " ".join(player.shown.split()),
            "the words",
        )
