from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.kinds import Programs, Worker, carry_out, context, programs, until

from orion_deploy.kinds.interpreters import script_of
from orion_deploy.kinds.processes import Identity, is_alive, look
from orion_deploy.kinds.verdict import Outcome, Verdict

# A name that no program of this machine and no test beside this one has.
NAME = f"Orion{os.getpid()}"


@pytest.fixture
def started(tmp_path: Path) -> Any:
    """Programs, ended with the test."""
    with programs(tmp_path / "bin") as value:
        yield value


def look_from_elsewhere(tmp_path: Path, name: str, **parameters: Any) -> Verdict:
    """The verdict of a worker: its descendants are not ours, so that what a test started counts."""
    return Worker(tmp_path, name, parameters).wait()


def test_a_running_program_is_found_by_its_executable(tmp_path: Path, started: Programs) -> None:
    """Found ignoring case, with its pid; absent fails, running passes, and the other way round when it has ended."""
    process = started.start(started.binary(NAME), "60")
    for program in (NAME, NAME.lower()):
        absent = look_from_elsewhere(tmp_path, "process.absent", program=program)
        assert absent.outcome is Outcome.FAILED
        assert absent.values["pids"] == [process.pid]
    assert look_from_elsewhere(tmp_path, "process.running", program=NAME).outcome is Outcome.PASSED
    process.kill()
    process.wait()
    assert look_from_elsewhere(tmp_path, "process.absent", program=NAME).outcome is Outcome.PASSED
    assert look_from_elsewhere(tmp_path, "process.running", program=NAME).outcome is Outcome.FAILED


@pytest.mark.hazard("`pgrep -f NAME`", half="both")
def test_what_only_mentions_the_name_does_not_count(tmp_path: Path, started: Programs) -> None:
    """`pgrep -f` finds a shell, an editor and a `tail` that mention the name; we find none of them."""
    log = tmp_path / f"{NAME}.log"
    log.write_text("x\n")
    shell = started.start("bash", "-c", f": {NAME}; sleep 60; :")
    tail = started.start("tail", "-f", log, stdout=subprocess.DEVNULL)
    editor = started.start(sys.executable, "-c", "import time; time.sleep(60)", NAME)
    seed = subprocess.run(["pgrep", "-f", NAME], capture_output=True, text=True)
    assert {shell.pid, tail.pid, editor.pid} <= {int(p) for p in seed.stdout.split()}
    assert look_from_elsewhere(tmp_path, "process.absent", program=NAME).outcome is Outcome.PASSED


@pytest.mark.hazard("`pgrep -f NAME`", half="ours")
@pytest.mark.parametrize("behind", [" Helper", ".bin", "(Renderer)", "-worker"])
def test_helpers_of_the_program_count(tmp_path: Path, started: Programs, behind: str) -> None:
    """`Orion Helper (Renderer)` is Orion."""
    process = started.start(started.binary(NAME + behind), "60")
    verdict = look_from_elsewhere(tmp_path, "process.absent", program=NAME.lower())
    assert verdict.values["pids"] == [process.pid]


@pytest.mark.parametrize(("before", "behind"), [("", "x"), ("my", ""), ("", "_tool")])
def test_other_programs_with_a_like_name_do_not_count(
    tmp_path: Path, started: Programs, before: str, behind: str
) -> None:
    """`orionx` and `myorion` are not Orion."""
    started.start(started.binary(before + NAME + behind), "60")
    assert look_from_elsewhere(tmp_path, "process.absent", program=NAME).outcome is Outcome.PASSED


@pytest.mark.parametrize("shebang", [sys.executable, "/usr/bin/env python3"])
def test_a_script_counts_by_its_own_name(tmp_path: Path, started: Programs, shebang: str) -> None:
    """A Python program started through its shebang runs `python`; its script's name is what it is called by."""
    script = started.script(f"{NAME}.py", "import time\nprint('up', flush=True)\ntime.sleep(60)", shebang)
    process = started.start_ready(script)
    verdict = look_from_elsewhere(tmp_path, "process.running", program=NAME)
    assert verdict.values["pids"] == [process.pid]
    by_file = look_from_elsewhere(tmp_path, "process.running", executable=str(script))
    assert by_file.values["pids"] == [process.pid]
    other = look_from_elsewhere(tmp_path, "process.running", executable=str(tmp_path / f"{NAME}.py"))
    assert other.outcome is Outcome.FAILED


@pytest.mark.hazard("`pgrep -f NAME`", half="ours")
def test_orion_deploy_is_not_orion(tmp_path: Path, started: Programs) -> None:
    """Another session of this very app, which looks on, is not the program that must be stopped."""
    script = started.script("orion-deploy", "import time\nprint('up', flush=True)\ntime.sleep(60)")
    process = started.start_ready(script)
    verdict = look_from_elsewhere(tmp_path, "process.absent", program="orion")
    pids = verdict.values["pids"]
    assert isinstance(pids, list)
    assert process.pid not in pids


