"""What is known of one watch: frozen, and the same as JSON. Imports nothing heavy, for `status`.

Times are wall-clock seconds since the epoch; lengths are seconds. Texts of logs and processes are as they came:
hostile until `plain` has seen them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orion_deploy.kinds.verdict import Json, Verdict
    from orion_deploy.run.edge import Edge

SCHEMA = 1
GAPS_MAX = 200
"""The last gaps, which are told apart; of those before them, number and total time are known."""
FIRINGS_MAX = 50
LINES_MAX = 50
POINTS_MAX = 512
"""Of the trend: when there are more, each two neighbours become one."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """One moment, by every clock there is."""

    wall: float = 0.0
    boot_s: float = 0.0
    """Since boot, sleep included."""
    awake_s: float = 0.0
    """Since boot, sleep left out."""
    boot_id: str = ""


def clocks(edge: Edge) -> Clocks:
    """This moment, by every clock."""
    return Clocks(edge.now(), edge.boot_s(), edge.awake_s(), edge.boot_id())


@dataclass(frozen=True, slots=True)
class Gap:
    """Time in which nobody looked, or in which what happened cannot be known."""

    at: float
    until: float
    length_s: float | None
    """None where it cannot be told: another boot, and a clock that went back."""
    why: str


@dataclass(frozen=True, slots=True)
class Firing:
    """A reason to turn back was seen, from `at` on; `until` is when it was no longer seen."""

    at: float
    reason: str
    value: str = ""
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a log that the watch is about, where it stands, and when it was seen."""

    at: float
    text: str
    path: str = ""
    offset_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Point:
    """Some looks of the trend, from `at` on: their lowest, highest and last value."""

    at: float
    low: float
    high: float
    last: float


@dataclass(frozen=True, slots=True)
class Spec:
    """What is to be watched: written once, by the session that started it."""

    step: str
    attempt: int
    title: str
    kind: str
    parameters: Mapping[str, Json]
    watch_s: float
    every_s: float | None
    """None: the kind decides."""
    cwd: str
    run: str
    variables: Mapping[str, str]
    """Values of the run's variables, secrets left out."""
    secrets: tuple[str, ...] = ()
    """Names of the secret ones: their values are in the keeper's environment, or nowhere."""
    started: Clocks = Clocks()


@dataclass(frozen=True, slots=True)
class WatchRecord:
    """A watch as its last look left it."""

    step: str
    attempt: int
    title: str
    kind: str
    watch_s: float
    every_s: float
    started_at: float
    looked: Clocks
    """When it was last looked."""
    sees_back: bool = False
    unit: str = ""
    limit: float | None = None
    looks: int = 0
    observed_s: float = 0.0
    gap_s: float = 0.0
    gaps: tuple[Gap, ...] = ()
    gaps_count: int = 0
    value: float | None = None
    shown: str = ""
    lost: str = ""
    """Why the last look could not see; empty where it could."""
    verdict: Mapping[str, Json] = field(default_factory=lambda: MappingProxyType({}))
    """`Verdict.to_json()` of all seen so far."""
    fired: tuple[Firing, ...] = ()
    fired_count: int = 0
    lines: tuple[Line, ...] = ()
    points: tuple[Point, ...] = ()
    point_s: float = 0.0
    """Time that one point stands for; grows as points are joined."""
    ended_at: float | None = None
    observer: Mapping[str, Json] = field(default_factory=lambda: MappingProxyType({}))
    """What the observer needs to go on."""

    @property
    def left_s(self) -> float:
        """Time still to be watched."""
        return 0.0 if self.ended_at is not None else max(0.0, self.watch_s - self.observed_s)

    @property
    def due_at(self) -> float:
        """When it ends if somebody watches from its last look on without a gap; when it ended, of an ended one."""
        return self.ended_at if self.ended_at is not None else self.looked.wall + self.left_s

    @property
    def is_firing(self) -> bool:
        """Whether its last look saw a reason to turn back."""
        return bool(self.fired) and self.fired[-1].until is None and self.ended_at is None

    def judged(self) -> Verdict | None:
        """Its verdict so far; None before the first look."""
        from orion_deploy.kinds.verdict import Verdict

        return Verdict.from_json(self.verdict) if self.verdict else None


