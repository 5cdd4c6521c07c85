"""The watch screen: every watch, all of one, and the way into its log. No process looks; the records are as a keeper leaves them."""

from __future__ import annotations

import gzip
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from support.play import Player, playing
from support.watch_scenes import LENGTH_H, put_down, watched

from orion_deploy.errors import RefusedError
from orion_deploy.run.opening import open_session
from orion_deploy.run.watches.record import Line, WatchRecord
from orion_deploy.tui.lines import text_of
from orion_deploy.tui.log_part import LogPart
from orion_deploy.tui.screens.output import OutputScreen
from orion_deploy.tui.screens.panel import TypePanel
from orion_deploy.tui.screens.watches import WatchesScreen
from orion_deploy.tui.widgets.lines_view import LinesView

BOOK = Path(__file__).parent / "watched.md"
HOURS_S = 3600.0


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A checklist of whose four watches one has fired; nobody looks at them."""
    return Path(shutil.copy(BOOK, tmp_path))


@asynccontextmanager
async def shown(
    book: Path, size: tuple[int, int] = (120, 40), *, lines: tuple[Line, ...] | None = None
) -> AsyncIterator[Player]:
    """The app on it. Looking on, it starts no keeper of its own; `lines` are what the slow watch saw."""
    session = open_session(book, cwd=str(book.parent))
    session.approve()
    if lines is None:
        watched(session, session.edge.now() - LENGTH_H * HOURS_S, is_slow=True)
    else:

        def with_lines(record: WatchRecord) -> WatchRecord:
            return replace(record, lines=lines, shown="p95 3 ms")

        put_down(session, "latency", with_lines)
    try:
        async with playing(book, size=size, look_on=True) as player:
            yield player
    finally:
        session.close()


async def opened(player: Player, words: str = "stored quickly") -> WatchesScreen:
    """The watch screen, standing on a watch."""
    await player.go(words)
    await player.press("w")
    screen = player.app.screen
    assert isinstance(screen, WatchesScreen)
    return screen


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_every_watch_and_all_of_the_one_under_the_cursor(book: Path, size: tuple[int, int]) -> None:
    """In every size: a row for each watch with its word; value, limit, firing and gaps of one; another one by a key."""
    async with shown(book, size) as player:
        screen = await opened(player)
        rows = player.shown.split("\n")
        assert all(len(row) == size[0] for row in rows)
        for title in ("No order is lost", "An order is stored", "The memory stays", "The shop is open"):
            assert title in player.shown
        assert "! fired" in player.shown
        assert "limit 10 ms" in player.shown
        facts = screen.query_one("#page", LinesView).lines
        words = " ".join(" ".join(text_of(row) for row in facts).split())
        assert "p95 of the last 10 min is 12.6 ms, above 10 ms" in words
        assert "NOBODY WATCHES" in player.shown
        await player.press("down")
        assert "limit 492 MB" in player.shown
        assert "418 MB, 2 % above the baseline" in player.shown
        await player.press("escape")
        assert player.app.screen is player.app.main
        screen = await opened(player, "Tell the team")
        assert screen.current is not None
        assert screen.current.record.step == "latency"


async def test_the_plot_comes_where_there_is_room_and_by_a_key_where_there_is_not(book: Path) -> None:
    """Beside the facts in a large window; in a small one p shows it instead of them, and back."""
    async with shown(book, (80, 24)) as player:
        await opened(player)
        assert "┤" not in player.shown
        assert "so far" in player.shown or "fired " in player.shown
        await player.press("p")
        await player.until(lambda: "limit 10 ms├" in player.shown, "the plot")
        await player.press("p")
        await player.until(lambda: "┤" not in player.shown, "the facts")
        await player.pilot.resize_terminal(160, 50)
        await player.until(lambda: "limit 10 ms├" in player.shown, "the plot beside the facts")
        assert "so far" in player.shown


async def test_enter_opens_the_log_at_the_line(book: Path) -> None:
    """The line that was seen stands marked among its neighbours; what is hostile in it is shown, not obeyed."""
    log = book.parent / "shop.log"
    rows = [f"line {n} of the log" for n in range(3000)]
    rows[2000] = "order 17 stored in 99 ms \x1b]0;owned\x07 [@click=app.quit]here[/]"
    log.write_text("\n".join(rows) + "\n")
    offset = sum(len(row.encode()) + 1 for row in rows[:2000])
    lines = (Line(1.0, "line 5", str(log), 30), Line(2.0, rows[2000], str(log), offset))
    async with shown(book, lines=lines) as player:
        await opened(player)
        await player.press("o")
        assert isinstance(player.app.screen, OutputScreen)
        await player.until(lambda: "order 17 stored in 99 ms" in player.shown, "the line")
        assert "[@click=app.quit]here" in player.shown
        assert "line 1999 of the log" in player.shown
        assert "line 2001 of the log" in player.shown
        assert "\x1b" not in player.shown
        await player.press("escape", "tab", "up", "enter")
        await player.until(lambda: "line 5 of the log" in player.shown, "the other line")


async def test_a_log_that_is_gone_is_said(book: Path) -> None:
    """No log, no line: the screen says why and stays."""
    lines = (Line(1.0, "gone", str(book.parent / "no.log"), 30),)
    async with shown(book, lines=lines) as player:
        screen = await opened(player)
        await player.press("enter")
        await player.until(lambda: "there is no " in player.shown, "the words")
        assert player.app.screen is screen


async def test_from_the_watches_to_the_way_back(book: Path) -> None:
    """R does the same as on the main screen; who looks on is told why not."""
    async with shown(book) as player:
        await opened(player)
        await player.press("R")
        assert not isinstance(player.app.screen, TypePanel)
        assert "holds the run" in player.shown


def test_the_line_is_found_where_the_log_was_rotated_to(tmp_path: Path) -> None:
    """Renamed, or packed: the same place of the file that now holds it. Written anew: that is said. A pipe is not waited for."""
    log = tmp_path / "shop.log"
    text = b"".join(b"line %d\n" % n for n in range(5000))
    at = text.index(b"line 4000\n")
    line = Line(1.0, "line 4000", str(log), at)
    log.write_bytes(text)

    def row(part: LogPart) -> bytes:
        return part.read(0, part.size()).split(b"\n")[part.row]

    assert row(LogPart(line)) == b"line 4000"
    log.rename(tmp_path / "shop.log.1")
    log.write_bytes(b"something else\n" * 9000)
    part = LogPart(line)
    assert (part.path.name, row(part), part.note) == ("shop.log.1", b"line 4000", "")
    (tmp_path / "shop.log.1").unlink()
    with gzip.open(tmp_path / "shop.log.2.gz", "wb") as file:
        file.write(text)
    part = LogPart(line)
    assert (part.path.name, row(part)) == ("shop.log.2.gz", b"line 4000")
    (tmp_path / "shop.log.2.gz").unlink()
    assert "not there any more" in LogPart(line).note
    log.unlink()
    with pytest.raises(RefusedError, match="there is no"):
        LogPart(line)
    os.mkfifo(log)
    with pytest.raises(RefusedError, match="special file"):
        LogPart(line)


def test_of_a_huge_log_only_the_part_around_the_line_is_read(tmp_path: Path) -> None:
    """Far into a file of holes: two megabytes at most, from a whole line on."""
    log = tmp_path / "huge.log"
    with open(log, "wb") as file:
        file.truncate(3_000_000_000)
        file.seek(2_000_000_000)
        file.write(b"\nfirst\nthe line\nlast\n")
    line = Line(1.0, "the line", str(log), 2_000_000_000 + len(b"\nfirst\n"))
    part = LogPart(line)
    assert part.size() <= 2_000_000
    assert part.read(0, part.size()).split(b"\n")[part.row] == b"the line"


def test_plotext_is_imported_only_for_a_plot() -> None:
    """The main screen and the watch screen come up without it."""
    import subprocess

    script = (
        "import sys; import orion_deploy.tui.orion, orion_deploy.tui.screens.watches;"
        "print('plotext' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"


async def test_the_mouse_chooses_a_watch_and_opens_a_line(book: Path) -> None:
    """A click stands on a watch; a second one on a line of the log opens it there, as Enter does."""
    log = book.parent / "shop.log"
    log.write_text("".join(f"order {n} stored in {n} ms\n" for n in range(40)))
    rows = log.read_text().splitlines(keepends=True)
    lines = tuple(
        Line(float(n), rows[n].rstrip(), str(log), sum(len(row) for row in rows[:n])) for n in (5, 20)
    )
    async with shown(book, lines=lines) as player:
        await opened(player)
        await player.pilot.click("#lines", offset=(10, 0))
        await player.ready()
        for _ in range(20):  # two clicks that come too slowly, on a busy machine, are two single ones
            await player.pilot.click("#lines", offset=(10, 0), times=2)
            if isinstance(player.app.screen, OutputScreen):
                break
        await player.until(lambda: "order 5 stored in 5 ms" in player.shown, "the line")
    async with shown(Path(shutil.copy(BOOK, book.parent / "other.md"))) as player:
        screen = await opened(player)
        await player.pilot.click("#watches", offset=(20, 0))
        assert screen.current is not None
        assert screen.current.record.step == "errors"
