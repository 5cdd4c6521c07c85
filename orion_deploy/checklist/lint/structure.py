"""Rules about the checklist as a whole: the way back, names of steps, references, what the file says of itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from orion_deploy.checklist.lint.finding import Hit, Rule, Severity
from orion_deploy.checklist.lint.sqlite_calls import copies, is_down, is_live, sqlite_calls
from orion_deploy.checklist.lint.subject import Block, Subject
from orion_deploy.checklist.model import Role, SectionKind, Step
from orion_deploy.errors import did_you_mean

_CHANGES = re.compile(r"\b(?:migrat\w*|deploy\w*|roll[- ]?out|upgrad\w*)\b", re.IGNORECASE)
_READS = re.compile(
    r"\b(?:check|verify|test|review|plan|confirm|monitor|watch|look|document|pre-?deploy\w*)\b", re.IGNORECASE
)
_TOOLS_BACK = re.compile(
    r"\balembic\s+downgrade\b|\bflyway\s+undo\b|\bmigrate(?:\s+\S+)*\s+down\b|\bdb:rollback\b|\bmigrate:(?:rollback|undo)\b"
    r"|\brollout\s+undo\b|\bhelm\s+rollback\b|\bsqitch\s+revert\b|\bdbmate\s+(?:down|rollback)\b"
)
_WAYS_BACK: Final = ("sqlite.rollback", "sqlite.restore")
_TRIES = re.compile(r"\b(?:test|try|rehears\w*|practi\w+|copy|staging|dry[ -]?run|dev)\b", re.IGNORECASE)
_FRONT_MATTER_KEYS: Final = ("variables", "cwd", "carry", "metadata")


def _no_way_back(subject: Subject) -> Iterator[Hit]:
    checklist = subject.checklist
    if any(section.kind is SectionKind.ROLLBACK for section in checklist.walk_sections()):
        return
    changing = next((step for _, step in subject.steps if _is_changing(step)), None)
    if changing is None:
        return
    yield Hit(
        subject.title_place(changing.title, changing.line),
        f"`{changing.title}` changes something, and no section says how to go back",
        "## Rollback\n\n1. **Stop the application**\n2. ...",
        changing.id,
    )


def _is_changing(step: Step) -> bool:
    if step.facts.action is not None:
        return True
    runs = any(block.role is Role.COMMAND for block in step.code)
    return runs and _CHANGES.search(step.title) is not None and _READS.search(step.title) is None


def _same_title(subject: Subject) -> Iterator[Hit]:
    for section in subject.checklist.walk_sections():
        titles = Counter(step.title.casefold() for step in section.steps)
        seen: dict[str, Step] = {}
        for step in section.steps:
            key = step.title.casefold()
            if titles[key] < 2 or not _is_made_id(step):
                continue
            first = seen.setdefault(key, step)
            if first is not step:
                yield Hit(
                    subject.title_place(step.title, step.line),
                    f"the title `{step.title}` stands in line {first.line} too: only their order tells the steps apart",
                    f"id: {step.id}",
                    step.id,
                    {"id": step.id},
                )


def _is_made_id(step: Step) -> bool:
    """Whether the id is the title's, perhaps with a number, and not one that the author chose."""
    from orion_deploy.checklist.identity import slug

    last = step.id.rsplit(".", 1)[-1]
    return re.fullmatch(rf"{re.escape(slug(step.title))}(?:-\d+)?", last) is not None


def _restore_recommended(subject: Subject) -> Iterator[Hit]:
    for _, step in subject.steps:
        recommended = next((option for option in step.options if option.recommended), None)
        if recommended is None:
            continue
        blocks = subject.scripts_of(step)
        restores = any(
            is_live(destination.text)
            for block in blocks
            if block.code.option == recommended.number
            for _, _, destination in copies(block)
        ) or re.search(r"\brestor", recommended.title, re.IGNORECASE)
        down = next((b for b in blocks if b.code.option != recommended.number and _goes_down(b)), None)
        if restores and down is not None:
            yield Hit(
                subject.title_place(recommended.title, recommended.line),
                f"`{recommended.title}` is recommended: it throws away every row written since the backup",
                "",
                step.id,
            )


def _both_ways_back(subject: Subject) -> Iterator[Hit]:
    ways: dict[str, dict[str, Step]] = {}
    for section, step in subject.steps:
        call = step.facts.call
        if section.kind is SectionKind.ROLLBACK and call is not None and call.name in _WAYS_BACK:
            ways.setdefault(str(call.parameters.get("path")), {}).setdefault(call.name, step)
    for found in ways.values():
        always = next((way for way in found.values() if way.facts.when is None), None)
        if len(found) == len(_WAYS_BACK) and always is not None:
            yield Hit(
                subject.title_place(always.title, always.line),
                f"`{always.title}` is carried out whichever way back is chosen: the other one stands beside it",
                "when: CHOICE == OPTION, on a `people.choice` before both",
                always.id,
            )


