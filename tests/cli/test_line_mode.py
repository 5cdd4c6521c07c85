"""`run` in a terminal: every step is shown before it is asked about, and nothing but an answer settles it."""

from __future__ import annotations

import re
from pathlib import Path

import pexpect
import pytest
from support.cli import ended, orion, terminal
from support.sessions import book, opened

MENU = re.escape("[q]uit: ")
BACK = re.escape("(empty: go back): ")
YES = re.escape("[y/N] ")


def lines_of(path: Path) -> list[str]:
    """The lines of a file that steps write to; none where it is not there."""
    return path.read_text().splitlines() if path.exists() else []


def answer(child: pexpect.spawn[str], *answers: tuple[str, str]) -> str:
    """Wait for each question and answer it; returns everything that was shown."""
    shown = []
    for question, word in answers:
        child.expect(question)
        shown.append(child.before or "")
        child.sendline(word)
    return "".join(shown)


def facts(path: Path) -> dict[str, dict[str, object]]:
    """Title to the step's facts, from the sidecar."""
    import json

    document = json.loads(path.with_name(f"{path.name}.state.json").read_text())
    return {each["title"]: each for section in document["sections"] for each in section["steps"]}


BOOK = """\
# Release

## Before

- [ ] Tell the support team

  They sit on the third floor. (OPEN-A)

- [ ] Stop the shop
  ```bash
  echo stopping; echo x >> ran
  # Should show: `stopping`
  ```

## Notes

- **OPEN-A:** Ring twice.
"""


def test_from_the_first_look_to_the_end(tmp_path: Path) -> None:
    """Approval first, with the commands; then each step with prose, command and expectation; then the close."""
    path = book(tmp_path, BOOK)
    with terminal("run", path.name, cwd=tmp_path) as child:
        shown = answer(child, (YES, "y"))
        assert "echo stopping; echo x >> ran" in shown
        shown = answer(child, (MENU, "t"))
        assert "They sit on the third floor." in shown
        shown = answer(child, (MENU, "r"))
        assert "done    before.tell-the-support-team" in shown
        assert "echo stopping; echo x >> ran" in shown
        assert "expect: " in shown
        shown = answer(child, (MENU, "t"))
        assert "  | stopping" in shown
        assert "passed" in shown
        answer(child, (YES, "y"))
        assert ended(child) == 0
    assert lines_of(tmp_path / "ran") == ["x"]
    assert orion("status", path.name, "--json", cwd=tmp_path).json["result"] == "completed"


def test_nothing_is_a_default(tmp_path: Path) -> None:
    """Empty lines and unknown words ask again: Enter, Enter, Enter settles nothing."""
    path = book(tmp_path, "# R\n\n- [ ] Look\n")
    with terminal("run", path.name, cwd=tmp_path) as child:
        answer(child, (MENU, ""), (MENU, ""), (MENU, ""))
        shown = answer(child, (MENU, "yes please"), (MENU, "q"))
        assert "is none of these" in shown
        assert ended(child) == 3
    assert facts(path)["Look"]["status"] == "todo"


def test_approval_is_a_no_by_default(tmp_path: Path) -> None:
    """Enter does not trust: nothing runs, exit code 3."""
    path = book(tmp_path, "# R\n\n- [ ] Go\n  ```bash\n  echo x >> ran\n  ```\n")
    with terminal("run", path.name, cwd=tmp_path) as child:
        answer(child, (YES, ""))
        child.expect("nothing was run")
        assert ended(child) == 3
    assert lines_of(tmp_path / "ran") == []


def test_keys_typed_ahead_do_not_answer(tmp_path: Path) -> None:
    """What was typed before a question was on the screen is dropped."""
    path = book(
        tmp_path, "# R\n\n- [ ] Wait\n  ```bash\n  until [ -e go ]; do sleep 0.05; done\n  ```\n- [ ] Look\n"
    )
    with terminal("run", path.name, "--approve", cwd=tmp_path) as child:
        answer(child, (MENU, "r"))
        child.expect("start ")
        child.sendline("t")
        child.sendline("t")
        (tmp_path / "go").write_text("")
        answer(child, (MENU, "q"))
        assert ended(child) == 3
    assert facts(path)["Wait"]["status"] == "undecided"
    assert facts(path)["Look"]["status"] == "todo"


def test_skip_note_and_override_ask_for_their_words(tmp_path: Path) -> None:
    """A skip needs a reason, a mandatory command that was not run too; an empty answer goes back."""
    path = book(tmp_path, "# R\n\n- [ ] One\n- [ ] Two (MANDATORY)\n  ```bash\n  true\n  ```\n")
    with terminal("run", path.name, "--approve", cwd=tmp_path) as child:
        answer(
            child, (MENU, "s"), (BACK, ""), (MENU, "n"), (BACK, "seen by Ann"), (MENU, "s"), (BACK, "no need")
        )
        shown = answer(child, (MENU, "t"), (BACK, "done by hand"))
        assert "it is mandatory and was not run" in shown
        answer(child, (YES, "n"))
        assert ended(child) == 0
    assert facts(path)["One"]["reason"] == "no need"
    assert facts(path)["Two (MANDATORY)"]["override"] is True


