"""What the shell step is, for `kinds`: no class stands behind it, and its parameters are keys of the step itself."""

from __future__ import annotations

from orion_deploy.checklist.keys import KEYS
from orion_deploy.kinds.registry import KindHelp, ParameterHelp

SHELL_KIND = "shell.command"
PARAMETERS = ("run", "expect", "cwd", "env", "interactive", "shell", "timeout", "auto", "reference", "carry")
"""The keys that concern a command, the indispensable one first."""
_TEXT = """A command: a shell block below a step, or the step's `run` in YAML.

It needs no `check` or `action`: a fenced or indented block in a shell language (bash, sh, zsh, console) is one. A whole
block is run at once, by bash unless it names another shell; `cd` and `export` reach the next steps. Its verdict says why:
passed where the script reached its end or left with status 0 and the expectation holds; failed by an explicit exit with
another status, a signal, or `timeout`; undecided otherwise, and a person decides. The tick is the operator's act, unless
the step says `auto: true`."""
_EXAMPLE = """steps:
  - title: Count the rows
    run: sqlite3 "$DATABASE" 'SELECT count(*) FROM conversations'
    expect: {number: "> 0"}"""


def describe_shell() -> KindHelp:
    """The help of the shell step, in the form of any kind's."""
    keys = {key.name: key for key in KEYS}
    return KindHelp(
        name=SHELL_KIND,
        summary=_TEXT.split("\n\n", maxsplit=1)[0],
        text=_TEXT,
        parameters=tuple(
            ParameterHelp(name, keys[name].takes.value, name == "run", "", keys[name].help)
            for name in PARAMETERS
        ),
        example=_EXAMPLE,
        is_action=True,
    )
