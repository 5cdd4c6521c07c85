"""Draw the picture of the report that the README shows, in a real browser: `python scripts/report_picture.py`.

Needs chromium or google-chrome on PATH. The run is made by hand, so that the picture is the same each time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "screenshots" / "report.png"
SIZE = "1120,1240"


def main() -> int:
    """Draw it."""
    browser = next((b for b in ("chromium", "google-chrome", "chrome") if shutil.which(b)), None)
    if browser is None:
        print("neither chromium nor google-chrome is on PATH", file=sys.stderr)
        return 1
    os.environ["TZ"] = "UTC"
    time.tzset()
    sys.path.insert(0, str(ROOT / "tests"))
    from support.night import night

    from orion_deploy.report.formats import render

    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "report.html")
        page.write_text(render(night(), "html"), "utf-8")
        subprocess.run(
            [
                *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
                *(f"--user-data-dir={folder}/browser", f"--screenshot={TARGET}", f"--window-size={SIZE}"),
                page.as_uri(),
            ],
            check=True,
            capture_output=True,
        )
    print(TARGET)
    return 0


if __name__ == "__main__":
    sys.exit(main())
