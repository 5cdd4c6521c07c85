"""`lint`: findings like a compiler's, each with why and what to write instead. Nothing is executed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orion_deploy.cli.options import examples, file_argument, json_option
from orion_deploy.cli.out import data, json_data, talk
from orion_deploy.errors import ChecklistError, ExitCode, OrionError, Place
from orion_deploy.text import plain_line

if TYPE_CHECKING:
    from orion_deploy.checklist.kind_call import KindCall
    from orion_deploy.checklist.lint import Finding
from orion_deploy.checklist.model import Checklist


@click.command(
    "lint",
    epilog=examples(
        "orion-deploy lint release.md",
        "orion-deploy lint release.md --fix",
        "orion-deploy lint release.md --json | jq '.[].rule'",
    ),
)
@file_argument
@click.option(
    "--fix", is_flag=True, help="Write the `yaml step` blocks that say the same more safely into FILE."
)
@json_option
def lint_command(*, file: Path, fix: bool, as_json: bool) -> int:
    """Find what is unsafe or unclear in FILE: rule, line, caret, why, and the safe step to use instead.

    Exit code 1 when there are findings. Nothing is executed.
    """
    found = findings_of(file)
    if fix and _fix(file, found):
        found = findings_of(file)
    if as_json:
        json_data([finding.to_json() for finding in found])
    else:
        for finding in found:
            data(finding.render() + "\n")
        talk(_summed_up(found))
    return ExitCode.FAILED if found else ExitCode.FINE


def findings_of(file: Path) -> list[Finding]:
    """Everything found in a checklist, by line: the rules' findings, and typed steps that cannot be built.

    Raises ChecklistError when it cannot be read.
    """
    from orion_deploy.checklist.lint import lint
    from orion_deploy.checklist.read import load

    checklist, bytes_read = load(file)
    text = bytes_read.decode("utf-8", "replace")
    found = [*lint(checklist, text), *_typed(checklist, text.split("\n"))]
    return sorted(found, key=lambda finding: (finding.line, finding.column))


def _typed(checklist: Checklist, lines: list[str]) -> Iterator[Finding]:
    """Typed steps whose kind is not known, or whose parameters do not fit it."""
    from orion_deploy.checklist.lint import Finding, Severity

    for _, step in checklist.walk():
        for call in (step.facts.call, step.facts.verify):
            if call is None:
                continue
            for message, line, instead in _problems(call):
                at = line or call.line or step.line
                source = lines[at - 1] if 0 < at <= len(lines) else ""
                yield Finding(
                    rule="typed-step",
                    severity=Severity.DANGER,
                    message=message,
                    place=Place(checklist.path, line=at, source=source),
                    why="the step cannot run as it stands: it would be refused when it is its turn",
                    instead=instead,
                    step=step.id,
                )


def _problems(call: KindCall) -> Iterator[tuple[str, int, str]]:
    from orion_deploy.kinds.registry import validate

    try:
        for problem in validate(call):
            name = f"{call.name}: {problem.parameter}" if problem.parameter else call.name
            yield f"{name}: {problem.message}", problem.line, problem.help
    except ChecklistError as error:
        yield error.what, call.line, error.help


def _summed_up(found: list[Finding]) -> str:
    if not found:
        return "nothing found"
    counts: dict[str, int] = {}
    for finding in found:
        counts[finding.severity.value] = counts.get(finding.severity.value, 0) + 1
    return ", ".join(f"{number} {word}{'s' if number > 1 else ''}" for word, number in counts.items())


def _fix(file: Path, found: list[Finding]) -> bool:
    """Write what the findings propose into the file, as one step; returns whether anything was to be written.

    The file keeps its mode. Through a symbolic link the file that it means is written.

    Raises OrionError when it cannot be written; the file is then as it was.
    """
    import os
    import tempfile

    from orion_deploy.checklist.lint.fix import fix
    from orion_deploy.checklist.read import load

    _, before = load(file)
    try:
        text = before.decode("utf-8")
    except UnicodeDecodeError:
        raise OrionError(f"{file} is not UTF-8: nothing is written into it") from None
    after = fix(text, found).encode("utf-8")
    if after == before:
        talk("nothing to fix: what is proposed needs a person's knowledge")
        return False
    real = Path(os.path.realpath(file))
    try:
        descriptor, temporary = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}.")
        try:
            with open(descriptor, "wb") as new:
                new.write(after)
                new.flush()
                os.fchmod(new.fileno(), real.stat().st_mode & 0o7777)
                os.fsync(new.fileno())
            os.replace(temporary, real)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise OrionError(f"{file} cannot be written: {error.strerror}; it is as it was") from error
    added = after.count(b"\n") - before.count(b"\n")
    talk(
        f"wrote {added} lines into {plain_line(str(file))}; it is another file now: look at it, and approve it again"
    )
    return True
