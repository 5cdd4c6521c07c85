"""An interrupted step is decided by its own check: never by a guess, and never while it may yet happen."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from support import databases
from support.attempts import interrupted
from support.sessions import Driven, book, opened

from orion_deploy.errors import RefusedError
from orion_deploy.kinds.verdict import Outcome
from orion_deploy.run import events as ev
from orion_deploy.run.state import Status

STEP = """# R

- [ ] Deploy

  ```yaml step
  verify:
    files.exists: {{path: deployed}}
  {facts}
  ```

  ```bash
  echo x >> ran
  touch begun
  {script}
  ```

- [ ] Then

  ```bash
  true
  ```
"""


def release(folder: Path, script: str = "sleep 60", facts: str = "") -> Path:
    """A checklist whose step tells by a file whether it was carried out."""
    return book(folder, STEP.format(script=script, facts=facts))


def status(driven: Driven, step: str = "deploy") -> Status:
    """Where a step stands."""
    return driven.session.state.step(step).status


def test_passed_is_done_with_what_was_seen(tmp_path: Path) -> None:
    """The check finds it carried out: the step is done, value and reason are the check's, and nothing ran again."""
    path = release(tmp_path)
    interrupted(path, "1", tmp_path / "begun")
    (tmp_path / "deployed").write_text("")
    with opened(path) as driven:
        assert status(driven) is Status.UNKNOWN
        assert driven.session.verification("deploy") is not None
        verdict = driven.verify("deploy")
        assert verdict.outcome is Outcome.PASSED
        state = driven.session.state.step("deploy")
        assert (state.status, state.auto, state.value) == (Status.DONE, True, verdict.value)
        assert verdict.reason in state.reason
        assert state.verifications[0].verdict == verdict
    with opened(path) as again:
        assert status(again) is Status.DONE
    assert (tmp_path / "ran").read_text() == "x\n"


def test_failed_is_open_again_and_then_runs(tmp_path: Path) -> None:
    """The check finds it not carried out: the step is open, says so, and the next run carries it out."""
    path = release(tmp_path)
    interrupted(path, "1", tmp_path / "begun")
    with opened(path) as driven:
        assert driven.verify("deploy").outcome is Outcome.FAILED
        assert status(driven) is Status.TODO
        assert "not carried out" in driven.session.state.step("deploy").reason
        assert "not carried out" in driven.session.why_reason_needed("deploy")
        assert driven.session.start("deploy", script="touch deployed") == 2
        assert driven.wait("deploy").outcome is Outcome.PASSED


def querying(folder: Path, sql: str) -> Path:
    """A checklist whose step is verified by a question to a database."""
    call = f'sqlite.query: {{{{path: app.db, sql: "{sql}", value: 1}}}}'
    text = STEP.replace("files.exists: {{path: deployed}}", call)
    return book(folder, text.format(script="sleep 60", facts=""))


def test_what_sees_nothing_decides_nothing(tmp_path: Path) -> None:
    """A check that was refused has seen nothing: the outcome stays unknown, the reason is kept, it may be asked again."""
    path = querying(tmp_path, "SELECT 1")  # Of a database that is not there.
    interrupted(path, "1", tmp_path / "begun")
    with opened(path) as driven:
        for number in (1, 2):
            verdict = driven.verify("deploy")
            assert verdict.outcome is Outcome.UNDECIDED
            assert "app.db" in verdict.reason
            assert status(driven) is Status.UNKNOWN
            assert len(driven.session.state.step("deploy").verifications) == number
        databases.orion(tmp_path / "app.db", 1)
        assert driven.verify("deploy").outcome is Outcome.PASSED


def test_a_failure_while_its_remains_still_run_decides_nothing(tmp_path: Path) -> None:
    """The shell is gone, a child of it is not: it may yet do what the check missed. Afterwards the check decides."""
    path = release(tmp_path, "sh -c 'echo $$ > child; exec sleep 60' & wait")
    with opened(path, cwd=str(tmp_path)) as driven:
        number = driven.session.start("deploy")
        folder = driven.session.attempt_folder("deploy", number)
        pid = int(kill_the_shell(folder, tmp_path / "child"))
        driven.wait_for_end("deploy")
        try:
            verdict = driven.verify("deploy")
            assert verdict.outcome is Outcome.UNDECIDED
            assert f"still runs (process {pid}" in verdict.reason
            assert status(driven) is Status.UNKNOWN
        finally:
            os.kill(pid, signal.SIGKILL)
        gone(pid)
        assert driven.verify("deploy").outcome is Outcome.FAILED
        assert status(driven) is Status.TODO


