"""The evidence of a run, gathered from its files. Reads only: works beside an operator, and on what is damaged.

What cannot be read is told where it belongs, and keeps nothing else from being told.
"""

from __future__ import annotations

import os
import platform
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from orion_deploy import __version__
from orion_deploy.checklist.read import load
from orion_deploy.errors import OrionError, StoreError
from orion_deploy.report.build import Known, build
from orion_deploy.report.build_steps import Kept
from orion_deploy.report.evidence import Evidence, Mark, OutputText
from orion_deploy.run import attempt as attempts
from orion_deploy.run import files, sidecar
from orion_deploy.run.desk import folder_name
from orion_deploy.run.lock import read_holder
from orion_deploy.run.output import Output
from orion_deploy.run.places import Places
from orion_deploy.run.reading import ONLY_LOOKED_AT, Reader
from orion_deploy.run.state import NEVER_STARTED, RunState
from orion_deploy.text import stripped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from orion_deploy.checklist.model import Checklist
    from orion_deploy.run.watches.record import WatchRecord

HEAD_CHARACTERS_MAX = 4_000
TAIL_CHARACTERS_MAX = 12_000
"""Of one attempt's output."""
OUTPUT_CHARACTERS_MAX = 4_000_000
"""Of all outputs together: where there are many, each gets less."""
SCRIPT_CHARACTERS_MAX = 8_000
DIFF_CHARACTERS_MAX = 20_000
OUTPUT_CHARACTERS_MIN = 240
DIFF = "edit.diff"


def run_folder(path: Path, run: str | None) -> Path:
    """The folder of a run: the named one, else the unfinished one, else the latest.

    Raises RefusedError when there is none, StoreError when that cannot be told.
    """
    places = Places.of(path)
    if run is None:
        run = places.latest()
    if run is None:
        from orion_deploy.errors import RefusedError

        raise RefusedError(f"{path} has no runs", help=f"begin one: orion-deploy {path}")
    directory = places.run_directory(run)
    if not directory.is_dir():
        from orion_deploy.run.closer_look import no_such_run

        raise no_such_run(str(path), run, [info.name for info in places.list_runs()])
    return directory


def gather(
    path: Path, *, run: str | None = None, now: Callable[[], float] = time.time, who: str = ""
) -> Evidence:
    """Return the evidence of a run of the checklist at `path`, which may be gone, or be another one by now.

    Raises as `run_folder`, and StoreError when the run's journal cannot be read at all.
    """
    directory = run_folder(path, run)
    checklist, why_unreadable = _checklist(path)
    reader = Reader.look(directory)
    records, _, chained = reader.head.partition(":")
    known = Known(
        state=reader.state,
        events=reader.events(),
        mark=Mark(directory.name, int(records), chained),
        checklist=checklist,
        watches=_watches(directory),
        now=now(),
        titles=_titles(directory),
    )
    made = build(known, Folders(directory, reader.state).kept)
    return replace(
        made,
        title=made.title or _title(directory) or path.name,
        checklist=str(path),
        directory=str(directory),
        why_unreadable=why_unreadable,
        damage="" if reader.is_whole else reader.why_read_only or ONLY_LOOKED_AT,
        torn_bytes=_torn_bytes(reader, directory),
        held_by=_holder(directory),
        made_at=now(),
        made_by=who,
        app=__version__,
        machine=f"{platform.node()}, {platform.system()} {platform.release()}, Python {platform.python_version()}",
    )


def _checklist(path: Path) -> tuple[Checklist | None, str]:
    try:
        return load(path)[0], ""
    except OrionError as error:
        place = error.where
        at = f" (line {place.line})" if place is not None and place.line else ""
        return None, f"{error.what}{at}"
    except OSError as error:
        return None, error.strerror or str(error)


def _watches(directory: Path) -> tuple[WatchRecord, ...]:
    from orion_deploy.run.watches.reading import read_all

    return tuple(read_all(directory))


def _document(directory: Path) -> Mapping[str, object]:
    try:
        return sidecar.read(directory / sidecar.STATE_NAME) or {}
    except (OrionError, OSError):
        return {}


def _title(directory: Path) -> str:
    return str(_document(directory).get("title", ""))


def _titles(directory: Path) -> dict[str, str]:
    """Titles of the steps as the run's last snapshot has them."""
    found: dict[str, str] = {}
    sections = _document(directory).get("sections")
    for section in sections if isinstance(sections, list) else ():
        for step in section.get("steps", ()):
            found[str(step.get("id", ""))] = str(step.get("title", ""))
    return found


