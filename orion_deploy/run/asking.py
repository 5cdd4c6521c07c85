"""What a run can be asked: its steps, what would run, what is missing, and why something cannot be done now."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path

from orion_deploy.checklist.escalation import Escalation, escalations
from orion_deploy.checklist.model import Checklist, CodeBlock, Section, Step
from orion_deploy.errors import StoreError
from orion_deploy.run import rules
from orion_deploy.run.blocks import Index, find_in, has_commands
from orion_deploy.run.choices import why_other_way
from orion_deploy.run.edge import Edge
from orion_deploy.run.lock import Holder, read_holder
from orion_deploy.run.state import RunState
from orion_deploy.run.values import Missing, missing_for, values_of


class Asking(ABC):
    """Questions to a run. None of them changes anything."""

    checklist: Checklist
    edge: Edge
    secrets: dict[str, str]
    held_by: Holder | None
    looks_on = False
    """Opened while somebody else held the run: it stays read-only, also when they have left."""
    _index: Index
    _is_trusted = False
    """Once these bytes are trusted they stay so."""

    @property
    @abstractmethod
    def state(self) -> RunState:
        """The run's state as it stands on disk."""

    @property
    @abstractmethod
    def cwd(self) -> str:
        """The folder in which steps run."""

    @property
    @abstractmethod
    def directory(self) -> Path:
        """The run's folder."""

    @property
    @abstractmethod
    def read_only(self) -> bool:
        """Whether acts are refused."""

    def find(self, step_id: str) -> tuple[Section, Step]:
        """Return the step and its section, by id, by number (`3`, in document order), or by the end of an id.

        Raises:
            RefusedError: there is no such step; names the nearest.
        """
        return find_in(self._index, step_id, self.checklist.path)

    def step(self, step_id: str) -> Step:
        """Return the step with this id. Raises as `find`."""
        return self.find(step_id)[1]

    def scripts(self, step_id: str) -> tuple[CodeBlock, ...]:
        """The command blocks that running the step would run, in order, for the option chosen."""
        return self.step(step_id).scripts(self.state.step(step_id).option)

    def next_block(self, step_id: str) -> int:
        """Index of the block that the next run of the step carries out."""
        step = self.step(step_id)
        return rules.next_block(step, self.state.step(step.id))

    def is_interactive(self, step_id: str, script: str | None = None) -> bool:
        """Whether the step's next run needs the real terminal: as its author says, else by its words."""
        from orion_deploy.checklist.terminal import needs_terminal

        step = self.step(step_id)
        if step.facts.call is not None:
            return False
        if step.facts.interactive is not None:
            return step.facts.interactive
        blocks = self.scripts(step_id)
        text = script or (blocks[self.next_block(step_id)].script if blocks else "")
        return bool(needs_terminal(text))

    def why_not_start(self, step_id: str) -> str:
        """Say why the step cannot be run now, or an empty string."""
        if self.read_only:
            return self._why_read_only()
        section, step = self.find(step_id)
        if self.needs_approval:
            return "the checklist is not approved yet; look at its commands first"
        return rules.why_not_start(self.checklist, self.state, step, section)

    def why_override(self, step_id: str) -> str:
        """Say what speaks against the step so that only a typed reason lets it run; empty where nothing does."""
        return why_other_way(self.checklist, self.state, self.step(step_id))

    def why_reason_needed(self, step_id: str) -> str:
        """Say why ticking the step now needs a typed reason, or an empty string."""
        return rules.why_reason_needed(self.checklist, self.state, self.step(step_id))

    def escalations_at(self, step_id: str) -> tuple[Escalation, ...]:
        """What the checklist says for when it goes wrong, where it went wrong at this step; else nothing. Raises as `find`."""
        if not rules.is_in_trouble(self.checklist, self.step(step_id), self.state.step(step_id)):
            return ()
        return escalations(self.checklist)

    @property
    def needs_approval(self) -> bool:
        """Whether these bytes were never shown and trusted, and hold anything that could run."""
        from orion_deploy.run.approvals import is_approved

        if not self._is_trusted:
            digest = self.checklist.digest
            self._is_trusted = (
                digest in self.state.approved or not has_commands(self.checklist) or is_approved(digest)
            )
        return not self._is_trusted

    @property
    def values(self) -> dict[str, str]:
        """Every variable that has a value now. Raises OrionError when one does not fit its type."""
        return values_of(self.checklist, self.state, self.secrets, self.edge.environ())

    def missing(self, step_id: str) -> Missing:
        """The variables and placeholders without a value that the step's next run needs."""
        step = self.step(step_id)
        values = self.values
        blocks = self.scripts(step.id)
        block = blocks[self.next_block(step.id)] if blocks else None
        return missing_for(step, block, self.checklist, self.state, values)

    def to_copy(self, script: str, step: Step | None = None) -> str:
        """The script as it can be pasted into any terminal: with this run's folder and values, secrets left out.

        Raises OrionError when a value does not fit its type, or the step's folder is not there.
        """
        from orion_deploy.checklist.placeholders import fill, find_placeholders
        from orion_deploy.run.desk import step_folder
        from orion_deploy.run.standalone import standing_alone

        values, answers = self.values, self.state.variables
        own = step.facts if step is not None else None
        if all(name in answers for name in find_placeholders(script)):
            script = fill(script, answers)
        return standing_alone(
            script,
            values | (dict(own.env) if own is not None else {}),
            folder=step_folder(self.cwd, own.cwd if own is not None else None, self.edge.environ() | values),
            paths=frozenset(v.name for v in self.checklist.variables if v.type == "path"),
            secrets=frozenset(v.name for v in self.checklist.variables if v.secret),
        )

    def hear_of_holder(self) -> bool:
        """Look-on: see who holds the run now; True when it is somebody else, or nobody any more.

        Where that cannot be found out, the one who was known last is taken to be there.
        """
        if not self.looks_on:
            return False
        before = self.held_by
        with suppress(OSError, StoreError):
            self.held_by = read_holder(self.directory)
        return self.held_by != before

    def _why_read_only(self) -> str:
        if self.held_by is not None:
            return f"{self.held_by.who} holds the run; you are looking on"
        if self.looks_on:
            return "you are looking on; nobody holds the run now: open it again to go on with it"
        return "the run's state can only be read"
