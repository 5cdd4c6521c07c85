"""The long form of the kill -9 tests of the database kinds: `python tests/crash/kinds_full.py [COUNT] [NAME...]`.

500 kills of each kind by default, in a folder of its own; ends with 1 when anything was found that must not be.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.crash import SCENARIOS, storm, zygote


def main(arguments: list[str]) -> int:
    """Run every storm, print one line for each."""
    count = int(arguments[0]) if arguments else 500
    names = arguments[1:] or list(SCENARIOS)
    is_wrong = False
    with tempfile.TemporaryDirectory(prefix="orion-crash-") as folder, zygote() as forker:
        for name in names:
            seen = storm(SCENARIOS[name], Path(folder) / name, forker, count, seed=count)
            states = ", ".join(f"{n} {state}" for state, n in seen.found.most_common())
            print(
                f"{name}: {seen.killed} kills of {count} runs: {states}; {len(seen.wrong)} wrong; {seen.seconds:.0f} s",
                flush=True,
            )
            for words in seen.wrong[:5]:
                print(f"  {words}")
            is_wrong |= bool(seen.wrong)
    return 1 if is_wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
