"""A large database: backup and migration against what a user would pick instead, who has it open, and keys meanwhile.

    python benchmarks/bench_database.py [--rows 1000000 5000000] [--rounds 3] [--only backup migrate holders keys]

Backup: `sqlite.backup` (locked, copied, synced, hashed twice, read back by quick_check and row counts) against
`sqlite3 DB ".backup COPY"`. Migration: `sqlite.migrate` (checks, the backup hashed once more, verified before COMMIT,
read back) against the same script in one transaction of a plain Python program: the transactions alone, from BEGIN to the
end of COMMIT (ours holds the verification), and the whole. Whole means with the start of the processes
(a step's process is begun by `exec` of a bare interpreter, here as by the supervisor: nothing is loaded before),
alternatives in turn, medians of ratios within one round. Goals: 1.3, 1.15, holders 0.6 of fuser and 0.2 of lsof with the
same answer, a key's paint within 50 ms (p99) while a million rows are migrated. Exit code 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support.compiled import compile_package  # noqa: E402  # as an installation has it
from support.databases import MIGRATION, UP  # noqa: E402  # the tests' builders are the benchmarks' too
from support.kinds import Worker  # noqa: E402

BACKUP_GOAL, MIGRATE_GOAL, FUSER_GOAL, LSOF_GOAL, KEY_GOAL_MS = 1.3, 1.15, 0.6, 0.2, 50.0
T = TypeVar("T")
PLAIN = """
import sqlite3, sys, time
c = sqlite3.connect(f"file:{sys.argv[1]}?mode=rw", uri=True, isolation_level=None)
c.execute("PRAGMA synchronous = EXTRA")
begun = time.monotonic()
c.execute("BEGIN EXCLUSIVE")
statement = ""
for line in open(sys.argv[2]):
    statement += line
    if sqlite3.complete_statement(statement):
        c.execute(statement)
        statement = ""
c.execute("COMMIT")
print(time.monotonic() - begun)
c.close()
"""


def build(path: Path, rows: int) -> None:
    """A database in WAL mode, about 360 bytes a row."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript(
            "CREATE TABLE conversations (id INTEGER PRIMARY KEY, title TEXT NOT NULL, created_at TEXT NOT NULL);"
            "CREATE INDEX idx_created ON conversations (created_at);"
        )
        connection.execute("BEGIN")
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " INSERT INTO conversations SELECT i, hex(randomblob(150)), '2026-01-29 ' || i FROM n",
            (rows,),
        )
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")


def seconds(work: Callable[[], T]) -> tuple[float, T]:
    """How long it takes, and what it returns; what earlier work left to be written is not this one's."""
    os.sync()
    begin = time.perf_counter()
    found = work()
    return time.perf_counter() - begin, found


def run(where: Path, name: str, **parameters: object) -> float:
    """One kind in its worker, to its passing end; returns the seconds of its transaction, 0.0 where it has none."""
    verdict = Worker(where, name, parameters, attempt=f"a{time.time_ns()}").wait()
    assert verdict.is_good, verdict.reason
    took = verdict.values.get("duration_s")
    return took if isinstance(took, float) else 0.0


def plain(db: Path) -> float:
    """The same scripts in a plain program; returns the seconds of its transaction."""
    done = subprocess.run([sys.executable, "-c", PLAIN, db, UP], check=True, stdout=subprocess.PIPE)
    return float(done.stdout)


def row(name: str, ours: float, other: float, goal: float, unit: str = "s") -> bool:
    """One line of the table."""
    ratio = ours / other if other else 0.0
    factor = 1 if unit == "s" else 1000
    print(
        f"{name:44}{ours * factor:9.2f} {unit:2}{other * factor:9.2f} {unit:2}{ratio:8.2f}x  goal {goal:g}  {'met' if ratio <= goal else 'MISSED'}",
        flush=True,
    )
    return ratio <= goal


