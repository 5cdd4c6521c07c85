"""The report on the screen: what would be handed over, to read and to search, and a file of it beside the run."""

from __future__ import annotations

import stat
from pathlib import Path

from support.play import playing

from orion_deploy.report.marks import find_mark
from orion_deploy.run import events as ev
from orion_deploy.tui.screens.report import GATHERING, ReportScreen, report_file


def report(screen: object) -> ReportScreen:
    """The report's screen, if that is what is on top."""
    assert isinstance(screen, ReportScreen)
    return screen


def lines(screen: object) -> list[str]:
    """Its lines."""
    text = report(screen).text
    return [text.text(number) for number in range(text.count)]


async def test_r_shows_the_report_and_esc_leads_back(book: Path) -> None:
    """The Markdown of this run, gathered from the disk while the session holds it; the run is not changed by it."""
    async with playing(book) as player:
        await player.press("s")
        await player.type("no queue tonight")
        await player.press("enter")
        await player.until(lambda: not player.app.screen.is_modal, "the main screen")
        before = list(player.session.events())
        await player.press("r")
        await player.until(lambda: lines(player.app.screen) != [GATHERING], "the report")
        assert lines(player.app.screen)[0].startswith("<!-- orion-deploy-journal ")
        assert any("no queue tonight" in line for line in lines(player.app.screen))
        assert "What needs your eyes" in player.shown
        await player.press("escape")
        assert not player.app.screen.is_modal
        assert list(player.session.events()) == before


async def test_words_are_found_in_it(book: Path) -> None:
    """`/` and the words, as in an output."""
    async with playing(book, size=(80, 24)) as player:
        await player.press("r")
        await player.until(lambda: lines(player.app.screen) != [GATHERING], "the report")
        await player.press("slash")
        await player.type("warm the CACHES")
        await player.pilot.press("enter")
        await player.until(lambda: report(player.app.screen).matches != [], "a match")
        assert "Warm the caches" in player.shown
        await player.press("r")
        assert not player.app.screen.is_modal


async def test_w_writes_the_html_beside_the_run_and_says_where(book: Path) -> None:
    """One file, for this user alone, whose mark is that of the run."""
    async with playing(book, size=(80, 24)) as player:
        await player.press("r")
        await player.until(lambda: lines(player.app.screen) != [GATHERING], "the report")
        await player.press("w")
        file = report_file(player.session)
        await player.until(lambda: "written: " in player.shown, "the file")
        assert file.name in "".join(player.shown.replace("│", "").split())
        assert file.parent == player.session.directory.parent
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        mark = find_mark(file.read_text("utf-8"))
        assert mark is not None
        assert mark.run == player.session.run


async def test_a_file_that_cannot_be_written_is_said(book: Path) -> None:
    """Something stands in its place: it stays, and the screen says so."""
    async with playing(book) as player:
        await player.press("r")
        await player.until(lambda: lines(player.app.screen) != [GATHERING], "the report")
        report_file(player.session).mkdir()
        await player.press("w")
        await player.until(lambda: "not written: " in player.shown, "the refusal")
        assert report_file(player.session).is_dir()


async def test_who_looks_on_reads_it_too(book: Path) -> None:
    """The evidence is for everybody who may read the run."""
    async with playing(book) as first:
        first.session._append(ev.Noted(text="the platform team knows"))
        async with playing(book, approve=False, look_on=True) as second:
            await second.press("r")
            await second.until(lambda: lines(second.app.screen) != [GATHERING], "the report")
            assert any("the platform team knows" in line for line in lines(second.app.screen))
