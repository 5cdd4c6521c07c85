"""From argv to an exit code. What must start fast is told apart here, before click is imported.

`--help` needs the table alone, `status` the sidecars alone, and the screens must not wait for a parser
of options that were not given. Everything else goes through click.
"""

from __future__ import annotations

import os
import sys

from orion_deploy.cli.table import MAY_RUN_STEPS, MODULES, overview

COMPLETE_VARIABLE = "_ORION_DEPLOY_COMPLETE"


def start(argv: list[str]) -> int:
    """Carry the command out; every fault ends here, as one clear text on stderr."""
    try:
        _open_closed_streams()
        for stream in (sys.stdout, sys.stderr):
            # A locale that cannot say a character must not end a deployment.
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        code = _dispatch(argv)
        sys.stdout.flush()
    except BaseException as error:  # the one edge at which nothing may escape
        from orion_deploy.cli.faults import ended

        code = ended(error)
    return code


def _open_closed_streams() -> None:
    """Put nothing in the place of a standard stream that is closed: the next file of the run would get its descriptor."""
    for fd, name in ((0, "stdin"), (1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            null = os.open(
                os.devnull, os.O_RDWR
            )  # The lowest that is free: nearly always the one that was closed.
            if null != fd:
                os.dup2(null, fd)
                os.close(null)
            os.set_inheritable(fd, True)
            setattr(sys, name, os.fdopen(fd, "w" if fd else "r", closefd=False))


def _dispatch(argv: list[str]) -> int:
    if COMPLETE_VARIABLE in os.environ:
        return _click(argv)
    if argv in (["--help"], ["-h"]):
        sys.stdout.write(overview())
        return 0
    command = argv[0] if argv and argv[0] in MODULES else "open"
    if command in MAY_RUN_STEPS:
        from orion_deploy.run.conceal import conceal

        conceal()
    if not argv or (len(argv) == 1 and command == "open" and not argv[0].startswith("-")):
        from orion_deploy.cli.screen import open_screen

        return open_screen(argv[0] if argv and argv != ["open"] else None)
    if command == "status" and all(word == "--json" or not word.startswith("-") for word in argv[1:]):
        from orion_deploy.cli.status import print_status

        files = [word for word in argv[1:] if word != "--json"]
        if len(files) <= 1:
            return print_status(files[0] if files else None, as_json="--json" in argv)
    return _click(argv)


def _click(argv: list[str]) -> int:
    from click.exceptions import Exit

    from orion_deploy.cli.group import house

    if COMPLETE_VARIABLE in os.environ:
        house.main(argv, prog_name="orion-deploy", complete_var=COMPLETE_VARIABLE)
    try:
        # Not `house.main`: it would answer a reader that goes away, and ctrl+c, in a way of its own.
        with house.make_context("orion-deploy", list(argv)) as context:
            result = house.invoke(context)
    except Exit as leaving:
        return leaving.exit_code
    return result if isinstance(result, int) else 0
