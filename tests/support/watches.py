"""Watches with a clock of the test's own: a day of looks takes a second, and nobody sleeps."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from orion_deploy.kinds.verdict import Json
from orion_deploy.run.edge import Edge
from orion_deploy.run.files import make_folder
from orion_deploy.run.watches import reading
from orion_deploy.run.watches.reading import watch_folder
from orion_deploy.run.watches.record import Spec, WatchRecord, clocks
from orion_deploy.run.watches.watch import Watch
from support.kinds import until

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
EVENING = 1_764_108_000.0
"""2025-11-25 22:00 UTC."""


@dataclass
class Machine:
    """A machine's clocks, moved by hand."""

    wall: float = EVENING
    boot_s: float = 1000.0
    awake_s: float = 900.0
    boot: str = "boot-1"

    def edge(self) -> Edge:
        """What the product sees of it."""
        return Edge(
            now=lambda: self.wall,
            boot_s=lambda: self.boot_s,
            awake_s=lambda: self.awake_s,
            boot_id=lambda: self.boot,
            who=lambda: "ann@db1",
            environ=dict,
        )

    def passes(self, s: float) -> None:
        """Time goes by."""
        self.wall += s
        self.boot_s += s
        self.awake_s += s

    def sleeps(self, s: float) -> None:
        """The lid is closed."""
        self.wall += s
        self.boot_s += s

    def reboots(self, down_s: float) -> None:
        """It is switched off, and on again."""
        self.wall += down_s
        self.boot_s = self.awake_s = 20.0
        self.boot += "+"


def kill_keeper(run_directory: Path) -> None:
    """Kill who watches, as a reboot would. One that is just being started has no process id yet."""
    until(lambda: getattr(reading.keeper_of(run_directory), "pid", -1) != 0, "who watches")
    keeper = reading.keeper_of(run_directory)
    if keeper is not None:
        assert keeper.pid > 1
        os.kill(keeper.pid, signal.SIGKILL)
        until(lambda: reading.keeper_of(run_directory) is None, "the end of who watches")


class Watcher:
    """Somebody who looks, on a machine of the test's own; may be killed and followed by another at any time."""

    def __init__(
        self,
        folder: Path,
        kind: str,
        parameters: dict[str, Json],
        *,
        watch_s: float = DAY_S,
        every_s: float | None = None,
        machine: Machine | None = None,
    ) -> None:
        self.machine = machine or Machine()
        self.run_directory = folder / "run"
        self.folder = watch_folder(self.run_directory, "step-0", 1)
        for each in (self.run_directory, self.folder.parent, self.folder):
            make_folder(each)
        self.spec = Spec(
            step="step",
            attempt=1,
            title="The step",
            kind=kind,
            parameters=parameters,
            watch_s=watch_s,
            every_s=every_s,
            cwd=str(folder),
            run="r1",
            variables={},
            started=clocks(self.machine.edge()),
        )
        self.watch = self._someone()

    def _someone(self) -> Watch:
        return Watch(
            self.folder, self.spec, run_directory=self.run_directory, edge=self.machine.edge(), environ={}
        )

    @property
    def record(self) -> WatchRecord:
        """What was seen so far."""
        return self.watch.record

    def dies(self) -> None:
        """Killed without a word; somebody else goes on from the disk."""
        self.watch = self._someone()

    def leaves(self) -> None:
        """Ends in good order; somebody else goes on from the disk."""
        self.watch.keep()
        self.dies()

    def looks(self, for_s: float, between: Callable[[], object] = lambda: None) -> WatchRecord:
        """Look as often as the watch does, for so long; `between` is what the world does before each look."""
        end = self.machine.boot_s + for_s
        while self.machine.boot_s < end and not self.watch.is_over:
            self.machine.passes(min(self.watch.every_s, end - self.machine.boot_s))
            between()
            self.watch.turn()
        return self.watch.record
