"""What every panel does alike: a page longer than its room is turned without a line left out, and the keys say so."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.play import Player, playing
from support.way_back import deployed
from textual.widgets import Input

from orion_deploy.run import events as ev
from orion_deploy.run.state import Status
from orion_deploy.tui.lines import text_of
from orion_deploy.tui.widgets.lines_view import LinesView

GATES = Path(__file__).parent / "gates.md"
SIZES = [(80, 24), (120, 40), (200, 60)]


def page_of(player: Player) -> LinesView:
    """The page of the panel on top."""
    return player.app.screen.query_one("#page", LinesView)


def seen_of(player: Player) -> str:
    """What of the page is seen without turning it, on one line."""
    page = page_of(player)
    top = page.scroll_offset.y
    rows = page.lines[top : top + page.size.height]
    return " ".join(" ".join(text_of(row) for row in rows).split())


async def test_a_page_is_turned_by_one_page(tmp_path: Path) -> None:
    """PgDn and PgUp leave no line out, whether the page has the focus or a line is typed; arrows go line by line there too."""
    async with playing(Path(shutil.copy(GATES, tmp_path)), size=(80, 24)) as player:
        await player.press("question_mark")
        page = page_of(player)
        await player.press("pagedown")
        await player.until(lambda: page.scroll_offset.y > 0, "the next page")
        assert page.scroll_offset.y == page.size.height
        await player.press("pageup")
        await player.until(lambda: page.scroll_offset.y == 0, "the first page")
        await player.press("escape", "F")
        page = page_of(player)
        assert page.max_scroll_y > 0
        await player.press("down")
        await player.until(lambda: page.scroll_offset.y == 1, "the next line")
        await player.press("up", "pagedown")
        await player.until(lambda: page.scroll_offset.y > 1, "the next page")
        assert page.scroll_offset.y == min(page.size.height, page.max_scroll_y)
        assert player.app.screen.query_one(Input).has_focus


async def test_the_keys_say_how_to_read_on_where_there_is_more(tmp_path: Path) -> None:
    """`PgDn` stands beside the keys only where the page is longer than its room, and goes when the terminal grows."""
    async with playing(Path(shutil.copy(GATES, tmp_path)), size=(80, 24)) as player:
        await player.press("F")
        assert "PgDn reads on" in player.shown
        await player.pilot.resize_terminal(120, 60)
        await player.until(lambda: "PgDn" not in player.shown, "the whole page")
        await player.press("escape", "n")
        assert "PgDn" not in player.shown


@pytest.mark.parametrize("size", SIZES)
async def test_what_decides_is_seen_without_scrolling(tmp_path: Path, size: tuple[int, int]) -> None:
    """On the rollback screen and at the choice of the way: what follows, the health and the rows written since, in any terminal."""
    async with playing(deployed(tmp_path), size=size) as player:

        def is_there() -> bool:
            return all(
                words in seen_of(player)
                for words in (
                    "→ Taking the migration back keeps the 1 row written since",
                    "Health whole",
                    "Written 1 row",
                )
            )

        await player.press("R")
        await player.until(is_there, "what decides")
        assert "Esc leaves it" in player.shown
        page = page_of(player)
        await player.until(lambda: ("PgDn reads on" in player.shown) == (page.max_scroll_y > 0), "the keys")
        await player.press("escape")
        player.session.enter_rollback("it burns")
        await player.go("Choose the way back")
        await player.press("enter")
        await player.until(is_there, "what decides")


CONTACTS = """# R

- [ ] Look at the weather
  ```yaml step
  check: {files.exists: {path: sun}}
  ```
- [ ] Break it (MANDATORY)
  ```bash
  exit 3
  ```

## Rollback

1. Put it back

## Emergency Contacts

Call Ann: 4711
"""


async def test_whom_to_turn_to_stands_where_it_went_wrong(tmp_path: Path) -> None:
    """In a small terminal: on the page of the failed step and on the rollback screen, and on no other page."""
    path = tmp_path / "book.md"
    path.write_text(CONTACTS)
    async with playing(path, size=(80, 24)) as player:
        await player.go("Look at the weather")
        await player.press("enter")
        await player.until(lambda: player.status("weather") is Status.FAILED, "the failure")
        assert "4711" not in player.shown
        await player.go("Break it")
        assert "4711" not in player.shown
        await player.press("enter")
        await player.until(lambda: player.status("Break it") is Status.FAILED, "the failure")
        await player.until(lambda: "Call Ann: 4711" in player.shown, "the contacts")
        await player.press("R")
        assert "Call Ann: 4711" in "".join(text_of(row) for row in page_of(player).lines)


async def test_what_is_known_of_a_lost_step_stands_where_it_is_decided(tmp_path: Path) -> None:
    """The reason is seen inside the question in a small terminal, above the ways on, and again where one of them is reasoned."""
    reason = "what watched over it was killed; the script itself noted that it reached its end"
    async with playing(Path(shutil.copy(GATES, tmp_path)), size=(80, 24)) as player:
        step_id = await player.go("Move the baskets")
        started = ev.Started(step=step_id, attempt=1, what="command")
        player.session._append(started, ev.Lost(step=step_id, attempt=1, reason=reason))
        player.app.main.on_changed()
        await player.press("enter")
        text = seen_of(player)
        assert text.index(reason) < text.index("mark it done")
        assert "open it again" in text
        await player.press("d")
        assert reason in seen_of(player)
