"""Arguments and options that several commands share: one wording, one meaning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

Decorated = Callable[..., Any]

if TYPE_CHECKING:
    _PathType = click.ParamType[Path]
    _TextType = click.ParamType[str]
else:  # click 8.1 knows no parameter types with parameters
    _PathType = _TextType = click.ParamType


class ChecklistFile(_PathType):
    """A checklist by path or bundled name."""

    name = "FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path. Raises OrionError with the nearest names."""
        from orion_deploy.cli.files import resolve

        return value if isinstance(value, Path) else resolve(str(value))

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Files, and the names of bundled checklists."""
        from orion_deploy import bundled

        names = [path.stem for path in bundled.checklists() if path.stem.startswith(incomplete or "\0")]
        return [CompletionItem(incomplete, type="file"), *(CompletionItem(n) for n in dict.fromkeys(names))]


class ChecklistPath(ChecklistFile):
    """A checklist by path or bundled name; one that is gone is still known by its runs."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path. Raises as `ChecklistFile.convert`."""
        from orion_deploy.cli.status import known

        return value if isinstance(value, Path) else Path(known(str(value)))


class StepId(_TextType):
    """A step by its id, or by its number in document order."""

    name = "STEP"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The ids of the steps of FILE; nothing where it cannot be read."""
        from orion_deploy.checklist.read import load
        from orion_deploy.errors import OrionError
        from orion_deploy.text import plain_line

        try:
            checklist, _ = load(Path(str(ctx.params.get("file"))))
        except (OrionError, OSError):
            return []
        return [
            CompletionItem(step.id, help=plain_line(step.title))
            for _, step in checklist.walk()
            if step.id.startswith(incomplete)
        ]


def assignments(_ctx: click.Context, _parameter: click.Parameter, items: tuple[str, ...]) -> dict[str, str]:
    """`--set NAME=VALUE`, any number of times, as a mapping."""
    from orion_deploy.checklist.variables import parse_sets

    return parse_sets(items)


file_argument = click.argument("file", type=ChecklistFile())
step_argument = click.argument("step", type=StepId())
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
run_option = click.option(
    "--run", "run_name", metavar="NAME", help="The run's name; by default the unfinished one, else a new one."
)
cwd_option = click.option(
    "--cwd",
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False, resolve_path=True),
    help="The folder in which steps run; by default this one, or the run's own when it is resumed.",
)
set_option = click.option(
    "--set",
    "assigned",
    metavar="NAME=VALUE",
    multiple=True,
    callback=assignments,
    help="Give a variable or a placeholder its value; may be repeated.",
)
approve_option = click.option(
    "--approve", is_flag=True, help="Trust the commands of exactly this file without being shown them."
)


def opening_options(function: Decorated) -> Decorated:
    """Add the options of every command that carries steps out: --run, --set, --cwd, --approve."""
    for option in (approve_option, cwd_option, set_option, run_option):
        function = option(function)
    return function


def examples(*lines: str) -> str:
    """The foot of a command's `--help`: at least one example that can be copied."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
