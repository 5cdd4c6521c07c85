"""Preparing and judging attempts: from a step to what runs, and from what ended to a verdict.

The desk knows folders and processes; it never touches the run's state, which only `session.py` changes.
"""

from __future__ import annotations

import difflib
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orion_deploy.checklist.model import Checklist, Expectation, KindCall, Step
from orion_deploy.errors import RefusedError
from orion_deploy.kinds.verdict import Outcome, Verdict
from orion_deploy.run.attempt import AttemptResult, AttemptSpec
from orion_deploy.run.edge import Edge
from orion_deploy.run.launcher import Launcher
from orion_deploy.run.state import Attempt, RunState, StepState

OUTPUT_FOR_VERDICT_BYTES_MAX = 1024 * 1024
KIND_TIMEOUT_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything that an attempt needs, before its start is recorded."""

    step: Step
    attempt: int
    block: int
    what: str
    directory: Path
    spec: AttemptSpec
    diff: str = ""
    request: bytes = b""

    @property
    def script_sha256(self) -> str:
        """Hash of the bytes that run."""
        return hashlib.sha256(self.request or self.spec.script).hexdigest()


def folder_name(step_id: str) -> str:
    """The name of a step's folder of attempts: readable, bounded, and never a raw id."""
    readable = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in step_id)[:40]
    return f"{readable.strip('-') or 'step'}-{hashlib.sha256(step_id.encode()).hexdigest()[:8]}"


class Desk:
    """Launches attempts of one run and reads their results."""

    def __init__(self, run_directory: Path, edge: Edge) -> None:
        self._run_directory = run_directory
        self._edge = edge
        self._launcher: Launcher | None = None

    @property
    def launcher(self) -> Launcher:
        """The launcher, made when it is first needed."""
        if self._launcher is None:
            self._launcher = Launcher()
        return self._launcher

    def warm(self) -> None:
        """Start what the first step would wait for, in the background."""
        _ = self.launcher

    def folder(self, step_id: str, attempt: int) -> Path:
        """The folder of an attempt."""
        return self._run_directory / "attempts" / folder_name(step_id) / str(attempt)

    def close(self) -> None:
        """Let the launcher go; running steps live on."""
        if self._launcher is not None:
            self._launcher.close()
            self._launcher = None
