"""`demo --fault`: each fault of the machine stops the deployment at its step, and its way out, word for word, leads on."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.cli import Done, orion
from support.databases import is_whole, sha256, state_of
from support.kinds import until
from support.sandbox import hurry, sandbox, steps_of

from orion_deploy.demo.faults import FAULTS
from orion_deploy.demo.parts import living, why_no_small_disk
from orion_deploy.demo.sandbox import Sandbox

NO_SMALL_DISK = why_no_small_disk()


@dataclass(frozen=True)
class Case:
    """Where a fault stops the run, with which words, and what a person does beside the printed way out."""

    step: str
    words: str
    again: tuple[str, ...] = ()
    """Steps that are taken back, and run once more, beside the one that failed."""
    mend: Callable[[Sandbox], None] = lambda _box: None


def mend_script(box: Sandbox) -> None:
    """Write the column's right name, as the way out says."""
    path = box.directory / "migrations" / "0001_add_active_request_up.sql"
    path.write_text(path.read_text("utf-8").replace("active_requests_id", "active_request_id"), "utf-8")


CASES = {
    "app-respawns": Case("stop", "came back"),
    "open-handle": Case("closed", "reporter"),
    "migration-fails": Case("rehearse", "active_requests_id", mend=mend_script),
    "corrupt-backup": Case("migrate", "its sha256 has changed", again=("backup",)),
    "disk-full": Case("backup", "there is no room for a backup"),
}
OF_THE_APPLICATION = {"slow-latency", "memory-leak", "log-errors"}
"""They show after the migration, and are found by looking for a day."""


def do(box: Sandbox, command: str, *more: str) -> Done:
    """A command on the sandbox's checklist, where its disk is seen."""
    return orion(command, box.checklist, *more, cwd=box.directory, env=box.environ, before=box.enter)


def database(box: Sandbox) -> Path:
    """The sandbox's database."""
    return box.directory / "Orion" / "data" / "orion.db"


def backup_is_damaged(box: Sandbox) -> bool:
    """Whether the backup's bytes are not those that its manifest tells."""
    (backup,) = (box.directory / "Orion" / "backups").glob("*.db")
    told = json.loads(backup.with_name(f"{backup.name}.json").read_text("utf-8"))["sha256"]
    return sha256(backup) != str(told)


def way_out(box: Sandbox, fault: str) -> None:
    """Carry out the commands that the fault's way out prints, as they stand, in a shell of the sandbox."""
    for command in re.findall(r"(?:kill \$\(cat [^)]+\)|bin/inside [^;]+)", FAULTS[fault].way_out):
        subprocess.run(["sh", "-c", command], cwd=box.directory, check=True)
    part = FAULTS[fault].part
    if part and part != "disk":
        until(lambda: living(box.directory, part) is None, f"the end of {part}")


def test_every_fault_of_the_machine_has_its_case() -> None:
    """A fault that is added without being carried out here fails."""
    assert CASES.keys() | OF_THE_APPLICATION == FAULTS.keys()


@pytest.mark.hazard("a backup that is damaged before it is needed", half="ours")
@pytest.mark.parametrize("fault", CASES)
def test_a_fault_stops_the_run_and_its_way_out_leads_on(tmp_path: Path, fault: str) -> None:
    """Stopped at the step that is there for it, code 1, nothing migrated, nothing lost; then the printed way out, the step again, and the migration is in place and Orion runs."""
    if fault == "disk-full" and NO_SMALL_DISK:
        pytest.skip(f"no small disk can be mounted here: {NO_SMALL_DISK}")
    case = CASES[fault]
    with sandbox(tmp_path / "box", (fault,), conversations=3_000) as box:
        hurry(box.directory)
        if fault == "corrupt-backup":  # on a busy machine the migration could be there before the damage
            assert do(box, "run", "--auto", "--approve", "--until", "backup").code in (0, 3)
            until(lambda: backup_is_damaged(box), "the damage")
        stopped = do(box, "run", "--auto", "--approve")
        assert stopped.code == 1, stopped
        steps = steps_of(box.checklist)
        assert [i for i, s in steps.items() if s["status"] == "failed"] == [case.step]
        assert case.words in steps[case.step]["verdict"]["reason"]
        assert f"stopped at {case.step}" in stopped.out
        assert f"resolve {box.checklist} {case.step}" in stopped.out
        assert state_of(database(box)) == "before"
        assert is_whole(database(box))
        assert steps["start"]["status"] == "todo"

        way_out(box, fault)
        case.mend(box)
        for step in case.again:
            assert do(box, "untick", step).code == 0
        assert do(box, "resolve", case.step, "rerun").code == 0
        gone_on = do(box, "run", "--auto", "--approve", "--until", "start")
        assert gone_on.code == 3, gone_on
        assert state_of(database(box)) == "after"
        assert steps_of(box.checklist)["migrate"]["status"] == "done"
        assert living(box.directory, "orion") is not None


