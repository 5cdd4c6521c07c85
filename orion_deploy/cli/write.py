"""`new`, `convert`, `schema`: texts to begin with. Only `new` writes a file, and never over another."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from orion_deploy.cli.options import examples, file_argument
from orion_deploy.cli.out import data, json_data, talk
from orion_deploy.errors import OrionError
from orion_deploy.text import plain, plain_line

YAML_ENDINGS = (".yaml", ".yml")


@click.command("new", epilog=examples("orion-deploy new release", "orion-deploy new deploy/release.yaml"))
@click.argument("name")
def new_command(*, name: str) -> int:
    """Write a checklist to begin with: NAME.md, or YAML where NAME ends in .yaml. Nothing is overwritten."""
    from orion_deploy.checklist.scaffold import file_name_of, scaffold

    folder, base = os.path.split(name)
    ending = next((each for each in YAML_ENDINGS if base.endswith(each)), "")
    base = base.removesuffix(ending)
    text = scaffold(base, "yaml" if ending else "markdown")
    path = Path(folder, base + ending if ending else file_name_of(base))
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except FileExistsError:
        raise OrionError(
            f"`{path}` is there already", help="give another name; nothing was written"
        ) from None
    except FileNotFoundError:
        raise OrionError(f"the folder `{path.parent}` is not there", help="make it first") from None
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    data(plain_line(str(path)))
    talk(f"look at it: orion-deploy show {plain_line(str(path))}")
    return 0


@click.command(
    "convert",
    epilog=examples(
        "orion-deploy convert release.md > release.yaml", "orion-deploy convert release.yaml > release.md"
    ),
)
@file_argument
def convert_command(*, file: Path) -> int:
    """Print a Markdown FILE as YAML, or a YAML FILE as Markdown. What the other format cannot say is an error."""
    from orion_deploy.checklist.convert import convert
    from orion_deploy.checklist.read import load

    checklist, _ = load(file)
    text = convert(checklist, "yaml" if checklist.source == "markdown" else "markdown")
    if sys.stdout.isatty():
        data(plain(text.rstrip("\n")))
    else:  # a file or a pipe gets exactly what the checklist says
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    return 0


@click.command("schema", epilog=examples("orion-deploy schema > orion-deploy.schema.json"))
def schema_command() -> int:
    """Print the JSON Schema of a YAML checklist: editors complete and check with it."""
    from orion_deploy.checklist.schema import schema
    from orion_deploy.kinds.registry import kind_names

    json_data(schema(kind_names()))
    return 0
