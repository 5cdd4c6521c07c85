"""Which scripts need a real terminal: told from their words. Pure."""

from __future__ import annotations

import re
from typing import Final

from orion_deploy.checklist.shell_text import Command, Script, Word, argv, parse, program

_ALWAYS: Final = frozenset(
    [
        "vi",
        "vim",
        "nvim",
        "nano",
        "emacs",
        "pico",
        "ed",
        "less",
        "more",
        "man",
        "visudo",
        "vipw",
        "passwd",
        "top",
        "htop",
        "btop",
        "watch",
        "fzf",
        "dialog",
        "whiptail",
        "tig",
        "lazygit",
        "mc",
        "su",
        "tmux",
        "screen",
    ]
)
"""Programs that draw on the terminal or ask in it."""
_CLIENTS: Final = frozenset(("mysql", "psql", "mongosh", "redis-cli", "python", "python3", "node", "irb"))
"""Programs that ask in the terminal when nothing tells them what to do."""
_FED_LOOP: Final = re.compile(r"\bdone\s*<|\|\s*while\b")
"""A loop whose `read` gets its lines from a file or a pipe."""
_SSH_OPTIONS_WITH_VALUE: Final = frozenset("BbcDEeFIiJLlmOopQRSWw")


def needs_terminal(script: str) -> str:
    """Return the word of `script` that needs a real terminal (`sudo`, `vim`, `read`), or an empty string.

    A script that gives such a program its input (`read x < file`, `echo y | passwd`) does not need one.
    `sudo -n` never asks; `ssh host command` may ask for a password, but mostly has a key, and runs
    without one; `ssh host` alone opens a shell.
    """
    return terminal_word(parse(script))


def terminal_word(script: Script) -> str:
    """Return what `needs_terminal` does, of a script that is taken apart already."""
    for command in script.commands:
        wrappers, words = program(command)
        if command.is_nested:
            continue
        if "sudo" in wrappers and not _is_quiet_sudo(argv(command)):
            return "sudo"
        if not words or _is_fed(command):
            continue
        name = words[0].text.rsplit("/", 1)[-1]
        arguments = words[1:]
        if name in _ALWAYS or (name in _CLIENTS and not arguments):
            return name
        if (
            name == "read"
            and not _FED_LOOP.search(script.text)
            and not any(w.text.startswith("-u") for w in arguments)
        ):
            return name
        if name == "ssh" and _is_login(arguments):
            return name
        if name == "git" and _edits(arguments):
            return "git " + arguments[0].text
        if name in ("crontab", "kubectl") and any(w.text in ("-e", "edit") for w in arguments[:1]):
            return name
    return ""


def _is_fed(command: Command) -> bool:
    return command.before in ("|", "|&") or any(r.operator.startswith("<") for r in command.redirects)


def _is_quiet_sudo(words: tuple[Word, ...]) -> bool:
    return any(w.text in ("-n", "--non-interactive", "-S") for w in words[1:4])


def _is_login(arguments: tuple[Word, ...]) -> bool:
    """`ssh [options] host` without a command opens a shell."""
    rest = [w.text for w in arguments]
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option[1:2] in ("N", "f", "T"):
            return False
        if len(option) == 2 and option[1] in _SSH_OPTIONS_WITH_VALUE and rest:
            rest.pop(0)
    return len(rest) == 1


def _edits(arguments: tuple[Word, ...]) -> bool:
    texts = [w.text for w in arguments]
    if not texts:
        return False
    if texts[0] == "commit":
        given = ("-m", "-am", "-F", "-C", "--message", "--file", "--no-edit")
        return not any(t.startswith(given) for t in texts)
    return texts[0] == "rebase" and any(t in ("-i", "--interactive") for t in texts)
