"""What can be known of an attempt later: finished, running, never started, orphan, unknown; and nothing more."""

from __future__ import annotations

import errno
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.supervised import Bench, bench, end, eventually, is_alive

from orion_deploy.errors import NotRecordedError, OrionError, RefusedError
from orion_deploy.run import attempt as attempts
from orion_deploy.run import family
from orion_deploy.run.attempt import AttemptSpec, Finding, carried, look, wait
from orion_deploy.run.launcher import Launcher


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One launcher for all."""
    with bench(tmp_path_factory.mktemp("attempt")) as made:
        yield made


def run_json(directory: Path) -> dict[str, object]:
    """The record of the start, once it is there."""
    eventually((directory / "run.json").exists, "the record of the start")
    record = json.loads((directory / "run.json").read_text())
    assert isinstance(record, dict)
    return record


def started(steps: Bench, script: str = "echo begun; exec sleep 60") -> tuple[Path, int, int]:
    """A step that is really under way: its folder, its supervisor's pid, its own."""
    directory = steps.start(script)
    record = run_json(directory)
    eventually(lambda: b"begun" in (directory / "out").read_bytes(), "the step")
    return directory, int(str(record["supervisor"])), int(str(record["pid"]))


def test_a_finished_attempt_is_adopted(steps: Bench) -> None:
    """Its status on disk says how it ended, whoever looks, however often."""
    ran = steps.run("echo a; exit 3")
    for _ in range(2):
        seen = look(ran.directory)
        assert (seen.finding, seen.result) == (Finding.FINISHED, ran.result)
    assert ran.result.output_bytes == 2
    assert 0 < ran.result.duration_s < 30
    assert abs(ran.result.started_at - time.time()) < 60


def test_a_running_attempt_is_followed(steps: Bench) -> None:
    """The held lock says that it runs; its pid and start are told; a cancel through its FIFO ends it."""
    directory, _, pid = started(steps)
    seen = look(directory)
    assert (seen.finding, seen.pid) == (Finding.RUNNING, pid)
    assert seen.started_at is not None
    assert wait(directory, 0.01) is False
    assert attempts.cancel(directory)
    ran = steps.end_of(directory)
    assert (ran.shell.signal, ran.shell.why) == (signal.SIGTERM, "cancelled")
    assert not attempts.cancel(directory), "nobody listens any more"
    assert not attempts.kill(directory)


def test_from_the_first_moment_it_never_looks_dead(steps: Bench) -> None:
    """Between `start` and the record of the start the lock is held already: an onlooker sees it running."""
    for _ in range(10):
        directory = steps.start("true")
        assert look(directory).finding in (Finding.RUNNING, Finding.FINISHED)
        steps.end_of(directory)


def test_a_prepared_attempt_has_provably_not_started(steps: Bench, tmp_path: Path) -> None:
    """Without a record of a start under a free lock it never began; and from then on it never can."""
    directory = tmp_path / "a"
    steps.launcher.prepare(directory, AttemptSpec(script=b"touch ran", cwd=str(tmp_path)))
    assert look(directory, fence=False).finding is Finding.NEVER_STARTED
    assert not (directory / "void").exists(), "one who looks on decides nothing"
    assert look(directory).finding is Finding.NEVER_STARTED
    assert (directory / "void").exists()
    with pytest.raises(OrionError, match="nothing was run"):
        steps.launcher.spawn(directory)
    assert look(directory).finding is Finding.NEVER_STARTED
    assert not (tmp_path / "ran").exists()


def test_a_folder_that_was_never_made_is_fenced_too(steps: Bench, tmp_path: Path) -> None:
    """The start was journaled and nothing laid out: proved not started, and the folder is taken for good."""
    directory = tmp_path / "attempts" / "a"
    assert look(directory, fence=False).finding is Finding.NEVER_STARTED
    assert not directory.exists()
    assert look(directory).finding is Finding.NEVER_STARTED
    with pytest.raises(NotRecordedError, match="nothing was run"):
        steps.launcher.start(directory, AttemptSpec(script=b"touch ran", cwd=str(tmp_path)))


