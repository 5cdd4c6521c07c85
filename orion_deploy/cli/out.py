"""stdout is data, stderr is talk. Whatever comes from a checklist or a process passes `orion_deploy.text` on its way."""

from __future__ import annotations

import sys


def data(text: str = "") -> None:
    """Print a line of what was asked for."""
    sys.stdout.write(text + "\n")


def data_now(text: str = "") -> None:
    """Print a line of what is going on, at once: somebody watches, or a pipe does."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def talk(text: str) -> None:
    """Say something about the work to the person, at once and beside the data."""
    sys.stdout.flush()
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def json_data(value: object, *, indent: int | None = 2) -> None:
    """Print JSON. Pure ASCII: whatever a title holds, no byte of it acts upon a terminal."""
    import json

    sys.stdout.write(json.dumps(value, indent=indent, default=str) + "\n")
    if indent is None:
        sys.stdout.flush()