def test_a_confirmation_is_typed(tmp_path: Path) -> None:
    """A step that asks for a word runs on that word alone."""
    facts_block = "\n  ```yaml step\n  confirm: BURN\n  ```\n\n"
    path = book(tmp_path, f"# R\n\n- [ ] Burn\n{facts_block}  ```bash\n  echo x >> ran\n  ```\n")
    with terminal("run", path.name, "--approve", cwd=tmp_path) as child:
        answer(child, (MENU, "r"), ("anything else to go back: ", "burn"), (MENU, "v"))
        assert lines_of(tmp_path / "ran") == []
        answer(child, (MENU, "r"), ("anything else to go back: ", "BURN"), (MENU, "q"))
        assert ended(child) == 3
    assert lines_of(tmp_path / "ran") == ["x"]


def test_values_are_asked_for(tmp_path: Path) -> None:
    """A variable, a secret (unseen, and on no disk), and a placeholder, each before the first run that needs it."""
    text = (
        "---\nvariables:\n  HOST: {prompt: Which host?}\n  TOKEN: {secret: true}\n---\n# R\n\n"
        '- [ ] Go\n  ```bash\n  echo "$HOST $TOKEN <VERSION>"\n  ```\n'
    )
    path = book(tmp_path, text)
    with terminal("run", path.name, "--approve", cwd=tmp_path) as child:
        answer(
            child,
            (MENU, "r"),
            (re.escape("Which host?: "), "db1"),
            ("TOKEN: ", "s3cr3t-word"),
            (re.escape("Value for <VERSION> (empty: go back): "), "1.2; reboot"),
        )
        child.expect("which means something to the shell")
        answer(child, (MENU, "r"), (re.escape("Value for <VERSION> (empty: go back): "), "1.2"))
        child.expect(re.escape("| db1 *** 1.2"))
        answer(child, (MENU, "q"))
        assert ended(child) == 3
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or b"s3cr3t-word" not in file.read_bytes(), file


def test_a_choice_is_made_by_its_number(tmp_path: Path) -> None:
    """The options are listed; the chosen one is what runs."""
    text = (
        "# R\n\n- [ ] Choose\n\n  **Option 1: slowly**\n  ```bash\n  echo slowly >> ran\n  ```\n\n"
        "  **Option 2: at once**\n  ```bash\n  echo at once >> ran\n  ```\n"
    )
    path = book(tmp_path, text)
    with terminal("run", path.name, "--approve", cwd=tmp_path) as child:
        answer(child, (MENU, "c"), (BACK.replace("empty", "number; empty"), "2"), (MENU, "r"), (MENU, "q"))
        ended(child)
    assert lines_of(tmp_path / "ran") == ["at once"]


def test_an_edited_command_is_shown_as_a_diff_and_kept(tmp_path: Path) -> None:
    """The editor's text runs after a yes; the diff is evidence."""
    path = book(tmp_path, "# R\n\n- [ ] Go\n  ```bash\n  echo one >> ran\n  ```\n")
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i.old s/one/two/ "$1"\n')
    editor.chmod(0o755)
    with terminal(
        "run", path.name, "--approve", cwd=tmp_path, env={"EDITOR": str(editor), "VISUAL": ""}
    ) as child:
        answer(child, (MENU, "e"))
        shown = answer(child, (YES, "y"), (MENU, "q"))
        assert "-echo one >> ran" in shown
        assert "+echo two >> ran" in shown
        ended(child)
    assert lines_of(tmp_path / "ran") == ["two"]
    assert len(list(tmp_path.glob("book.md.runs/*/attempts/*/1/edit.diff"))) == 1


def test_an_interactive_command_gets_the_terminal(tmp_path: Path) -> None:
    """What asks for input asks the operator, in this very terminal."""
    path = book(
        tmp_path, "# R\n\n- [ ] Name\n  ```bash\n  read -p 'your name? ' name\n  echo $name >> ran\n  ```\n"
    )
    with terminal("run", path.name, "--approve", cwd=tmp_path) as child:
        answer(child, (MENU, "r"), (re.escape("your name? "), "Ann"), (MENU, "t"), (YES, "n"))
        assert ended(child) == 0
    assert lines_of(tmp_path / "ran") == ["Ann"]


