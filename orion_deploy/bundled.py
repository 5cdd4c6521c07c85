"""What comes with the app: its checklists and migrations, found in the installed package or in a checkout.

Nothing is imported here but `os` and `pathlib`: the way of a start leads through this file.
"""

from __future__ import annotations

import os
from pathlib import Path

SUFFIXES = (".md", ".yaml", ".yml")
"""Of a checklist, in the order in which a name without one is tried."""

_PACKAGE = os.path.dirname(os.path.abspath(__file__))


def folder(name: str) -> Path | None:
    """Return the folder `checklists` or `migrations`, or None when this installation carries none."""
    for home in (os.path.join(_PACKAGE, "_bundled"), os.path.dirname(_PACKAGE)):
        candidate = os.path.join(home, name)
        if os.path.isdir(candidate):
            return Path(candidate)
    return None


def checklists() -> tuple[Path, ...]:
    """Every bundled checklist, by name."""
    home = folder("checklists")
    if home is None:
        return ()
    return tuple(home / name for name in sorted(os.listdir(home)) if name.endswith(SUFFIXES))


def checklist(name: str) -> Path | None:
    """Return the bundled checklist `name`, given with or without its suffix (Markdown first), or None."""
    home = folder("checklists")
    if home is None or os.path.basename(name) != name:
        return None
    for suffix in ("", *SUFFIXES):
        if (name + suffix).endswith(SUFFIXES) and os.path.isfile(home / (name + suffix)):
            return home / (name + suffix)
    return None
