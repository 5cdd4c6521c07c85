"""`watch`: the watches of a run in the foreground, once, or seen to in the background; and `status` beside it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.cli import orion
from support.kinds import until
from support.watches import kill_keeper

from orion_deploy.run.watches import reading

TEXT = """# Release

- [ ] It is there
  ```yaml step
  id: there
  watch: {files.exists: {path: there.txt}}
  for: FOR
  every: 0.2
  ```
- [ ] Ask a person

## Rollback

1. Undo
   ```bash
   echo undone
   ```
"""


class Box:
    """A checklist with one watch, and its run."""

    def __init__(self, folder: Path, watch_for: str) -> None:
        self.folder = folder
        self.there = folder / "there.txt"
        self.there.write_text("here")
        self.path = folder / "release.md"
        self.path.write_text(TEXT.replace("FOR", watch_for))

    def do(self, command: str, *more: str) -> Any:
        """A command on the checklist."""
        return orion(command, self.path, *more, cwd=self.folder)

    @property
    def directory(self) -> Path:
        """The run's folder."""
        return next(Path(f"{self.path}.runs").glob("*/journal.jsonl")).parent

    @property
    def watch(self) -> dict[str, Any]:
        """What `status` tells of the watch."""
        (watch,) = json.loads(self.do("status", "--json").out)["watches"]
        return dict(watch)

    def nobody_watches(self) -> None:
        """Kill who watches, as a reboot would."""
        kill_keeper(self.directory)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A run in which something is watched for an hour."""
    value = Box(tmp_path, "1h")
    assert value.do("run", "--auto", "--approve").code == 3
    yield value
    value.nobody_watches()


def test_auto_starts_the_watch_and_status_tells_of_it(box: Box) -> None:
    """It goes on when the command has ended; what it sees, how long it takes, and that somebody looks, is told."""
    watch = box.watch
    assert (watch["state"], watch["step"], watch["outcome"]) == ("watching", "there", "passed")
    assert watch["is_watched_now"]
    assert 3500 < watch["left_s"] <= 3600
    text = box.do("status").out
    assert "watches:\n  watching  there  " in text
    assert "1 watching" in text
    again = box.do("run", "--auto", "--json")
    events = [json.loads(line) for line in again.out.splitlines()]
    assert [e["step"] for e in events if e["event"] == "watching"] == ["there"]


def test_nobody_watching_is_said_and_mended(box: Box) -> None:
    """After a reboot `status` says that nobody watches and how somebody does, and `--background` does it."""
    box.nobody_watches()
    text = box.do("status").out
    assert "nobody watches  there" in text
    assert "nobody has watched for" in text
    assert "--background" in text
    assert box.do("watch", "--background").code == 0
    assert box.watch["is_watched_now"]


def test_once_looks_once_and_leaves_who_watches_alone(box: Box) -> None:
    """For a timer: it looks where nobody does, and else tells what was seen; a firing is code 1."""
    keeper = reading.keeper_of(box.directory)
    done = box.do("watch", "--once")
    assert done.code == 0, done
    assert "watches there: " in done.out
    assert reading.keeper_of(box.directory) == keeper
    box.nobody_watches()
    before = box.watch["observed_s"]
    box.there.unlink()
    done = box.do("watch", "--once", "--json")
    assert done.code == 1, done
    line = done.out.splitlines()[-1]
    assert json.loads(line)["state"] == "fires"
    assert box.watch["observed_s"] > before
    assert box.watch["state"] == "fires"
    assert "orion-deploy rollback" in box.do("status").out
    assert box.do("run", "--auto").code == 1


def test_the_foreground_takes_over_tells_what_fires_and_leaves_on_a_signal(box: Box) -> None:
    """It is told when it happens, once; ctrl+c ends it with everything on the disk, and says that nobody watches."""
    command = [sys.executable, "-m", "orion_deploy", "watch", str(box.path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=box.folder
    ) as process:
        until(lambda: getattr(reading.keeper_of(box.directory), "pid", 0) == process.pid, "the hand-over")
        until(lambda: box.watch["state"] == "watching", "a look")
        box.there.unlink()
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "FIRED" in line
        assert "there: there is no " in line
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130, (out, err)
    assert "nobody watches any more; go on with: orion-deploy watch " in err
    assert box.watch["fired"][0]["reason"] in line
    kinds = [json.loads(line)["k"] for line in (box.directory / "journal.jsonl").read_text().splitlines()]
    assert kinds.count("watch_fired") == 1


def test_the_foreground_ends_with_the_watches(tmp_path: Path) -> None:
    """Its end is taken in, its exit code is theirs; then there is nothing to watch any more."""
    box = Box(tmp_path, "1500ms")
    assert box.do("run", "--auto", "--approve").code in (0, 3)
    done = box.do("watch")
    assert done.code in (0, 2), done  # On a slow machine it is over before we come.
    state = json.loads(Path(f"{box.path}.state.json").read_text())
    (step,) = (s for section in state["sections"] for s in section["steps"] if s["id"] == "there")
    assert step["status"] == "done"
    done = box.do("watch")
    assert done.code == 2
    assert "nothing is being watched" in done.err


def test_without_a_run_nothing_is_begun(tmp_path: Path) -> None:
    """It is no way to begin a run."""
    box = Box(tmp_path, "1h")
    done = box.do("watch")
    assert done.code == 2
    assert "there is no run" in done.err
    assert not Path(f"{box.path}.runs").exists()


def test_a_watch_that_was_damaged_is_written_down_anew(box: Box) -> None:
    """What is to be watched stands in the journal and the checklist: the foreground watches it, and does not hang."""
    box.nobody_watches()
    (spec,) = box.directory.glob("watches/*/spec.json")
    whole = json.loads(spec.read_text())
    spec.write_text("{")
    assert box.do("watch", "--once").code == 0
    mended = json.loads(spec.read_text())
    assert {**mended, "started": 0} == {**whole, "started": 0}


def test_a_watch_ended_by_somebody_is_not_well(box: Box) -> None:
    """What was stopped before its time has shown nothing: a person decides, and the exit code says so."""
    box.nobody_watches()
    command = [sys.executable, "-m", "orion_deploy", "watch", str(box.path)]
    with subprocess.Popen(command, cwd=box.folder, stdout=subprocess.PIPE, text=True) as process:
        until(lambda: box.watch["is_watched_now"], "who watches")
        (spec,) = box.directory.glob("watches/*/spec.json")
        (spec.parent / reading.STOP_NAME).write_text("stopped")
        assert process.wait(20.0) == 3


def test_the_foreground_ends_when_nobody_hears_it(box: Box) -> None:
    """`watch FILE | head` ends with its reader, and leaves nobody behind who watches unseen."""
    box.nobody_watches()
    command = [sys.executable, "-m", "orion_deploy", "watch", str(box.path)]
    with subprocess.Popen(command, cwd=box.folder, stdout=subprocess.PIPE) as process:
        until(lambda: box.watch["is_watched_now"], "who watches")
        assert process.stdout is not None
        process.stdout.close()
        try:
            process.wait(20.0)
        finally:
            process.kill()
    assert reading.keeper_of(box.directory) is None
