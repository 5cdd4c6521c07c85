"""Where the state of a checklist lives: beside the file, or in the user's state folder where that cannot be.

What is there already is always found: only ENOENT means that there is none, and a run that was begun in
one of the two places is gone on with there, whatever has become of the folder's rights since.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orion_deploy import bundled
from orion_deploy.errors import Place, RefusedError, StoreError
from orion_deploy.run import due, sidecar
from orion_deploy.run.files import owner
from orion_deploy.run.glance import NOT_CHECKED, Glance
from orion_deploy.run.sidecar import JOURNAL_NAME, RUNS_SUFFIX, STATE_NAME, SUFFIX

if TYPE_CHECKING:
    from orion_deploy.run.reading import Reader

RUN_NAME_CHARACTERS_MAX = 64
_RUN_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{RUN_NAME_CHARACTERS_MAX - 1}}}")
APP_FOLDER = "orion-deploy"
DAMAGE_HELP = (
    "nothing was changed; bring the run's folder back from a backup, or look at what can be read of it and"
    " begin a new run with --run NAME"
)
NEWER_HELP = "open it with the orion-deploy that wrote it, or a later one; nothing was changed"


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A run in a list. Times are seconds since the epoch."""

    name: str
    directory: Path
    started: float = 0.0
    last: float = 0.0
    """When something last happened."""
    finished: float | None = None
    result: str = ""
    title: str = ""
    operators: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    """Steps by status, with `total`, `open` and `overrides`."""
    criteria: Mapping[str, Any] = field(default_factory=dict)
    """Criteria and gates by how they stand, with `total` and, where it is known, `due_at` of the next."""
    watching: tuple[Mapping[str, Any], ...] = ()
    """The watches under way, as `due.watches` tells of them."""
    damage: str = ""
    """Why the run cannot be read, or only in part; empty in a sound one."""
    damage_line: int = 0
    """Line of its journal from which on that is so, from 1; 0 where it is none."""
    damage_byte: int = 0
    help: str = ""
    """What to do about the damage."""
    not_checked: str = ""
    """Why damage in the middle of its journal was not looked for; empty where it was, or need not be."""
    link: Mapping[str, Any] = field(default_factory=dict)
    """Where the journal stood when the snapshot was made, which alone was read; empty where the journal was."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the state of one checklist lives."""

    sidecar: Path
    runs: Path
    """Where new runs are made."""
    elsewhere: tuple[Path, ...] = ()
    """Where else there are runs of it."""
    why_not_beside: str = ""
    """Why the state is not kept beside the checklist; empty where it is."""

    @classmethod
    def of(cls, checklist: Path) -> Places:
        """Return the places of the state of the checklist at this path; a symbolic link counts as what it means.

        Raises StoreError when it cannot be told whether there is state already.
        """
        real = Path(os.path.realpath(checklist))
        beside = cls(real.with_name(real.name + SUFFIX), real.with_name(real.name + RUNS_SUFFIX))
        why = _why_not_beside(real.parent)
        folder = _own_folder(real)
        own = cls(folder / (real.name + SUFFIX), folder / (real.name + RUNS_SUFFIX), why_not_beside=why)
        home, other = (own, beside) if why else (beside, own)
        elsewhere = (other.runs,) if _is_there(other.runs) else ()
        return cls(home.sidecar, home.runs, elsewhere, home.why_not_beside)

    def run_directory(self, name: str) -> Path:
        """Return the folder of the run of this name, whether or not there is one yet.

        Raises RefusedError when the name is no name of a run.
        """
        if _RUN_NAME.fullmatch(name) is None:
            raise RefusedError(
                f"`{name}` cannot be the name of a run",
                help=f"use letters, digits, `.`, `-` and `_`, beginning with a letter or digit, at most {RUN_NAME_CHARACTERS_MAX}",
            )
        for runs in (self.runs, *self.elsewhere):
            if _is_there(runs / name):
                return runs / name
        return self.runs / name

    def free_run_name(self, now: float) -> str:
        """Return a name for a new run: the local date and time, and a number where there is one of it already."""
        name = first = new_run_name(now)
        number = 1
        while _is_there(self.run_directory(name)):
            number += 1
            name = f"{first}-{number}"
        return name

    def list_runs(self) -> list[RunInfo]:
        """Return every run to which something happened, the latest first; damaged ones too, and they say so.

        Cheap: of a run whose snapshot is current only the snapshot's summary is read; `checked` also looks
        for damage in the middle of its journal.

        Raises StoreError when a folder of runs cannot be read.
        """
        runs: dict[str, RunInfo] = {}
        for folder in (self.runs, *self.elsewhere):
            for name in _names(folder):
                info = None if name in runs else _info(folder / name)
                if info is not None:
                    runs[name] = info
        return sorted(runs.values(), key=lambda info: (info.last, info.name), reverse=True)

    def unfinished(self) -> str | None:
        """Return the name of the latest run that is not finished, or None.

        A damaged run counts: to pass over it would begin its deployment again. Raises as `list_runs`.
        """
        return next((info.name for info in self.list_runs() if info.finished is None), None)

    def latest(self) -> str | None:
        """Return the name of the run to turn back: the unfinished one, else the last; None where there is none."""
        runs = self.list_runs()
        return self.unfinished() or (runs[0].name if runs else None)


