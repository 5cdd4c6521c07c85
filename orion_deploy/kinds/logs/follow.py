"""A log is followed by what it holds, so that over any rotation each line is read once; where that cannot be, it says why.

Between two looks no file is open: `Place` says in a few hundred bytes up to where was read, and of which
file. `docs/logs.md` tells what is found again, and how.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import asdict
from pathlib import Path

from orion_deploy.kinds.logs.place import Place, source_at
from orion_deploy.kinds.logs.rotated import (
    Beside,
    Mark,
    files_beside,
    in_order,
    later,
    mark_of,
    newer_than,
)
from orion_deploy.kinds.logs.scan import Scanner
from orion_deploy.kinds.logs.search import search, steady
from orion_deploy.kinds.logs.source import (
    ANCHOR_BYTES,
    HEAD_BYTES_MAX,
    READ_FAULTS,
    UNREADABLE,
    Block,
    Source,
    digest,
    fault_words,
)
from orion_deploy.kinds.verdict import Json

TRAILS_MAX = 2
TRAIL_S = 24 * 3600.0
"""A renamed file is looked at for so long: a program goes on writing to it until it opens the new one."""
LAST_LINE_S = 60.0
"""After so long a last line without its line break, in a file that was left, is taken as it stands."""
ROTATED_SEARCHED_MAX = 16
"""Rotated files in which the last match of a pattern is looked for."""


class Follower:
    """Reads a log from look to look."""

    def __init__(self, log: Path) -> None:
        """Nothing is opened yet; without `begin_...` it reads from the start of the file, once it is there."""
        self._log = log
        self._place: Place | None = None
        self._trails: list[Place] = []
        self._newest: Mark | None = None
        """Of the newest rotated file at the last look; None where nobody has looked yet."""
        self.lost = ""
        """Why it cannot be known what was written since the look before; of the last look."""
        self.is_behind = False
        """Whether the last look ended before it had read everything."""
        self.bytes_read = 0
        """In the last look."""
        self._is_enough: Callable[[], bool] = lambda: False
        self._seen: set[tuple[int, int]] = set()
        """Files that were read from in the last look."""
        self._held = ExitStack()
        """Those of them that stay open while it lasts: their inodes are used by no other file."""

    @property
    def has_begun(self) -> bool:
        """Whether the file was ever seen."""
        return self._place is not None

    def begin_at_end(self) -> str:
        """Read only what is written from now on; a file that is not there yet is read from its start.

        Returns why it cannot begin yet, where it cannot.
        """
        self._newest = mark_of(files_beside(self._log))
        try:
            with closing(Source(self._log)) as source:
                self._place = Place.of(source, source.size_bytes)
        except (FileNotFoundError, NotADirectoryError):
            return ""
        except READ_FAULTS as fault:
            return fault_words(self._log, fault)
        return ""

    def begin_after(self, scanner: Scanner) -> bool:
        """Read from the line after the last one that the scanner finds, be it in a rotated file. False where none is."""
        beside = files_beside(self._log)
        self._newest = mark_of(beside)
        older = [b.path for b in reversed(beside) if b.number]
        for path in [self._log, *older[:ROTATED_SEARCHED_MAX]]:
            try:
                with closing(Source(path)) as source:
                    at = -1
                    for block in source.blocks(0, is_final=False):
                        hits = scanner.hits(block.data, block.end)
                        if hits:
                            after = block.data.find(b"\n", hits[-1].end, block.end)
                            at = block.offset + (after + 1 if after >= 0 else block.end)
                    if at >= 0:
                        self._place = Place.of(source, at)
                        return True
            except READ_FAULTS:
                continue
        return False

    def state(self) -> dict[str, Json]:
        """Everything that must be known to go on."""
        return {
            "place": asdict(self._place) if self._place else None,
            "trails": [asdict(trail) for trail in self._trails],
            "newest": None if self._newest is None else list(self._newest),
        }

    def resume(self, state: Mapping[str, Json]) -> None:
        """Go on from `state()`. Raises KeyError, TypeError or ValueError where it cannot be understood."""
        trails, newest = state["trails"], state["newest"]
        if not isinstance(trails, list) or not isinstance(newest, (list, type(None))):
            raise TypeError("no state of a follower")
        self._place = Place.from_json(state["place"]) if state["place"] else None
        self._trails = [Place.from_json(trail) for trail in trails][:TRAILS_MAX]
        self._newest = None if newest is None else tuple(n for n in newest if isinstance(n, int)) or (0,)

    def blocks(
        self,
        now: float,
        *,
        is_final: bool = False,
        is_enough: Callable[[], bool] = lambda: False,
    ) -> Iterator[Block]:
        """Read what is new since the last look. `is_final` takes a last line without its line break too.

        `is_enough` is asked after each block; when it says so, the next look goes on there. Exhaust it: the place
        is noted as the last thing.
        """
        self.lost, self.is_behind, self.bytes_read = "", False, 0
        self._is_enough = is_enough
        self._seen = set()
        live: Source | None = None
        try:
            live = Source(self._log)
        except READ_FAULTS as fault:
            self.lost = fault_words(self._log, fault)
            is_missing = isinstance(fault, (FileNotFoundError, NotADirectoryError))
        else:
            is_missing = False
        try:
            with self._held:
                yield from self._look(live, now, is_missing=is_missing, is_final=is_final)
        except READ_FAULTS as fault:
            self.lost = fault_words(self._log, fault)
        finally:
            if live is not None:
                live.close()

    def _look(self, live: Source | None, now: float, *, is_missing: bool, is_final: bool) -> Iterator[Block]:
        if self._trails:
            yield from self._read_trails(live, now)
            if self.is_behind:
                return
        place = self._place
        if place is None:
            if live is None:
                self._newest = self._newest or mark_of(files_beside(self._log))
                return
            yield from self._missed_before(live, now)
            if self._place is None and not self.is_behind:
                self._place = Place.of(live, 0)
        elif live is None or live.key != place.key or not place.is_in(live):
            yield from self._catch_up(place, live, now, is_missing=is_missing)
        elif not place.offset:
            yield from self._missed_before(live, now)
        if self.is_behind or live is None:
            return
        assert self._place is not None
        yield from self._read(live, self._place, is_final=is_final)

    def _read(self, source: Source, place: Place, *, is_final: bool) -> Iterator[Block]:
        """Read a file on from a place, and move the place."""
        offset = place.offset
        anchor = source.peek(min(ANCHOR_BYTES, offset), max(0, offset - ANCHOR_BYTES))
        self._seen.add(source.key)
        try:
            for block in source.blocks(offset, is_final=is_final):
                yield block
                self.bytes_read += block.end
                offset = block.offset + block.end
                anchor = (anchor + block.data[max(0, block.end - ANCHOR_BYTES) : block.end])[-ANCHOR_BYTES:]
                if self._is_enough():
                    self.is_behind = True
                    break
        finally:
            if offset != place.offset or place.head_bytes < HEAD_BYTES_MAX:
                place.move(source, offset, anchor)

    def _catch_up(
        self, place: Place, live: Source | None, now: float, *, is_missing: bool
    ) -> Iterator[Block]:
        """The file at the log's path is not the one that was read last: read that to its end, and all that came between."""
        searched = search(self._log, self._newest, place, live)
        if searched is None:
            self.is_behind = True
            return
        beside, found = searched
        if not place.offset:
            if found is not None:
                found[1].close()
                newer = [found[0], *newer_than(found[0], beside)]
                self.lost = "" if is_missing else self.lost
            else:
                newer = self._fresh(beside)
                if live is not None and not newer:
                    self.lost = self._why_not_found(beside)
        elif found is not None:
            file, source = found
            self._held.enter_context(closing(source))
            is_moved = source.key == place.key and not source.is_packed
            yield from self._read(source, place, is_final=not is_moved)
            newer = newer_than(file, beside)
            if is_missing:
                self.lost = ""
        elif live is not None and place.is_in(live):
            return  # the same, written anew in its place
        else:
            newer = self._fresh(beside)
            if live is not None:
                self.lost = self._why_not_found(beside)
        yield from self._between(newer, beside, live, now)

    def _missed_before(self, live: Source, now: float) -> Iterator[Block]:
        """At the last look the file was empty or not there: whatever was rotated since then was written meanwhile."""
        beside = steady(self._log, live)
        if beside is None:
            self.is_behind = True
            return
        newer = self._fresh(beside)
        if newer:
            yield from self._between(newer, beside, live, now)
        else:
            self._newest = mark_of(beside)

    def _fresh(self, beside: list[Beside]) -> list[Beside]:
        """What was rotated since the last look."""
        newest = self._newest
        return [] if newest is None else in_order([b for b in beside if b.number and b.is_fresh(newest)])

    def _between(
        self, files: list[Beside], beside: list[Beside], live: Source | None, now: float
    ) -> Iterator[Block]:
        """Read the files that were rotated after the place, each whole, and go on to the live one."""
        source: Source | None
        for file in files:
            if self.is_behind:
                return
            if file.key in self._seen:
                continue
            try:
                source = Source(file.path)
            except FileNotFoundError:
                source = None
            except READ_FAULTS as fault:
                self.lost = self.lost or fault_words(file.path, fault)
                continue
            if source is None or source.key != file.key:
                # Renamed meanwhile: the next look finds its way from where this one is.
                self.is_behind = True
                if source is not None:
                    source.close()
                return
            with closing(source):
                if live is not None and _is_copy(source, live):
                    if not live.head and not file.is_empty:
                        self.is_behind = True  # what was copied came after the live file was opened
                        return
                    if file.is_empty and file is files[-1]:
                        self._leave(Place.of(source, 0), now)  # its program may go on writing to it
                    continue
                place = self._go_on(Place.of(source, 0), live, now)
                yield from self._read(source, place, is_final=file is not files[-1] or source.is_packed)
        if self.is_behind:
            return
        if live is None:
            self._newest = mark_of(beside)
            return
        if not live.is_as_it_was(0):
            self.is_behind = (
                True  # emptied since it was opened: what it held then is no longer to be read there
            )
            return
        self._newest = mark_of(beside)
        self._go_on(Place.of(live, 0), live, now)

    def _go_on(self, place: Place, live: Source | None, now: float) -> Place:
        """Go on to a newer file; the one that was read so far is looked at again for a while."""
        left = self._place
        if left is not None and left.key != place.key and (live is None or left.key != live.key):
            self._leave(left, now)
        self._place = place
        return place

    def _leave(self, place: Place, now: float) -> None:
        """Look at a file again for a while."""
        place.left_at = now
        self._trails = [*(trail for trail in self._trails if trail.key != place.key), place][-TRAILS_MAX:]

    def _why_not_found(self, beside: list[Beside]) -> str:
        closed = [b.path.name for b in beside if b.path.suffix in UNREADABLE]
        hint = f" ({', '.join(closed[:3])} cannot be read here)" if closed else ""
        return f"{self._log} was emptied or replaced, and what had been written to it was not found beside it{hint}"

    def _is_read_elsewhere(self, source: Source, live: Source | None) -> bool:
        """Whether a file that was empty has become a copy of the log as it is or was: that is read, or will be found."""
        place = self._place
        if place is not None and place.head_bytes:
            return digest(source.head[: place.head_bytes]) == place.head
        return live is not None and bool(live.head) and source.head.startswith(live.head[: len(source.head)])

    def _read_trails(self, live: Source | None, now: float) -> Iterator[Block]:
        """What was still written to files that were renamed."""
        kept = list(self._trails)
        for trail in self._trails:
            age_s = now - trail.left_at
            source = source_at(trail)
            if source is None:
                searched = search(self._log, self._newest, trail, None)
                if searched is None:
                    self.is_behind = True
                    break
                source = searched[1][1] if searched[1] else None
            if source is None:
                kept.remove(trail)
                continue
            self._held.enter_context(closing(source))
            if live is not None and source.key == live.key:
                kept.remove(trail)
                continue
            if not trail.head_bytes and source.head and self._is_read_elsewhere(source, live):
                kept.remove(trail)
                continue
            is_final = source.is_packed or not 0 <= age_s < LAST_LINE_S
            yield from self._read(source, trail, is_final=is_final)
            if self.is_behind:
                break
            if source.is_packed or not 0 <= age_s < TRAIL_S:
                kept.remove(trail)
                self._newest = later(self._newest, source.modified_ns, source.key[1])
        self._trails = kept


def _is_copy(source: Source, live: Source) -> bool:
    """Whether a file is a copy that is being made of the live one, which has not been emptied yet."""
    size = source.size_bytes
    if source.is_packed or not size:
        return not size  # one that is empty yet may become such a copy while it is read
    if size > live.size_bytes:
        return False
    begin = max(0, size - ANCHOR_BYTES)
    is_alike = all(
        source.peek(count, at) == live.peek(count, at)
        for count, at in ((min(size, HEAD_BYTES_MAX), 0), (size - begin, begin))
    )
    return is_alike and live.is_as_it_was(size)
