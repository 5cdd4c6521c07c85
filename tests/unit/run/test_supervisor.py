"""The supervisor: it outlives everything, leaves nothing running that was to end, and ends nothing that was to run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.supervised import Bench, bench, end, eventually, is_alive

from orion_deploy.run import attempt as attempts
from orion_deploy.run import family
from orion_deploy.run.attempt import AttemptSpec, Finding, look, wait
from orion_deploy.run.launcher import Launcher
from orion_deploy.run.output import Output

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One launcher for all."""
    with bench(tmp_path_factory.mktemp("supervisor")) as made:
        yield made


def pids_in(path: Path, count: int = 1) -> list[int]:
    """The pids that a script wrote into a file, once all are there."""
    eventually(lambda: path.exists() and len(path.read_text().split()) >= count, str(path))
    return [int(word) for word in path.read_text().split()]


def supervisor_of(directory: Path) -> int:
    """The supervisor's pid."""
    eventually((directory / "run.json").exists, "the record of the start")
    return int(json.loads((directory / "run.json").read_text())["supervisor"])


# What the step sees


def test_a_step_is_a_fresh_process_of_the_operator(steps: Bench) -> None:
    """The operator's umask and environment, no input, signals as they are by default, a session of its own."""
    before = os.umask(0o027)
    try:
        with bench(steps.root / "own") as own:  # A fork server takes over the umask that the app has.
            ran = own.run(
                "umask; echo $WORD; read -r x || echo no input; ps -o pid=,pgid=,sid= -p $$\n"
                "grep -E '^Sig(Ign|Blk)' /proc/self/status || true",
                env=os.environ | {"WORD": "given"},
                cwd=str(steps.root),
            )
    finally:
        os.umask(before)
    umask, word, nothing, ids, *signals = ran.output.splitlines()
    assert (umask, word, nothing) == ("0027", "given", "no input")
    assert len(set(ids.split())) == 1, "leader of its group and of its session"
    for line in signals:
        assert int(line.split()[1], 16) & 0x7FFFFFFF & ~(1 << (signal.SIGCHLD - 1)) == 0, line


def test_a_folder_that_is_gone_is_said(steps: Bench, tmp_path: Path) -> None:
    """A step whose folder is not there does not run somewhere else."""
    ran = steps.run("echo ran", cwd=str(tmp_path / "gone"))
    assert "gone" in ran.result.spawn_error
    assert ran.output == ""


def test_an_environment_too_large_is_said(steps: Bench) -> None:
    """What the system refuses to start gives its own words."""
    ran = steps.run("echo ran", env={"PATH": "/usr/bin:/bin", "BIG": "x" * 200_000})
    assert "too long" in ran.result.spawn_error


# The end


@pytest.mark.hazard("a program in the background of a step", half="ours")
def test_a_step_ends_when_its_shell_ends(steps: Bench, tmp_path: Path) -> None:
    """`app &` does not hold the step; the app lives, and what it prints later is kept."""
    gate, pids = tmp_path / "gate", tmp_path / "pids"
    os.mkfifo(gate)
    ran = steps.run(f"(read -r x <{gate}; echo later; exec sleep 60) & echo $! >{pids}; echo now")
    pid = pids_in(pids)[0]
    try:
        assert ran.result.left_running
        assert ran.output == "now\n"
        assert ran.result.duration_s < 5
        assert is_alive(pid)
        gate.write_text("go\n")
        eventually(lambda: Output(ran.directory).tail(100) == b"now\nlater\n", "the later output")
        assert look(ran.directory).finding is Finding.FINISHED
        assert not attempts.cancel(ran.directory), "what a finished step left is not ours to end"
        assert is_alive(pid)
    finally:
        end(pid)
    eventually(lambda: not is_alive(supervisor_of(ran.directory)), "the supervisor's end")


def test_a_daemon_that_lets_go_of_the_output_frees_its_supervisor(steps: Bench, tmp_path: Path) -> None:
    """Nothing can be printed any more: the supervisor goes, the daemon stays."""
    pids = tmp_path / "pids"
    ran = steps.run(f"setsid sleep 60 >/dev/null 2>&1 </dev/null & echo $! >{pids}")
    pid = pids_in(pids)[0]
    try:
        assert ran.result.left_running
        eventually(lambda: not is_alive(supervisor_of(ran.directory)), "the supervisor's end")
        assert is_alive(pid)
    finally:
        end(pid)


