"""Reading a run: the journal's events, the state that they fold to, and the proof that nobody altered them.

Nothing here takes a lock or writes a byte. What cannot be believed is never passed over in silence.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from orion_deploy.checklist.collector import without_collector
from orion_deploy.errors import Place, StoreError
from orion_deploy.run import files, journal
from orion_deploy.run.events import Event
from orion_deploy.run.fold import NEW, fold
from orion_deploy.run.sidecar import JOURNAL_NAME
from orion_deploy.run.state import RunState

JOURNAL_BYTES_MAX = files.READ_BYTES_MAX
ONLY_LOOKED_AT = "it is only looked at"


class Reader:
    """A run's journal as it can be read, with the state that it folds to. Open it with `look`.

    `why_read_only` says why nothing is written; `damage` tells where the journal can no longer be believed:
    `state` is then what it says before that place.
    """

    def __init__(self, directory: Path) -> None:
        """Nothing is read yet."""
        self.directory = directory
        self.state: RunState = NEW
        self.why_read_only = ""
        self.damage: journal.Damage | None = None
        self._newer = ""
        self._journal = directory / JOURNAL_NAME
        self._link = journal.START

    @classmethod
    def look(cls, directory: Path) -> Self:
        """Open the run only to look on; `refresh` follows it.

        A torn tail is passed over (it may be a write under way); of a damaged journal the part before the
        damage is shown.

        Raises StoreError when there is no such run, or it cannot be read.
        """
        reader = cls(directory)
        reader._take_in(reader._read())
        reader.why_read_only = reader.why_read_only or ONLY_LOOKED_AT
        return reader

    @property
    def is_whole(self) -> bool:
        """Whether everything in the journal could be read and understood."""
        return self.damage is None and not self._newer

    @property
    def events_count(self) -> int:
        """How many events the journal holds."""
        return self._link.sequence

    @property
    def good_bytes(self) -> int:
        """Length of the journal up to the last record that could be read and understood."""
        return self._link.end

    @property
    def head(self) -> str:
        """`<records>:<hash>`: noted in a report, it proves later what the journal was (see `verify`)."""
        return f"{self._link.sequence}:{self._link.hash}"

    def refresh(self) -> bool:
        """Read what was written since; True when the state changed.

        A write that the holder took back, or a journal brought back from a backup, is read anew.

        Raises StoreError when the journal can no longer be read.
        """
        before = self._link
        data = self._read(self._link.end)
        if self._is_other(data):
            self.state, self.damage, self.why_read_only = NEW, None, ""
            self._link = journal.START
            data = self._read()
        self._take_in(data)
        self.why_read_only = self.why_read_only or ONLY_LOOKED_AT
        return self._link != before or self.damage is not None

    def events(self) -> Iterator[Event]:
        """Read the events anew, up to the ones that `state` knows. Raises StoreError when they cannot be read."""
        return iter(journal.parse(self._read()[: self._link.end]).events)

    def journal_bytes(self) -> bytes:
        """Read the journal as it is. Raises StoreError when they cannot be read."""
        return self._read()

    def verify(self, head: str = "") -> str:
        """Prove that the journal is unaltered: its own chain, and a `head` that was noted earlier.

        Returns an empty string, or what is wrong. Raises StoreError when the journal cannot be read.
        """
        verified = journal.verify(self._read())
        if verified.damage is not None:
            return f"line {verified.damage.line} (byte {verified.damage.byte:,}): {verified.damage.what}"
        if head:
            records, _, noted = head.partition(":")
            number = int(records) if records.isdigit() else 0
            if not 0 < number <= len(verified.hashes):
                return f"the journal has {len(verified.hashes):,} records; {records} were noted"
            if verified.hashes[number - 1] != noted:
                return f"record {number:,} or one before it is not the one that was noted"
        return ""

    def _is_other(self, data: bytes) -> bool:
        """Whether what is known of the journal no longer is what stands before `data` in it."""
        if self.damage is not None or os.stat(self._journal).st_size < self._link.end:
            return True
        return journal.parse(data, self._link).damage is not None

    def _read(self, offset: int = 0) -> bytes:
        """The journal's bytes from `offset` on."""
        try:
            files.check_folder(self.directory, writing=False)
            fd = files.open_private(self._journal, os.O_RDONLY)
            try:
                return files.read_all(fd, offset=offset, bytes_max=JOURNAL_BYTES_MAX)
            finally:
                os.close(fd)
        except FileNotFoundError as error:
            raise StoreError(
                f"there is no run `{self.directory.name}`", where=Place(str(self.directory))
            ) from error
        except OSError as error:
            raise StoreError(
                f"the run's journal cannot be read: {error.strerror}",
                where=Place(str(self._journal)),
                help="nothing was changed, and nothing is known of the run until it can be read",
            ) from error

    def _take_in(self, data: bytes) -> journal.ParsedJournal:
        """Add what stands behind the records that are known."""
        with without_collector():  # tens of thousands of objects that live on: a third of the time
            reading = journal.Reading(data, self._link)
            try:
                self.state = fold(reading, self.state)
            except (ValueError, KeyError, TypeError) as error:
                raise StoreError(
                    f"the journal says what cannot be: {error}",
                    where=Place(str(self._journal)),
                    help="nothing was changed; keep the file and look at what wrote it",
                ) from error
        parsed = reading.found
        self._newer = parsed.newer
        if parsed.newer:
            self.why_read_only = f"a newer orion-deploy wrote this run: {parsed.newer}"
        if parsed.damage is not None:
            self.damage = parsed.damage
            self.why_read_only = (
                f"the journal is damaged at line {self.damage.line} (byte {self.damage.byte:,})"
            )
        self._link = parsed.link
        return parsed
