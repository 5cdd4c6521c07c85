"""How soon the screens are there, against a minimal Textual app (Header, Footer, Tree) in the same run.

    python benchmarks/bench_start.py [--rounds 15]

Each round starts every case once, in random order, in a real pty; the time is from the fork to the chunk of
output after which the expected text is on the screen. Goals: the whole screen within 1.25 times the minimal
app, the first text within 2 times `python -c pass` (docs/screens.md). Exit code 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support.compiled import compile_package  # noqa: E402  # as an installation has it
from support.screen import Screen  # noqa: E402  # the tests' terminal is the benchmarks' too

MINIMAL = """
from textual.app import App
from textual.widgets import Footer, Header, Tree
class Minimal(App):
    BINDINGS = [("q", "quit", "Leave"), ("space", "tick", "Tick")]
    def compose(self):
        yield Header()
        yield Tree("Checklist")
        yield Footer()
    def on_mount(self):
        tree = self.query_one(Tree)
        tree.root.expand()
        for section in range(8):
            node = tree.root.add(f"Section {section}", expand=True)
            for step in range(4):
                node.add_leaf(f"STEP-{section * 4 + step:02d} do a thing")
Minimal().run()
"""
STEPS = 32


@dataclass(frozen=True)
class Case:
    """What is started, and what must be on the screen."""

    argv: tuple[str, ...]
    texts: tuple[str, ...]
    against: str = ""
    goal: float = 0.0


def cases(folder: Path) -> dict[str, Case]:
    """The cases; the checklist has as many steps as the minimal app has leaves."""
    (folder / "minimal.py").write_text(MINIMAL)
    python = sys.executable
    orion = (python, "-c", "import sys; from orion_deploy.__main__ import main; sys.exit(main())")
    return {
        "python -c pass": Case((python, "-c", "print('READY')"), ("READY",)),
        "import textual.app": Case((python, "-c", "import textual.app; print('READY')"), ("READY",)),
        "minimal Textual": Case((python, str(folder / "minimal.py")), ("STEP-27", "Leave")),
        "orion: first text": Case((*orion, "release.md"), ("orion-deploy",), "python -c pass", 2.0),
        "orion: whole screen": Case((*orion, "release.md"), ("STEP-27", "leave"), "minimal Textual", 1.25),
    }


def book() -> str:
    """A checklist of 32 steps in 8 sections."""
    parts = ["# Release\n"]
    for section in range(8):
        parts.append(f"\n## Section {section}\n\n")
        parts += [
            f"- [ ] STEP-{section * 4 + step:02d} do a thing\n  ```bash\n  true\n  ```\n" for step in range(4)
        ]
    return "".join(parts)


def start_ms(case: Case, folder: Path) -> float:
    """Start a case once; milliseconds until its text is on the screen."""
    import pyte

    with Screen(case.argv, cwd=folder, size=(120, 40), env={"TEXTUAL_SPEEDUPS": "0"}) as screen:
        screen.wait(lambda text: all(part in text for part in case.texts), 20)
        sent, times, began = bytes(screen.sent), list(screen.times), screen.started
    from support.screen import UNKNOWN_TO_PYTE

    replay = pyte.Screen(120, 40)
    stream = pyte.ByteStream(replay)
    before = 0
    for at, count in times:
        stream.feed(UNKNOWN_TO_PYTE.sub(b"", sent[before:count]))
        before = count
        if all(any(part in row for row in replay.display) for part in case.texts):
            return (at - began) * 1000
    raise AssertionError("what was on the screen is not in the replay")


def main() -> int:
    """Measure, print a table, say which goals were missed."""
    compile_package()
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["HOME"] = name
        (folder / "release.md").write_text(book())
        chosen = cases(folder)
        approve = Screen((sys.executable, "-m", "orion_deploy", "approve", "release.md", "--yes"), cwd=folder)
        with approve:
            approve.end()
        times: dict[str, list[float]] = {case: [] for case in chosen}
        for number in range(rounds + 1):
            for case in random.sample(list(chosen), len(chosen)):
                spent = start_ms(chosen[case], folder)
                if number:
                    times[case].append(spent)
    medians = {case: statistics.median(values) for case, values in times.items()}
    missed = False
    for case, spec in chosen.items():
        line = f"{case:22} median {medians[case]:7.1f} ms   min {min(times[case]):7.1f}"
        if spec.against:
            ratio = statistics.median(a / b for a, b in zip(times[case], times[spec.against], strict=True))
            line += f"   x{ratio:.2f} of {spec.against} (goal {spec.goal})"
            missed = missed or ratio > spec.goal
        print(line)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
