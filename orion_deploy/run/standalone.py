"""A command that stands alone: pasted into any terminal it means what it means in the run. Pure.

Its values are set in front of it, and never put into it: a value cannot change what the command does, however
the author quoted it. A subshell keeps folder and values to itself, and the terminal open where the script leaves.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Mapping


def mentioned(script: str, names: Iterable[str]) -> tuple[str, ...]:
    """Those of `names` that stand in the script as words, in their order."""
    return tuple(name for name in names if re.search(rf"\b{re.escape(name)}\b", script))


def standing_alone(
    script: str,
    values: Mapping[str, str],
    *,
    folder: str,
    paths: frozenset[str] = frozenset(),
    secrets: frozenset[str] = frozenset(),
) -> str:
    """Return the script with the folder that it runs in and the values that it mentions.

    `values` of the names in `paths` are made absolute within `folder`, itself absolute. The value of a secret is not
    given: the command stops where it is not set. A script that mentions nothing is returned as it is.
    """
    lines = []
    for name in mentioned(script, (*values, *(secrets - set(values)))):
        if name in secrets:
            lines.append(f': "${{{name}:?is a secret, and was not copied: set it first}}"')
            continue
        value = os.path.normpath(os.path.join(folder, values[name])) if name in paths else values[name]
        lines.append(f"export {name}={shlex.quote(value)}")
    if not lines:
        return script
    body = "\n".join((f"cd -- {shlex.quote(folder)} || exit", *lines, script.rstrip("\n")))
    return f"(\n{body}\n)\n"
