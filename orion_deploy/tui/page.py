"""The page of a step or a section: what it says, what would run, and what has happened to it, as lines. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from orion_deploy.checklist.escalation import Escalation
from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.checklist.model import NO_TEXTS, CodeBlock, Expectation, Role, Section, SectionKind, Step
from orion_deploy.run.standalone import mentioned
from orion_deploy.run.state import Attempt, Status, StepState, Verification
from orion_deploy.text import plain, plain_line
from orion_deploy.tui.lines import EMPTY, Line, Span, bounded, line, wrap
from orion_deploy.tui.prose import prose_lines
from orion_deploy.tui.shell_colour import shell_lines
from orion_deploy.tui.words import OUTCOMES, SIGNS, Sign, clock, counted, duration

CODE_LINES_MAX = 400
"""Lines of one block that the page shows; `o` and the approval show all of them."""
ATTEMPTS_SHOWN_MAX = 8
ESCALATION_LINES_MAX = 12
"""Lines of contacts on the page of a step: what went wrong must not be pushed off it."""
LABEL_COLUMNS = 10
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


@dataclass(frozen=True, slots=True)
class StepFacts:
    """What a step's page tells beside the step itself."""

    state: StepState
    now: float
    sign: Sign | None = None
    """How its open watch stands; None: its status says how it stands."""
    notes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """The checklist's notes by tag."""
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Values of variables (no secret ones) and placeholders, by name."""
    expectations: tuple[Expectation, ...] = ()
    escalations: tuple[Escalation, ...] = ()
    """What to do now that it went wrong; empty where it did not."""
    why_not: str = ""
    """Why it cannot be run now."""
    dangers: tuple[str, ...] = ()
    """What lint says of its commands."""


def step_page(step: Step, section: Section, facts: StepFacts, width: int) -> list[Line]:
    """The page of a step."""
    state = facts.state
    lines = wrap(line(plain_line(step.title), "title"), width)
    lines += _status_lines(state, facts.sign or SIGNS[state.status], _about(step, section), facts.now, width)
    if facts.escalations:
        lines += [EMPTY, *escalation_lines(facts.escalations, width, ESCALATION_LINES_MAX)]
    for tag in step.tags:
        if note := facts.notes.get(tag):
            lines += [EMPTY, *_labelled(plain_line(tag), prose_lines(note, width - 2), "warn")]
    if step.body.strip():
        lines += [EMPTY, *prose_lines(step.body, width)]
    if step.facts.call is not None:
        lines += [EMPTY, *call_lines(step, step.facts.call, width, facts.values)]
    if step.facts.verify is not None:
        lines += [EMPTY, *call_lines(step, step.facts.verify, width, facts.values)]
    lines += _code(step, facts, width)
    for danger in facts.dangers:
        lines += wrap((Span("! ", "warn"), Span(plain_line(danger), "dim")), width, hang="  ")
    if facts.expectations and not state.attempts:
        lines += [EMPTY]
        for expectation in facts.expectations:
            lines += labelled_wrap("expected", plain_line(expectation.text), width)
    if facts.why_not and state.status not in (Status.DONE, Status.RUNNING, Status.SKIPPED):
        lines += [EMPTY, *wrap((Span("Not now: ", "warn"), Span(plain_line(facts.why_not))), width)]
    if step.steps:
        lines += [EMPTY, line(f"It has {counted(len(step.steps), 'sub-step')} below.", "dim")]
    lines += _attempts(state, facts.now, width)
    for written in state.notes:
        lines += [
            EMPTY,
            *_labelled(
                f"note {clock(written.at, facts.now)} {plain_line(written.by)}",
                prose_lines(written.text, width - 2),
                "accent",
            ),
        ]
    return lines


def _status_lines(state: StepState, sign: Sign, about: str, now: float, width: int) -> list[Line]:
    parts = [about]
    if state.at and state.status not in (Status.TODO, Status.RUNNING):
        parts.insert(0, f"{clock(state.at, now)} {plain_line(state.by)}")
    if state.status is Status.DONE and state.auto:
        parts.append("ticked by its own check")
    lines = wrap((Span(sign.text, sign.role), Span("  "), Span(" · ".join(parts), "dim")), width)
    if state.override:
        lines += wrap(
            (Span("override: ", "warn"), Span(plain_line(state.reason or "no reason recorded"))), width
        )
    elif state.reason:
        lines += wrap((Span("reason: ", "dim"), Span(plain_line(state.reason))), width)
    if state.value and state.value != state.reason:
        lines += wrap((Span("value: ", "dim"), Span(plain_line(state.value), "bold")), width)
    return lines


def escalation_lines(found: Sequence[Escalation], width: int, lines_max: int = 0) -> list[Line]:
    """Whom to turn to and what to do when it goes wrong, as the checklist says it; `lines_max` 0 is all of it."""
    lines: list[Line] = []
    for each in found:
        lines += _labelled(plain_line(each.title), prose_lines(each.text, width - 2), "bad")
    if lines_max and len(lines) > lines_max:
        more = line("… more of it stands in its section, and on the rollback screen", "dim")
        return [*lines[: lines_max - 1], more]
    return lines


def _about(step: Step, section: Section) -> str:
    """What kind of step it is, in one line of words."""
    parts = []
    if section.kind is SectionKind.ROLLBACK:
        parts.append("rollback")
    if step.mandatory:
        parts.append("mandatory")
    if step.optional:
        parts.append("optional")
    call = step.facts.call
    if call is not None:
        word = "check" if step.facts.check else "watch" if step.facts.watch else "action"
        parts.append(f"{word} {plain_line(call.name)}")
    else:
        words = {
            "manual": "done by a person",
            "instruction": "read and done by a person",
            "reference": "a reference: copied, never run",
            "command": "runs a command",
            "choice": "a choice",
        }
        parts.append(words.get(step.kind, plain_line(step.kind)))
    if step.facts.confirm is not None:
        parts.append("asks for a word before it runs")
    if step.facts.timeout_s:
        parts.append(f"time limit {duration(step.facts.timeout_s)}")
    if step.facts.needs:
        parts.append("needs " + ", ".join(plain_line(need) for need in step.facts.needs))
    if step.facts.idempotent:
        parts.append("may be run again without harm")
    if step.facts.when:
        parts.append(f"when {plain_line(step.facts.when)}")
    if step.checked:
        parts.append("was ticked in the file")
    return " · ".join(parts)


def _labelled(label: str, content: list[Line], role: str) -> list[Line]:
    """A label on a line of its own, its content indented below it."""
    return [line(label, role), *((Span("  "), *row) for row in content)]


def labelled_wrap(label: str, text: str, width: int, role: str = "", label_role: str = "label") -> list[Line]:
    """A label in a column of its own, the text wrapped beside it."""
    lead = label.ljust(LABEL_COLUMNS)
    return wrap((Span(lead, label_role), Span(text, role)), width, hang=" " * LABEL_COLUMNS)


def call_lines(step: Step, call: KindCall, width: int, values: Mapping[str, str] = NO_TEXTS) -> list[Line]:
    """A typed step: its kind and its parameters; the value of a variable stands behind it."""
    word = "check" if step.facts.check else "watch" if step.facts.watch else "action"
    if call is step.facts.verify:
        word = "verify"
    lines = labelled_wrap(word, plain_line(call.name), width, "code.command")
    for name, value in call.parameters.items():
        text = f"{name}: {in_words(value)}"
        spans = [Span(" " * LABEL_COLUMNS), Span(plain_line(text), "code")]
        meant = _VARIABLE.sub(lambda m: values.get(m[1] or m[2], m[0]), text)
        if meant != text:
            spans.append(Span(f"  = {plain_line(meant.partition(': ')[2])}", "dim"))
        lines += wrap(spans, width, hang=" " * (LABEL_COLUMNS + 2))
    return lines


def in_words(value: object) -> str:
    """A parameter as one would write it."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {in_words(item)}" for name, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(in_words(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _code(step: Step, facts: StepFacts, width: int) -> list[Line]:
    lines: list[Line] = []
    runs = step.scripts(facts.state.option)
    option: int | None = None
    for block in step.code:
        if block.role is Role.STEP:
            continue
        if block.option != option and block.option is not None:
            lines += [EMPTY, *_option_heading(step, block.option, facts.state.option, width)]
        option = block.option
        lines += [EMPTY, *code_block(block, _block_label(block, runs, facts.state), facts.values, width)]
    shown = {block.option for block in step.code}
    for choice in step.options:
        if choice.number not in shown:
            lines += [EMPTY, *_option_heading(step, choice.number, facts.state.option, width)]
    return lines


def _option_heading(step: Step, number: int, chosen: int | None, width: int) -> list[Line]:
    title = next((o for o in step.options if o.number == number), None)
    words = f"Option {number}: {plain_line(title.title)}" if title else f"Option {number}"
    if title and title.recommended and "recommended" not in words.lower():
        words += " (recommended)"
    state = "  taken" if chosen == number else ""
    return wrap((Span(words, "bold" if chosen in (None, number) else "dim"), Span(state, "ok")), width)


def _block_label(block: CodeBlock, runs: tuple[CodeBlock, ...], state: StepState) -> str:
    language = plain_line(block.language)
    match block.role:
        case Role.SAMPLE:
            return f"sample {language}".rstrip() + ": shown, never run"
        case Role.REFERENCE:
            return "reference: copied with c, never run"
        case Role.INSTRUCTION:
            return "to be done by a person"
        case _:
            pass
    if len(runs) < 2 or block not in runs:
        return ""
    number = runs.index(block)
    label = f"command {number + 1} of {len(runs)}"
    if number < state.blocks_done:
        return f"{label}: ran and passed"
    return f"{label}: next" if number == state.blocks_done and state.attempts else label


def code_block(block: CodeBlock, label: str, values: Mapping[str, str], width: int) -> list[Line]:
    """A block with its label, its lines after a bar, long ones wrapped; below it what its variables and placeholders are."""
    is_shell = block.role in (Role.COMMAND, Role.REFERENCE, Role.INSTRUCTION)
    source = shell_lines(block.script or block.text) if is_shell else _plain_code(block.text)
    lines: list[Line] = [line(label, "label")] if label else []
    for content in source[:CODE_LINES_MAX]:
        rows = wrap(content, width - 2, hang="  ")
        lines += [(Span("│ ", "dim"), *row) for row in rows]
    if len(source) > CODE_LINES_MAX:
        lines.append(line(f"│ … {len(source) - CODE_LINES_MAX:,} more lines", "dim"))
    if is_shell:
        for name in mentioned(block.script or block.text, (n for n in values if n.isidentifier())):
            text = f"{plain_line(name)} = {plain_line(values[name])}"
            lines += wrap((Span("│ ", "dim"), Span(text, "dim")), width, hang="│   ")
    for placeholder in block.placeholders:
        value = values.get(placeholder)
        text = (
            f"{plain_line(placeholder)} = {plain_line(value)}"
            if value
            else f"{plain_line(placeholder)} is to be filled in"
        )
        lines.append((Span("│ ", "dim"), Span(text, "dim" if value else "warn")))
    return lines


def _plain_code(text: str) -> list[Line]:
    return [line(bounded(row), "code") for row in plain(text).split("\n")]


def _attempts(state: StepState, now: float, width: int) -> list[Line]:
    looks = [
        line
        for look in state.verifications[-ATTEMPTS_SHOWN_MAX:]
        for line in wrap(look_spans(look, now), width, hang="    ")
    ]
    if len(state.attempts) < 2:
        return [EMPTY, *looks] if looks else []
    lines: list[Line] = [EMPTY, *looks, line(f"{len(state.attempts)} attempts", "label")]
    for attempt in reversed(state.attempts[-ATTEMPTS_SHOWN_MAX:]):
        lines += wrap(attempt_spans(attempt, now), width, hang="    ")
    return lines


def attempt_spans(attempt: Attempt, now: float) -> Line:
    """An attempt in one line: number, when, by whom, how long, how it came out."""
    spans = [Span(f"{attempt.number:>2}  {clock(attempt.started_at, now)}  {plain_line(attempt.by)}", "dim")]
    if attempt.duration_s is not None:
        spans.append(Span(f"  {duration(attempt.duration_s)}", "dim"))
    if attempt.verdict is not None:
        sign = OUTCOMES[attempt.verdict.outcome]
        spans += [Span("  "), Span(sign.text, sign.role), Span(f" {plain_line(attempt.verdict.reason)}")]
    elif attempt.ending:
        spans.append(Span(f"  {attempt.ending}", "warn"))
    else:
        spans.append(Span("  watching" if attempt.watched is not None else "  running", "run"))
    if attempt.edited:
        spans.append(Span("  edited", "warn"))
    return tuple(spans)


def look_spans(look: Verification, now: float) -> Line:
    """A look of the check that tells whether the step was carried out, in one line."""
    lead = f" ?  {clock(look.started_at, now)}  {plain_line(look.by)}  verified by {plain_line(look.what)}"
    if look.verdict is None:
        return (Span(lead, "dim"), Span("  did not come to its end", "warn"))
    sign = OUTCOMES[look.verdict.outcome]
    return (
        Span(lead, "dim"),
        Span("  "),
        Span(sign.text, sign.role),
        Span(f" {plain_line(look.verdict.reason)}"),
    )


def section_page(
    section: Section, progress: tuple[int, int], completed_at: float | None, now: float, width: int
) -> list[Line]:
    """The page of a section: its prose, its code, how far it is."""
    settled, total = progress
    kinds = {
        SectionKind.ROLLBACK: "the way back: only entered with R",
        SectionKind.CRITERIA: "success criteria: decided at the end",
        SectionKind.GATES: "gates: decided at the end",
        SectionKind.NOTES: "notes: shown beside the steps that name them",
    }
    lines = wrap(line(plain_line(section.title) or "Before the first heading", "title"), width)
    about = [f"{settled} of {total} settled"] if total else []
    if section.mandatory:
        about.append("mandatory")
    if section.kind in kinds:
        about.append(kinds[section.kind])
    if completed_at is not None:
        about.append(f"completed {clock(completed_at, now)}")
    elif total:
        about.append("Enter completes it")
    if about:
        lines += wrap(line(" · ".join(about), "dim"), width)
    if section.body.strip():
        lines += [EMPTY, *prose_lines(section.body, width)]
    for number, block in enumerate(section.code, start=1):
        if block.role is not Role.STEP:
            label = (
                f"block {number}: under no step, run only on its own row"
                if block.role is Role.COMMAND
                else _block_label(block, (), StepState())
            )
            lines += [EMPTY, *code_block(block, label, {}, width)]
    return lines
