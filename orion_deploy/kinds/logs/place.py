"""A place in a log: which file it is, told by what it holds, and up to where it was read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from orion_deploy.kinds.logs.source import ANCHOR_BYTES, HEAD_BYTES_MAX, READ_FAULTS, Source, digest
from orion_deploy.kinds.verdict import Json


@dataclass(slots=True)
class Place:
    """Up to where one file was read."""

    path: str
    """Its name when it was last seen."""
    device: int
    inode: int
    offset: int
    head_bytes: int
    head: str
    """Digest of the first `head_bytes` of the file."""
    anchor: str
    """Digest of the last ANCHOR_BYTES before `offset`."""
    left_at: float = 0.0
    """When reading went on to a newer file; 0 while it is the newest."""

    @classmethod
    def of(cls, source: Source, offset: int) -> Place:
        """A place in a file that is open."""
        place = cls(source.real_path, *source.key, offset, len(source.head), digest(source.head), "")
        place.anchor = digest(source.peek(min(ANCHOR_BYTES, offset), max(0, offset - ANCHOR_BYTES)))
        return place

    @property
    def key(self) -> tuple[int, int]:
        """Device and inode."""
        return (self.device, self.inode)

    def move(self, source: Source, offset: int, anchor: bytes) -> None:
        """Take note of what was read; of the file's first bytes where there are more of them now."""
        self.offset, self.anchor = offset, digest(anchor)
        self.path, (self.device, self.inode) = source.real_path, source.key
        head = source.head
        if len(head) < HEAD_BYTES_MAX:
            head = source.peek(HEAD_BYTES_MAX, 0)
            if not head.startswith(source.head) or not source.is_as_it_was(offset):
                head = source.head  # it was emptied meanwhile: the next look will see that
        self.head_bytes, self.head = len(head), digest(head)

    def is_in(self, source: Source) -> bool:
        """Whether `source` is the file of this place, under whatever name.

        An empty file is told by its inode alone; a packed file never has that of the plain one.
        """
        if not self.head_bytes:
            return source.key == self.key and not source.is_packed
        if len(source.head) < self.head_bytes or digest(source.head[: self.head_bytes]) != self.head:
            return False
        begin, size = max(0, self.offset - ANCHOR_BYTES), min(ANCHOR_BYTES, self.offset)
        anchor = source.peek(size, begin)
        return len(anchor) == size and digest(anchor) == self.anchor

    @classmethod
    def from_json(cls, data: Json) -> Place:
        """Read what `asdict` gave. Raises TypeError or KeyError on anything else."""
        if not isinstance(data, dict):
            raise TypeError("a place is an object")
        device, inode, offset, head_bytes = (
            whole(data[name]) for name in ("device", "inode", "offset", "head_bytes")
        )
        path, head, anchor = (str(data[name]) for name in ("path", "head", "anchor"))
        left_at = data["left_at"]
        if not isinstance(left_at, (int, float)):
            raise TypeError(f"{left_at!r} is no time")
        return cls(path, device, inode, offset, head_bytes, head, anchor, left_at)


def source_at(place: Place) -> Source | None:
    """The file of a place, where it still has its name."""
    try:
        source = Source(Path(place.path))
    except READ_FAULTS:
        return None
    try:
        if source.key == place.key and place.is_in(source):
            return source
    except READ_FAULTS:
        pass
    source.close()
    return None


def whole(value: Json) -> int:
    """A count that was kept. Raises TypeError where it is none."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError(f"{value!r} is no count")
    return value
