"""Who looks on at a run hears who holds it, and when nobody does any more."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.sessions import book, opened

from orion_deploy.run import asking
from orion_deploy.run.opening import open_session

TEXT = "# Night\n\n- [ ] Look\n  ```bash\n  echo looked\n  ```\n- [ ] Think\n"


def test_it_is_heard_when_the_holder_leaves_and_when_another_comes(tmp_path: Path) -> None:
    """Held, free, held anew: each change is told once, and what is refused says what to do."""
    path = book(tmp_path, TEXT)
    with opened(path, cwd=str(tmp_path)):
        looking = open_session(path, cwd=str(tmp_path), look_on=True)
        assert not looking.hear_of_holder()
        assert "holds the run" in looking.why_not_start("look")
    try:
        assert looking.hear_of_holder()
        assert looking.held_by is None
        assert "nobody holds the run now: open it again" in looking.why_not_start("look")
        assert not looking.hear_of_holder()
        with opened(path, cwd=str(tmp_path)):
            assert looking.hear_of_holder()
            assert looking.held_by is not None
        assert looking.read_only
    finally:
        looking.close()


def test_who_cannot_be_asked_for_is_taken_to_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock that cannot be read is no proof that they have left."""
    path = book(tmp_path, TEXT)
    with opened(path, cwd=str(tmp_path)):
        looking = open_session(path, cwd=str(tmp_path), look_on=True)

        def fails(_directory: Path) -> None:
            raise OSError(5, "no")

        monkeypatch.setattr(asking, "read_holder", fails)
        assert not looking.hear_of_holder()
        assert looking.held_by is not None
        looking.close()


def test_the_holder_has_nobody_to_hear_of(tmp_path: Path) -> None:
    """For the one who holds the run nothing changes hands."""
    with opened(book(tmp_path, TEXT), cwd=str(tmp_path)) as driven:
        assert not driven.session.hear_of_holder()
