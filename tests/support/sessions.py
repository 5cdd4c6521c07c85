"""Sessions on real files and real processes, with the waiting done right."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orion_deploy.kinds.verdict import Verdict
from orion_deploy.run.opening import open_session
from orion_deploy.run.session import Session

STEP_SECONDS_MAX = 30.0


class Driven:
    """A session with the ends of its attempts in a queue."""

    def __init__(self, path: Path, **options: object) -> None:
        self.ended: queue.Queue[tuple[str, int]] = queue.Queue()
        self.session: Session = open_session(
            path,
            on_ended=lambda step, attempt: self.ended.put((step, attempt)),
            **options,  # type: ignore[arg-type]
        )
        if self.session.needs_approval and not self.session.read_only:
            self.session.approve()

    def run(self, step_id: str, script: str | None = None) -> Verdict:
        """Start a step, wait for its end, take its result in."""
        self.session.start(step_id, script=script)
        return self.wait(step_id)

    def wait(self, step_id: str) -> Verdict:
        """Wait for the end of the running attempt of `step_id`, and take its result in."""
        while True:
            ended, _ = self.ended.get(timeout=STEP_SECONDS_MAX)
            if ended == step_id:
                verdict = self.session.collect(step_id)
                assert verdict is not None
                return verdict

    def wait_for_end(self, step_id: str) -> None:
        """Wait for the end of the running attempt, whatever is known of it, and take that in."""
        while self.ended.get(timeout=STEP_SECONDS_MAX)[0] != step_id:
            pass
        self.session.collect(step_id)

    def verify(self, step_id: str) -> Verdict:
        """Let the step's check look whether it was carried out, and take in what it saw."""
        self.session.verify(step_id)
        return self.wait(step_id)

    def text(self, step_id: str) -> str:
        """What the last attempt printed."""
        output = self.session.output(step_id)
        assert output is not None
        return output.tail(1 << 20).decode()


@contextmanager
def opened(path: Path, **options: object) -> Iterator[Driven]:
    """A session that is closed in good order."""
    driven = Driven(path, **options)
    try:
        yield driven
    finally:
        driven.session.close()


def book(folder: Path, text: str, name: str = "book.md") -> Path:
    """Write a checklist."""
    path = folder / name
    path.write_text(text, "utf-8")
    return path
