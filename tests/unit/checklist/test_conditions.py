"""Conditions on choices: a `when` that names a step's answer, in both formats, and what is wrong with one."""

from __future__ import annotations

import pytest

from orion_deploy.checklist.choices import find_option, options_of
from orion_deploy.checklist.conditions import applies, check_condition
from orion_deploy.checklist.model import Checklist, Option
from orion_deploy.checklist.read import read
from orion_deploy.errors import ChecklistError

WAYS = (Option(1, "Take it back", 0, key="down"), Option(2, "Restore the backup", 0, key="restore"))
CHOICES = {"way": WAYS, "stop": (), "later": WAYS}
YAML = """title: t
sections:
  - title: Rollback
    steps:
      - title: Which way
        id: way
        check: {people.choice: {question: q, options: {down: Take it back, restore: Restore the backup}}}
      - {title: Down, id: down, run: "true", when: way == down}
      - {title: Restore, id: up, run: "true", when: way == "Restore the backup"}
"""
MARKDOWN = """# t

## Rollback

1. Which way

   **Option 1: Take it back**

   ```bash
   true
   ```

   **Option 2: Restore the backup**

   ```bash
   false
   ```

   ```yaml step
   id: way
   ```

2. Down

   ```yaml step
   id: down
   when: way == "Take it back"
   ```
"""


def read_text(text: str, name: str) -> Checklist:
    """A checklist from its text."""
    return read(text.encode(), name)


@pytest.mark.parametrize(
    ("condition", "taken", "expected"),
    [
        ("way == down", WAYS[0], True),
        ("way == down", WAYS[1], False),
        ("way != down", WAYS[1], True),
        ('way == "Restore the backup"', WAYS[1], True),
        ("way == Restore the backup", WAYS[1], True),
        ("way == 2", WAYS[1], True),
        ("way == down", None, None),
        ("way != down", None, None),
    ],
)
def test_a_condition_on_an_answer(condition: str, taken: Option | None, expected: bool | None) -> None:
    """True or false by the answer, named by key, title or number; open while nothing was chosen, also for `!=`."""
    assert applies(condition, {}, {"way": taken}) is expected


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("way == resore", "no option `resore`; did you mean `restore`?"),
        ("way == nonsense", "it has: 1 down (Take it back), 2 restore (Restore the backup)"),
        ("wai == down", "no choice is called so; did you mean `way`?"),
        ("way", "is a choice: compare it, as in `way == down`"),
        ("not way", "is a choice: compare it"),
        ("stop == down", "the step `stop` is no choice"),
        ("later == down", "must come before the steps that depend on it"),
    ],
)
def test_a_bad_condition_on_a_choice_is_told(condition: str, words: str) -> None:
    """The step is there, comes earlier, is a choice, and has that option; the nearest name is offered."""
    assert words in check_condition(condition, ["TARGET"], CHOICES, {"way", "stop"})


def test_a_name_that_is_both_is_refused() -> None:
    """A variable and a choice of one name: nobody could tell which is meant."""
    assert "a variable and a choice" in check_condition("way == down", ["way"], CHOICES, {"way"})


def test_both_formats_take_conditions_on_choices() -> None:
    """`people.choice` with keys in YAML, `Option 1:` in Markdown: read, and kept as written."""
    steps = {step.id: step for _, step in read_text(YAML, "t.yaml").walk()}
    assert steps["down"].facts.when == "way == down"
    assert [o.key for o in options_of(steps["way"])] == ["down", "restore"]
    steps = {step.id: step for _, step in read_text(MARKDOWN, "t.md").walk()}
    assert [o.title for o in options_of(steps["way"])] == ["Take it back", "Restore the backup"]
    assert steps["down"].facts.when == 'way == "Take it back"'


@pytest.mark.parametrize(
    ("text", "name", "old", "line"),
    [(YAML, "t.yaml", "way == down", 8), (MARKDOWN, "t.md", 'way == "Take it back"', 27)],
)
def test_an_option_that_is_not_there_is_told_with_its_place(
    text: str, name: str, old: str, line: int
) -> None:
    """With the line, and what there is."""
    with pytest.raises(
        ChecklistError, match="has no option `Take it bak`; did you mean `Take it back`"
    ) as error:
        read_text(text.replace(old, "way == Take it bak"), name)
    assert error.value.where is not None
    assert error.value.where.line == line


def test_an_option_is_found_by_key_title_or_number() -> None:
    """In this order; a key is never mistaken for a number."""
    assert [find_option(WAYS, said) for said in ("restore", "Take it back", " 2 ", "3", "")] == [
        WAYS[1],
        WAYS[0],
        WAYS[1],
        None,
        None,
    ]
