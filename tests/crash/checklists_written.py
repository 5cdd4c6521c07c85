"""Bad checklists that were written, each through `show`, `lint`, `status` and `convert`: loaded, or one clear error.

In full each command is a process of its own; in the short form, and where the product is broken on purpose, it is a
fork of one that has imported everything, for that is cheap. A measurement over a limit is repeated: other work on the
machine makes it longer, never shorter.
"""

from __future__ import annotations

import gc
import os
import random
import resource
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from support.bad_checklists import FILES, Bad

from crash.checklists_judge import (
    CODES,
    MEMORY_BYTES_MAX,
    OTHER_S_MAX,
    PROCESSOR_S_MAX,
    fault_of_refusal,
    hostile_in,
    lines_of,
)
from crash.checklists_mutants import WRITTEN, broken, families
from crash.harness import Harness, Tally, scratch

COMMANDS = ("show", "lint", "status", "convert")
JSON_COMMANDS = ("show --json", "lint --json")
"""Of large files: what is told again with each step and each finding."""
MEASURED_MAX = 3
WALL_S_MAX = 120
"""A process that waits for something is ended then; the system call takes whole seconds."""
PATIENT, BRIEF = (60, 2_000_000_000), (1, 400_000_000)
"""Seconds of a processor and bytes of address space at which the kernel ends a process; less for a mutant, which is to fail."""
SHORT = 30
SEED = 20261126


@dataclass(frozen=True)
class Ended:
    """How a command ended, what it said, and what it took."""

    code: int
    """Below zero: the signal that ended it."""
    out: str
    err: str
    processor_s: float
    memory_bytes: int


class Runner:
    """Carries commands out in one folder."""

    def __init__(self, folder: Path, *, is_forked: bool, is_brief: bool) -> None:
        self._folder, self._is_forked = folder, is_forked
        self._processor_s_max, self._space_bytes_max = BRIEF if is_brief else PATIENT
        self._home = folder / "home"
        self._home.mkdir()
        self._spoken = (folder / "out", folder / "err")
        if is_forked:
            _import_all()

    def run(self, command: str, name: str) -> Ended:
        """Run one command on one file to its end."""
        pid = os.fork()
        if pid == 0:
            self._become(command, name)
        _, status, used = os.wait4(pid, 0)
        out, err = (path.read_bytes().decode("utf-8", "surrogateescape") for path in self._spoken)
        scale = 1 if sys.platform == "darwin" else 1024
        spent_s = used.ru_utime + used.ru_stime
        return Ended(os.waitstatus_to_exitcode(status), out, err, spent_s, used.ru_maxrss * scale)

    def _become(self, command: str, name: str) -> None:
        code = 70
        try:
            os.chdir(self._folder / "files")
            null = os.open(os.devnull, os.O_RDONLY)
            os.dup2(null, 0)
            for fd, path in enumerate(self._spoken, start=1):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), fd)
            resource.setrlimit(resource.RLIMIT_CPU, (self._processor_s_max, self._processor_s_max))
            resource.setrlimit(resource.RLIMIT_AS, (self._space_bytes_max, self._space_bytes_max))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            signal.alarm(WALL_S_MAX)
            os.environ.update(HOME=str(self._home), XDG_STATE_HOME=str(self._home))
            if not self._is_forked:
                os.execv(sys.executable, [sys.executable, "-m", "orion_deploy", *command.split(), name])
            from orion_deploy.cli.start import start

            code = start([*command.split(), name])
            sys.stdout.flush()
            sys.stderr.flush()
        except BaseException as error:
            os.write(2, f"Traceback: {error!r}".encode())
        finally:
            os._exit(code)


def _import_all() -> None:
    """What any of the commands imports, before the first fork."""
    import orion_deploy.checklist.convert
    import orion_deploy.checklist.lint
    import orion_deploy.checklist.markdown_writer
    import orion_deploy.checklist.yaml_reader
    import orion_deploy.checklist.yaml_writer
    import orion_deploy.cli.lint
    import orion_deploy.cli.look
    import orion_deploy.cli.start
    import orion_deploy.cli.status
    import orion_deploy.cli.write
    import orion_deploy.kinds.registry

    orion_deploy.checklist.lint.rules()
    for name in orion_deploy.kinds.registry.kind_names():
        orion_deploy.kinds.registry.kind_class(name)
    gc.freeze()  # What is never collected stays shared with the forks.


@dataclass(frozen=True)
class Placed:
    """A bad checklist in its folder."""

    bad: Bad
    name: str
    lines: int


