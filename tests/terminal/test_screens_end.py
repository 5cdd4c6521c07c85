"""However the screens end, the terminal is as it was, the run is on disk, and what runs goes on. In a real pty."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.screen import CTRL_C, ENTER, ESCAPE, PROGRAM, Screen
from support.stage import RELEASE

BOOK = """# Night

## Work

- [ ] Sleep a while
  ```bash
  echo began >> log
  until [ -e go ]; do sleep 0.05; done
  echo ended >> log
  ```
- [ ] Kill by name
  ```bash
  pkill -TERM -f MARK-OF-THIS-RUN
  kill -TERM "$(cat pid)"
  echo done
  ```
- [ ] Think

## Rollback

1. Undo it
"""


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Path]:
    """A checklist with a step that takes its time, and one that kills what carries this run's own name, only that."""
    mark = f"night-{secrets.token_hex(8)}"
    path = tmp_path / f"{mark}.md"
    path.write_text(BOOK.replace("MARK-OF-THIS-RUN", mark))
    yield path
    (tmp_path / "go").touch()  # A step outlives its app: let it end.


def opened(
    book: Path, *options: str, size: tuple[int, int] = (80, 24), env: dict[str, str] | None = None
) -> Screen:
    """The app on a checklist, approved."""
    return Screen([*PROGRAM, "open", book.name, "--approve", *options], cwd=book.parent, size=size, env=env)


def ready(screen: Screen) -> None:
    """Wait until the main screen takes keys."""
    screen.wait("q leave")
    screen.wait_quiet()


def records(book: Path) -> list[dict[str, Any]]:
    """The journal of the only run."""
    (journal,) = book.parent.glob("*.runs/*/journal.jsonl")
    return [json.loads(line) for line in journal.read_text().splitlines()]


SCREENS = {
    "main": ("", "q leave"),
    "confirm": ("j" + ENTER, "Type run to run it"),
    "help": ("?", "take an option of a choice"),
    "edit": ("e", "until [ -e go ]"),
    "running": (ENTER, "running"),
    "output": (ENTER + "o", "End follows"),
    "rollback": ("R", "Undo it"),
    "palette": ("\x10", "Search"),
    "search": ("/", "other matches"),
    "picker": ("", "Checklists here"),
}
"""Name to the keys that lead there, and what stands there."""
ENDINGS = ("TERM", "HUP", "INT", "QUIT", "KILL", "TSTP", "STOP", "hang-up")
CASES = [
    (name, how)
    for number, name in enumerate(SCREENS)
    for place, how in enumerate(ENDINGS)
    if os.environ.get("ORION_LONG") or (place - 2 * number) % len(ENDINGS) < 2
]
"""Every screen gets two of the endings; all eight with ORION_LONG=1."""


@pytest.mark.parametrize(("name", "how"), CASES)
def test_every_ending_leaves_a_sane_terminal_on_every_screen(book: Path, name: str, how: str) -> None:
    """Whatever ends or stops the app, on whatever screen: the terminal is as it was and the run is on disk."""
    keys, words = SCREENS[name]
    screen = Screen([*PROGRAM], cwd=book.parent) if name == "picker" else opened(book)
    with screen:
        if name != "picker":
            ready(screen)
            screen.press(keys)
        screen.wait(words)
        screen.wait_quiet()
        end_by(screen, how, says=name != "picker")
    if name == "picker":
        assert not list(book.parent.glob("*.runs"))
    else:
        assert records(book)[-1]["k"] == "closed" or how == "KILL"


def end_by(screen: Screen, how: str, *, says: bool) -> None:
    """End the app in this way, and look at what it leaves; `says`: there is a run to go on with after a kill."""
    if how == "hang-up":
        screen.hang_up()
        assert screen.end() in (130, -signal.SIGHUP)
        return
    if how in ("TSTP", "STOP"):
        screen.kill(signal.Signals[f"SIG{how}"])
        wait_until(lambda: state_of(screen.pid) == "T")
        assert how == "STOP" or screen.is_sane()
        screen.kill(signal.SIGCONT)
        screen.wait_quiet()
        how = "TERM"
    screen.kill(signal.Signals[f"SIG{how}"])
    assert screen.end() == (-signal.SIGKILL if how == "KILL" else 130), how
    if how == "KILL":
        screen.wait("Go on with the run" if says else "nothing was begun")
    assert screen.is_sane(), how