def databases(rows: int, rounds: int, parts: set[str]) -> bool:
    """Backup and migration of one size."""
    with tempfile.TemporaryDirectory(prefix="bench-database-") as name:
        folder = Path(name)
        base, db, other = folder / "base.db", folder / "orion.db", folder / "other.db"
        build(base, rows)
        print(f"{rows:,} rows, {base.stat().st_size / 1e6:,.0f} MB")
        taken: defaultdict[str, list[float]] = defaultdict(list)
        copy = folder / "copy.db"
        for turn in range(rounds):
            shutil.copyfile(base, db)
            if not turn:
                run(folder, "sqlite.rehearse", path="orion.db", **MIGRATION)
            pair: list[tuple[str, Callable[[], object]]] = [
                (".backup", lambda: subprocess.run(["sqlite3", str(db), f".backup '{copy}'"], check=True)),
                ("backup", lambda: run(folder, "sqlite.backup", path="orion.db", folder="backups")),
            ]
            for word, work in pair if turn % 2 else reversed(pair):
                taken[word].append(seconds(work)[0])
            copy.unlink()
            if "migrate" in parts:
                shutil.copyfile(base, other)
                both: list[tuple[str, Callable[[], float]]] = [
                    ("migrate", lambda: run(folder, "sqlite.migrate", path="orion.db", **MIGRATION, timeout_s=600)),
                    ("python", lambda: plain(other)),
                ]  # fmt: skip
                for word, migration in both if turn % 2 else reversed(both):
                    whole_s, transaction_s = seconds(migration)
                    taken[word].append(whole_s)
                    taken[f"{word}: transaction"].append(transaction_s)
                other.unlink()
            shutil.rmtree(folder / "backups")
        is_good = row("  sqlite.backup / .backup", *_medians(taken["backup"], taken[".backup"]), BACKUP_GOAL)
        if taken["migrate"]:
            for part in (": transaction", ""):
                ours, other_s = _medians(taken[f"migrate{part}"], taken[f"python{part}"])
                is_good &= row(f"  sqlite.migrate / Python{part or ': whole process'}", ours, other_s, MIGRATE_GOAL)  # fmt: skip
        return is_good


