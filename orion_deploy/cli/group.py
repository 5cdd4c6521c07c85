"""The tree of commands for click. A command's module is loaded when that command is asked for, and no other."""

from __future__ import annotations

from importlib import import_module

import click
from click.shell_completion import CompletionItem

from orion_deploy.cli.table import MODULES, overview

_OWN_OPTIONS = ("-h", "--help", "-V", "--version")


class House(click.Group):
    """The commands by the table; words that begin with none of them are `open`'s."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the table's order."""
        return list(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command."""
        module = MODULES.get(cmd_name)
        if module is None:
            return None
        command = getattr(import_module(f"orion_deploy.cli.{module}"), f"{cmd_name}_command")
        assert isinstance(command, click.Command)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take `[FILE]` without a command as `open FILE`."""
        if not ctx.resilient_parsing and (
            not args or (args[0] not in MODULES and args[0] not in _OWN_OPTIONS)
        ):
            if len(args) > 1 and not args[0].startswith("-"):
                from orion_deploy.cli.files import resolve

                resolve(args[0])  # a mistyped command is told as such, not as too many arguments
            args = ["open", *args]
        return super().parse_args(ctx, args)

    def get_help(self, ctx: click.Context) -> str:
        """The table's page: the same as without click."""
        return overview().rstrip("\n")

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands, without loading them, and files."""
        names = [CompletionItem(name) for name in MODULES if name.startswith(incomplete)]
        if incomplete.startswith("-"):
            return [CompletionItem(option) for option in _OWN_OPTIONS if option.startswith(incomplete)]
        return [*names, CompletionItem(incomplete, type="file")]


def _print_version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from orion_deploy import __version__

        click.echo(f"orion-deploy {__version__}")
        ctx.exit()


house = House(
    name="orion-deploy",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    params=[
        click.Option(
            ["-V", "--version"], is_flag=True, is_eager=True, expose_value=False, callback=_print_version
        )
    ],
)
