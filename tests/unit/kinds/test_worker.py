from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.kinds import Worker, end_now, programs, until

from orion_deploy.kinds import worker
from orion_deploy.kinds.facts import read_facts
from orion_deploy.kinds.verdict import Outcome


def test_a_verdict_comes_back_with_its_status(tmp_path: Path) -> None:
    """Passed ends 0, failed 1, undecided 3; the result file holds the verdict, the output its words."""
    (tmp_path / "there").write_text("x")
    for path, status, outcome in (("there", 0, Outcome.PASSED), ("not-there", 1, Outcome.FAILED)):
        run = Worker(tmp_path, "files.exists", {"path": path}, attempt=path)
        verdict = run.wait()
        assert (run.process.returncode, verdict.outcome) == (status, outcome)
        assert verdict.reason in run.output
    run = Worker(tmp_path, "people.confirm", {"question": "fine?"})
    assert run.wait().outcome is Outcome.UNDECIDED
    assert run.process.returncode == 3


def test_bad_parameters_are_a_failed_verdict_and_no_traceback(tmp_path: Path) -> None:
    """What the author wrote wrongly is told in words."""
    run = Worker(tmp_path, "files.exists", {"pth": "x"})
    verdict = run.wait()
    assert verdict.outcome is Outcome.FAILED
    assert "path" in verdict.reason
    assert "Traceback" not in run.output


def test_a_fault_of_ours_is_undecided_never_silent(tmp_path: Path) -> None:
    """When the worker itself breaks, the verdict says that the outcome is not known, with status 70."""
    run = Worker(tmp_path, "files.exists", {"path": "x\0y"})
    verdict = run.wait()
    assert verdict.outcome is Outcome.UNDECIDED
    assert run.process.returncode == worker.EXIT_BROKEN


def test_values_reach_the_kind_through_the_environment_only(tmp_path: Path) -> None:
    """A variable's value is in no file of the attempt, and `$NAME` in a path finds it."""
    (tmp_path / "s3cret-folder").mkdir()
    run = Worker(tmp_path, "files.exists", {"path": "$WHERE"}, variables={"WHERE": "s3cret-folder"})
    assert run.wait().outcome is Outcome.PASSED
    assert b"s3cret" not in (run.directory / worker.REQUEST_NAME).read_bytes()


def test_a_pass_is_marked_for_later_checks(tmp_path: Path) -> None:
    """When a step passed is kept with the run; a failed one leaves no mark."""
    Worker(tmp_path, "files.exists", {"path": "none"}, step="bad").wait()
    Worker(tmp_path, "files.exists", {"path": "."}, step="good").wait()
    marks = read_facts(tmp_path / "run")["marks"]
    assert isinstance(marks, dict)
    assert list(marks) == ["good"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="argv is concealed on Linux only")
def test_its_argv_holds_no_name_that_a_pkill_would_match(tmp_path: Path) -> None:
    """`pgrep -f` for the app, the kind or the folder does not find the worker."""
    with programs(tmp_path / "bin") as started:
        orion = started.binary("orion")
        run = Worker(tmp_path, "process.start", {"command": [str(orion), "30"], "settle_s": 30})
        until(lambda: "started" in run.output, "the worker's start")
        argv = Path(f"/proc/{run.process.pid}/cmdline").read_bytes()
        assert argv.strip(b"\0") == b"python3\0-"
        os.kill(run.process.pid, signal.SIGTERM)
        verdict = run.wait()
        pid = verdict.values["pid"]
        assert isinstance(pid, int)
        end_now(pid)


def test_sigterm_asks_and_the_kind_leaves_in_order(tmp_path: Path) -> None:
    """A cancelled kind still writes its verdict."""
    with programs(tmp_path / "bin") as started:
        stubborn = started.script(
            "stubborn",
            "import signal,time\nsignal.signal(15, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(60)",
        )
        started.start_ready(stubborn)
        run = Worker(tmp_path, "process.stop", {"program": "stubborn", "deadline_s": 60})
        until(lambda: "stopping" in run.output, "the stop's beginning")
        until(lambda: worker.read_progress(run.directory) is not None, "progress")
        os.kill(run.process.pid, signal.SIGTERM)
        verdict = run.wait()
        assert verdict.outcome is Outcome.FAILED
        assert "cancelled" in verdict.reason


def test_progress_is_throttled_and_whole(tmp_path: Path) -> None:
    """10,000 reports in one burst are one file write, and the file is always JSON."""
    report = worker._Reporter(tmp_path)
    for number in range(10_000):
        report(number, 10_000, "copying")
    seen = worker.read_progress(tmp_path)
    assert seen is not None
    assert seen.done < 10_000
    assert seen.message == "copying"
    report._next_s = 0.0
    report(5_000, 10_000, "verifying\x1b[31m")
    seen = worker.read_progress(tmp_path)
    assert seen is not None
    assert (seen.done, seen.total, "\x1b" in seen.message) == (5_000, 10_000, False)


def test_the_time_left_is_reckoned_from_the_phase() -> None:
    """Half done after 10 s means 10 s left; nothing done, or no total, means not known."""
    assert worker.Progress(50, 100, "", 100.0, 110.0).eta_s == 10.0
    assert worker.Progress(0, 100, "", 100.0, 110.0).eta_s is None
    assert worker.Progress(7, 0, "", 100.0, 110.0).eta_s is None


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"outcome": "great", "reason": ""}', b"\xff"])
def test_a_damaged_result_is_no_verdict(tmp_path: Path, data: bytes) -> None:
    """Half a result is taken for none."""
    (tmp_path / worker.RESULT_NAME).write_bytes(data)
    (tmp_path / worker.PROGRESS_NAME).write_bytes(data)
    assert worker.read_result(tmp_path) is None
    assert worker.read_progress(tmp_path) is None


