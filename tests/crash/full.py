"""The full form of the crash harnesses: `python tests/crash/full.py store` prints a table; exit code 1 when a line is wrong.

    python tests/crash/full.py PART [--short] [--only NAME] [--points N] [--json]

PART is a module `PART_crash` beside this file with a tuple `HARNESSES`, and perhaps a function `prepare`.
`--short` is what the test suite runs. Each harness runs on the product, then on each of its mutants.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path


def main() -> int:
    """Run the harnesses that were asked for."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from support.compiled import compile_package

    from crash.harness import Harness, carry_out, print_row, to_json

    compile_package()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part")
    parser.add_argument("--short", action="store_true", help="as many points as the test suite tries")
    parser.add_argument("--only", default="", help="only harnesses with this in their name")
    parser.add_argument("--points", type=int, help="so many points")
    parser.add_argument("--mutant", help="only this mutant; `none` for the product alone")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    given = parser.parse_args()
    part = importlib.import_module(f"crash.{given.part}_crash")
    getattr(part, "prepare", lambda: None)()
    harnesses: tuple[Harness, ...] = part.HARNESSES
    all_right = True
    for harness in harnesses:
        if given.only not in harness.name:
            continue
        points = given.points or (harness.short if given.short else harness.full)
        mutants = ("", *harness.mutants)
        if given.mutant:
            mutants = ("",) if given.mutant == "none" else (given.mutant,)
        for mutant in mutants:
            row = carry_out(harness, points, mutant)
            all_right &= row.is_right
            if given.json:
                print(to_json(row), flush=True)
            else:
                print_row(row)
    return 0 if all_right else 1


if __name__ == "__main__":
    sys.exit(main())
