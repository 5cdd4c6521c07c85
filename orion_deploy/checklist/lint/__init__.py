"""Lint: what is dangerous in a checklist, why, and what to write instead. Pure: nothing is run or written.

A family of rules is one file with a tuple `RULES`, and one line in `_FAMILIES`.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Final

from orion_deploy.checklist.collector import without_collector
from orion_deploy.checklist.lint.finding import Finding, Hit, Rule, Severity
from orion_deploy.checklist.lint.subject import Subject
from orion_deploy.checklist.model import Checklist

__all__ = ["Finding", "Hit", "Rule", "Severity", "lint", "rules"]

_FAMILIES: Final = (
    "processes",
    "databases",
    "copies",
    "verdicts",
    "commands",
    "hidden",
    "structure",
    "thresholds",
)
FINDINGS_MAX: Final = 10_000


@cache
def rules() -> tuple[Rule, ...]:
    """Return every rule, in the order of the families."""
    return tuple(rule for family in _FAMILIES for rule in import_module(f"{__name__}.{family}").RULES)


def lint(checklist: Checklist, text: str) -> tuple[Finding, ...]:
    """Return what the rules find, by line and column; `text` is the text of the checklist's file.

    Of one rule only the first finding at a place is kept, and at most `FINDINGS_MAX` in all.
    """
    with without_collector():
        return _lint(Subject(checklist, text))


def _lint(subject: Subject) -> tuple[Finding, ...]:
    found: dict[tuple[int, int, str], Finding] = {}
    for rule in rules():
        for hit in rule.check(subject):
            finding = Finding(
                rule=rule.name,
                severity=rule.severity,
                message=hit.message,
                place=hit.place,
                why=rule.why,
                instead=hit.instead or rule.instead,
                step=hit.step,
                fix=hit.fix,
            )
            found.setdefault((hit.place.line, hit.place.column, rule.name), finding)
    gravity = {severity: index for index, severity in enumerate(Severity)}
    ordered = sorted(found.values(), key=lambda f: (f.line, f.column, gravity[f.severity], f.rule))
    return tuple(ordered[:FINDINGS_MAX])
