"""The app as a whole, without a terminal: keys against a real run."""

from __future__ import annotations

import resource
from functools import partial
from pathlib import Path

import pytest
from support.play import Player, playing
from support.sessions import book as write_book
from support.sessions import opened

from orion_deploy.run.state import Status
from orion_deploy.tui import patience
from orion_deploy.tui.screens.panel import KeysPanel, Panel, TypePanel


async def test_enter_and_space_carry_a_step_out(book: Path) -> None:
    """Enter runs, the evidence stands beside the expectation, Space ticks and the cursor goes on without running."""
    async with playing(book) as player:
        await player.press("enter")
        await player.until(lambda: player.status("order queue") is Status.UNDECIDED, "the end of the step")
        await player.ready()
        assert "expected" in player.shown
        assert "│ in the queue: 0" in player.shown
        assert "Space ticks it" in player.shown
        await player.press("space")
        assert player.status("order queue") is Status.DONE
        assert player.at == "Choose a quiet hour"
        assert player.status("quiet hour") is Status.TODO


async def test_enter_enter_enter_never_passes(book: Path) -> None:
    """Enter held down for as long as one likes runs the first command once, and ticks nothing."""
    async with playing(book) as player:
        await player.ready()
        await player.hold(*["enter"] * 60)
        await player.until(lambda: not player.session.state.running, "the end of the step")
        await player.hold(*["enter"] * 60)
        await player.press("enter", "enter", "enter", "enter")
        state = player.session.state
        assert [len(s.attempts) for s in state.steps.values()] == [1]
        assert not any(s.status is Status.DONE for s in state.steps.values())
        assert isinstance(player.app.screen, TypePanel)


async def test_keys_typed_ahead_confirm_nothing(book: Path) -> None:
    """The word and Enter, typed before the question could be read, are dropped; typed after it, they run the step."""
    async with playing(book) as player:
        step_id = await player.go("Stop the shop")
        await player.ready()
        await player.hold("enter", *"run", "enter")
        await player.ready()
        assert isinstance(player.app.screen, TypePanel)
        assert not player.session.state.step(step_id).attempts
        await player.pilot.press("enter")
        assert isinstance(player.app.screen, TypePanel)
        await player.type("run")
        await player.pilot.press("enter")
        await player.until(lambda: bool(player.session.state.step(step_id).attempts), "the attempt")


async def test_a_held_space_ticks_one_step(book: Path) -> None:
    """A key that repeats acts once: the next step's tick is an act of its own."""
    async with playing(book) as player:
        await player.go("Choose a quiet hour")
        await player.ready()
        await player.hold(*["space"] * 60)
        assert [player.session.state.step(i).status for i in player.session.state.steps] == [Status.DONE]


async def test_a_section_ends_by_an_act_that_lists_its_skips(book: Path) -> None:
    """The last step of a section brings the question; only its own key answers it, and the record says what was skipped."""
    async with playing(book) as player:
        await player.press("s")
        await player.type("no queue tonight")
        await player.pilot.press("enter")
        await player.press("space", "space")
        await player.until(lambda: isinstance(player.app.screen, KeysPanel), "the question")
        await player.ready()
        assert "no queue tonight" in player.shown
        await player.press("enter")
        assert not player.session.state.sections_completed
        await player.press("c")
        assert len(player.session.state.sections_completed) == 1
        assert "1 skipped" in player.shown


async def test_the_layout_follows_the_width(book: Path) -> None:
    """Two columns where there is room, one above the other where there is not, and Right gives the step all of it."""
    async with playing(book, size=(80, 24)) as player:
        main = player.app.main
        assert main.outline.region.y < main.page.region.y
        assert main.outline.region.width == 80
        await player.press("right")
        assert not main.outline.display
        await player.press("left")
        assert main.outline.display
        await player.pilot.resize_terminal(200, 60)
        await player.until(lambda: main.outline.region.y == main.page.region.y, "the two columns")
        assert all(len(row) == 200 for row in player.shown.split("\n"))


async def test_search_moves_the_cursor_and_escape_goes_back(book: Path) -> None:
    """Typing goes to the first match, down to the next, Esc to where one was."""
    async with playing(book) as player:
        await player.press("slash")
        await player.type("shop")
        await player.until(lambda: player.at == "Stop the shop (MANDATORY)", "the first match")
        await player.pilot.press("down")
        await player.until(lambda: player.at == "Start the shop", "the second match")
        await player.pilot.press("escape")
        await player.until(lambda: "order queue" in player.at, "the way back")