def kill_the_shell(folder: Path, written: Path) -> str:
    """Kill a step's shell and its supervisor, and leave the child whose pid was written; returns that pid."""
    import json
    import time

    deadline = time.monotonic() + 20
    while not written.exists() or not written.read_text().strip():
        assert time.monotonic() < deadline
        os.sched_yield()
    shell = int(json.loads((folder / "run.json").read_text())["pid"])
    keeper = int(Path(f"/proc/{shell}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(keeper, signal.SIGKILL)
    os.kill(shell, signal.SIGKILL)
    for process in (keeper, shell):
        gone(process)
    return written.read_text()


def gone(pid: int) -> None:
    """Wait until a process has ended."""
    import time

    from orion_deploy.run import family

    deadline = time.monotonic() + 20
    while family.start_time(pid):
        assert time.monotonic() < deadline
        os.sched_yield()


def test_a_look_that_was_cut_off_is_simply_repeated(tmp_path: Path) -> None:
    """The app dies while the check looks: the outcome is unknown as before, and the next session asks again."""
    path = release(tmp_path)
    interrupted(path, "1", tmp_path / "begun")
    with opened(path) as driven:
        driven.session.verify("deploy")
        driven.session._store.close()  # As a kill leaves it: nothing more is written.
        driven.session._desk.close()
        driven.session.close = lambda: None  # type: ignore[method-assign]
    with opened(path) as again:
        assert status(again) is Status.UNKNOWN
        assert again.verify("deploy").outcome is Outcome.FAILED
        looks = again.session.state.step("deploy").verifications
        assert [(v.number, v.verdict is None) for v in looks] == [(1, True), (2, False)]


def test_only_an_unknown_outcome_is_verified_and_one_thing_at_a_time(tmp_path: Path) -> None:
    """A step that is open, one without a check, and one while another runs are refused with the reason."""
    path = release(tmp_path)
    with opened(path, cwd=str(tmp_path)) as fresh, pytest.raises(RefusedError, match="it is todo"):
        fresh.session.verify("deploy")
    interrupted(path, "1", tmp_path / "begun")
    with opened(path) as driven:
        driven.session.verify("deploy")
        assert "is being verified" in driven.session.why_not_start("then")
        with pytest.raises(RefusedError, match="still running"):
            driven.session.verify("deploy")
        driven.wait("deploy")
        assert driven.session.why_not_start("then") == ""


def test_what_a_person_decides_meanwhile_stands(tmp_path: Path) -> None:
    """The check looks, a person marks the step failed: the check's word comes late, and is kept as evidence alone."""
    path = release(tmp_path)
    interrupted(path, "1", tmp_path / "begun")
    (tmp_path / "deployed").write_text("")
    with opened(path) as driven:
        driven.session.verify("deploy")
        driven.session.resolve("deploy", "failed", "I saw it break")
        assert driven.wait("deploy").outcome is Outcome.PASSED
        state = driven.session.state.step("deploy")
        assert (state.status, state.reason) == (Status.FAILED, "I saw it break")
        assert state.verifications[0].verdict is not None


def test_a_look_that_was_stopped_decides_nothing(tmp_path: Path) -> None:
    """A check that is killed in its middle has not seen that the step was not carried out."""
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    path = querying(tmp_path, endless)
    databases.orion(tmp_path / "app.db", 1)
    interrupted(path, "1", tmp_path / "begun")
    with opened(path) as driven:
        driven.session.verify("deploy")
        assert driven.session.cancel("deploy", now=True)
        verdict = driven.wait("deploy")
        assert verdict.outcome is Outcome.UNDECIDED
        assert "seen nothing" in verdict.reason
        assert status(driven) is Status.UNKNOWN


MIGRATE = """# R

- [ ] Migrate

  ```yaml step
  action:
    sqlite.{kind}: {{path: app.db, up: {up}, down: {down}}}
  ```
"""
HALF = "ALTER TABLE conversations ADD COLUMN active_request_id TEXT;"


@pytest.mark.parametrize(
    ("kind", "state", "expected"),
    [
        ("migrate", "after", Status.DONE),
        ("migrate", "before", Status.TODO),
        ("migrate", "half", Status.UNKNOWN),
        ("migrate", "gone", Status.UNKNOWN),
        ("rollback", "before", Status.DONE),
        ("rollback", "after", Status.TODO),
    ],
)
def test_a_migration_tells_by_its_schema(tmp_path: Path, kind: str, state: str, expected: Status) -> None:
    """Without any key of the author: committed, not begun, or in a state that proves neither."""
    if state != "gone":
        db = databases.orion(tmp_path / "app.db", 3)
        if state == "after":
            databases.run_sql(db, databases.UP.read_text())
        elif state == "half":
            databases.run_sql(db, HALF)
    path = book(tmp_path, MIGRATE.format(kind=kind, up=databases.UP, down=databases.DOWN))
    with opened(path, cwd=str(tmp_path)) as driven:
        lose(driven, "migrate")
        driven.verify("migrate")
        assert status(driven, "migrate") is expected


def test_a_stop_tells_by_the_processes(tmp_path: Path) -> None:
    """`process.stop` is verified by `process.absent`: nobody of that name runs."""
    text = "# R\n\n- [ ] Stop\n\n  ```yaml step\n  action:\n    process.stop: {program: no-such-program-7f3a}\n  ```\n"
    with opened(book(tmp_path, text), cwd=str(tmp_path)) as driven:
        lose(driven, "stop")
        assert driven.verify("stop").outcome is Outcome.PASSED
        assert status(driven, "stop") is Status.DONE


def lose(driven: Driven, step: str) -> None:
    """Put into the journal that an attempt was begun and its outcome is not known."""
    driven.session._append(
        ev.Started(step=step, attempt=1, what="command"), ev.Lost(step=step, attempt=1, reason="power cut")
    )


def test_the_secrets_of_a_step_are_in_no_file_of_its_verification(tmp_path: Path) -> None:
    """The check's parameters are kept as written: the value of a secret variable is not among them."""
    text = """---
variables:
  TOKEN: {secret: true}
---
# R

- [ ] Deploy

  ```yaml step
  verify:
    files.exists: {path: $TOKEN}
  ```

  ```bash
  echo x >> ran
  touch begun
  sleep 60
  ```
"""
    path = book(tmp_path, text)
    interrupted(path, "1", tmp_path / "begun")
    with opened(path) as driven:
        with pytest.raises(RefusedError, match="TOKEN"):
            driven.session.verify("deploy")
        driven.session.set_variable("TOKEN", "hunter2-hunter2", secret=True)
        driven.verify("deploy")
        assert driven.session.state.step("deploy").verifications[-1].verdict is not None
        request = driven.session._desk.verification_folder("deploy", 1) / "request.json"
        assert b"hunter2" not in request.read_bytes()
