"""Which commands there are, and the page that `--help` shows. Imports nothing: this is the way of every start.

Adding a command is one line here and one module beside it, with a click command called `NAME_command`.
"""

from __future__ import annotations

GROUPS: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "Carry out",
        (
            ("open", "open", "Open a checklist on the screen; what `orion-deploy FILE` does."),
            ("run", "run", "Carry a checklist out in plain lines, or by itself with --auto."),
            ("watch", "watch", "Watch in the foreground what a run watches, without the screen."),
            ("rollback", "run", "Open the way back, or carry it out with --auto."),
            ("demo", "demo", "Try it on a sandbox: a database, an app that uses it, faults to inject."),
        ),
    ),
    (
        "Act on the run, from scripts or a screen reader",
        (
            ("tick", "acts", "Tick a step."),
            ("untick", "acts", "Take a tick, a skip or a failure back."),
            ("skip", "acts", "Pass over a step, with a reason."),
            ("note", "acts", "Write something down on a step."),
            ("choose", "acts", "Take an option of a step that is a choice."),
            ("resolve", "acts", "Decide an outcome that is unknown, undecided or failed."),
            ("forget", "acts", "Drop the folder and the variables that steps left for later ones."),
            ("finish", "finish", "Close a run for good, and say what it leaves open."),
        ),
    ),
    (
        "Look",
        (
            ("status", "look", "Where a run stands, what is outstanding, and how to go on."),
            ("report", "report", "The evidence of a run; proves that it is unaltered, compares two."),
            ("show", "look", "What the app sees in a checklist: sections, steps, commands."),
            ("lint", "lint", "Find what is unsafe or unclear in a checklist."),
            ("approve", "approve", "Look at what would run, and trust exactly those bytes."),
            ("kinds", "kinds", "The typed checks and actions a step can have."),
        ),
    ),
    (
        "Write",
        (
            ("new", "write", "Begin a checklist from a scaffold."),
            ("convert", "write", "Turn Markdown into YAML, or YAML into Markdown."),
            ("schema", "write", "Print the JSON Schema of a YAML checklist, for editors."),
            ("completion", "completion", "Print the completion script of a shell."),
        ),
    ),
)

MODULES: dict[str, str] = {name: module for _, commands in GROUPS for name, module, _ in commands}
"""Command to its module in `orion_deploy.cli`."""

MAY_RUN_STEPS = frozenset({"open", "run", "rollback", "demo", "watch"})
"""Commands under which a step of a checklist may run: they hide the app's own name from `pgrep -f`."""

_HEAD = """\
Usage: orion-deploy [FILE]
       orion-deploy COMMAND [ARGUMENTS]

Carry a deployment checklist out: step by step, through every interruption, with the
evidence at the end. FILE is Markdown or YAML, or the name of a bundled checklist.

Examples:
  orion-deploy release.md               open it on the screen
  orion-deploy                          choose one; runs to resume come first
  orion-deploy run release.md           the same in plain lines, without the screen
  orion-deploy run release.md --auto    ask nothing: run and check what needs no person
  orion-deploy demo                     try it on a sandbox
"""

_TAIL = """\
Options:
  -V, --version  Print the version.
  -h, --help     Print this page; `orion-deploy COMMAND --help` tells more of each.

Exit codes: 0 fine; 1 a step failed or there are findings; 2 usage or a bad checklist;
3 a person is needed; 4 another operator holds the run; 5 an outcome is unknown;
6 state could not be written; 70 a fault of the app itself; 130 interrupted.
"""


def overview() -> str:
    """Return the page of `orion-deploy --help`."""
    width = max(map(len, MODULES))
    parts = [_HEAD]
    for heading, commands in GROUPS:
        lines = [f"  {name:<{width}}  {summary}\n" for name, _, summary in commands]
        parts.append(f"{heading}:\n{''.join(lines)}")
    parts.append(_TAIL)
    return "\n".join(parts)
