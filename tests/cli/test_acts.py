"""The acts of a person as commands: each is on disk when the command ends, and refused with a reason where it must be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.cli import SECONDS_MAX, Done, orion
from support.sessions import book, opened

BOOK = """\
# Release

## Before (MANDATORY)

- [ ] Tell the support team
- [ ] Stop the shop
  ```bash
  true
  ```

## After

- [ ] Choose a way

  **Option 1: slowly**
  ```bash
  true
  ```

  **Option 2: at once**
  ```bash
  true
  ```
- [ ] Look at the log
"""


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A checklist of four steps."""
    return book(tmp_path, BOOK, "release.md")


def act(release: Path, *arguments: str) -> Done:
    """Carry an act out on the checklist: `tick`, its step, its options."""
    command, *rest = arguments
    return orion(command, release.name, *rest, cwd=release.parent)


def status_of(release: Path, step: str) -> str:
    """The step's status in the run, read from its sidecar."""
    document = json.loads(release.with_name("release.md.state.json").read_text())
    return next(
        str(each["status"])
        for section in document["sections"]
        for each in section["steps"]
        if each["id"].endswith(step)
    )


def test_tick_and_untick(release: Path) -> None:
    """A tick is on disk when the command ends; taking it back too."""
    done = act(release, "tick", "tell-the-support-team")
    assert (done.code, done.err) == (0, "")
    assert "tell-the-support-team is done" in done.out
    assert status_of(release, "tell-the-support-team") == "done"
    assert act(release, "untick", "tell-the-support-team").code == 0
    assert status_of(release, "tell-the-support-team") == "todo"


def test_a_step_by_its_number(release: Path) -> None:
    """Steps are numbered in document order."""
    assert act(release, "tick", "1").code == 0
    assert status_of(release, "tell-the-support-team") == "done"


def test_json_tells_what_became_of_the_step(release: Path) -> None:
    """`--json` of an act is the step's new state."""
    done = act(release, "tick", "1", "--value", "called Ann", "--json")
    assert done.json["status"] == "done"
    assert done.json["value"] == "called Ann"
    assert done.json["override"] is False


def test_a_mandatory_command_is_not_ticked_unrun_without_a_reason(release: Path) -> None:
    """The refusal says why; with a reason it is an override, and says so."""
    act(release, "tick", "1")
    refused = act(release, "tick", "stop-the-shop")
    assert refused.code == 2
    assert "it is mandatory and was not run" in refused.err
    assert status_of(release, "stop-the-shop") == "todo"
    done = act(release, "tick", "stop-the-shop", "--reason", "it was down already")
    assert done.code == 0
    assert "an override" in done.out


def test_skip_needs_a_reason(release: Path) -> None:
    """Without one it is a usage error; with one it is recorded, of a mandatory step as an override."""
    assert act(release, "skip", "look-at-the-log").code == 2
    assert act(release, "skip", "look-at-the-log", "--reason", "no log today").code == 0
    assert status_of(release, "look-at-the-log") == "skipped"
    assert "an override" in act(release, "skip", "1", "--reason", "they know").out


def test_note_leaves_the_status_alone(release: Path) -> None:
    """A note is kept with its step."""
    done = act(release, "note", "1", "rang twice", "--json")
    assert done.json["notes"] == 1
    assert done.json["status"] == "todo"


def test_choose(release: Path) -> None:
    """An option is taken by its number; a number that is none is refused with the options that there are."""
    assert act(release, "choose", "choose-a-way", "2", "--json").json["option"] == 2
    refused = act(release, "choose", "choose-a-way", "3")
    assert refused.code == 2
    assert "its options: 1 slowly, 2 at once" in refused.err


def test_resolve_needs_something_to_resolve_and_a_reason(release: Path) -> None:
    """A step that is open has no outcome to decide."""
    refused = act(release, "resolve", "1", "done", "--reason", "seen")
    assert refused.code == 2
    assert "there is nothing to resolve" in refused.err


