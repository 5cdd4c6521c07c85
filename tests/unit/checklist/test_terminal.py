"""Which scripts need a real terminal."""

from __future__ import annotations

import pytest

from orion_deploy.checklist.terminal import needs_terminal


@pytest.mark.parametrize(
    ("script", "word"),
    [
        ("sudo systemctl stop app", "sudo"),
        ("vim config.yml", "vim"),
        ("cd /srv\nread -p 'Go on? ' answer", "read"),
        ("ssh prod.example", "ssh"),
        ("ssh -p 22 prod.example", "ssh"),
        ("git commit", "git commit"),
        ("git rebase -i main", "git rebase"),
        ("top", "top"),
        ("psql", "psql"),
        ("EDITOR=vim crontab -e", "crontab"),
    ],
)
def test_scripts_that_ask_or_draw_need_one(script: str, word: str) -> None:
    """A program that asks in the terminal or draws on it is named."""
    assert needs_terminal(script) == word


@pytest.mark.parametrize(
    "script",
    [
        "ls -l",
        "echo sudo",
        "# sudo make me a sandwich",
        "sudo -n systemctl stop app",
        "while read line; do echo $line; done < file",
        "cat list | read first",
        "ssh prod.example uptime",
        "ssh -i key prod.example 'systemctl stop app'",
        "git commit -m 'why'",
        "psql -c 'select 1'",
        "echo yes | passwd --stdin",
        "grep vim notes.txt",
    ],
)
def test_other_scripts_do_not(script: str) -> None:
    """Words that only look so, and programs that are fed, need none."""
    assert needs_terminal(script) == ""
