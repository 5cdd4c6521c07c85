"""`rollback`: the facts that decide which way back to take, in plain lines and as data, and in the record."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from support.cli import ended, orion, terminal
from support.sessions import opened
from support.watch_scenes import HOURS, LENGTH_H, watched
from support.way_back import deployed

FOLLOWS = "Taking the migration back keeps the 1 row written since; restoring the backup loses it."


def test_facts_alone_change_nothing(tmp_path: Path) -> None:
    """`--facts` tells, as lines and as data, also while somebody works on the run; the run is not turned back."""
    path = deployed(tmp_path)
    with opened(path, cwd=str(tmp_path)):
        told = orion("rollback", path.name, "--facts", cwd=tmp_path)
        assert told.code == 0, told
        assert FOLLOWS in told.out
        for word in ("Health:     whole", "Migration:  in place", "manifest and sha256 fit", "Room:"):
            assert word in told.out
    data = orion("rollback", path.name, "--facts", "--json", cwd=tmp_path).json
    assert data["follows"] == [FOLLOWS]
    assert data["databases"][0]["written_rows"] == 1
    assert orion("status", path.name, "--json", cwd=tmp_path).json["rollback_at"] is None


def test_without_a_terminal_the_facts_are_told_all_the_same(tmp_path: Path) -> None:
    """`rollback FILE` in a pipe: what decides, then what to run instead; nothing is entered."""
    path = deployed(tmp_path)
    done = orion("rollback", path.name, cwd=tmp_path)
    assert done.code == 2
    assert FOLLOWS in done.out
    assert "the screens need a terminal" in done.err


def test_facts_of_what_nobody_approved(tmp_path: Path) -> None:
    """Nothing is looked at."""
    path = deployed(tmp_path)
    path.write_text(path.read_text() + "\n3. One more\n")
    done = orion("rollback", path.name, "--facts", cwd=tmp_path)
    assert (done.code, done.out) == (3, "")


def test_facts_and_auto_exclude_each_other(tmp_path: Path) -> None:
    """Looking and going are two things."""
    assert orion("rollback", deployed(tmp_path).name, "--facts", "--auto", cwd=tmp_path).code == 2


def test_auto_tells_them_and_records_them(tmp_path: Path) -> None:
    """`rollback --auto`: one event with the facts before anything runs; the journal has them with the reason; a second call does not look again."""
    path = deployed(tmp_path)
    done = orion("rollback", path.name, "--auto", "--reason", "it burns", "--json", cwd=tmp_path)
    (event,) = done.events("way_back")
    assert event["facts"]["follows"] == [FOLLOWS]
    kinds = [line["event"] for line in done.lines]
    assert "started" not in kinds[: kinds.index("way_back")]
    (journal,) = path.with_name(f"{path.name}.runs").glob("*/journal.jsonl")
    (entered,) = [line for line in journal.read_text().splitlines() if '"rollback_entered"' in line]
    assert FOLLOWS in entered
    again = orion("rollback", path.name, "--auto", "--json", cwd=tmp_path)
    assert again.events("way_back") == []
    assert json.loads(again.out.splitlines()[0])["event"] == "opened"


def test_line_mode_tells_them_before_it_asks(tmp_path: Path) -> None:
    """At `b`, and at the choice of the way, the facts stand above the question."""
    path = deployed(tmp_path)
    with terminal("run", path.name, cwd=tmp_path) as child:
        child.expect("q.uit: ")
        child.sendline("b")
        child.expect("keeps the 1 row written since")
        child.expect("anything else to go back: ")
        child.sendline("rollback")
        child.expect("Why")
        child.sendline("it burns")
        child.expect("Choose the way back")
        child.expect("q.uit: ")
        child.sendline("t")
        child.expect("keeps the 1 row written since")
        child.expect("number; empty")
        child.sendline("1")
        child.expect("done    way")
        child.expect("q.uit: ")
        child.sendline("q")
        assert ended(child) == 3


def test_what_fired_is_told_in_plain_lines_as_on_the_screen(tmp_path: Path) -> None:
    """`--facts`: what speaks for turning back with value, limit and since when, and beside it what is fine; the same as data."""
    path = Path(shutil.copy(Path(__file__).parents[1] / "tui" / "watched.md", tmp_path))
    with opened(path, cwd=str(tmp_path)) as driven:
        watched(driven.session, driven.session.edge.now() - LENGTH_H * HOURS, is_slow=True)
        told = orion("rollback", path.name, "--facts", cwd=tmp_path)
        assert told.code == 0, told
        assert "  fired:      An order is stored quickly, since " in told.out
        assert "above 10 ms; now p95 12.6 ms of 214, limit 10 ms" in told.out
        assert told.out.index("fired:") < told.out.index("fine:")
        data = orion("rollback", path.name, "--facts", "--json", cwd=tmp_path).json
        assert [t["what"] for t in data["triggers"]][:1] == ["fired"]
        driven.session.end_watches("turned back")
    told = orion("rollback", path.name, "--auto", "--reason", "too slow", cwd=tmp_path)
    assert "fired:      An order is stored quickly" in told.out
