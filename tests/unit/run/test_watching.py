"""A session's watches, with real keepers: they outlive it, are followed, ended, and their end is taken in once."""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from support.sessions import Driven, book, opened
from support.watches import kill_keeper

from orion_deploy.errors import OrionError, RefusedError
from orion_deploy.kinds.verdict import Outcome
from orion_deploy.run import family, files
from orion_deploy.run.session import Session
from orion_deploy.run.state import Status
from orion_deploy.run.watches import keeper as keepers
from orion_deploy.run.watches import reading

TEXT = """---
variables:
  LONG: {default: 1h}
  TOKEN: {secret: true}
---

# Release

- [ ] It is there
  ```yaml step
  id: there
  watch: {files.exists: {path: there.txt}}
  for: $LONG
  every: 0.2
  ```
- [ ] For a moment
  ```yaml step
  id: moment
  watch: {files.exists: {path: there.txt}}
  for: 0.5
  every: 0.2
  ```
- [ ] By the secret
  ```yaml step
  id: secret
  watch: {files.exists: {path: $TOKEN}}
  every: 0.2
  ```
- [ ] By a wrong word
  ```yaml step
  id: wrong
  watch: {files.exists: {path: there.txt, size: 3}}
  every: 0.2
  ```
- [ ] Something else
  ```bash
  echo else
  ```

## Rollback

1. Watch the way back
   ```yaml step
   id: back
   watch: {files.exists: {path: there.txt}}
   every: 0.2
   ```
"""
WAIT_S = 20.0


def until(is_so: Callable[[], object]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The checklist, in a folder with what it watches."""
    (tmp_path / "there.txt").write_text("here")
    return book(tmp_path, TEXT)


def open_at(path: Path) -> AbstractContextManager[Driven]:
    """Open the run, its steps in the checklist's folder."""
    return opened(path, cwd=str(path.parent), assignments={"TOKEN": str(path.parent / "there.txt")})


def looks(session: Session, step: str) -> int:
    """How often somebody has looked at a step's watch."""
    return sum(r.looks for r in session.watches() if r.step == step)


def is_gone(session_directory: Path) -> bool:
    """Whether nobody looks any more."""
    return reading.keeper_of(session_directory) is None


def test_a_watch_goes_on_beside_other_steps_and_beyond_the_session(path: Path) -> None:
    """It is watched while other steps run, after the session was left, and by the same keeper when one comes back."""
    with open_at(path) as driven:
        session = driven.session
        session.start("there")
        assert (session.state.watched, session.state.running) == (("there",), ())
        assert driven.run("something-else").outcome is Outcome.PASSED
        until(lambda: looks(session, "there") >= 2)
        until(lambda: getattr(session.keeper(), "pid", 0))
        keeper = session.keeper()
        assert keeper is not None
        directory = session.directory
    (before,) = reading.read_all(directory)
    until(lambda: reading.read_all(directory)[0].looks > before.looks)
    with open_at(path) as driven:
        session = driven.session
        session.keep_watching()
        assert session.keeper() == keeper
        assert session.resume.in_flight == ()
        session.stop_watch("there", "seen enough")
        until(lambda: is_gone(directory))
    until(lambda: not family.start_time(keeper.pid))


def test_a_watch_that_passed_ticks_its_step_once(path: Path) -> None:
    """Its end is taken in by whoever holds the run then: one end, one tick, the value beside it."""
    with open_at(path) as driven:
        session = driven.session
        session.start("moment")
        directory = session.directory
    until(lambda: any(r.ended_at for r in reading.read_all(directory)))
    with open_at(path) as driven:
        step = driven.session.state.step("moment")
        assert (step.status, step.auto) == (Status.DONE, True)
        assert step.verdict is not None
        assert "looks passed" in step.verdict.reason
        assert driven.session.collect_watches() == []
        (attempt,) = step.attempts
        assert attempt.watched is not None
        assert attempt.watched.observed_s >= 0.5
        assert attempt.why == "elapsed"
    kinds = [json.loads(line)["k"] for line in (directory / "journal.jsonl").read_text().splitlines()]
    assert (kinds.count("watch_ended"), kinds.count("ticked")) == (1, 1)


def test_what_fires_is_recorded_once_and_watched_on(path: Path) -> None:
    """A reason to turn back stands in the journal as soon as a session hears of it; the watch then fails."""
    heard: list[int] = []
    with open_at(path) as driven:
        session = driven.session
        session.start("there")
        end = session.follow_watches(lambda: heard.append(1))
        until(lambda: looks(session, "there"))
        (path.parent / "there.txt").unlink()
        until(lambda: heard and session.collect_watches())
        end()
        assert session.state.step("there").is_watched
        attempt = session.state.step("there").attempts[-1]
        assert attempt.watched is not None
        assert len(attempt.watched.fired) == 1
        assert "there is no " in attempt.watched.fired[0].reason
        assert session.collect_watches() == []
        session.stop_watch("there", "it is gone")
        assert session.state.step("there").status is Status.FAILED


def test_a_watch_that_was_ended_before_its_time_is_no_pass(path: Path) -> None:
    """Ten seconds of a day are not a day: a person decides, and gives a reason."""
    with open_at(path) as driven:
        session = driven.session
        session.start("there")
        until(lambda: looks(session, "there"))
        for act in (
            lambda: session.tick("there"),
            lambda: session.skip("there", "why not"),
            lambda: session.untick("there"),
            lambda: session.stop_watch("there", " "),
            lambda: session.stop_watch("moment", "it does not run"),
            lambda: session.start("there"),
        ):
            with pytest.raises(RefusedError):
                act()
        session.stop_watch("there", "seen enough")
        step = session.state.step("there")
        assert step.status is Status.UNDECIDED
        assert step.verdict is not None
        assert step.verdict.reason.startswith("stopped after ")
        with pytest.raises(RefusedError, match="before its time"):
            session.tick("there")
        session.tick("there", reason="it was there all evening")
        assert session.state.step("there").override
        assert session.start("there") == 2
        session.stop_watch("there", "again")


def full(monkeypatch: pytest.MonkeyPatch, *, takes_names: bool) -> None:
    """From now on the disk takes no file for a stop; a second name for one that is there, if it `takes_names`."""

    def refused(path: Path, *given: object, **more: object) -> None:
        if Path(path).name == reading.STOP_NAME or not takes_names:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "write_private", refused)
    if not takes_names:
        monkeypatch.setattr(os, "link", refused)


