"""The journal's bytes: one record a line, each chained to the one before; reading never drops and never invents. Pure.

A record is one line of ASCII JSON:

    {"v":1,"n":7,"p":"<c of record 6>","k":"ticked",...,"h":"<32 hex>","c":"<8 hex>"}

`v` schema, `n` number from 1, `b` number of the first record of the same write (only where there is more
than one), `k` and the rest the event, `h` the first 32 hex digits of sha256(previous `h` + the line before
`,"h"`), `c` the CRC-32 of the line before `,"c"`. `p` and `c` find what a crash or a disk has torn; `h`
lets a report that holds the last `h` prove that nothing before it was altered since.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from orion_deploy.kinds.verdict import Json
from orion_deploy.run import glance
from orion_deploy.run.events import EVENT_TYPES, Event, decode
from orion_deploy.run.events import encode as encode_event
from orion_deploy.run.quick import constructor

SCHEMA = glance.SCHEMA
UPGRADES: dict[int, Callable[[dict[str, Json]], dict[str, Json]]] = {}
"""Schema to the function that turns a record's body of that schema into one of the next."""
RECORD_BYTES_MAX = 16 * 1024 * 1024
PIECE_BYTES = 64 * 1024
SECTOR_BYTES = 512
"""What a disk writes whole or not at all, at the least."""
NO_CRC = "0" * 8
NO_HASH = "0" * 32
_MAKERS = {cls.kind: constructor(cls) for cls in EVENT_TYPES}
_HEAD = re.compile(rb'\{"v":(\d{1,9}),"n":(\d{1,18}),"p":"([0-9a-f]{8})",(?:"b":(\d{1,18}),)?')
_ZEROS = re.compile(rb"\0+")
_END = re.compile(rb',"c":"[0-9a-f]{8}"\}')


@dataclass(frozen=True, slots=True)
class Link:
    """Where a chain stands: after which record the next one follows."""

    sequence: int = 0
    crc: str = NO_CRC
    hash: str = NO_HASH
    end: int = 0
    """Length of the journal up to here, in bytes."""


START = Link()


@dataclass(frozen=True, slots=True)
class Damage:
    """Where a journal can no longer be believed. `byte` from 0, `line` from 1."""

    byte: int
    line: int
    what: str


@dataclass(frozen=True, slots=True)
class ParsedJournal:
    """What a journal's bytes say."""

    events: list[Event]
    link: Link
    """The last good record."""
    torn_bytes: int = 0
    """Bytes behind it that are the rest of one write that was never acknowledged."""
    damage: Damage | None = None
    """Anything else behind it."""
    newer: str = ""
    """Why the rest is of a newer program than this one, or empty."""
    oldest_schema: int = SCHEMA

    @property
    def good_bytes(self) -> int:
        """Length of the journal up to the last good record."""
        return self.link.end


def encode(event: Event, after: Link, *, batch: int = 0) -> tuple[bytes, Link]:
    """Return the event's line, newline included, and the chain behind it. `batch`: first number of its write.

    Raises ValueError when the record is longer than `RECORD_BYTES_MAX`.
    """
    sequence = after.sequence + 1
    body = _json(encode_event(event))
    first = f'"b":{batch},' if batch and batch != sequence else ""
    text = f'{{"v":{SCHEMA},"n":{sequence},"p":"{after.crc}",{first}{body[1:-1]}'
    chained = chain(after.hash, text.encode())
    text += f',"h":"{chained}"'
    data = text.encode()
    crc = f"{zlib.crc32(data):08x}"
    line = b'%b,"c":"%b"}\n' % (data, crc.encode())
    if len(line) > RECORD_BYTES_MAX:
        raise ValueError(f"a record of {len(line):,} bytes; at most {RECORD_BYTES_MAX:,} are kept")
    return line, Link(sequence, crc, chained, after.end + len(line))


def encode_all(events: Sequence[Event], after: Link) -> tuple[bytes, Link]:
    """Return the lines of one write, and the chain behind it. Raises as `encode`."""
    lines: list[bytes] = []
    batch = after.sequence + 1
    for event in events:
        line, after = encode(event, after, batch=batch)
        lines.append(line)
    return b"".join(lines), after


def chain(previous: str, body: bytes) -> str:
    """Return the `h` of a record whose line up to `,"h"` is `body`."""
    return hashlib.sha256(previous.encode() + body).hexdigest()[:32]