def test_leaving_while_a_step_runs_lets_it_go_on(book: Path) -> None:
    """`q` asks; the step ends without the screens; the next session takes its result in and says so first."""
    with opened(book) as screen:
        ready(screen)
        screen.press(ENTER)
        screen.wait("running")
        screen.press("q")
        screen.wait("It goes on without this screen")
        screen.press("q")
        assert screen.end() == 0
        assert screen.is_sane()
    (book.parent / "go").touch()
    wait_for(book.parent / "log", "began\nended\n")
    with opened(book) as screen:
        screen.wait("it has ended meanwhile")
        screen.press(ENTER)
        assert "~ undecided" in screen.wait("Sleep a while")
        screen.press("q")
        assert screen.end() == 0


def test_killing_the_app_gives_the_terminal_back_and_repeats_nothing(book: Path) -> None:
    """SIGKILL in the middle of a step: the terminal is restored by its guardian, which says how to go on; the step ran once."""
    with opened(book) as screen:
        ready(screen)
        screen.press(ENTER)
        screen.wait("running")
        screen.kill(signal.SIGKILL)
        assert screen.end() == -signal.SIGKILL
        screen.wait(f"Go on with the run: orion-deploy {book.name}")
        assert screen.is_sane()
    (book.parent / "go").touch()
    wait_for(book.parent / "log", "began\nended\n")
    with opened(book) as screen:
        screen.wait("did not end in good order")
        screen.press(ENTER)
        screen.wait("~ undecided")
    assert (book.parent / "log").read_text() == "began\nended\n"


def test_a_closed_terminal_closes_the_session(book: Path) -> None:
    """The connection drops: the run is closed in good order, the process ends and does not spin."""
    with opened(book) as screen:
        ready(screen)
        screen.press("j")
        screen.hang_up()
        assert screen.end() in (130, -signal.SIGHUP)
    assert records(book)[-1]["k"] == "closed"


def test_a_step_that_kills_by_name_is_survived(book: Path) -> None:
    """A TERM that our own step sends does not end the app: it says which step sent it, and the record has it."""
    with opened(book) as screen:
        ready(screen)
        (book.parent / "pid").write_text(str(screen.pid))
        screen.press("j" + ENTER)
        screen.wait("Type run to run it")
        screen.press("run" + ENTER)
        screen.wait("survived SIGTERM")
        assert "Kill by name" in screen.text
        screen.press("q")
        assert screen.end() == 0
    assert any(record["k"] == "survived" for record in records(book))


def test_stop_and_continue_keep_the_terminal(book: Path) -> None:
    """After TSTP the shell has its terminal; after CONT, also after a plain STOP, the screen is there again, and sane at the end."""
    for number in (signal.SIGTSTP, signal.SIGSTOP):
        with opened(book) as screen:
            ready(screen)
            screen.kill(number)
            wait_until(lambda pid=screen.pid: state_of(pid) == "T")
            if number == signal.SIGTSTP:
                assert screen.is_sane()
            screen.kill(signal.SIGCONT)
            screen.press("j")
            screen.wait("› · todo      Kill by name")
            screen.press("q")
            assert screen.end() == 0
            assert screen.is_sane()


def test_ctrl_c_never_ends_the_app(book: Path) -> None:
    """Ctrl+C asks whether to stop the running step; with nothing running it says so."""
    with opened(book) as screen:
        ready(screen)
        screen.press(CTRL_C)
        screen.wait("nothing is running")
        screen.press(ENTER)
        screen.wait("running")
        screen.press(CTRL_C)
        screen.wait("Stop the running step?")
        screen.press("x")
        screen.wait("✗ failed")
        screen.press("?" + CTRL_C)
        screen.press(ESCAPE)
        screen.press("q")
        assert screen.end() == 0
    assert (book.parent / "log").read_text() == "began\n"


def test_an_interactive_step_has_the_real_terminal(tmp_path: Path) -> None:
    """`read` asks in the terminal; what is typed before the question of the app counts for nothing; Enter comes back."""
    path = Path(shutil.copy(RELEASE, tmp_path))
    with opened(path) as screen:
        ready(screen)
        screen.press("/")
        screen.type("registry")
        screen.wait("1 of 1")
        screen.press(ENTER)
        screen.wait("Not now")
        screen.press("kkk ")
        screen.wait("Reason:")
        screen.press("down" + ENTER)
        screen.wait("done      Stop the shop")
        screen.press("/")
        screen.type("registry")
        screen.wait("1 of 1")
        screen.press(ENTER)
        screen.press(ENTER)
        screen.wait("Really?")
        screen.type("yes\n")
        screen.wait("told: yes")
        screen.wait("Enter goes back to the checklist")
        screen.type("\n")
        screen.wait("~ undecided Tell the registry")
        screen.press("q")
        assert screen.end() == 0
        assert screen.is_sane()


