"""Operators who open one checklist at the same moment, when there is no run of it: they begin one, and one holds it.

Each round is a checklist of its own and some processes that wait for one word, then open it as every command does.
In half of the rounds one of them is killed at a random instant of its beginning. Who was told that the run is held,
leaves; at the end the run is opened once more: nothing that a kill left may be in the way, and there is one run.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from functools import partial
from pathlib import Path
from unittest.mock import patch

from crash.harness import Harness, Tally, scratch
from crash.store_mutants import ASKED_ONCE, LET_GO_EARLY, NO_BEGINNING_LOCK, broken
from orion_deploy.errors import HeldError, OrionError
from orion_deploy.run import lock
from orion_deploy.run.edge import Edge
from orion_deploy.run.opening import open_session
from orion_deploy.run.places import Places

OPERATORS = 4
KILLED_WITHIN_S = (0.003, 0.05)
"""Some of the kills are to come within a beginning, and some after it."""
WAIT_S = 0.03
"""How long to try for a run's lock, where it is not let go before the end of the round."""
SECONDS_MAX = 900
BOOK = "# Night\n\n## Work\n\n- [ ] Look\n- [ ] Think\n"


def operator(book: Path, number: int, start: int, end: int, pipe: int) -> None:
    """Open the checklist when the start is given, tell what came of it in one line, and hold it until the end."""
    edge = Edge(who=lambda: f"operator-{number}")
    os.read(start, 1)
    try:
        session = open_session(book, edge=edge, cwd="/")
    except HeldError:
        os.write(pipe, f"{number} held\n".encode())
    except OrionError as error:
        os.write(pipe, f"{number} error {error.what}".replace("\n", " ").encode()[:400] + b"\n")
    else:
        os.write(pipe, f"{number} holds {session.run}\n".encode())
        os.read(end, 1)
        session.close()


def starts(points: int, mutant: str) -> Tally:
    """Let them begin `points` times."""
    tally = Tally()
    patient = partial(lock.take, wait_s=WAIT_S)
    with (
        scratch() as folder,
        patch.object(lock, "take", lambda *given, **_: patient(*given)),
        broken(mutant),
    ):
        deadline = time.monotonic() + SECONDS_MAX
        while tally.points < points and not (mutant and tally.faults) and time.monotonic() < deadline:
            tally.points += 1
            _round(folder / str(tally.points), random.Random(tally.points), tally)
    return tally


def _round(folder: Path, pick: random.Random, tally: Tally) -> None:
    folder.mkdir(mode=0o700)
    book = folder / "a.md"
    book.write_text(BOOK)
    (start_read, start), (end_read, end), (told, tell) = os.pipe(), os.pipe(), os.pipe()
    ours = (start, end, told)
    alive = {
        number: _fork(partial(operator, book, number, start_read, end_read, tell), ours)
        for number in range(OPERATORS)
    }
    for fd in (start_read, end_read, tell):
        os.close(fd)
    os.close(start)
    killed = pick.choice((None, pick.randrange(OPERATORS)))
    if killed is not None:
        time.sleep(pick.uniform(0.0, pick.choice(KILLED_WITHIN_S)))
        pid = alive.pop(killed)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    answers = _answers(told, set(alive))
    os.close(end)
    for pid in alive.values():
        os.waitpid(pid, 0)
    os.close(told)
    _judge(book, answers, killed, tally)


def _answers(pipe: int, awaited: set[int]) -> dict[int, tuple[str, str]]:
    """What each has told, when all that are awaited have; before, where nobody can tell any more."""
    answers: dict[int, tuple[str, str]] = {}
    rest = b""
    while not awaited <= answers.keys() and (part := os.read(pipe, 65536)):
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            number, _, answer = line.decode().partition(" ")
            word, _, more = answer.partition(" ")
            answers[int(number)] = (word, more)
    return answers


def _judge(book: Path, answers: dict[int, tuple[str, str]], killed: int | None, tally: Tally) -> None:
    for word, more in answers.values():
        if word == "error":
            tally.fault("an operator could not go on", more)
    names = {more for word, more in answers.values() if word == "holds"}
    holders = [number for number, (word, _) in answers.items() if word == "holds" and number != killed]
    if len(holders) > 1:
        tally.fault("two holders at once", str(answers))
    if len(names) > 1:
        tally.fault("each has a run of its own", str(answers))
    if not holders and killed is None:
        tally.fault("nobody holds a run", str(answers))
    try:
        open_session(book, edge=Edge(), cwd="/").close()
    except OrionError as error:
        tally.fault("the run cannot be opened", error.what)
    runs = [info.name for info in Places.of(book).list_runs()]
    if len(runs) != 1:
        tally.fault("not one run", " ".join(runs))
    folders = [entry for entry in Path(f"{book}.runs").iterdir() if entry.is_dir()]
    tally.seen["kept out"] += sum(word == "held" for word, _ in answers.values())
    tally.seen["killed"] += killed is not None
    tally.seen["killed when it held the run"] += killed in answers
    tally.seen["killed between its name and its record"] += len(folders) - len(runs)


def _fork(act: partial[None], ours: tuple[int, ...]) -> int:
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        try:
            for fd in ours:
                os.close(fd)
            act()
        finally:
            os._exit(0)
    return pid


HARNESS = Harness(
    "two who begin",
    starts,
    (NO_BEGINNING_LOCK, ASKED_ONCE, LET_GO_EARLY),
    short=60,
    full=2_500,
    mutant_max=400,
)
