"""`status` and a record that cannot be believed: it is said where, what, and what next, and hides no other run."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.cli import Done, modules_after, orion
from support.sessions import book

from orion_deploy.run import glance

BOOK = """\
# Release

## Before

- [ ] Tell the support team
- [ ] Look at the disk
- [ ] Look at the log
- [ ] Ask a user

## Gates to Phase 1

- [ ] Nobody complains
"""
TICKED = 4


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A checklist with a run of some ticks, whose snapshot is current."""
    path = book(tmp_path, BOOK, "release.md")
    for step in range(1, TICKED + 1):
        assert orion("tick", "release.md", str(step), "--run", "r", cwd=tmp_path).code == 0
    return path


def journal_of(release: Path, run: str = "r") -> Path:
    """The journal of a run."""
    return release.with_name("release.md.runs") / run / "journal.jsonl"


def line_of(path: Path, what: bytes) -> int:
    """Number of the first line that holds these bytes, from 1."""
    return next(n for n, line in enumerate(path.read_bytes().splitlines(), 1) if what in line)


def facts(release: Path, *arguments: str) -> dict[str, Any]:
    """`status FILE --json`."""
    done = orion("status", release.name, "--json", *arguments, cwd=release.parent)
    assert done.code == 0, done
    assert done.err == ""
    return dict(done.json)


def one_byte(path: Path) -> int:
    """Change a letter in the middle; the length and the last line stay."""
    line = line_of(path, b'"ticked"')
    path.write_bytes(path.read_bytes().replace(b'"ticked"', b'"tickxd"', 1))
    return line


def one_line_less(path: Path) -> int:
    """Take a line out of the middle."""
    line = line_of(path, b'"ticked"')
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: line - 1] + lines[line:]))
    return line


def two_swapped(path: Path) -> int:
    """Two lines of the middle change places; the length and the last line stay."""
    line = line_of(path, b'"ticked"')
    lines = path.read_bytes().splitlines(keepends=True)
    lines[line - 1], lines[line] = lines[line], lines[line - 1]
    path.write_bytes(b"".join(lines))
    return line


def cut_at_the_end(path: Path) -> int:
    """The last records are gone that a snapshot knows of."""
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-3]))
    return len(lines) - 2


DAMAGES: list[Callable[[Path], int]] = [one_byte, one_line_less, two_swapped, cut_at_the_end]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_said_with_its_place_and_what_next(damage: Callable[[Path], int], release: Path) -> None:
    """File, line, what and what to do: as data and in words; nothing invites to go on, and the code stays 0."""
    path = journal_of(release)
    line = damage(path)
    before = path.read_bytes()
    found = facts(release)
    assert found["damage"]
    assert os.path.samefile(found["damage_at"]["file"], path)
    assert found["damage_at"]["line"] == line
    assert "backup" in found["help"]
    assert "--run NAME" in found["help"]
    assert found["go_on"] == []
    (listed,) = found["runs"]
    assert listed["damage"] == found["damage"]
    text = orion("status", "release.md", cwd=release.parent)
    assert text.code == 0, text
    assert f"journal.jsonl:{line}" in text.out
    assert found["damage"] in text.out
    assert f"help: {found['help']}" in text.out
    assert path.read_bytes() == before


@pytest.mark.parametrize("damage", DAMAGES)
def test_no_gate_is_answered_from_a_damaged_record(damage: Callable[[Path], int], release: Path) -> None:
    """`--gate` decides for a script: of a record that cannot be believed the answer is code 6, never yes or no."""
    assert orion("tick", "release.md", "5", "--run", "r", cwd=release.parent).code == 0
    assert orion("status", "release.md", "--gate", "all", cwd=release.parent).code == 0
    line = damage(journal_of(release))
    for form in ([], ["--json"]):
        done = orion("status", "release.md", "--gate", "all", *form, cwd=release.parent)
        assert (done.code, done.out) == (6, "")
        assert f"journal.jsonl:{line}" in done.err


