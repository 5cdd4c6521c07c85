"""Builders for kinds: a context, a worker that runs for real, and programs to look for."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.kinds import worker
from orion_deploy.kinds.base import Action, Check, Context
from orion_deploy.kinds.registry import build
from orion_deploy.kinds.verdict import Verdict

WAIT_S = 20.0


def until(is_so: Callable[[], object], what: str = "the condition", deadline_s: float = WAIT_S) -> None:
    """Wait for a condition; fails the test when it does not come true."""
    end = time.monotonic() + deadline_s
    while not is_so():
        assert time.monotonic() < end, f"{what} did not come true in {deadline_s} s"
        time.sleep(0.01)


def context(folder: Path, **more: Any) -> Context:
    """A context whose run and attempt live under `folder`."""
    run_directory = folder / "run"
    attempt = run_directory / "attempt"
    attempt.mkdir(parents=True, exist_ok=True)
    fields: dict[str, Any] = {
        "run": "r1",
        "run_directory": run_directory,
        "attempt_directory": attempt,
        "cwd": folder,
        "variables": {},
        "progress": lambda _done, _total, _message: None,
        "is_cancelled": lambda: False,
        "now": time.time,
    }
    return Context(**(fields | more))


def carry_out(ctx: Context, name: str, **parameters: Any) -> Verdict:
    """Build the kind of this name and probe or act, in this process."""
    kind = build(KindCall(name, parameters))
    if isinstance(kind, Action):
        return kind.act(ctx)
    assert isinstance(kind, Check)
    return kind.probe(ctx)


class Worker:
    """A kind running in its own process, started as the session does (without the supervisor)."""

    def __init__(
        self,
        folder: Path,
        name: str,
        parameters: Mapping[str, object],
        *,
        variables: Mapping[str, str] | None = None,
        step: str = "",
        attempt: str = "attempt",
        env: Mapping[str, str] | None = None,
        prefix: str = "",
    ) -> None:
        """Start it; `prefix` is shell text that runs before it in the same process (`ulimit -f 100;`)."""
        self.directory = folder / "run" / attempt
        self.directory.mkdir(parents=True, exist_ok=True)
        request = self.directory / worker.REQUEST_NAME
        request.write_bytes(
            worker.request(
                KindCall(name, dict(parameters)),
                run="r1",
                run_directory=folder / "run",
                attempt_directory=self.directory,
                cwd=folder,
                variables=variables or {},
                step=step,
            )
        )
        script = self.directory / "script"
        script.write_bytes(worker.worker_script())
        with open(script, "rb") as text, open(self.directory / "out", "wb") as out:
            argv = [*worker.interpreter(), f"/dev/fd/{text.fileno()}"]
            self.process = subprocess.Popen(
                ["bash", "-c", f'{prefix} exec "$@"', "bash", *argv] if prefix else argv,
                pass_fds=[text.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={
                    **os.environ,
                    **(variables or {}),
                    **(env or {}),
                    worker.REQUEST_VARIABLE: str(request),
                },
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return (self.directory / "out").read_text("utf-8", "replace")

    def wait(self) -> Verdict:
        """Wait for its end; it must have left a verdict."""
        self.process.wait(WAIT_S * 3)
        verdict = worker.read_result(self.directory)
        assert verdict is not None, self.output
        return verdict

    def kill(self) -> None:
        """Kill -9, and reap."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait(WAIT_S)


class Programs:
    """Real programs under names of our choice; all of them are ended with the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._started: list[subprocess.Popen[str]] = []
        self._pids: list[int] = []

    def binary(self, name: str) -> Path:
        """A compiled program of this name that sleeps (for as many seconds as its argument says)."""
        path = self.folder / name
        if not path.exists():
            shutil.copy(shutil.which("sleep") or "/bin/sleep", path)
            path.chmod(0o755)
        return path

    def script(self, name: str, body: str, shebang: str = sys.executable) -> Path:
        """A script of this name; `body` is its text."""
        path = self.folder / name
        path.write_text(f"#!{shebang}\n{body}\n")
        path.chmod(0o755)
        return path

    def start(self, *argv: str | Path, **more: Any) -> subprocess.Popen[str]:
        """Start something; its first line of output, if it has a pipe, says that it is ready."""
        process = subprocess.Popen([str(a) for a in argv], text=True, start_new_session=True, **more)
        self._started.append(process)
        return process

    def start_ready(self, *argv: str | Path, **more: Any) -> subprocess.Popen[str]:
        """Start something that prints a line when it is ready, and wait for that line."""
        process = self.start(*argv, stdout=subprocess.PIPE, stdin=subprocess.PIPE, **more)
        assert process.stdout is not None
        assert process.stdout.readline()
        return process

    def outside(self, *argv: str | Path) -> int:
        """Start something that is no descendant of the test: its parent ends at once. Returns its pid."""
        launcher = (
            "import subprocess,sys;"
            "p=subprocess.Popen(sys.argv[1:],stdin=subprocess.DEVNULL,stdout=subprocess.DEVNULL,"
            "stderr=subprocess.DEVNULL,start_new_session=True);print(p.pid,flush=True);p.returncode=0"
        )
        answer = subprocess.run(
            [sys.executable, "-I", "-S", "-c", launcher, *[str(a) for a in argv]],
            capture_output=True,
            text=True,
            check=True,
        )
        pid = int(answer.stdout)
        self._pids.append(pid)
        return pid

    def end(self) -> None:
        """End what still runs: by pid, never by name."""
        for process in self._started:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait(WAIT_S)
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
        for pid in self._pids:
            end_now(pid)


def is_gone(pid: int) -> bool:
    """Whether a process has ended: no longer there, or a zombie that its parent has not looked after yet."""
    import psutil

    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def end_now(pid: int) -> None:
    """Kill a process that is no child of ours, and see it gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    until(lambda: is_gone(pid), f"the end of {pid}")


@contextlib.contextmanager
def programs(folder: Path) -> Iterator[Programs]:
    """Programs that end with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    started = Programs(folder)
    try:
        yield started
    finally:
        started.end()
