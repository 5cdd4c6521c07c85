"""Opening a run: from a checklist's path to a session that holds it, or looks on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.checklist.model import Checklist
from orion_deploy.errors import (
    HeldError,
    NewerStateError,
    Place,
    StoreError,
)
from orion_deploy.kinds.verdict import Json
from orion_deploy.run import lock, sidecar
from orion_deploy.run.deciding import look_at
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
        HeldError: another operator holds the run (without `look_on`), or has been beginning one for two seconds.
        StoreError: state is damaged, of a newer program, or its run's folder is gone.
        NotRecordedError: state cannot be written.
    """
    from orion_deploy.checklist.read import load

    edge = edge or Edge()
    checklist, data = loaded or load(path)
    places = Places.of(path)
    _check_kinds(checklist, data)
    with _named(places, run, edge) as name:
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
            from orion_deploy.run.describe import describe as describe_run

            criteria = look_at(checklist, state, directory, now=edge.now(), environ=edge.environ())
            return describe_run(checklist, state, name, criteria=criteria)

        try:
            store = Store.open(
                directory, sidecar=places.sidecar, describe=describe, edge=edge, who=edge.who()
            )
        except HeldError:
            if not look_on:
                raise
            session = make(Store.look(directory), read_holder(directory))
            session.looks_on = True
            return session
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


@contextmanager
def _named(places: Places, run: str | None, edge: Edge) -> Iterator[str]:
    """The name of the run to open. Where there is none to go on with, nobody else begins one until the block ends.

    Only who begins a run takes that lock, and then asks once more which runs there are: the one who begins at the
    same moment goes on with that run, or is told who holds it. Raises as `lock.take_beginning` and `_new_name`.
    """
    known = _run_of_sidecar(places)
    name = run or places.unfinished()
    if not name:
        _new_name(places, known, edge.now())  # What is refused leaves nothing behind.
        beginning = lock.take_beginning(places.runs, edge.who(), edge)
        try:
            name = places.unfinished()
            if name is None:
                yield _new_name(places, _run_of_sidecar(places), edge.now())
                return
        finally:
            beginning.release()
    yield name


def _check_kinds(checklist: Checklist, data: bytes) -> None:
    """Raise ChecklistError at the first kind that nobody knows, or that stands where it cannot: an action as a check.

    At its step, in the night, it would be too late. Parameters are looked at when the step runs: to do so
    here would load every kind before the first paint.
    """
    if all(s.facts.call is None and s.facts.verify is None for _, s in checklist.walk()):
        return
    from orion_deploy.checklist.calls import check_calls
    from orion_deploy.kinds.registry import check_name, is_action

    def known(call: KindCall) -> tuple[()]:
        check_name(call.name)
        return ()

    for _, fault in check_calls(checklist, known, data.decode("utf-8", "replace"), is_action):
        raise fault


def _run_of_sidecar(places: Places) -> tuple[str, bool] | None:
    """The run that the sidecar tells of, and whether it is finished; None where it tells of none, or is damaged.

    Raises NewerStateError when a newer program wrote it.
    """
    try:
        document = sidecar.summary(places.sidecar)
    except NewerStateError:
        raise
    except StoreError:
        return None  # It is only a snapshot, and is made anew.
    name = document.get("run") if document is not None else None
    if document is None or not isinstance(name, str):
        return None
    return name, document.get("finished_at") is not None


def _new_name(places: Places, known: tuple[str, bool] | None, now: float) -> str:
    """A name for a new run.

    Raises StoreError when the sidecar knows of an unfinished run that is not there: to begin again would
    carry out twice what it did.
    """
    name = places.free_run_name(now)
    if known is None or any(info.name == known[0] for info in places.list_runs()):
        return name
    old, is_finished = known
    if not is_finished:
        raise StoreError(
            f"the run `{old}` was begun and not finished, and its folder is gone",
            where=Place(str(places.runs / old)),
            help=f"bring the folder back; or, to begin again from the first step, remove {places.sidecar.name}",
        )
    return name if name != old else f"{name}-2"