def checked(info: RunInfo, glance: Glance) -> RunInfo:
    """Return a listed run after a glance at its journal, if only its snapshot was read: damage in the middle is said."""
    if not info.link:
        return info
    is_sound = glance.is_sound(info.directory / JOURNAL_NAME, info.link)
    if is_sound is None:
        return replace(info, not_checked=NOT_CHECKED)
    return info if is_sound else look_at_run(info.directory) or info


def new_run_name(now: float) -> str:
    """Return the local date and time as the name of a run: `2026-01-29-2230`."""
    return time.strftime("%Y-%m-%d-%H%M", time.localtime(now))


def state_home() -> Path:
    """Return the app's folder in the user's state folder (XDG Base Directory: a relative XDG_STATE_HOME is ignored)."""
    given = os.environ.get("XDG_STATE_HOME", "")
    base = Path(given) if os.path.isabs(given) else Path(os.path.expanduser("~/.local/state"))
    return base / APP_FOLDER


def path_name(real: Path) -> str:
    """Return a folder name for a file's real path: readable, bounded, and no other file's."""
    readable = re.sub(r"[^a-z0-9]+", "-", real.name.lower()).strip("-")[:40] or "checklist"
    return f"{readable}-{hashlib.sha256(os.fsencode(real)).hexdigest()[:16]}"


def _own_folder(real: Path) -> Path:
    return state_home() / path_name(real)


def _why_not_beside(folder: Path) -> str:
    own = bundled.folder("checklists")
    if own is not None and os.path.realpath(own) == os.fspath(folder):
        return "the checklist came with the app"
    try:
        mode = os.stat(folder).st_mode
    except OSError as error:
        return f"the checklist's folder cannot be read: {error.strerror}"
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        return "anyone may write to the checklist's folder"
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        return "the checklist's folder is not writable"
    return ""


