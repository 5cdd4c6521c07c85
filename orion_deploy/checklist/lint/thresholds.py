"""Rules about limits: the same thing limited to 5 ms here and to 2 ms there."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from orion_deploy.checklist.lint.finding import Hit, Rule, Severity
from orion_deploy.checklist.lint.hidden import code_lines
from orion_deploy.checklist.lint.subject import Subject
from orion_deploy.checklist.model import SectionKind

_LIMIT = re.compile(
    r"(?P<sign><=?|>=?|\u2264|\u2265|\b(?:under|below|within|at most|less than|no more than|up to|max(?:imum)?|over|above|more than|exceeds?|at least)\b)"
    r"\s*(?:of\s+)?(?P<value>\d[\d,]*(?:\.\d+)?)\s*"
    r"(?P<unit>ms|milliseconds?|s|secs?|seconds?|min|minutes?|h|hours?|KB|MB|GB|TB|MiB|GiB|%)(?![\w])",
    re.IGNORECASE,
)
_UNITS: Final[dict[str, tuple[str, float]]] = {
    "ms": ("time", 0.001), "millisecond": ("time", 0.001), "s": ("time", 1), "sec": ("time", 1), "second": ("time", 1),
    "min": ("time", 60), "minute": ("time", 60), "h": ("time", 3600), "hour": ("time", 3600), "kb": ("size", 0.001),
    "mb": ("size", 1), "gb": ("size", 1000), "tb": ("size", 1e6), "mib": ("size", 1), "gib": ("size", 1000), "%": ("share", 1),
}  # fmt: skip
_UPPER: Final = frozenset(
    (
        "<",
        "<=",
        "\u2264",
        "under",
        "below",
        "within",
        "at most",
        "less than",
        "no more than",
        "up to",
        "max",
        "maximum",
    )
)
_ALARM = re.compile(
    r"\b(?:no|not|never|degrad\w*|exceed\w*|alert\w*|alarm\w*|if|when|triggers?)\b", re.IGNORECASE
)
_TERM = re.compile(
    r"\b(?:[a-z][a-z0-9]+-[a-z]+)\b|\b[A-Za-z_]\w*\(\)|\b(?:memory|heap|rss|cpu)\b", re.IGNORECASE
)
_COMMON: Final = frozenset(
    ("in-flight", "low-traffic", "user-reported", "single-session", "pre-deployment", "post-deployment", "roll-back", "read-only",
     "end-to-end", "real-time", "long-term", "re-run", "follow-up", "sign-off", "high-risk", "on-call", "check-in", "time-out")
)  # fmt: skip
LIMIT_CHARACTERS_MAX: Final = 10_000
"""Characters of a line of prose that is looked at; a longer one is data."""
LIMITS_OF_LINE_MAX: Final = 100
TERMS_OF_LINE_MAX: Final = 20
_MEMORY: Final = frozenset(("memory", "heap", "rss"))


@dataclass(frozen=True, slots=True)
class _Limit:
    """A limit on what a term names."""

    term: str
    dimension: str
    value: float
    words: str
    line: int
    column: int


def _limits(subject: Subject) -> Iterator[_Limit]:
    code = code_lines(subject)
    starts = [(step.line, step.title) for _, step in subject.steps]
    lines = [line for line, _ in starts]
    back = _rollback_lines(subject)
    for number, text in enumerate(subject.lines, start=1):
        if number in code or len(text) > LIMIT_CHARACTERS_MAX:
            continue
        found = list(islice(_LIMIT.finditer(text), LIMITS_OF_LINE_MAX))
        if not found:
            continue
        alarm = _ALARM.search(text)
        terms = _terms(text)
        if not terms and (index := bisect_right(lines, number) - 1) >= 0:
            terms = _terms(starts[index][1])
        for match in found:
            is_alarm = alarm is not None and alarm.end() <= match.start()
            if match["sign"].lower() not in _UPPER and number not in back and not is_alarm:
                continue
            unit = match["unit"].lower()
            dimension, factor = _UNITS.get(unit) or _UNITS[unit.removesuffix("s")]
            value = float(match["value"].replace(",", "")) * factor
            for term in terms:
                yield _Limit(
                    term, dimension, value, f"{match['value']} {match['unit']}", number, match.start() + 1
                )


def _terms(text: str) -> tuple[str, ...]:
    found = (match[0].lower() for match in _TERM.finditer(text))
    return tuple(islice(dict.fromkeys(term for term in found if term not in _COMMON), TERMS_OF_LINE_MAX))


def _rollback_lines(subject: Subject) -> frozenset[int]:
    sections = list(subject.checklist.walk_sections())
    ends = [*(section.line for section in sections), len(subject.lines) + 1][1:]
    found: set[int] = set()
    for section, end in zip(sections, ends, strict=True):
        if section.kind is SectionKind.ROLLBACK:
            found.update(range(section.line, end))
    return frozenset(found)


def _contradictions(subject: Subject) -> Iterator[Hit]:
    first: dict[tuple[str, str], _Limit] = {}
    told: set[tuple[str, str, float]] = set()
    for limit in _limits(subject):
        known = first.setdefault((limit.term, limit.dimension), limit)
        key = (limit.term, limit.dimension, limit.value)
        place = subject.place(limit.line, limit.column, len(limit.words))
        if known.value != limit.value and key not in told:
            told.add(key)
            yield Hit(
                place,
                f"`{limit.term}` is limited to {limit.words} here, to {known.words} in line {known.line}",
            )
        other = {"size": "share", "share": "size"}.get(limit.dimension)
        measure = first.get((limit.term, other)) if other and limit.term in _MEMORY else None
        if known is limit and measure is not None:
            yield Hit(
                place,
                f"`{limit.term}` is judged by {limit.words} here, by {measure.words} in line {measure.line}",
            )


RULES: Final = (
    Rule(
        "contradictory-limits", Severity.WARNING, "two limits for the same thing",
        "At the end somebody decides whether the deployment succeeded: with two limits it both did and did not.",
        "write one limit, with its percentile and its time, and name it in both places", _contradictions,
    ),
)  # fmt: skip
