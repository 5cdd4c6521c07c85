"""Fixes say only what is so already, where they can be put without touching anything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from support.checklists import SPARING, checklists

from orion_deploy.checklist.convert import convert
from orion_deploy.checklist.lint import lint
from orion_deploy.checklist.lint.fix import fix
from orion_deploy.checklist.read import read


def fixed(text: str, path: str = "a.md") -> str:
    """The text after fixing all that lint finds."""
    return fix(text, lint(read(text.encode(), path), text))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "- [ ] Edit\n  ```bash\n  vim x\n  ```\n",
            "- [ ] Edit\n  ```yaml step\n  interactive: true\n  ```\n  ```bash\n  vim x\n  ```\n",
        ),
        (
            "> 1. [ ] Edit\n>    ~~~sh\n>    vim x\n>    ~~~\n",
            "> 1. [ ] Edit\n>    ```yaml step\n>    interactive: true\n>    ```\n>    ~~~sh\n>    vim x\n>    ~~~\n",
        ),
        (
            "- [ ] Edit\n  ```yaml step\n  timeout: 5m\n  ```\n  ```bash\n  vim x\n  ```\n",
            "- [ ] Edit\n  ```yaml step\n  interactive: true\n  timeout: 5m\n  ```\n  ```bash\n  vim x\n  ```\n",
        ),
        (
            "- [ ] Look\n- [ ] Look\n",
            "- [ ] Look\n- [ ] Look\n  ```yaml step\n  id: look-2\n  ```\n",
        ),
        (
            "- [ ] Count\n  ```bash\n  vim x; ./count\n  # Should show: rows_42\n  ```\n",
            "- [ ] Count\n  ```yaml step\n  interactive: true\n  expect: {contains: rows_42}\n  ```\n  ```bash\n  vim x; ./count\n  # Should show: rows_42\n  ```\n",
        ),
        (
            "- [ ] Look\r\n- [ ] Look\r\n",
            "- [ ] Look\r\n- [ ] Look\r\n  ```yaml step\r\n  id: look-2\r\n  ```\r\n",
        ),
    ],
)
def test_where_the_keys_go(before: str, after: str) -> None:
    """Before the first code, into the block that is there, or below the title; in the step's own margin."""
    assert fixed(before) == after
    assert fixed(after) == after


def test_yaml_gets_the_keys_below_the_title() -> None:
    """In a YAML file the keys stand in the step itself."""
    text = "title: T\nsteps:\n  - title: Edit\n    run: vim x\n"
    assert (
        fixed(text, "a.yaml") == "title: T\nsteps:\n  - title: Edit\n    interactive: true\n    run: vim x\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "- [ ] Edit\n\n      vim x\n",
        "title: T\nsteps: [{title: Edit, run: vim x}]\n",
        "- [ ] Fine\n  ```bash\n  ls\n  ```\n",
        "",
    ],
)
def test_what_cannot_be_written_safely_is_left(text: str) -> None:
    """Indented code, YAML in one line, and files without findings stay as they are, byte for byte."""
    path = "a.yaml" if text.startswith("title") else "a.md"
    assert fixed(text, path) == text


def test_a_fix_leaves_the_step_and_its_neighbours_what_they_were() -> None:
    """Ids, titles, prose and code stay."""
    text = "- [ ] Edit\n  Some prose.\n\n  - [ ] Sub\n    ```bash\n    vim x\n    ```\n- [ ] Next\n"
    before = [(s.id, s.title, s.body) for _, s in read(text.encode(), "a.md").walk()]
    after = [(s.id, s.title, s.body) for _, s in read(fixed(text).encode(), "a.md").walk()]
    assert before == after


@SPARING
@given(checklists())
def test_any_checklist_is_linted_and_fixed(data: bytes) -> None:
    """Nothing fails; every finding has a line of the file; a fixed file reads, and fixing it again changes nothing."""
    for path, text in (("a.yaml", data.decode()), ("a.md", convert(read(data, "a.yaml"), "markdown"))):
        found = lint(read(text.encode(), path), text)
        lines = text.split("\n")
        for finding in found:
            assert 1 <= finding.line <= len(lines)
            assert finding.render()
        result = fix(text, found)
        assert fixed(result, path) == result
