"""`kinds`: what a step can do, straight from the kinds themselves."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from orion_deploy.cli.options import examples, json_option
from orion_deploy.cli.out import data, json_data
from orion_deploy.text import plain, plain_line

if TYPE_CHECKING:
    from orion_deploy.kinds.registry import KindHelp


def _complete_kind(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from orion_deploy.kinds.registry import kind_names
    from orion_deploy.kinds.shell_help import SHELL_KIND

    return [CompletionItem(name) for name in (SHELL_KIND, *kind_names()) if name.startswith(incomplete)]


@click.command(
    "kinds",
    epilog=examples("orion-deploy kinds", "orion-deploy kinds sqlite.backup", "orion-deploy kinds --json"),
)
@click.argument("name", required=False, metavar="[KIND]", shell_complete=_complete_kind)
@json_option
def kinds_command(*, name: str | None, as_json: bool) -> int:
    """List what a step can do: a command, the typed checks and actions; or tell all about one KIND: parameters, units, errors, an example."""
    from orion_deploy.kinds.registry import describe, kind_names
    from orion_deploy.kinds.shell_help import SHELL_KIND, describe_shell

    if name is not None:
        found = describe_shell() if name in (SHELL_KIND, "shell") else describe(name)
        if as_json:
            json_data(asdict(found))
        else:
            data(_in_full(found))
        return 0
    every = [describe_shell(), *(describe(each) for each in kind_names())]
    if as_json:
        json_data([asdict(each) for each in every])
        return 0
    width = max((len(each.name) for each in every), default=0)
    for each in every:
        word = "action" if each.is_action else "check"
        data(f"{plain_line(each.name):<{width}}  {word:<6}  {plain_line(each.summary)}")
    return 0


def _in_full(kind: KindHelp) -> str:
    word = "an action: it changes something" if kind.is_action else "a check: it only looks"
    lines = [f"{plain_line(kind.name)} ({word})", "", plain(kind.text), "", "Parameters:"]
    width = max((len(p.name) for p in kind.parameters), default=0)
    for parameter in kind.parameters:
        default = f"; default {parameter.default}" if parameter.default else ""
        required = "required" if parameter.required else f"optional{default}"
        lines.append(
            plain_line(
                f"  {parameter.name:<{width}}  {parameter.type}, {required}. {parameter.help}".rstrip()
            )
        )
    if not kind.parameters:
        lines.append("  none")
    example = [f"  {line}" for line in plain(kind.example).split("\n")] if kind.example else []
    return "\n".join([*lines, *(["", "Example:", *example] if example else [])])