def _torn_bytes(reader: Reader, directory: Path) -> int:
    """Bytes behind the last good record: a write under way, or one that was torn off."""
    if not reader.is_whole:
        return 0
    try:
        return max(0, os.stat(directory / sidecar.JOURNAL_NAME).st_size - reader.good_bytes)
    except OSError:
        return 0


def _holder(directory: Path) -> str:
    try:
        holder = read_holder(directory)
    except (OSError, StoreError):
        return ""
    return holder.who if holder is not None else ""


class Folders:
    """The folders of a run's attempts. What all outputs may take together is shared out once, fairly."""

    def __init__(self, directory: Path, state: RunState) -> None:
        self._attempts = directory / "attempts"
        self._of = {
            (step_id, attempt.number): attempt
            for step_id, step in state.steps.items()
            for attempt in step.attempts
        }
        self._characters = share(
            [attempt.output_bytes for attempt in self._of.values() if attempt.output_bytes]
        )
        self._of_scripts = max(OUTPUT_CHARACTERS_MIN, OUTPUT_CHARACTERS_MAX // max(1, len(self._of)))

    def kept(self, step_id: str, number: int) -> Kept:
        """What lies in an attempt's folder."""
        attempt = self._of[step_id, number]
        folder = self._attempts / folder_name(step_id) / str(number)
        is_shell = attempt.what in ("command", "interactive")
        characters = min(SCRIPT_CHARACTERS_MAX, self._of_scripts)
        script = _text(folder / attempts.SCRIPT, characters) if is_shell else ""
        if attempt.ending == NEVER_STARTED:
            return Kept(script=script)
        return Kept(
            script=script,
            diff=_text(folder / DIFF, min(DIFF_CHARACTERS_MAX, self._of_scripts)) if attempt.edited else "",
            output=self._output(folder, attempt.output_bytes, is_open=not attempt.ending),
        )

    def _output(self, folder: Path, total: int, *, is_open: bool) -> OutputText:
        if not total and not is_open:
            return OutputText()
        try:
            output = Output(folder)
            there = output.size()
            if not there:
                missing = "the attempt's folder does not hold it any more" if total else ""
                return OutputText(total_bytes=total, why_missing=missing)
            head, tail, left_out = ends(output, there, self._characters)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            return OutputText(total_bytes=total, why_missing=f"it cannot be read: {why}")
        return OutputText(head, tail, max(total, there), left_out)


def share(sizes: Iterable[int], room: int = OUTPUT_CHARACTERS_MAX) -> int:
    """How many characters each of the outputs may take, so that all together stay within `room`.

    What short ones do not need is left to the long ones.
    """
    most = HEAD_CHARACTERS_MAX + TAIL_CHARACTERS_MAX
    ordered = sorted(min(size, most) for size in sizes)
    for place, size in enumerate(ordered):
        level = room // (len(ordered) - place)
        if size > level:
            return max(OUTPUT_CHARACTERS_MIN, level)
        room -= size
    return most


def ends(output: Output, total: int, characters: int) -> tuple[str, str, int]:
    """The head and the tail of an output, made safe, and how many bytes stand between them."""
    head_max = min(HEAD_CHARACTERS_MAX, characters // 4)
    tail_max = min(TAIL_CHARACTERS_MAX, characters - head_max)
    if total <= head_max + tail_max and output.dropped_range() is None:
        return _safe(output.read(0, total))[: head_max + tail_max], "", 0
    head, tail = output.read(0, head_max), output.tail(tail_max)
    left_out = max(0, total - len(head) - len(tail))
    return _whole_lines(_safe(head)[:head_max], is_head=True), _whole_lines(_safe(tail)[-tail_max:]), left_out


def _whole_lines(text: str, *, is_head: bool = False) -> str:
    """Leave out a line that was cut, where whole ones are left."""
    before, newline, after = text.rpartition("\n") if is_head else text.partition("\n")
    if is_head:
        return before if newline and before else text
    return after if newline and after else text


def _safe(data: bytes) -> str:
    return stripped(data.decode("utf-8", "replace"))


def _text(path: Path, characters: int) -> str:
    """A file of ours, cut; empty where there is none."""
    try:
        data = files.read_private(path, bytes_max=attempts.CARRIED_BYTES_MAX)
    except (OSError, StoreError) as error:
        why = error.what if isinstance(error, StoreError) else error.strerror
        return f"(it cannot be read: {why})"
    text = (data or b"")[: 4 * characters].decode("utf-8", "replace")
    return text if len(text) <= characters else f"{text[:characters]}\n... {len(data or b''):,} bytes in all"
