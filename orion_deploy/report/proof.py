"""Proving that a run was not altered: its journal's chain, the mark of an earlier report, scripts and outputs.

The chain alone shows what was changed by accident or in part. That nobody made all of it anew proves a report that
was kept elsewhere: the record that it names must still have the hash that it names. Reads only.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from orion_deploy.errors import StoreError
from orion_deploy.kinds import worker
from orion_deploy.kinds.verdict import Json
from orion_deploy.report.evidence import Mark
from orion_deploy.run import attempt as attempts
from orion_deploy.run import events as ev
from orion_deploy.run import files, journal
from orion_deploy.run.desk import folder_name
from orion_deploy.run.output import Output, digest
from orion_deploy.run.reading import Reader

FORMAT = "orion-deploy proof"
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Break:
    """Something is not what it was. `line` from 1 and `byte` from 0 within the journal, where it is about a record."""

    what: str
    line: int = 0
    byte: int = 0
    step: str = ""
    attempt: int = 0

    @property
    def text(self) -> str:
        """Where, and what."""
        if self.line:
            return f"journal, line {self.line:,} (byte {self.byte:,}): {self.what}"
        if self.step:
            return f"step {self.step}, attempt {self.attempt}: {self.what}"
        return self.what


@dataclass(frozen=True, slots=True)
class Proof:
    """What was proved of a run, and what was not."""

    mark: Mark
    """Of the journal as it is."""
    breaks: tuple[Break, ...] = ()
    against: Mark | None = None
    torn_bytes: int = 0
    """Behind the last record: a write under way, or one that was torn off before it was acknowledged."""
    scripts: int = 0
    outputs: int = 0
    """How many were compared with the hash in the journal."""
    without_hash: int = 0
    """Outputs of a version of the app that recorded none: nothing can be said of them."""

    def to_json(self) -> dict[str, Json]:
        """As data."""
        return {
            "format": FORMAT,
            "schema": SCHEMA,
            "run": self.mark.run,
            "unaltered": not self.breaks,
            "journal": {"records": self.mark.records, "hash": self.mark.hash},
            "against": None
            if self.against is None
            else {"records": self.against.records, "hash": self.against.hash},
            "torn_bytes": self.torn_bytes,
            "scripts_compared": self.scripts,
            "outputs_compared": self.outputs,
            "outputs_without_hash": self.without_hash,
            "breaks": [
                {"what": b.what, "line": b.line, "byte": b.byte, "step": b.step, "attempt": b.attempt}
                for b in self.breaks
            ],
        }


def prove(directory: Path, against: Mark | None = None) -> Proof:
    """Compute everything anew and compare. Raises StoreError when the journal cannot be read at all."""
    data = Reader(directory).journal_bytes()
    parsed = journal.parse(data)
    whole = data if parsed.newer else data[: parsed.good_bytes]
    verified = journal.verify(whole)
    breaks = [Break(d.what, d.line, d.byte) for d in (verified.damage, parsed.damage) if d is not None]
    if against is not None:
        breaks += _against(against, verified.hashes, whole)
    shown = Mark(directory.name, len(verified.hashes), verified.hashes[-1] if verified.hashes else "")
    kept = _Kept(directory, parsed.events)
    return Proof(
        mark=shown,
        breaks=(*breaks, *kept.breaks),
        against=against,
        torn_bytes=parsed.torn_bytes,
        scripts=kept.scripts,
        outputs=kept.outputs,
        without_hash=kept.without_hash,
    )


def _against(mark: Mark, hashes: list[str], data: bytes) -> list[Break]:
    """Whether the journal still holds the record that an earlier report names."""
    if mark.records == 0:
        return []
    if mark.records > len(hashes):
        what = f"it ends after record {len(hashes):,}, and the report was made at record {mark.records:,}"
        return [Break(what, len(hashes) + 1, len(data))]
    if hashes[mark.records - 1] == mark.hash:
        return []
    byte = len(b"".join(data.splitlines(keepends=True)[: mark.records - 1]))
    return [Break("this record, or one before it, is not the one that the report saw", mark.records, byte)]


class _Kept:
    """The scripts and outputs of the attempts, compared with what the journal says of them."""

    def __init__(self, directory: Path, events: list[ev.Event]) -> None:
        self.breaks: list[Break] = []
        self.scripts = self.outputs = self.without_hash = 0
        self._directory = directory
        never = {(e.step, e.attempt) for e in events if isinstance(e, ev.NeverStarted)}
        for event in events:
            if isinstance(event, ev.Started) and event.script_sha256:
                if (event.step, event.attempt) not in never:
                    self._script(event)
            elif isinstance(event, ev.Finished) and event.output_bytes:
                self._output(event)

    def _folder(self, event: ev.Started | ev.Finished) -> Path:
        return self._directory / "attempts" / folder_name(event.step) / str(event.attempt)

    def _script(self, event: ev.Started) -> None:
        is_shell = event.what in ("command", "interactive")
        name = attempts.SCRIPT if is_shell else worker.REQUEST_NAME
        what = "what ran" if is_shell else "what was asked of its kind"
        self.scripts += 1
        try:
            data = files.read_private(self._folder(event) / name)
        except (OSError, StoreError) as error:
            why = error.what if isinstance(error, StoreError) else error.strerror
            self._broken(event, f"{what} cannot be read: {why}")
            return
        if data is None:
            self._broken(event, f"{what} is gone")
        elif hashlib.sha256(data).hexdigest() != event.script_sha256:
            self._broken(event, f"{what} is not what the journal says")

    def _output(self, event: ev.Finished) -> None:
        if not event.output_sha256:
            self.without_hash += 1
            return
        self.outputs += 1
        folder = self._folder(event)
        if digest(folder, event.output_bytes) == event.output_sha256:
            return
        try:
            size = Output(folder).size()
        except OSError as error:
            self._broken(event, f"its output cannot be read: {error.strerror}")
            return
        if not size:
            self._broken(event, "its output is gone")
        elif size > event.output_bytes:
            # What a step left running prints on; of a long output the newest part takes the place of an older one.
            self._broken(
                event, "its output went on after its end, and what was kept of it cannot be proved any more"
            )
        else:
            self._broken(event, "its output is not what the journal says")

    def _broken(self, event: ev.Started | ev.Finished, what: str) -> None:
        self.breaks.append(Break(what, step=event.step, attempt=event.attempt))
