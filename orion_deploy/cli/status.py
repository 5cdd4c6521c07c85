"""`status`: where runs stand. The JSON comes straight from the snapshots; words are only made for people."""

from __future__ import annotations

import os
import time

from orion_deploy.cli.out import data, json_data


def print_status(file: str | None, *, as_json: bool, run: str | None = None) -> int:
    """Print where the runs of a checklist stand, or of all that are near. Raises as `status.of_checklist`."""
    from orion_deploy.run.status import everywhere, of_checklist

    now = time.time()
    facts = everywhere(".") if file is None else of_checklist(_known(file), run=run, now=now)
    if as_json:
        json_data(facts)
        return 0
    from orion_deploy.cli.status_text import lines_near, lines_of

    data("\n".join(lines_near(facts, now) if isinstance(facts, list) else lines_of(facts, now)))
    return 0


def _known(file: str) -> str:
    """The checklist's path; a file that is gone is still known by its runs."""
    from orion_deploy.run.sidecar import RUNS_SUFFIX

    if os.path.lexists(file) and not os.path.isdir(file):
        return file
    if os.path.isdir(os.path.realpath(file) + RUNS_SUFFIX):
        return file
    from orion_deploy.cli.files import resolve

    return str(resolve(file))
