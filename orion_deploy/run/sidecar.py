"""The sidecar: the tick state as a person and a script read it. A snapshot of the journal, never the truth itself.

It says of which journal it is a snapshot (records, bytes, checksum), so that a reader can tell whether it
is current, and never shows less than has happened. What is above `sections` is the summary: it is enough
to list runs, and is read without the rest. Characters that cannot be seen stand as JSON's escapes.

Reading imports nothing but `json` and `os`: `status` answers at the speed of the interpreter's start.
"""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, NoReturn

    from orion_deploy.run.journal import Link
    from orion_deploy.run.state import RunState

SCHEMA = 1
FORMAT = "orion-deploy state"
SUFFIX = ".state.json"
RUNS_SUFFIX = ".runs"
STATE_NAME = "state.json"
JOURNAL_NAME = "journal.jsonl"
SUMMARY_BYTES_MAX = 64 * 1024
SIDECAR_BYTES_MAX = 256 * 1024 * 1024
_SECTIONS = b'\n"sections": ['
_line = json.JSONEncoder(ensure_ascii=False, separators=(", ", ": ")).encode


def bare(state: RunState, run: str) -> dict[str, Any]:
    """What can be said of a run without its checklist: the summary, with counts over all steps."""
    counts: dict[str, int] = {"total": len(state.digests), "overrides": 0}
    for step in state.steps.values():
        name = "not_applicable" if step.is_passed_over else step.status.value
        counts[name] = counts.get(name, 0) + 1
        counts["overrides"] += step.override
    settled = sum(counts.get(name, 0) for name in ("done", "skipped", "not_applicable"))
    counts["open"] = max(0, counts["total"] - settled)
    watching: list[Any] = []
    if state.watched:
        from orion_deploy.run.describe import watching as watching_of

        watching = watching_of(state, {})
    return {
        "run": run,
        "checklist": state.checklist,
        "digest": state.digest,
        "started_at": state.started_at,
        "last_at": state.last_at,
        "finished_at": state.finished_at,
        "result": state.result,
        "operators": list(state.operators),
        "counts": counts,
        "watching": watching,
    }


def encode(document: Mapping[str, Any], link: Link, written_at: float) -> bytes:
    """Return the sidecar's bytes: one line for each fact of the summary, and one for each step."""
    head = {
        "format": FORMAT,
        "schema": SCHEMA,
        "written_at": written_at,
        "journal": {"records": link.sequence, "bytes": link.end, "crc": link.crc, "hash": link.hash},
        **{key: value for key, value in document.items() if key != "sections"},
    }
    lines = [f"{_line(key)}: {_line(value)}," for key, value in head.items()]
    sections = ",\n".join(_section(section) for section in document.get("sections", ()))
    text = "{\n" + "\n".join(lines) + '\n"sections": [\n' + sections + "\n]\n}\n"
    return _visible(text).encode()


def _section(section: Mapping[str, Any]) -> str:
    facts = _line({key: value for key, value in section.items() if key != "steps"})
    steps = ",\n".join("  " + _line(step) for step in section.get("steps", ()))
    comma = ", " if facts != "{}" else ""
    return f' {facts[:-1]}{comma}"steps": [\n{steps}\n ]}}'


def _visible(text: str) -> str:
    """Escape what a terminal would act upon, or a reader not see; only strings hold such characters."""
    lines = text.split("\n")
    for place, line in enumerate(lines):
        if not line.isprintable():
            lines[place] = "".join(c if c.isprintable() else _escaped(c) for c in line)
    return "\n".join(lines)


def _escaped(character: str) -> str:
    code = ord(character)
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def read(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Return the whole sidecar; None when, and only when, there is no such file.

    Raises StoreError when it cannot be read or is damaged, NewerStateError when it is of a newer program.
    """
    return _decoded(path, _read(path, SIDECAR_BYTES_MAX))


def summary(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Return the sidecar without `sections`: cheap, however many steps there are. Otherwise as `read`."""
    data = _read(path, SUMMARY_BYTES_MAX)
    if data is not None:
        end = data.find(_SECTIONS)
        if end < 0:
            document = read(path)
            if document is not None:
                document.pop("sections", None)
            return document
        data = data[:end].rstrip().rstrip(b",") + b"}"
    return _decoded(path, data)


def _read(path: str | os.PathLike[str], bytes_max: int) -> bytes | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        _refuse(path, f"cannot be read: {error.strerror}")
    chunks = []
    try:
        while bytes_max > 0 and (chunk := os.read(fd, min(bytes_max, 1 << 20))):
            chunks.append(chunk)
            bytes_max -= len(chunk)
    except OSError as error:
        _refuse(path, f"cannot be read: {error.strerror}")
    finally:
        os.close(fd)
    return b"".join(chunks)


def _decoded(path: str | os.PathLike[str], data: bytes | None) -> dict[str, Any] | None:
    if data is None:
        return None
    try:
        document = json.loads(data)
        schema = document["schema"] if document["format"] == FORMAT else None
    except (ValueError, KeyError, TypeError):
        _refuse(path, "is damaged")
    if not isinstance(schema, int):
        _refuse(path, "is not a state of orion-deploy")
    if schema > SCHEMA:
        from orion_deploy.errors import NewerStateError, Place

        raise NewerStateError(
            f"`{os.path.basename(path)}` is of a newer program (schema {schema}, this one knows {SCHEMA})",
            where=Place(os.fspath(path)),
            help="open it with the orion-deploy that wrote it, or a later one; nothing was changed",
        )
    return dict(document)


def _refuse(path: str | os.PathLike[str], why: str) -> NoReturn:
    from orion_deploy.errors import Place, StoreError

    path = os.fspath(path)
    raise StoreError(
        f"`{os.path.basename(path)}` {why}",
        where=Place(path),
        help="it is only a snapshot: the journal in the run's folder is the truth, and the next session writes it anew",
    )


def is_current(document: Mapping[str, Any], journal: str | os.PathLike[str]) -> bool:
    """Tell whether the journal is still as it was when the sidecar was written: length and last checksum."""
    return _grown_bytes(document, journal) == 0


def is_made_from(document: Mapping[str, Any], journal: str | os.PathLike[str]) -> bool:
    """Tell whether the journal still holds, where it ended when the sidecar was written, the last checksum of then."""
    return _grown_bytes(document, journal) >= 0


def _grown_bytes(document: Mapping[str, Any], journal: str | os.PathLike[str]) -> int:
    """How many bytes the journal has grown by since the sidecar was written; -1 where it is another one."""
    try:
        wanted = document["journal"]
        fd = os.open(journal, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (OSError, KeyError, TypeError):
        return -1
    try:
        end = wanted["bytes"]
        size = os.fstat(fd).st_size
        is_same = end == 0 or os.pread(fd, 11, end - 11) == f'{wanted["crc"]}"}}\n'.encode()
        return size - end if is_same and size >= end else -1
    except (OSError, KeyError, TypeError, ValueError):
        return -1
    finally:
        os.close(fd)
