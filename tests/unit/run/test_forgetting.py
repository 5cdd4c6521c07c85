"""What steps carry to later ones can be dropped: where their folder is gone, nothing else would run any more."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.cli import orion
from support.play import playing
from support.sessions import book, opened

from orion_deploy.errors import RefusedError
from orion_deploy.kinds.verdict import Outcome

TEXT = """# R

- [ ] Go there
  ```bash
  mkdir -p there && cd there
  export COLOUR=green
  ```
- [ ] Work
  ```bash
  echo "$PWD ${COLOUR:-none}"
  ```
"""


def gone(folder: Path) -> Path:
    """A run whose steps went to a folder that is not there any more."""
    path = book(folder, TEXT)
    with opened(path, cwd=str(folder)) as driven:
        driven.run("go-there")
        driven.session.start("work", script="sleep 0.2")
        with pytest.raises(RefusedError, match="is running"):
            driven.session.forget_carried()
        driven.wait("work")
    os.rmdir(folder / "there")
    return path


def test_a_folder_that_is_gone_can_be_dropped(tmp_path: Path) -> None:
    """Later steps are refused, and say what helps; after `forget` they start as the first one did."""
    path = gone(tmp_path)
    with opened(path) as driven:
        verdict = driven.run("work")
        assert verdict.outcome is Outcome.FAILED
        assert "`forget` drops the folder" in verdict.reason
        driven.session.forget_carried("it is gone")
        assert driven.run("work").outcome is Outcome.PASSED
        assert driven.text("work") == f"{tmp_path} none\n"
        with pytest.raises(RefusedError, match="no step has left"):
            driven.session.forget_carried()


def test_it_stays_forgotten_and_is_a_command(tmp_path: Path) -> None:
    """`forget FILE` is on disk when it ends; a second time there is nothing to drop."""
    path = gone(tmp_path)
    done = orion("forget", path.name, cwd=tmp_path)
    assert done.code == 0, done
    assert "forgotten" in done.out
    assert orion("forget", path.name, cwd=tmp_path).code == 2
    with opened(path) as driven:
        assert driven.session.state.carried_from is None


async def test_the_key_asks_for_a_word(tmp_path: Path) -> None:
    """`D` drops nothing by itself; the word does."""
    async with playing(gone(tmp_path)) as player:
        await player.press("D")
        assert "Forget what steps left?" in player.shown
        assert player.session.state.carried_from is not None
        await player.type("forget")
        await player.pilot.press("enter")
        await player.until(lambda: player.session.state.carried_from is None, "it")