def faults_of(placed: Placed, command: str, ended: Ended) -> list[str]:
    """What must not be in how a command ended."""
    bad = placed.bad
    faults = []
    if ended.code not in CODES:
        faults.append("ended by a signal" if ended.code < 0 else f"exit code {ended.code}")
    if "Traceback" in ended.out + ended.err:
        faults.append("a traceback")
    is_raw = command == "convert"  # What goes to a file is exactly what the checklist says.
    if hostile_in(ended.err) or (not is_raw and hostile_in(ended.out)):
        faults.append("what acts upon a terminal")
    is_refused = ended.code == 2
    if is_refused and (wrong := fault_of_refusal(ended.err, placed.name, placed.lines)):
        faults.append(wrong)
    if command.startswith(("show", "lint")):
        if is_refused != bool(bad.refused):
            faults.append("refused, and it should load" if is_refused else "loaded, and it should be refused")
        elif is_refused and bad.refused not in ended.err:
            faults.append("refused for another reason")
    return faults


def _write(bad: Bad, path: Path) -> int:
    """Put the file there, and return how many lines it has.

    A large one is made in a process of its own: the memory of one that starts others counts as theirs.
    """
    if not bad.is_large:
        bad.write(path)
        return lines_of(bad.data)
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            bad.write(path)
            os.write(writer, str(lines_of(bad.data)).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    return int(said)


def _sample(points: int, mutant: str) -> list[Bad]:
    """The files to try: all; or some, one of them large; or those of the families that a mutant is near to."""
    chance = random.Random(SEED)
    if mutant:
        near = [bad for bad in FILES if bad.family in families(mutant)]
        chance.shuffle(near)
        return near[:points]
    if points >= len(FILES):
        return list(FILES)
    small = [bad for bad in FILES if not bad.is_large]
    large = [bad for bad in FILES if bad.family == "traps"]
    return [*chance.sample(small, min(len(small), points - 1)), chance.choice(large)]


def written(points: int, mutant: str) -> Tally:
    """Put files through the program."""
    tally = Tally()
    files = _sample(points, mutant)
    commands = COMMANDS[:2] if mutant else COMMANDS
    is_forked = bool(mutant) or len(files) < len(FILES)
    with scratch() as folder, broken(mutant):
        (folder / "files").mkdir()
        runner = Runner(folder, is_forked=is_forked, is_brief=bool(mutant))
        (folder / "files" / "empty.md").touch()
        measured = 1 if is_forked else MEASURED_MAX
        base_s = {
            command: min(runner.run(command, "empty.md").processor_s for _ in range(measured))
            for command in (commands if mutant else (*COMMANDS, *JSON_COMMANDS))
        }
        for number, bad in enumerate(files):
            tally.points += 1
            name = f"bad-{number}{bad.ending}"
            path = folder / "files" / name
            placed = Placed(bad, name, _write(bad, path))
            for command in (*commands, *JSON_COMMANDS) if bad.is_large and not mutant else commands:
                _try(tally, runner, placed, command, base_s[command])
                if mutant and tally.faults:
                    return tally
            if path.is_file() and not path.is_symlink():
                path.unlink()
    return tally


def _try(tally: Tally, runner: Runner, placed: Placed, command: str, base_s: float) -> None:
    """One command on one file."""
    limit_s = PROCESSOR_S_MAX if command in COMMANDS[:3] else OTHER_S_MAX
    ended = runner.run(command, placed.name)
    for _ in range(MEASURED_MAX - 1):
        if ended.processor_s - base_s <= limit_s or ended.code < 0:
            break
        ended = min(ended, runner.run(command, placed.name), key=lambda each: each.processor_s)
    faults = faults_of(placed, command, ended)
    if ended.processor_s - base_s > limit_s:
        faults.append(f"more than {limit_s:g} s of a processor")
    if ended.memory_bytes > MEMORY_BYTES_MAX:
        faults.append(f"more than {MEMORY_BYTES_MAX // 1_000_000} MB")
    for fault in faults:
        said = f"{ended.err[:300]!r}" if "more than" not in fault else ""
        tally.fault(
            fault,
            f"`{command}` of {placed.bad.name!r} ({placed.bad.ending}): exit {ended.code}, {ended.processor_s - base_s:.2f} s, "
            f"{ended.memory_bytes / 1e6:.0f} MB; {said}",
        )
    tally.seen["refused" if ended.code == 2 else "loaded"] += command == "show"
    tally.seen["runs"] += 1
    worst_ms = round((ended.processor_s - base_s) * 1000)
    tally.seen["ms at most"] = max(tally.seen["ms at most"], worst_ms)
    tally.seen["MB at most"] = max(tally.seen["MB at most"], round(ended.memory_bytes / 1e6))


HARNESS = Harness(
    name="bad checklists, written",
    run=written,
    mutants=WRITTEN,
    short=SHORT,
    full=len(FILES),
    mutant_max=len(FILES),
)
