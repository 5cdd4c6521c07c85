"""Whom a script's `pkill` and `pgrep` would hit besides what they mean, told before it runs."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from orion_deploy.run.guards import (
    ProcessLine,
    needs_processes,
    own_pids_of,
    processes,
    self_matches,
    sends_term,
)

TABLE = (
    ProcessLine(100, 1, "tmux: server", "tmux new -s orion"),
    ProcessLine(110, 100, "bash", "-bash"),
    ProcessLine(120, 110, "uv", "uv run orion-deploy migrate.md"),
    ProcessLine(130, 120, "checklist", "checklist"),
    ProcessLine(140, 110, "vim", "vim docs/orion-release.md"),
    ProcessLine(150, 1, "Orion", "/opt/Orion/orion --headless"),
    ProcessLine(160, 1, "python3", "python3 /srv/orion/worker.py"),
)
OWN = {100, 110, 120, 130}


def hits(script: str) -> list[tuple[int, int, bool]]:
    """Line, pid, and whether it would be ended."""
    return [(w.line, w.pid, w.ends_it) for w in self_matches(script, TABLE, OWN)]


@pytest.mark.hazard("`pkill -f NAME`", half="ours")
@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("pkill -f orion", [(1, 100, True), (1, 120, True), (1, 140, True)]),
        ("sudo /usr/bin/pkill -SIGTERM -f orion", [(1, 100, True), (1, 120, True), (1, 140, True)]),
        ("true\npgrep -f orion && exit 1", [(2, 100, False), (2, 120, False), (2, 140, False)]),
        ("kill $(pgrep -f release)", [(1, 140, True)]),
        ("pgrep -f release | xargs -r kill -9", [(1, 140, True)]),
        ("ps aux | grep uv.run | awk '{print $2}' | xargs kill", [(1, 120, True)]),
        ("ps aux | grep vim", [(1, 140, False)]),
        ("pkill checklist", [(1, 130, True)]),
        ("pkill -x tmux", []),
        ("pkill -u root bash", [(1, 110, True)]),
        ("pkill --signal TERM --full 'new -s'", [(1, 100, True)]),
        ("pkill -0 uv", [(1, 120, False)]),
        ("killall uv bash", [(1, 110, True), (1, 120, True)]),
        ("killall -9 Orion", []),
        ("pkill -if ORION-DEPLOY", [(1, 120, True)]),
        ("pkill -f 'a[b'", []),
        ("pkill orion", []),
        ("# pkill -f orion", []),
        ("echo 'pkill -f orion'", []),
        ("kill 110", []),
    ],
)
def test_what_a_search_hits_by_mistake(script: str, expected: list[tuple[int, int, bool]]) -> None:
    """Each command's own matching: by name or argv, exact, ignoring case; only ours and bystanders are told."""
    assert sorted(hits(script)) == expected


def test_the_program_itself_is_not_warned_of() -> None:
    """What the script means (Orion, its worker) is no mistake."""
    assert not {pid for _, pid, _ in hits("pkill -f orion")} & {150, 160}


def test_a_warning_says_who_and_where() -> None:
    """The sentence names the line, the command, the process and why it matters."""
    warnings = self_matches("echo\npkill -f orion", TABLE, OWN)
    assert warnings[0].text == (
        "line 2: `pkill -f orion` ends tmux: server (pid 100), on which this app depends"
    )
    assert warnings[-1].is_own is False


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("pkill -f orion", True),
        ("kill -TERM $pid", True),
        ("ssh host 'killall app'", True),
        ('bash -c "kill 1"', True),
        ("echo a # kill it later", False),
        ("echo skills", False),
        ("systemctl --kill-who=main stop x", False),
        ("", False),
    ],
)
def test_scripts_that_send_signals_are_known(script: str, expected: bool) -> None:
    """`kill`, `pkill`, `killall` wherever they stand, comments left out."""
    assert sends_term(script) is expected


def test_only_scripts_that_search_need_a_list() -> None:
    """The processes are listed for those scripts alone that look for any."""
    assert needs_processes("pgrep x")
    assert needs_processes("ps aux")
    assert not needs_processes("echo lapse; cp a b")


def test_the_machines_processes_are_listed() -> None:
    """This process, its parent and a child with its argv are found, and the ancestors are known."""
    with subprocess.Popen(
        [sys.executable, "-c", "input()", "a marker"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as child:
        try:
            table = {line.pid: line for line in processes()}
        finally:
            child.communicate(b"\n")
    assert table[child.pid].parent_pid == os.getpid()
    assert table[child.pid].arguments.endswith("a marker")
    own = own_pids_of(table.values())
    assert {os.getpid(), os.getppid()} <= own
    assert 1 not in own
    assert child.pid not in own
