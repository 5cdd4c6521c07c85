"""The time that a criterion's own words say must pass before it can be told: `no complaints after 24 hours`.

Only where the words speak of watching, or of something that stays away or stays as it is, is a time in them read
so. A time that something may take, an age, or an interval is none: who is in doubt waits for nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

TEXT_CHARACTERS_MAX: Final = 1_000
"""Longer texts are no criterion: nothing is read from them."""
WAIT_S_MIN: Final = 60.0
WAIT_S_MAX: Final = 90 * 86_400.0

_NUMBER = r"(?:(?P<n>\d{1,4}(?:\.\d{1,2})?)[\s-]?|(?P<w>an?|one|two|three|four|seven|twelve|twenty-four|forty-eight|seventy-two)[\s-])"
_UNIT = r"(?P<u>h|hrs?|hours?|mins?|minutes?|d|days?|weeks?)"
_TIME = rf"(?:(?:the|a|an|at\s+least|full|first|last|next|past|whole|another|~)\s*)*{_NUMBER}{_UNIT}\b"
_WATCH = r"(?:monitor(?:ed|ing|s)?|observ(?:ed?|ing|ation)|soak(?:ed|ing)?|bak(?:ed?|ing)|burn-?in|watch(?:ed|ing)?|hyper-?care|probation)"

_TIME_BEFORE = re.sub(r"\?P<(\w)>", r"?P<\g<1>2>", _TIME)
"""The same with other names, for a pattern that has both."""
_WATCHED = re.compile(
    rf"\b{_WATCH}\b(?:[\s:,]*|\s+(?:[\w-]+\s+){{0,10}}?(?:for|over|during)\s+){_TIME}"  # monitor 24h; monitor it for 30 minutes
    rf"|{_TIME_BEFORE}[\s-]*(?:long\s+)?(?:of\s+)?(?:continuous\s+|post-?\w+\s+)?{_WATCH}\b",
    re.IGNORECASE,
)
_AFTERWARDS = re.compile(rf"\bafter\s+{_TIME}", re.IGNORECASE)
_DURING = re.compile(rf"\b(?:for|over|during|in|within|throughout)\s+{_TIME}", re.IGNORECASE)
_STAYS = re.compile(
    r"\b(?:no|zero(?!-)|none|without|nobody|nothing|never|free\s+of|stable|stays?|remain(?:s|ed|ing)?|steady|steadily|consistently"
    r"|continuous(?:ly)?|healthy|uptime|error-free|incident-free|0\s+(?:\w+\s+)?(?:errors?|failures?|incidents?|issues?|complaints?|alerts?|crash\w*))\b",
    re.IGNORECASE,
)
_BEHAVES = re.compile(
    r"\b(?:expir\w*|time[sd]?[\s-]?out|timeouts?|retr(?:y|ies|ied)|refresh\w*|rotat\w+|purg\w+|delet\w+|archiv\w+|renew\w*"
    r"|log(?:s|ged)?[\s-]?out|lock(?:s|ed)?\b|inactiv\w*|idle|older|respon[ds]\w*|resolv\w+|fix(?:ed)?|notif\w+|alert(?:s|ed)?\s+(?:fire|trigger)\w*"
    r"|takes?|took|complet\w+|finish\w*|recover\w*|restor\w+|roll(?:s|ed)?[\s-]?back|restart\w*|every|per|each)\b",
    re.IGNORECASE,
)
"""What a thing does by itself after, or in, a time: that time is its own, and nobody waits for it."""
_WORDS: Final = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "seven": 7, "twelve": 12,
    "twenty-four": 24, "forty-eight": 48, "seventy-two": 72,
}  # fmt: skip
_UNIT_S: Final = {"h": 3600.0, "m": 60.0, "d": 86_400.0, "w": 7 * 86_400.0}


@dataclass(frozen=True, slots=True)
class Wait:
    """How long must have passed, and the words that say so."""

    wait_s: float
    words: str
    is_firm: bool = True
    """False where only the section speaks of it, and the step itself could be told at once."""


def wait_of(title: str, *sections: str) -> Wait | None:
    """The time that a step says must pass, else that of the sections above it (the nearest first); None: none.

    The time of a section holds firmly for what stays away or stays as it is; of what happens once (`the message is
    answered`) it is only the end of the period in which it is to be told.
    """
    if (own := stated_wait(title)) is not None:
        return own
    for section in sections:
        if (told := stated_wait(section)) is not None:
            return Wait(told.wait_s, told.words, is_firm=_STAYS.search(title) is not None)
    return None


@lru_cache(maxsize=4096)
def stated_wait(text: str) -> Wait | None:
    """The longest time that a text says must pass; None where it says none."""
    if len(text) > TEXT_CHARACTERS_MAX:
        return None
    found = [_read(match) for match in _WATCHED.finditer(text)]
    if _BEHAVES.search(text) is None or _STAYS.search(text) is not None:
        found += [_read(match) for match in _AFTERWARDS.finditer(text) if _is_told(text, match)]
    if _STAYS.search(text) is not None:
        found += [_read(match) for match in _DURING.finditer(text) if _is_told(text, match)]
    return max((w for w in found if w is not None), key=lambda wait: wait.wait_s, default=None)


def _is_told(text: str, match: re.Match[str]) -> bool:
    """Whether the clause before the time does not make it something's own: `sessions expire after 30 minutes`."""
    clause = re.split(r"[.;:(]|\bbut\b", text[: match.start()])[-1]
    verb, stays = _BEHAVES.search(clause), _STAYS.search(clause)
    return verb is None or (stays is not None and stays.start() < verb.start())


def _read(match: re.Match[str]) -> Wait | None:
    groups = match.groupdict()
    number, word, unit = (groups[name] or groups.get(f"{name}2") for name in ("n", "w", "u"))
    assert unit
    count = float(number) if number else _WORDS[(word or "a").lower()]
    wait_s = count * _UNIT_S[unit[0].lower()]
    words = " ".join(match[0].split())
    return Wait(wait_s, words) if WAIT_S_MIN <= wait_s <= WAIT_S_MAX else None
