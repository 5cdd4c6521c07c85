"""A kind: a frozen pydantic model of its parameters, with `probe()` where it only looks or `act()` where it changes.

Kinds run in a process of their own (`orion_deploy.kinds.worker`), under the same supervisor as a shell
step: they may take their time, they may hold a database's locks, and they outlive the app.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel, ConfigDict

from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.kinds.verdict import Verdict

if TYPE_CHECKING:
    from orion_deploy.kinds.watching import Observer


@dataclass(frozen=True, slots=True)
class Context:
    """What a kind may know of the run that it serves.

    `run_directory` is the run's folder (0700): backups' manifests and facts of this run live there.
    `cwd` is where relative paths start. `progress(done, total, message)` may be called as often as one
    likes: it is throttled; `total` 0 means unknown, and `done` is not shown then. `is_cancelled()` turns true when
    the operator asked to stop: leave the world whole, then return a failed verdict. `now()` is wall-clock seconds.
    """

    run: str
    run_directory: Path
    attempt_directory: Path
    cwd: Path
    variables: Mapping[str, str]
    progress: Callable[[int, int, str], None]
    is_cancelled: Callable[[], bool]
    now: Callable[[], float]
    step: str = ""
    """Id of the step that is carried out, where it is known."""

    def text(self, text: str) -> str:
        """Return `text` with `$NAME` and `${NAME}` of the run (or of the environment) put in; an unknown name stays."""
        import os
        import re

        def value(match: re.Match[str]) -> str:
            name = match[1] or match[2]
            return self.variables.get(name, os.environ.get(name, match[0]))

        return re.sub(r"\$(?:\{(\w+)\}|(\w+))", value, text)

    def path(self, text: str) -> Path:
        """Return `text` as an absolute path: `~` and `$VARIABLES` of the run expanded, relative to `cwd`."""
        import os

        return Path(os.path.normpath(self.cwd / Path(self.text(text)).expanduser()))


class Kind(BaseModel):
    """The base of every kind. The class docstring is its help: what it does, units, errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)

    name: ClassVar[str]
    """`domain.verb`: `sqlite.backup`."""
    example: ClassVar[str] = ""
    """A YAML example for `kinds`."""

    @property
    def is_action(self) -> bool:
        """Whether it changes something: it has `act` of its own."""
        return isinstance(self, Action)


class Check(Kind):
    """A kind that only looks, and may be repeated at will."""

    def probe(self, context: Context) -> Verdict:
        """Look, and say what was seen. Raises nothing: what cannot be seen is an undecided verdict."""
        raise NotImplementedError

    def observe(self, context: Context) -> Observer:
        """Begin to watch: by default, `probe` again and again. Nothing is looked at yet."""
        from orion_deploy.kinds.watching import Repeated

        return Repeated(self)


class Action(Kind):
    """A kind that changes something, once, and then reads the state back."""

    @classmethod
    def verification(cls, parameters: Mapping[str, object]) -> KindCall | None:  # noqa: ARG003  # for its heirs
        """The check that tells for certain, after an interruption, whether it was carried out; None where none can.

        `parameters` are as they stand in the checklist: `$VARIABLES` are not put in, and secrets stay names.
        """
        return None

    def act(self, context: Context) -> Verdict:
        """Do it; the verdict comes from the state that was read back, never from a status."""
        raise NotImplementedError
