"""The screen of criteria and gates: how they stand, deciding one, saying that one does not hold, and closing with some open."""

from __future__ import annotations

import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from support.play import Player, playing
from support.sessions import opened

from orion_deploy.run.criteria import Criterion, Stand
from orion_deploy.run.edge import Edge
from orion_deploy.run.session import Session
from orion_deploy.run.state import Status
from orion_deploy.tui.criteria_lines import criterion_row, gate_lines
from orion_deploy.tui.lines import text_of, width_of
from orion_deploy.tui.screens.arrival import resume_lines
from orion_deploy.tui.screens.criteria import CriteriaScreen
from orion_deploy.tui.screens.panel import KeysPanel, TypePanel

BOOK = Path(__file__).with_name("gates.md")
SIZES = [(80, 24), (120, 40), (200, 60)]


@asynccontextmanager
async def gated(folder: Path, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Player]:
    """A run whose deployment is over, on the screen of criteria and gates."""
    path = Path(shutil.copy(BOOK, folder))
    with opened(path, cwd=str(folder)) as driven:
        driven.run("stop")
        driven.run("move")
    async with playing(path, size=size) as player:
        await player.press("G")
        assert isinstance(player.app.screen, CriteriaScreen)
        yield player


def stand(player: Player, words: str) -> Stand:
    """How the criterion with these words stands."""
    return found(player, words).stand


def found(player: Player, words: str) -> Criterion:
    """The criterion with these words in its title."""
    return next(c for c in player.session.criteria() if words in c.title)


async def go(player: Player, words: str) -> None:
    """Put the cursor on a criterion."""
    screen = player.app.screen
    assert isinstance(screen, CriteriaScreen)
    await player.press("home")
    for _ in range(len(screen.rows)):
        if screen.current is not None and words in screen.current.title:
            return
        await player.press("down")
    raise AssertionError(f"there is no {words}")


@pytest.mark.parametrize("size", SIZES)
async def test_the_gate_as_a_whole_is_at_the_top(tmp_path: Path, size: tuple[int, int]) -> None:
    """What may not start, how many are open, each with its stand, and what one waits for: at every size."""
    async with gated(tmp_path, size) as player:
        shown = player.shown
        assert "The second shop may not start: 3 of 3 open" in shown
        assert "Success criteria: 4 of 4 open" in shown
        assert "can be decided now" in shown
        assert "in 23 h 59 min" in shown
        assert "ecides it from its evidence" in shown


async def test_enter_decides_from_evidence_at_once(tmp_path: Path) -> None:
    """No process, no question: it holds, with the value against its limit; headings are passed over by the cursor."""
    async with gated(tmp_path) as player:
        await go(player, "less than 30 seconds")
        await player.press("enter")
        assert stand(player, "less than 30 seconds") is Stand.HOLDS
        assert "limit below 30 s" in player.shown
        assert "1 of 4" not in player.shown
        assert "3 of 4 open" in player.shown


async def test_what_cannot_be_decided_is_refused_with_the_reason(tmp_path: Path) -> None:
    """Nothing is recorded, and the screen says what it waits for."""
    async with gated(tmp_path) as player:
        await go(player, "over the whole day")
        await player.press("enter")
        assert player.session.state.step("whole").status is Status.TODO
        assert "it cannot be decided yet" in player.shown
        assert "No order is lost" in player.shown


async def test_one_key_decides_all_that_can_be(tmp_path: Path) -> None:
    """`d` decides all evidence that is there, and no person's word."""
    async with gated(tmp_path) as player:
        await player.press("d")
        assert [c.stand for c in player.session.criteria()].count(Stand.HOLDS) == 3
        assert "3 decided from evidence" in player.shown
        assert stand(player, "A customer") is Stand.PERSON
        await player.press("d")
        assert "no evidence is there" in player.shown


async def test_a_person_says_that_it_holds_with_a_name(tmp_path: Path) -> None:
    """Enter asks; no key that is pressed twice says yes; what was seen and who saw it are recorded."""
    async with gated(tmp_path) as player:
        await go(player, "A customer")
        await player.press("enter")
        assert isinstance(player.app.screen, KeysPanel)
        await player.press("enter", "space")
        assert isinstance(player.app.screen, KeysPanel)
        assert f"Recorded as the word of {player.session.edge.who()}" in player.shown
        await player.press("v")
        await player.type("seen on two phones")
        await player.press("enter")
        word = found(player, "A customer")
        assert (word.stand, word.by, word.value) == (
            Stand.HOLDS,
            player.session.edge.who(),
            "seen on two phones",
        )
        assert isinstance(player.app.screen, CriteriaScreen)
        await player.press("u")
        assert stand(player, "A customer") is Stand.PERSON


