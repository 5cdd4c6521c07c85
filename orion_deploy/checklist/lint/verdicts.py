"""Rules about what a step's status says: guards, `echo $?`, inverted greps, expectations that only a comment has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from orion_deploy.checklist.lint import instead
from orion_deploy.checklist.lint.finding import Hit, Rule, Severity
from orion_deploy.checklist.lint.subject import Block, Subject
from orion_deploy.checklist.model import Expectation
from orion_deploy.checklist.shell_text import Command

_GREPS: Final = ("grep", "egrep", "fgrep", "pgrep")
_ALONE: Final = frozenset(("nothing", "equals", "number"))
"""Matchers of the whole output: with several commands in a script they would judge all of it."""


def _guard_last(subject: Subject) -> Iterator[Hit]:
    for block in subject.blocks:
        if not block.top:
            continue
        last = block.top[-1]
        is_exit = last.words[0].text == "exit" and len(last.words) > 1 and last.words[1].text != "0"
        guard = next((c for c in block.top if c.after == "&&" and c.start < last.start), None)
        if (
            not is_exit
            or guard is None
            or not (last.before == "&&" or "{" in block.code.script[guard.end : last.start])
        ):
            continue
        chain = [guard]
        while chain[-1].after == "&&" and (following := block.next(chain[-1])) is not None:
            chain.append(following)
        if chain[-1] is not last and "{" not in block.code.script[guard.end : last.start]:
            starts = [c for c in block.top if c.start < last.start and c.before not in ("&&", "||", "|")]
            guard = starts[-1] if starts else guard
        yield block.hit(
            (guard.start, last.end),
            "as the last line its status is 1 whether all is well or not",
            _guard_instead(guard),
        )


def _guard_instead(guard: Command) -> str:
    words = [word.text for word in guard.words]
    named = next((word for word in reversed(words[1:]) if not word.startswith("-")), "NAME")
    if words[0] in ("pgrep", "pidof") and re.fullmatch(r"[\w.-]+", named):
        return instead.absent(named)
    if words[0] in ("lsof", "fuser"):
        return instead.closed([named])
    return f"if {' '.join(word.raw for word in guard.words)}; then echo ERROR; exit 1; fi"


def _echo_status(subject: Subject) -> Iterator[Hit]:
    for block in subject.blocks:
        if not block.top:
            continue
        last = block.top[-1]
        if last.words[0].text in ("echo", "printf") and any("$?" in word.text for word in last.words[1:]):
            yield block.hit(
                last,
                "after this `echo` the step's own status is always 0",
                "leave the `echo` out: the verdict shows the status",
            )


def _inverted_grep(subject: Subject) -> Iterator[Hit]:
    for block in subject.blocks:
        step = block.step
        if step is None or step.facts.expect or not block.top:
            continue
        last = block.top[-1]
        nothing = [e for e in _offered(block) if e.matcher == "nothing"]
        if last.words[0].text in _GREPS and nothing:
            yield block.hit(
                last,
                "here finding nothing is the success, and its status is 1; on a wrong path too",
                "expect: {nothing: true}",
                {"expect": "{nothing: true}"} if _is_only_output(block) else {},
            )


def _expectation_in_comment(subject: Subject) -> Iterator[Hit]:
    commented = {block.step.id for block in subject.blocks if block.step and "#" in block.code.script}
    for _, step in subject.steps:
        if step.id not in commented or step.facts.expect or step.facts.call is not None or step.options:
            continue
        blocks = [block for block in subject.scripts_of(step) if not block.is_reference]
        offered = [
            (block, e) for block in blocks for e in _offered(block) if e.matcher not in ("prose", "status")
        ]
        if not offered or _said_by_others(blocks, [e for _, e in offered]):
            continue
        value = _as_yaml([e for _, e in offered], blocks)
        block, first = offered[0]
        yield block.hit(
            _comment_of(block, first),
            f"`{first.text}` is known to readers of the comment alone",
            f"expect: {value}" if value else "one step for each command, with an `expect` of its own",
            {"expect": value} if value else {},
        )


def _comment_of(block: Block, expectation: Expectation) -> tuple[int, int]:
    """Return where in the script the comment stands that offers an expectation."""
    number = expectation.line - block.code.line
    for span in block.script.spans:
        if span.state == "#" and block.script.line_column(span.start)[0] == number:
            return span.start, span.end
    return 0, len(block.code.script)


def _said_by_others(blocks: list[Block], offered: list[Expectation]) -> bool:
    """Whether `inverted-grep` or `echo-status` says all there is to say."""
    last = blocks[-1].top[-1] if blocks[-1].top else None
    if last is None or len(offered) > 1:
        return False
    is_inverted = last.words[0].text in _GREPS and offered[0].matcher == "nothing"
    return is_inverted or any("$?" in word.text for word in last.words)


def _offered(block: Block) -> tuple[Expectation, ...]:
    from orion_deploy.checklist.expectations import expectations_in

    return expectations_in(block.code.script, block.code.line)


def _is_only_output(block: Block) -> bool:
    """Whether one command alone writes the script's output, so that matchers of the whole may judge it."""
    quiet = ("cd", "export", "set", "sleep", "mkdir", "test", "[", "[[", "source", ".", "umask")
    loud = [
        c
        for c in block.top
        if c.before != "|" and c.words[0].text not in quiet and not re.match(r"\w+=", c.words[0].raw)
    ]
    return len(loud) <= 1


def _as_yaml(offered: list[Expectation], blocks: list[Block]) -> str:
    """Return the offered expectations as a value of `expect`, or nothing where they would judge too much."""
    from orion_deploy.checklist.yaml_text import scalar

    if any(e.matcher in _ALONE for e in offered) and (
        len(blocks) > 1 or not _is_only_output(blocks[0]) or len(offered) > 1
    ):
        return ""
    values = [
        "{nothing: true}" if e.matcher == "nothing" else f"{{{e.matcher}: {scalar(e.value, in_flow=True)}}}"
        for e in dict.fromkeys(offered)
    ]
    return values[0] if len(values) == 1 else f"[{', '.join(values)}]"


RULES: Final = (
    Rule(
        "guard-last", Severity.WARNING, "`A && ... exit 1` as the last line",
        "When the guard does not fire, the status is that of its condition: 1 says nothing. This app knows the pattern; a shell, "
        "a scheduler or a colleague does not.",
        "if CONDITION; then echo ERROR; exit 1; fi", _guard_last,
    ),
    Rule(
        "echo-status", Severity.DANGER, "`echo $?` as the last command",
        "The script ends with the status of the `echo`: a failure is recorded as a success.",
        "leave the `echo` out", _echo_status,
    ),
    Rule(
        "inverted-grep", Severity.DANGER, "a `grep` that should find nothing",
        "Its status is inverted, and a wrong path, an empty file or a misspelt name look exactly like success.",
        "expect: {nothing: true}", _inverted_grep,
    ),
    Rule(
        "expectation-in-comment", Severity.NOTE, "an expectation that only a comment has",
        "As the key `expect` it is compared with the output, and the verdict shows both.",
        instead.contains(), _expectation_in_comment,
    ),
)  # fmt: skip
