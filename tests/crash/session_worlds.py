"""Where steps run in the session's state machine: scripted, in the files that a supervisor writes; or real processes."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from orion_deploy.run import attempt, family, laying, record
from orion_deploy.run.attempt import AttemptSpec
from orion_deploy.run.session import Session

GONE_S_MAX = 30.0


class Killed(BaseException):
    """The app is killed here: nothing of it runs any more."""


class Scripted:
    """A launcher whose steps end when they are told to. `kill_at` names the call in which the app dies."""

    script = "true"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kill_at = ""
        self.held: dict[Path, list[int]] = {}
        self.spawned = 0

    def attach(self, session: Session) -> None:
        """Be the launcher of a session."""
        session._desk._launcher = self  # type: ignore[assignment]

    def prepare(self, directory: Path, spec: AttemptSpec) -> None:
        """As the real one: the folder is on disk."""
        if self.kill_at == "before the folder":
            raise Killed
        laying.lay_out(directory, spec)
        if self.kill_at == "before the start":
            raise Killed

    def spawn(self, directory: Path) -> None:
        """The step runs: its supervisor holds both locks, and its start is on disk."""
        self.spawned += 1
        self.held[directory] = laying.hold(directory)
        start = {
            "v": 1,
            "pid": _dead_pid(),
            "start": "1",
            "boot": family.boot_id(),
            "started_at": time.time(),
        }
        record.put("run.json", "run.reserve", json.dumps(start).encode(), self._enter(directory))
        if self.kill_at == "after the start":
            raise Killed

    def _enter(self, directory: Path) -> int:
        """The supervisor's working folder is the attempt's; ours for the length of a call."""
        os.chdir(directory)
        return self.held[directory][0]

    def finish(self, directory: Path, status: int) -> None:
        """The step ends, and its supervisor records it."""
        shell = {"exit_status": status, "signal": None, "why": "", "reached_end": status == 0, "left_line": 1}
        more = {"syntax_error": False, "pipeline": [], "failures": [], "started_at": time.time()}
        more |= {"duration_s": 0.1, "output_bytes": 0, "output_dropped_bytes": 0, "carried": []}
        more |= {"left_running": False, "log_error": "", "spawn_error": ""}
        record.put(
            "status.json", "status.reserve", json.dumps({**shell, **more}).encode(), self._enter(directory)
        )
        self._let_go(directory)

    def lose(self, directory: Path) -> None:
        """The step and its supervisor are killed."""
        self._let_go(directory)

    def _let_go(self, directory: Path) -> None:
        laying.close_all(self.held.pop(directory))
        os.chdir(self.folder)

    def close(self) -> None:
        """The session leaves; steps go on."""

    def end(self) -> None:
        """Let everything go."""
        for directory in list(self.held):
            self._let_go(directory)
        os.chdir("/")


def _dead_pid() -> int:
    """The pid of a process that has ended."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return pid


class Real(Scripted):
    """Real supervisors and real shells, which wait for a word in their folder."""

    script = 'echo x >> ran; until [ -e "go" ]; do sleep 0.02; done; code=$(cat go); rm go; exit "$code"'

    def attach(self, session: Session) -> None:
        """The session keeps its own launcher."""
        self.launcher = session._desk.launcher
        session._desk._launcher = self  # type: ignore[assignment]

    def prepare(self, directory: Path, spec: AttemptSpec) -> None:
        """As it is, with the instants of a kill."""
        if self.kill_at == "before the folder":
            raise Killed
        self.launcher.prepare(directory, spec)
        if self.kill_at == "before the start":
            raise Killed

    def spawn(self, directory: Path) -> None:
        """As it is."""
        self.launcher.spawn(directory)
        self.spawned += 1
        self.held[directory] = []
        _until((directory / "run.json").exists)
        if self.kill_at == "after the start":
            raise Killed

    def finish(self, directory: Path, status: int) -> None:
        """Give the word, and wait for the end."""
        part = self.folder / "go.part"
        part.write_text(str(status))
        part.rename(self.folder / "go")
        assert attempt.wait(directory, GONE_S_MAX)
        del self.held[directory]

    def lose(self, directory: Path) -> None:
        """Kill the supervisor, then the step."""
        start = attempt.read_run(directory)
        for pid, began in ((start["supervisor"], start["supervisor_start"]), (start["pid"], start["start"])):
            with suppress(ProcessLookupError):
                (os.killpg if pid == start["pid"] else os.kill)(pid, signal.SIGKILL)
            _until(lambda pid=pid, began=began: family.start_time(pid) != began)
        _until(lambda: not _is_held(directory / "sup.lock"))
        del self.held[directory]

    def close(self) -> None:
        """The session's launcher ends with it."""
        self.launcher.close()

    def end(self) -> None:
        """Let nothing run on."""
        for directory in list(self.held):
            with suppress(Exception):
                self.lose(directory)


def _is_held(path: Path) -> bool:
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _until(condition: object) -> None:
    deadline = time.monotonic() + GONE_S_MAX
    assert callable(condition)
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
