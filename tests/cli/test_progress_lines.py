"""How far long work is, in plain lines: no bare number stands there."""

from __future__ import annotations

import pytest

from orion_deploy.cli.lines import text_of
from orion_deploy.run.reports import Advanced


@pytest.mark.parametrize(
    ("done", "total", "eta_s", "words"),
    [
        (25, 100, 12.0, "rehearsing the way there 25 %, about 12 s left"),
        (6_230_000, 0, None, "rehearsing the way there for 3.0 s"),
        (0, 0, None, "rehearsing the way there for 3.0 s"),
    ],
)
def test_progress_has_a_unit(done: int, total: int, eta_s: float | None, words: str) -> None:
    """Per cent where the whole is known, else for how long it goes on: never VM operations or tenths of a second."""
    report = Advanced(
        step="s", done=done, total=total, message="rehearsing the way there", elapsed_s=3.0, eta_s=eta_s
    )
    assert text_of(report).strip() == words
