"""`report`: the evidence of a run. Reads the run's files and nothing else; writes only the file that `-o` names."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orion_deploy.cli.options import ChecklistPath, examples
from orion_deploy.cli.out import data, json_data, talk
from orion_deploy.errors import ExitCode, OrionError
from orion_deploy.report.evidence import Evidence, Mark
from orion_deploy.report.formats import DEFAULT, FORMATS, format_of
from orion_deploy.text import plain_line

REPORT_BYTES_MAX = 256 * 1024 * 1024


@click.command(
    "report",
    epilog=examples(
        "orion-deploy report release.md",
        "orion-deploy report release.md -o evidence.html",
        "orion-deploy report release.md --run rehearsal --format json | jq .result",
        "orion-deploy report release.md --verify --against evidence.html",
        "orion-deploy report release.md --compare rehearsal 2026-01-29-2230 -o night.html",
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
@click.option(
    "--verify", is_flag=True, help="Prove that the run was not altered: code 1, and where, if it was."
)
@click.option(
    "--against",
    metavar="REPORT",
    help="With --verify: nothing was altered since this earlier report was made.",
)
@click.option(
    "--compare", "compared", nargs=2, metavar="RUN RUN", help="Two runs side by side, the differences first."
)
def report_command(
    *,
    file: Path,
    run_name: str | None,
    format_name: str | None,
    output: str | None,
    verify: bool,
    against: str | None,
    compared: tuple[str, str] | None,
) -> int:
    """Print the evidence of FILE's run: what, who, when, values, outputs, and every exception with its reason.

    Works while somebody holds the run, on an unfinished or damaged one, and when FILE has changed or is gone.
    """
    if against is not None and not verify:
        raise click.UsageError("--against needs --verify")
    if verify:
        if output is not None or compared:
            raise click.UsageError("--verify goes with neither -o nor --compare")
        return _verify(file, run_name, format_name, against)
    name = _format(format_name, output)
    if compared:
        if run_name is not None:
            raise click.UsageError("--compare names both runs itself: it does not go with --run")
        return _compare(file, compared, name, output)
    from orion_deploy.report.formats import render

    put(render(_gathered(file, run_name), name), output)
    return 0


def _gathered(file: Path, run: str | None) -> Evidence:
    """The evidence of a run; damage is told beside the report too."""
    from orion_deploy.report.gather import gather
    from orion_deploy.run.edge import who

    evidence = gather(file, run=run, who=who())
    if evidence.damage:
        talk(
            f"note: run {plain_line(evidence.mark.run)}: {plain_line(evidence.damage)}; "
            "what is told stands before that place"
        )
    return evidence


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

    Raises as `saving.save`.
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


def _compare(file: Path, runs: tuple[str, str], name: str, output: str | None) -> int:
    from orion_deploy.report.compare import compare
    from orion_deploy.report.compare_pages import PAGES

    page = PAGES.get(name)
    if page is None:
        raise click.UsageError(f"a comparison is written as {', '.join(PAGES)}, not as {name}")
    first, second = (_gathered(file, run) for run in runs)
    put(page(compare(first, second)), output)
    return 0


def _verify(file: Path, run: str | None, format_name: str | None, against: str | None) -> int:
    from orion_deploy.report.gather import run_folder
    from orion_deploy.report.proof import prove

    if format_name not in (None, "json"):
        raise click.UsageError("a proof is printed in words, or with --format json")
    mark = _mark_of(against) if against is not None else None
    if mark is not None and run not in (None, mark.run):
        raise OrionError(
            f"`{against}` is a report of the run `{mark.run}`, not of `{run}`",
            help=f"leave --run out, or give --run {mark.run}",
        )
    proof = prove(run_folder(file, run or (mark.run if mark is not None else None)), mark)
    if format_name == "json":
        json_data(proof.to_json())
    else:
        from orion_deploy.cli.report_text import lines_of

        data("\n".join(lines_of(proof, against or "")))
    return int(ExitCode.FAILED if proof.breaks else ExitCode.FINE)


def _mark_of(report: str) -> Mark:
    """The mark of an earlier report. Raises OrionError where the file is none, or cannot be read."""
    from orion_deploy.report.marks import find_mark

    try:
        with open(report, "rb") as file:
            found = find_mark(file.read(REPORT_BYTES_MAX).decode("utf-8", "replace"))
    except OSError as error:
        raise OrionError(
            f"the report `{report}` cannot be read: {error.strerror}",
            help="give a file that `report -o` wrote",
        ) from error
    if found is None:
        raise OrionError(
            f"`{report}` is no report of a run: it names no record of a journal",
            help="give a file that `report -o` wrote, in any of its formats",
        )
    return found
