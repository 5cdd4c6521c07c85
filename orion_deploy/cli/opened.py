"""Opening a run for a command: the values given with `--set` find their variables, and the run is always left in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from orion_deploy.checklist.model import Checklist, CodeBlock
from orion_deploy.errors import OrionError, did_you_mean
from orion_deploy.run.blocks import find_in, index_of
from orion_deploy.run.session import Session

Loaded = tuple[Checklist, bytes]


@contextmanager
def opened(path: Path, *, run: str | None = None, loaded: Loaded | None = None) -> Iterator[Session]:
    """Hold the run for one act. Raises as `open_session`."""
    from orion_deploy.run.opening import open_session

    session = open_session(path, run=run, loaded=loaded)
    try:
        yield session
    finally:
        close(session)


def close(session: Session) -> None:
    """Leave the run in good order, and say when what others read of it is not up to date. Raises as `close`."""
    from orion_deploy.cli.out import talk
    from orion_deploy.text import plain_line

    session.close()
    if session.snapshot_error:
        talk(f"note: {plain_line(session.snapshot_error)}; the journal has everything, `status` reads it")


def known_step(path: Path, step: str) -> Loaded:
    """Read the checklist and make sure that it has the step, before a run is opened, or begun, for it.

    Raises:
        RefusedError: there is no such step.
    """
    from orion_deploy.checklist.read import load

    loaded = load(path)
    find_in(index_of(loaded[0]), step, loaded[0].path)
    return loaded


def assigned(checklist: Checklist, given: Mapping[str, str]) -> dict[str, str]:
    """Return what `--set` gave under the names that a run knows: of variables, and of placeholders as written.

    A placeholder goes by the words in it: `VERSION` for `<VERSION>`, `new_version` for `<new version>`,
    `X_Y_Z` for `X.Y.Z`.

    Raises:
        OrionError: there is no such variable or placeholder, or the value does not fit its type.
    """
    from orion_deploy.checklist.variables import resolve

    declared = {variable.name for variable in checklist.variables}
    resolve(checklist.variables, given={k: v for k, v in given.items() if k in declared})
    placeholders: dict[str, list[str]] = {}
    for code in _blocks(checklist):
        for placeholder in code.placeholders:
            placeholders.setdefault(_words(placeholder), []).append(placeholder)
    values: dict[str, str] = {}
    for name, value in given.items():
        if name in declared:
            values[name] = value
        elif name in placeholders:
            values |= dict.fromkeys(placeholders[name], value)
        else:
            known = [*declared, *placeholders]
            raise OrionError(
                f"{checklist.path} has no variable and no placeholder `{name}`",
                help=did_you_mean(name, known) or (f"it has: {', '.join(known)}" if known else "it has none"),
            )
    return values


def _blocks(checklist: Checklist) -> Iterator[CodeBlock]:
    for section in checklist.walk_sections():
        yield from section.code
    for _, step in checklist.walk():
        yield from step.code


def _words(placeholder: str) -> str:
    import re

    return re.sub(r"\W+", "_", placeholder).strip("_")