def test_a_torn_tail_is_no_damage(release: Path) -> None:
    """Half of a line at the end is a write that was never acknowledged: the run is as it was before it."""
    path = journal_of(release)
    path.write_bytes(path.read_bytes() + path.read_bytes().splitlines()[-1][:40])
    found = facts(release)
    assert (found["damage"], found["damage_at"], found["help"]) == ("", None, "")
    assert found["counts"]["done"] == TICKED
    assert found["go_on"]


def test_more_records_than_the_snapshot_knows_are_no_damage(release: Path) -> None:
    """A snapshot lags behind by a second: the journal is read, and nothing is called damaged."""
    state = journal_of(release).with_name("state.json")
    before = state.read_bytes()
    orion("tick", "release.md", "5", "--run", "r", cwd=release.parent)
    state.write_bytes(before)
    found = facts(release)
    assert (found["damage"], found["counts"]["done"]) == ("", TICKED + 1)


def test_a_journal_of_something_else_is_said(release: Path) -> None:
    """As long as the snapshot's or longer, but not the one it was made from: what was known to have happened is gone."""
    orion("tick", "release.md", "1", "--run", "other", cwd=release.parent)
    for step in (1, 2, 3, 4, 5) * 3:
        orion("note", "release.md", str(step), "a note", "--run", "other", cwd=release.parent)
    journal_of(release).write_bytes(journal_of(release, "other").read_bytes())
    found = facts(release, "--run", "r")
    assert "something is missing" in found["damage"]
    assert found["go_on"] == []


def test_a_damaged_run_hides_no_other(release: Path) -> None:
    """Of several runs each damaged one says so, told from the others, also where it is not the one that is told of."""
    orion("finish", "release.md", "--run", "r", "--yes", "--reason", "x", cwd=release.parent)
    orion("tick", "release.md", "1", "--run", "new", cwd=release.parent)
    one_byte(journal_of(release))
    found = facts(release)
    assert (found["run"], found["damage"]) == ("new", "")
    assert found["go_on"]
    assert {run["run"]: bool(run["damage"]) for run in found["runs"]} == {"new": False, "r": True}
    text = orion("status", "release.md", cwd=release.parent).out
    assert "r  cannot be read: the journal is damaged at line" in text


def test_a_finished_run_with_damage_is_finished(release: Path) -> None:
    """Its snapshot knew that it was finished: damage to its record makes it no run to go on with."""
    orion("finish", "release.md", "--run", "r", "--yes", "--reason", "x", cwd=release.parent)
    was = facts(release)
    one_byte(journal_of(release))
    found = facts(release)
    assert found["damage"]
    assert (found["finished_at"], found["result"]) == (was["finished_at"], was["result"])
    assert orion("tick", "release.md", "1", cwd=release.parent).code == 0
    assert facts(release)["damage"] == ""


def test_one_line_of_all_that_are_near(release: Path) -> None:
    """Without FILE a damaged run is one line, with where and what; the others stand as they are."""
    book(release.parent, BOOK, "other.md")
    orion("tick", "other.md", "1", "--run", "fine", cwd=release.parent)
    line = one_byte(journal_of(release))
    found = {run["checklist"]: run for run in orion("status", "--json", cwd=release.parent).json}
    assert found["other.md"]["damage"] == ""
    assert found["release.md"]["damage_at"]["line"] == line
    done = orion("status", cwd=release.parent)
    (row,) = [text for text in done.out.splitlines() if "release.md" in text]
    assert f"cannot be read: the journal is damaged at line {line}" in row
    assert [text for text in done.out.splitlines() if "other.md" in text and "1 of 5" in text]
    assert done.code == 0


