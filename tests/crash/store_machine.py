"""The store against a model, by hypothesis: append, crash in a write at any byte, open again, look on, contend.

The model is the list of events that the operator was told of, and the one write that may have been under
way. Syncing is switched off here: what survives a power cut is the business of `store_states`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from crash.harness import Harness, Tally
from crash.store_mutants import ERROR_SWALLOWED, NOT_TAKEN_BACK, TORN_TAIL_LEFT, broken
from orion_deploy.errors import HeldError, NotRecordedError, StoreError
from orion_deploy.run import events as ev
from orion_deploy.run import files, journal
from orion_deploy.run.edge import Edge
from orion_deploy.run.fold import fold
from orion_deploy.run.places import Places
from orion_deploy.run.store import Store

EDGE = Edge(now=lambda: 1000.0, who=lambda: "ann@db1", boot_id=lambda: "b00t")
STEPS = st.sampled_from(["a", "b", "é/3"])
TEXTS = st.text(max_size=300)
PASSED: dict[str, Any] = {"outcome": "passed", "reason": "r"}
EVENTS = st.one_of(
    st.builds(
        ev.Opened,
        checklist=TEXTS,
        digest=TEXTS,
        cwd=TEXTS,
        steps=st.dictionaries(STEPS, st.sampled_from("12")),
    ),
    st.builds(ev.Started, step=STEPS, attempt=st.integers(1, 4), title=TEXTS),
    st.builds(
        ev.Finished, step=STEPS, attempt=st.integers(1, 4), verdict=st.just(PASSED), more=st.booleans()
    ),
    st.builds(ev.Lost, step=STEPS, attempt=st.integers(1, 4), reason=TEXTS),
    st.builds(ev.Ticked, step=STEPS, auto=st.booleans(), value=TEXTS),
    st.builds(ev.Unticked, step=STEPS),
    st.builds(ev.Noted, step=STEPS, text=TEXTS, at=st.floats(0, 2e9)),
)
WRITES = st.lists(EVENTS, min_size=1, max_size=4)


class RunMachine(RuleBasedStateMachine):
    """One run, its operators, and what they were told."""

    begun = 0

    @initialize()
    def begin(self) -> None:
        """A checklist without state."""
        RunMachine.begun += 1
        base = "/dev/shm" if os.path.isdir("/dev/shm") else None
        self.folder = Path(tempfile.mkdtemp(prefix="orion-machine-", dir=base))
        self.unsynced = patch.multiple(files, sync_data=_nothing, sync_file=_nothing, sync_folder=_nothing)
        self.unsynced.start()
        self.places = Places.of(self.folder / "a.md")
        self.run = self.places.run_directory("one")
        self.told: list[ev.Event] = []
        self.store: Store | None = None
        self.looking: Store | None = None

    @precondition(lambda self: self.store is None)
    @rule()
    def open(self) -> None:
        """What opens is what was told."""
        self.store = Store.open(self.run, sidecar=self.places.sidecar, edge=EDGE, wait_s=0.0)
        assert list(self.store.events()) == self.told

    @precondition(lambda self: self.store is not None)
    @rule(write=WRITES)
    def append(self, write: list[ev.Event]) -> None:
        """What was appended is told."""
        assert self.store is not None
        self.store.append(*write)
        self.told += write

    @precondition(lambda self: self.store is not None)
    @rule(write=WRITES, room=st.integers(0, 400))
    def append_without_room(self, write: list[ev.Event], room: int) -> None:
        """The disk takes `room` bytes and no more: nothing is told, and nothing is there."""
        assert self.store is not None
        real, left = os.write, [room]

        def limited(fd: int, data: bytes) -> int:
            if left[0] <= 0:
                raise OSError(28, "No space left on device")
            count = real(fd, bytes(data)[: left[0]])
            left[0] -= count
            return count

        try:
            with patch.object(os, "write", limited):
                self.store.append(*write)
        except NotRecordedError:
            assert not self.store.read_only
        else:
            assert left[0] >= 0
            self.told += write

    @precondition(lambda self: self.store is not None)
    @rule()
    def snapshot(self) -> None:
        """The snapshots are of what was told."""
        assert self.store is not None
        self.store.snapshot(force=True)
        assert not self.store.snapshot_error
        assert (self.run / "state.json").read_bytes() == self.places.sidecar.read_bytes()

    @precondition(lambda self: self.store is not None)
    @rule()
    def leave(self) -> None:
        """Close."""
        assert self.store is not None
        self.store.close()
        self.store = None

    @precondition(lambda self: self.store is not None)
    @rule(write=WRITES, share=st.floats(0, 1))
    def crash_in_a_write(self, write: list[ev.Event], share: float) -> None:
        """Killed after any byte of a write: its whole records may be there, and nothing else of it."""
        assert self.store is not None
        data, _ = journal.encode_all(write, self.store._link)
        cut = round(len(data) * share)
        os.write(self.store._fd, data[:cut])
        self.store.close()
        self.store = None
        self.told += write[: data[:cut].count(b"\n")]

    @precondition(lambda self: self.store is not None)
    @rule()
    def contend(self) -> None:
        """A second operator is kept out."""
        try:
            Store.open(self.run, edge=EDGE, wait_s=0.0)
        except HeldError:
            return
        raise AssertionError("two holders")

    @precondition(lambda self: self.run.is_dir() and self.looking is None)
    @rule()
    def look_on(self) -> None:
        """Somebody else follows, from now on."""
        self.looking = Store.look(self.run)

    @precondition(lambda self: self.looking is not None)
    @rule()
    def follow(self) -> None:
        """Who looks on sees what was told, through torn tails and writes that were taken back."""
        assert self.looking is not None
        self.looking.refresh()
        assert self.looking.state == fold(self.told)

    @precondition(lambda self: self.store is None and len(self.told) > 1)
    @rule(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
    def damage(self, place: float, bit: int) -> None:
        """A flipped bit anywhere before the last record is refused, and changes nothing."""
        path = self.run / "journal.jsonl"
        good = path.read_bytes()
        last = good.rstrip(b"\n").rfind(b"\n")
        data = bytearray(good)
        data[int(place * last)] ^= 1 << bit
        path.write_bytes(data)
        try:
            Store.open(self.run, edge=EDGE, wait_s=0.0).close()
        except StoreError:
            pass
        else:
            raise AssertionError(f"damage at {int(place * last)} was believed")
        finally:
            assert path.read_bytes() == data
            path.write_bytes(good)

    @invariant()
    def state_is_the_fold(self) -> None:
        """The state in memory is the fold of what was told, and the run is listed with it."""
        if getattr(self, "store", None) is None:
            return
        assert self.store is not None
        assert self.store.state == fold(self.told)
        if self.told:
            (info,) = self.places.list_runs()
            assert (info.name, info.damage) == ("one", "")
            assert info.counts.get("done", 0) == sum(
                step.status.value == "done" for step in self.store.state.steps.values()
            )

    def teardown(self) -> None:
        """Leave nothing behind."""
        if getattr(self, "store", None) is not None:
            assert self.store is not None
            self.store.close()
        if hasattr(self, "unsynced"):
            self.unsynced.stop()
            shutil.rmtree(self.folder)


def _nothing(*_: object) -> None:
    """Do not do it."""


def machine(points: int, mutant: str) -> Tally:
    """Run `points` examples."""
    tally = Tally()
    RunMachine.begun = 0
    phases = [Phase.explicit, Phase.generate] if mutant else [Phase.explicit, Phase.generate, Phase.shrink]
    rules = settings(
        max_examples=points,
        stateful_step_count=30,
        deadline=None,
        database=None,
        derandomize=True,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    with broken(mutant):
        try:
            run_state_machine_as_test(RunMachine, settings=rules)
        except Exception as error:  # Whatever hypothesis found, it is the fault.
            tally.fault("the model disagrees", repr(error)[:500])
    tally.points = RunMachine.begun
    return tally


HARNESS = Harness(
    "any life, against a model",
    machine,
    (TORN_TAIL_LEFT, NOT_TAKEN_BACK, ERROR_SWALLOWED),
    short=100,
    full=5_000,
    mutant_max=300,
)
