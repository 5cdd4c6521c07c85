"""Any life of a run through its session, against a small model: no order of acts, ends, crashes and edits confuses it.

Open, start, finish, lose, tick, skip, note, choose, resolve, turn back, finish the run; a kill between any two acts and
within a start; a torn write; a second operator; an edited checklist. The store is the real one on a real disk;
steps run scripted, and in a smaller machine as real processes under real supervisors.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar
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
from crash.session_worlds import Killed, Real, Scripted
from orion_deploy.errors import HeldError, RefusedError
from orion_deploy.run import attempt as attempts
from orion_deploy.run import events as ev
from orion_deploy.run import journal, working
from orion_deploy.run.opening import open_session
from orion_deploy.run.session import Session
from orion_deploy.run.store import Store

LOST_IS_OPEN = "what was interrupted is open again"
EDIT_UNSEEN = "an edited step stays ticked"
RESULT_DROPPED = "a result that came meanwhile is thrown away"
NEEDS_FORGOTTEN = "what a step needs is not looked at"

STEPS = ("plain", "auto", "needy", "choice", "back")
RUNNABLE = st.sampled_from(STEPS)
KILLS = ("before the folder", "before the start", "after the start")
SETTLED = ("done", "skipped")


def text_of(version: dict[str, int], script: str) -> str:
    """The checklist; another version of a step has another text."""

    def step(name: str, facts: str = "", body: str = "") -> str:
        block = body or f"  ```bash\n  {script}\n  ```\n"
        return f"- [ ] Step {name} in version {version[name]}\n\n  ```yaml step\n  id: {name}\n{facts}  ```\n\n{block}\n"

    options = "".join(f"  **Option {n}: way {n}**\n  ```bash\n  {script}\n  ```\n\n" for n in (1, 2))
    return (
        "# Run\n\n## Work\n\n"
        + step("plain")
        + step("auto", "  auto: true\n")
        + step("needy", "  needs: [plain]\n")
        + step("choice", "", options)
        + "## Rollback\n\n"
        + step("back")
    )


@dataclass
class Known:
    """What the model knows of a step."""

    status: str = "todo"
    attempts: int = 0
    spawned: int = 0
    """How often it really ran."""
    before: str = "todo"
    settled: str = ""
    digest: int = -1
    """Version of the text of which it was settled."""
    option: int | None = None
    notes: int = 0

    def settle(self, status: str, version: int) -> None:
        """Done or skipped, of this text."""
        self.status = self.settled = status
        self.digest = version

    def unsettle(self, status: str) -> None:
        """Anything else."""
        self.status, self.settled, self.digest = status, "", -1

    def compare(self, version: int) -> None:
        """The text may be another one now."""
        if not self.settled:
            return
        if self.status in SETTLED and version != self.digest:
            self.status = "changed"
        elif self.status == "changed" and version == self.digest:
            self.status = self.settled


@dataclass
class Model:
    """What the model knows of the run."""

    steps: dict[str, Known] = field(default_factory=lambda: {name: Known() for name in STEPS})
    finished: bool = False
    turned_back: bool = False
    version: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STEPS, 0))
    """Of the file."""
    opened: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STEPS, 0))
    """Of the text that the open session has read."""

    def may_start(self, name: str) -> bool:
        """Whether it can be run now."""
        step = self.steps[name]
        if self.finished or step.status in ("running", "unknown"):
            return False
        if name == "choice" and step.option is None:
            return False
        if name == "back" and not self.turned_back:
            return False
        if any(other.status == "running" for other in self.steps.values()):
            return False
        return name != "needy" or self.steps["plain"].status == "done"


class RunMachine(RuleBasedStateMachine):
    """One run, its file, its operators."""

    begun: ClassVar[int] = 0
    world_of: ClassVar[type[Scripted]] = Scripted

    @initialize()
    def begin(self) -> None:
        """A checklist without state."""
        RunMachine.begun += 1
        self.folder = Path(tempfile.mkdtemp(prefix="orion-machine-")).resolve()
        self.world = self.world_of(self.folder)
        self.path = self.folder / "run.md"
        self.model = Model()
        self.session: Session | None = None
        self.running: Path | None = None
        self.write_file()
        self.open()

    def write_file(self) -> None:
        """The checklist as it is now."""
        self.path.write_text(text_of(self.model.version, self.world.script))

    @precondition(lambda self: self.session is None)
    @rule()
    def open(self) -> None:
        """What opens is what was known; what was in flight is called by its name."""
        self.session = open_session(self.path, run="one", cwd=str(self.folder))
        self.world.attach(self.session)
        if self.session.needs_approval:
            self.session.approve()
        model = self.model
        model.opened = dict(model.version)
        for name, step in model.steps.items():
            step.compare(model.opened[name])
            if step.status == "running":
                self.find_out(name)

    def find_out(self, name: str) -> None:
        """What became of the step that ran when nobody looked."""
        step = self.model.steps[name]
        directory = self.directory(name)
        if directory in self.world.held:
            return
        match self.fate:
            case "never":
                step.status = step.before
                step.compare(self.model.opened[name])
            case "lost":
                step.unsettle("unknown")
            case code:
                self.ended(name, int(code))

    fate = ""
    """How the step ended that ran last: an exit code, `lost`, or `never`."""

    def ended(self, name: str, code: int) -> None:
        """What a result makes of the step."""
        step = self.model.steps[name]
        step.unsettle("undecided" if code == 0 else "failed")
        if code == 0 and name == "auto":
            step.settle("done", self.model.opened[name])

    def directory(self, name: str) -> Path:
        """The folder of its last attempt."""
        from orion_deploy.run.desk import folder_name

        number = str(self.model.steps[name].attempts)
        return self.folder / "run.md.runs" / "one" / "attempts" / folder_name(name) / number

    # Running

    @precondition(lambda self: self.session is not None)
    @rule(name=RUNNABLE)
    def start(self, name: str) -> None:
        """It starts exactly when it may, and runs once by it."""
        self.begin_step(name, "")

    @precondition(lambda self: self.session is not None)
    @rule(name=RUNNABLE, where=st.sampled_from(KILLS))
    def killed_in_a_start(self, name: str, where: str) -> None:
        """The app dies within a start."""
        if self.model.may_start(name):
            self.begin_step(name, where)

    def begin_step(self, name: str, kill_at: str) -> None:
        """Start, and know what that makes of it."""
        assert self.session is not None
        step = self.model.steps[name]
        if not self.model.may_start(name):
            spawned = self.world.spawned
            try:
                self.session.start(name)
            except RefusedError:
                assert self.world.spawned == spawned
                return
            raise AssertionError(f"{name} was started as {step.status}")
        spawned = self.world.spawned
        self.world.kill_at = kill_at
        try:
            with patch.object(Session, "_not_started", _nothing):
                self.session.start(name)
        except Killed:
            self.drop()
        self.world.kill_at = ""
        step.before = step.status
        step.status = "running"
        step.attempts += 1
        step.spawned += self.world.spawned - spawned
        self.fate = "never" if kill_at in KILLS[:2] else ""

    def in_flight(self) -> str:
        """The step that really runs now."""
        return next(
            (
                n
                for n, s in self.model.steps.items()
                if s.status == "running" and self.directory(n) in self.world.held
            ),
            "",
        )

    @precondition(lambda self: bool(self.in_flight()))
    @rule(code=st.sampled_from([0, 0, 3]))
    def finish_step(self, code: int) -> None:
        """It ends; a session that is open takes it in."""
        name = self.in_flight()
        self.world.finish(self.directory(name), code)
        self.fate = str(code)
        if self.session is not None:
            self.session.collect(name)
            self.ended(name, code)

    @precondition(lambda self: bool(self.in_flight()))
    @rule()
    def lose_step(self) -> None:
        """It and its supervisor are killed."""
        name = self.in_flight()
        self.world.lose(self.directory(name))
        self.fate = "lost"
        if self.session is not None:
            self.session.collect(name)
            self.model.steps[name].unsettle("unknown")

    # A person

    @precondition(lambda self: self.session is not None)
    @rule(name=RUNNABLE)
    def tick(self, name: str) -> None:
        """With a reason everything can be ticked that does not run."""
        step = self.model.steps[name]
        if self.allowed(lambda s: s.tick(name, reason="seen"), step.status != "running"):
            step.settle("done", self.model.opened[name])

    @precondition(lambda self: self.session is not None)
    @rule(name=RUNNABLE)
    def untick(self, name: str) -> None:
        """Taken back; not what nobody knows."""
        step = self.model.steps[name]
        if self.allowed(lambda s: s.untick(name), step.status not in ("running", "unknown")):
            step.unsettle("todo")

    @precondition(lambda self: self.session is not None)
    @rule(name=RUNNABLE)
    def skip(self, name: str) -> None:
        """Passed over, with a reason."""
        step = self.model.steps[name]
        if self.allowed(lambda s: s.skip(name, "not today"), step.status != "running"):
            step.settle("skipped", self.model.opened[name])

    @precondition(lambda self: self.session is not None)
    @rule(name=RUNNABLE)
    def note(self, name: str) -> None:
        """A note changes no status."""
        assert self.session is not None
        self.session.note("slow tonight", name)
        self.model.steps[name].notes += 1

    @precondition(lambda self: self.session is not None)
    @rule(option=st.sampled_from([1, 2]))
    def choose(self, option: int) -> None:
        """Another option opens what was not settled, and is refused where something stands."""
        step = self.model.steps["choice"]
        stands = step.option not in (None, option) and step.status in (
            "running",
            "unknown",
            "done",
            "changed",
        )
        if self.allowed(lambda s: s.choose("choice", option), not stands):
            if step.option not in (None, option) and step.status in ("undecided", "failed"):
                step.status = "todo"
            step.option = option

    @precondition(lambda self: self.session is not None)
    @rule(name=RUNNABLE, how=st.sampled_from(["done", "failed", "rerun"]))
    def resolve(self, name: str, how: str) -> None:
        """What is open in its outcome is decided; nothing else."""
        step = self.model.steps[name]
        may = step.status in ("unknown", "undecided", "failed")
        if self.allowed(lambda s: s.resolve(name, how, "I looked"), may):
            if how == "done":
                step.settle("done", self.model.opened[name])
            else:
                step.unsettle("failed" if how == "failed" else "todo")

    @precondition(lambda self: self.session is not None)
    @rule()
    def turn_back(self) -> None:
        """The rollback is entered; what was closed is open again."""
        assert self.session is not None
        self.session.enter_rollback("it burns")
        self.model.turned_back, self.model.finished = True, False

    @precondition(lambda self: self.session is not None)
    @rule()
    def finish_run(self) -> None:
        """Closed for good, once, and unless something runs."""
        runs = any(step.status == "running" for step in self.model.steps.values())
        if self.allowed(lambda s: s.finish(), not runs and not self.model.finished):
            self.model.finished = True

    def allowed(self, act: Any, may: bool) -> bool:
        """Do it; it must be refused exactly when it may not be."""
        assert self.session is not None
        try:
            act(self.session)
        except RefusedError:
            assert not may
            return False
        assert may
        return True

    # Leaving, dying, others

    @precondition(lambda self: self.session is not None)
    @rule()
    def leave(self) -> None:
        """In good order."""
        assert self.session is not None
        self.session.close()
        self.session = None

    @precondition(lambda self: self.session is not None)
    @rule()
    def crash(self) -> None:
        """Killed between two acts."""
        self.drop()

    @precondition(lambda self: self.session is not None)
    @rule(share=st.floats(0, 1, exclude_max=True))
    def crash_in_a_write(self, share: float) -> None:
        """Killed in the middle of a write that nobody was told of."""
        assert self.session is not None
        data, _ = journal.encode_all([ev.Noted(text="half")], self.session._store._link)
        os.write(self.session._store._fd, data[: int(len(data) * share)])
        self.drop()

    def drop(self) -> None:
        """The app is gone: its descriptors close, nothing more is written."""
        assert self.session is not None
        self.session._store.close()
        self.world.close()
        self.session = None

    @precondition(lambda self: self.session is not None)
    @rule()
    def second_operator(self) -> None:
        """Kept out, and shown the same."""
        assert self.session is not None
        impatient = patch.object(
            Store, "open", partial(Store.open, wait_s=0.0)
        )  # Its patience has tests of its own.
        with impatient, suppress(HeldError):
            open_session(self.path, run="one")
            raise AssertionError("two operators")
        with impatient:
            look = open_session(self.path, run="one", look_on=True)
        assert look.read_only
        assert look.state == self.session.state
        with suppress(RefusedError):
            look.tick("plain", reason="x")
            raise AssertionError("one who looks on has ticked")
        look.close()

    @rule(name=RUNNABLE)
    def edit(self, name: str) -> None:
        """The file is edited, to and fro; who has it open goes on with what was read."""
        self.model.version[name] ^= 1
        self.write_file()

    @invariant()
    def it_is_as_the_model_says(self) -> None:
        """Every step has the model's status, attempts and option; and ran as often as somebody asked for."""
        if getattr(self, "session", None) is None:
            return
        assert self.session is not None
        state = self.session.state
        for name, known in self.model.steps.items():
            step = state.step(name)
            assert step.status.value == known.status, (name, step.status.value, known)
            assert (len(step.attempts), len(step.notes)) == (known.attempts, known.notes), (name, known)
            assert step.option == known.option, (name, step.option, known)
        assert (state.finished_at is not None) == self.model.finished
        assert (state.rollback_at is not None) == self.model.turned_back
        assert self.world.spawned == sum(known.spawned for known in self.model.steps.values())
        if self.world_of is Real and not self.in_flight():
            ran = self.folder / "ran"
            assert len(ran.read_text().splitlines() if ran.exists() else ()) <= self.world.spawned

    def teardown(self) -> None:
        """Leave nothing behind."""
        if not hasattr(self, "world"):
            return
        if self.session is not None:
            self.drop()
        self.world.end()
        os.chdir("/")
        shutil.rmtree(self.folder, ignore_errors=True)