@pytest.mark.parametrize("takes_names", [True, False])
def test_on_a_full_disk_an_ended_watch_is_looked_at_no_more(
    path: Path, monkeypatch: pytest.MonkeyPatch, *, takes_names: bool
) -> None:
    """Its keeper is told by what needs no room, or, where nothing else is watched, asked by a signal to leave."""
    with open_at(path) as driven:
        session = driven.session
        session.start("there")
        until(lambda: looks(session, "there"))
        full(monkeypatch, takes_names=takes_names)
        session.stop_watch("there", "enough")
        until(lambda: is_gone(session.directory))
        folder = session._watch_folder("there", 1)
        assert reading.is_stopped(folder) is takes_names
        assert reading.read_spec(folder) is not None


def test_what_no_keeper_can_be_told_is_said_and_done_at_the_next_opening(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside another watch its keeper cannot be asked to leave: it is said, and made up for as soon as there is room."""
    with open_at(path) as driven:
        session = driven.session
        session.start("there")
        session.start("secret")
        until(lambda: looks(session, "there") and looks(session, "secret"))
        with monkeypatch.context() as disk:
            full(disk, takes_names=False)
            with pytest.raises(OrionError, match="the disk did not take that") as caught:
                session.stop_watch("there", "enough")
        assert "open the run again" in caught.value.help
        assert session.state.step("there").attempts[-1].why == "stopped"
        folder = session._watch_folder("there", 1)
        assert not reading.is_stopped(folder)
    with open_at(path) as driven:
        driven.session.keep_watching()
        assert reading.is_stopped(folder)
        assert not reading.is_stopped(driven.session._watch_folder("secret", 1))
        driven.session.stop_watch("secret", "enough")


def test_turning_back_ends_the_watches_of_the_way_forward(path: Path) -> None:
    """What they watch over is about to be taken back; the way back has its own. Closing the run ends them all."""
    with open_at(path) as driven:
        session = driven.session
        session.start("there")
        session.enter_rollback("too slow")
        assert session.state.step("there").attempts[-1].why == "turned back"
        session.start("back")
        assert session.state.watched == ("back",)
        session.finish()
        assert session.state.step("back").attempts[-1].why == "run finished"
        assert not session.state.watched
        until(lambda: is_gone(session.directory))


def test_a_keeper_that_was_killed_is_followed_by_another_that_goes_on(path: Path) -> None:
    """Nothing it had seen is lost, and the new one is started by whoever opens the run."""
    with open_at(path) as driven:
        session = driven.session
        session.start("there")
        until(lambda: looks(session, "there") >= 3)
        keeper = session.keeper()
        assert keeper is not None
        kill_keeper(session.directory)
        before = session.watches()[0]
        session.keep_watching()
        until(lambda: looks(session, "there") > before.looks)
        after = session.watches()[0]
        assert after.started_at == before.started_at
        assert after.observed_s > before.observed_s
        assert session.keeper() != keeper
        session.stop_watch("there", "seen enough")


def test_a_start_that_was_killed_before_it_was_written_down_begins_at_the_next_opening(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal says that it is watched: then it is, from the next opening on."""
    with open_at(path) as driven:
        session = driven.session
        monkeypatch.setattr(session, "_put_down", lambda _spec: None)
        session.start("there")
    with open_at(path) as driven:
        session = driven.session
        assert session.watches() == []
        session.keep_watching()
        until(lambda: looks(session, "there"))
        session.stop_watch("there", "seen enough")


def test_secrets_reach_the_keeper_and_lie_nowhere(path: Path) -> None:
    """The value is in the keeper's environment alone: not in what is to be watched, not in its arguments."""
    with open_at(path) as driven:
        session = driven.session
        session.start("secret")
        until(lambda: looks(session, "secret"))
        record = session.watches()[0]
        judged = record.judged()
        assert judged is not None
        assert judged.outcome is Outcome.PASSED
        spec = next(session.directory.glob("watches/*/spec.json")).read_text()
        assert json.loads(spec)["secrets"] == ["TOKEN"]
        assert "TOKEN" not in json.loads(spec)["variables"]
        until(lambda: getattr(session.keeper(), "pid", 0))
        keeper = session.keeper()
        assert keeper is not None
        if os.path.exists("/proc/self/cmdline"):
            arguments = Path(f"/proc/{keeper.pid}/cmdline").read_bytes()
            assert b"orion" not in arguments.lower()
        session.stop_watch("secret", "seen enough")


def test_a_watch_that_cannot_be_begun_ends_and_says_why(path: Path) -> None:
    """A parameter that is wrong is a failed watch with its reason, not a keeper that is silently gone."""
    with open_at(path) as driven:
        session = driven.session
        session.start("wrong")
        until(session.collect_watches)
        step = session.state.step("wrong")
        assert step.status is Status.FAILED
        assert step.verdict is not None
        assert "no such parameter" in step.verdict.reason
        session.set_variable("LONG", "a while")
        with pytest.raises(RefusedError, match="no duration"):
            session.start("there")
        assert session.state.step("there").attempts == ()


def test_one_keeper_for_each_run_and_it_hands_over(path: Path) -> None:
    """A second one does not look; asked to leave, the first has put everything on disk when it is gone."""
    with open_at(path) as driven:
        session = driven.session
        session.start("there")
        until(lambda: looks(session, "there"))
        second = keepers.Keeping(session.directory, in_foreground=True)
        assert not second.take(0.1)
        assert keepers.ask_to_leave(session.directory)
        count = looks(session, "there")
        assert second.take()
        second.look_once()
        assert is_gone(session.directory)
        assert looks(session, "there") == count + 1
        session.stop_watch("there", "seen enough")


def test_a_keeper_ends_with_the_folder_of_its_run(path: Path) -> None:
    """Somebody removes everything: nobody is left behind to look at it for a day."""
    with open_at(path) as driven:
        session = driven.session
        session.start("there")
        until(lambda: looks(session, "there"))
        keeper = session.keeper()
        assert keeper is not None
        directory = session.directory
    shutil.rmtree(directory)
    until(lambda: not family.start_time(keeper.pid))


def test_no_watch_is_begun_that_nobody_would_look_at(path: Path) -> None:
    """Of a run only so many watches are looked at: one more is refused, not recorded and forgotten; junk is no watch."""
    with open_at(path) as driven:
        session = driven.session
        folder = reading.folder_of(session.directory)
        folder.mkdir()
        for number in range(reading.WATCHES_MAX):
            (folder / f"a-file-{number}").touch()
        session.start("there")
        until(lambda: looks(session, "there"))
        session.stop_watch("there", "seen enough")
        for number in range(reading.WATCHES_MAX - 1):
            (folder / f"a-{number}").mkdir()
        with pytest.raises(RefusedError, match="100 watches"):
            session.start("there")
        assert len(session.state.step("there").attempts) == 1
