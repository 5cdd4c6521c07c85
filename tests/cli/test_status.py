"""`status`: the truth of the journal at the speed of a snapshot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.cli import modules_after, orion
from support.sessions import book, opened

BOOK = """\
# Release

## Before (MANDATORY)

- [ ] Tell the support team
- [ ] Look at the disk

## After

- [ ] Look at the log
- [ ] Ask a user

## Rollback

- [ ] Start the old version
"""
HEAVY = {
    *("textual", "rich", "pydantic", "markdown_it", "yaml", "psutil", "sqlite3", "click", "humanize"),
    *("dataclasses", "pathlib", "difflib", "datetime", "socket", "hashlib"),
}


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A checklist with a way back."""
    return book(tmp_path, BOOK, "release.md")


def facts(release: Path, *arguments: str) -> dict[str, Any]:
    """`status FILE --json`."""
    done = orion("status", release.name, "--json", *arguments, cwd=release.parent)
    assert done.code == 0, done
    return dict(done.json)


def test_without_a_run(release: Path) -> None:
    """A checklist that nobody carried out: no run, and how to begin; nothing is written."""
    assert facts(release)["runs"] == []
    text = orion("status", "release.md", cwd=release.parent)
    assert "no runs yet" in text.out
    assert "orion-deploy run release.md" in text.out
    assert [path.name for path in release.parent.iterdir()] == ["release.md"]


def test_progress_and_what_is_outstanding(release: Path) -> None:
    """Sections count; open mandatory steps, skips and overrides are listed with their reasons; the way back is not."""
    orion("tick", "release.md", "1", cwd=release.parent)
    orion("skip", "release.md", "3", "--reason", "it rotated", cwd=release.parent)
    found = facts(release)
    sections = {s["title"]: (s["settled"], s["total"]) for s in found["sections"]}
    assert sections == {"Before (MANDATORY)": (1, 2), "After": (1, 2), "Rollback": (0, 1)}
    outstanding = [(o["status"], o["title"], o["why"]) for o in found["outstanding"]]
    assert outstanding == [
        ("todo", "Look at the disk", "mandatory"),
        ("skipped", "Look at the log", "it rotated"),
    ]
    text = orion("status", "release.md", cwd=release.parent).out
    assert "Before (MANDATORY)" in text
    assert "1 of 2" in text
    assert "it rotated" in text


def test_a_finished_run_is_told_from_snapshots_alone(release: Path) -> None:
    """`status --json` imports none of the heavy rooms: not click, not even `dataclasses` or `pathlib`."""
    orion("tick", "release.md", "1", cwd=release.parent)
    assert modules_after("status", "release.md", "--json", cwd=release.parent) & HEAVY == set()
    assert modules_after("status", "--json", cwd=release.parent) & HEAVY == set()


def test_a_snapshot_that_is_behind_is_not_believed(release: Path) -> None:
    """An app that was killed before its snapshot: the journal is read, and every tick is there."""
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from orion_deploy.run.opening import open_session\n"
        "session = open_session(Path('release.md'), run='killed')\n"
        "session.tick('1'); session.snapshot()\n"
        "session.tick('2')\n"
        "os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=release.parent, check=True, timeout=60)
    found = facts(release)
    assert found["counts"]["done"] == 2
    assert found["sections"][0]["settled"] == 2
    assert found["held_by"] is None


def test_a_damaged_journal_is_said(release: Path) -> None:
    """Damage is told with its place; what cannot be believed is not shown as done, and there is no traceback."""
    orion("tick", "release.md", "1", "--run", "r", cwd=release.parent)
    orion("tick", "release.md", "2", "--run", "r", cwd=release.parent)
    journal = release.with_name("release.md.runs") / "r" / "journal.jsonl"
    lines = journal.read_bytes().split(b"\n")
    journal.write_bytes(b"\n".join([lines[0], *lines[2:]]))
    found = facts(release)
    assert "line 2" in str(found["damage"])
    text = orion("status", "release.md", cwd=release.parent)
    assert text.code == 0
    assert "cannot be read in full" in text.out


def test_a_run_that_is_held_says_by_whom(release: Path) -> None:
    """While somebody works on it: who, since when, and no invitation to go on."""
    with opened(release) as driven:
        found = facts(release)
        assert found["held_by"]["who"] == driven.session.edge.who()
        assert found["held_by"]["pid"] == os.getpid()
        assert found["go_on"] == []
        assert "works on it since" in orion("status", "release.md", cwd=release.parent).out
    assert facts(release)["held_by"] is None


