"""The package as an installation has it: with its bytecode beside it.

Where `PYTHONDONTWRITEBYTECODE` is set, each process that is started would compile the package anew, and measurements
would be of the compiler (the screens: 1.23 times a minimal app became 1.55 times).
"""

from __future__ import annotations

import compileall
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "orion_deploy"


def compile_package() -> None:
    """Compile what has changed since the last time; a checkout that cannot be written to stays as it is."""
    compileall.compile_dir(PACKAGE, quiet=2)
