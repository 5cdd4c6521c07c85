"""Statuses that are an answer and no failure: `grep` that found nothing, `pkill` that had nothing to stop. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from orion_deploy.kinds.shellscript import command_of, name_of, words_of

SIGPIPE_STATUS = 141
"""Of a command whose reader had seen enough (`... | head`)."""
_ONE = frozenset({1})
_ANSWERS: Mapping[str, frozenset[int]] = {
    **dict.fromkeys(
        (
            "[", "[[", "cmp", "diff", "egrep", "expr", "fgrep", "fuser", "grep", "killall", "let", "lsof", "pgrep",
            "pidof", "pkill", "read", "rg", "test", "which", "zgrep",
        ),
        _ONE,
    ),
    "getent": frozenset({2}),
    "mountpoint": frozenset({1, 32}),
}  # fmt: skip
"""Commands for which these statuses are an answer ("no"), and no failure."""
_ANSWERS_WITH: Mapping[tuple[str, str], frozenset[int]] = {
    ("kill", "-0"): _ONE,
    ("git", "diff"): _ONE,
    ("git", "grep"): _ONE,
    ("systemctl", "is-active"): frozenset({1, 2, 3, 4}),
    ("systemctl", "is-enabled"): _ONE,
    ("systemctl", "status"): frozenset({3, 4}),
    ("jq", "-e"): frozenset({1, 4}),
}


def answers_of(name: str, words: Sequence[str]) -> frozenset[int]:
    """Return the statuses with which a program, called with these words, says "no"."""
    found = _ANSWERS.get(name, frozenset())
    for word in words:
        found |= _ANSWERS_WITH.get((name, word), frozenset())
    return found


def is_answer(text: str, status: int) -> bool:
    """Tell whether a simple command, as the shell gives its text, answers "no" with this status."""
    text = text.strip()
    if text.startswith(("((", "[[", "! ")):
        return status == 1
    command = command_of(text)
    if command is None:
        return False
    first = command.words[0].text
    if first in ("type", "hash") or re.match(r"command\s+-[vV]\b", text):
        return status == 1
    return status in answers_of(name_of(command), words_of(command))


def has_broken_pipe(statuses: Sequence[int]) -> bool:
    """Tell whether a command of a pipeline other than its last one failed: the last one's answer is worth nothing then."""
    return any(status not in (0, SIGPIPE_STATUS) for status in statuses[:-1])
