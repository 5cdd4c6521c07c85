"""A session of the store in a process of its own, for faults from outside: says what it was told, and never a traceback.

    python store_worker.py DIRECTORY [MUTANT]

Lines: `o N` opened with N records, `a N` told that N are recorded, `n CODE` told that nothing was, `r CODE`
refused to open, `end`. CODE is the exit code that the command would end with.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from orion_deploy.errors import OrionError  # noqa: E402  # after the path
from orion_deploy.run import events as ev  # noqa: E402
from orion_deploy.run.edge import Edge  # noqa: E402
from orion_deploy.run.store import Store  # noqa: E402

EDGE = Edge(now=lambda: 1000.0, who=lambda: "ann@db1", boot_id=lambda: "b00t")
APPENDS = 4


def say(text: str) -> None:
    """One line on stdout, past every buffer and every fault that is injected into `write`."""
    os.writev(1, [text.encode() + b"\n"])


def event(number: int) -> ev.Event:
    """What is recorded as number `number`."""
    return ev.Noted(text=f"{number:06} " + "x" * (number * 37 % 300), at=float(number), by="ann")


def session(folder: Path) -> None:
    """Open, append, snapshot, close; go on after what could not be recorded."""
    try:
        store = Store.open(
            folder / "a.md.runs" / "one", sidecar=folder / "a.md.state.json", edge=EDGE, wait_s=0.0
        )
    except OrionError as error:
        say(f"r {int(error.exit_code)}")
        return
    say(f"o {store.events_count}")
    for _ in range(APPENDS):
        first = store.events_count + 1
        try:
            store.append(event(first), event(first + 1))
            say(f"a {store.events_count}")
        except OrionError as error:
            say(f"n {int(error.exit_code)}")
        store.snapshot(force=True)
    store.close()
    say("end")


def main() -> None:
    """Live one session, under a mutation if one is named."""
    name = sys.argv[2] if len(sys.argv) > 2 else ""
    if name:
        from crash.store_mutants import broken

        with broken(name):
            session(Path(sys.argv[1]))
    else:
        session(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
