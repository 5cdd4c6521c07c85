"""A session's watches: it starts and stops them, and takes in what their keeper saw. It never looks itself."""

from __future__ import annotations

import contextlib
import json
import os
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from orion_deploy.checklist.model import WATCH_S_DEFAULT, Step
from orion_deploy.errors import OrionError, RefusedError
from orion_deploy.kinds.verdict import Json, Outcome, Verdict
from orion_deploy.run import events as ev
from orion_deploy.run import files, rules
from orion_deploy.run.acts import Acts, bounded
from orion_deploy.run.desk import folder_name, is_secret, require, step_folder
from orion_deploy.run.state import RunState
from orion_deploy.run.values import missing_for
from orion_deploy.run.watches import reading
from orion_deploy.run.watches.following import follow
from orion_deploy.run.watches.reading import Keeper
from orion_deploy.run.watches.record import Clocks, Spec, WatchRecord, clocks, to_json
from orion_deploy.run.watches.standing import Seen, unseen
from orion_deploy.run.words import length
from orion_deploy.text import plain_line

if TYPE_CHECKING:
    from orion_deploy.run.watches.notify import Told


LEAVE_S = 2.0
"""So long who looks is waited for, where they can only be asked to leave."""


class Watching(Acts):
    """The part of a session that concerns watches."""

    run: str

    @property
    @abstractmethod
    def directory(self) -> Path:
        """The run's folder."""

    @property
    @abstractmethod
    def cwd(self) -> str:
        """The folder in which steps run."""

    def watches(self) -> list[WatchRecord]:
        """What was seen so far, of the last watch of each step that has one, in the order of their start."""
        last = {
            (step_id, step.attempts[-1].number)
            for step_id, step in self.state.steps.items()
            if step.attempts and step.attempts[-1].watched is not None
        }
        if not last:
            return []
        found = [self._last_look(step_id, attempt) for step_id, attempt in last]
        return sorted((r for r in found if r is not None), key=lambda record: record.started_at)

    def _last_look(self, step_id: str, attempt: int) -> WatchRecord | None:
        return self._looks.read(self._watch_folder(step_id, attempt))

    @cached_property
    def _looks(self) -> reading.Records:
        return reading.Records()

    def keeper(self) -> Keeper | None:
        """Who looks at the watches now; None where nobody does, or where that cannot be told (`keep_watching` says it)."""
        return reading.known_keeper(self.directory)

    def seen_watches(self) -> list[Seen]:
        """The last watch of each step that has one, for a reader: also of one at which nobody has looked yet."""
        is_kept = bool(self.state.watched) and self.keeper() is not None
        found = []
        for step_id, step in self.state.steps.items():
            if step.attempts and (attempt := step.attempts[-1]).watched is not None:
                record = self._last_look(step_id, attempt.number) or unseen(step_id, attempt)
                found.append(Seen(record, attempt, is_kept))
        return sorted(found, key=lambda seen: seen.record.started_at)

    def told_of(self, record: WatchRecord) -> tuple[Told, ...]:
        """What the operator was told of a watch, by the means of their choice."""
        from orion_deploy.run.watches.notify import read_told

        return read_told(self._watch_folder(record.step, record.attempt))

    def start_watch(self, step: Step) -> int:
        """Begin to watch; returns the attempt's number. `start` calls it, and it raises as `start`."""
        require(missing_for(step, None, self.checklist, self.state, self.values))
        if len(reading.watch_folders(self.directory)) >= reading.WATCHES_MAX:
            raise RefusedError(
                f"the run has had {reading.WATCHES_MAX} watches, and nobody would look at one more",
                help="finish this run, and begin another",
            )
        watch_s = seconds(step.facts.watch_for, self.values, "for")
        attempt = len(self.state.step(step.id).attempts) + 1
        spec = self._spec(step, attempt, WATCH_S_DEFAULT if watch_s is None else watch_s, clocks(self.edge))
        self._append(
            ev.WatchStarted(
                step=step.id, attempt=attempt, title=step.title, what=spec.kind, watch_s=spec.watch_s
            )
        )
        self._put_down(spec)
        self.keep_watching()
        return attempt

    def _spec(self, step: Step, attempt: int, watch_s: float, started: Clocks) -> Spec:
        """What is to be watched, with the values that the run has now."""
        call, values = step.facts.watch, self.values
        assert call is not None
        secrets = tuple(sorted(name for name in values if self._is_hidden(name)))
        return Spec(
            step=step.id,
            attempt=attempt,
            title=step.title,
            kind=call.name,
            parameters=call.parameters,  # type: ignore[arg-type]  # read from YAML: it is JSON
            watch_s=watch_s,
            every_s=seconds(step.facts.watch_every, values, "every"),
            cwd=step_folder(self.cwd, step.facts.cwd, {**self.edge.environ(), **values}),
            run=self.run,
            variables={n: v for n, v in {**values, **step.facts.env}.items() if n not in secrets},
            secrets=secrets,
            started=started,
        )

    def _is_hidden(self, name: str) -> bool:
        return name in self.secrets or is_secret(self.checklist, name)

    def _put_down(self, spec: Spec) -> None:
        """Write down what is to be watched: the folder is there with it, or not at all."""
        folder = self._watch_folder(spec.step, spec.attempt)
        making = folder.with_name(f".{folder.name}.{os.getpid()}.making")
        try:
            data = json.dumps(to_json(spec), default=str).encode("utf-8", "surrogateescape")
            files.make_folder(folder.parent)
            if os.path.lexists(folder):  # What is there was damaged.
                files.make_folder(folder)
                files.write_private(folder / reading.SPEC_NAME, data)
                return
            files.make_folder(making)
            files.write_private(making / reading.SPEC_NAME, data)
            os.rename(making, folder)
            files.sync_folder(folder.parent)
        except OSError as error:
            raise OrionError(
                f"the watch `{spec.step}` is recorded, but could not be begun: {error.strerror}",
                help="mend what the system says; opening the run again begins it",
            ) from error

    def write_watches_down(self) -> None:
        """A watch that was recorded, and killed before it was written down, begins now: nobody has looked until then.

        One that was ended, and whose keeper could not be told, is ended for them now.
        """
        if self.read_only:
            return
        self._stop_what_ended()
        for step_id in self.state.watched:
            attempt = self.state.step(step_id).attempts[-1]
            step = self._still_a_watch(step_id)
            folder = self._watch_folder(step_id, attempt.number)
            if step is None or attempt.watched is None or reading.read_spec(folder) is not None:
                continue
            started = replace(clocks(self.edge), wall=attempt.started_at)
            self._put_down(self._spec(step, attempt.number, attempt.watched.watch_s, started))

    def _stop_what_ended(self) -> None:
        for step_id, step in self.state.steps.items():
            for attempt in step.attempts:
                folder = self._watch_folder(step_id, attempt.number)
                if attempt.watched is not None and attempt.ending and not reading.is_stopped(folder):
                    record = reading.read_record(folder)
                    if folder.is_dir() and (record is None or record.ended_at is None):
                        put_stop(folder, attempt.why)

    def keep_watching(self, *, ready_s: float = 0.0) -> None:
        """See that somebody looks, where a watch is under way; wait up to `ready_s` until they are ready to.

        Raises OrionError when nobody could be started to, or when it cannot be told whether anybody looks.
        """
        if self.read_only or not self.state.watched:
            return
        self.write_watches_down()
        if reading.keeper_of(self.directory) is None:
            from orion_deploy.run.watches.spawning import spawn

            environ = {**self.edge.environ(), **self.hidden_values()}
            spawn(self.directory, environ, self.edge.who(), ready_s=ready_s)

    def hidden_values(self) -> dict[str, str]:
        """The values of secret variables, for the environment of who looks."""
        return {name: value for name, value in self.values.items() if self._is_hidden(name)}

    def _still_a_watch(self, step_id: str) -> Step | None:
        """The step as the file has it now; None where the file has it no more, or no longer as a watch."""
        found = rules.find(self.checklist, step_id)
        return found[1] if found is not None and found[1].facts.watch is not None else None

    def _watch_folder(self, step_id: str, attempt: int) -> Path:
        return reading.watch_folder(self.directory, folder_name(step_id), attempt)

    # What was seen

    def collect_watches(self) -> list[str]:
        """Take in what the keeper has seen: each firing, and each end. Returns the steps to which something happened.

        A watch that passed ticks its step, in the same write, unless its author wants a person to.
        """
        if self.read_only:
            return []
        changed = []
        for step_id in self.state.watched:
            attempt = self.state.step(step_id).attempts[-1]
            record = self._last_look(step_id, attempt.number)
            if record is None:
                continue
            found: list[ev.Event] = [*self._firings(record)]
            if record.ended_at is not None:
                found += self._ended(record, "elapsed")
            if found:
                self._append(*found)
                changed.append(step_id)
        return changed

    def _firings(self, record: WatchRecord) -> list[ev.WatchFired]:
        """The firings that the journal does not have yet."""
        attempt = self.state.step(record.step).attempts[-1]
        known = {f.at for f in attempt.watched.fired} if attempt.watched is not None else set()
        return [
            ev.WatchFired(
                step=record.step,
                attempt=record.attempt,
                reason=plain_line(f.reason),
                value=plain_line(f.value),
                fired_at=f.at,
            )
            for f in record.fired
            if f.at not in known
        ]

    def _ended(self, record: WatchRecord, why: str, reason: str = "") -> list[ev.Event]:
        verdict = final_verdict(record, why, reason)
        ended: list[ev.Event] = [
            ev.WatchEnded(
                step=record.step,
                attempt=record.attempt,
                why=why,
                reason=reason,
                ended_at=record.ended_at or self.edge.now(),
                observed_s=round(record.observed_s, 3),
                gap_s=round(record.gap_s, 3),
                gaps=[
                    {"at": g.at, "until": g.until, "length_s": g.length_s, "why": plain_line(g.why)}
                    for g in record.gaps
                ],
                verdict=verdict.to_json(),
            )
        ]
        step = self._still_a_watch(record.step)
        if step is not None and verdict.is_good and rules.ticks_itself(step):
            ended.append(ev.Ticked(step=record.step, auto=True, value=verdict.value))
        return ended

    def stop_watch(self, step_id: str, reason: str) -> None:
        """End a watch before its time. What it saw is kept; unless it has failed already, a person decides.

        Raises:
            RefusedError: it is not being watched, or no reason was given.
            OrionError: it is ended, and recorded, but who looks cannot be told: the disk takes nothing.
        """
        step_id = self.step(step_id).id
        if not self.state.step(step_id).is_watched:
            raise RefusedError(f"`{step_id}` is not being watched")
        if not reason.strip():
            raise RefusedError(f"ending the watch `{step_id}` needs a reason")
        if not self._end_watch(step_id, "stopped", bounded(reason)) and not self._is_left():
            raise OrionError(
                f"the watch `{step_id}` is ended, but the disk did not take that: who looks goes on, and nobody listens",
                help="make room, then open the run again: that lets them know",
            )

    def end_watches(self, why: str, *, but: frozenset[str] = frozenset()) -> None:
        """End every watch, those of the steps in `but` left out: the run is over, or has turned back."""
        ended = [self._end_watch(step_id, why) for step_id in self.state.watched if step_id not in but]
        if not all(ended):
            self._is_left()

    def _is_left(self) -> bool:
        """Ask who looks to leave, if nothing is to be watched any more: that needs no disk. Whether they have left."""
        if self.state.watched:
            return False
        from orion_deploy.run.watches.keeper import ask_to_leave

        with contextlib.suppress(OrionError):
            return ask_to_leave(self.directory, LEAVE_S)
        return False

    def _end_watch(self, step_id: str, why: str, reason: str = "") -> bool:
        """End a watch in the record, and let who looks know; whether they could be told."""
        attempt = self.state.step(step_id).attempts[-1]
        folder = self._watch_folder(step_id, attempt.number)
        record = reading.read_record(folder)
        if record is None:
            record = replace(unseen(step_id, attempt), looked=clocks(self.edge))
        self._append(
            *self._firings(record),
            *self._ended(record, why if record.ended_at is None else "elapsed", reason),
        )
        return reading.is_stopped(folder) or not folder.is_dir() or put_stop(folder, why)

    def follow_watches(
        self, changed: Callable[[], None], patience_s: Callable[[], float] = lambda: 0.0
    ) -> Callable[[], None]:
        """Call `changed`, on another thread, when a watch may have seen something; returns what ends that.

        What fired, was lost or ended, and a keeper that came or went, is told at once; any other look only after
        `patience_s()` since the last call.
        """
        return follow(self.directory, changed, patience_s)


