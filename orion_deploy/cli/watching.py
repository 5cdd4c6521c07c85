"""Carrying the watches of a run on in the foreground, and telling of what they see."""

from __future__ import annotations

import os
import queue
import shlex
import signal
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from orion_deploy.checklist.read import load
from orion_deploy.cli.opened import assigned as typed
from orion_deploy.cli.opened import close, opened
from orion_deploy.cli.out import data_now, json_data, talk
from orion_deploy.errors import ExitCode, HeldError, OrionError, RefusedError
from orion_deploy.run.desk import is_secret
from orion_deploy.run.opening import open_session
from orion_deploy.run.places import Places
from orion_deploy.run.watches.keeper import Keeping, Seen, ask_to_leave, notifying
from orion_deploy.run.watches.look_in import facts_of
from orion_deploy.run.watches.reading import Keeper, read_all
from orion_deploy.run.watches.record import WatchRecord
from orion_deploy.run.watches.spawning import READY_S
from orion_deploy.run.words import clock, length
from orion_deploy.text import plain_line

TELL_S = 3600.0
"""How often it tells how things are, where nothing happens."""
FIRST_TELL_S = 5.0
PAUSE_S = 0.2


UnderWay = frozenset[tuple[str, int]]
"""Steps whose watches are to be carried on, each with the number of its attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be watched, and how."""

    file: Path
    run: str | None
    assigned: Mapping[str, str]
    once: bool
    background: bool
    as_json: bool


def watch(wanted: Wanted) -> ExitCode:
    """Do what the command `watch` says; returns the exit code.

    Raises:
        RefusedError: nothing is being watched.
        HeldError: somebody holds the run, and nobody can be started to watch.
        OrionError: somebody else watches, and does not hand over.
    """
    directory, under_way = _begin(wanted)
    if wanted.background:
        talk("somebody watches; `orion-deploy status` tells what is seen")
        return ExitCode.FINE
    teller = _Teller(as_json=wanted.as_json)
    keeping = Keeping(directory, in_foreground=True)
    if wanted.once:
        if keeping.take(PAUSE_S):
            keeping.tell(teller.heard(notifying(directory)))
            keeping.look_once()
        teller.know(_records(directory, under_way))  # Where somebody else watches, what they have seen.
        teller.tell_all()
    else:
        _take_over(keeping, directory)
        keeping.tell(
            teller.heard(notifying(directory))
        )  # Not before: what another one tells is not told twice.
        _carry_on(keeping, teller)
        teller.know(_records(directory, under_way))  # One may have ended before it was handed over.
    _take_in(wanted.file, directory.name)
    if keeping.was_stopped:
        talk(
            f"nobody watches any more; go on with: orion-deploy watch {shlex.quote(plain_line(str(wanted.file)))}"
        )
        return ExitCode.INTERRUPTED
    return teller.code(is_over=not wanted.once)


def _records(directory: Path, under_way: UnderWay) -> list[WatchRecord]:
    return [r for r in read_all(directory) if (r.step, r.attempt) in under_way]


def _begin(wanted: Wanted) -> tuple[Path, UnderWay]:
    """Return the run's folder and what is to be watched in it, when all of that is written down.

    Raises:
        RefusedError: nothing is being watched.
        HeldError: somebody holds the run, and nobody can be started to watch.
    """
    file = wanted.file
    run_name = wanted.run or Places.of(file).latest()
    if run_name is None:
        raise RefusedError(
            "there is no run, and nothing to watch", help=f"`orion-deploy {plain_line(str(file))}` begins one"
        )
    loaded = load(file)
    given = typed(loaded[0], wanted.assigned)
    session = open_session(file, run=run_name, look_on=True, loaded=loaded)
    try:
        for name, value in given.items():
            if not session.read_only:
                session.set_variable(name, value, secret=is_secret(loaded[0], name))
        if not session.state.watched:
            raise RefusedError(
                f"nothing is being watched in the run {session.run}",
                help="start a step that is a watch; `orion-deploy show FILE` lists the steps",
            )
        session.write_watches_down()
        hidden = {name: value for name, value in given.items() if is_secret(loaded[0], name)}
        os.environ.update({**hidden, **session.hidden_values()})
        if wanted.background:
            if hidden and not session.read_only:
                ask_to_leave(session.directory)  # Who watches may not know the secret.
            session.keep_watching(ready_s=READY_S)
            if session.read_only and session.keeper() is None:
                raise HeldError(
                    "another operator holds the run, and nobody watches",
                    help="leave out --background: watching in the foreground does not need the run",
                )
        steps = session.state.watched
        return session.directory, frozenset((i, session.state.step(i).attempts[-1].number) for i in steps)
    finally:
        close(session)


