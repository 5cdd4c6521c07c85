"""Builders: a checklist, a state, a session, in the fewest words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from orion_deploy.checklist.model import (
    Checklist,
    CodeBlock,
    Role,
    Section,
    SectionKind,
    Step,
    StepFacts,
)
from orion_deploy.run import events as ev
from orion_deploy.run.fold import fold
from orion_deploy.run.state import RunState


def code(text: str, **more: Any) -> CodeBlock:
    """A shell block."""
    return CodeBlock(text=text, language="bash", role=Role.COMMAND, line=1, script=text, **more)


def step(step_id: str, script: str = "", **more: Any) -> Step:
    """A step; a command if it has a script."""
    facts = more.pop("facts", StepFacts())
    blocks = (code(script),) if script else more.pop("code", ())
    kind = more.pop("kind", "command" if blocks else (facts.call.name if facts.call else "manual"))
    return Step(
        id=step_id,
        title=more.pop("title", step_id.capitalize()),
        line=1,
        kind=kind,
        code=blocks,
        facts=facts,
        digest=more.pop("digest", f"digest-{step_id}"),
        **more,
    )


def section(title: str, *steps: Step, kind: SectionKind = SectionKind.STEPS, **more: Any) -> Section:
    """A section."""
    return Section(id=title.lower(), title=title, kind=kind, level=2, line=1, steps=steps, **more)


def checklist(*sections: Section, **more: Any) -> Checklist:
    """A checklist of these sections."""
    return Checklist(
        title="A checklist",
        path="a.md",
        source="markdown",
        digest=more.pop("digest", "0" * 64),
        sections=sections,
        **more,
    )


def state_after(*events: ev.Event, at: float = 1000.0) -> RunState:
    """The state after these events, one second apart."""
    return fold(
        replace(event, at=event.at or at + number, by=event.by or "ann@host")
        for number, event in enumerate(events)
    )