@pytest.mark.parametrize(
    ("interpreter", "argv", "script"),
    [
        ("python3.11", ["python3", "-u", "-W", "error", "/srv/orion", "--port", "1"], "/srv/orion"),
        ("python3", ["python3", "-Im", "orion.server"], "orion.server"),
        ("python3", ["python3", "-Bc", "import orion"], None),
        ("node", ["node", "--inspect", "-r", "dotenv", "orion.js"], "orion.js"),
        ("node", ["node", "-e", "orion"], None),
        ("bash", ["bash", "-c", "pgrep orion"], None),
        ("bash", ["bash", "-euo", "pipefail", "/srv/orion"], "/srv/orion"),
        ("bash", ["bash", "-o", "pipefail", "/srv/orion"], "/srv/orion"),
        ("sh", ["sh", "--", "-orion"], "-orion"),
        ("java", ["java", "-cp", "a.jar", "-jar", "/srv/orion.jar"], "/srv/orion.jar"),
        ("deno", ["deno", "run", "orion.ts"], "orion.ts"),
        ("ruby3.1", ["ruby", "-I", "lib", "orion.rb"], "orion.rb"),
        ("vim", ["vim", "orion"], None),
        ("python3", ["python3"], None),
    ],
)
def test_the_script_is_told_from_the_options(interpreter: str, argv: list[str], script: str | None) -> None:
    """Each family of interpreters has its own options before the script."""
    assert script_of(interpreter, argv) == script


def test_the_asking_processes_do_not_count(started: Programs) -> None:
    """An ancestor that is a script of that name, ourselves and our descendants are left out."""
    inner = (
        "import sys; from orion_deploy.kinds.processes import Identity, look;"
        f"s = look(Identity(program={NAME!r})); print(len(s.found), len(s.around))"
    )
    wrapper = started.script(
        NAME, f"import subprocess,sys\nsubprocess.run([sys.executable, '-c', {inner!r}])\nprint(flush=True)"
    )
    answer = subprocess.run([wrapper], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["0", "0"]
    started.start(started.binary(NAME + "-child"), "60")
    assert look(Identity(program=NAME)).found == ()
    assert len(look(Identity(program=NAME), with_descendants=True).found) == 1


def test_started_from_inside_the_program_is_undecided(tmp_path: Path, started: Programs) -> None:
    """When the program itself is our ancestor (its built-in terminal), "absent" cannot pass."""
    import shutil

    shell = tmp_path / "bin" / NAME
    shutil.copy(shutil.which("bash") or "/bin/bash", shell)
    code = (
        "import sys; sys.path[:0] = ['tests'];"
        "from pathlib import Path; from support.kinds import carry_out, context;"
        f"print(carry_out(context(Path({str(tmp_path)!r})), 'process.absent', program={NAME!r}).reason)"
    )
    answer = subprocess.run(
        [shell, "-c", f'{sys.executable} -c "{code}"; :'], capture_output=True, text=True, check=True
    )
    assert "around this very session" in answer.stdout, answer.stderr
    del started


def test_what_cannot_be_read_is_undecided_and_named(
    tmp_path: Path, started: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process of which the system tells neither name nor file (another user's, on some systems) is never "absent"."""
    import psutil

    pid = started.outside(started.binary(NAME), "60")

    def deny(what: str) -> None:
        real = getattr(psutil.Process, what)

        def read(self: psutil.Process) -> Any:
            if self.pid == pid:
                raise psutil.AccessDenied(self.pid)
            return real(self)

        monkeypatch.setattr(psutil.Process, what, read)

    assert carry_out(context(tmp_path), "process.absent", program=NAME).outcome is Outcome.FAILED
    for what in ("name", "exe", "cmdline"):
        deny(what)
    verdict = carry_out(context(tmp_path), "process.absent", program=NAME)
    assert verdict.outcome is Outcome.UNDECIDED
    assert f"pid {pid}" in verdict.reason
    assert carry_out(context(tmp_path), "process.running", program=NAME).outcome is Outcome.UNDECIDED


def test_a_pidfile_names_the_process_unless_it_is_older_than_it(tmp_path: Path, started: Programs) -> None:
    """A pidfile written before the process began names a process that is gone: undecided, and never stopped."""
    process = started.start(started.binary(NAME), "60")
    pidfile = tmp_path / "orion.pid"
    pidfile.write_text(f"{process.pid}\n")
    assert look_from_elsewhere(tmp_path, "process.absent", pidfile="orion.pid").outcome is Outcome.FAILED
    os.utime(pidfile, (1_000_000, 1_000_000))
    verdict = look_from_elsewhere(tmp_path, "process.absent", pidfile="orion.pid")
    assert verdict.outcome is Outcome.UNDECIDED
    assert look_from_elsewhere(tmp_path, "process.stop", pidfile="orion.pid").outcome is Outcome.UNDECIDED
    assert process.poll() is None
    pidfile.write_text("garbage")
    assert look_from_elsewhere(tmp_path, "process.absent", pidfile="orion.pid").outcome is Outcome.UNDECIDED
    pidfile.unlink()
    assert look_from_elsewhere(tmp_path, "process.absent", pidfile="orion.pid").outcome is Outcome.PASSED


def test_a_later_process_with_the_same_pid_is_another(started: Programs) -> None:
    """Start time tells processes apart."""
    process = started.start(started.binary(NAME), "60")
    seen = look(Identity(program=NAME), with_descendants=True).found[0]
    assert is_alive(seen)
    from dataclasses import replace

    assert not is_alive(replace(seen, started_at=seen.started_at - 100))
    process.send_signal(signal.SIGKILL)
    until(lambda: not is_alive(seen), "the zombie counts as gone")