def put_stop(folder: Path, why: str) -> bool:
    """Let whoever looks at the watch in `folder` know that it is over; whether that could be done.

    Where a full disk takes no file, a second name for one that is there takes no room.
    """
    stop = folder / reading.STOP_NAME
    with contextlib.suppress(OSError):
        files.write_private(stop, why.encode())
        return True
    with contextlib.suppress(OSError):
        os.link(folder / reading.SPEC_NAME, stop, follow_symlinks=False)
    return reading.is_stopped(folder)


def firings_of(state: RunState) -> frozenset[tuple[str, float]]:
    """Every firing of the last watch of each step: the step, and when it was seen."""
    last = [(step_id, s.attempts[-1].watched) for step_id, s in state.steps.items() if s.attempts]
    return frozenset((i, firing.at) for i, watched in last if watched is not None for firing in watched.fired)


def seconds(time: float | str | None, values: Mapping[str, str], key: str) -> float | None:
    """The seconds of a step's `for` or `every`: as written, or of the variable that it names.

    Raises RefusedError where the variable's value is no duration.
    """
    if not isinstance(time, str):
        return time
    from orion_deploy.checklist.yaml_values import TIMEOUT_S_MAX, parse_duration

    name = time.strip("${}")
    value = values.get(name, "")
    found = float(value) if value.isascii() and value.isdigit() else parse_duration(value)
    if found is None or not 0 < found <= TIMEOUT_S_MAX:
        raise RefusedError(
            f"`{key}` is `{plain_line(value)}`, by the variable {name}: that is no duration",
            help="give one such as 24h, 30m or 90s; a number alone is seconds",
        )
    return found