@pytest.mark.parametrize("what", ["runs", "run", "state folder"])
def test_what_cannot_be_read_is_one_line_in_the_list(what: str, release: Path, tmp_path: Path) -> None:
    """A folder that cannot be read is said on its own line: every other run is told as ever."""
    env = {"XDG_STATE_HOME": str(tmp_path / "state")}
    if what == "runs":
        odd = release.with_name("odd.md.runs")
        odd.symlink_to(odd.name)
    elif what == "run":
        folder = release.with_name("odd.md.runs")
        (folder / "r").mkdir(parents=True)
        (folder / "r" / "journal.jsonl").symlink_to("journal.jsonl")
    else:
        (tmp_path / "state").mkdir()
        (tmp_path / "state" / "orion-deploy").symlink_to("orion-deploy")
    done = orion("status", "--json", cwd=release.parent, env=env)
    assert (done.code, done.err) == (0, ""), done
    damages = {bool(run["damage"]): run for run in done.json}
    assert damages[False]["checklist"] == "release.md"
    assert damages[True]["damage_at"]["file"]
    text = orion("status", cwd=release.parent, env=env)
    assert text.code == 0, text
    assert "release.md" in text.out
    assert "1970" not in text.out
    assert "years ago" not in text.out


def test_a_damaged_snapshot_is_no_damage_of_the_run(release: Path) -> None:
    """The snapshot is written anew from the journal: it is read instead, and nothing is called damaged."""
    state = journal_of(release).with_name("state.json")
    data = state.read_bytes()
    place = data.index(b'"sections"') + 30
    state.write_bytes(data[:place] + b"\0" + data[place + 1 :])
    found = facts(release)
    assert (found["damage"], found["counts"]["done"]) == ("", TICKED)
    assert found["sections"]


def test_a_glance_loads_next_to_nothing(release: Path) -> None:
    """The checksums of a sound run are followed without the journal's reader: `status` stays as quick as it was."""
    loaded = modules_after("status", "release.md", "--json", cwd=release.parent)
    assert "orion_deploy.run.glance" in loaded
    assert not {"orion_deploy.run.journal", "dataclasses", "hashlib", "pathlib"} & loaded


def test_what_is_too_long_is_called_not_checked(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond its limit a journal is not said to be sound: it says that it was not checked, and how it is."""
    from orion_deploy.cli import status_text
    from orion_deploy.run import listing, status

    size = journal_of(release).stat().st_size
    monkeypatch.chdir(release.parent)
    for limit, is_checked in ((size, True), (size - 1, False)):
        monkeypatch.setattr(glance, "GLANCE_BYTES_MAX", limit)
        found = status.of_checklist("release.md", now=0.0)
        assert bool(found["not_checked"]) is not is_checked
        text = "\n".join(status_text.lines_of(found, 0.0))
        assert ("report release.md --run r --verify" in text) is not is_checked
        (near,) = listing.everywhere(".")
        assert ("not checked" in "\n".join(status_text.lines_near([near], 0.0))) is not is_checked


def test_a_gate_is_answered_only_by_what_was_checked(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long its journal is: for the answer to a script it is read in full."""
    from orion_deploy.cli.gates import print_gates
    from orion_deploy.errors import StoreError

    monkeypatch.chdir(release.parent)
    monkeypatch.setattr(glance, "GLANCE_BYTES_MAX", 10)
    assert print_gates("release.md", "all", as_json=False, run=None, now=0.0) == 3
    one_byte(journal_of(release))
    with pytest.raises(StoreError, match="damaged at line"):
        print_gates("release.md", "all", as_json=False, run=None, now=0.0)


def test_the_picker_says_it(release: Path) -> None:
    """The list of runs to go on with shows the damage that `status` shows; what is fine beside it is offered as ever."""
    from orion_deploy.tui.choices import offers

    orion("tick", "release.md", "1", "--run", "fine", cwd=release.parent)
    line = one_byte(journal_of(release))
    runs = {o.run.name: o.run.damage for o in offers(release.parent) if o.run is not None}
    assert f"damaged at line {line}" in runs["r"]
    assert runs["fine"] == ""


def test_json_is_whole(release: Path) -> None:
    """What `--json` prints of a damaged run is data that any reader takes."""
    one_byte(journal_of(release))
    done: Done = orion("status", "--json", cwd=release.parent)
    assert json.loads(done.out)[0]["damage_at"]["byte"] > 0
