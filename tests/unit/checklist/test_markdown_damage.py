"""Damaged Markdown is told with its line; sound Markdown is left in peace."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orion_deploy.checklist.markdown import PROBLEMS_MAX, read_markdown


def problems(text: str) -> list[tuple[str, int]]:
    """The rules and lines of what is told of a text, but for the lack of tasks."""
    return [
        (p.rule, p.line) for p in read_markdown(text.encode(), "plan.md").problems if p.rule != "no-steps"
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- [ ] a\n  ```sh\n  x\ny\n  ```\n- [ ] b\n", [("fence-broken", 4), ("fence-open", 5)]),
        ("> ```sh\n> x\ny\n", [("fence-broken", 3)]),
        ("- [ ] a\n  ```sh\n  x\n", [("fence-open", 2)]),
        ("- [ ] a\n      ```sh\n      x\n      ```\n", [("fence-in-text", 2), ("fence-in-text", 4)]),
        ("- [ ] a\n\n      ```sh\n      x\n      ```\n", [("fence-indented", 3)]),
        ("    ```\n    x\n    ```\n", [("fence-indented", 1)]),
        ("-[ ] a\n", [("tick-box", 1)]),
        ("text\n\n- [] a\n- []b\n", [("tick-box", 3)]),
        ("[ ] a\n", [("tick-box", 1)]),
        ("- [ ]a\n", [("tick-box", 1)]),
        ("- [  ] a\n- [ x] b\n- [x ] c\n", [("tick-box", 1), ("tick-box", 2), ("tick-box", 3)]),
        ("- [ ]\n", [("tick-box", 1)]),
        ("text\n2. [ ] a\n", [("tick-box", 2)]),
        ("- [ ] a\n      - [ ] b\n", [("tick-box", 2)]),
        ("text\n\n    - [ ] a\n", [("task-in-code", 3)]),
        (
            "<div>\n- [ ] a\n```sh\nx\n```\n</div>\n",
            [("task-in-html", 2), ("fence-in-html", 3), ("fence-in-html", 5)],
        ),
    ],
)
def test_damage(text: str, told: list[tuple[str, int]]) -> None:
    """Each kind of damage is found in the line where it shows."""
    assert problems(text) == told


@pytest.mark.parametrize(
    "text",
    [
        "- [ ] a\n  ```sh\n  x\n  ```\n  - [x] b\n\n    ~~~\n    y\n    ~~~\n",
        "- [x](http://a.b) link\n- [foo] text\n- [a][b] c\n",
        "text with [ ] in it and [x] too\n",
        "<!--\n- [ ] hidden\n-->\n",
        "    code\n    more\n",
        "- plain\n  [link](x)\n",
        "```\n- [] not here\n```\n",
        "| - [ ] a |\n| --- |\n",
        "- `-[ ]` is no task\n",
        "[x]: http://a.b\n\ntext\n",
    ],
)
def test_sound(text: str) -> None:
    """What is meant as it is read is no problem."""
    assert problems(text) == []


def test_every_problem_helps() -> None:
    """A problem says what to do, and stands within the file."""
    text = "-[ ] a\n\n- [ ] b\n  ```\nx\n"
    found = read_markdown(text.encode(), "plan.md").problems
    assert found
    assert all(p.help and p.message and 1 <= p.line <= 5 for p in found)


def test_no_flood() -> None:
    """A file that is wrong everywhere is told of a bounded number of times."""
    assert len(problems("-[ ] a\n\n" * 1_000)) == PROBLEMS_MAX
    assert len(problems("-[ ] a\n" * 1_000)) == PROBLEMS_MAX


def test_files_without_steps() -> None:
    """A file without tasks loads and says so; an empty one too."""
    assert [(p.rule, p.message) for p in read_markdown(b"# T\n", "a.md").problems] == [
        ("no-steps", "there are no tasks in it")
    ]
    assert [(p.rule, p.message) for p in read_markdown(b"", "a.md").problems] == [
        ("no-steps", "the file is empty")
    ]


def test_odd_bytes() -> None:
    """What is no UTF-8, and NUL, is shown as U+FFFD and told with its line."""
    checklist = read_markdown(b"# T\r\n\r\n- [ ] caf\xe9\r\n- [ ] n\0l\n", "a.md")
    assert [(p.rule, p.line) for p in checklist.problems] == [("not-utf8", 3), ("nul", 4)]
    assert [step.title for _, step in checklist.walk()] == ["caf\ufffd", "n\ufffdl"]


def test_every_rule_is_documented() -> None:
    """Each kind of damage that the reader tells stands on the page about it."""
    import orion_deploy.checklist

    folder = Path(next(iter(orion_deploy.checklist.__path__)))
    sources = "".join(path.read_text("utf-8") for path in folder.glob("markdown*.py"))
    rules = set(re.findall(r"Problem\(\s*\"([a-z0-9-]+)\"", sources))
    page = (Path(__file__).parents[3] / "docs" / "markdown.md").read_text("utf-8")
    assert len(rules) > 10
    assert {rule for rule in rules if f"`{rule}`" not in page} == set()
