"""`run` and `rollback`: a checklist carried out in plain lines, by a person's answers or, with --auto, by verdicts alone."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click

from orion_deploy.cli.options import (
    StepId,
    examples,
    file_argument,
    json_option,
    opening_options,
)
from orion_deploy.errors import OrionError


@click.command(
    "run",
    epilog=examples(
        "orion-deploy run release.md",
        "orion-deploy run release.md --auto --approve --set VERSION=1.2.3",
        "orion-deploy run release.md --auto --until backup --json | jq .event",
        "orion-deploy run release.md --only smoke-test",
    ),
)
@file_argument
@click.option(
    "--auto",
    is_flag=True,
    help="Ask nothing: a passing verdict is the tick; a step that needs a person is left open, or stops the"
    " run where it is mandatory; a failed step stops it.",
)
@click.option("--until", metavar="STEP", type=StepId(), help="Stop behind this step.")
@click.option(
    "--only", metavar="STEP", type=StepId(), help="This step alone; also a block under no step (SECTION#N)."
)
@click.option(
    "--override",
    default="",
    metavar="TEXT",
    help="With --auto --only: why STEP is run although the run has gone the other way back; stands in the evidence.",
)
@opening_options
@json_option
def run_command(
    *,
    file: Path,
    auto: bool,
    until: str | None,
    only: str | None,
    override: str,
    run_name: str | None,
    assigned: dict[str, str],
    cwd: str | None,
    approve: bool,
    as_json: bool,
) -> int:
    """Carry FILE out in plain lines: each step is shown, and you are asked what to do with it.

    With --auto nothing is asked. Exit codes: 0 everything is settled; 1 a step failed; 3 a person's steps are
    left; 4 another operator holds the run; 5 an outcome is unknown; 6 state could not be written; 130
    interrupted. Interrupted at any point, the same command goes on from there.
    """
    from orion_deploy.cli.carrying import Request, carry_out

    if until is not None and only is not None:
        raise click.UsageError("--until and --only exclude each other")
    if override and not (auto and only is not None):
        raise click.UsageError("--override goes with --auto and --only")
    if as_json and not auto:
        raise click.UsageError("--json goes with --auto: answers are asked for in words")
    return carry_out(
        Request(
            path=file,
            auto=auto,
            until=until,
            only=only,
            override=override,
            run=run_name,
            cwd=cwd,
            assigned=assigned,
            approve=approve,
            as_json=as_json,
        )
    )


@click.command(
    "rollback",
    epilog=examples(
        "orion-deploy rollback release.md",
        'orion-deploy rollback release.md --auto --reason "p95 above 10 ms"',
        'orion-deploy rollback release.md --auto --way restore --reason "the database is damaged"',
        "orion-deploy rollback release.md --facts",
    ),
)
@file_argument
@click.option(
    "--facts",
    "facts_only",
    is_flag=True,
    help="Only tell what decides which way back to take: the database, this run's backup, what was written since.",
)
@click.option(
    "--auto", is_flag=True, help="Carry the rollback section out, asking nothing, as `run --auto` does."
)
@click.option(
    "--way",
    default="",
    metavar="OPTION",
    help="With --auto: the answer to the choice of the way back, by its key, number or title, as `choose` takes it.",
)
@click.option(
    "--reason", metavar="TEXT", default="", help="Why; stands in the evidence. Asked for on the screen."
)
@opening_options
@json_option
def rollback_command(
    *,
    file: Path,
    facts_only: bool,
    auto: bool,
    way: str,
    reason: str,
    run_name: str | None,
    assigned: dict[str, str],
    cwd: str | None,
    approve: bool,
    as_json: bool,
) -> int:
    """Open the way back of FILE's run on the screen: its rollback section becomes the path. With --auto, go it.

    Without a terminal it tells what decides which way back to take, as --facts does, and what to run instead. Where
    the checklist leaves the way to a choice, --auto needs its answer before anything runs: --way, or `choose`.
    """
    from orion_deploy.run.places import Places

    if facts_only and auto:
        raise click.UsageError("--facts and --auto exclude each other")
    if way and not auto:
        raise click.UsageError("--way goes with --auto: the screen asks for the way")
    # The way back belongs to the run that went there, finished or not: its backup, its facts.
    run_name = run_name or Places.of(file).latest()
    if auto:
        from orion_deploy.cli.carrying import Request, carry_out

        return carry_out(
            Request(
                path=file,
                auto=True,
                run=run_name,
                cwd=cwd,
                assigned=assigned,
                approve=approve,
                as_json=as_json,
                rollback_reason=reason or "rollback --auto",
                way=way,
            )
        )
    if facts_only:
        from orion_deploy.cli.way_back import tell_facts

        return tell_facts(file, run=run_name, as_json=as_json)
    if as_json:
        raise click.UsageError("--json goes with --auto or --facts")
    from orion_deploy.cli.screen import require_terminal, show_screen

    try:
        require_terminal(file)
    except OrionError:
        if run_name is not None:
            from orion_deploy.cli.way_back import tell_facts

            with suppress(OrionError):  # what is wrong with the terminal is what to say
                tell_facts(file, run=run_name, as_json=False)
        raise

    return show_screen(
        file, run=run_name, cwd=cwd, assigned=assigned, approve=approve, start_in_rollback=True
    )
