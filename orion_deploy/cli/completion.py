"""`completion`: prints a shell's completion script. The script asks this program; nothing is listed twice."""

from __future__ import annotations

import click

from orion_deploy.cli.options import examples
from orion_deploy.cli.out import data


@click.command(
    "completion",
    epilog=examples(
        "orion-deploy completion bash > ~/.local/share/bash-completion/completions/orion-deploy",
        'eval "$(orion-deploy completion zsh)"',
        "orion-deploy completion fish > ~/.config/fish/completions/orion-deploy.fish",
    ),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> int:
    """Print the completion script of SHELL: commands, options, checklists and the ids of their steps."""
    from click.shell_completion import get_completion_class

    from orion_deploy.cli.group import house
    from orion_deploy.cli.start import COMPLETE_VARIABLE

    cls = get_completion_class(shell)
    assert cls is not None
    data(cls(house, {}, "orion-deploy", COMPLETE_VARIABLE).source().strip())
    return 0
