"""Draw every screen into docs/screenshots/ as SVG, from the real app on the test checklist.

Run `python scripts/screenshots.py [NAME...]`; `SCREENSHOTS=FOLDER` draws elsewhere.

Deterministic: a fixed clock, fixed sizes, facts of a run that are written through the real store instead of
waiting for processes.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from textual.pilot import Pilot

from orion_deploy.tui.orion import OrionApp
from orion_deploy.tui.patience import Patience

ROOT = Path(__file__).resolve().parent.parent
CHECKLIST = ROOT / "tests" / "tui" / "release.md"
GATED = ROOT / "tests" / "tui" / "gates.md"
WATCHED = ROOT / "tests" / "tui" / "watched.md"
sys.path.insert(0, str(ROOT / "tests"))

from support.settings import (  # noqa: E402  # the tests' runs are the pictures' too
    Stage,
    approved,
    failed,
    fired,
    hears,
    judged,
    kept,
    midway,
    nothing,
    opened,
    outdated,
    rolling_back,
    running,
    slept,
    unknown,
    unwatched,
)

TARGET = ROOT / "docs" / "screenshots"
SIZES = {"80x24": (80, 24), "120x40": (120, 40), "200x60": (200, 60)}


Keys = Sequence[str]


@dataclass(frozen=True)
class Scene:
    """A screen: what has happened, which keys lead to it, on which step the cursor stands."""

    name: str
    setting: Callable[[Stage], None]
    keys: Keys = ()
    at: str = ""
    sizes: tuple[str, ...] = ("80x24", "120x40")
    book: Path = CHECKLIST


SCENES = (
    Scene("main", midway, at="Warm the caches", sizes=("80x24", "120x40", "200x60")),
    Scene("todo", approved, at="order queue", sizes=("80x24", "120x40")),
    Scene("done", midway, at="order queue", sizes=("80x24", "120x40")),
    Scene("running", running, at="Warm the caches", sizes=("80x24", "120x40", "200x60")),
    Scene("failed", failed, at="Warm the caches", sizes=("80x24", "120x40")),
    Scene("step", midway, ("right",), at="order queue", sizes=("80x24",)),
    Scene("refused", approved, ("enter",), at="Release the version", sizes=("80x24",)),
    Scene("approval", nothing),
    Scene("confirm", approved, ("enter",), at="Stop the shop"),
    Scene("value", midway, ("enter",), at="Release the version"),
    Scene("again", failed, ("enter",), at="Warm the caches"),
    Scene("override", approved, ("space",), at="Stop the shop"),
    Scene("skip", midway, ("s",), at="Warm the caches"),
    Scene("note", midway, ("n",), at="Warm the caches", sizes=("80x24",)),
    Scene("unknown", unknown, ("enter",), at="Warm the caches"),
    Scene("cancel", running, ("x",), at="Warm the caches", sizes=("80x24",)),
    Scene("leave", running, ("q",), at="Warm the caches", sizes=("80x24",)),
    Scene("section", failed, ("enter",), at="#section Deployment"),
    Scene("rollback", failed, ("R",), at="Warm the caches"),
    Scene("rolling-back", rolling_back, at="Choose the way back"),
    Scene("choice", rolling_back, ("enter",), at="Choose the way back"),
    Scene("output", running, ("o",), at="Warm the caches"),
    Scene("edit", approved, ("e",), at="order queue"),
    Scene("search", midway, ("slash", *"shop"), at="order queue", sizes=("80x24",)),
    Scene("help", midway, ("question_mark",), at="order queue"),
    Scene("watching", kept, at="stored quickly", sizes=("80x24", "120x40", "200x60"), book=WATCHED),
    Scene("watch-gaps", slept, at="memory", sizes=("80x24", "120x40"), book=WATCHED),
    Scene("watch-fired", fired, at="stored quickly", sizes=("80x24", "120x40", "200x60"), book=WATCHED),
    Scene("watch-nobody", unwatched, at="No order", sizes=("80x24", "120x40"), book=WATCHED),
    Scene("watches", kept, ("w",), at="stored quickly", sizes=("80x24", "120x40", "200x60"), book=WATCHED),
    Scene(
        "watches-fired", fired, ("w",), at="stored quickly", sizes=("80x24", "120x40", "200x60"), book=WATCHED
    ),
    Scene("watches-gaps", slept, ("w",), at="memory", sizes=("80x24", "120x40"), book=WATCHED),
    Scene("watches-plot", slept, ("w", "p"), at="memory", sizes=("80x24",), book=WATCHED),
    Scene("watches-nobody", unwatched, ("w",), at="No order", sizes=("80x24", "120x40"), book=WATCHED),
    Scene(
        "rollback-fired",
        fired,
        ("R",),
        at="stored quickly",
        sizes=("80x24", "120x40", "200x60"),
        book=WATCHED,
    ),
    Scene("fired-offered", hears, sizes=("80x24", "120x40"), book=WATCHED),
    Scene("watch-end", kept, ("x",), at="memory", sizes=("80x24", "120x40"), book=WATCHED),
    Scene("criteria", judged, ("G",), at="No order", sizes=tuple(SIZES), book=GATED),
    Scene("criteria-outdated", outdated, ("G",), at="Buy something", sizes=("80x24", "120x40"), book=GATED),
    Scene("criteria-word", outdated, ("G", *("down",) * 3, "enter"), at="is live", book=GATED),
    Scene("criteria-early", judged, ("G", "enter"), at="Nobody complained", book=GATED),
    Scene("finish", failed, ("F",), at="Warm the caches", sizes=("80x24",)),
    Scene("finish-gates", outdated, ("F",), at="No order", book=GATED),
)


async def draw(scene: Scene, size: str, target: Path) -> None:
    """Draw one scene in one size."""
    home = Path(os.environ["HOME"])
    folder = home / "shop"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(home / ".local", ignore_errors=True)
    folder.mkdir()
    stage = opened(Path(shutil.copy(scene.book, folder)))
    try:
        scene.setting(stage)
        app = OrionApp(stage.session, {})

        async def settle(pilot: Pilot[int], condition: Callable[[], bool]) -> None:
            for _ in range(200):
                await pilot.pause(0.01)
                if condition():
                    return
            raise SystemExit(f"{scene.name} {size}: it does not come to rest")

        async with app.run_test(size=SIZES[size]) as pilot:
            await settle(pilot, lambda: is_ready(app))
            if scene.at:
                app.main.outline.go_to(row_of(app, scene.at), center=True)
                await pilot.pause()
            for key in scene.keys:
                await settle(pilot, lambda: is_ready(app))
                await pilot.press(key)
            await pilot.pause(0.05)
            await pilot.pause()
            svg = app.export_screenshot(title=f"orion-deploy, {scene.name}")
        (target / f"{scene.name}-{size}.svg").write_text(svg)
    finally:
        stage.session.close()
        for lock in stage.locks:
            os.close(lock)


def is_ready(app: OrionApp) -> bool:
    """Whether the screen on top takes keys."""
    patience: Patience = getattr(app.screen, "patience", app.main.patience)
    return not patience.refuses(time.monotonic())


def row_of(app: OrionApp, words: str) -> int:
    """The row of a step, or of a section (`#section Title`)."""
    rows = app.main.board.rows
    if words.startswith("#section "):
        return next(n for n, row in enumerate(rows) if row.kind == "section" and row.title == words[9:])
    found = [n for n, row in enumerate(rows) if row.kind == "step" and words in row.title]
    return found[0]


def main() -> None:
    """Draw what was asked for, or everything."""
    names = set(sys.argv[1:])
    target = Path(os.environ.get("SCREENSHOTS", TARGET))
    target.mkdir(parents=True, exist_ok=True)
    os.environ["TZ"] = "UTC"
    time.tzset()
    with tempfile.TemporaryDirectory() as home:
        os.environ["HOME"] = home
        for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "TEXTUAL_THEME", "NO_COLOR"):
            os.environ.pop(name, None)
        for scene in SCENES:
            for size in scene.sizes:
                if not names or scene.name in names:
                    asyncio.run(draw(scene, size, target))
                    print(f"{scene.name}-{size}.svg")


if __name__ == "__main__":
    main()