async def test_the_palette_jumps_to_a_step(book: Path) -> None:
    """Every step is in the palette; choosing it moves the cursor and runs nothing."""
    async with playing(book) as player:
        await player.press("ctrl+p")
        await player.until(lambda: "CommandPalette" in type(player.app.screen).__name__, "the palette")
        await player.pilot.press(*"registry")
        await player.until(lambda: "Tell the registry" in player.shown.split("Search")[-1], "the hit")
        await player.pilot.press("enter")
        await player.until(lambda: player.at == "Tell the registry", "the jump")
        assert not player.session.state.steps


async def test_an_unapproved_checklist_shows_its_commands_first(book: Path) -> None:
    """The approval comes by itself; Enter is no answer; Esc leaves everything readable and nothing runnable; `a` approves."""
    async with playing(book, approve=False) as player:
        await player.until(lambda: isinstance(player.app.screen, KeysPanel), "the approval")
        await player.press("enter", "escape", "enter")
        assert isinstance(player.app.screen, KeysPanel)
        assert player.session.needs_approval
        await player.press("a")
        assert not player.session.needs_approval
        await player.press("enter")
        await player.until(lambda: bool(player.session.state.steps), "the run")


async def test_a_second_operator_looks_on(book: Path) -> None:
    """Whoever looks on sees the holder's ticks, is told who holds the run, and can change nothing."""
    with opened(book, cwd=str(book.parent)) as first:
        async with playing(book, look_on=True) as player:
            await player.until(lambda: "you are looking on" in player.shown, "the banner")
            first.session.tick(first.session.step("1").id)
            await player.until(lambda: "1 of 9 settled" in player.shown, "the tick of the other")
            await player.press("space")
            assert "you are looking on" in player.shown
            assert len(player.session.state.steps) == 1


async def test_what_cannot_be_recorded_is_said_and_not_shown_as_done(book: Path) -> None:
    """With no room left for the journal a tick is refused on a screen of its own, and the step stays open."""
    async with playing(book) as player:
        await player.go("Choose a quiet hour")
        journal = player.session.directory / "journal.jsonl"
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (journal.stat().st_size + 10, before[1]))
        try:
            await player.press("space")
            await player.until(lambda: isinstance(player.app.screen, Panel), "the fault")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert "Not recorded" in player.shown
        await player.press("escape")
        assert player.status("quiet hour") is Status.TODO


@pytest.fixture(autouse=True)
def short_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """The window in which a screen takes no keys, shorter than a person needs and long enough for what is typed ahead."""
    monkeypatch.setattr(patience, "WINDOW_S", 0.1)


MARKUP = [
    "1 [red]red[/]",
    "2 [@click=app.quit]leave[/]",
    "3 [/]",
    "4 [b",
    "5 [link=file:///etc/passwd]x[/link]",
    "6 $(echo [)",
]


async def test_markup_in_a_checklist_is_text(tmp_path: Path) -> None:
    """Titles, prose, notes, sections and reasons with Textual's or Rich's markup are shown as they are written, everywhere."""
    text = "# [red]Title[/]\n\n" + "".join(
        f"## {m} section\n\n- [ ] {m} step\n\n  {m} prose\n\n" for m in MARKUP
    )
    async with playing(write_book(tmp_path, text), size=(160, 50)) as player:
        for markup in MARKUP:
            await player.go(f"{markup} step")
            await player.until(partial(is_shown_twice, player, f"{markup} step"), f"{markup} twice")
            assert f"{markup} prose" in player.shown
        await player.go(MARKUP[1])
        await note(player, MARKUP[1])
        await player.press("F")
        await player.ready()
        assert isinstance(player.app.screen, Panel)


def is_shown_twice(player: Player, text: str) -> bool:
    """In the outline and on the page."""
    return player.shown.count(text) == 2


async def note(player: Player, text: str) -> None:
    """Write a note and find it on the page."""
    await player.press("n")
    await player.type(text)
    await player.pilot.press("enter")
    await player.until(lambda: player.shown.count(text) >= 3, f"the note {text}")


async def test_every_theme_shows_the_same_words(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """State is a glyph and a word in any colours, and without them."""
    monkeypatch.setenv("NO_COLOR", "1")
    async with playing(book, size=(80, 24)) as player:
        player.session.skip(player.session.step("1").id, "no")
        for theme in ("ansi-dark", "ansi-light", "orion-day", "textual-light"):
            player.app.theme = theme
            player.app.main.on_changed()
            await player.pilot.pause()
            for words in ("- skipped", "· todo", "R ROLLBACK", "1 skipped", "› "):
                assert words in player.shown
