"""Faults of typed calls are told at their parameters, with whatever judge the caller brings."""

from __future__ import annotations

from dataclasses import dataclass

from orion_deploy.checklist.calls import check_calls
from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.checklist.read import read
from orion_deploy.errors import ChecklistError

TEXT = """# T

- [ ] Back up
  ```yaml step
  action:
    sqlite.backup:
      path: a.db
      foldr: x
  verify: {files.exists: {path: 5}}
  ```
- [ ] Look
  ```yaml step
  check: files.exits
  ```
"""


@dataclass(frozen=True)
class Fault:
    """A fault of one parameter."""

    parameter: str
    message: str
    help: str = ""


def judge(call: KindCall) -> list[Fault]:
    """A judge that knows three things."""
    if call.name == "files.exits":
        raise ChecklistError("there is no kind `files.exits`", help="did you mean `files.exists`?")
    return [
        Fault(name, "is wrong") for name, value in call.parameters.items() if name == "foldr" or value == 5
    ]


def test_each_fault_has_its_place() -> None:
    """A parameter is underlined where it stands, an unknown kind where it is named."""
    found = [
        (step.title, e.what, e.where) for step, e in check_calls(read(TEXT.encode(), "a.md"), judge, TEXT)
    ]
    assert [(title, what) for title, what, _ in found] == [
        ("Back up", "`foldr` of sqlite.backup: is wrong"),
        ("Back up", "`path` of files.exists: is wrong"),
        ("Look", "there is no kind `files.exits`"),
    ]
    places = [(w.line, w.column, w.width) for _, _, w in found if w is not None]
    assert places == [(8, 7, 5), (9, 27, 4), (13, 10, 11)]


def test_checks_look_and_actions_act() -> None:
    """A kind that changes something is no check, and one that looks is no action."""
    text = "# T\n\n- [ ] A\n  ```yaml step\n  check: sqlite.backup\n  ```\n- [ ] B\n  ```yaml step\n  action: files.exists\n  ```\n"
    found = [
        e.what
        for _, e in check_calls(
            read(text.encode(), "a.md"), lambda _: [], text, lambda name: name == "sqlite.backup"
        )
    ]
    assert found == [
        "`sqlite.backup` changes something: it cannot be a `check`",
        "`files.exists` only looks: it is no `action`",
    ]


def test_without_the_text_there_are_still_lines() -> None:
    """Lines come from the model; columns need the text."""
    errors = [e for _, e in check_calls(read(TEXT.encode(), "a.md"), judge)]
    assert [e.where.line for e in errors if e.where is not None] == [6, 9, 13]