async def test_a_person_says_that_it_does_not_hold(tmp_path: Path) -> None:
    """`f` asks what was seen; the gate fails by a person's word, and can be told anew."""
    async with gated(tmp_path) as player:
        await go(player, "A customer")
        await player.press("f")
        await player.type("the basket was empty")
        await player.press("enter")
        word = found(player, "A customer")
        assert (word.stand, word.by_person, word.why) == (Stand.FAILS, True, "the basket was empty")
        assert "1 of 4 fails" in player.shown
        await go(player, "less than 30 seconds")
        await player.press("f")
        assert "its evidence decides it" in player.shown
        assert isinstance(player.app.screen, CriteriaScreen)


async def test_too_early_takes_a_reason(tmp_path: Path) -> None:
    """`After 24 hours` asked after a second: a reason is asked for, and Esc leaves it open."""
    async with gated(tmp_path) as player:
        await go(player, "Nobody complained")
        await player.press("enter")
        assert isinstance(player.app.screen, TypePanel)
        assert "is not over" in player.shown
        await player.press("escape")
        assert stand(player, "Nobody complained") is Stand.OPEN
        assert isinstance(player.app.screen, CriteriaScreen)


async def test_the_screen_is_in_the_palette_and_ends_with_escape(tmp_path: Path) -> None:
    """One registry: the palette offers it, Esc goes back to the steps."""
    async with gated(tmp_path) as player:
        await player.press("escape")
        assert player.app.screen is player.app.main
        await player.press("ctrl+p")
        await player.type("gates: criteria")
        await player.until(lambda: "how each stands" in player.shown, "the palette")


async def test_closing_says_what_is_open_and_asks_for_a_reason(tmp_path: Path) -> None:
    """`F` lists gates and criteria; the word alone does not close a run with a gate open."""
    async with gated(tmp_path) as player:
        await player.press("escape", "F")
        assert "3 gates are open" in player.shown
        assert "gate open" in player.shown
        await player.type("close")
        await player.press("enter")
        assert player.session.state.finished_at is None
        await player.type("ticket 4711")
        await player.press("enter")
        assert player.session.state.finished_at is not None
        assert player.session.state.result.startswith("closed with 3 gates open, 4 criteria open")
        assert player.session.state.finish_reason == "ticket 4711"


@pytest.mark.parametrize("width", [40, 60, 74, 100, 140])
async def test_a_row_fits_its_width_and_hostile_titles_do_no_harm(tmp_path: Path, width: int) -> None:
    """Long titles, long values and control characters: never wider than there is room, and plain."""
    async with gated(tmp_path) as player:
        base = found(player, "30 seconds")
        hostile = replace(base, title="x\x1b[31m" * 50, value="v\n" * 40, limit="below 3", due_at=9e9)
        for criterion in (base, hostile, replace(hostile, stand=Stand.OPEN, can_be_decided=False)):
            row = criterion_row(criterion, 1000.0, width)
            assert width_of(row) <= width
            assert "\x1b" not in text_of(row)
            assert "\n" not in text_of(row)
        from orion_deploy.run.gates import gates_of

        for row in gate_lines(gates_of(player.session.checklist, player.session.criteria()), 1000.0, width):
            assert width_of(row) <= width


async def test_whoever_comes_back_is_reminded(tmp_path: Path) -> None:
    """The resume screen says what may not start yet and when the next is due; before the deployment it says nothing."""
    path = Path(shutil.copy(BOOK, tmp_path))
    early = [time.time() - 7200.0]
    edge = replace(Edge(), now=lambda: early[0])
    with opened(path, cwd=str(tmp_path), edge=edge) as driven:
        driven.session.note("begun")
        assert "Criteria and gates" not in _resume(driven.session)
        driven.run("stop")
        driven.run("move")
        assert "The second shop may not start: 3 of 3 open" in _resume(driven.session)
    async with playing(path) as player:
        assert "Criteria and gates (G)" in player.shown
        assert "next due in 2" in player.shown


def _resume(session: Session) -> str:
    return "\n".join(text_of(row) for row in resume_lines(session, 76))
