"""The facts that decide which way back to take, on the screens: they come in beside the keys, and into the record."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.play import playing
from support.way_back import deployed
from textual import events
from textual.widgets import Input

from orion_deploy.kinds.sqlite.connection import BUSY_TIMEOUT_S
from orion_deploy.run import events as ev
from orion_deploy.tui.screens.panel import KeysPanel, TypePanel


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_turning_back_shows_what_decides_and_keeps_it(tmp_path: Path, size: tuple[int, int]) -> None:
    """R looks at the database and the backup; the reason takes what was seen into the record; nothing has run by it."""
    async with playing(deployed(tmp_path), size=size) as player:
        await player.press("R")
        panel = player.app.screen
        assert isinstance(panel, TypePanel)

        def text() -> str:
            return "\n".join("".join(s.text for s in line) for line in panel.query_one("#page").lines)  # type: ignore[attr-defined]  # a LinesView

        await player.until(lambda: "manifest and sha256 fit" in text(), "the last fact")
        page = " ".join(text().split())
        assert "keeps the 1 row written since; restoring the backup loses it" in page
        assert "Health whole" in page
        assert "Migration in place" in page
        assert "What decides" in player.shown
        await player.press("pagedown")
        await player.type("orders fail")
        await player.pilot.press("enter")
        await player.until(lambda: player.session.state.rollback_at is not None, "the rollback")
        (entered,) = [e for e in player.session.events() if isinstance(e, ev.RollbackEntered)]
        facts: Any = entered.facts
        (database,) = facts["databases"]
        assert database["written_rows"] == 1
        assert database["is_complete"] is True
        assert player.session.state.rollback_facts == entered.facts
        assert "keeps the 1 row" in str(entered.facts["follows"])


@pytest.mark.hazard("the restore as the way back after a day", half="ours")
@pytest.mark.parametrize("key", ["enter", "space", "t"])
async def test_the_choice_shows_the_facts_beside_its_question(tmp_path: Path, key: str) -> None:
    """At `people.choice` of the rollback section the same facts stand under the options, by whichever key it is asked."""
    async with playing(deployed(tmp_path)) as player:
        player.session.enter_rollback("it burns")
        await player.go("Choose the way back")
        await player.press(key)
        await player.until(lambda: isinstance(player.app.screen, KeysPanel), "the question")
        await player.until(lambda: "keeps the 1 row written since" in " ".join(player.shown.split()), "facts")
        assert player.shown.index("Restore the backup of this run") < player.shown.index("What decides")
        await player.press("1")
        await player.until(lambda: player.session.state.step("way").value != "", "the choice")
        assert player.session.state.step("way").value == "Take the migration back"


async def test_the_other_way_back_needs_a_typed_reason(tmp_path: Path) -> None:
    """After one way Enter on the other asks for a reason, shows what it would lose, then asks for the word; the reason is in the record as an override."""
    async with playing(deployed(tmp_path)) as player:
        session = player.session
        session.enter_rollback("it burns")
        await player.go("Take it back")
        await player.press("enter")
        await player.type("rollback")
        await player.pilot.press("enter")
        await player.until(lambda: session.state.step("down").status == "done", "the way down")
        await player.go("Restore")
        await player.press("enter")
        assert "would lose everything written since" in " ".join(player.shown.split())
        await player.type("it is of no use")
        await player.pilot.press("enter")
        await player.until(lambda: "restore" in player.shown and "Run it?" in player.shown, "the word")
        assert session.state.step("restore").attempts == ()
        await player.type("restore")
        await player.pilot.press("enter")
        await player.until(lambda: session.state.step("restore").status == "done", "the restore")
        assert session.state.step("restore").override
        assert session.state.step("restore").reason == "it is of no use"


async def test_no_key_waits_for_the_facts(tmp_path: Path) -> None:
    """While somebody holds the database's lock, and the look waits for it, every key typed stands in the line at once; a reason can be given, and the record says what was not known."""
    path = deployed(tmp_path, mode="delete")
    async with playing(path) as player:
        with closing(sqlite3.connect(tmp_path / "data" / "orion.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            await player.press("R")
            await player.ready()
            panel = player.app.screen
            await player.until(lambda: "looking ..." in player.shown, "the look")
            slowest = 0.0
            for count in range(1, 16):
                begun = time.perf_counter()
                panel.post_message(events.Key("x", "x"))
                await player.until(lambda n=count: len(panel.query_one(Input).value) == n, "the key")  # type: ignore[misc]  # a default argument
                slowest = max(slowest, time.perf_counter() - begun)
            assert slowest < BUSY_TIMEOUT_S, f"{slowest} s: as long as the look waits for the lock"
            await player.pilot.press("enter")
            await player.until(lambda: player.session.state.rollback_at is not None, "the rollback")
        facts: Any = player.session.state.rollback_facts
        (database,) = facts["databases"]
        assert database["is_complete"] is False


async def test_leaving_the_panel_ends_the_look(tmp_path: Path) -> None:
    """Esc: no process of the look is left behind."""
    import psutil

    path = deployed(tmp_path, mode="delete")
    async with playing(path) as player:
        me = psutil.Process()

        def lookers() -> list[psutil.Process]:
            return [
                p for p in me.children() if p.status() != psutil.STATUS_ZOMBIE and p.cwd() == str(tmp_path)
            ]

        before = {p.pid for p in lookers()}
        with closing(sqlite3.connect(tmp_path / "data" / "orion.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            await player.press("R")
            await player.until(lambda: any(p.pid not in before for p in lookers()), "the look")
            await player.press("escape")
            await player.until(lambda: all(p.pid in before for p in lookers()), "the end of the look")
        assert player.session.state.rollback_at is None
