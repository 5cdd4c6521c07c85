"""The HTML page in a real browser, where there is one: it asks for nothing, and runs nothing."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support.hostile import everything

from orion_deploy.report.html_page import page

BROWSER = next(
    (found for name in ("chromium", "google-chrome", "chrome") if (found := shutil.which(name))), None
)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium and no google-chrome on PATH")
SECONDS_MAX = 120


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str]]]:
    """The address of a server on this machine, and what it is asked for."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/javascript")
            self.end_headers()
            self.wfile.write(b"document.documentElement.dataset.ran = 'yes'")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", paths
    server.shutdown()
    thread.join()
    server.server_close()


def hostile(address: str) -> str:
    """Everything by which a text could load or run something."""
    return (
        f"</title></style></pre></details><script>document.documentElement.dataset.ran = 'yes'</script>"
        f"<script src={address}/s.js></script><img src={address}/i.png onerror=\"document.documentElement.dataset.ran='yes'\">"
        f"<link rel=stylesheet href={address}/c.css><style>@import url({address}/d.css)</style>"
        f"<svg onload=\"document.documentElement.dataset.ran='yes'\"><text>x</text></svg><iframe src={address}/f></iframe>"
        f'" style="background:url({address}/b.png)" onclick="x" <meta http-equiv=refresh content="0;url={address}/r">'
        "[x](javascript:alert(1))"
    )


def loaded(file: Path, folder: Path) -> str:
    """What the browser made of a file, as HTML."""
    assert BROWSER is not None
    done = subprocess.run(
        [
            *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
            *(
                "--no-first-run",
                "--disable-dev-shm-usage",
                f"--user-data-dir={folder}",
                "--virtual-time-budget=2000",
            ),
            *("--dump-dom", file.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_hostile_text_loads_nothing_and_runs_nothing(tmp_path: Path, asked: tuple[str, list[str]]) -> None:
    """Of a run in which every text is an attack no request comes and no script runs; of the bare text both do."""
    address, paths = asked
    words = hostile(address)
    report = tmp_path / "report.html"
    report.write_text(page(everything(words)), "utf-8")
    made = loaded(report, tmp_path / "browser")
    assert "dataset.ran" in made
    assert 'data-ran="yes"' not in made
    assert paths == []
    bare = tmp_path / "bare.html"
    bare.write_text(f"<!doctype html><title>x{words.partition('<meta')[0]}", "utf-8")
    assert 'data-ran="yes"' in loaded(bare, tmp_path / "browser")
    assert "/i.png" in paths