def _goes_down(block: Block) -> bool:
    return any(is_down(call.sql_file) for call in sqlite_calls(block)) or bool(
        _TOOLS_BACK.search(block.code.script)
    )


def _back_on_the_way(subject: Subject) -> Iterator[Hit]:
    for block in subject.blocks:
        if block.is_rollback or _TRIES.search(block.titles):
            continue
        if block.step is not None and block.step.options:
            continue
        for call in sqlite_calls(block):
            if is_down(call.sql_file):
                yield block.hit(
                    call.command,
                    f"the way forward runs `{call.sql_file}`, which takes the migration back",
                    "reference: true",
                )
        for match in _TOOLS_BACK.finditer(block.code.script):
            if block.script.state_at(match.start()) != "#":
                yield block.hit(match.span(), "the way forward runs the way back", "reference: true")


def _reference_by_words(subject: Subject) -> Iterator[Hit]:
    for block in subject.scripts:
        step = block.step
        if block.is_reference and step is not None and not step.facts.reference:
            is_whole = all(b.role is not Role.COMMAND for b in step.code)
            yield Hit(
                subject.title_place(step.title, step.line),
                "only the words say that the command is kept and not run",
                "reference: true",
                step.id,
                {"reference": "true"} if is_whole else {},
            )


def _secret_default(subject: Subject) -> Iterator[Hit]:
    for variable in subject.checklist.variables:
        if variable.secret and variable.default:
            yield Hit(
                subject.title_place(variable.name, variable.line),
                f"the secret `{variable.name}` stands in the file",
                f"variables: {{{variable.name}: {{secret: true, prompt: ...}}}}",
            )


def _front_matter_key(subject: Subject) -> Iterator[Hit]:
    if subject.checklist.source != "markdown" or not subject.lines or subject.lines[0].strip() != "---":
        return
    for number, line in enumerate(subject.lines[1:], start=2):
        if line.strip() in ("---", "..."):
            return
        match = re.match(r"([A-Za-z_]\w*):", line)
        if match and match[1] not in _FRONT_MATTER_KEYS:
            near = did_you_mean(match[1], _FRONT_MATTER_KEYS)
            if near:
                yield Hit(
                    subject.place(number, 1, len(match[1])),
                    f"`{match[1]}` is read as metadata; {near}",
                    near.split("`")[1] + ":",
                )


def _problems(subject: Subject) -> Iterator[Hit]:
    for problem in subject.checklist.problems:
        line = subject.lines[problem.line - 1] if 0 < problem.line <= len(subject.lines) else ""
        column = problem.column or len(line) - len(line.lstrip()) + 1
        yield Hit(
            subject.place(problem.line, column, max(1, len(line.rstrip()) - column + 1)),
            problem.message,
            problem.help,
        )


RULES: Final = (
    Rule(
        "no-way-back", Severity.WARNING, "steps that change something, without a rollback section",
        "At the moment when it is needed nobody writes it well.",
        "## Rollback", _no_way_back,
    ),
    Rule(
        "same-title", Severity.NOTE, "two steps of one title in a section, without ids",
        "When a step is put between them, ticks and records may be taken for the other's.",
        "id: NAME", _same_title,
    ),
    Rule(
        "restore-recommended", Severity.WARNING, "a restore recommended over a down migration",
        "After a day of use the backup lacks a day of writes; the down migration keeps them. Both stand open: look at how many "
        "rows were written since, then choose.",
        "recommend the down migration, or none", _restore_recommended,
    ),
    Rule(
        "both-ways-back", Severity.WARNING, "both ways back of a database, not left to a choice",
        "Carried out in order, the second way loses what the first has kept.",
        "when: CHOICE == OPTION", _both_ways_back,
    ),
    Rule(
        "back-on-the-way", Severity.DANGER, "a rollback command on the forward path",
        "Whoever runs every block in order rolls back before, or right after, the migration.",
        "reference: true", _back_on_the_way,
    ),
    Rule(
        "reference-by-words", Severity.NOTE, "a command that only words keep from being run",
        "A key says it to every reader, and a changed title does not make the command live.",
        "reference: true", _reference_by_words,
    ),
    Rule(
        "secret-default", Severity.DANGER, "a secret with a default",
        "The file is read, copied and committed; the value is known to all who can read it.",
        "variables: {NAME: {secret: true, prompt: ...}}", _secret_default,
    ),
    Rule(
        "front-matter-key", Severity.WARNING, "a key of the front matter that resembles one of ours",
        "Unknown keys are metadata, for the front matter may belong to other tools as well.",
        "variables:", _front_matter_key,
    ),
    Rule(
        "damaged", Severity.WARNING, "Markdown that GitHub reads otherwise than its author meant",
        "What is not seen as code is not run, and what is seen as code may be half of it.",
        "indent the fence like the text of its item", _problems,
    ),
)  # fmt: skip