class RealMachine(RunMachine):
    """The same with real processes."""

    world_of = Real


def _nothing(*_: object) -> None:
    """Who was killed does no more."""


@contextmanager
def broken(mutant: str) -> Iterator[None]:
    """The product, deliberately broken."""
    if mutant == LOST_IS_OPEN:
        found = attempts.Look(attempts.Finding.NEVER_STARTED, reason="it is not there")
        with patch.object(attempts, "_without_supervisor", lambda *_: found):
            yield
    elif mutant == EDIT_UNSEEN:
        with patch.object(working.WorkingStep, "compare", _nothing):
            yield
    elif mutant == RESULT_DROPPED:

        def settle(self: Session, step_id: str) -> None:
            number = self.state.step(step_id).attempts[-1].number
            self._append(ev.Lost(step=step_id, attempt=number, reason="the app was gone"))

        with patch.object(Session, "_settle", settle), patch("orion_deploy.run.session.build", _nothing):
            yield
    elif mutant == NEEDS_FORGOTTEN:
        with patch("orion_deploy.run.rules.why_not_yet", lambda *_: ""):
            yield
    else:
        assert not mutant, mutant
        yield


def machine(points: int, mutant: str, kind: type[RunMachine] = RunMachine) -> Tally:
    """Run `points` examples."""
    tally = Tally()
    RunMachine.begun = 0
    phases = [Phase.explicit, Phase.generate] if mutant else [Phase.explicit, Phase.generate, Phase.shrink]
    rules = settings(
        max_examples=points,
        stateful_step_count=40 if kind is RunMachine else 15,
        deadline=None,
        database=None,
        derandomize=True,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    with broken(mutant), tempfile.TemporaryDirectory() as home, patch.dict(os.environ, XDG_STATE_HOME=home):
        try:
            run_state_machine_as_test(kind, settings=rules)
        except Exception as error:  # Whatever hypothesis found, it is the fault.
            notes = " | ".join(getattr(error, "__notes__", ()))
            tally.fault("the model disagrees", f"{error!r} {notes}"[-600:])
    tally.points = RunMachine.begun
    return tally


def real_machine(points: int, mutant: str) -> Tally:
    """With real processes."""
    return machine(points, mutant, RealMachine)


HARNESSES = (
    Harness(
        name="any life of a session, against a model",
        run=machine,
        mutants=(LOST_IS_OPEN, EDIT_UNSEEN, RESULT_DROPPED, NEEDS_FORGOTTEN),
        short=25,
        full=2_000,
        mutant_max=150,
    ),
    Harness(
        name="any life with real processes",
        run=real_machine,
        mutants=(LOST_IS_OPEN,),
        short=4,
        full=100,
        mutant_max=40,
    ),
)