def test_resolve_decides_a_failed_step(release: Path) -> None:
    """`done` and `failed` need a reason, `rerun` opens the step again; nothing is run."""
    book(release.parent, "# Release\n\n- [ ] Break\n  ```bash\n  exit 3\n  ```\n", "release.md")
    assert orion("run", "release.md", "--auto", "--approve", cwd=release.parent).code == 1
    assert act(release, "resolve", "break", "done").code == 2
    assert act(release, "resolve", "break", "rerun", "--json").json["status"] == "todo"
    runs = list((release.parent / "release.md.runs").glob("*/attempts/*/*"))
    assert len(runs) == 1


@pytest.mark.parametrize(
    "arguments", [["tick", "nosuch"], ["skip", "nosuch", "--reason", "x"], ["note", "99", "x"]]
)
def test_an_unknown_step_begins_no_run(arguments: list[str], release: Path) -> None:
    """The step is looked for before a run is opened: nothing is left behind by a typing error."""
    refused = act(release, *arguments)
    assert refused.code == 2
    assert "there is no step" in refused.err
    assert [path.name for path in release.parent.iterdir()] == ["release.md"]


def test_a_run_that_somebody_holds_is_left_alone(release: Path) -> None:
    """Another operator's run: exit code 4, with who and since when; nothing changes."""
    with opened(release) as driven:
        refused = act(release, "tick", "1")
        assert refused.code == 4
        assert driven.session.edge.who() in refused.err
        assert "since" in refused.err
        assert driven.session.state.steps == {}
    assert act(release, "tick", "1").code == 0


def test_acts_on_a_named_run(release: Path) -> None:
    """`--run` says which run is meant; two runs know nothing of each other."""
    act(release, "tick", "1", "--run", "friday")
    act(release, "tick", "4", "--run", "saturday")
    friday = orion("status", "release.md", "--run", "friday", "--json", cwd=release.parent).json
    assert friday["counts"]["done"] == 1
    assert {run["run"] for run in friday["runs"]} == {"friday", "saturday"}


def test_a_bad_run_name_is_refused(release: Path) -> None:
    """A run's name is a folder's name: nothing climbs out of the runs."""
    assert act(release, "tick", "1", "--run", "../../x").code == 2
    assert [path.name for path in release.parent.iterdir()] == ["release.md"]


def test_a_full_disk_is_said_and_nothing_is_ticked(release: Path) -> None:
    """State that cannot be written: exit code 6, and nothing is ticked."""
    release.with_name("release.md.runs").write_text("in the way")
    done = act(release, "tick", "1")
    assert done.code == 6
    assert "error:" in done.err


def test_a_sidecar_that_cannot_be_written_is_said(release: Path) -> None:
    """The tick is in the journal and stands; that the readable state beside the checklist is old is not kept quiet."""
    release.with_name("release.md.state.json").mkdir()
    done = act(release, "tick", "1")
    assert done.code == 0
    assert "the snapshot could not be written" in done.err
    assert orion("status", "release.md", "--json", cwd=release.parent).json["counts"]["done"] == 1


def test_commands_that_begin_at_once_begin_one_run(tmp_path: Path) -> None:
    """Each act is in that one run, or was refused with exit code 4 because another operator held it."""
    release = book(tmp_path, "- [ ] Tell\n- [ ] Look\n- [ ] Work\n  ```bash\n  true\n  ```\n", "release.md")
    acts = (
        ("tick", "release.md", "tell"),
        ("tick", "release.md", "look"),
        ("note", "release.md", "look", "rang twice"),
        ("run", "release.md", "--auto", "--approve", "--only", "work"),
    )
    program = (
        "import sys; from orion_deploy.__main__ import main; from orion_deploy.run import opening;"
        " import orion_deploy.cli.acts, orion_deploy.cli.carrying;"
        " print('ready', flush=True); sys.stdin.read(); sys.exit(main())"
    )
    wait, start = os.pipe()
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            cwd=release.parent,
            stdin=wait,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for arguments in acts
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    os.close(wait)
    os.close(start)
    for process in started:
        process.communicate(timeout=SECONDS_MAX)
    codes = [process.returncode for process in started]
    assert set(codes) <= {0, 4}
    assert 0 in codes
    (journal,) = release.parent.glob("release.md.runs/*/journal.jsonl")
    kinds = [json.loads(line)["k"] for line in journal.read_text().splitlines()]
    assert kinds.count("opened") == codes.count(0)
