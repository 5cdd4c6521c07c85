"""`finish`: what is left open is said, and where that is grave it takes more than the command."""

from __future__ import annotations

from pathlib import Path

from support.cli import orion
from support.sessions import book, opened

BOOK = """\
# Release

- [ ] Tell the team
- [ ] Clean up

## Gates to Phase 1

- [ ] It is well
"""


def test_a_run_with_nothing_grave_open_is_closed_at_once(tmp_path: Path) -> None:
    """Open steps are listed and stand in the result; nothing asks."""
    path = book(tmp_path, BOOK)
    orion("tick", "book.md", "1", cwd=tmp_path)
    orion("tick", "book.md", "3", cwd=tmp_path)
    done = orion("finish", "book.md", cwd=tmp_path)
    assert done.code == 0, done
    assert "closed with 1 open" in done.out
    assert "1 other step is open" in done.err
    assert "Clean up" in done.err
    again = orion("finish", "book.md", cwd=tmp_path)
    assert again.code != 0
    assert "no run that is open" in again.err
    assert path.exists()


def test_an_open_gate_takes_a_yes_and_stands_in_the_result(tmp_path: Path) -> None:
    """Without a terminal and without --yes nothing is closed: exit 3, with what is open; with it the reason is kept."""
    book(tmp_path, BOOK)
    orion("tick", "book.md", "1", "--run", "r", cwd=tmp_path)
    refused = orion("finish", "book.md", cwd=tmp_path)
    assert refused.code == 3
    assert "1 gate is open" in refused.err
    assert orion("status", "book.md", "--json", cwd=tmp_path).json["finished_at"] is None
    done = orion("finish", "book.md", "--yes", "--reason", "ticket 4711", "--json", cwd=tmp_path)
    assert done.code == 0, done
    assert done.json["result"] == "closed with 1 gate open, 1 open"
    assert done.json["reason"] == "ticket 4711"
    assert [each["what"] for each in done.json["open"]] == ["gate open", "open"]
    with opened(tmp_path / "book.md", run="r") as driven:
        assert driven.session.state.finish_reason == "ticket 4711"
    assert "closed with 1 gate open" in orion("status", cwd=tmp_path).out