@pytest.mark.hazard("a program in the background of a step", half="ours")
def test_the_last_words_of_a_helper_are_the_steps(steps: Bench) -> None:
    """`exec > >(tee log)`: what the helper prints just after the shell's end belongs to the output."""
    ran = steps.run("exec > >(cat; echo done) 2>&1\necho a")
    assert ran.output == "a\ndone\n"
    assert not ran.result.left_running


def test_a_timeout_ends_everything(steps: Bench, tmp_path: Path) -> None:
    """At its deadline the step gets TERM, and has its grace to leave in order."""
    ran = steps.run("trap 'echo cleaning; exit 4' TERM\nsleep 60 & wait", timeout_s=0.7)
    assert (ran.shell.why, ran.shell.exit_status) == ("timeout", 4)
    assert ran.output == "cleaning\n"
    ran = steps.run("trap '' TERM\nwhile :; do sleep 0.05; done", timeout_s=0.7, grace_s=0.2)
    assert (ran.shell.why, ran.shell.signal) == ("timeout", signal.SIGKILL)


@needs_proc
def test_a_cancel_reaches_what_left_the_group(steps: Bench, tmp_path: Path) -> None:
    """Group, sessions of their own, double forks, children that ignore TERM or are stopped: none is left."""
    pids = tmp_path / "pids"
    script = f"""
    record() {{ echo $BASHPID >>{pids}; }}
    (record; trap '' TERM; while :; do sleep 0.1; done) &
    (record; kill -STOP $BASHPID) &
    setsid bash -c 'echo $$ >>{pids}; (setsid bash -c "echo \\$\\$ >>{pids}; exec sleep 60" &); exec sleep 60' &
    record
    wait
    """
    directory = steps.start(script)
    everyone = pids_in(pids, 5)
    assert attempts.cancel(directory, grace_s=0.2)
    ran = steps.end_of(directory)
    assert ran.shell.why == "cancelled"
    assert [pid for pid in everyone if is_alive(pid)] == []
    assert not ran.result.left_running


def test_term_comes_once(steps: Bench, tmp_path: Path) -> None:
    """One cancel, one TERM for each: a second one means "at once" to some programs."""
    ready = tmp_path / "ready"
    directory = steps.start(
        f"n=0; trap 'n=$((n+1))' TERM\ntouch {ready}\nfor i in $(seq 60); do sleep 0.01; done; echo $n"
    )
    eventually(ready.exists, "the trap")
    assert attempts.cancel(directory, grace_s=20)
    assert attempts.cancel(directory, grace_s=20)
    assert steps.end_of(directory).output.splitlines()[-1] == "1"


def test_kill_follows_a_cancel_at_once(steps: Bench, tmp_path: Path) -> None:
    """After a cancel with a long grace a kill does not wait for it."""
    ready = tmp_path / "ready"
    directory = steps.start(f"trap '' TERM; touch {ready}; while :; do sleep 0.05; done")
    eventually(ready.exists, "the trap")
    begin = time.monotonic()
    assert attempts.cancel(directory, grace_s=60)
    assert attempts.kill(directory)
    assert steps.end_of(directory).shell.signal == signal.SIGKILL
    assert time.monotonic() - begin < 20


# What it survives


