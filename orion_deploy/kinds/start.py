"""A program is started once, in a session of its own, and has been seen to stay up before the step passes."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from pathlib import Path
from typing import ClassVar

from pydantic import Field, field_validator, model_validator

from orion_deploy.kinds.base import Action, Context
from orion_deploy.kinds.durable import write_whole
from orion_deploy.kinds.processes import Identity, listed, look
from orion_deploy.kinds.registry import variable_of
from orion_deploy.kinds.verdict import Json, Outcome, Verdict
from orion_deploy.kinds.words import clock_words
from orion_deploy.text import stripped

POLL_INTERVAL_S = 0.05
LOG_TAIL_BYTES_MAX = 2000
LOG_TAIL_LINES_MAX = 5
_children: list[subprocess.Popen[bytes]] = []
"""Held so that the interpreter does not complain of a child that is meant to outlive it."""


class ProcessStart(Action):
    """Start a program, detached: it outlives this step, the app and the terminal.

    It gets a session of its own, no input, and its output in `log`. Passed when it still runs after `settle_s`
    seconds (or, when it puts itself into the background, when a process of the name `program` does). Failed
    with the last lines of its log when it ended. Undecided, and nothing is started, when it already runs.
    """

    name: ClassVar[str] = "process.start"
    example: ClassVar[str] = """
        action:
          process.start:
            command: [/opt/orion/orion, --headless]
            program: orion
            log: ~/Orion/logs/orion.log
    """

    command: tuple[str, ...] = Field(
        min_length=1,
        description="program and arguments, as a list or as one line; not a shell: `$NAME` and `~` are put in, nothing else; a line that is one `$NAME` is split after that",
    )
    program: str | None = Field(
        None,
        min_length=1,
        description="name to look for: not started when it already runs; see process.running",
    )
    log: str | None = Field(
        None, description="file that its output is appended to; default: a file of this attempt"
    )
    pidfile: str | None = Field(None, description="file to write its process id to")
    settle_s: float = Field(2.0, ge=0, le=600, description="seconds that it must stay up")
    env: dict[str, str] = Field(default_factory=dict, description="further environment variables")

    @field_validator("command", mode="before")
    @classmethod
    def _words(cls, value: object) -> object:
        return tuple(shlex.split(value)) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _not_a_shell_line(self) -> ProcessStart:
        if set(self.command) & {"&", "&&", "|", ";", ">", ">>", "2>&1"}:
            raise ValueError(
                "`command` is not a shell line; put that into a script, or use `log` for the output"
            )
        return self

    def act(self, context: Context) -> Verdict:
        """Start it, and watch it stay up."""
        identity = Identity(program=context.text(self.program)) if self.program else None
        if identity is not None:
            seen = look(identity)
            already = (*seen.found, *seen.around)
            if already:
                since = clock_words(already[0].started_at)
                return Verdict(
                    Outcome.UNDECIDED,
                    f"{identity} is already running: {listed(already)}, since {since}; nothing was started",
                    f"pid {already[0].pid}",
                    {"pids": [p.pid for p in already]},
                )
        argv = self._argv(context)
        log = context.path(self.log) if self.log else context.attempt_directory / "started.log"
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            child = self._spawn(argv, log, context)
        except OSError as fault:
            return Verdict(
                Outcome.FAILED, f"it could not be started: {fault.strerror}: {fault.filename or argv[0]}"
            )
        print(f"started {argv[0]} as pid {child.pid}; its output goes to {log}")
        pidfile_fault = self._write_pidfile(child.pid, context)
        started_s = time.monotonic()
        while (
            child.poll() is None
            and time.monotonic() - started_s < self.settle_s
            and not context.is_cancelled()
        ):
            context.progress(int(time.monotonic() - started_s), int(self.settle_s), "watching it stay up")
            time.sleep(POLL_INTERVAL_S)
        return self._read_back(child, identity, log, pidfile_fault, time.monotonic() - started_s)

    def _argv(self, context: Context) -> list[str]:
        words = [context.text(word) for word in self.command]
        if len(words) == 1 and variable_of(self.command[0]):
            words = shlex.split(words[0])
        return [os.path.expanduser(word) for word in words]

    def _spawn(self, argv: list[str], log: Path, context: Context) -> subprocess.Popen[bytes]:
        with open(log, "ab", buffering=0) as output:
            child = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=context.cwd,
                env={**os.environ, **{k: context.text(v) for k, v in self.env.items()}},
                start_new_session=True,
            )
        _children.append(child)
        return child

    def _write_pidfile(self, pid: int, context: Context) -> str:
        if self.pidfile is None:
            return ""
        path = context.path(self.pidfile)
        try:
            write_whole(path, f"{pid}\n".encode())
        except OSError as fault:
            return f"; its pidfile {path} could not be written: {fault.strerror}"
        return ""

    def _read_back(
        self, child: subprocess.Popen[bytes], identity: Identity | None, log: Path, fault: str, took_s: float
    ) -> Verdict:
        status = child.poll()
        values: dict[str, Json] = {"pid": child.pid, "log": str(log), "settled_s": round(took_s, 2)}
        if status is None:
            outcome = Outcome.FAILED if fault else Outcome.PASSED
            stayed = f"it runs as pid {child.pid} and has stayed up for {took_s:.1f} s"
            return Verdict(outcome, f"{stayed}{fault}", f"pid {child.pid}", values)
        if status == 0 and identity is not None:
            behind = look(identity, with_descendants=True).found
            if behind:
                values["pids"] = [p.pid for p in behind]
                return Verdict(
                    Outcome.PASSED,
                    f"it put itself into the background: {listed(behind)}",
                    f"pid {behind[0].pid}",
                    values,
                )
        ended = f"by signal {-status}" if status < 0 else f"with status {status}"
        tail = _tail(log)
        for line in tail:
            print(f"log: {line}")
        last = f": {tail[-1]}" if tail else f"; its log {log} is empty"
        return Verdict(
            Outcome.FAILED, f"it ended {ended} after {took_s:.1f} s{last}", f"ended {ended}", values
        )


def _tail(log: Path) -> list[str]:
    try:
        with open(log, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - LOG_TAIL_BYTES_MAX))
            lines = stripped(file.read().decode("utf-8", "replace")).splitlines()
    except OSError:
        return []
    return [line for line in lines if line.strip()][-LOG_TAIL_LINES_MAX:]
