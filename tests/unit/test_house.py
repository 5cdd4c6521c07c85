"""The house holds: the checkers pass, the layers are one-way, and every room can be held in one head."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "orion_deploy"
ROOM_LINES_MAX = 400
CHECK_TIMEOUT_S = 600


def run(*argv: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a checker on the checkout."""
    return subprocess.run(
        [str(word) for word in argv], cwd=ROOT, capture_output=True, text=True, timeout=CHECK_TIMEOUT_S
    )


def tool(name: str) -> Path:
    """A tool of the environment that runs the tests."""
    return Path(sys.executable).parent / name


CHECKS = {
    "ruff check": ["ruff", "check", "--no-cache", "."],
    "ruff format": ["ruff", "format", "--no-cache", "--check", "."],
    "mypy": ["mypy"],
    "import-linter": ["lint-imports", "--no-cache"],
}


@pytest.mark.parametrize("check", CHECKS)
def test_checker_passes(check: str, tmp_path: Path) -> None:
    """Lint, format, strict types of the whole project, and the one-way imports hold."""
    name, *arguments = CHECKS[check]
    if name == "mypy":
        arguments += ["--cache-dir", str(tmp_path)]
    done = run(tool(name), *arguments)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_room_can_be_held_in_one_head() -> None:
    """No file of the package, of the benchmarks or the scripts has more than 400 lines."""
    files = [p for folder in (PACKAGE, ROOT / "benchmarks", ROOT / "scripts") for p in folder.rglob("*.py")]
    lines = {str(p.relative_to(ROOT)): p.read_text().count("\n") for p in files}
    assert len(lines) > 50
    assert {name: count for name, count in lines.items() if count > ROOM_LINES_MAX} == {}


LAYERS: dict[str, tuple[str, set[str]]] = {
    "errors": ("orion_deploy.errors", {"orion_deploy", "orion_deploy.errors", "orion_deploy.text"}),
    "bundled": ("orion_deploy.bundled", {"orion_deploy", "orion_deploy.bundled"}),
}
HEAVY = ("textual", "rich", "pydantic", "markdown_it", "yaml", "psutil", "sqlite3", "click", "humanize")
MUST_NOT_IMPORT = {
    "orion_deploy.text": HEAVY,
    "orion_deploy.errors": HEAVY,
    "orion_deploy.bundled": HEAVY,
    "orion_deploy.checklist.model": HEAVY,
    "orion_deploy.checklist.read": HEAVY,
    "orion_deploy.kinds.registry": HEAVY,
    "orion_deploy.run.session": HEAVY,
    "orion_deploy.run.opening": HEAVY,
    "orion_deploy.run.auto": HEAVY,
    "orion_deploy.run.status": HEAVY,
    "orion_deploy.cli.start": HEAVY,
    "orion_deploy.cli.screen": HEAVY,
    "orion_deploy.cli.run": tuple(name for name in HEAVY if name != "click"),
    "orion_deploy.report.gather": HEAVY,
    "orion_deploy.report.markdown": HEAVY,
    "orion_deploy.tui.app": HEAVY,
}


def modules_after(statement: str) -> set[str]:
    """The names in `sys.modules` after a statement, in an interpreter of its own."""
    done = run(sys.executable, "-c", f"{statement}\nimport sys\nprint(*sys.modules)")
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("module", MUST_NOT_IMPORT)
def test_module_is_light(module: str) -> None:
    """Importing a room imports none of the heavy libraries: they are loaded where they are used."""
    loaded = modules_after(f"import {module}")
    assert module in loaded
    assert loaded & set(MUST_NOT_IMPORT[module]) == set()


@pytest.mark.parametrize("layer", LAYERS)
def test_lowest_layers_stand_alone(layer: str) -> None:
    """The lowest rooms import nothing of the project that is above them."""
    module, allowed = LAYERS[layer]
    ours = {name for name in modules_after(f"import {module}") if name.split(".")[0] == "orion_deploy"}
    assert ours <= allowed