@needs_proc
def test_signals_do_not_touch_a_supervisor(steps: Bench, tmp_path: Path) -> None:
    """HUP, INT, QUIT, TERM, TSTP, USR1 and the like: the step ends as it would have, and it is recorded."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    directory = steps.start(f"read -r x <{gate}; echo $x")
    pid = supervisor_of(directory)
    for name in ("HUP", "INT", "QUIT", "TERM", "TSTP", "TTIN", "TTOU", "USR1", "USR2", "PIPE", "ALRM"):
        os.kill(pid, getattr(signal, f"SIG{name}"))
    gate.write_text("survived\n")
    ran = steps.end_of(directory)
    assert (ran.output, ran.shell.exit_status) == ("survived\n", 0)


@pytest.mark.hazard("`pkill -f NAME`", half="ours")
@needs_proc
def test_neither_shell_nor_supervisor_is_found_by_our_words(steps: Bench, tmp_path: Path) -> None:
    """No argv and no name of the fork server, the supervisor or the step's shell holds a word of the app."""
    directory = steps.start("sleep 60")
    try:
        server = steps.launcher._server
        assert server is not None
        for pid in (
            supervisor_of(directory),
            server._pid,
            int(json.loads((directory / "run.json").read_text())["pid"]),
        ):
            shown = Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/comm").read_bytes()
            for word in (b"orion", b"python", b"checklist", str(steps.root).encode()):
                assert word not in shown
    finally:
        attempts.kill(directory)
        wait(directory, 20)


