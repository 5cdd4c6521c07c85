"""kill -9 of the real screens in a terminal, in the middle of a step or anywhere else: every step runs exactly once.

A checklist is carried out by keys in a real pty. At a random instant the app is killed, alone or with its
whole process group, and started again, until every step is done. What holds after each kill: the terminal is
as it was, and how to go on is printed. At the end: each step has written its two lines once and in order, its
output and status are exact, and the journal tells of one carrying-out of each.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import sys
import termios
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from support.screen import ENTER, PROGRAM, Screen

from crash.harness import Harness, Tally, scratch
from crash.screens_mutants import NO_ADOPTION, NO_GUARDIAN, NO_START_RECORD
from orion_deploy.run.desk import folder_name
from orion_deploy.run.output import Output
from orion_deploy.run.places import Places
from orion_deploy.run.state import NEVER_STARTED, RunState, Status
from orion_deploy.run.store import Store

STEPS = 6
STEPS_SHORT = 2
"""Of a checklist in the short form, which has no time for long lives."""
SHORT_MAX = 50
STEP_S_MAX = 0.6
ALIVE_S_MAX = 0.9
"""After Enter was typed; a step takes less."""
START_S_MAX = 0.5
KILLS_OF_A_LIFE_MAX = 80
LANES = 3
"""Checklists at a time: most of a life is waiting."""
GUARDED_S_MAX = 10.0
MUTANT_S_MAX = 3.0
"""What is broken is killed when its step has begun; where none does, after this."""
BROKEN = Path(__file__).with_name("screens_mutants.py")

PHASES = ("starting", "arriving", "choosing", "running")
WEIGHTS = (1, 1, 1, 9)


def book(folder: Path, pick: random.Random, steps: int) -> Path:
    """A checklist whose steps tell the log when they begin and when they end."""
    text = "# Night\n\n## Work\n\n"
    for number in range(steps):
        text += (
            f"- [ ] Step {number}\n\n  ```yaml step\n  id: s{number}\n  auto: true\n  ```\n\n  ```bash\n"
            f"  echo begin {number} >> log\n  sleep {pick.uniform(0, STEP_S_MAX):.3f}\n"
            f"  echo out {number}\n  echo end {number} >> log\n  ```\n\n"
        )
    path = folder / "night.md"
    path.write_text(text)
    return path


class Life:
    """One checklist, from its first opening to its end."""

    def __init__(self, folder: Path, seed: int, mutant: str, steps: int, *, whole_group: bool) -> None:
        self.pick = random.Random(seed)
        self.steps = steps
        self.path = book(folder, self.pick, steps)
        self.mutant = mutant
        self.whole_group = whole_group
        self.tally = Tally()

    def live(self) -> Tally:
        """Kill and go on until every step is done."""
        while not self.is_done() and self.tally.points < KILLS_OF_A_LIFE_MAX:
            self._one_session()
            log = self._log()
            if len(set(log)) != len(log):
                self.tally.fault("a step ran twice", str(log))
            if self.tally.faults:
                return self.tally
        if not self.is_done():
            self.tally.fault("does not come to its end", str(self.state()))
            return self.tally
        self._last_session()
        self._compare()
        return self.tally

    def state(self) -> RunState:
        """The run as it stands on disk."""
        name = Places.of(self.path).latest()
        if name is None:
            return RunState()
        return Store.look(Places.of(self.path).run_directory(name)).state

    def _log(self) -> list[str]:
        path = self.path.parent / "log"
        return path.read_text().splitlines() if path.exists() else []

    def is_done(self) -> bool:
        """Whether every step is settled."""
        state = self.state()
        return all(state.step(f"s{number}").status is Status.DONE for number in range(self.steps))

    def _screen(self) -> Screen:
        program = [sys.executable, str(BROKEN), self.mutant] if self.mutant else list(PROGRAM)
        return Screen([*program, "open", self.path.name, "--approve"], cwd=self.path.parent)

    def _one_session(self) -> None:
        phase = self.pick.choices(PHASES, WEIGHTS)[0] if not self.mutant else "running"
        with self._screen() as screen:
            try:
                self._drive(screen, phase)
            except AssertionError as error:
                if not self.mutant:  # A broken app that does not come at all shows nothing of this harness.
                    self.tally.fault("the screens do not come", str(error))
                return
            is_guarded = phase != "starting" or termios.tcgetattr(screen.slave)[:4] != screen.modes[:4]
            while self.whole_group and os.getpgid(screen.pid) != screen.pid:
                os.sched_yield()  # It has been forked, and does not lead its group yet.
            (os.killpg if self.whole_group else os.kill)(screen.pid, signal.SIGKILL)
            self.tally.points += 1
            self.tally.seen[phase] += 1
            if screen.end() != -signal.SIGKILL:
                self.tally.fault("it had ended before it was killed", screen.text)
            elif is_guarded:
                self._look_at_terminal(screen)

    def _drive(self, screen: Screen, phase: str) -> None:
        """Type keys up to the instant of the kill."""
        if phase == "starting":
            self._let_it(screen, START_S_MAX)
            return
        text = screen.wait(lambda text: "q leave" in text or "Back in run" in text)
        self._let_it(screen, 0.4 if phase == "arriving" else 0.0)
        if phase == "arriving":
            return
        screen.wait_quiet()
        if "Back in run" in screen.text or "Back in run" in text:
            screen.press(ENTER)
            screen.wait(lambda text: "q leave" in text and "Back in run" not in text)
        screen.type("g")
        if phase == "choosing":
            self._let_it(screen, 0.3)
            return
        screen.wait_quiet()
        begun = len(self._log())
        screen.type(ENTER)
        if self.mutant:
            with suppress(AssertionError):
                screen.wait(lambda _: len(self._log()) > begun, MUTANT_S_MAX)
            return
        self._let_it(screen, ALIVE_S_MAX)

    def _let_it(self, screen: Screen, seconds_max: float) -> None:
        """Let it go on for a random time; what it paints is read meanwhile."""
        until = time.monotonic() + self.pick.uniform(0, seconds_max)
        while (left := until - time.monotonic()) > 0:
            screen.read(left)

    def _look_at_terminal(self, screen: Screen) -> None:
        """What the guardian leaves: the modes as they were, and how to go on."""
        words = f"Go on with the run: orion-deploy {self.path.name}"
        try:
            screen.wait(words, GUARDED_S_MAX if not self.mutant else MUTANT_S_MAX)
        except AssertionError as error:
            self.tally.fault("how to go on is not said", str(error))
            return
        if not screen.is_sane():
            self.tally.fault("the terminal is not as it was", screen.text)

    def _last_session(self) -> None:
        """Open it once more, look, and leave in good order."""
        with self._screen() as screen:
            try:
                screen.wait(lambda text: "q leave" in text or "Back in run" in text)
                screen.wait_quiet()
                if "Back in run" in screen.text:
                    screen.press(ENTER)
                screen.wait(f"{self.steps} of {self.steps}")
                screen.press("q")
                code = screen.end()
            except AssertionError as error:
                self.tally.fault("it cannot be left in good order", str(error))
                return
            if code != 0 or not screen.is_sane():
                self.tally.fault("it cannot be left in good order", f"code {code}: {screen.text}")

    def _compare(self) -> None:
        """Hold what happened against what the run says of it."""
        wanted = [f"{word} {number}" for number in range(self.steps) for word in ("begin", "end")]
        log = self._log()
        if Counter(log) != Counter(wanted):
            self.tally.fault("a step did not run", str(log))
        elif any(log[place + 1] != f"end {log[place][6:]}" for place in range(0, len(log), 2)):
            self.tally.fault("steps ran side by side", str(log))
        state = self.state()
        directory = Places.of(self.path).run_directory(Places.of(self.path).latest() or "")
        for number in range(self.steps):
            step = state.step(f"s{number}")
            ran = [a for a in step.attempts if a.ending != NEVER_STARTED]
            self.tally.seen["never started"] += len(step.attempts) - len(ran)
            self.tally.seen["adopted"] += sum(a.adopted for a in ran)
            if len(ran) != 1 or ran[0].exit_status != 0 or ran[0].verdict is None:
                self.tally.fault("the journal tells of something else", f"s{number}: {step.attempts}")
                continue
            folder = directory / "attempts" / folder_name(f"s{number}") / str(ran[0].number)
            if Output(folder).tail(1000) != f"out {number}\n".encode():
                self.tally.fault("the output is another one", f"s{number}")


def _life(task: tuple[Path, int, str, int, bool]) -> Tally:
    base, seed, mutant, steps, whole_group = task
    folder = base / str(seed)
    folder.mkdir()
    try:
        return Life(folder, seed, mutant, steps, whole_group=whole_group).live()
    except Exception as error:  # whatever goes wrong is what is looked for
        tally = Tally(points=1)
        tally.fault(type(error).__name__, str(error))
        return tally
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def kill_screens(points: int, mutant: str, *, whole_group: bool = False) -> Tally:
    """Live one checklist after the other until the app was killed so many times."""
    tally = Tally()
    if not sys.platform.startswith("linux"):
        tally.skipped = "was written for Linux's process groups and /dev/shm"
        return tally
    lanes = LANES if not mutant else 1
    with scratch() as base, multiprocessing.get_context("fork").Pool(lanes) as pool:
        steps = STEPS_SHORT if points < SHORT_MAX else STEPS
        lives = [(base, seed, mutant, steps, whole_group) for seed in range(points)]
        for life in pool.imap_unordered(_life, lives):
            tally.points += life.points
            tally.seen += life.seen
            tally.faults += life.faults
            tally.examples = (tally.examples + life.examples)[:5]
            if tally.points >= points or (mutant and tally.faults):
                break
    return tally


def kill_groups(points: int, mutant: str) -> Tally:
    """As `kill_screens`, with the whole process group of the app."""
    return kill_screens(points, mutant, whole_group=True)


HARNESSES = (
    Harness(
        name="kill -9 of the screens",
        run=kill_screens,
        mutants=(NO_START_RECORD, NO_ADOPTION, NO_GUARDIAN),
        short=5,
        full=1_400,
        mutant_max=40,
    ),
    Harness(
        name="kill -9 of their process group",
        run=kill_groups,
        mutants=(),
        short=4,
        full=600,
        mutant_max=0,
    ),
)
