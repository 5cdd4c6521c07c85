"""Write the tables of README.md from the code that they tell of; a test fails while they differ.

Run `python scripts/readme_tables.py` after adding a command, a key, a fault, a kind, an exit code or a limit.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import Field
from importlib import import_module
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"

EXIT_CODES = {
    "FINE": "fine",
    "FAILED": "a step failed, or there are findings",
    "USAGE": "wrong usage, or a checklist that cannot be read",
    "PERSON_NEEDED": "a person is needed",
    "HELD": "another operator holds the run",
    "UNKNOWN": "an outcome is unknown",
    "NOT_WRITTEN": "state could not be written; what was asked was not done",
    "FAULT": "a fault of the app itself",
    "INTERRUPTED": "interrupted",
}

LIMITS = (
    ("checklist.read.MARKDOWN_BYTES_MAX", "bytes", "a checklist in Markdown"),
    ("checklist.markdown.LINES_MAX", "lines", "a checklist in Markdown"),
    ("checklist.model.PARTS_MAX", "sections and steps", "a checklist"),
    ("checklist.read.YAML_BYTES_MAX", "bytes", "a checklist in YAML"),
    ("checklist.yaml_nodes.DEPTH_MAX", "levels", "collections within one another in YAML"),
    ("checklist.shell_text.SCRIPT_CHARACTERS_MAX", "characters", "a script that lint takes apart"),
    ("checklist.yaml_values.TIMEOUT_S_MAX", "s", "the `timeout` of a step"),
    ("checklist.variables.VALUE_CHARACTERS_MAX", "characters", "the value of a variable"),
    ("checklist.placeholders.VALUE_CHARACTERS_MAX", "characters", "what is filled in for a placeholder"),
    ("run.acts.REASON_CHARACTERS_MAX", "characters", "a reason or a note"),
    ("run.places.RUN_NAME_CHARACTERS_MAX", "characters", "the name of a run"),
    ("run.attempt.AttemptSpec.output_bytes_max", "bytes", "output kept of one attempt: its head and its tail"),
    ("run.desk.OUTPUT_FOR_VERDICT_BYTES_MAX", "bytes", "output that an expectation is compared with"),
    ("run.carry.VALUE_BYTES_MAX", "bytes", "an exported variable that later steps get"),
    ("run.carry.NAMES_MAX", "names", "variables that later steps get of one script"),
    ("run.journal.RECORD_BYTES_MAX", "bytes", "one record of the journal"),
    ("run.reading.JOURNAL_BYTES_MAX", "bytes", "the journal of one run"),
    ("run.lock.WAIT_S", "s", "waiting for another operator to leave"),
    ("run.attempt.AttemptSpec.grace_s", "s", "between TERM and KILL when a step is cancelled"),
    ("kinds.sqlite.sql.SCRIPT_BYTES_MAX", "bytes", "a migration's SQL"),
    ("kinds.sqlite.connection.BUSY_TIMEOUT_S", "s", "waiting for a database's lock"),
    ("kinds.sqlite.looking.LOOK_S_MAX", "s", "each long look through a database"),
    ("kinds.sqlite.since.ROWS_COMPARED_MAX", "rows", "a table that is compared with its backup row by row"),
    ("run.way_back.LOOK_S_MAX", "s", "all looks at one database before it is turned back"),
    ("report.gather.HEAD_CHARACTERS_MAX", "characters", "the beginning of an output, in a report"),
    ("report.gather.TAIL_CHARACTERS_MAX", "characters", "the end of an output, in a report"),
    ("report.gather.OUTPUT_CHARACTERS_MAX", "characters", "all outputs of a report together"),
    ("kinds.logs.pattern.PATTERNS_MAX", "patterns", "what one `logs.absent` looks for"),
    ("kinds.logs.pattern.PATTERN_CHARACTERS_MAX", "characters", "one pattern for a log"),
    ("kinds.logs.pattern.WINDOW_BYTES_MAX", "bytes", "what an expression is given of one line at a time"),
    ("kinds.logs.source.LINE_BYTES_MAX", "bytes", "a line of a log; a longer one is read in pieces"),
    ("kinds.logs.parameters.LOOK_S_MAX", "s", "one look of a watch at a log; the next one goes on there"),
    ("kinds.logs.follow.TRAIL_S", "s", "a renamed log is still looked at for late lines"),
    ("kinds.logs.sketch.BINS_MAX", "bins", "all samples of a percentile"),
    ("run.watches.notify.LIMIT_S", "s", "a command or an answer that a notification waits for"),
    ("tui.log_part.BEFORE_BYTES", "bytes", "a log before, and behind, a line that is looked up in it"),
    ("tui.output_text.BYTES_MAX", "bytes", "output shown full screen"),
)  # fmt: skip
"""Name below `orion_deploy`, unit, what it limits."""


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |"]
    lines.append("|" + "---|" * lines[0].count(" | ") + "---|")
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def keys() -> str:
    """The keys of the main screen."""
    from orion_deploy.tui.keys import ACTIONS, key_name

    return table(
        ("Keys", "What they do", "Name"),
        (
            (" ".join(f"`{key_name(key)}`" for key in action.keys), action.help, f"`{action.id}`")
            for action in ACTIONS
        ),
    )


def commands() -> str:
    """The commands."""
    from orion_deploy.cli.table import GROUPS

    return table(
        ("Command", "What it does"),
        ((f"`{name}`", summary) for _, group in GROUPS for name, _, summary in group),
    )


def exit_codes() -> str:
    """The exit codes."""
    from orion_deploy.errors import ExitCode

    return table(("Code", "Meaning"), ((str(code.value), EXIT_CODES[code.name]) for code in ExitCode))


def faults() -> str:
    """The faults of the sandbox."""
    from orion_deploy.demo.faults import FAULTS

    return table(
        ("`--fault`", "What happens", "The way out"),
        (
            (f"`{name}`", fault.what, re.sub(r"kill \$\(.*?\)", r"`\g<0>`", fault.way_out))
            for name, fault in FAULTS.items()
        ),
    )


def kinds() -> str:
    """The typed checks and actions."""
    from orion_deploy.kinds.registry import KINDS, describe
    from orion_deploy.kinds.shell_help import describe_shell

    every = (describe_shell(), *map(describe, KINDS))
    return table(("Kind", "What it does"), ((f"`{kind.name}`", kind.summary) for kind in every))


def limits() -> str:
    """The limits, by the names that they have in the code."""
    return table(
        ("Limit", "Value", "Of what"),
        ((f"`{path}`", f"{number(value_of(path))} {unit}", what) for path, unit, what in LIMITS),
    )


def value_of(path: str) -> float:
    """The value of a limit: a module's constant, or the default of a dataclass's field."""
    parts = path.split(".")
    for end in range(len(parts) - 1, 0, -1):
        try:
            found: object = import_module(".".join(["orion_deploy", *parts[:end]]))
        except ModuleNotFoundError:
            continue
        for name in parts[end:]:
            fields: Mapping[str, Field[object]] = getattr(found, "__dataclass_fields__", {})
            found = fields[name].default if name in fields else getattr(found, name)
        assert isinstance(found, int | float)
        return found
    raise LookupError(path)


def number(value: float) -> str:
    """A figure as people write it."""
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"


TABLES: Mapping[str, Callable[[], str]] = {
    "keys": keys,
    "commands": commands,
    "exit-codes": exit_codes,
    "faults": faults,
    "kinds": kinds,
    "limits": limits,
}


def written(text: str) -> str:
    """Return the README with every table as the code has it."""
    for name, make in TABLES.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if not pattern.search(text):
            raise LookupError(f"README.md has no place for the table `{name}`")
        head, _, tail = pattern.sub(r"\1\0\2", text).partition("\0")
        text = f"{head}{make()}\n{tail}"
    return text


if __name__ == "__main__":
    before = README.read_text("utf-8")
    after = written(before)
    README.write_text(after, "utf-8")
    sys.stdout.write("README.md is as it was\n" if before == after else "README.md is written anew\n")