def test_a_bad_checklist_is_said_on_the_shells_screen(tmp_path: Path) -> None:
    """An error at the start stands where the shell is, with its place, and the exit code is its own."""
    path = tmp_path / "bad.yaml"
    path.write_text("title: x\nsections:\n  - title: y\n    steps:\n      - titel: z\n")
    with Screen([*PROGRAM, "open", path.name], cwd=tmp_path) as screen:
        assert screen.end() == 2
        assert "bad.yaml:5" in screen.text
        assert screen.is_sane()


def test_a_second_operator_is_asked_whether_to_look_on(book: Path) -> None:
    """The run that somebody holds is not opened twice: who and since when is said; `l` looks on, Esc leaves with code 4."""
    with opened(book) as first:
        ready(first)
        with opened(book) as second:
            second.wait("Another operator holds the run")
            second.press("l")
            second.wait("you are looking on")
            first.press("jj ")
            second.wait("✓ done      Think")
            second.press("q")
            assert second.end() == 0
        with opened(book) as third:
            third.wait("Another operator holds the run")
            third.press(ESCAPE)
            assert third.end() == 4


def test_of_two_screens_that_start_at_once_one_begins_the_run(book: Path) -> None:
    """The other is told who holds it, and looks on at the same run: there is no second one beside it."""
    with opened(book) as one, opened(book) as other:
        for screen in (one, other):
            screen.wait(lambda text: "q leave" in text or "Another operator holds the run" in text)
        holders = [screen for screen in (one, other) if "q leave" in screen.text]
        assert len(holders) == 1
        (first,) = holders
        second = other if first is one else one
        second.press("l")
        second.wait("you are looking on")
        first.press("jj ")
        second.wait("✓ done      Think")
        for screen in (second, first):
            screen.press("q")
            assert screen.end() == 0
    assert len([record for record in records(book) if record["k"] == "ticked"]) == 1
    assert len(list(book.parent.glob("*.runs/[!.]*"))) == 1


@pytest.mark.parametrize("keys", ["l", ESCAPE])
def test_looking_on_gives_the_shell_its_own_screen_back(book: Path, keys: str) -> None:
    """The question and what follows it stand on one alternate screen, entered once and left once: nothing is painted on the shell's."""
    with opened(book) as first:
        ready(first)
        with opened(book) as second:
            second.wait("Another operator holds the run")
            second.press(keys)
            if keys == "l":
                second.wait("you are looking on")
                assert second.turns == "h"
                second.press("q")
            assert second.end() == (0 if keys == "l" else 4)
            assert second.is_sane()
            assert second.turns == "hl"


def test_who_looks_on_takes_the_run_over_when_its_operator_has_left(book: Path) -> None:
    """That they left is said, with the key; the key opens the run anew on the same screen, and what is ticked then is recorded."""
    with opened(book) as first:
        ready(first)
        with opened(book) as second:
            second.wait("Another operator holds the run")
            second.press("l")
            second.wait("LOOKING ON")
            second.press("O")
            second.wait("holds the run; you are looking on")
            first.press("q")
            assert first.end() == 0
            second.wait("THEY HAVE LEFT: O takes over")
            second.wait("has left: nobody holds the run now")
            second.press("j ")
            second.wait("nobody holds the run now: O takes it over")
            assert not [record for record in records(book) if record["k"] == "ticked"]
            second.press("O")
            second.wait("R ROLLBACK")
            second.press("jj ")
            second.wait("✓ done      Think")
            assert second.turns == "h"
            second.press("q")
            assert second.end() == 0
            assert second.is_sane()
            assert "go on with: orion-deploy" in second.text
    assert len([record for record in records(book) if record["k"] == "ticked"]) == 1


def test_a_run_that_cannot_be_looked_at_is_told_on_the_shells_screen(book: Path) -> None:
    """What fails between the question and the screens stands where the shell is."""
    with opened(book) as first:
        ready(first)
        with opened(book) as second:
            second.wait("Another operator holds the run")
            book.write_bytes(b"\xff\xfe\x00")
            second.press("l")
            assert second.end() == 2
            assert second.is_sane()
            assert second.turns == "hl"


def wait_for(path: Path, text: str) -> None:
    """Wait until a file holds a text."""
    wait_until(lambda: path.exists() and path.read_text() == text)


def wait_until(condition: Any) -> None:
    """Wait for a condition, at most 20 s."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def state_of(pid: int) -> str:
    """The state letter of a process (T: stopped)."""
    import psutil

    return "T" if psutil.Process(pid).status() == psutil.STATUS_STOPPED else ""
