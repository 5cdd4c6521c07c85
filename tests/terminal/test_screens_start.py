"""How the screens begin: the picker, a person's own keys, an editor, a small terminal. In a real pty."""

from __future__ import annotations

from pathlib import Path

from support.screen import ENTER, ESCAPE, PROGRAM, Screen

BOOK = "# Night\n\n## Work\n\n- [ ] Look\n  ```bash\n  echo looked\n  ```\n- [ ] Think\n"


def test_the_picker_opens_what_is_chosen(tmp_path: Path) -> None:
    """Without a file: the checklists here and those that came with the app; Enter opens, `q` leaves with 0."""
    (tmp_path / "night.md").write_text(BOOK)
    with Screen(PROGRAM, cwd=tmp_path) as screen:
        screen.wait("Checklists here")
        assert "Came with the app" in screen.text
        screen.press(ENTER)
        screen.wait("Approve them?")
        screen.press(ESCAPE)
        screen.press("j ")
        screen.wait("1 of 2 settled")
        screen.press("q")
        assert screen.end() == 0
        assert screen.is_sane()
    with Screen(PROGRAM, cwd=tmp_path) as screen:
        screen.wait("Go on with a run")
        assert "1 of 2 settled" in screen.text
        screen.press("q")
        assert screen.end() == 0
        assert screen.is_sane()


def test_own_keys_work_and_are_shown(tmp_path: Path, own_home: Path) -> None:
    """A key of the person's own acts and stands in the key bar; what is wrong with the file is said at the end."""
    (tmp_path / "night.md").write_text(BOOK)
    folder = own_home / ".config" / "orion-deploy"
    folder.mkdir(parents=True)
    (folder / "keys.json").write_text('{"tick": "T", "skip": "nonsense+s"}')
    with Screen([*PROGRAM, "open", "night.md", "--approve"], cwd=tmp_path) as screen:
        screen.wait("T tick")
        screen.press("jT")
        screen.wait("1 of 2 settled")
        screen.press("q")
        assert screen.end() == 0
        assert "`skip` cannot have the key `nonsense+s`" in screen.text


def test_the_operators_own_editor_edits(tmp_path: Path) -> None:
    """Ctrl+O hands the command to $EDITOR and takes back what that leaves; one that fails leaves it as it was."""
    (tmp_path / "night.md").write_text(BOOK)
    editor = tmp_path / "editor.sh"
    editor.write_text("#!/bin/sh\n[ -e fail ] && exit 3\nprintf 'echo edited\\n' > \"$1\"\n")
    editor.chmod(0o700)
    with Screen(
        [*PROGRAM, "open", "night.md", "--approve"], cwd=tmp_path, env={"EDITOR": str(editor), "VISUAL": ""}
    ) as screen:
        screen.wait("q leave")
        screen.press("e")
        screen.wait("echo looked")
        screen.press("\x0f")
        screen.wait("echo edited")
        (tmp_path / "fail").touch()
        screen.press("\x0f")
        screen.wait("the editor ended with status 3")
        screen.press("\x13")
        screen.wait("+echo edited")
        screen.press(ESCAPE)
        screen.press("q")
        assert screen.end() == 0
        assert screen.is_sane()


def test_a_very_small_terminal_still_works(tmp_path: Path) -> None:
    """40 by 10 is too small to be comfortable and large enough to tick, and growing it gives everything back."""
    (tmp_path / "night.md").write_text(BOOK)
    with Screen([*PROGRAM, "open", "night.md", "--approve"], cwd=tmp_path, size=(40, 10)) as screen:
        screen.wait("Look")
        screen.wait_quiet()
        screen.press("j ")
        screen.wait("1 of 2 settled")
        screen.resize(120, 40)
        screen.wait("q leave")
        screen.press("q")
        assert screen.end() == 0
