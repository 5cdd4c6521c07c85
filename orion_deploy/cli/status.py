"""`status`: where runs stand. The JSON comes straight from the snapshots; words are only made for people."""

from __future__ import annotations

import os
import time

from orion_deploy.cli.out import data, json_data


def print_status(file: str | None, *, as_json: bool, run: str | None = None, gate: str | None = None) -> int:
    """Print where the runs of a checklist stand, or of all that are near; with `gate` only criteria and gates.

    Returns the exit code. Raises as `status.of_checklist`, and RefusedError for a gate that there is not.
    """
    from orion_deploy.run.listing import everywhere
    from orion_deploy.run.status import of_checklist

    now = time.time()
    if file is not None and gate is not None:
        from orion_deploy.cli.gates import print_gates

        return print_gates(known(file), gate, as_json=as_json, run=run, now=now)
    facts = everywhere(".") if file is None else of_checklist(known(file), run=run, now=now)
    if as_json:
        json_data(facts)
        return 0
    from orion_deploy.cli.status_text import lines_near, lines_of

    data("\n".join(lines_near(facts, now) if isinstance(facts, list) else lines_of(facts, now)))
    return 0


def known(text: str) -> str:
    """Return the checklist's path; a file that is gone is still known by its runs. Raises as `files.resolve`."""
    from orion_deploy.run.sidecar import RUNS_SUFFIX

    if os.path.lexists(text) and not os.path.isdir(text):
        return text
    if os.path.isdir(os.path.realpath(text) + RUNS_SUFFIX):
        return text
    from orion_deploy.cli.files import resolve

    return str(resolve(text))
