"""The store of one run: what `append` has returned from is on the disk, and nothing else ever happened.

Opening: lock, read, make sure that what was read is on the disk, and only then decide. The rest of a torn
write is kept aside and cut off; any other damage is refused with its place, and nothing is dropped. A
store that could not keep its promise once (an I/O error) only reads from then on. One thread owns a store.
"""

from __future__ import annotations

import os
from pathlib import Path

from orion_deploy.errors import NotRecordedError, OrionError, Place, StoreError
from orion_deploy.run import files, journal, lock, sidecar
from orion_deploy.run.edge import Edge
from orion_deploy.run.events import Event
from orion_deploy.run.fold import fold
from orion_deploy.run.reading import JOURNAL_BYTES_MAX, Reader
from orion_deploy.run.scribe import Describe, Scribe
from orion_deploy.run.state import RunState

NOTHING_RUN = "not recorded, nothing was run"


class Store(Reader):
    """A run that can be written to. Open it with `open`, or with `look` only to look on.

    `state` is what is on the disk. `read_only` says whether `append` is refused, `why_read_only` why.
    `recovered_torn_bytes` of a half-written record were set aside. `warnings` are for the operator to see.
    """

    def __init__(self, directory: Path) -> None:
        """A store that holds nothing yet."""
        super().__init__(directory)
        self.recovered_torn_bytes = 0
        self.warnings: tuple[str, ...] = ()
        self._fd = -1
        self._lock: lock.Lock | None = None
        self._scribe: Scribe | None = None
        self._last_snapshot_error = ""

    @property
    def read_only(self) -> bool:
        """Whether `append` is refused."""
        return self._fd < 0 or self.why_read_only != ""

    @property
    def snapshot_error(self) -> str:
        """Why the last snapshot could not be written, or empty. The journal is not concerned."""
        return self._scribe.error if self._scribe else self._last_snapshot_error

    # Opening

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        sidecar: Path | None = None,
        describe: Describe | None = None,
        edge: Edge | None = None,
        who: str = "",
        wait_s: float = lock.WAIT_S,
    ) -> Store:
        """Open the run in `directory` for writing, made if it is not there; takes its lock.

        `describe` turns the state into what stands in `sidecar`. A journal of a newer program is opened
        read-only, without the lock.

        Raises:
            HeldError: another operator holds it, after `wait_s` of trying.
            NotRecordedError: state cannot be written there; nothing was run.
            StoreError: what is there is damaged, or not safe to use; nothing was changed.
        """
        edge = edge or Edge()
        store = cls(directory)
        try:
            files.make_folder(directory)
            files.check_folder(directory.parent)
            store._lock = lock.take(directory, who or edge.who(), edge, wait_s=wait_s)
            store._recover(sidecar)
            if store.why_read_only:
                store.close()
            else:
                store._scribe = Scribe(directory, sidecar, describe, edge)
                store._warn_of_network()
        except OSError as error:
            store.close()
            raise NotRecordedError(
                f"the run's state cannot be opened: {error.strerror}; {NOTHING_RUN}",
                where=Place(str(error.filename or directory)),
                help="nothing was changed; mend what the system says, then open the run again",
            ) from error
        except BaseException:
            store.close()
            raise
        return store

    def _recover(self, sidecar_path: Path | None) -> None:
        """Read the journal under the lock; raises on damage before anything is changed."""
        self._fd = files.open_private(self._journal, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        data = files.read_all(self._fd, bytes_max=JOURNAL_BYTES_MAX)
        parsed = self._take_in(data)
        if self.damage is not None:
            raise damage_error(self._journal, self.damage)
        for snapshot in (self.directory / sidecar.STATE_NAME, sidecar_path):
            if snapshot is not None:
                self._compare(snapshot, data)
        if self.why_read_only:
            return
        self._keep_copy(parsed, data)
        if parsed.torn_bytes:
            torn = self.directory / f"torn-{self._link.sequence}-{os.urandom(4).hex()}"
            files.create_private(torn, data[parsed.good_bytes :])
            os.ftruncate(self._fd, parsed.good_bytes)
            self.recovered_torn_bytes = parsed.torn_bytes
        # Whoever wrote this may have died before its sync: what is decided from it must outlive a power cut.
        files.sync_data(self._fd)
        for folder in (self.directory, self.directory.parent, self.directory.parent.parent):
            files.sync_folder(folder)

    def _keep_copy(self, parsed: journal.ParsedJournal, data: bytes) -> None:
        """Keep an older program's journal as it was before the first record of this one's schema is added to it."""
        if parsed.oldest_schema < journal.SCHEMA:
            copy = self._journal.with_name(f"journal.v{parsed.oldest_schema}.jsonl")
            if files.read_private(copy) is None:
                files.write_private(copy, data[: parsed.good_bytes])

    def _compare(self, snapshot: Path, data: bytes) -> None:
        """Refuse a journal that has lost what a snapshot of this run knows to have happened."""
        try:
            document = sidecar.summary(snapshot)
        except StoreError:
            return  # It is written anew; the journal is the truth.
        if document is None or document.get("run") != self.directory.name:
            return
        seen = document.get("journal")
        if not isinstance(seen, dict) or not isinstance(seen.get("bytes"), int):
            return
        end = seen["bytes"]
        if end == 0 or (end <= self._link.end and data[end - 11 : end] == f'{seen.get("crc")}"}}\n'.encode()):
            return
        raise StoreError(
            f"the journal has {self.events_count:,} records, but `{snapshot.name}` was made from another one"
            f" with {seen.get('records'):,}: something is missing",
            where=Place(str(self._journal)),
            help=f"bring the run's folder back from a backup; if this really is all that happened, remove {snapshot}",
        )

    def _warn_of_network(self) -> None:
        kind = lock.network_file_system(self.directory)
        if kind:
            warning = (
                f"the run's state is on a network file system ({kind}): its locks and its syncing are only"
                " as good as the server's; let nobody open this run from another machine"
            )
            self.warnings = (*self.warnings, warning)

    # Writing

    def append(self, *events: Event) -> RunState:
        """Put the events on the disk, all in one write, and return the state after them.

        Raises:
            NotRecordedError: they are not recorded. After a full disk the store can be used again as soon
                as there is room; after any other failure it is read-only.
        """
        if not events:
            return self.state
        if self.read_only:
            raise NotRecordedError(f"{NOTHING_RUN}: {self.why_read_only or 'the run is closed'}")
        after = fold(events, self.state)
        try:
            data, link = journal.encode_all(events, self._link)
        except ValueError as error:
            raise NotRecordedError(f"{NOTHING_RUN}: {error}", help="make it shorter") from error
        try:
            self._check_untouched()
            files.write_all(self._fd, data)
            files.sync_data(self._fd)
        except OSError as error:
            raise self._taken_back(error) from error
        except OrionError:
            raise
        except BaseException:
            self.why_read_only = "the last write was interrupted; open the run again"
            raise
        self._link = link
        self.state = after
        return after

    def _check_untouched(self) -> None:
        """The journal must be as this store left it: somebody may have removed, cut or written to it."""
        info = os.fstat(self._fd)
        if info.st_nlink == 1 and info.st_size == self._link.end:
            return
        what = (
            "was removed"
            if info.st_nlink == 0
            else f"is {info.st_size:,} bytes long instead of {self._link.end:,}"
        )
        self.why_read_only = f"the journal {what} while the run was open"
        raise NotRecordedError(
            f"{NOTHING_RUN}: {self.why_read_only}",
            where=Place(str(self._journal)),
            help="somebody else changed it; leave the run, look at the file, and open the run again",
        )

    def _taken_back(self, error: OSError) -> NotRecordedError:
        """Cut a write that failed off again. Where that is not possible the store goes read-only."""
        if error.errno in files.NO_ROOM:
            try:
                os.ftruncate(self._fd, self._link.end)
                files.sync_data(self._fd)
            except OSError as second:
                error = second
            else:
                return NotRecordedError(
                    f"{NOTHING_RUN}: {error.strerror}",
                    where=Place(str(self._journal)),
                    help="free some space; the run is as it was, and goes on from there",
                )
        # The kernel tells of a lost page once, and takes it for written at the next sync: never try again.
        self.why_read_only = f"its disk failed: {error.strerror}"
        return NotRecordedError(
            f"{NOTHING_RUN}: {error.strerror}; the run can only be read now",
            where=Place(str(self._journal)),
            help="leave the run, look after the disk, and open the run again: it shows what is really recorded",
        )

    def snapshot(self, *, force: bool = False) -> None:
        """Let the sidecar follow: within a second, in the background; before returning with `force`.

        Never raises: the journal is the truth, and the failure is in `snapshot_error`.
        """
        if self._scribe is not None:
            self._scribe.note(self.state, self._link, now=force)

    def refresh(self) -> bool:
        """Read what the holder has written since; nothing to read for the one who holds it. Raises as `Reader`'s."""
        return False if self._lock is not None else super().refresh()

    def close(self) -> None:
        """Let the lock go. Writes no event and no snapshot."""
        if self._scribe is not None:
            self._scribe.close()
            self._last_snapshot_error = self._scribe.error
            self._scribe = None
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        if self._lock is not None:
            self._lock.release()
            self._lock = None


def damage_error(path: Path, damage: journal.Damage) -> OrionError:
    """The refusal of a damaged journal: where, what, and what to do."""
    return StoreError(
        f"the journal is damaged at line {damage.line}, byte {damage.byte:,}: {damage.what}",
        where=Place(str(path), line=damage.line),
        help="nothing was changed; bring the file back from a backup, or look at what is before the damage with"
        " `status` and start a new run with --run NAME",
    )
