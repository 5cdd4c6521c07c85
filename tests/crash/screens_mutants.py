"""The program, deliberately broken: `python screens_mutants.py MUTANT open book.md`. What the harness must notice.

A module of its own, because what is killed is the whole program in a terminal of its own.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

NO_START_RECORD = "a start is recorded with the end"
NO_ADOPTION = "what was in flight is open again"
NO_GUARDIAN = "nobody gives the terminal back"


def break_it(mutant: str) -> None:
    """Replace what makes the app safe by what a careless one would do."""
    from orion_deploy.run import attempt, laying, session, store
    from orion_deploy.run import events as ev
    from orion_deploy.run.fold import fold

    if mutant == NO_START_RECORD:
        append = store.Store.append
        held: list[Any] = []

        def append_late(self: Any, *events: Any) -> Any:
            if len(events) == 1 and isinstance(events[0], ev.Started):
                held[:] = [self.state, events[0]]
                self.state = fold(events, self.state)
                return self.state
            if held:
                self.state, started = held
                held.clear()
                return append(self, started, *events)
            return append(self, *events)

        def lay_out(directory: Path, spec: Any) -> None:
            shutil.rmtree(directory, ignore_errors=True)  # A folder that is there is a record too.
            lay_out_as_it_is(directory, spec)

        store.Store.append = append_late  # type: ignore[method-assign]
        lay_out_as_it_is = laying.lay_out
        laying.lay_out = lay_out
    elif mutant == NO_ADOPTION:

        def look(directory: Path, *, fence: bool = True) -> attempt.Look:  # that of the real one
            return attempt.Look(attempt.Finding.NEVER_STARTED, reason="the app that ran it is gone")

        def settle(self: Any, step_id: str) -> Any:
            kept, attempt.look = attempt.look, look
            try:
                return settle_as_it_is(self, step_id)
            finally:
                attempt.look = kept

        settle_as_it_is = session.Session._settle
        session.Session._settle = settle  # type: ignore[method-assign]
    elif mutant == NO_GUARDIAN:
        from orion_deploy.tui import guardian

        vars(guardian)["_spawn"] = lambda _reader: None
    else:
        raise SystemExit(f"no such mutant: {mutant}")


if __name__ == "__main__":
    break_it(sys.argv.pop(1))
    from orion_deploy.__main__ import main

    sys.exit(main())
