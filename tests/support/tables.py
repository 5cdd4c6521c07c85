"""The tables of docs/ that are made from the code. `ORION_WRITE_DOCS=1 pytest tests/unit/checklist/test_docs.py` writes them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from orion_deploy.checklist.keys import KEYS, Where
from orion_deploy.checklist.lint import rules
from orion_deploy.checklist.yaml_expectations import MATCHERS


def keys() -> str:
    """The keys of the format."""
    rows = [
        (
            f"`{key.name}`",
            key.takes.value,
            ", ".join(
                where.name.lower().replace("_", " ") for where in Where if where in key.where and where.name
            ),
            key.help,
            f"`{key.example}`",
        )
        for key in KEYS
    ]
    return _table(("Key", "Takes", "Stands in", "What it says", "Example"), rows)


def matchers() -> str:
    """What an expectation compares."""
    return _table(("Matcher", "Holds when"), [(f"`{name}`", help) for name, help in MATCHERS.items()])


def lint_rules() -> str:
    """The rules of lint."""
    rows = [(f"`{rule.name}`", rule.severity.value, rule.summary, rule.why) for rule in rules()]
    return _table(("Rule", "How bad", "Finds", "Why"), rows)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines)


def written(page: str, name: str, table: str) -> str:
    """A page with the table between its markers."""
    marked = re.compile(rf"(<!-- {name} -->\n).*?(\n?<!-- /{name} -->)", re.DOTALL)
    return marked.sub(lambda match: f"{match[1]}{table}\n<!-- /{name} -->", page)
