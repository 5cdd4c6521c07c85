"""One watch under way: it looks, goes one look further, and keeps what it saw. One thread owns it.

What it saw and up to where it has looked are one file, replaced as a whole: after any crash the next one goes on
from there, counts nothing twice and leaves nothing out.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from orion_deploy.errors import OrionError
from orion_deploy.kinds.base import Check, Context
from orion_deploy.kinds.durable import write_whole
from orion_deploy.kinds.verdict import Outcome, Verdict
from orion_deploy.kinds.watching import Look, Observer
from orion_deploy.run.edge import Edge
from orion_deploy.run.watches.advance import advance
from orion_deploy.run.watches.reading import KEPT_NAME, LIVE_NAME, read_record
from orion_deploy.run.watches.record import Spec, WatchRecord, clocks, new_record, to_json

LIVE_S = 2.0
"""A look that saw nothing new is written down at most so often."""
KEPT_S = 30.0
"""So often it is brought to the disk itself; whenever something fires, is lost or ends, at once."""
EVERY_S_MIN = 0.2


class Watch:
    """A watch that somebody looks at. `record` is what it has seen so far."""

    def __init__(
        self,
        folder: Path,
        spec: Spec,
        *,
        run_directory: Path,
        edge: Edge,
        environ: Mapping[str, str] | None = None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        """Go on with the watch in `folder`, or begin it. Raises nothing: what is wrong with it ends it, failed."""
        self.folder = folder
        self.spec = spec
        self._edge = edge
        environ = os.environ if environ is None else environ
        self._context = Context(
            run=spec.run,
            run_directory=run_directory,
            attempt_directory=folder,
            cwd=Path(spec.cwd),
            variables=MappingProxyType(
                {**spec.variables, **{n: environ[n] for n in spec.secrets if n in environ}}
            ),
            progress=lambda _done, _total, _message: None,
            is_cancelled=is_cancelled,
            now=edge.now,
            step=spec.step,
        )
        self._observer: Observer | None = None
        self._blind = self._unknown(environ)
        self._is_unwritten = False
        self._live_at = self._kept_at = float("-inf")
        self.record = self._begin()

    @property
    def every_s(self) -> float:
        """Seconds to the next look."""
        return max(EVERY_S_MIN, self.record.every_s)

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.record.ended_at is not None

    @property
    def is_unwritten(self) -> bool:
        """Whether the disk did not take the last look: then it is known here alone."""
        return self._is_unwritten

    def _unknown(self, environ: Mapping[str, str]) -> str:
        """Why nothing can be seen: it names a secret whose value was not given. Empty where all is known."""
        text = json.dumps([dict(self.spec.parameters), list(self.spec.variables.values())], default=str)
        names = [n for n in self.spec.secrets if n not in environ and re.search(rf"\b{re.escape(n)}\b", text)]
        return (
            f"the value of the secret {', '.join(names)} is not known here; give it again: orion-deploy watch FILE --set NAME=VALUE"
            if names
            else ""
        )

    def _begin(self) -> WatchRecord:
        before = read_record(self.folder)
        if before is not None and before.ended_at is not None:
            return before
        if before is None and os.path.lexists(self.folder / KEPT_NAME):
            words = "what it had seen cannot be read any more"
            return self._ended(None, Verdict(Outcome.UNDECIDED, words))
        if self._blind:
            return before or new_record(self.spec, every_s=60.0, unit="", limit=None, sees_back=False)
        try:
            observer = self._observe()
        except OrionError as fault:
            words = f"{fault.what}{f' ({fault.help})' if fault.help else ''}"
            return self._ended(before, Verdict(Outcome.FAILED, words))
        except Exception as fault:  # another package's kind may break in any way
            words = f"the watch broke: {type(fault).__name__}: {fault}"
            return self._ended(before, Verdict(Outcome.UNDECIDED, words))
        every_s = self.spec.every_s or observer.every_s
        if before is not None and before.observer:
            try:
                observer.resume(before.observer, self._context)
            except Exception as fault:  # damaged, or another package's kind
                words = f"what it had seen cannot be understood any more: {fault}"
                return self._ended(before, Verdict(Outcome.UNDECIDED, words))
        self._observer = observer
        unit, limit, sees_back = observer.unit, observer.limit, observer.sees_back
        if before is None:
            return new_record(self.spec, every_s=every_s, unit=unit, limit=limit, sees_back=sees_back)
        return replace(before, every_s=every_s, unit=unit, limit=limit, sees_back=sees_back)

    def _observe(self) -> Observer:
        from orion_deploy.checklist.kind_call import KindCall
        from orion_deploy.kinds.registry import build

        kind = build(KindCall(self.spec.kind, dict(self.spec.parameters)), self._context.variables)
        if not isinstance(kind, Check):
            raise OrionError(f"{self.spec.kind} changes something: it is no watch")
        return kind.observe(self._context)

    def _ended(self, before: WatchRecord | None, verdict: Verdict) -> WatchRecord:
        record = before or new_record(self.spec, every_s=60.0, unit="", limit=None, sees_back=False)
        record = replace(
            record,
            ended_at=self._edge.now(),
            shown=verdict.value or record.shown,
            verdict=MappingProxyType(verdict.to_json()),
        )
        self._write(record, is_grave=True)
        return record

    def turn(self) -> WatchRecord:
        """Look once, and keep what was seen. Raises nothing."""
        observer, before = self._observer, self.record
        if self.is_over or (observer is None and not self._blind):
            return before
        try:
            look = Look(lost=self._blind) if observer is None else observer.look(self._context)
        except Exception as fault:  # one watch that breaks must not end the others
            look = Look(lost=f"the watch broke: {type(fault).__name__}: {fault}")
        record = before
        try:
            record = advance(before, clocks(self._edge), look)
            if observer is not None:
                verdict, state = observer.verdict().to_json(), observer.state()
                record = replace(record, verdict=MappingProxyType(verdict), observer=MappingProxyType(state))
        except Exception as fault:
            return self._broken(record, fault)
        self.record = record
        is_grave = (
            before.looks == 0
            or record.ended_at is not None
            or record.fired_count != before.fired_count
            or record.is_firing != before.is_firing
            or record.gaps_count != before.gaps_count
        )
        self._write(self.record, is_grave=is_grave)
        return self.record

    def _broken(self, record: WatchRecord, fault: Exception) -> WatchRecord:
        words = f"the watch broke: {type(fault).__name__}: {fault}"
        self.record = self._ended(record, Verdict(Outcome.UNDECIDED, words))
        return self.record

    def keep(self) -> None:
        """Bring what was seen to the disk: whoever looks is about to leave."""
        if self._is_unwritten or (self.record.looks and not self.is_over):
            self._write(self.record, is_grave=True)

    def _write(self, record: WatchRecord, *, is_grave: bool) -> None:
        now = self._edge.boot_s()
        if not is_grave and now - self._live_at < LIVE_S:
            return
        data = json.dumps(to_json(record), separators=(",", ":"), default=str).encode()
        is_grave = is_grave or self._is_unwritten
        self._is_unwritten = True
        with contextlib.suppress(OSError):  # a full disk: it is known here, and written next time
            if is_grave or now - self._kept_at >= KEPT_S:
                write_whole(self.folder / KEPT_NAME, data)
                self._kept_at = now
            write_whole(self.folder / LIVE_NAME, data, durable=False)
            self._live_at = now
            self._is_unwritten = False