def test_the_worker_runs_from_any_folder_without_site_packages(tmp_path: Path) -> None:
    """The script finds the package by itself: no installation, no PYTHONPATH, no current folder."""
    script = tmp_path / "script"
    script.write_bytes(worker.worker_script())
    (tmp_path / "json.py").write_text("raise SystemExit('shadowed')")
    request = tmp_path / worker.REQUEST_NAME
    request.write_bytes(
        json.dumps(
            {
                "kind": "clock.window",
                "parameters": {"start": "00:00", "end": "00:00"},
                "run": "r",
                "run_directory": str(tmp_path),
                "attempt_directory": str(tmp_path),
                "cwd": str(tmp_path),
                "variables": [],
            }
        ).encode()
    )
    answer = subprocess.run(
        [*worker.interpreter(), str(script)],
        cwd=tmp_path,
        env={worker.REQUEST_VARIABLE: str(request)},
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize(
    ("kind", "unwanted"),
    [
        (
            "sqlite.migrate",
            ["checklist.model", "kinds.process", "kinds.processes", "kinds.files", "kinds.sqlite.rehearse"],
        ),
        ("sqlite.backup", ["checklist.model", "kinds.process", "kinds.files", "kinds.sqlite.migrate"]),
        ("files.exists", ["checklist.model", "kinds.sqlite", "kinds.process"]),
    ],
)
def test_a_worker_loads_its_own_kind_and_no_other(kind: str, unwanted: list[str]) -> None:
    """What a step's process loads is waited for by the operator: not the model of a checklist, not psutil, not its neighbours."""
    code = (
        "import sys, orion_deploy.kinds.worker\n"
        "from orion_deploy.kinds.registry import kind_class\n"
        f"kind_class({kind!r})\nprint(*sys.modules)"
    )
    argv = [sys.executable, "-c", code]
    loaded = set(subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split())
    assert "pydantic" in loaded
    assert loaded.isdisjoint({"psutil", "textual", "markdown_it", "yaml"})
    assert loaded.isdisjoint({f"orion_deploy.{name}" for name in unwanted})


OWN = """
import atexit, gc, pathlib
from orion_deploy.kinds.base import Check
from orion_deploy.kinds.verdict import Outcome, Verdict

class Own(Check):
    \"\"\"Tells.\"\"\"
    name = "own.kind"
    example = ""

    def probe(self, context):
        atexit.register((context.cwd / "at-exit").touch)
        print("its last word", end="")
        return Verdict(Outcome.PASSED, f"collects: {gc.isenabled()}")
"""


def test_another_packages_kind_works_and_ends_as_any_program_does(tmp_path: Path) -> None:
    """The collector is off only while the program is loaded; what the package wants done at exit is done."""
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "own-1.dist-info").mkdir()
    (tmp_path / "own-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: own\nVersion: 1\n")
    points = "[orion_deploy.kinds]\nown.kind = own:Own\n"
    (tmp_path / "own-1.dist-info" / "entry_points.txt").write_text(points)
    sys.path.append(str(tmp_path))
    try:
        run = Worker(tmp_path, "own.kind", {})
    finally:
        sys.path.remove(str(tmp_path))
    assert run.wait().reason == "collects: True"
    assert run.process.returncode == 0
    assert (tmp_path / "at-exit").exists()
    assert "its last word" in run.output


def test_a_kind_of_ours_ends_at_once_and_loses_no_word(tmp_path: Path) -> None:
    """Into a pipe and into a file: the last line is there, though nothing is taken apart at the end."""
    run = Worker(tmp_path, "files.exists", {"path": "."})
    verdict = run.wait()
    assert run.output.endswith("\n")
    assert verdict.reason in run.output.splitlines()[-1]
    request = run.directory / worker.REQUEST_NAME
    argv = [*worker.interpreter(), str(run.directory / "script")]
    env = {**os.environ, worker.REQUEST_VARIABLE: str(request)}
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert verdict.reason in done.stdout.splitlines()[-1]


def test_a_parameter_that_takes_no_text_may_be_a_variable() -> None:
    """Numbers, times and lists come from the checklist's variables; a value that does not fit is refused at the run."""
    from orion_deploy.checklist.kind_call import KindCall
    from orion_deploy.errors import ChecklistError
    from orion_deploy.kinds.registry import build, validate

    call = KindCall("clock.window", {"start": "$FROM", "end": "${TO}", "days": "$DAYS"})
    assert validate(call) == []
    kind = build(call, {"FROM": "22:00", "TO": "05:00", "DAYS": "mon-wed"})
    assert kind == build(
        KindCall("clock.window", {"start": "22:00", "end": "05:00", "days": ["mon", "tue", "wed"]})
    )
    with pytest.raises(ChecklistError, match="start"):
        build(call, {"FROM": "late", "TO": "05:00", "DAYS": "mon-wed"})
    with pytest.raises(ChecklistError, match="days"):
        build(call, {"FROM": "22:00", "TO": "05:00"})
