"""What a person reads before a question: a step in lines, a run that is come back to, an approval. Pure text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from orion_deploy.checklist.choices import options_of
from orion_deploy.checklist.expectations import expectations_of
from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.checklist.model import Checklist, CodeBlock, Role, Step
from orion_deploy.errors import OrionError
from orion_deploy.run.choices import answer
from orion_deploy.run.resume import Resume
from orion_deploy.run.session import Session
from orion_deploy.run.state import Status
from orion_deploy.text import is_hidden, plain, plain_line
from orion_deploy.tui.words import counted, duration

BODY_LINES_MAX = 40


def step_lines(session: Session, step: Step) -> list[str]:
    """A step as the operator must see it before acting: title, prose, notes, commands, expectation, status."""
    marks = [word for word, holds in (("MANDATORY", step.mandatory), ("optional", step.optional)) if holds]
    lines = ["", f"{plain_line(step.id)}{''.join(f'  [{mark}]' for mark in marks)}", plain_line(step.title)]
    lines += _indented(step.body, BODY_LINES_MAX)
    for tag in step.tags:
        if tag in session.checklist.notes:
            lines += [
                f"  note {plain_line(tag)}:",
                *_indented(session.checklist.notes[tag], BODY_LINES_MAX, "    "),
            ]
    for option in options_of(step):
        taken = " (taken)" if answer(step, session.state) == option else ""
        key = f"{option.key}: " if option.key else ""
        recommended = " (recommended)" if option.recommended else ""
        lines.append(f"  option {option.number}: {key}{plain_line(option.title)}{recommended}{taken}")
    lines += _commands(session, step)
    lines += verify_lines(step, "  ")
    if step.facts.idempotent:
        lines.append("  may be run again without harm")
    lines += [f"  expect: {plain_line(expectation.text)}" for expectation in expectations_of(step)]
    if step.facts.needs:
        lines.append(f"  needs: {plain_line(', '.join(step.facts.needs))}")
    if step.facts.when is not None:
        lines.append(f"  when: {plain_line(step.facts.when)}")
    lines += _so_far(session, step)
    for each in session.escalations_at(step.id):
        lines += [f"  {plain_line(each.title)}:", *_indented(each.text, BODY_LINES_MAX, "    ")]
    return lines


def _indented(text: str, lines_max: int, indent: str = "  ") -> list[str]:
    lines = plain(text).strip("\n").split("\n") if text.strip() else []
    more = [f"{indent}... {counted(len(lines) - lines_max, 'more line')}"] if len(lines) > lines_max else []
    return [f"{indent}{line}".rstrip() for line in lines[:lines_max]] + more


def _commands(session: Session, step: Step) -> list[str]:
    if step.facts.call is not None:
        return call_lines(step, "  ")
    runs = session.scripts(step.id)
    current = session.next_block(step.id)
    lines = []
    for block in step.code:
        if block.role is Role.STEP:
            continue
        if block in runs:
            number = runs.index(block)
            of = f", block {number + 1} of {len(runs)}" if len(runs) > 1 else ""
            word = "command" if number >= current else "command (has passed)"
            lines.append(f"  {word}{of}, line {block.line}:")
            lines += script_lines(block, "    ")
            continue
        words = {Role.COMMAND: "of another option", Role.REFERENCE: "reference: copy it, no step runs it"}
        lines.append(f"  {words.get(block.role, block.role.value)}, line {block.line}:")
        lines += _indented(_to_copy(session, step, block), BODY_LINES_MAX, "    ")
    return lines


def _to_copy(session: Session, step: Step, block: CodeBlock) -> str:
    """A reference as it can be pasted anywhere, every other block as it is written."""
    if block.role is not Role.REFERENCE:
        return block.text
    try:
        return session.to_copy(block.script or block.text, step)
    except OrionError as error:
        return f"{block.text}\n({error.what})"


def script_lines(block: CodeBlock, indent: str) -> list[str]:
    """What would run, whole, with every hidden character visible."""
    warning = (
        [f"{indent}(it holds characters that an editor does not show)"] if is_hidden(block.script) else []
    )
    return [f"{indent}{line}".rstrip() for line in plain(block.script).split("\n")] + warning


def call_lines(step: Step, indent: str) -> list[str]:
    """A typed check or action with its parameters."""
    call = step.facts.call
    assert call is not None
    word = "check" if step.facts.check else "action" if step.facts.action else "watch"
    return _call_lines(word, call, indent)


def verify_lines(step: Step, indent: str) -> list[str]:
    """The check that tells, after an interruption, whether the step was carried out, where its author gave one."""
    return _call_lines("verify", step.facts.verify, indent) if step.facts.verify is not None else []


def _call_lines(word: str, call: KindCall, indent: str) -> list[str]:
    lines = [f"{indent}{word} {plain_line(call.name)}"]
    return lines + [
        f"{indent}  {plain_line(k)}: {plain_line(value_text(v))}" for k, v in call.parameters.items()
    ]


def value_text(value: object) -> str:
    """A parameter of a typed step on one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={value_text(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(value_text(each) for each in value)
    return str(value)


def _so_far(session: Session, step: Step) -> list[str]:
    state = session.state.step(step.id)
    lines = [f"  {plain_line(note.by)} noted: {plain_line(note.text)}" for note in state.notes]
    if state.status is Status.TODO:
        return lines
    reason = state.reason or (state.verdict.reason if state.verdict is not None else "")
    return [*lines, f"  so far: {state.status.value}{f': {plain_line(reason)}' if reason else ''}"]


def resume_facts(resume: Resume, checklist: Checklist) -> list[str]:
    """What a person who comes back must know, as sentences; empty for a new run."""
    return list(_resume_facts(resume, {step.id: step.title for _, step in checklist.walk()}))


def _resume_facts(resume: Resume, titles: Mapping[str, str]) -> Iterator[str]:
    if not resume.is_resumed:
        return
    where = (
        f" at `{resume.where}` ({titles.get(resume.where, 'no longer in the file')})" if resume.where else ""
    )
    by = f", by {resume.last_by}" if resume.last_by else ""
    yield f"last worked on {duration(resume.away_s)} ago{by}{where}"
    if resume.was_killed:
        yield "the last session did not end in good order"
    for flight in resume.in_flight:
        reason = f": {flight.reason}" if flight.reason else ""
        yield f"in flight was `{flight.step}`, attempt {flight.attempt}; it is {flight.finding.value}{reason}"
    for step_id in resume.unknown:
        yield f"the outcome of `{step_id}` is unknown"
    if resume.file_changed:
        yield "the file changed since" + _which(resume)
    if resume.commit_before != resume.commit_now:
        yield f"its repository stood at {resume.commit_before or 'no commit'} and stands at {resume.commit_now or 'none'}"
    if resume.torn_bytes:
        yield f"{counted(resume.torn_bytes, 'byte')} of a half-written record were set aside"


def _which(resume: Resume) -> str:
    parts = [
        f"{word} {', '.join(f'`{step_id}`' for step_id in ids)}"
        for word, ids in (
            ("another text:", resume.changed),
            ("new:", resume.added),
            ("gone:", resume.gone),
        )
        if ids
    ]
    return f" ({'; '.join(parts)})" if parts else ", but no step that was settled"