def _json(body: dict[str, Json]) -> str:
    try:
        return json.dumps(body, separators=(",", ":"), allow_nan=False, default=_plain)
    except ValueError:
        # A value that JSON does not know (`nan` seconds) must not keep an outcome from being recorded.
        return json.dumps(_finite(body), separators=(",", ":"), allow_nan=False, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} cannot stand in the journal")


def _finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return value


def parse(data: bytes, after: Link = START) -> ParsedJournal:
    """Read the records in `data`, which begins behind the record `after`.

    Raises nothing: what is wrong is in `torn_bytes`, `damage` or `newer`, with all events before it.
    """
    reading = Reading(data, after)
    events = list(reading)
    return replace(reading.found, events=events)


class Reading:
    """Events read one after the other, and in `found`, once they are all taken, what else there is.

    A long journal is read in pieces of `PIECE_BYTES`: what stays in the processor's cache is read a third faster.
    """

    def __init__(self, data: bytes, after: Link = START) -> None:
        """As `parse`; `found` holds no events."""
        self.found = ParsedJournal([], after)
        self._data = data
        self._after = after

    def __iter__(self) -> Iterator[Event]:
        """Read; once."""
        link, oldest = self._after, SCHEMA
        stop: tuple[str, str] | None = None
        place = 0
        while stop is None and (end := self._piece_end(place)) > place:
            lines = self._data[place : end - 1].split(b"\n")
            chained = _chained(lines, link)
            events, stop = _events(chained)
            yield from events
            if stop is not None:
                chained = _chained(lines[: len(events)], link)
            link = chained.link
            oldest = min(oldest, *chained.older.values(), SCHEMA)
            place = end
            if len(chained.bodies) < len(lines):
                break
        found = ParsedJournal([], link, oldest_schema=oldest)
        self.found = _judged(found, self._data[link.end - self._after.end :], stop)

    def _piece_end(self, place: int) -> int:
        """Behind the last newline within a piece from `place` on; behind the next one where a record is longer."""
        end = self._data.rfind(b"\n", place, place + PIECE_BYTES) + 1
        return end or self._data.find(b"\n", place) + 1


def _judged(found: ParsedJournal, rest: bytes, stop: tuple[str, str] | None) -> ParsedJournal:
    """Say of what follows the last good record whether it is newer, damaged or torn."""
    newer, what = stop if stop is not None else (_newer(rest, found.link), "")
    if newer:
        return replace(found, newer=newer)
    if what := what or _why_damaged(rest, found.link):
        return replace(found, damage=Damage(found.link.end, found.link.sequence + 1, what))
    return replace(found, torn_bytes=len(rest))


@dataclass(frozen=True, slots=True)
class _Chain:
    """The whole records at the beginning that follow one another."""

    bodies: list[bytes]
    """What stands between `p` and `h`."""
    older: dict[int, int]
    """Place in `bodies` to schema, for records of an older one."""
    link: Link


def _chained(lines: list[bytes], link: Link) -> _Chain:
    bodies: list[bytes] = []
    older: dict[int, int] = {}
    number, crc, end, line = link.sequence, link.crc.encode(), link.end, b""
    crc32 = zlib.crc32
    for candidate in lines:
        number += 1
        start = b'{"v":%d,"n":%d,"p":"%b",' % (SCHEMA, number, crc)
        body_at = len(start)
        if not candidate.startswith(start):
            head = _HEAD.match(candidate)
            if head is None or int(head[1]) >= SCHEMA or int(head[2]) != number or head[3] != crc:
                break
            older[len(bodies)] = int(head[1])
            body_at = head.end()
        c = candidate[-10:-2]
        if b"%08x" % crc32(candidate[:-16]) != c or not _has_end(candidate):
            break
        crc, line = c, candidate
        bodies.append(line[body_at:-55])
        end += len(line) + 1
    if bodies:
        link = Link(link.sequence + len(bodies), crc.decode(), line[-49:-17].decode(), end)
    return _Chain(bodies, older, link)


def _has_end(line: bytes) -> bool:
    """What the checksum does not cover must be as it is written."""
    return line[-16:-10] == b',"c":"' and line[-2:] == b'"}' and line[-55:-49] == b',"h":"'


