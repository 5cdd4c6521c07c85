from __future__ import annotations

import mmap
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.kinds import Programs, Worker, carry_out, context, programs

from orion_deploy.kinds.holders import find_holders, lock_holder, with_side_files
from orion_deploy.kinds.leases import are_local, nobody_has
from orion_deploy.kinds.verdict import Outcome

HOLD = "import sys\nf=open(sys.argv[1], 'rb')\nprint('up', flush=True)\nsys.stdin.read()"
MAP = (
    "import mmap,os,sys\nfd=os.open(sys.argv[1], os.O_RDONLY)\nm=mmap.mmap(fd, 0, prot=mmap.PROT_READ)\n"
    "os.close(fd)\nprint('up', flush=True)\nsys.stdin.read()"
)
IDLE = (
    "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1])\nc.execute('select * from t').fetchall()\n"
    "print('up', flush=True)\nsys.stdin.read()"
)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Programs]:
    """Programs, ended with the test."""
    with programs(tmp_path / "bin") as value:
        yield value


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may enter; pytest's own are closed to them."""
    with tempfile.TemporaryDirectory(prefix="orion-open-") as name:
        os.chmod(name, 0o755)
        yield Path(name)


def database(path: Path, mode: str = "wal") -> Path:
    """A small database."""
    connection = sqlite3.connect(path)
    connection.execute(f"pragma journal_mode={mode}")
    connection.execute("create table t(a)")
    connection.execute("insert into t values (1)")
    connection.commit()
    connection.close()
    return path


def test_nobody(tmp_path: Path) -> None:
    """A file that only we have open is closed; the scan looked at others."""
    path = tmp_path / "f"
    path.write_bytes(b"x")
    with open(path, "rb"):
        seen = find_holders([path])
    assert seen.holders == ()
    assert seen.looked_at > 0


@pytest.mark.hazard("`lsof FILE` as a guard", half="ours")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="leases are Linux's")
def test_the_kernel_says_that_nobody_has_it(tmp_path: Path, started: Programs) -> None:
    """Without a holder no process is looked into, and the answer is complete; with one, open or only mapped, it is not given."""
    path = database(tmp_path / "orion.db")
    seen = find_holders(with_side_files(path))
    if not are_local({path.stat().st_dev}):
        pytest.skip("the test's folder lies where a lease says nothing")
    assert seen.proved
    assert seen.is_complete
    verdict = carry_out(context(tmp_path), "files.closed", path="orion.db")
    assert verdict.outcome is Outcome.PASSED, verdict.reason
    assert nobody_has([path]) is True
    for how in (HOLD, MAP):
        holder = started.start_ready(started.script("holder", how), path)
        assert nobody_has([path]) is False
        assert [h.pid for h in find_holders([path]).holders] == [holder.pid]
        holder.kill()
        holder.wait()
    assert find_holders([path]).proved


def test_a_lease_is_no_trap(tmp_path: Path, started: Programs) -> None:
    """Others open the file all the time while it is asked for: none of them fails or waits, and this process lives."""
    path = tmp_path / "orion.db"
    path.write_bytes(b"x")
    opener = started.script(
        "opener",
        "import sys,time\nprint('up', flush=True)\nworst=0\nend=time.monotonic()+1\n"
        "while time.monotonic()<end:\n  b=time.monotonic(); open(sys.argv[1],'rb').close(); worst=max(worst,time.monotonic()-b)\n"
        "print(worst, flush=True)",
    )
    process = started.start_ready(opener, path)
    answers = set()
    while process.poll() is None:
        answers.add(nobody_has([path]))
    assert answers <= {True, False, None}
    assert process.stdout is not None
    assert float(process.stdout.read()) < 1.0


@pytest.mark.parametrize("how", [HOLD, MAP])
def test_a_holder_is_found_by_inode_under_any_name(tmp_path: Path, started: Programs, how: str) -> None:
    """Open or only mapped, through a hard link, and after the name is gone: pid, command and user are named."""
    path = tmp_path / "orion.db"
    path.write_bytes(b"x" * mmap.PAGESIZE)
    os.link(path, tmp_path / "other name")
    holder = started.start_ready(started.script("holder", how), tmp_path / "other name")
    (tmp_path / "other name").unlink()
    (found,) = find_holders([path]).holders
    assert found.pid == holder.pid
    assert found.command.startswith(("holder", "python"))
    assert found.files == ("orion.db",)


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal"])
def test_side_files_count(tmp_path: Path, started: Programs, suffix: str) -> None:
    """Who holds only the `-wal` holds the database."""
    path = database(tmp_path / "orion.db", "delete")
    side = tmp_path / f"orion.db{suffix}"
    side.write_bytes(b"")
    holder = started.start_ready(started.script("holder", HOLD), side)
    assert [h.pid for h in find_holders(with_side_files(path)).holders] == [holder.pid]
    verdict = carry_out(context(tmp_path), "files.closed", path="orion.db")
    assert verdict.outcome is Outcome.FAILED
    assert str(holder.pid) in verdict.reason