def _take_over(keeping: Keeping, directory: Path) -> None:
    """Become the one who watches. Raises OrionError where somebody else does, and does not let go."""
    if keeping.take(PAUSE_S):
        return
    if not ask_to_leave(directory) or not keeping.take():
        raise OrionError(
            "somebody else watches, and did not hand over",
            help="`orion-deploy status` tells who; end that process, then try again",
        )


def _carry_on(keeping: Keeping, teller: _Teller) -> None:
    """Watch until all is over, or until a signal asks to leave."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: keeping.stop())
    work = threading.Thread(target=keeping.carry_on, name="keeper")
    work.start()
    next_s = time.monotonic() + FIRST_TELL_S
    try:
        while work.is_alive():
            teller.tell_new(PAUSE_S)
            if time.monotonic() >= next_s:
                teller.tell_all()
                next_s = time.monotonic() + TELL_S
    except BaseException:
        keeping.stop()  # Nobody hears it any more: no one is left behind who watches unseen.
        raise
    finally:
        work.join()
    teller.tell_new(0.0)


def _take_in(file: Path, run_name: str) -> None:
    """Put what was seen into the journal, unless somebody else holds the run: then they do."""
    try:
        with opened(file, run=run_name):
            pass  # Opening takes it in.
    except HeldError as held:
        talk(f"note: {held.what}; what was seen is taken in there")


class _Teller:
    """Tells of what was seen. The watches hand it over from threads of their own; it prints from one."""

    def __init__(self, *, as_json: bool) -> None:
        self._heard: queue.SimpleQueue[tuple[WatchRecord, WatchRecord]] = queue.SimpleQueue()
        self._last: dict[str, WatchRecord] = {}
        self._as_json = as_json

    def heard(self, notify: Seen) -> Seen:
        """What the watches call: `notify`, and then this teller."""

        def hear(before: WatchRecord, after: WatchRecord) -> None:
            notify(before, after)
            self._heard.put((before, after))

        return hear

    def know(self, records: Iterable[WatchRecord]) -> None:
        """Know of these watches too: the latest of each step counts."""
        for record in records:
            known = self._last.get(record.step)
            if known is None or known.attempt <= record.attempt:
                self._last[record.step] = record

    def tell_new(self, wait_s: float) -> None:
        """Tell what happened since; waits so long for the first thing to happen."""
        try:
            before, after = self._heard.get(timeout=wait_s) if wait_s else self._heard.get_nowait()
            while True:
                self._last[after.step] = after
                for word, text in happened(before, after):
                    self._print(word, after, text)
                before, after = self._heard.get_nowait()
        except queue.Empty:
            return

    def tell_all(self) -> None:
        """Tell how each watch stands."""
        self.tell_new(0.0)
        for record in self._last.values():
            if record.ended_at is None:
                gaps = f", not watched {length(record.gap_s)}" if record.gaps_count else ""
                text = f"{record.shown or 'nothing seen yet'}; watched {length(record.observed_s)} of {length(record.watch_s)}{gaps}"
                self._print("watches", record, record.lost or text)

    def code(self, *, is_over: bool) -> ExitCode:
        """What the watches amount to."""
        records = self._last.values()
        outcomes = [str(record.verdict.get("outcome", "")) for record in records]
        if "failed" in outcomes or any(record.fired_count for record in records):
            return ExitCode.FAILED
        is_early = any(record.ended_at is None for record in records)  # ended by somebody, before its time
        is_open = is_over and ("undecided" in outcomes or is_early)
        return ExitCode.PERSON_NEEDED if is_open or not records else ExitCode.FINE

    def _print(self, word: str, record: WatchRecord, text: str) -> None:
        at = record.looked.wall
        if self._as_json:
            here = Keeper(pid=os.getpid())
            json_data({"event": word, "at": at, "text": text, **facts_of(record, here, at)}, indent=None)
        else:
            data_now(f"{clock(at)}  {word:<8}{plain_line(record.step)}: {plain_line(text)}")


def happened(before: WatchRecord, after: WatchRecord) -> list[tuple[str, str]]:
    """What a look has changed that a person should hear of: a word, and a sentence."""
    found = []
    if after.gaps_count > before.gaps_count and after.gaps:
        gap = after.gaps[-1]
        found.append(("gap", f"{length(gap.length_s) if gap.length_s is not None else 'unknown'}: {gap.why}"))
    if after.fired_count > before.fired_count:
        found.append(("FIRED", after.fired[-1].reason))
    elif before.is_firing and not after.is_firing and after.ended_at is None:
        found.append(("quiet", f"no reason to turn back is seen any more: {after.shown}"))
    if after.ended_at is not None and before.ended_at is None:
        found.append(("ended", f"{after.verdict.get('outcome')}: {after.verdict.get('reason')}"))
    return found