def _events(chained: _Chain) -> tuple[list[Event], tuple[str, str] | None]:
    """The events of the records; where one cannot be understood, that it is a newer program's, or why it is damage."""
    records: list[Any]
    try:
        records = json.loads(b"[{" + b"},{".join(chained.bodies) + b"}]") if chained.bodies else []
    except ValueError:
        records = []
    if len(records) != len(chained.bodies):
        records = [b"{" + body + b"}" for body in chained.bodies]
    events: list[Event] = []
    for record in records:
        try:
            body = json.loads(record) if isinstance(record, bytes) else record
            for schema in range(chained.older.get(len(events), SCHEMA), SCHEMA):
                body = UPGRADES[schema](body)
            event = _event(body)
        except (ValueError, TypeError, KeyError) as error:
            return events, ("", f"its fields do not make an event ({error})")
        if event is None:
            return events, (f"it tells of `{body['k']}`, which this program does not know", "")
        events.append(event)
    return events, None


def _event(body: dict[str, Any]) -> Event | None:
    """As `events.decode`, without looking at each field where they are all known, which is nearly always."""
    kind = body["k"]
    make = _MAKERS.get(kind)
    if make is None:
        return None
    del body["k"]
    body.pop("b", None)
    try:
        return make(**body)
    except TypeError:
        return decode({"k": kind, **body})


def _record_alone(line: bytes) -> tuple[int, int] | None:
    """Number of a record and of the first one of its write, if the line is whole in itself."""
    head = _HEAD.match(line)
    if head is None or not _has_end(line) or b"%08x" % zlib.crc32(line[:-16]) != line[-10:-2]:
        return None
    return int(head[2]), int(head[4] or head[2])


def _newer(rest: bytes, link: Link) -> str:
    """Why a newer program wrote what follows `link`, or an empty string. The envelope is the same in every schema."""
    line = rest.partition(b"\n")[0]
    head = _HEAD.match(line)
    if head is None or int(head[1]) <= SCHEMA or _record_alone(line) is None:
        return ""
    follows = int(head[2]) == link.sequence + 1 and head[3] == link.crc.encode()
    return f"its schema is {int(head[1])}, this program knows {SCHEMA}" if follows else ""


def _why_damaged(rest: bytes, link: Link) -> str:
    """Why what follows `link` is damage, or an empty string when it is the rest of one torn write.

    Every write is synced before the next begins, so only the last can be torn: cut off anywhere, or with
    sectors that were never written and read as zeros. Nothing acknowledged can stand in it or behind it.
    """
    lines = rest.split(b"\n")
    tail = lines.pop()
    if not lines:
        end = _END.search(tail)
        if end is not None and end.end() < len(tail) and _record_alone(tail[: end.end()]):
            return "its newline was overwritten"
        return ""
    has_holes = _has_only_unwritten_sectors(rest, link.end)
    for line in lines:
        alone = _record_alone(line)
        if alone is None and not (has_holes and b"\0" in line):
            return "its checksum does not fit"
        if alone is not None and alone[1] > link.sequence + 1:
            return f"record {alone[0]} follows record {link.sequence}"
        if alone is not None and not has_holes:
            return f"it does not continue record {link.sequence}"
    return ""


def _has_only_unwritten_sectors(rest: bytes, at: int) -> bool:
    """Whether there are zeros in `rest` (which begins `at` this byte), and each run of them is of whole sectors."""
    runs = [match.span() for match in _ZEROS.finditer(rest)]
    return bool(runs) and all(
        (start == 0 or (at + start) % SECTOR_BYTES == 0)
        and (end == len(rest) or (at + end) % SECTOR_BYTES == 0)
        for start, end in runs
    )


@dataclass(frozen=True, slots=True)
class Verified:
    """The hash chain, computed anew. `hashes[n - 1]` belongs to record `n`; `damage` is where it breaks first."""

    hashes: list[str]
    damage: Damage | None = None


def verify(data: bytes) -> Verified:
    """Compute the hash chain of a journal anew and compare it with what is written.

    The chain alone proves that nothing was changed by accident. That nobody rewrote it proves the `h` of a
    record that was noted elsewhere (in a report): it must be `hashes[n - 1]`.
    """
    previous, byte = NO_HASH, 0
    hashes: list[str] = []
    for line in data.split(b"\n")[:-1]:
        previous = chain(previous, line[:-55])
        if line[-55:-16] != b',"h":"%b"' % previous.encode():
            return Verified(
                hashes, Damage(byte, len(hashes) + 1, "its hash does not follow from what is before it")
            )
        hashes.append(previous)
        byte += len(line) + 1
    return Verified(hashes)
