"""`report`: the evidence of a run. Reads the run's files and nothing else; writes only the file that `-o` names."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orion_deploy.cli.options import ChecklistPath, examples
from orion_deploy.cli.out import data, talk
from orion_deploy.errors import OrionError
from orion_deploy.report.formats import DEFAULT, FORMATS, format_of
from orion_deploy.text import plain_line


@click.command(
    "report",
    epilog=examples(
        "orion-deploy report release.md",
        "orion-deploy report release.md -o evidence.html",
        "orion-deploy report release.md --run rehearsal --format json | jq .result",
    ),
)
@click.argument("file", type=ChecklistPath())
@click.option(
    "--run", "run_name", metavar="NAME", help="Of this run; by default the unfinished one, else the latest."
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(list(FORMATS)),
    help="By default what the ending of -o says, else Markdown.",
)
@click.option("-o", "--output", metavar="F", help="Write to the file F, for you alone, instead of stdout.")
def report_command(*, file: Path, run_name: str | None, format_name: str | None, output: str | None) -> int:
    """Print the evidence of FILE's run: what, who, when, values, outputs, and every exception with its reason.

    Works while somebody holds the run, on an unfinished or damaged one, and when FILE has changed or is gone.
    """
    from orion_deploy.report.formats import render
    from orion_deploy.report.gather import gather
    from orion_deploy.run.edge import who

    name = _format(format_name, output)
    evidence = gather(file, run=run_name, who=who())
    if evidence.damage:
        talk(f"note: {plain_line(evidence.damage)}; the report tells what stands before that place")
    put(render(evidence, name), output)
    return 0


def _format(given: str | None, output: str | None) -> str:
    found = given or format_of(output)
    if found is None and output is not None:
        raise OrionError(
            f"the ending of `{output}` says no format",
            help=f"end it in {', '.join(form.endings[0] for form in FORMATS.values())}, or give --format",
        )
    return found or DEFAULT


def put(text: str, output: str | None) -> None:
    """Print a report, or write it to a file for this user alone, at once and never through a symbolic link.

    Raises NotRecordedError when it cannot be written.
    """
    data_bytes = text.encode("utf-8", "replace")
    if output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(data_bytes)
        sys.stdout.flush()
        return
    from orion_deploy.report.saving import save

    path = Path(output)
    save(path, data_bytes)
    data(plain_line(str(path)))
