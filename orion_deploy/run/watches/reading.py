"""How others see the watches of a run: from the files that its keeper leaves behind. Reads only; imports little.

`watches/NAME/` holds `spec.json` (what is to be watched), `watch.json` (the last look), `kept.json` (the last look
that is surely on the disk) and `stop` (nobody is to look any more). `watch.lock` is held by who looks.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orion_deploy.errors import Place, StoreError
from orion_deploy.run.watches.record import Spec, WatchRecord, record_of, spec_of

FOLDER_NAME = "watches"
SPEC_NAME, LIVE_NAME, KEPT_NAME, STOP_NAME = "spec.json", "watch.json", "kept.json", "stop"
LOCK_NAME = "watch.lock"
FILE_BYTES_MAX = 4 * 1024 * 1024
WATCHES_MAX = 100
"""Of one run, those that ended included."""


@dataclass(frozen=True, slots=True)
class Keeper:
    """Who looks at the watches of a run now."""

    pid: int = 0
    started: str = ""
    """Start time of the process, by the kernel's count; tells it from another one with the same id."""
    since: float = 0.0
    who: str = ""
    in_foreground: bool = False
    """`orion-deploy watch`, and not the process that the app leaves behind."""


_NOBODY = Keeper()


def folder_of(run_directory: Path) -> Path:
    """Where a run's watches are."""
    return run_directory / FOLDER_NAME


def watch_folder(run_directory: Path, step_folder: str, attempt: int) -> Path:
    """The folder of one watch; `step_folder` is the name of the step's folder of attempts."""
    return folder_of(run_directory) / f"{step_folder}-{attempt}"


def read_record(folder: Path) -> WatchRecord | None:
    """The last look of the watch in `folder`; None where nobody has looked, or nothing of it can be read.

    The live file, unless the one that surely is on the disk saw more: after a power cut, or on a full disk,
    the live one may have stayed behind.
    """
    live, kept = _record(folder / LIVE_NAME), _record(folder / KEPT_NAME)
    if live is None or kept is None:
        return live or kept
    return kept if _seen(kept) > _seen(live) else live


def _record(path: Path) -> WatchRecord | None:
    data = read_data(path)
    try:
        return None if data is None else record_of(data)
    except (ValueError, KeyError, TypeError):
        return None


def _seen(record: WatchRecord) -> tuple[bool, int]:
    return record.ended_at is not None, record.looks


class Records:
    """Last looks, each read again only when it has changed. One thread owns it."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[tuple[int, ...], WatchRecord | None]] = {}

    def read(self, folder: Path) -> WatchRecord | None:
        """As `read_record`."""
        mark = _mark(folder / LIVE_NAME) + _mark(folder / KEPT_NAME)
        known = self._known.get(folder)
        if known is None or known[0] != mark:
            known = self._known[folder] = (mark, read_record(folder))
        return known[1]


def _mark(path: Path) -> tuple[int, ...]:
    try:
        found = os.stat(path)
    except OSError:
        return (0,)
    return (found.st_ino, found.st_mtime_ns, found.st_size)


def read_spec(folder: Path) -> Spec | None:
    """What is to be watched; None where it cannot be read."""
    data = read_data(folder / SPEC_NAME)
    try:
        return None if data is None else spec_of(data)
    except (ValueError, KeyError, TypeError):
        return None


def read_all(run_directory: Path) -> list[WatchRecord]:
    """The last look of every watch of a run, in the order of their start."""
    found = [read_record(folder) for folder in watch_folders(run_directory)]
    return sorted((r for r in found if r is not None), key=lambda record: record.started_at)


def watch_folders(run_directory: Path) -> list[Path]:
    """The folder of every watch of a run."""
    folder = folder_of(run_directory)
    try:
        names = sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except OSError:
        return []
    return [folder / name for name in names if os.path.isdir(folder / name)][:WATCHES_MAX]


def is_stopped(folder: Path) -> bool:
    """Whether nobody is to look at this watch any more."""
    return os.path.lexists(folder / STOP_NAME)


def keeper_of(run_directory: Path) -> Keeper | None:
    """Who looks at the run's watches now, or None where nobody does. Raises StoreError where that cannot be told."""
    path = run_directory / LOCK_NAME
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _cannot_tell(path, error) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        try:
            data = json.loads(os.pread(fd, 4096, 0))
            keeper = Keeper(**{k: data[k] for k in Keeper.__slots__ if k in data})
            is_whole = all(type(getattr(keeper, k)) is type(getattr(_NOBODY, k)) for k in Keeper.__slots__)
            return keeper if is_whole else Keeper()
        except (OSError, ValueError, TypeError, RecursionError):
            return Keeper()
    except OSError as error:
        raise _cannot_tell(path, error) from error
    else:
        return None
    finally:
        os.close(fd)


def _cannot_tell(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"it cannot be told whether anybody watches: {error.strerror}",
        where=Place(str(path)),
        help="mend what the system says; until then nobody is started to watch, and time may go by unseen",
    )


def known_keeper(run_directory: Path) -> Keeper | None:
    """As `keeper_of`; None also where that cannot be told."""
    try:
        return keeper_of(run_directory)
    except StoreError:
        return None


def stamps(run_directory: Path, name: str = LIVE_NAME) -> tuple[tuple[str, int], ...]:
    """Name and time of change of every watch's last look: another answer means that something was seen.

    With `KEPT_NAME`: of the last one that is on the disk; that is so at once where something fired or ended.
    """
    return tuple((folder.name, _changed_ns(folder / name)) for folder in watch_folders(run_directory))


def _changed_ns(path: Path) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def read_data(path: Path) -> dict[str, Any] | None:
    """One of these files as plain data; None where it is not there, too large, or no object."""
    data = read_json(path)
    return data if isinstance(data, dict) else None


def read_json(path: Path) -> Any:
    """What one of these files holds; None where it is not there, too large, or no JSON."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        if os.fstat(fd).st_size > FILE_BYTES_MAX:
            return None
        with os.fdopen(os.dup(fd), "rb") as file:
            return json.loads(file.read(FILE_BYTES_MAX))
    except (OSError, ValueError, RecursionError):
        return None
    finally:
        os.close(fd)
