from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.kinds import Programs, Worker, carry_out, context, end_now, programs, until

from orion_deploy.kinds import worker
from orion_deploy.kinds.verdict import Outcome

NAME = f"Orion{os.getpid()}s"
SLOW = "import signal,sys,time\nsignal.signal(15, lambda *_: (time.sleep(0.6), sys.exit()))\nprint('up', flush=True)\ntime.sleep(60)"
STUBBORN = "import signal,time\nsignal.signal(15, signal.SIG_IGN)\nprint('up', flush=True)\nwhile True: time.sleep(60)"


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Programs]:
    """Programs, ended with the test."""
    with programs(tmp_path / "bin") as value:
        yield value


@pytest.mark.hazard("`pkill` when nothing runs", half="both")
def test_already_stopped_is_passed(tmp_path: Path) -> None:
    """`pkill` gives status 1 when nothing runs; here that is what was wanted."""
    seed = subprocess.run(["pkill", "-x", NAME[:15]])
    assert seed.returncode == 1
    verdict = Worker(tmp_path, "process.stop", {"program": NAME}).wait()
    assert verdict.outcome is Outcome.PASSED
    assert "already stopped" in verdict.reason


@pytest.mark.hazard("a signal, and two seconds of sleep", half="ours")
def test_a_slow_shutdown_is_waited_for(tmp_path: Path, started: Programs) -> None:
    """A program that takes longer than a fixed `sleep` is waited for until it is gone."""
    process = started.start_ready(started.script(NAME, SLOW))
    verdict = Worker(tmp_path, "process.stop", {"program": NAME, "respawn_watch_s": 0}).wait()
    assert verdict.outcome is Outcome.PASSED, verdict.reason
    took_s = verdict.values["duration_s"]
    assert isinstance(took_s, float)
    assert took_s >= 0.6
    assert process.wait(5) == 0


def test_what_does_not_end_fails_and_is_named(tmp_path: Path, started: Programs) -> None:
    """Without `kill` nothing is killed; the verdict names the pid that still runs."""
    process = started.start_ready(started.script(NAME, STUBBORN))
    verdict = Worker(tmp_path, "process.stop", {"program": NAME, "deadline_s": 0.3}).wait()
    assert verdict.outcome is Outcome.FAILED
    assert str(process.pid) in verdict.reason
    assert process.poll() is None


@pytest.mark.hazard("a signal, and two seconds of sleep", half="ours")
def test_kill_only_after_the_deadline_and_only_if_asked(tmp_path: Path, started: Programs) -> None:
    """With `kill: true` what is left after TERM and the deadline is killed, and the verdict says so."""
    process = started.start_ready(started.script(NAME, STUBBORN))
    parameters = {"program": NAME, "deadline_s": 0.3, "kill": True, "respawn_watch_s": 0}
    verdict = Worker(tmp_path, "process.stop", parameters).wait()
    assert verdict.outcome is Outcome.PASSED
    assert verdict.values["killed"] == [process.pid]
    assert process.wait(5) == -signal.SIGKILL


@pytest.mark.hazard("a signal, and two seconds of sleep", half="ours")
def test_a_program_that_comes_back_fails_and_its_keeper_is_named(tmp_path: Path, started: Programs) -> None:
    """A service manager that starts it again is found within the watch, and named."""
    binary = started.binary(NAME)
    keeper = started.start_ready(
        "bash", "-c", f"echo up; trap 'kill $! ; exit' TERM; while true; do '{binary}' 60 & wait $!; done"
    )
    until(lambda: Path(f"/proc/{keeper.pid}/task/{keeper.pid}/children").read_text(), "the first child")
    verdict = Worker(tmp_path, "process.stop", {"program": NAME, "respawn_watch_s": 10}).wait()
    assert verdict.outcome is Outcome.FAILED
    assert "came back" in verdict.reason
    assert f"pid {keeper.pid}" in verdict.reason
    back = verdict.values["came_back"]
    assert isinstance(back, list)
    keeper.kill()
    end_now(int(str(back[0])))


def test_parents_are_stopped_before_their_children(tmp_path: Path, started: Programs) -> None:
    """A main process is asked to end first, and ends its own helpers; none of them is shot from the side."""
    log = tmp_path / "log"
    child = f"import os,signal,sys,time\nsignal.signal(15, lambda *_: (open({str(log)!r},'a').write('child TERM\\n'), sys.exit()))\nprint('up', flush=True)\ntime.sleep(60)"
    helper = started.script(f"{NAME} Helper", child)
    main = (
        "import os,signal,subprocess,sys,time\n"
        f"p=subprocess.Popen([{str(helper)!r}],stdout=subprocess.PIPE)\n"
        "p.stdout.readline()\n"
        f"signal.signal(15, lambda *_: (open({str(log)!r},'a').write('main TERM\\n'), time.sleep(0.3), p.kill(), p.wait(), sys.exit()))\n"
        "print('up', flush=True)\ntime.sleep(60)"
    )
    started.start_ready(started.script(NAME, main))
    verdict = Worker(tmp_path, "process.stop", {"program": NAME, "respawn_watch_s": 0}).wait()
    assert verdict.outcome is Outcome.PASSED, verdict.reason
    assert log.read_text() == "main TERM\n"


