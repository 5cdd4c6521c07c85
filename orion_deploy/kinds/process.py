"""A program runs, or it does not: told by what processes execute, and undecided where that cannot be read."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, model_validator

from orion_deploy.kinds.base import Check, Context, Kind
from orion_deploy.kinds.processes import Identity, Running, Sighting, listed, look
from orion_deploy.kinds.verdict import Json, Outcome, Verdict
from orion_deploy.kinds.words import duration_words


class OfProgram(Kind):
    """The parameters that say which program is meant. Exactly one is given."""

    program: str | None = Field(
        None,
        min_length=1,
        description="name of the program: of its executable, or of the script an interpreter runs; ignoring case, followed by the end, a blank, `.`, `(`, `:` or `-`",
    )
    executable: str | None = Field(
        None, min_length=1, description="path of the executable or script, instead of a name"
    )
    pidfile: str | None = Field(None, min_length=1, description="file with the process id, instead of a name")

    @model_validator(mode="after")
    def _one_identity(self) -> OfProgram:
        if sum(v is not None for v in (self.program, self.executable, self.pidfile)) != 1:
            raise ValueError("give exactly one of `program`, `executable`, `pidfile`")
        if self.program is not None and "/" in self.program:
            raise ValueError("`program` is a name; for a path use `executable`")
        return self

    def identity(self, context: Context) -> Identity:
        """Which program is meant, with its paths made absolute."""
        return Identity(
            program=context.text(self.program) if self.program else None,
            executable=context.path(self.executable) if self.executable else None,
            pidfile=context.path(self.pidfile) if self.pidfile else None,
        )


class ProcessAbsent(OfProgram, Check):
    """No process of the program is running.

    Passed when none is found among all processes; failed with the pid, user and age of each that is. The
    step's own processes do not count, nor does orion-deploy. Undecided when a process cannot be read (it
    is another user's), or when this session was itself started from inside the program.
    """

    name: ClassVar[str] = "process.absent"
    example: ClassVar[str] = """
        check:
          process.absent:
            program: Orion
    """

    def probe(self, context: Context) -> Verdict:
        """Look through the processes once."""
        identity = self.identity(context)
        sighting = look(identity)
        values: dict[str, Json] = {"pids": [p.pid for p in sighting.found], "processes": sighting.looked_at}
        if sighting.found:
            for process in sighting.found:
                print(f"{process}, running for {age(process, context)}")
            return Verdict(
                Outcome.FAILED,
                f"{identity} is running: {listed(sighting.found)}",
                count(sighting.found),
                values,
            )
        doubt = absence_doubt(identity, sighting)
        if doubt:
            return Verdict(Outcome.UNDECIDED, doubt, "not known", values)
        return Verdict(
            Outcome.PASSED,
            f"{identity} is not running: none of {sighting.looked_at} processes is it",
            "not running",
            values,
        )


class ProcessRunning(OfProgram, Check):
    """The program is running.

    Passed with the pid, user and age of each of its processes; failed when there is none. Undecided when
    none is found but a process could not be read.
    """

    name: ClassVar[str] = "process.running"
    example: ClassVar[str] = """
        check:
          process.running:
            program: Orion
    """

    def probe(self, context: Context) -> Verdict:
        """Look through the processes once."""
        identity = self.identity(context)
        sighting = look(identity, with_descendants=True)
        seen = (*sighting.found, *sighting.around)
        values: dict[str, Json] = {"pids": [p.pid for p in seen], "processes": sighting.looked_at}
        if seen:
            ages = ", ".join(f"{p} for {age(p, context)}" for p in seen[:3])
            return Verdict(Outcome.PASSED, f"{identity} is running: {ages}", count(seen), values)
        doubt = absence_doubt(identity, sighting)
        if doubt:
            return Verdict(Outcome.UNDECIDED, doubt, "not known", values)
        return Verdict(Outcome.FAILED, f"{identity} is not running", "not running", values)


def absence_doubt(identity: Identity, sighting: Sighting) -> str:
    """Why it cannot be said that the program is not running; empty when it can."""
    if sighting.around:
        return (
            f"{identity} is running around this very session: {listed(sighting.around)}. "
            "Close it, and start orion-deploy from a terminal of its own"
        )
    if sighting.doubt:
        return sighting.doubt
    if sighting.unreadable:
        return (
            f"{identity} was not found, but {len(sighting.unreadable)} processes cannot be read without more rights: "
            f"{listed(sighting.unreadable)}"
        )
    if sighting.hidden:
        return f"{identity} was not found, but this system hides the processes of other users (hidepid)"
    return ""


def count(processes: tuple[Running, ...]) -> str:
    """`pid 4121`, or `3 processes`."""
    return f"pid {processes[0].pid}" if len(processes) == 1 else f"{len(processes)} processes"


def age(process: Running, context: Context) -> str:
    """How long a process has been running, in words."""
    return duration_words(max(0.0, context.now() - process.started_at))