def _is_there(path: Path) -> bool:
    """Whether anything has this name; unlike `os.path.exists`, not to be able to tell is an error."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise _cannot_tell(path, error) from error
    return True


def _cannot_tell(path: Path, error: OSError) -> StoreError:
    who = ""
    try:
        info = os.stat(path)
        if info.st_uid != os.geteuid():
            who = f"; it belongs to {owner(info.st_uid)}, who runs this checklist"
    except OSError:
        pass
    return StoreError(
        f"it cannot be told which runs there are: {error.strerror}{who}",
        where=Place(str(path)),
        help="nothing is begun before that is known: it could be a deployment that is under way",
    )


def _names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [
                e.name for e in entries if _RUN_NAME.fullmatch(e.name) and e.is_dir(follow_symlinks=False)
            ]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _cannot_tell(folder, error) from error


def _info(directory: Path) -> RunInfo | None:
    """The run in this folder, or None where nothing has happened."""
    document = _summary(directory)
    if document is not None and sidecar.is_current(document, directory / JOURNAL_NAME):
        return replace(_from_document(directory, document), link=document["journal"])
    return look_at_run(directory)


def _summary(directory: Path) -> dict[str, Any] | None:
    try:
        return sidecar.summary(directory / STATE_NAME)
    except StoreError:
        return None


def look_at_run(directory: Path) -> RunInfo | None:
    """Return the run in this folder by its journal; None where nothing has happened. What is wrong with it is in it."""
    document = _summary(directory)
    from orion_deploy.run.reading import Reader

    try:
        if document is None and not _is_there(directory / JOURNAL_NAME):
            return None
        reader = Reader.look(directory)
    except StoreError as error:
        info = _from_document(directory, document or {})
        return replace(info, damage=error.what, damage_line=1, help=DAMAGE_HELP)
    if reader.damage is None and document is not None and (lost := _lost(document, reader)):
        info = _from_document(directory, document)
        return replace(info, damage=lost, damage_line=reader.events_count + 1, help=DAMAGE_HELP)
    if reader.events_count == 0 and reader.damage is None and document is None:
        return None
    fresh = sidecar.bare(reader.state, directory.name)
    if document is not None:
        fresh["title"] = document.get("title", "")
        fresh["criteria_counts"] = document.get("criteria_counts")
    return _with_damage(_from_document(directory, fresh), reader, document or {})


def _with_damage(info: RunInfo, reader: Reader, document: Mapping[str, Any]) -> RunInfo:
    """What is before the damage. That it was finished, and when, its snapshot knew: it is no run to go on with."""
    if reader.damage is None:
        return info if reader.is_whole else replace(info, damage=reader.why_read_only, help=NEWER_HELP)
    known = _from_document(info.directory, {**document, "watching": ()})
    return replace(
        info,
        finished=info.finished or known.finished,
        result=info.result or known.result,
        last=max(info.last, known.last) if document else info.last,
        damage=f"{reader.why_read_only}: {reader.damage.what}",
        damage_line=reader.damage.line,
        damage_byte=reader.damage.byte,
        help=DAMAGE_HELP,
    )


def _lost(document: Mapping[str, Any], reader: Reader) -> str:
    """What a snapshot knows of and the journal no longer holds, or an empty string."""
    link, records = document.get("journal"), reader.events_count
    known = link.get("records") if isinstance(link, dict) else None
    if not isinstance(known, int) or known == 0:
        return ""
    if known <= records:
        is_same = sidecar.is_made_from(document, reader.directory / JOURNAL_NAME)
        return (
            "" if is_same else "the journal is not the one its snapshot was made from: something is missing"
        )
    return f"the journal has {records:,} records, and its snapshot knows of {known:,}: something is missing"


def _from_document(directory: Path, document: Mapping[str, Any]) -> RunInfo:
    finished = document.get("finished_at")
    return RunInfo(
        name=directory.name,
        directory=directory,
        started=float(document.get("started_at") or 0),
        last=float(document.get("last_at") or 0) or _changed_at(directory),
        finished=float(finished) if finished else None,
        result=str(document.get("result", "")),
        title=str(document.get("title", "")),
        operators=tuple(map(str, document.get("operators") or ())),
        counts=dict(document.get("counts") or {}),
        criteria=dict(document.get("criteria_counts") or {}),
        watching=tuple(due.watches(dict(document), str(directory))),
    )


def _changed_at(directory: Path) -> float:
    for path in (directory / JOURNAL_NAME, directory):
        try:
            return os.stat(path).st_mtime
        except OSError:
            continue
    return 0.0