@pytest.mark.hazard("`pkill -f NAME`", half="both")
def test_the_seed_kills_its_own_shell_and_we_do_not(tmp_path: Path, started: Programs) -> None:
    """`pkill -f NAME` in a script kills the script's own shell; `process.stop` ends the program and nothing else."""
    process = started.start(started.binary(NAME), "60")
    bystander = started.start("tail", "-f", started.script(f"{NAME}.log", ""), stdout=subprocess.DEVNULL)
    verdict = Worker(tmp_path, "process.stop", {"program": NAME, "respawn_watch_s": 0}).wait()
    assert verdict.outcome is Outcome.FAILED or process.wait(5) == -signal.SIGTERM
    assert bystander.poll() is None
    seed = subprocess.run(
        ["bash", "-c", f"pkill -TERM -f {NAME}; sleep 5; echo survived"], capture_output=True
    )
    assert seed.returncode == -signal.SIGTERM
    assert b"survived" not in seed.stdout


def test_a_started_program_outlives_the_step(tmp_path: Path, started: Programs) -> None:
    """It has a session of its own, no input, its output in the log, its pid in the pidfile, default signals."""
    script = started.script(
        NAME, "import os,time\nprint('hello', os.getsid(0) == os.getpid(), flush=True)\ntime.sleep(60)"
    )
    parameters = {
        "command": f"{script} --headless",
        "program": NAME,
        "settle_s": 0.4,
        "log": "logs/orion.log",
        "pidfile": "orion.pid",
    }
    verdict = Worker(tmp_path, "process.start", parameters).wait()
    pid = int(str(verdict.values["pid"]))
    try:
        assert verdict.outcome is Outcome.PASSED, verdict.reason
        assert (tmp_path / "orion.pid").read_text() == f"{pid}\n"
        until(lambda: "hello True" in (tmp_path / "logs" / "orion.log").read_text(), "its log")
        if sys.platform.startswith("linux"):
            status = Path(f"/proc/{pid}/status").read_text()
            ignored = int(status.split("SigIgn:")[1].split()[0], 16)
            assert not ignored & (1 << (signal.SIGTERM - 1))
            assert not ignored & (1 << (signal.SIGHUP - 1))
            environ = Path(f"/proc/{pid}/environ").read_bytes()
            assert worker.REQUEST_VARIABLE.encode() not in environ
        again = Worker(tmp_path, "process.start", parameters, attempt="2").wait()
        assert again.outcome is Outcome.UNDECIDED
        assert "already running" in again.reason
    finally:
        end_now(pid)


def test_a_program_that_falls_over_fails_with_its_last_words(tmp_path: Path, started: Programs) -> None:
    """Ended within `settle_s`: failed, with status and the end of its log."""
    script = started.script(NAME, "import sys\nprint('cannot open \\x1b[31mdatabase')\nsys.exit(7)")
    verdict = Worker(tmp_path, "process.start", {"command": [str(script)], "settle_s": 10}).wait()
    assert verdict.outcome is Outcome.FAILED
    assert "status 7" in verdict.reason
    assert "cannot open database" in verdict.reason


def test_a_program_that_goes_into_the_background_is_looked_for(tmp_path: Path, started: Programs) -> None:
    """A daemon's first process ends with 0; the step passes only if the program is then found."""
    binary = started.binary(NAME)
    launcher = started.script(
        f"start{os.getpid()}", f"import subprocess\nsubprocess.Popen([{str(binary)!r}, '60'])"
    )
    parameters = {"command": [str(launcher)], "program": NAME, "settle_s": 10}
    verdict = Worker(tmp_path, "process.start", parameters).wait()
    assert verdict.outcome is Outcome.PASSED, verdict.reason
    pids = verdict.values["pids"]
    assert isinstance(pids, list)
    end_now(int(str(pids[0])))
    quick = started.script(f"quick{os.getpid()}", "pass")
    until(lambda: Worker(tmp_path, "process.absent", {"program": NAME}).wait().is_good)
    verdict = Worker(tmp_path, "process.start", {**parameters, "command": [str(quick)]}, attempt="2").wait()
    assert verdict.outcome is Outcome.FAILED


def test_what_cannot_be_executed_is_told(tmp_path: Path) -> None:
    """A wrong path is one sentence, not a traceback."""
    run = Worker(tmp_path, "process.start", {"command": ["/no/such/orion"]})
    verdict = run.wait()
    assert verdict.outcome is Outcome.FAILED
    assert "/no/such/orion" in verdict.reason
    assert "Traceback" not in run.output


def test_a_command_that_is_one_variable_is_split_like_a_line(tmp_path: Path) -> None:
    """`command: $START` holds a whole command line; a variable among other words stays one word."""
    said = tmp_path / "said"
    line = f"sh -c 'echo \"$@\" > {said}; sleep 0.3' sh one 'two three'"
    ctx = context(tmp_path, variables={"START": line})
    assert carry_out(ctx, "process.start", command="$START", settle_s=0.1).outcome is Outcome.PASSED
    until(said.exists, "its output")
    until(lambda: said.read_text() == "one two three\n", "its arguments")
    ctx = context(tmp_path, variables={"WORD": "a b"})
    verdict = carry_out(
        ctx,
        "process.start",
        command=["sh", "-c", f"printf %s $# > {said}; sleep 0.3", "sh", "$WORD"],
        settle_s=0.1,
    )
    assert verdict.outcome is Outcome.PASSED
    until(lambda: said.read_text() == "1", "one argument")