@pytest.mark.parametrize(
    ("way", "gone", "not_gone"),
    [("down", "back-down", "back-restore"), ("restore", "back-restore", "back-down")],
)
def test_the_demo_goes_there_and_back_headless(tmp_path: Path, way: str, gone: str, not_gone: str) -> None:
    """`rollback --auto` without a way stops nothing and says how to choose, and what the facts speak for; with one it goes that way, that way alone, to the end."""
    folder = tmp_path / "box"
    try:
        assert orion("demo", "--no-open", "--dir", folder, cwd=tmp_path).code == 0
        hurry(folder)
        there = orion("demo", "--auto", "--dir", folder, cwd=tmp_path)
        assert there.code == 3, there
        path = folder / "Orion" / "data" / "orion.db"
        checklist = folder / "0001_add_active_request.md"
        environ = {"PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
        assert state_of(path) == "after"
        lives = living(folder, "orion")
        assert lives is not None

        back = orion("rollback", checklist, "--auto", "--reason", "p95", "--json", cwd=folder, env=environ)
        assert back.code == 3, back
        (facts,) = back.events("way_back")
        assert "Taking the migration back keeps" in facts["facts"]["follows"][0]
        (stopped,) = back.events("stopped")
        assert stopped["step"] == "back-way"
        assert "The facts speak for `down`: Taking the migration back keeps" in stopped["help"]
        assert f"orion-deploy choose {checklist} back-way restore" in stopped["help"]
        assert f"orion-deploy rollback {checklist} --auto --way down|restore" in stopped["help"]
        assert living(folder, "orion") == lives
        assert state_of(path) == "after"

        back = orion("rollback", checklist, "--auto", "--way", way, cwd=folder, env=environ)
        assert back.code == 0, back
        assert state_of(path) == "before"
        assert living(folder, "orion") not in (None, lives)
        steps = steps_of(checklist)
        assert steps[gone]["status"] == "done"
        assert steps[not_gone]["status"] == "skipped"
        assert steps[not_gone]["reason"].startswith("not applicable: `back-way` is “")
        assert "last_attempt" not in steps[not_gone]
        assert not any("override" in step for step in steps.values())
        report = orion("report", checklist, cwd=folder).out
        assert "not applicable" in report
    finally:
        orion("demo", "--stop", "--dir", folder, cwd=tmp_path)


@pytest.mark.skipif(bool(NO_SMALL_DISK), reason=f"no small disk can be mounted here: {NO_SMALL_DISK}")
def test_the_demo_on_a_full_disk_runs_where_the_disk_is(tmp_path: Path) -> None:
    """`demo --auto --fault disk-full` goes on inside by itself; the printed command does too; outside nothing is mounted."""
    folder = tmp_path / "box"
    try:
        done = orion("demo", "--auto", "--fault", "disk-full", "--dir", folder, cwd=tmp_path)
        assert done.code == 1, done
        assert "there is no room for a backup" in done.out
        assert list((folder / "Orion" / "backups").iterdir()) == []
        built = orion("demo", "--no-open", "--dir", folder, "--json", cwd=tmp_path)
        shown = subprocess.run(
            ["sh", "-c", built.json["command"].replace(" 0001_", " status 0001_")],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert "there is no room for a backup" in shown.stdout, shown
        inside = subprocess.run(
            ["bin/inside", "ls", "Orion/backups"], cwd=folder, capture_output=True, text=True, check=True
        )
        assert inside.stdout.split() == ["last-years-exports.tar"]
    finally:
        orion("demo", "--stop", "--dir", folder, cwd=tmp_path)
    gone = subprocess.run([folder / "bin" / "inside", "true"], capture_output=True, text=True)
    assert gone.returncode == 1
    assert "is not there" in gone.stderr
