"""The run in words and numbers: what the sidecar holds, and what `status` and scripts read. Pure."""

from __future__ import annotations

from orion_deploy.checklist.model import Checklist, SectionKind, Step
from orion_deploy.kinds.verdict import Json
from orion_deploy.run import progress
from orion_deploy.run.state import UNTOUCHED, Note, RunState, Status, StepState
from orion_deploy.run.verification import verification_of


def describe(checklist: Checklist, state: RunState, run: str) -> dict[str, Json]:
    """The tick state of a run as plain data: times are seconds since the epoch, titles as in the file."""
    overall = progress.overall(checklist, state)
    return {
        "run": run,
        "title": checklist.title,
        "checklist": checklist.path,
        "digest": checklist.digest,
        "started_at": state.started_at,
        "last_at": state.last_at,
        "finished_at": state.finished_at,
        "result": state.result,
        "operators": list(state.operators),
        "cwd": state.cwd,
        "commit": state.commit,
        "rollback_at": state.rollback_at,
        "rollback_reason": state.rollback_reason,
        "counts": {
            "total": overall.total,
            "done": overall.done,
            "skipped": overall.skipped,
            "open": overall.open,
            "failed": overall.failed,
            "unknown": overall.unknown,
            "undecided": overall.undecided,
            "running": overall.running,
            "changed": overall.changed,
            "overrides": overall.overrides,
        },
        "variables": dict(state.variables),
        "secrets_given": [*sorted(state.secrets)],
        "notes": [_note(note) for note in state.notes],
        "sections": [
            {
                "title": section.title,
                "kind": section.kind.value,
                "completed_at": state.sections_completed.get(section.id),
                "steps": [
                    _step(step, state.steps.get(step.id, UNTOUCHED))
                    for step in progress.section_steps(section)
                ],
            }
            for section in checklist.walk_sections()
            if section.steps or section.kind is SectionKind.ROLLBACK
        ],
    }


def _step(step: Step, state: StepState) -> dict[str, Json]:
    data: dict[str, Json] = {"id": step.id, "title": step.title, "status": state.status.value}
    if step.mandatory:
        data["mandatory"] = True
    if state is UNTOUCHED:
        return data
    if state.at:
        data["at"] = state.at
        data["by"] = state.by
    if state.status is Status.DONE:
        data["ticked_by_verdict"] = state.auto
    if state.value:
        data["value"] = state.value
    if state.reason:
        data["reason"] = state.reason
    if state.override:
        data["override"] = True
    if state.option is not None:
        data["option"] = state.option
    if state.verdict is not None:
        data["verdict"] = state.verdict.to_json()
    if state.attempts:
        last = state.attempts[-1]
        data["attempts"] = len(state.attempts)
        data["last_attempt"] = {
            "number": last.number,
            "what": last.what,
            "started_at": last.started_at,
            "finished_at": last.finished_at,
            "duration_s": last.duration_s,
            "exit_status": last.exit_status,
            "signal": last.signal,
        }
        if last.watched is not None:
            data["watch"] = {"watch_s": last.watched.watch_s, "fired": len(last.watched.fired)}
    if state.status is Status.UNKNOWN and (call := verification_of(step)) is not None:
        data["verify"] = call.name
    if state.verifications:
        look = state.verifications[-1]
        data["verified"] = {
            "what": look.what,
            "at": look.started_at,
            "by": look.by,
            "verdict": look.verdict.to_json() if look.verdict is not None else None,
        }
    if state.notes:
        data["notes"] = [_note(note) for note in state.notes]
    return data


def _note(note: Note) -> dict[str, Json]:
    return {"text": note.text, "at": note.at, "by": note.by}