def final_verdict(record: WatchRecord, why: str, reason: str = "") -> Verdict:
    """The verdict of a watch at its end: what its looks say, with the time that nobody saw.

    One that was ended before its time has not shown that all is well: undecided, unless it has failed already.
    """
    judged = record.judged() or Verdict(Outcome.UNDECIDED, "nobody has looked")
    values: dict[str, Json] = {
        **judged.values,
        "observed_s": round(record.observed_s, 1),
        "gap_s": round(record.gap_s, 1),
        "gaps": record.gaps_count,
        "fired": record.fired_count,
    }
    watched = f"watched {length(record.observed_s)}"
    if record.gaps_count:
        gaps = "1 gap" if record.gaps_count == 1 else f"{record.gaps_count:,} gaps"
        watched += f", not watched {length(record.gap_s)} in {gaps}"
    if why == "elapsed":
        return Verdict(judged.outcome, f"{judged.reason}; {watched}", judged.value, values)
    early = f"{why} after {length(record.observed_s)} of {length(record.watch_s)}"
    outcome = Outcome.FAILED if judged.outcome is Outcome.FAILED else Outcome.UNDECIDED
    said = f": {reason}" if reason else ""
    return Verdict(outcome, f"{early}{said}; until then: {judged.reason}", judged.value, values)
