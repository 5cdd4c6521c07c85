"""What the start of the screens does without."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support.stage import RELEASE

SCRIPT = """
import asyncio, sys
from pathlib import Path
from orion_deploy.run.opening import open_session
session = open_session(Path(sys.argv[1]))
from orion_deploy.tui.orion import OrionApp
app = OrionApp(session, {})
async def start():
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
asyncio.run(start())
print(" ".join(sorted({name.partition(".")[0] for name in sys.modules})))
"""
HEAVY = {
    "pydantic",
    "psutil",
    "markdown_it",
    "mdit_py_plugins",
    "yaml",
    "sqlite3",
    "click",
    "humanize",
    "pygments",
}


def test_the_first_paint_waits_for_no_heavy_module(tmp_path: Path) -> None:
    """A Markdown checklist is on the screen without pydantic, psutil, a Markdown or YAML parser, or a database."""
    book = tmp_path / "release.md"
    book.write_text(RELEASE.read_text().rpartition("---\n")[2])  # its front matter is YAML
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(book)], capture_output=True, text=True, check=True, timeout=60
    )
    assert HEAVY & set(done.stdout.split()) == set()
