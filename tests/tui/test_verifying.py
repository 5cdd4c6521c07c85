"""The keys at a step whose outcome is unknown, against a real run."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.attempts import interrupted
from support.play import playing
from support.sessions import book as write_book

from orion_deploy.run.state import Status
from orion_deploy.tui.screens.panel import KeysPanel


def release(folder: Path, fact: str) -> Path:
    """A checklist whose step was cut off in its middle."""
    script = '  echo x >> ran\n  touch begun\n  [ "$(wc -l < ran)" -gt 1 ] || sleep 60\n'
    path = write_book(
        folder, f"# R\n\n- [ ] Deploy\n\n  ```yaml step\n  {fact}\n  ```\n\n  ```bash\n{script}  ```\n"
    )
    interrupted(path, "1", folder / "begun")
    return path


@pytest.mark.parametrize(("is_there", "expected"), [(True, Status.DONE), (False, Status.TODO)])
async def test_v_lets_the_check_decide(tmp_path: Path, is_there: bool, expected: Status) -> None:
    """The resume screen says that it can be verified; `v` lets the check look, its word stands, nothing runs."""
    path = release(tmp_path, "verify: {files.exists: {path: deployed}}")
    if is_there:
        (tmp_path / "deployed").write_text("")
    async with playing(path) as player:
        await player.until(lambda: isinstance(player.app.screen, KeysPanel), "the resume screen")
        assert "files.exists looks whether it was carried out" in player.shown
        await player.press("enter")
        await player.go("Deploy")
        await player.press("enter")
        assert "v  verify: let files.exists look" in player.shown
        await player.press("v")
        await player.until(lambda: player.status("Deploy") is expected, "the verdict")
        await player.ready()
        words = "it was carried out" if is_there else "it was not carried out"
        await player.until(lambda: words in player.shown, "what it saw")
    assert (tmp_path / "ran").read_text() == "x\n"


async def test_a_harmless_step_is_run_again_by_one_key(tmp_path: Path) -> None:
    """`idempotent: true`: running it again is the first way on, says so, and asks for no word."""
    async with playing(release(tmp_path, "idempotent: true")) as player:
        await player.until(lambda: isinstance(player.app.screen, KeysPanel), "the resume screen")
        await player.press("enter")
        await player.go("Deploy")
        await player.press("enter")
        assert "r  run it again: the checklist says that this does no harm" in player.shown
        await player.press("r")
        await player.until(lambda: player.status("Deploy") is Status.UNDECIDED, "the second run")
    assert (tmp_path / "ran").read_text() == "x\nx\n"


async def test_without_a_check_there_is_no_such_key(tmp_path: Path) -> None:
    """A step that nobody can verify offers no `v`, and running it again still takes the word."""
    async with playing(release(tmp_path, "timeout: 90s")) as player:
        await player.until(lambda: isinstance(player.app.screen, KeysPanel), "the resume screen")
        await player.press("enter")
        await player.go("Deploy")
        await player.press("enter", "v")
        assert player.status("Deploy") is Status.UNKNOWN
        assert "verify" not in player.shown
        await player.press("r")
        assert "nobody knows how far" in player.shown
        assert player.status("Deploy") is Status.UNKNOWN