def test_a_running_step_is_told_with_its_time(release: Path) -> None:
    """A step that goes on without its app: running, since when, and that it lives."""
    book(
        release.parent,
        "# R\n\n- [ ] Wait\n  ```bash\n  sleep 60\n  ```\n",
        "release.md",
    )
    with opened(release) as driven:
        driven.session.start("1")
    try:
        (step,) = facts(release)["outstanding"]
        assert step["status"] == "running"
        assert step["why"].startswith("running")
        assert step["elapsed_s"] >= 0
    finally:
        with opened(release) as driven:
            (step_id,) = driven.session.state.running
            driven.session.cancel(step_id, now=True)
            driven.wait(step_id)


def test_all_runs_near(release: Path) -> None:
    """Without FILE: the runs of this folder and of the state folder, unfinished ones first."""
    elsewhere = release.parent / "open"
    elsewhere.mkdir()
    elsewhere.chmod(0o777)
    book(elsewhere, BOOK, "other.md")
    orion("tick", "other.md", "1", cwd=elsewhere)
    orion("tick", "release.md", "1", "--run", "here", cwd=release.parent)
    found = orion("status", "--json", cwd=release.parent).json
    assert [run["checklist"] for run in found if run["run"] == "here"] == ["release.md"]
    assert len(found) == 2
    assert not list(elsewhere.glob("*.runs"))
    text = orion("status", cwd=release.parent).out
    assert "release.md" in text
    assert "1 of 4" in text


def test_nothing_near(tmp_path: Path) -> None:
    """An empty folder: a sentence, or an empty list."""
    assert orion("status", "--json", cwd=tmp_path).json == []
    assert "no runs here" in orion("status", cwd=tmp_path).out


def test_a_checklist_that_is_gone_is_known_by_its_runs(release: Path) -> None:
    """The file was deleted or moved: what happened is still told."""
    orion("tick", "release.md", "1", cwd=release.parent)
    release.unlink()
    found = facts(release)
    assert found["counts"]["done"] == 1


def test_a_run_that_is_not_there(release: Path) -> None:
    """The error names the runs there are."""
    orion("tick", "release.md", "1", "--run", "friday", cwd=release.parent)
    done = orion("status", "release.md", "--run", "fridya", cwd=release.parent)
    assert done.code == 2
    assert "did you mean `friday`?" in done.err


def test_hostile_titles_reach_no_terminal(tmp_path: Path) -> None:
    """Escape sequences and bidi controls of a checklist come out visible, in text and in JSON."""
    book(tmp_path, "# Rel\x1b]0;x\x07ease\n\n- [ ] Step \u202eevil\u2069 (MANDATORY)\n", "release.md")
    orion("skip", "release.md", "1", "--reason", "\x1b[2Jwhy \u202e", cwd=tmp_path)
    text = orion("status", "release.md", cwd=tmp_path)
    raw = orion("status", "release.md", "--json", cwd=tmp_path)
    assert text.code == raw.code == 0
    for output in (text.out, raw.out):
        assert not {"\x1b", "\x07", "\u202e", "\u2069"} & set(output)
    assert json.loads(raw.out)["outstanding"]


def test_a_lock_that_is_a_pipe_is_not_waited_for(release: Path) -> None:
    """`status` only looks: something odd in the lock's place does not hold it up."""
    orion("tick", "release.md", "1", "--run", "r", cwd=release.parent)
    lock = release.with_name("release.md.runs") / "r" / "lock"
    lock.unlink()
    os.mkfifo(lock)
    assert facts(release)["held_by"] is None


@pytest.mark.parametrize("left", ["nothing", "less", "no file"])
def test_a_journal_that_lost_records_is_said(left: str, release: Path) -> None:
    """A journal with less in it than its snapshot knows of is damaged: it is not shown as a run with less done."""
    orion("tick", "release.md", "1", "--run", "r", cwd=release.parent)
    journal = release.with_name("release.md.runs") / "r" / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    if left == "no file":
        journal.unlink()
    else:
        journal.write_bytes(b"" if left == "nothing" else lines[0])
    found = facts(release)
    assert found["damage"]
    assert found["go_on"] == []
    assert found["started_at"] > 0
    text = orion("status", "release.md", cwd=release.parent).out
    assert "cannot be read in full" in text
    assert "1970" not in text


def test_runs_that_cannot_be_told_are_not_called_none(release: Path) -> None:
    """Something else in the place of the runs: `status` says so, as the acts do; elsewhere it hides no other run."""
    release.with_name("release.md.runs").write_text("in the way")
    done = orion("status", "release.md", cwd=release.parent)
    assert done.code == 6, done
    assert "cannot be told" in done.err
    assert orion("status", cwd=release.parent).code == 0


def test_a_folder_is_no_checklist(release: Path) -> None:
    """`status FOLDER` is refused as every command refuses it: it does not offer to run a folder."""
    done = orion("status", ".", cwd=release.parent)
    assert done.code == 2
    assert "is a folder" in done.err