def test_a_step_outlives_the_app(tmp_path: Path) -> None:
    """The app is killed: its steps go on, and a later session finds out how they ended."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    program = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from orion_deploy.run.launcher import Launcher\nfrom orion_deploy.run.attempt import AttemptSpec\n"
        "root = Path(sys.argv[1])\n"
        "spec = AttemptSpec(script=f'read -r x <{root}/gate; echo $x; exit 7'.encode(), cwd='/')\n"
        "Launcher().start(root / 'a', spec)\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    app = subprocess.run([sys.executable, "-c", program, str(tmp_path)])
    assert app.returncode == -signal.SIGKILL
    directory = tmp_path / "a"
    assert look(directory).finding is Finding.RUNNING
    gate.write_text("went on\n")
    assert wait(directory, 20)
    result = look(directory).result
    assert result is not None
    assert result.shell.exit_status == 7
    assert Output(directory).tail(100) == b"went on\n"


@needs_proc
def test_a_closed_launcher_leaves_running_steps(tmp_path: Path) -> None:
    """`close` takes the fork server away and nothing else."""
    launcher = Launcher()
    launcher.start(tmp_path / "a", AttemptSpec(script=b"echo begun; exec sleep 60", cwd="/"))
    server = launcher._server
    assert server is not None
    launcher.close()
    assert not is_alive(server._pid)
    assert look(tmp_path / "a").finding is Finding.RUNNING
    assert attempts.kill(tmp_path / "a")
    assert wait(tmp_path / "a", 20)


def _kill(server: int, whom: str) -> None:
    eventually(lambda: family.descendants(server), "the one that waits")
    for pid in [server] if whom == "the server" else family.descendants(server):
        end(pid)
    eventually(lambda: not is_alive(server), "the server's end")


@needs_proc
@pytest.mark.parametrize("whom", ["the server", "the one that waits"])
def test_a_killed_fork_server_is_replaced(tmp_path: Path, whom: str) -> None:
    """Whatever of it was killed, the next step starts, once."""
    with bench(tmp_path) as own:
        for _ in range(2):
            assert own.run("echo once").output == "once\n"
            server = own.launcher._server
            assert server is not None
            _kill(server._pid, whom)
            for _ in range(2):  # The one that waited may take one more order without its server.
                assert own.run("echo once").output == "once\n"


def test_steps_start_from_many_threads(steps: Bench) -> None:
    """Thirty starts at once: each runs once, and each result is its own."""
    results: dict[int, tuple[int | None, str]] = {}

    def run(number: int) -> None:
        directory = steps.root / f"thread-{number}"
        script = f"echo {number}; exit {number}".encode()
        steps.launcher.start(directory, AttemptSpec(script=script, cwd="/"))
        ran = steps.end_of(directory)
        results[number] = ran.shell.exit_status, ran.output

    threads = [threading.Thread(target=run, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: (number, f"{number}\n") for number in range(30)}


# Output


def test_long_output_is_bounded_and_counted(steps: Bench) -> None:
    """Head and tail are there, the middle is counted, and the folder holds no more than its limit."""
    ran = steps.run("seq 1 200000", output_bytes_max=100_000)
    whole = "".join(f"{n}\n" for n in range(1, 200_001)).encode()
    output = Output(ran.directory)
    gap = output.dropped_range()
    assert gap is not None
    assert ran.result.output_bytes == output.size() == len(whole)
    assert ran.result.output_dropped_bytes == gap[1] - gap[0]
    assert output.read(0, len(whole)) == whole[: gap[0]]
    assert output.read(gap[1], len(whole)) == whole[gap[1] :]
    kept = sum(path.stat().st_size for path in ran.directory.glob("out*"))
    assert kept <= 100_000 + 2 * 100


@needs_proc
def test_a_flood_costs_little_memory(steps: Bench) -> None:
    """While a step floods its output the supervisor stays below 20 MB."""
    directory = steps.start(
        "echo begun; while :; do cat /dev/zero | head -c 50000000; done", output_bytes_max=1 << 20
    )
    pid = supervisor_of(directory)
    eventually(lambda: Output(directory).size() > 100_000_000, "100 MB")
    status = Path(f"/proc/{pid}/status").read_text()
    peak_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    attempts.kill(directory)
    assert wait(directory, 20)
    assert peak_kb < 20_000


def test_secrets_do_not_reach_the_disk(steps: Bench) -> None:
    """A secret that is printed in pieces, in base64 and percent-encoded is nowhere in the folder."""
    secret = "p4ss/word&more"
    script = (
        'printf %s "${TOKEN:0:5}"; sleep 0.05; printf "%s\\n" "${TOKEN:5}"; echo "x${TOKEN}y"\n'
        'printf %s "user:$TOKEN" | base64; echo "p4ss%2Fword%26more"; export COPY=$TOKEN'
    )
    ran = steps.run(script, env=os.environ | {"TOKEN": secret}, secrets=(secret,))
    lines = ran.output.splitlines()
    assert lines[:2] == ["***", "x***y"]
    assert "***" in lines[2]
    assert lines[3] == "***"
    for path in ran.directory.iterdir():
        if path.name != "carried.json":  # What a script exports is kept for the next one, privately.
            assert secret.encode() not in path.read_bytes(), path


def test_printing_to_dev_stderr_works(steps: Bench) -> None:
    """`echo > /dev/stderr` and `/dev/stdout` reach the output."""
    assert steps.run("echo a >/dev/stderr; echo b >/dev/stdout").output == "a\nb\n"


FULL_DISK = """
import os, sys
from pathlib import Path
from orion_deploy.run.launcher import Launcher
from orion_deploy.run.attempt import AttemptSpec, look, wait
from orion_deploy.run.output import Output
from orion_deploy.errors import NotRecordedError
root = Path(sys.argv[1])
launcher = Launcher()
launcher.start(root / "a", AttemptSpec(script=b"head -c 3000000 /dev/zero; echo end; exit 3", cwd="/"))
assert wait(root / "a", 30)
result = look(root / "a").result
print(result.shell.exit_status, result.log_error, result.output_bytes, result.output_dropped_bytes > 0)
print((root / "a" / "out").stat().st_size > 0)
with open(root / "filler", "wb", buffering=0) as file:
    try:
        while True:
            file.write(b"x" * 4096)
    except OSError:
        pass
try:
    launcher.start(root / "b", AttemptSpec(script=b"touch /tmp/never", cwd="/"))
except NotRecordedError as error:
    print("refused:", "nothing was run" in error.what, look(root / "b").finding.value)
launcher.close()
"""


def test_a_full_disk_does_not_stop_a_step(tmp_path: Path) -> None:
    """The output is cut and noted, the step goes on, its end is recorded; the next start is refused and runs nothing."""
    root = tmp_path / "small"
    root.mkdir()
    mounting = f'mount -t tmpfs -o size=400k none "{root}" && exec "$0" -c "$1" "{root}"'
    run = subprocess.run(
        ["unshare", "--mount", "sh", "-c", mounting, sys.executable, FULL_DISK],
        capture_output=True,
        text=True,
    )
    if "unshare" in run.stderr or "mount:" in run.stderr:
        pytest.skip(f"a small file system cannot be mounted here: {run.stderr.strip()[:80]}")
    assert run.returncode == 0, run.stderr
    status, room, refused = run.stdout.splitlines()
    assert status == "3 ENOSPC 3000004 True"
    assert room == "True"
    assert refused == "refused: True never started"
