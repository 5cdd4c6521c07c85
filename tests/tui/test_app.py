"""The app as a whole, without a terminal: keys against a real run."""

from __future__ import annotations

import resource
from functools import partial
from pathlib import Path

import pytest
from support.play import Player, playing
from support.sessions import book as write_book
from support.sessions import opened
from textual.widgets import TextArea

from orion_deploy.run import events as ev
from orion_deploy.run.state import Status
from orion_deploy.tui import patience
from orion_deploy.tui.screens.panel import KeysPanel, Panel, TypePanel
from orion_deploy.tui.widgets.bars import KeyBar


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


@pytest.mark.hazard("Enter, Enter, Enter", half="ours")
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


@pytest.mark.hazard("Enter, Enter, Enter", half="ours")
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


@pytest.mark.hazard("a section passed over", half="ours")
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


async def test_the_mouse_does_what_keys_do(book: Path) -> None:
    """A click selects, a second one runs by way of the same question as Enter, and the key bar can be clicked."""
    async with playing(book) as player:
        main = player.app.main
        row = next(n for n, r in enumerate(main.board.rows) if "Stop the shop" in r.title)
        await player.pilot.click("#outline", offset=(20, row))
        assert player.at == "Stop the shop (MANDATORY)"
        await player.ready()
        await player.pilot.click("#outline", offset=(20, row), times=2)
        await player.until(lambda: isinstance(player.app.screen, TypePanel), "the question")
        assert not player.session.state.steps
        await player.press("escape")
        start = next(start for start, _, action in main.query_one(KeyBar).places if action == "help")
        await player.pilot.click("#keys", offset=(start + 1, 0))
        await player.until(lambda: isinstance(player.app.screen, KeysPanel), "the help")


async def test_the_way_back_is_the_path_once_it_was_entered(book: Path) -> None:
    """R shows what that means; a reason enters it, the cursor goes to its first step, nothing runs."""
    async with playing(book) as player:
        await player.press("R")
        assert "The way back" in player.shown
        assert "orders fail for more than 5 minutes" in player.shown
        await player.press("enter")
        assert player.session.state.rollback_at is None
        await player.type("orders fail")
        await player.pilot.press("enter")
        await player.until(lambda: "ROLLING BACK since" in player.shown, "the way back")
        assert player.session.state.rollback_reason == "orders fail"
        assert "0 of 3 settled" in player.shown
        assert player.app.main.board.sections[player.app.main.row.section].kind.value == "rollback"  # type: ignore[union-attr]
        assert not player.session.state.steps


async def test_an_edited_command_runs_as_edited_after_its_difference_was_seen(book: Path) -> None:
    """`e` edits, the question shows the difference, the word runs it, and the difference is kept with the attempt."""
    async with playing(book) as player:
        step_id = await player.go("order queue")
        await player.press("e")
        await player.ready()
        player.app.screen.query_one(TextArea).text = "printf 'edited: %d' 7"
        await player.press("ctrl+s")
        await player.until(lambda: isinstance(player.app.screen, TypePanel), "the question")
        assert "+printf 'edited: %d' 7" in player.shown
        assert "-printf 'in the queue: %d\\n' 0" in player.shown
        await player.type("run")
        await player.pilot.press("enter")
        await player.until(
            lambda: player.status("order queue") in (Status.UNDECIDED, Status.FAILED), "its end"
        )
        assert player.session.state.step(step_id).attempts[0].edited
        assert "edited: 7" in player.shown
        assert "+printf" in (player.session.attempt_folder(step_id, 1) / "edit.diff").read_text()


@pytest.mark.hazard("a step that may have happened is done again", half="ours")
async def test_an_unknown_outcome_is_decided_by_a_person(book: Path) -> None:
    """Enter shows the ways on, none of them by Enter; marking it done takes a reason, which stands in the record."""
    async with playing(book) as player:
        step_id = await player.go("order queue")
        started = ev.Started(step=step_id, attempt=1, what="command")
        player.session._append(started, ev.Lost(step=step_id, attempt=1, reason="the host went down"))
        player.app.main.on_changed()
        await player.press("enter")
        assert "nobody knows how far it came" in player.shown
        await player.press("enter", "enter")
        assert player.status("order queue") is Status.UNKNOWN
        await player.press("d", "enter")
        assert player.status("order queue") is Status.UNKNOWN
        await player.type("the queue was empty")
        await player.pilot.press("enter")
        await player.until(lambda: player.status("order queue") is Status.DONE, "the decision")
        assert player.session.state.step(step_id).reason == "the queue was empty"
        assert len(player.session.state.step(step_id).attempts) == 1


async def test_a_failed_step_is_ticked_only_with_a_reason(book: Path) -> None:
    """Space on a failed step asks for the reason of the override; the strip counts it."""
    async with playing(book) as player:
        player.session.tick(player.session.step("4").id, reason="it is down")
        await player.go("Warm the caches")
        await player.press("enter")
        await player.until(lambda: player.status("Warm the caches") is Status.FAILED, "the failure")
        assert "1 failed" in player.shown
        await player.press("space")
        assert isinstance(player.app.screen, TypePanel)
        await player.type("warm enough")
        await player.pilot.press("enter")
        await player.until(lambda: player.status("Warm the caches") is Status.DONE, "the override")
        assert "2 overrides" in player.shown


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
            await player.until(lambda: "LOOKING ON: " in player.shown, "the banner")
            assert f"{first.session.edge.who()} since " in player.shown
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


async def test_what_is_copied_stands_alone(book: Path) -> None:
    """`c` copies the command with the run's values in front of it, and a command without any as it is written."""
    async with playing(book) as player:
        await player.press("c")
        assert player.app.clipboard.startswith("printf 'in the queue")
        step_id = await player.go("Count the rows that the release will touch")
        await player.press("enter")
        await player.until(lambda: player.session.next_block(step_id) == 1, "the end of the first command")
        await player.ready()
        await player.press("c")
        assert f"cd -- {book.parent}" in player.app.clipboard
        assert "export REGION=eu-1" in player.app.clipboard
        assert "TOKEN" not in player.app.clipboard
