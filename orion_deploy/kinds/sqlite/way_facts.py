"""What decides which way back to take, as data, as lines, and as what follows from it. Pure: no SQLite, no file.

`kinds/sqlite/way_back.py` finds it out; screens and plain lines show it while it comes in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Literal

from orion_deploy.kinds.verdict import Json

Role = Literal["", "ok", "bad", "warn", "dim"]
Health = Literal["", "whole", "damaged", "gone", "unknown"]
State = Literal["", "before", "partial", "after", "foreign", "corrupt", "unknown"]
LOOKING = "looking ..."
FACTS_NAME = "way_back.json"
"""In the attempt's folder: the facts as far as they are known, replaced whole whenever there is one more."""


@dataclass(frozen=True, slots=True)
class Room:
    """The room that one way needs on one disk, and what is free there. `words` says both."""

    way: Literal["down", "restore"]
    needed_bytes: int
    free_bytes: int
    words: str

    @property
    def is_there(self) -> bool:
        """Whether there is enough."""
        return self.free_bytes >= self.needed_bytes


@dataclass(frozen=True, slots=True)
class WayBack:
    """The facts of one database. An empty text, or None, is what has not been found out yet."""

    database: str
    size: str = ""
    """Of the database with its WAL, in words."""
    health: Health = ""
    health_why: str = ""
    state: State = ""
    """Against the migration."""
    state_why: str = ""
    has_backup: bool | None = None
    """Whether this run took one that it knows of."""
    backup: str = ""
    backup_at: float = 0.0
    backup_size: str = ""
    backup_fault: str = ""
    """Why it cannot be restored; empty where nothing speaks against it."""
    backup_proof: Literal["", "manifest", "hash"] = ""
    """How far it was proved: it is there and its manifest fits, or its bytes were hashed too."""
    written: str = ""
    """What was written since the backup, in words."""
    written_rows: int | None = None
    """How many rows; None while, or where, that is not known."""
    is_exact: bool = True
    """False where a table was too large to compare: there were at least so many."""
    rooms: tuple[Room, ...] = field(default=())
    is_complete: bool = False
    """Everything was looked at that can be."""

    def to_json(self) -> dict[str, Json]:
        """As data."""
        return {**asdict(self), "rooms": [asdict(room) for room in self.rooms]}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> WayBack:
        """The inverse of `to_json`. Raises TypeError or ValueError where it is none."""
        names = {f.name for f in fields(cls)}
        known = {name: value for name, value in data.items() if name in names}
        rooms = known.pop("rooms", ())
        if not isinstance(rooms, list | tuple):
            raise TypeError("rooms")
        return cls(**known, rooms=tuple(Room(**room) for room in rooms))  # type: ignore[arg-type]  # our own JSON


@dataclass(frozen=True, slots=True)
class Told:
    """One fact for a person: what it is about, and what was seen."""

    label: str
    text: str
    role: Role = ""


def told(way: WayBack, ago: Callable[[float], str]) -> tuple[Told, ...]:
    """The facts as lines, what weighs most first, what is still looked for included. `ago` words a time of the wall clock."""
    return (
        Told("Database", f"{way.database}{f' ({way.size})' if way.size else ''}"),
        _health(way),
        *_written(way),
        _state(way),
        *_backup(way, ago),
        *(Told("Room", room.words, "" if room.is_there else "bad") for room in way.rooms),
    )


def _health(way: WayBack) -> Told:
    roles: Mapping[Health, Role] = {"whole": "ok", "damaged": "bad", "gone": "bad", "unknown": "warn"}
    words: Mapping[Health, str] = {
        "whole": "whole",
        "damaged": "damaged",
        "gone": "not there",
        "unknown": "not known",
    }
    if not way.health:
        return Told("Health", LOOKING, "dim")
    why = f": {way.health_why}" if way.health_why else ""
    return Told("Health", f"{words[way.health]}{why}", roles[way.health])


def _state(way: WayBack) -> Told:
    words: Mapping[State, tuple[str, Role]] = {
        "before": ("not in it", "ok"),
        "after": ("in place", ""),
        "partial": ("half in place", "bad"),
        "foreign": ("it does not fit this database", "bad"),
        "corrupt": ("cannot be told", "bad"),
        "unknown": ("not known", "warn"),
    }
    if not way.state:
        return Told("Migration", LOOKING, "dim")
    text, role = words[way.state]
    is_plain = way.state in ("before", "after") or not way.state_why
    return Told("Migration", text if is_plain else f"{text}: {way.state_why}", role)


