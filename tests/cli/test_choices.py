"""Choices from the command line: answered, refused, and what `--auto` does and advises by them; and the way to run again what is done."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.cli import Done, ended, orion, terminal
from support.sessions import book
from support.way_back import deployed

BOOK = """# Back

## Do

- [ ] Prepare

  ```yaml step
  id: prepare
  auto: true
  ```

  ```bash
  echo x >> prepared
  ```

- [ ] Go (MANDATORY)

  ```yaml step
  id: go
  auto: true
  needs: [prepare]
  ```

  ```bash
  echo x >> gone
  ```

## Rollback

1. Which way

   ```yaml step
   id: way
   mandatory: true
   check:
     people.choice:
       question: Which way?
       options: {down: Take it back, restore: Restore the backup}
   ```

2. Stop it

   ```yaml step
   id: stop
   auto: true
   ```

   ```bash
   echo x >> stopped
   ```

3. Down

   ```yaml step
   id: down
   auto: true
   when: way == down
   needs: [stop]
   ```

   ```bash
   echo x >> downs
   ```

4. Restore

   ```yaml step
   id: restore
   auto: true
   when: way == restore
   needs: [stop]
   confirm: RESTORE
   ```

   ```bash
   echo x >> restores
   ```
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The checklist, approved."""
    found = book(tmp_path, BOOK, "back.md")
    assert orion("approve", found.name, "--yes", cwd=tmp_path).code == 0
    return found


def do(path: Path, command: str, *more: str) -> Done:
    """A command on the checklist."""
    return orion(command, path.name, *more, cwd=path.parent)


def made(path: Path) -> set[str]:
    """What steps have left."""
    return {
        name for name in ("prepared", "gone", "stopped", "downs", "restores") if (path.parent / name).exists()
    }


def carried_out(path: Path, help: str) -> Done:
    """The first command that a help prints."""
    found = re.search(r"`orion-deploy ([^`]+)`", help)
    assert found is not None, help
    return orion(*found[1].split(), cwd=path.parent)


def test_rollback_without_a_way_runs_nothing_and_its_help_leads_on(path: Path) -> None:
    """Code 3 before anything is stopped; the printed command answers, and the same call then goes that way."""
    stopped = do(path, "rollback", "--auto", "--json")
    assert stopped.code == 3
    assert made(path) == set()
    (event,) = stopped.events("stopped")
    assert event["step"] == "way"
    assert "orion-deploy rollback back.md --auto --way down|restore" in event["help"]
    assert carried_out(path, event["help"]).code == 0
    assert do(path, "rollback", "--auto").code == 0
    assert made(path) == {"stopped", "downs"}


@pytest.mark.parametrize(
    ("way", "left"),
    [("down", "downs"), ("restore", "restores"), ("2", "restores"), ("Take it back", "downs")],
)
def test_a_way_in_one_command(path: Path, way: str, left: str) -> None:
    """`--way` answers the choice and goes the way, also one with a word to type: who names it has confirmed it."""
    done = do(path, "rollback", "--auto", "--way", way)
    assert done.code == 0, done
    assert made(path) == {"stopped", left}
    assert "1 not applicable" in done.out
    assert "skipped" not in done.out
    status = do(path, "status")
    assert "1 not applicable" in status.out
    assert "not applicable: `way` is" in do(path, "report").out.replace("\\", "")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--auto", "--way", "resore"), "did you mean `restore`?"),
        (("--way", "down"), "--way goes with --auto"),
    ],
)
def test_a_way_that_cannot_be_taken(path: Path, words: tuple[str, ...], says: str) -> None:
    """Nothing runs, and the run is not turned back."""
    done = do(path, "rollback", *words)
    assert done.code == 2
    assert says in done.err
    assert made(path) == set()
    assert do(path, "status", "--json").json.get("rollback_at") is None


def test_another_way_than_the_one_that_was_chosen(path: Path) -> None:
    """The answer stands: another one is refused, with how to take it back."""
    assert do(path, "choose", "way", "down").code == 0
    done = do(path, "rollback", "--auto", "--way", "restore")
    assert done.code == 2
    assert "orion-deploy untick back.md way" in done.err
    assert made(path) == set()


def test_choose_and_tick_refuse_what_is_no_option(path: Path) -> None:
    """Code 2 with the options; nothing is done."""
    for words in (("tick", "way"), ("tick", "way", "--value", "nonsense"), ("choose", "way", "3")):
        done = do(path, *words)
        assert done.code == 2, done
        assert "1 down (Take it back), 2 restore (Restore the backup)" in done.err
    assert do(path, "choose", "stop", "1").code == 2
    shown = do(path, "show").out
    assert "option 1: down: Take it back" in shown


def test_line_mode_takes_an_answer(path: Path) -> None:
    """The options stand above the question; the way that was not taken is passed over without being asked about."""
    assert do(path, "rollback", "--auto").code == 3
    with terminal("run", path.name, cwd=path.parent) as child:
        child.expect("option 2: restore: Restore the backup")
        child.expect("q.uit: ")
        child.sendline("t")
        child.expect("number; empty")
        child.sendline("2")
        child.expect("done    way")
        child.expect("Stop it")
        child.expect("q.uit: ")
        child.sendline("r")
        child.expect("Restore")
        child.expect("q.uit: ")
        child.sendline("q")
        assert ended(child) == 3


def test_an_open_need_is_named_with_what_runs_it(path: Path) -> None:
    """Not the `tick` of the step that waits, but the command for what it waits for; that command leads on."""
    stopped = do(path, "run", "--auto", "--only", "go", "--json")
    assert stopped.code == 3
    (event,) = stopped.events("stopped")
    assert "it needs `prepare`" in event["why"]
    assert "`orion-deploy run back.md --auto --only prepare` runs it" in event["help"]
    assert carried_out(path, event["help"]).code == 0
    assert do(path, "run", "--auto", "--only", "go").code == 0
    assert made(path) == {"prepared", "gone"}


def test_what_is_done_is_not_run_again_in_silence(path: Path) -> None:
    """`--only` on a done step says so and names `untick`; `resolve ... rerun` does too; the named command leads on."""
    assert do(path, "run", "--auto", "--only", "prepare").code == 0
    again = do(path, "run", "--auto", "--only", "prepare", "--json")
    (event,) = again.events("settled")
    assert event["step"] == "prepare"
    assert "already done" in event["why"]
    assert "already done" in do(path, "run", "--auto", "--only", "prepare").out
    refused = do(path, "resolve", "prepare", "rerun")
    assert refused.code == 2
    assert "orion-deploy untick back.md prepare" in refused.err
    assert (path.parent / "prepared").read_text() == "x\n"
    assert carried_out(path, event["why"]).code == 0
    assert do(path, "run", "--auto", "--only", "prepare").code == 0
    assert (path.parent / "prepared").read_text() == "x\nx\n"


def test_the_other_way_back_headless(tmp_path: Path) -> None:
    """A checklist without conditions: the second way is left open with what it would lose, and runs by `--override` alone, which is an override."""
    path = deployed(tmp_path)
    assert do(path, "choose", "way", "1").code == 0
    back = do(path, "rollback", "--auto", "--json")
    assert back.code == 3, back
    left = {event["step"]: event["why"] for event in back.events("left_open")}
    assert (
        "restoring the backup now would lose everything written since it was taken (1 row" in left["restore"]
    )
    assert do(path, "run", "--auto", "--override", "so be it").code == 2
    assert do(path, "run", "--auto", "--only", "restore").code == 3
    done = do(path, "run", "--auto", "--only", "restore", "--override", "the one row is of no use")
    assert done.code == 0, done
    (outstanding,) = [s for s in do(path, "status", "--json").json["outstanding"] if s["step"] == "restore"]
    assert outstanding["override"]
    assert "the one row is of no use" in do(path, "report").out
