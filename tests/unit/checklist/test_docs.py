"""The pages about the format and about lint say what the code does: tables are made from it, examples are read by it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from support import tables

from orion_deploy.checklist.convert import convert
from orion_deploy.checklist.facts import ParsedFacts, parse_step_facts
from orion_deploy.checklist.keys import KEYS, Where
from orion_deploy.checklist.lint import lint
from orion_deploy.checklist.read import read

DOCS = Path(__file__).resolve().parents[3] / "docs"
FORMAT, LINT = DOCS / "format.md", DOCS / "lint.md"
FENCE = re.compile(r"^(?P<fence>`{3,})(?P<info>[^\n]*)\n(?P<text>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    ("page", "name", "table"),
    [
        (FORMAT, "keys", tables.keys),
        (FORMAT, "matchers", tables.matchers),
        (LINT, "rules", tables.lint_rules),
    ],
)
def test_tables_are_made_from_the_code(page: Path, name: str, table: object) -> None:
    """Every key, matcher and rule stands in its page, in the words of the code."""
    assert callable(table)
    text = page.read_text("utf-8")
    made = tables.written(text, name, table())
    if os.environ.get("ORION_WRITE_DOCS"):
        page.write_text(made, "utf-8")
    assert f"<!-- {name} -->" in text
    assert made == text


def examples(info: str) -> list[str]:
    """The fenced blocks of the page about the format."""
    return [match["text"] for match in FENCE.finditer(FORMAT.read_text("utf-8")) if match["info"] == info]


def test_examples_are_read() -> None:
    """Whole checklists read, convert without loss, and hold no danger; blocks say something."""
    for text in examples("yaml"):
        checklist = read(text.encode(), "example.yaml")
        assert convert(checklist, "markdown")
        assert [finding.render() for finding in lint(checklist, text)] == []
    for text in examples("markdown"):
        alone = re.sub(r"\n *needs: .*", "", text)
        checklist = read(alone.encode(), "example.md")
        assert checklist.problems == ()
        assert [step.id for _, step in checklist.walk()] == ["migrate"]
    for text in examples("yaml step"):
        assert parse_step_facts(text, "example", 1) != ParsedFacts()
    assert len(examples("yaml")) >= 2
    assert len(examples("yaml step")) >= 2


def test_examples_of_calls_are_sound() -> None:
    """Every typed call that the table of keys and the page show takes its parameters."""
    from orion_deploy.kinds.registry import validate

    shown = [parse_step_facts(text, "example", 1) for text in examples("yaml step")]
    shown += [
        parse_step_facts(f"{key.name}: {key.example}", "table", 1)
        for key in KEYS
        if key.name in ("check", "watch", "verify") and Where.STEP_BLOCK in key.where
    ]
    calls = [call for found in shown for call in (found.facts.call, found.facts.verify) if call is not None]
    assert calls
    for call in calls:
        assert validate(call) == []