def test_an_unknown_outcome_is_only_ever_decided(tmp_path: Path) -> None:
    """No run, tick or skip is offered; running it a second time takes a typed word."""
    from support.attempts import kill_attempt

    path = book(tmp_path, "# R\n\n- [ ] Go\n  ```bash\n  echo x >> ran\n  sleep 60\n  ```\n")
    with opened(path, cwd=str(tmp_path)) as driven:
        driven.session.start("1")
        (step_id,) = driven.session.state.running
        folder = driven.session.attempt_folder(step_id, 1)
    kill_attempt(folder, tmp_path / "ran")
    with terminal("run", path.name, cwd=tmp_path) as child:
        shown = answer(child, (MENU, "r"))
        assert "the outcome of" in shown
        assert "[r]un" not in shown.rsplit("\n", 1)[-1]
        shown = answer(
            child, (MENU, "a"), ("anything else to go back: ", "y"), (MENU, "d"), (BACK, "x is there")
        )
        assert "is none of these" in shown
        answer(child, (YES, "n"))
        assert ended(child) == 0
    assert lines_of(tmp_path / "ran") == ["x"]
    assert facts(path)["Go"]["status"] == "done"


@pytest.mark.hazard("interrupted, and gone on from the wrong place", half="ours")
def test_what_changed_is_told_on_return(tmp_path: Path) -> None:
    """Coming back: where it was, by whom, that the file changed, and which settled step has another text now."""
    path = book(tmp_path, "# R\n\n- [ ] One\n\n  Slowly.\n- [ ] Two\n")
    orion("tick", path.name, "1", cwd=tmp_path)
    book(tmp_path, "# R\n\n- [ ] One\n\n  Fast.\n- [ ] Two\n")
    with terminal("run", path.name, cwd=tmp_path) as child:
        shown = answer(child, (MENU, "q"))
        ended(child)
    assert "last worked on" in shown
    assert "the file changed since (another text: `one`)" in shown
    assert "so far: changed" in shown


def test_the_way_back_takes_a_word_and_a_reason(tmp_path: Path) -> None:
    """`b` turns the run back: the rollback section is the path from there."""
    path = book(tmp_path, "# R\n\n- [ ] One\n\n## Rollback\n\n- [ ] Put it back\n")
    with terminal("run", path.name, cwd=tmp_path) as child:
        answer(child, (MENU, "b"), ("anything else to go back: ", "rollback"), (BACK, "it burns"))
        shown = answer(child, (MENU, "t"), (YES, "n"))
        assert "Put it back" in shown
        assert ended(child) == 0
    assert orion("status", path.name, "--json", cwd=tmp_path).json["rollback_reason"] == "it burns"


@pytest.mark.parametrize("how", ["eof", "interrupt"])
def test_leaving_at_a_question_keeps_everything(how: str, tmp_path: Path) -> None:
    """ctrl+d and ctrl+c at a question: exit code 130, and the next one goes on from there."""
    path = book(tmp_path, "# R\n\n- [ ] One\n- [ ] Two\n")
    with terminal("run", path.name, cwd=tmp_path) as child:
        answer(child, (MENU, "t"))
        child.expect(MENU)
        if how == "eof":
            child.sendeof()
        else:
            child.sendintr()
        assert ended(child) == 130
    assert facts(path)["One"]["status"] == "done"
    with opened(path) as driven:
        assert not driven.session.resume.was_killed


def test_ctrl_c_cancels_the_running_step(tmp_path: Path) -> None:
    """While a step runs the first ctrl+c is for the step."""
    path = book(tmp_path, "# R\n\n- [ ] Wait\n  ```bash\n  echo up; sleep 60\n  ```\n")
    with terminal("run", path.name, "--approve", cwd=tmp_path) as child:
        answer(child, (MENU, "r"))
        child.expect(re.escape("| up"))
        child.sendintr()
        assert ended(child) == 130
    assert facts(path)["Wait"]["status"] == "failed"


def test_hostile_text_reaches_no_terminal(tmp_path: Path) -> None:
    """Titles, prose, notes, commands and output of a checklist: none of their sequences comes through."""
    text = (
        "# R\x1b]0;title\x07\n\n## Sec\x1b[2Jtion\n\n- [ ] St\x1b[31mep \u202ereversed\n\n  Pro\x9b5mse \x1b]52;c;x\x07\n\n"
        "  ```bash\n  printf '\\033]0;out\\007\\033[?1049h'; echo fine \u200b\n  ```\n"
    )
    path = book(tmp_path, text)
    with terminal("run", path.name, cwd=tmp_path) as child:
        shown = answer(child, (YES, "y"), (MENU, "r"), (MENU, "o"), (MENU, "q"))
        ended(child)
    assert "fine" in shown
    assert not {"\x1b", "\x07", "\x9b", "\u202e", "\u200b"} & set(shown)