def test_an_orphan_is_waited_for_and_then_unknown(steps: Bench) -> None:
    """The supervisor is killed: the step is an orphan while it lives, unknown afterwards, and never "finished"."""
    directory, supervisor, pid = started(steps)
    os.kill(supervisor, signal.SIGKILL)
    eventually(lambda: look(directory).finding is not Finding.RUNNING, "the end of the supervisor")
    seen = look(directory)
    assert (seen.finding, seen.pid) == (Finding.ORPHAN, pid)
    assert str(pid) in seen.reason
    assert not wait(directory, 0.05), "the step itself still runs"
    assert not attempts.cancel(directory)
    os.kill(pid, signal.SIGKILL)
    assert wait(directory, 20)
    seen = look(directory)
    assert seen.finding is Finding.UNKNOWN
    assert "killed" in seen.reason
    assert seen.result is None


def test_what_an_orphan_noted_is_told(steps: Bench, tmp_path: Path) -> None:
    """The script itself notes that it reached its end; that is a hint for the operator, and no status."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    directory, supervisor, _ = started(steps, f"echo begun; read -r x <{gate}; true")
    os.kill(supervisor, signal.SIGKILL)
    eventually(lambda: look(directory).finding is Finding.ORPHAN, "the orphan")
    gate.write_text("go\n")
    assert wait(directory, 20)
    seen = look(directory)
    assert seen.finding is Finding.UNKNOWN
    assert "reached its end" in seen.reason


def rewritten(directory: Path, **changes: object) -> None:
    """Change the record of the start."""
    record = json.loads((directory / "run.json").read_text()) | changes
    (directory / "run.json").write_text(json.dumps(record))


@pytest.fixture
def lost(steps: Bench) -> Iterator[Path]:
    """An attempt whose supervisor was killed, and whose own process lives."""
    directory, supervisor, pid = started(steps)
    os.kill(supervisor, signal.SIGKILL)
    eventually(lambda: look(directory).finding is Finding.ORPHAN, "the orphan")
    yield directory
    end(pid)


def test_another_process_with_its_pid_is_not_it(lost: Path) -> None:
    """A pid alone proves nothing: with another start time it is another process."""
    rewritten(lost, start="12345")
    assert look(lost).finding is Finding.UNKNOWN
    rewritten(lost, pid=os.getpid())
    assert look(lost).finding is Finding.UNKNOWN


def test_after_a_boot_nothing_is_known(lost: Path) -> None:
    """Pids and start times of an earlier boot mean nothing now."""
    rewritten(lost, boot="another")
    seen = look(lost)
    assert seen.finding is Finding.UNKNOWN
    assert "started anew" in seen.reason


@pytest.mark.parametrize("damage", [b"", b"{", b'{"v": 1}', b"[]", b"\xff\xfe", b'{"pid": "x", "start": 3}'])
def test_a_damaged_record_of_the_start_is_unknown(lost: Path, damage: bytes) -> None:
    """Whatever stands there, it was started: unknown, never "never started", never an exception."""
    (lost / "run.json").write_bytes(damage)
    assert look(lost).finding is Finding.UNKNOWN


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"null", b"[]", b'{"v": 1}', b"\xff", b'{"exit_status": "0"}', b"0" * 2_000_000]
)
def test_a_damaged_status_is_unknown(steps: Bench, damage: bytes) -> None:
    """A status that cannot be read is unknown: no exception, and not taken for one that is not there."""
    ran = steps.run("true")
    (ran.directory / "status.json").write_bytes(damage)
    seen = look(ran.directory)
    assert seen.finding is Finding.UNKNOWN
    assert seen.reason


def test_a_status_with_fields_of_a_wrong_kind_is_unknown(steps: Bench) -> None:
    """Every field is checked."""
    ran = steps.run("false; true")
    whole = json.loads((ran.directory / "status.json").read_text())
    for name in whole:
        for wrong in ({"x": 1}, "text", [1], None):
            (ran.directory / "status.json").write_text(json.dumps(whole | {name: wrong}))
            assert look(ran.directory).finding in (Finding.UNKNOWN, Finding.FINISHED)


def test_what_cannot_be_read_is_not_absent(steps: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """EIO is not ENOENT: an attempt whose record the disk does not give back is unknown, not "never started"."""
    ran = steps.run("true")
    real = os.open

    def failing(path: str | Path, *rest: int, **more: int) -> int:
        if str(path).endswith(".json"):
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return real(path, *rest, **more)

    monkeypatch.setattr(os, "open", failing)
    seen = look(ran.directory)
    assert seen.finding is Finding.UNKNOWN
    assert os.strerror(errno.EIO) in seen.reason


def test_strange_files_in_its_place_are_refused(steps: Bench, tmp_path: Path) -> None:
    """A symbolic link, a folder or a FIFO where the status should be is unknown, and nothing is waited for."""
    ran = steps.run("true")
    status = ran.directory / "status.json"
    whole = status.read_bytes()
    status.unlink()
    (tmp_path / "elsewhere").write_bytes(whole)
    status.symlink_to(tmp_path / "elsewhere")
    assert look(ran.directory).finding is Finding.UNKNOWN
    status.unlink()
    os.mkfifo(status)
    assert look(ran.directory).finding is Finding.UNKNOWN


def test_many_wait_for_the_same_end(steps: Bench) -> None:
    """Any number of waiters, with and without a limit, learn of the end together, and the end is on disk by then."""
    directory, _, _ = started(steps)
    seen: list[Finding] = []

    def watch(timeout_s: float | None) -> None:
        assert wait(directory, timeout_s)
        seen.append(look(directory).finding)

    threads = [threading.Thread(target=watch, args=(t,)) for t in (None, None, 20, 20)]
    for thread in threads:
        thread.start()
    assert attempts.kill(directory)
    for thread in threads:
        thread.join(20)
    assert seen == [Finding.FINISHED] * 4


def test_waiting_for_nothing_returns_at_once(tmp_path: Path) -> None:
    """Where no attempt is, none runs."""
    assert wait(tmp_path / "no")
    assert wait(tmp_path, 1)


def test_a_cancel_right_after_the_start_arrives(steps: Bench) -> None:
    """There is no moment between start and end at which a cancel is lost."""
    for _ in range(5):
        directory = steps.start("sleep 60")
        assert attempts.cancel(directory)
        assert steps.end_of(directory).shell.why == "cancelled"


def test_nothing_is_carried_from_what_left_nothing(tmp_path: Path) -> None:
    """An attempt without a record of it, and a damaged one, leave nothing; no error."""
    assert carried(tmp_path).names == ()
    (tmp_path / "carried.json").write_text('{"cwd": 1}')
    assert carried(tmp_path).names == ()


def test_the_folder_is_private_and_says_what_ran(steps: Bench) -> None:
    """0700 and 0600; the script as it ran, the folder, the names of the environment and none of its values."""
    ran = steps.run(
        "true", env={"PATH": "/usr/bin:/bin", "TOKEN": "a-secret-value"}, secrets=("a-secret-value",)
    )
    assert ran.directory.stat().st_mode & 0o777 == 0o700
    for path in ran.directory.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600, path
        assert b"a-secret-value" not in path.read_bytes()
    spec = json.loads((ran.directory / "spec.json").read_text())
    assert spec["env"] == ["PATH", "TOKEN"]
    assert (ran.directory / "script").read_bytes() == b"true"


def test_a_folder_that_cannot_be_made_starts_nothing(steps: Bench, tmp_path: Path) -> None:
    """What cannot be put on disk is not run; the error says both."""
    (tmp_path / "file").write_text("")
    with pytest.raises(NotRecordedError, match="nothing was run"):
        steps.launcher.start(tmp_path / "file" / "a", AttemptSpec(script=b"touch ran", cwd=str(tmp_path)))
    ran = steps.run("true")
    with pytest.raises(NotRecordedError, match="nothing was run"):
        steps.launcher.start(ran.directory, AttemptSpec(script=b"touch ran", cwd=str(tmp_path)))
    assert not (tmp_path / "ran").exists()


def test_only_what_was_prepared_is_let_go(steps: Bench, tmp_path: Path) -> None:
    """`spawn` without `prepare`, twice, or after `close`: refused."""
    with pytest.raises(RefusedError):
        steps.launcher.spawn(tmp_path / "a")
    launcher = Launcher(warm=False)
    launcher.prepare(tmp_path / "b", AttemptSpec(script=b"true", cwd="/"))
    launcher.close()
    with pytest.raises(OrionError):
        launcher.spawn(tmp_path / "b")
    assert look(tmp_path / "b").finding is Finding.NEVER_STARTED


def test_identity_is_pid_and_start_time() -> None:
    """A process has a start time while it lives, none as a zombie or afterwards."""
    own = family.start_time(os.getpid())
    assert own
    assert own == family.start_time(os.getpid())
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", "exit 0"], {})
    eventually(lambda: not is_alive(pid), "the zombie")
    assert family.start_time(pid) == ""
    os.waitpid(pid, 0)
    assert family.start_time(pid) == ""
    assert family.boot_id()
