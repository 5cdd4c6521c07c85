from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.kinds import Programs, carry_out, context, programs

from orion_deploy.kinds.verdict import Outcome

NAME = f"Orion{os.getpid()}m"
GROWING = "import sys\nkeep=bytearray(b'x'*30_000_000)\nprint('up', flush=True)\nfor line in sys.stdin:\n    keep+=bytearray(b'x'*int(line))\n    print('grown', flush=True)"


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Programs]:
    """Programs, ended with the test."""
    with programs(tmp_path / "bin") as value:
        yield value


def test_the_limit_in_mb(tmp_path: Path, started: Programs) -> None:
    """Under the limit passes with the value, over it fails with value and limit; not running fails."""
    assert (
        carry_out(context(tmp_path), "process.memory", program=NAME, rss_mb_max=1).outcome is Outcome.FAILED
    )
    started.start_ready(started.script(NAME, GROWING))
    passed = carry_out(context(tmp_path), "process.memory", program=NAME, rss_mb_max=500)
    assert passed.outcome is Outcome.PASSED
    rss_mb = passed.values["rss_mb"]
    assert isinstance(rss_mb, float)
    assert 28 < rss_mb < 100
    failed = carry_out(context(tmp_path), "process.memory", program=NAME, rss_mb_max=5)
    assert failed.outcome is Outcome.FAILED
    assert "5 MB" in failed.reason


def test_growth_against_a_baseline_of_the_run(tmp_path: Path, started: Programs) -> None:
    """The first look takes the baseline and decides nothing; later ones compare; a restart begins anew and says so."""
    process = started.start_ready(started.script(NAME, GROWING))
    ctx = context(tmp_path)
    first = carry_out(ctx, "process.memory", program=NAME, growth_percent_max=20)
    assert first.outcome is Outcome.UNDECIDED
    assert carry_out(ctx, "process.memory", program=NAME, growth_percent_max=20).outcome is Outcome.PASSED
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("30000000\n")
    process.stdin.flush()
    process.stdout.readline()
    later = context(tmp_path, now=lambda: time.time() + 86_400)
    grown = carry_out(later, "process.memory", program=NAME, growth_percent_max=20)
    assert grown.outcome is Outcome.FAILED
    assert "24 h" in grown.reason
    started.end()
    started.start_ready(started.script(NAME, GROWING))
    anew = carry_out(ctx, "process.memory", program=NAME, growth_percent_max=20)
    assert anew.outcome is Outcome.UNDECIDED
    assert "started anew" in anew.reason
