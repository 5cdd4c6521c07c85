"""The facts that decide which way back to take, gathered beside the run: nothing of it waits for them, nothing is started by them.

Each database of the checklist's `sqlite.*` steps is looked at by the check `sqlite.way_back`, in a process of its
own with a time limit. It only reads, and it is killed when nobody waits for it any more.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.checklist.model import Checklist, SectionKind, Step
from orion_deploy.errors import OrionError, RefusedError
from orion_deploy.kinds.sqlite.way_facts import FACTS_NAME, WayBack, follows
from orion_deploy.kinds.verdict import Json
from orion_deploy.run.session import Session

KIND = "sqlite.way_back"
LOOK_S_MAX = 120.0
"""After so long a look at one database is broken off; what was seen until then is told."""
DATABASES_MAX = 4
"""Databases of one checklist that are looked at."""
POLL_S = 0.05
_NAMES = ("up", "down", "version_table", "folder")
_FIRST = ("sqlite.rollback", "sqlite.restore", "sqlite.migrate", "sqlite.rehearse", "sqlite.state")
"""Whose parameters count, in this order: the steps of the way back know best what it needs."""
_WITH_FOLDER = ("sqlite.rollback", "sqlite.restore", "sqlite.backup")


@dataclass(frozen=True, slots=True)
class Question:
    """A database to look at: how the check is called, and the folder in which its relative paths start."""

    call: KindCall
    cwd: str


def questions(checklist: Checklist, values: Mapping[str, str], cwd: str) -> tuple[Question, ...]:
    """The databases that the typed steps of a checklist are about, each once; none where it knows no way back. Pure."""
    if not any(section.kind is SectionKind.ROLLBACK for section in checklist.walk_sections()):
        return ()
    found: dict[tuple[str, str], dict[str, object]] = {}
    steps = [step for _, step in checklist.walk() if step.facts.call is not None]
    for step in sorted(steps, key=_rank):
        call = step.facts.call
        assert call is not None
        path = call.parameters.get("path")
        if not call.name.startswith("sqlite.") or not isinstance(path, str):
            continue
        text = _filled(path, values)
        parameters = found.setdefault((_folder(step, cwd), text), {"path": text})
        for name in _NAMES:
            if name in call.parameters and (name != "folder" or call.name in _WITH_FOLDER):
                parameters.setdefault(name, call.parameters[name])
    return tuple(Question(KindCall(KIND, parameters), folder) for (folder, _), parameters in found.items())[
        :DATABASES_MAX
    ]


def _rank(step: Step) -> int:
    name = step.facts.call.name if step.facts.call is not None else ""
    return _FIRST.index(name) if name in _FIRST else len(_FIRST)


def _filled(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda m: values.get(m[1] or m[2], m[0]), text)


def _folder(step: Step, cwd: str) -> str:
    if not step.facts.cwd:
        return cwd
    return os.path.normpath(os.path.join(cwd, os.path.expanduser(step.facts.cwd)))


def is_asked_at(session: Session, step_id: str) -> bool:
    """Whether a step is the choice of a way back: a question of the rollback section with several answers."""
    section, step = session.find(step_id)
    call = step.facts.call
    return section.kind is SectionKind.ROLLBACK and call is not None and call.name == "people.choice"


class WaysBack:
    """What is found out of every database while somebody looks on.

    Where the checklist has no database, or is not approved, there is nothing to find out.
    """

    def __init__(self, session: Session) -> None:
        self._on_news: Callable[[], None] = lambda: None
        self._run = session.run
        self._run_directory = session.directory
        self._now = session.edge.now
        self._stopped = threading.Event()
        self._ways: tuple[WayBack, ...] = ()
        self._fault = ""
        self._values: Mapping[str, str] = {}
        self._environ: Mapping[str, str] = {}
        self._questions: tuple[Question, ...] = ()
        try:
            if not session.needs_approval:
                self._values = session.values
                self._environ = {**session.edge.environ(), **self._values}
                self._questions = questions(session.checklist, self._values, session.cwd)
        except OrionError as error:
            self._fault = error.what
        self._thread = threading.Thread(target=self._look, name="way-back", daemon=True)

    def __bool__(self) -> bool:
        """Whether there is anything to find out."""
        return bool(self._questions)

    @property
    def ways(self) -> tuple[WayBack, ...]:
        """What is known so far, one for each database that was begun with."""
        return self._ways

    @property
    def fault(self) -> str:
        """Why something could not be looked at; empty where nothing went wrong."""
        return self._fault

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return not self._thread.is_alive()

    def start(self, on_news: Callable[[], None] = lambda: None) -> None:
        """Begin to look; `on_news` is called on another thread, whenever there is something new.

        Where there is nothing to find out, nothing happens.
        """
        self._on_news = on_news
        if self:
            self._thread.start()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end, at most so long; True when it has come."""
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return self.is_over

    def stop(self) -> None:
        """Nobody waits for it any more."""
        self._on_news = lambda: None
        self._stopped.set()

    def to_json(self) -> dict[str, Json]:
        """What is known now, as it goes into the record; empty where there is nothing to know."""
        if not self:
            return {}
        return {
            "at": self._now(),
            "databases": [way.to_json() for way in self._ways],
            "follows": [sentence for way in self._ways for sentence in follows(way)],
            "fault": self._fault,
        }

    def _look(self) -> None:
        for number, question in enumerate(self._questions):
            if self._stopped.is_set():
                return
            try:
                for way in self._looked(question):
                    self._ways = (*self._ways[:number], way)
                    self._on_news()
            except (OSError, OrionError) as error:
                self._fault = error.what if isinstance(error, OrionError) else str(error)
                self._on_news()

    def _looked(self, question: Question) -> Iterator[WayBack]:
        """Everything that one look gives, one after the other. Raises OSError, RefusedError."""
        from orion_deploy.kinds import worker

        path = str(question.call.parameters["path"])
        way = WayBack(path)
        yield way
        folder = Path(tempfile.mkdtemp(prefix="look-"))
        try:
            process = self._started(question, folder)
            until_s = time.monotonic() + LOOK_S_MAX
            try:
                while True:
                    is_over = process.poll() is not None
                    seen = _read(folder)
                    if seen is not None and seen != way:
                        way = seen
                        yield way
                    if is_over or self._stopped.is_set():
                        break
                    if time.monotonic() > until_s:
                        raise RefusedError(f"the look at {path} was broken off after {LOOK_S_MAX:g} s")
                    self._stopped.wait(POLL_S)
            finally:
                process.kill()
                process.wait()
            if not way.is_complete and not self._stopped.is_set():
                verdict = worker.read_result(folder)
                raise RefusedError(
                    verdict.reason if verdict is not None else f"the look at {path} ended early"
                )
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _started(self, question: Question, folder: Path) -> subprocess.Popen[bytes]:
        from orion_deploy.kinds import worker

        request = folder / worker.REQUEST_NAME
        request.write_bytes(
            worker.request(
                question.call,
                run=self._run,
                run_directory=self._run_directory,
                attempt_directory=folder,
                cwd=Path(question.cwd),
                variables=self._values,
            )
        )
        script = folder / "script"
        script.write_bytes(worker.worker_script())
        return subprocess.Popen(
            [*worker.interpreter(), str(script)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=question.cwd,
            env={**self._environ, worker.REQUEST_VARIABLE: str(request)},
            start_new_session=True,
        )


def _read(folder: Path) -> WayBack | None:
    """The facts that a look has left so far; replaced whole, so that they are there or not."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        return WayBack.from_json(json.loads((folder / FACTS_NAME).read_bytes()))
    return None