def _medians(ours: list[float], other: list[float]) -> tuple[float, float]:
    """The round whose ratio is the median one."""
    pairs = sorted(zip(ours, other, strict=True), key=lambda p: p[0] / p[1])
    return pairs[len(pairs) // 2]


def holders(rounds: int, more: int) -> bool:
    """Who has a database open: asked in the process that wants to know, against fuser and lsof as processes. CPU time."""
    from orion_deploy.kinds.holders import find_holders, with_side_files

    def cpu_s() -> float:
        spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(u.ru_utime + u.ru_stime for u in spent)

    def tool(*argv: str) -> set[int]:
        done = subprocess.run([*argv, *files], capture_output=True, text=True, check=False)
        return {int(word) for word in done.stdout.split()}

    ways: dict[str, Callable[[], set[int]]] = {
        "ours": lambda: {h.pid for h in find_holders([Path(f) for f in files]).holders},
        "fuser": lambda: tool("fuser"),
        "lsof": lambda: tool("lsof", "-t"),
    }
    code = "import sqlite3,sys;c=sqlite3.connect(sys.argv[1]);c.execute('select count(*) from conversations').fetchone();print('up',flush=True);sys.stdin.read()"
    is_good = True
    with tempfile.TemporaryDirectory(prefix="bench-holders-") as name:
        db = Path(name) / "orion.db"
        build(db, 100)
        processes = [subprocess.Popen(["sleep", "600"]) for _ in range(more)]
        try:
            for case in ("nobody", "one"):
                wanted: set[int] = set()
                if case == "one":
                    holder = subprocess.Popen(
                        [sys.executable, "-c", code, db], stdin=subprocess.PIPE, stdout=subprocess.PIPE
                    )
                    processes.append(holder)
                    wanted = {holder.pid}
                    assert holder.stdout is not None
                    holder.stdout.readline()
                files = [str(p) for p in with_side_files(db)]
                taken: dict[str, list[float]] = {word: [] for word in ways}
                for _ in range(rounds):
                    for word, way in ways.items():
                        begin = cpu_s()
                        assert way() == wanted, word
                        taken[word].append(cpu_s() - begin)
                best = {word: statistics.median(values) for word, values in taken.items()}
                count = sum(entry.isdigit() for entry in os.listdir("/proc"))
                print(f"{count} processes, {case} has it open; the same answer of all three")
                is_good &= row("  holders / fuser", best["ours"], best["fuser"], FUSER_GOAL, "ms")
                is_good &= row("  holders / lsof", best["ours"], best["lsof"], LSOF_GOAL, "ms")
        finally:
            for process in processes:
                process.kill()
                process.wait()
    return is_good


BOOK = f"""# Migration

- [ ] Rehearse

  ```yaml step
  id: rehearse
  action:
    sqlite.rehearse: {{path: orion.db, up: '{MIGRATION["up"]}', down: '{MIGRATION["down"]}'}}
  ```

- [ ] Back up

  ```yaml step
  id: backup
  action:
    sqlite.backup: {{path: orion.db, folder: backups}}
  ```

- [ ] Migrate

  ```yaml step
  id: migrate
  action:
    sqlite.migrate: {{path: orion.db, up: '{MIGRATION["up"]}', down: '{MIGRATION["down"]}', timeout_s: 600}}
  ```

- [ ] Think
"""


def keys(rows: int) -> bool:
    """Keys on the real screen while a rehearsal, a backup and a migration of so many rows go on."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    from bench_stream import (  # type: ignore[import-not-found]  # a script beside this one
        key_times_ms,
        percentile,
    )
    from support.screen import PROGRAM, Screen

    with tempfile.TemporaryDirectory(prefix="bench-keys-") as name:
        folder = Path(name)
        os.environ["HOME"] = name
        build(folder / "orion.db", rows)
        (folder / "book.md").write_text(BOOK)
        times: list[float] = []
        with Screen([*PROGRAM, "open", "book.md", "--approve"], cwd=folder, size=(120, 40)) as screen:
            screen.wait("q leave")
            screen.wait_quiet(0.5)
            idle = float(percentile(key_times_ms(screen, 60), 0.99))
            for step, word in (("rehearse", ""), ("backup", ""), ("migrate", "migrate\r")):
                screen.type("\r")
                if word:
                    screen.wait("Type ")
                    screen.wait_quiet(0.5)
                    screen.type(word)
                screen.wait("running", 10)
                begin = time.perf_counter()
                while "running" in screen.text and time.perf_counter() - begin < 120:
                    times += key_times_ms(screen, 4)
                print(f"  {step}: {time.perf_counter() - begin:.1f} s, {len(times)} keys so far", flush=True)
                screen.wait_quiet(0.6)
            screen.press("q")
            screen.end()
    p99 = float(percentile(times, 0.99))
    print(
        f"  key to paint, {rows:,} rows: p50 {percentile(times, 0.5):.1f} ms, p99 {p99:.1f} ms (idle {idle:.1f}), goal {KEY_GOAL_MS:g}"
    )
    return p99 <= KEY_GOAL_MS


def main() -> int:
    """Measure, print, say which goals were missed."""
    compile_package()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="*", default=[1_000_000, 5_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=250, help="idle ones that are started for the scan")
    parser.add_argument("--only", nargs="*", default=["backup", "migrate", "holders", "keys"])
    given = parser.parse_args()
    parts, is_good = set(given.only), True
    if parts & {"backup", "migrate"}:
        for rows in given.rows:
            is_good &= databases(rows, given.rounds, parts)
    if "holders" in parts:
        is_good &= holders(15, given.processes)
    if "keys" in parts:
        is_good &= keys(1_000_000)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
