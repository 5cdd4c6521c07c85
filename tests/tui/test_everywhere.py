"""What holds on every screen: the way back is one key away, and no typed text loses a letter to that key."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.play import Player, playing
from support.watched import BOOK as WATCHED
from support.watched import seen
from textual.screen import Screen
from textual.widgets import Input, TextArea

from orion_deploy.checklist.model import Option, Variable
from orion_deploy.errors import RefusedError
from orion_deploy.tui import flow, screens
from orion_deploy.tui.screens import (
    arrival,
    asking,
    criteria,
    deciding,
    edit,
    fault,
    finish,
    output,
    panel,
    report,
    rollback,
    search,
    watches,
    watching,
)
from orion_deploy.tui.screens import (
    help as help_screen,
)
from orion_deploy.tui.screens.panel import TypePanel
from orion_deploy.tui.screens.way_back import LiveWays

GATES = Path(__file__).parent / "gates.md"

Make = Callable[[Player], Screen[Any]]


OPTIONS = (Option(1, "a", 1), Option(2, "b", 1))


def _question(**about: Any) -> flow.AskPerson:
    return flow.AskPerson("stop", "Which?", **about)


def _live(player: Player) -> LiveWays:
    return LiveWays(player.session, player.app.main.watches)


def _step(player: Player) -> Any:
    return player.session.step("stop")


def _criterion(player: Player) -> Any:
    return player.session.criteria()[0]


WALK: dict[Callable[..., Any], Make] = {
    arrival.resume_panel: lambda p: arrival.resume_panel(p.session),
    arrival.approval_screen: lambda p: arrival.approval_screen(p.session),
    asking.confirm_panel: lambda p: asking.confirm_panel(p.session, "stop", "run", ("why",), None),
    asking.word_panel: lambda _: asking.word_panel("Sure?", "sure", ("why",)),
    asking.question_panel: lambda p: asking.question_panel(p.session, _question(value="how many")),
    asking.options_panel: lambda p: asking.options_panel(p.session, _question(options=OPTIONS)),
    asking.override_panel: lambda p: asking.override_panel(_step(p), "why"),
    asking.other_way_panel: lambda p: asking.other_way_panel(_step(p), "why"),
    asking.skip_panel: lambda p: asking.skip_panel(_step(p)),
    asking.note_panel: lambda _: asking.note_panel("Stop"),
    asking.resolve_panel: lambda p: asking.resolve_panel(_step(p), "done"),
    asking.variable_panel: lambda _: asking.variable_panel(Variable("REGION", line=1), (1, 1)),
    asking.placeholder_panel: lambda _: asking.placeholder_panel("<X>", "echo <X>", (1, 1)),
    criteria.CriteriaScreen: lambda p: criteria.CriteriaScreen(p.app.main, ""),
    criteria.word_panel: lambda p: criteria.word_panel(_criterion(p), "Is it?", "ann"),
    criteria.seen_panel: lambda p: criteria.seen_panel(_criterion(p)),
    criteria.denial_panel: lambda p: criteria.denial_panel(_criterion(p)),
    deciding.unknown_panel: lambda p: deciding.unknown_panel(p.session, "stop"),
    deciding.choice_panel: lambda p: deciding.choice_panel(_step(p)),
    deciding.section_panel: lambda p: deciding.section_panel(p.session, p.app.main.board, 0),
    deciding.cancel_panel: lambda p: deciding.cancel_panel(_step(p)),
    deciding.leave_panel: lambda p: deciding.leave_panel(p.session),
    edit.EditScreen: lambda _: edit.EditScreen("echo", "Stop"),
    fault.fault_panel: lambda _: fault.fault_panel(RefusedError("no")),
    finish.finish_panel: lambda p: finish.finish_panel(p.session, p.session.what_is_open()),
    finish.finish_reason_panel: lambda p: finish.finish_reason_panel(p.session.what_is_open()),
    help_screen.help_panel: lambda _: help_screen.help_panel({}),
    output.OutputScreen: lambda _: output.OutputScreen(report.Whole("text"), "Output", lambda: False),
    report.ReportScreen: lambda p: report.ReportScreen(p.session),
    rollback.rollback_panel: lambda p: rollback.rollback_panel(p.session, p.app.main.board, _live(p)),
    rollback.fired_panel: lambda p: rollback.fired_panel(p.session, p.app.main.board, _live(p), "it fired"),
    search.SearchScreen: lambda p: search.SearchScreen(p.app.main.outline),
    watches.WatchesScreen: lambda p: watches.WatchesScreen(
        p.app.main.watches,
        str,
        p.session.edge.now,
        at="",
        end=lambda _: None,
        keeper=lambda: None,
        told=lambda _: (),
    ),
    watching.end_panel: lambda p: watching.end_panel(seen(), _step(p), (), p.session.edge.now()),
}
"""Everything that can stand above the steps, and how it is made."""
BASES = {panel.Panel, panel.KeysPanel, panel.TypePanel}
BEFORE_A_RUN = {fault.held_panel}


def _all_screens() -> set[Any]:
    """Every screen, and every function that makes a panel, of the rooms under `screens`."""
    found: set[Any] = set()
    for info in pkgutil.iter_modules(screens.__path__):
        module = importlib.import_module(f"{screens.__name__}.{info.name}")
        for name, thing in inspect.getmembers(module):
            if name.startswith("_") or getattr(thing, "__module__", "") != module.__name__:
                continue
            is_screen = (
                inspect.isclass(thing) and issubclass(thing, Screen) and thing.__name__ != "MainScreen"
            )
            makes_one = inspect.isfunction(thing) and "Panel" in str(thing.__annotations__.get("return", ""))
            if is_screen or makes_one:
                found.add(thing)
    return found


def test_the_walk_leaves_no_screen_out() -> None:
    """Whoever adds a screen adds its line to the walk."""
    assert set(WALK) == _all_screens() - BASES - BEFORE_A_RUN


@pytest.mark.parametrize("part", range(3))
async def test_the_way_back_is_one_key_away_from_every_screen(tmp_path: Path, part: int) -> None:
    """R opens the rollback screen over whatever is up, and Esc goes back there; where a text is typed, R is a letter of it."""
    path = Path(shutil.copy(GATES, tmp_path))
    wrong: list[str] = []
    async with playing(path) as player:
        for made in list(WALK)[part::3]:
            screen = WALK[made](player)
            await player.app.push_screen(screen)
            await player.press("R")
            on_top = player.app.screen
            typed = [w.value for w in screen.query(Input)] + [w.text for w in screen.query(TextArea)]
            if typed:
                is_right = on_top is screen and "R" in typed[0]
            else:
                is_right = isinstance(on_top, TypePanel) and on_top.heading.startswith("ROLLBACK")
                await player.press("escape")
                is_right = is_right and player.app.screen is screen
            if not is_right:
                wrong.append(made.__name__)
            player.app.main.pop_until_active()
            await player.until(lambda: player.app.screen is player.app.main, "the steps")
    assert not wrong


async def test_entering_the_rollback_leaves_what_was_up(tmp_path: Path) -> None:
    """A reason given over the criteria: they are left, the cursor stands on the first step of the way back; R there goes to the next."""
    path = Path(shutil.copy(GATES, tmp_path))
    async with playing(path) as player:
        await player.press("G", "R")
        await player.type("orders fail")
        await player.pilot.press("enter")
        await player.until(lambda: player.app.screen is player.app.main, "the steps")
        assert player.session.state.rollback_reason == "orders fail"
        assert player.at == "Move the baskets back"
        await player.press("home", "question_mark", "R")
        await player.until(lambda: player.app.screen is player.app.main, "the steps")
        assert player.at == "Move the baskets back"


async def test_a_persons_own_key_of_the_way_back_works_everywhere(tmp_path: Path) -> None:
    """The keymap's key for the rollback acts on other screens too, but where it answers something it answers that."""
    path = Path(shutil.copy(GATES, tmp_path))
    async with playing(path, keymap={"rollback": "y"}) as player:
        await player.press("question_mark", "R")
        assert getattr(player.app.screen, "heading", "") == "Keys"
        await player.press("y")
        assert isinstance(player.app.screen, TypePanel)
        await player.press("escape", "escape")
        answers: list[str | None] = []
        player.app.push_screen(criteria.word_panel(_criterion(player), "Is it?", "ann"), answers.append)
        await player.press("y")
        await player.until(lambda: answers == ["holds"], "the answer")


async def test_where_there_is_no_way_back_it_is_said_above_any_screen(tmp_path: Path) -> None:
    """R over the help of a checklist without a rollback section: a panel says why, once, and the help is there again behind it."""
    path = tmp_path / "book.md"
    path.write_text(WATCHED.partition("## Rollback")[0])
    async with playing(path) as player:
        await player.press("question_mark", "R")
        assert "this checklist has no rollback section" in player.shown
        await player.press("R", "enter")
        assert getattr(player.app.screen, "heading", "") == "Keys"