def _written(way: WayBack) -> Iterator[Told]:
    if way.has_backup and way.written:
        role: Role = "warn" if way.written_rows is None else "" if way.written_rows else "ok"
        yield Told("Written", way.written, role)
    elif way.has_backup is not False and not way.is_complete:
        yield Told("Written", LOOKING, "dim")


def _backup(way: WayBack, ago: Callable[[float], str]) -> Iterator[Told]:
    if way.has_backup is None:
        yield Told("Backup", LOOKING, "dim")
        return
    if not way.has_backup:
        yield Told("Backup", way.backup_fault or "this run has taken none", "warn")
        return
    yield Told("Backup", f"{way.backup} ({way.backup_size}), taken {ago(way.backup_at)}")
    if way.backup_fault:
        yield Told("", f"it cannot be restored: {way.backup_fault}", "bad")
    elif way.backup_proof == "hash":
        yield Told("", "it is what was written: manifest and sha256 fit", "ok")
    elif way.backup_proof:
        yield Told("", f"it is there and its manifest fits; its sha256: {LOOKING}", "dim")
    else:
        yield Told("", LOOKING, "dim")


def why_no_down(way: WayBack) -> str:
    """Why the migration cannot be taken back by its down script; empty where nothing speaks against it."""
    match way.health, way.state:
        case "damaged" | "gone", _:
            return "the database is damaged" if way.health == "damaged" else "the database is not there"
        case _, "before":
            return "the migration is not in the database"
        case _, "partial":
            return "half of the migration is in place, and the step that takes it back refuses that"
        case _, "foreign" | "corrupt":
            return "the migration does not fit this database"
        case _, "unknown":
            return "where the database stands is not known"
    return next((f"there is no room for it: {r.words}" for r in way.rooms if _is_short(r, "down")), "")


def why_no_restore(way: WayBack) -> str:
    """Why the backup cannot be restored; empty where nothing speaks against it."""
    if not way.has_backup:
        return way.backup_fault or "this run has taken no backup"
    if way.backup_fault:
        return f"the backup cannot be used: {way.backup_fault}"
    return next((f"there is no room for it: {r.words}" for r in way.rooms if _is_short(r, "restore")), "")


def _is_short(room: Room, way: str) -> bool:
    return room.way == way and not room.is_there


def follows(way: WayBack) -> tuple[str, ...]:
    """What follows from the facts, in sentences; empty while too little is known to say anything."""
    if not (way.health and way.state) or way.has_backup is None:
        return ()
    return tuple(_sentences(way))


def recommended(way: WayBack) -> tuple[Literal["", "down", "restore"], str]:
    """Which way the facts speak for, and why, in a sentence; no way and no sentence where too little is known."""
    said = follows(way)
    if not said:
        return "", ""
    if way.state == "before" and way.health in ("whole", "unknown"):
        return "", said[0]
    if not why_no_down(way):
        return "down", said[0]
    return ("" if why_no_restore(way) else "restore"), said[0]


def _sentences(way: WayBack) -> Iterator[str]:
    no_down, no_restore = why_no_down(way), why_no_restore(way)
    if way.state == "before" and way.health in ("whole", "unknown"):
        yield "There is nothing to take back: the migration is not in the database."
        if not no_restore and way.written_rows:
            yield f"Restoring the backup would lose {_rows(way)} for nothing."
    elif not no_down and not no_restore:
        yield _both(way)
    elif not no_down:
        yield f"Taking the migration back is the only way: {no_restore}."
    elif not no_restore:
        yield f"Restoring the backup is the only way: {no_down}. {_loss(way)}"
    else:
        yield f"Neither way is open: {no_down}; {no_restore}. Leave the files as they are."
    if way.health == "unknown":
        yield f"Whether the database is whole is not known: {way.health_why or 'it was not looked through'}."


def _both(way: WayBack) -> str:
    if way.written_rows is None:
        return "Taking the migration back keeps what was written since the backup; restoring the backup loses it."
    if way.written_rows == 0 and way.is_exact:
        return "Nothing was written since the backup: either way keeps everything."
    return f"Taking the migration back keeps {_rows(way)}; restoring the backup loses {'it' if way.written_rows == 1 else 'them'}."


def _loss(way: WayBack) -> str:
    if way.written_rows is None:
        return "It loses what was written since; how much, is not known."
    if way.written_rows == 0 and way.is_exact:
        return "Nothing was written since it was taken."
    return f"It loses {_rows(way)}."


def _rows(way: WayBack) -> str:
    """`the 12 rows written since`."""
    assert way.written_rows is not None
    if not way.written_rows:
        return "what was written since"
    word = "the" if way.is_exact else "at least"
    return f"{word} {way.written_rows:,} row{'s' if way.written_rows > 1 else ''} written since"
