"""How fast the commands answer, as ratios to `python -c pass` within one run.

    python benchmarks/bench_cli.py [--rounds 40]

Alternatives are interleaved, medians compared. The command is started by the script that pip 25 writes for an
entry point (older ones import `re` first, 4 ms that are not ours), with bytecode cached, as after an install.
Exit code 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.compiled import compile_package  # as an installation has it

ENTRY_SCRIPT = """#!{python}
import sys
from orion_deploy.__main__ import main
if __name__ == '__main__':
    sys.argv[0] = sys.argv[0].removesuffix('.exe')
    sys.exit(main())
"""
STEPS = 40
CASES: dict[str, tuple[list[str], str, float]] = {
    "--version": (["--version"], "pass", 1.15),
    "--help": (["--help"], "pass", 3.0),
    "run --help": (["run", "--help"], "pass + click", 2.0),
    "status --json": (["status", "release.md", "--json"], "pass", 2.5),
    "status": (["status", "release.md"], "pass + click", 3.0),
}
"""Name to arguments, what it is measured against, and the goal as a ratio."""
FLOORS = {"pass": "pass", "pass + click": "import click"}


def measure(commands: dict[str, list[str]], folder: Path, rounds: int) -> dict[str, float]:
    """Median seconds of each command, run in turn."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environ["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds + 2):
        for name, command in commands.items():
            begin = time.perf_counter()
            subprocess.run(command, cwd=folder, env=environ, stdout=subprocess.DEVNULL, check=True)
            if turn >= 2:  # the first ones fill caches
                seconds[name].append(time.perf_counter() - begin)
    return {name: statistics.median(values) for name, values in seconds.items()}


def finished_run(folder: Path) -> None:
    """A checklist of 40 steps, carried out for real."""
    steps = "\n".join(f"- [ ] Step {number}\n  ```bash\n  true\n  ```" for number in range(STEPS))
    (folder / "release.md").write_text(f"# Release\n\n## Deployment\n\n{steps}\n")
    subprocess.run(
        [sys.executable, "-m", "orion_deploy", "run", "release.md", "--auto", "--approve"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )


def main() -> int:
    """Measure, print a table, and tell whether every goal is met."""
    compile_package()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        finished_run(folder)
        script = folder / "orion-deploy"
        script.write_text(ENTRY_SCRIPT.format(python=sys.executable))
        script.chmod(0o755)
        commands = {floor: [sys.executable, "-c", statement] for floor, statement in FLOORS.items()}
        commands |= {case: [str(script), *arguments] for case, (arguments, _, _) in CASES.items()}
        found = measure(commands, folder, rounds)
    print(f"{'command':<16}{'ms':>8}{'ratio':>8}{'goal':>8}  of")
    for floor in FLOORS:
        print(f"{floor:<16}{found[floor] * 1000:>8.1f}")
    missed = 0
    for case, (_, floor, goal) in CASES.items():
        ratio = found[case] / found[floor]
        missed += ratio > goal
        print(f"{case:<16}{found[case] * 1000:>8.1f}{ratio:>8.2f}{goal:>8.2f}  {floor}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