def new_record(spec: Spec, *, every_s: float, unit: str, limit: float | None, sees_back: bool) -> WatchRecord:
    """The record of a watch at which nobody has looked yet."""
    return WatchRecord(
        step=spec.step,
        attempt=spec.attempt,
        title=spec.title,
        kind=spec.kind,
        watch_s=spec.watch_s,
        every_s=every_s,
        started_at=spec.started.wall,
        looked=spec.started,
        sees_back=sees_back,
        unit=unit,
        limit=limit,
    )


FLOAT_MAX = 1e300
"""No number that is more was ever seen."""
MOMENT_MAX = 6e10
"""Seconds since the epoch: what a calendar knows."""
_MOMENTS = frozenset({"wall", "at", "until", "started_at", "ended_at"})
_PARTS: Mapping[str, Any] = MappingProxyType(
    {"gaps": Gap, "fired": Firing, "lines": Line, "points": Point, "looked": Clocks, "started": Clocks}
)


def to_json(thing: WatchRecord | Spec) -> dict[str, Json]:
    """A record or a spec as plain data."""
    data: dict[str, Any] = {"schema": SCHEMA}
    for name in thing.__slots__:
        value = getattr(thing, name)
        if name in _PARTS:
            value = [_flat(v) for v in value] if isinstance(value, tuple) else _flat(value)
        elif isinstance(value, Mapping):
            value = dict(value)
        data[name] = list(value) if isinstance(value, tuple) else value
    return data


def _flat(part: Any) -> list[Json]:
    return [getattr(part, name) for name in part.__slots__]


def record_of(data: Mapping[str, Any]) -> WatchRecord:
    """Read what `to_json` made of a record. Raises ValueError, KeyError or TypeError on anything else."""
    record = WatchRecord(**_fields(WatchRecord, data))
    record.judged()
    return record


def spec_of(data: Mapping[str, Any]) -> Spec:
    """Read what `to_json` made of a spec. Raises as `record_of`."""
    spec = Spec(**_fields(Spec, data))
    return replace(spec, secrets=tuple(spec.secrets))


def _fields(cls: type[WatchRecord | Spec], data: Mapping[str, Any]) -> dict[str, Any]:
    if data["schema"] != SCHEMA:
        raise ValueError(f"a watch of schema {data['schema']}, and this program knows {SCHEMA}")
    found: dict[str, Any] = {}
    for each in fields(cls):
        value = data[each.name]
        part = _PARTS.get(each.name)
        if part is Clocks:
            value = _part(Clocks, value)
        elif part is not None:
            value = tuple(_part(part, item) for item in value)
        elif isinstance(value, dict):
            value = MappingProxyType(value)
        found[each.name] = value if part is not None else _checked(each.name, str(each.type), value)
    return found


def _part(cls: Any, item: Any) -> Any:
    """A part from its flat form, each value of its kind."""
    return cls(*(_checked(f.name, str(f.type), v) for f, v in zip(fields(cls), item, strict=True)))


def _checked(name: str, kind: str, value: Any) -> Any:
    """The value, where it is what its field says; the file may be damaged, or somebody else's."""
    if value is None and kind.endswith(" | None"):
        return value
    kind = kind.removesuffix(" | None")
    if kind == "float":
        is_it = type(value) in (int, float) and -FLOAT_MAX <= value <= FLOAT_MAX
        if name in _MOMENTS:
            is_it = is_it and -MOMENT_MAX <= value <= MOMENT_MAX
    elif kind.startswith("Mapping"):
        is_it = isinstance(value, MappingProxyType)
    elif kind.startswith("tuple"):
        is_it = isinstance(value, list) and all(isinstance(item, str) for item in value)
    else:
        is_it = type(value) is {"str": str, "int": int, "bool": bool}[kind]
    if not is_it:
        raise ValueError(f"`{name}` is no {kind}")
    return value
