"""The run in words and numbers: what the sidecar holds, and what `status` and scripts read. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from orion_deploy.checklist.model import Checklist, SectionKind, Step
from orion_deploy.kinds.verdict import Json
from orion_deploy.run import progress
from orion_deploy.run.criteria import Criterion
from orion_deploy.run.desk import folder_name
from orion_deploy.run.gates import summary
from orion_deploy.run.state import UNTOUCHED, Note, RunState, Status, StepState
from orion_deploy.run.verification import verification_of


def describe(
    checklist: Checklist,
    state: RunState,
    run: str,
    *,
    criteria: Sequence[Criterion] = (),
) -> dict[str, Json]:
    """The tick state of a run as plain data: times are seconds since the epoch, titles as in the file.

    `criteria` are those of the run as they stand.
    """
    overall = progress.overall(checklist, state)
    judged = {criterion.step: criterion for criterion in criteria}
    return {
        "run": run,
        "title": checklist.title,
        "checklist": checklist.path,
        "digest": checklist.digest,
        "started_at": state.started_at,
        "last_at": state.last_at,
        "finished_at": state.finished_at,
        "result": state.result,
        **({"finish_reason": state.finish_reason} if state.finish_reason else {}),
        "operators": list(state.operators),
        "cwd": state.cwd,
        "commit": state.commit,
        "rollback_at": state.rollback_at,
        "rollback_reason": state.rollback_reason,
        "counts": {
            "total": overall.total,
            "done": overall.done,
            "skipped": overall.skipped,
            "not_applicable": overall.not_applicable,
            "open": overall.open,
            "failed": overall.failed,
            "unknown": overall.unknown,
            "undecided": overall.undecided,
            "running": overall.running,
            "changed": overall.changed,
            "overrides": overall.overrides,
        },
        **({"criteria_counts": summary(criteria)} if criteria else {}),
        **({"watching": watching(state, _titles(checklist, state.watched))} if state.watched else {}),
        "variables": dict(state.variables),
        "secrets_given": [*sorted(state.secrets)],
        "notes": [_note(note) for note in state.notes],
        "sections": [
            {
                "id": section.id,
                "title": section.title,
                "kind": section.kind.value,
                "completed_at": state.sections_completed.get(section.id),
                "steps": [
                    _step(step, state.steps.get(step.id, UNTOUCHED), judged.get(step.id))
                    for step in progress.section_steps(section)
                ],
            }
            for section in checklist.walk_sections()
            if section.steps or section.kind is SectionKind.ROLLBACK
        ],
    }


def watching(state: RunState, titles: Mapping[str, str]) -> list[Json]:
    """The watches under way: where the last look of each is, and when it would be due if nobody had looked yet."""
    found: list[Json] = []
    for step_id in state.watched:
        attempt = state.step(step_id).attempts[-1]
        watch_s = attempt.watched.watch_s if attempt.watched is not None else 0.0
        found.append(
            {
                "step": step_id,
                "title": titles.get(step_id, step_id),
                "folder": f"{folder_name(step_id)}-{attempt.number}",
                "started_at": attempt.started_at,
                "due_at": attempt.started_at + watch_s,
            }
        )
    return found


def _titles(checklist: Checklist, step_ids: Collection[str]) -> dict[str, str]:
    return {step.id: step.title for _, step in checklist.walk() if step.id in step_ids}


def _step(step: Step, state: StepState, criterion: Criterion | None) -> dict[str, Json]:
    data: dict[str, Json] = {"id": step.id, "title": step.title, "status": state.status.value}
    if step.mandatory:
        data["mandatory"] = True
    if criterion is not None:
        data["criterion"] = criterion.to_json()
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