def test_an_idle_connection_is_a_holder_and_its_lock_is_seen_passively(
    tmp_path: Path, started: Programs
) -> None:
    """In WAL mode whoever has read holds a lock: it is found without taking one."""
    path = database(tmp_path / "orion.db")
    assert lock_holder(path) is None
    holder = started.start_ready(started.script("idle", IDLE), path)
    assert lock_holder(path) == holder.pid
    files = {p.name: p.stat().st_size for p in tmp_path.glob("orion.db*")}
    assert carry_out(context(tmp_path), "files.closed", path="orion.db").outcome is Outcome.FAILED
    assert {p.name: p.stat().st_size for p in tmp_path.glob("orion.db*")} == files


@pytest.mark.hazard("`lsof FILE` as a guard", half="both")
def test_lsof_says_the_same_for_closed_and_missing_and_we_do_not(tmp_path: Path) -> None:
    """`lsof` (and `fuser`) give status 1 for a closed file as for a missing one; a wrong path fails here."""
    database(tmp_path / "orion.db")
    closed = carry_out(context(tmp_path), "files.closed", path="orion.db", trust_locks=True)
    assert closed.outcome is Outcome.PASSED
    wrong = carry_out(context(tmp_path), "files.closed", path="orino.db")
    assert wrong.outcome is Outcome.FAILED
    assert "no" in wrong.reason
    for tool in ("lsof", "fuser"):
        import shutil

        if shutil.which(tool):
            status = subprocess.run([tool, tmp_path / "orion.db"], capture_output=True).returncode
            missing = subprocess.run([tool, tmp_path / "orino.db"], capture_output=True).returncode
            assert status == missing == 1


@pytest.mark.hazard("`lsof FILE` as a guard", half="ours")
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to look as another user")
def test_what_cannot_be_inspected_is_undecided(open_folder: Path, started: Programs) -> None:
    """As an ordinary user: root's processes are counted and named, and the verdict is not a pass."""
    path = database(open_folder / "orion.db")
    started.start_ready(started.script("idle", HOLD), path)
    code = (
        "import os, sys; from pathlib import Path; from orion_deploy.kinds.holders import find_holders, with_side_files;"
        "from orion_deploy.kinds.files import closed_verdict; find_holders([Path('/')]); os.setgroups([]); os.setgid(65534); os.setuid(65534);"
        "s = find_holders(with_side_files(Path(sys.argv[1])));"
        "print(s.is_complete, len(s.holders), len(s.uninspected) > 0, closed_verdict(s, [Path('orion.db')]).outcome.value,"
        " closed_verdict(s, [Path('orion.db')], trust_locks=True).outcome.value)"
    )
    answer = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["False", "0", "True", "undecided", "passed"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to look as another user")
def test_another_users_reader_is_found_by_its_lock(open_folder: Path, started: Programs) -> None:
    """A scan without root does not see root's descriptors; the lock of its WAL connection is seen."""
    path = database(open_folder / "orion.db")
    holder = started.start_ready(started.script("idle", IDLE), path)
    path.chmod(0o644)
    code = (
        "import os, sys; from pathlib import Path; from orion_deploy.kinds.holders import find_holders;"
        "find_holders([Path('/')]); os.setgroups([]); os.setgid(65534); os.setuid(65534);"
        "print(*[h.pid for h in find_holders([Path(sys.argv[1])]).holders])"
    )
    answer = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == [str(holder.pid)]


def test_the_scan_is_quick(tmp_path: Path) -> None:
    """Measured per process, so that the bar (100 ms at 300 processes) holds on machines of any load."""
    path = database(tmp_path / "orion.db")
    best = min(_timed(path) for _ in range(5))
    with path.open("rb"):
        looked_at = find_holders([path]).looked_at
    assert best / looked_at < 0.1 / 300 * 3, f"{best * 1000:.1f} ms for {looked_at} processes"


def _timed(path: Path) -> float:
    with path.open("rb"):  # so that the kernel alone cannot answer, and every process is looked into
        begun = time.process_time()
        find_holders(with_side_files(path))
        return time.process_time() - begun


def test_a_worker_sees_the_app_that_holds_the_database(tmp_path: Path, started: Programs) -> None:
    """End to end, from a process of its own."""
    path = database(tmp_path / "orion.db")
    holder = started.start_ready(started.script("idle", IDLE), path)
    verdict = Worker(tmp_path, "files.closed", {"path": ["orion.db"]}).wait()
    assert verdict.outcome is Outcome.FAILED
    assert f"pid {holder.pid}" in verdict.reason
