"""Opening a run: from a checklist's path to a session that holds it, or looks on."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from orion_deploy.checklist.model import Checklist
from orion_deploy.errors import HeldError
from orion_deploy.kinds.verdict import Json
from orion_deploy.run.describe import describe as describe_run
from orion_deploy.run.desk import is_secret
from orion_deploy.run.edge import Edge
from orion_deploy.run.lock import Holder, read_holder
from orion_deploy.run.places import Places
from orion_deploy.run.session import Session
from orion_deploy.run.state import RunState
from orion_deploy.run.store import Store


def open_session(
    path: Path,
    *,
    run: str | None = None,
    edge: Edge | None = None,
    cwd: str | None = None,
    on_ended: Callable[[str, int], None] = lambda _step, _attempt: None,
    look_on: bool = False,
    loaded: tuple[Checklist, bytes] | None = None,
    assignments: Mapping[str, str] | None = None,
) -> Session:
    """Open the checklist at `path` and its run: the named one, else the unfinished one, else a new one.

    With `look_on` a run that somebody else holds is opened read-only instead of refused, and nothing is
    written. `loaded` spares reading the file again.

    Raises:
        ChecklistError: the file cannot be read.
        HeldError: another operator holds the run (without `look_on`).
        NotRecordedError: state cannot be written.
    """
    from orion_deploy.checklist.read import load

    edge = edge or Edge()
    checklist, data = loaded or load(path)
    places = Places.of(path)
    name = run or places.unfinished() or places.free_run_name(edge.now())
    directory = places.run_directory(name)

    def make(store: Store, held_by: Holder | None) -> Session:
        return Session(
            checklist=checklist,
            path=path,
            data=data,
            store=store,
            places=places,
            run=name,
            edge=edge,
            cwd=cwd or checklist.cwd or os.getcwd(),
            on_ended=on_ended,
            held_by=held_by,
        )

    def describe(state: RunState) -> dict[str, Json]:
        return describe_run(checklist, state, name)

    try:
        store = Store.open(directory, sidecar=places.sidecar, describe=describe, edge=edge, who=edge.who())
    except HeldError:
        if not look_on:
            raise
        return make(Store.look(directory), read_holder(directory))
    session = make(store, None)
    try:
        if not store.read_only:
            session.begin(store.recovered_torn_bytes)
            for variable, value in (assignments or {}).items():
                session.set_variable(variable, value, secret=is_secret(checklist, variable))
    except BaseException:
        store.close()
        raise
    return session
