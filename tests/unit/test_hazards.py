"""docs/hazards.md is a table of promises, each in two halves: the usual command does the damage for real, ours does not.

A test takes its place in the table by its mark, `@pytest.mark.hazard("the row's first cell", half=...)`; with
ORION_WRITE_DOCS=1 the cells that name tests are written from the marks.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
PAGE = TESTS.parent / "docs" / "hazards.md"
HALVES = {"seed": ("seed",), "ours": ("ours",), "both": ("seed", "ours")}


@dataclass(frozen=True)
class Mark:
    """The mark of one test."""

    row: str
    half: str
    test: str


@dataclass(frozen=True)
class Row:
    """A row of the page: its cells without those that name tests, and how many of those there are."""

    line: str
    name: str
    cells: tuple[str, ...]
    tests: int

    def written(self, marks: list[Mark]) -> str:
        """The row with the tests that its marks give it."""
        ours = _names(m for m in marks if m.row == self.name and "ours" in HALVES[m.half])
        seed = _names(m for m in marks if m.row == self.name and "seed" in HALVES[m.half])
        return "| " + " | ".join([*self.cells, *([seed, ours] if self.tests == 2 else [ours])]) + " |"


def _names(marks: Iterator[Mark]) -> str:
    return " ".join(f"`{test}`" for test in sorted(mark.test for mark in marks))


def marks_in_tests() -> list[Mark]:
    """Every mark of every test, read from the source: a mark that is no plain text is an error."""
    found = []
    for path in sorted(TESTS.rglob("test_*.py")):
        text = path.read_text("utf-8")
        if "mark.hazard" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.hazard":
                    (row,) = (ast.literal_eval(argument) for argument in mark.args)
                    (half,) = (ast.literal_eval(k.value) for k in mark.keywords if k.arg == "half")
                    found.append(Mark(row, half, f"{path.relative_to(TESTS)}::{node.name}"))
    return found


def rows_of(page: str) -> list[Row]:
    """The rows of its tables; the last two cells name tests, under `People` the last one alone."""
    rows, tests = [], 2
    for line in page.splitlines():
        if line.startswith("## "):
            tests = 1 if line == "## People" else 2
        if not line.startswith("| ") or line.startswith(("| Usual command", "| Hazard")):
            continue
        cells = line.removeprefix("| ").removesuffix(" |").split(" | ")
        rows.append(Row(line, cells[0], tuple(cells[:-tests]), tests))
    return rows


MARKS = marks_in_tests()
ROWS = rows_of(PAGE.read_text("utf-8"))


def test_the_table_is_whole() -> None:
    """All three parts: processes, databases, people."""
    assert len(ROWS) >= 36
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_every_mark_names_a_row_and_a_half() -> None:
    """A mark with a mistyped row would count for nothing."""
    names = {row.name for row in ROWS}
    assert [mark for mark in MARKS if mark.row not in names or mark.half not in HALVES] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name[:40])
def test_a_hazard_has_its_halves(row: Row) -> None:
    """Of a command: a test in which it does the damage, and one in which ours does not. Of people: ours."""
    halves = {half for mark in MARKS if mark.row == row.name for half in HALVES[mark.half]}
    assert halves >= ({"seed", "ours"} if row.tests == 2 else {"ours"}), f"{row.name}: {halves}"


def test_the_page_names_these_tests() -> None:
    """The cells that name tests are those of the marks."""
    page = PAGE.read_text("utf-8")
    written = page
    for row in ROWS:
        written = written.replace(row.line, row.written(MARKS))
    if os.environ.get("ORION_WRITE_DOCS"):
        PAGE.write_text(written, "utf-8")
    else:
        assert written == page
