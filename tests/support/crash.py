"""kill -9 at random instants of the kinds that change a database, and what must hold afterwards.

`storm` runs one scenario many times: a fresh database, the kind in a process of its own, SIGKILL somewhere between
its first and its last moment, then the questions: before or after, never between; whole; no half backup taken
for one; and the same step, done again, comes to its end.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orion_deploy.kinds.sqlite.record import backup_of
from support.databases import DOWN, MIGRATION, UP, ask, is_whole, leave_wal, orion, run_sql, sha256, state_of

ROWS = 1000


class Zygote:
    """A process that forks kinds."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("crash_zygote.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self,
        folder: Path,
        kind: str,
        parameters: dict[str, Any],
        *,
        kill_after_s: float | None,
        mutant: str = "",
    ) -> tuple[bool, float]:
        """Run a kind; kill -9 after a time, if one is given. Returns whether it ended by itself, and how long it ran."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"folder": str(folder), "kind": kind, "parameters": parameters, "mutant": mutant}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        pid = int(self._process.stdout.readline())
        begun = time.perf_counter()
        timer = None
        if kill_after_s is not None:
            timer = threading.Timer(kill_after_s, _kill, (pid,))
            timer.start()
        status = int(self._process.stdout.readline())
        if timer is not None:
            timer.cancel()
            timer.join()
        return not os.WIFSIGNALED(status), time.perf_counter() - begun

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def zygote() -> Iterator[Zygote]:
    """A zygote that ends with the block."""
    started = Zygote()
    try:
        yield started
    finally:
        started.close()


@dataclass(frozen=True)
class Scenario:
    """What is carried out, on what, and what must hold after a kill."""

    kind: str
    parameters: dict[str, Any]
    prepare: Callable[[Path, Zygote], None]
    """Makes a folder ready; done once, and copied for every kill."""
    check: Callable[[Path], str]
    """Looks after a kill, and names what it found; raises AssertionError where it must not be so."""
    mutant: str
    """What breaks the kind so that this harness must notice."""
    finished: Callable[[Path], None]
    """What must hold when the step has been done again, to its end."""


@dataclass
class Storm:
    """What many kills gave: how often each state was found, and everything that must not be so."""

    found: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    killed: int = 0
    seconds: float = 0.0


def _database(folder: Path) -> Path:
    return folder / "orion.db"


def _is_sound(folder: Path) -> None:
    db = _database(folder)
    assert is_whole(db), "the database is damaged"
    assert ask(db, "SELECT count(*) FROM conversations") == ROWS, "rows are lost"
    assert ask(db, "SELECT count(*) FROM messages") == ROWS, "rows are lost"


def _prepare_before(folder: Path, _: Zygote) -> None:
    orion(_database(folder), ROWS)


def _step(zygote: Zygote, folder: Path, kind: str, parameters: dict[str, Any]) -> None:
    zygote.run(folder, kind, parameters, kill_after_s=None)
    log = (folder / "log").read_text()
    assert "passed" in log.splitlines()[-1], log


BACKUP = {"path": "orion.db", "folder": "backups"}
PAIR = {"path": "orion.db", **MIGRATION}


def _prepare_migrate(folder: Path, zygote: Zygote) -> None:
    _prepare_before(folder, zygote)
    _step(zygote, folder, "sqlite.rehearse", PAIR)
    _step(zygote, folder, "sqlite.backup", BACKUP)


def _prepare_rollback(folder: Path, zygote: Zygote) -> None:
    _prepare_migrate(folder, zygote)
    _step(zygote, folder, "sqlite.migrate", PAIR)


def _prepare_restore(folder: Path, zygote: Zygote) -> None:
    _prepare_rollback(folder, zygote)
    leave_wal(_database(folder), "UPDATE messages SET body = 'live'")


def _before_or_after(folder: Path) -> str:
    _is_sound(folder)
    state = state_of(_database(folder))
    assert state in ("before", "after"), f"the database is {state}"
    return state


def _check_backup(folder: Path) -> str:
    db = _database(folder)
    _is_sound(folder)
    assert state_of(db) == "before"
    whole = sha256(db)
    for path in (folder / "backups").glob("orion-*.db"):
        assert sha256(path) == whole, f"{path.name} is half a backup under a whole name"
    pinned = backup_of(folder / "run", db)
    if pinned is None:
        return "not taken"
    assert Path(pinned.path).exists(), "the run knows of a backup that is not there"
    assert sha256(Path(pinned.path)) == whole == pinned.sha256, "the run took half a backup for one"
    return "taken"


def _check_restore(folder: Path) -> str:
    db = _database(folder)
    _is_sound(folder)
    live = ask(db, "SELECT count(*) FROM messages WHERE body = 'live'")
    assert live in (0, ROWS), f"{live} of {ROWS} rows are of the failed database"
    state = state_of(db)
    assert state == ("before" if live == 0 else "after"), "schema and rows are of two databases"
    return "restored" if live == 0 else "as it was"


def _check_rehearse(folder: Path) -> str:
    db = _database(folder)
    assert sha256(db) == (folder / "untouched").read_text(), "a rehearsal changed the database"
    return "untouched"


def _prepare_rehearse(folder: Path, zygote: Zygote) -> None:
    _prepare_before(folder, zygote)
    (folder / "untouched").write_text(sha256(_database(folder)))


def _is(state: str) -> Callable[[Path], None]:
    def look(folder: Path) -> None:
        assert state_of(_database(folder)) == state

    return look


SCENARIOS = {
    "backup": Scenario(
        "sqlite.backup",
        BACKUP,
        _prepare_before,
        _check_backup,
        "in-place",
        lambda folder: None if _check_backup(folder) == "taken" else _fail("no backup"),
    ),
    "migrate": Scenario(
        "sqlite.migrate", PAIR, _prepare_migrate, _before_or_after, "autocommit", _is("after")
    ),
    "rollback": Scenario(
        "sqlite.rollback", PAIR, _prepare_rollback, _before_or_after, "autocommit", _is("before")
    ),
    "restore": Scenario(
        "sqlite.restore", {"path": "orion.db"}, _prepare_restore, _check_restore, "cp", _is("before")
    ),
    "rehearse": Scenario("sqlite.rehearse", PAIR, _prepare_rehearse, _check_rehearse, "", lambda _: None),
}


def _fail(words: str) -> None:
    raise AssertionError(words)


def storm(
    scenario: Scenario,
    folder: Path,
    zygote: Zygote,
    count: int,
    *,
    seed: int = 0,
    mutant: str = "",
    again_every: int = 1,
) -> Storm:
    """Kill the scenario's kind `count` times, at instants drawn from the whole of its duration.

    After every `again_every`-th kill the step is carried out once more, undisturbed, and must come to its end.
    """
    chance = random.Random(seed)
    ready = folder / "ready"
    ready.mkdir(parents=True)
    (ready / "run").mkdir()
    seen = Storm()
    begun = time.perf_counter()
    here = folder / "here"  # one path for all: what a run noted of a database holds its path
    ready.rename(here)
    scenario.prepare(here, zygote)
    shutil.copytree(here, ready)
    _, whole_s = zygote.run(here, scenario.kind, scenario.parameters, kill_after_s=None, mutant=mutant)
    for number in range(count):
        shutil.rmtree(here)
        _copy_exactly(ready, here)
        ended, took_s = zygote.run(
            here,
            scenario.kind,
            scenario.parameters,
            kill_after_s=chance.uniform(0, whole_s * 1.05),
            mutant=mutant,
        )
        whole_s = took_s if ended else max(whole_s, took_s)
        seen.killed += not ended
        try:
            seen.found[scenario.check(here)] += 1
            if number % again_every == 0 and not mutant:
                zygote.run(here, scenario.kind, scenario.parameters, kill_after_s=None)
                scenario.check(here)
                scenario.finished(here)
        except Exception as fault:  # whatever goes wrong is what is looked for
            seen.wrong.append(f"{type(fault).__name__}: {fault}; log: {(here / 'log').read_text()[-300:]}")
    seen.seconds = time.perf_counter() - begun
    return seen


def _copy_exactly(source: Path, target: Path) -> None:
    """Copy a folder with its times, and with the inode numbers and times that facts name forgotten."""
    shutil.copytree(source, target, copy_function=shutil.copy2)


__all__ = ["DOWN", "SCENARIOS", "UP", "Scenario", "Storm", "run_sql", "storm", "zygote"]
