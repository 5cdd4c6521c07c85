"""Converting loses nothing: what is written reads back as the same checklist, in either direction."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from support.checklists import SPARING, checklists
from support.shared import seed, shared

from orion_deploy.checklist.convert import convert, difference
from orion_deploy.checklist.markdown import read_markdown
from orion_deploy.checklist.yaml_reader import read_yaml
from orion_deploy.errors import ChecklistError


@SPARING
@given(checklists())
def test_yaml_to_yaml(data: bytes) -> None:
    """What the reader made of a YAML file, written as YAML, reads as the same."""
    checklist = read_yaml(data, "a.yaml")
    again = read_yaml(convert(checklist, "yaml").encode(), "a.yaml")
    assert difference(checklist, again) == ""
    assert [step.digest for _, step in again.walk()] == [step.digest for _, step in checklist.walk()]


@SPARING
@given(checklists())
def test_yaml_to_markdown_and_back(data: bytes) -> None:
    """Through Markdown and back to YAML a checklist stays the same, ids and digests included."""
    checklist = read_yaml(data, "a.yaml")
    markdown = read_markdown(convert(checklist, "markdown").encode(), "a.md")
    assert difference(checklist, markdown) == ""
    again = read_yaml(convert(markdown, "yaml").encode(), "a.yaml")
    assert difference(checklist, again) == ""


def test_the_seed_survives_both_ways() -> None:
    """The team's own checklist goes to YAML and back to Markdown, and says the same."""
    survives(seed())


def test_public_checklists_survive_to_yaml() -> None:
    """Every file of the corpus goes to YAML, and what YAML says goes to Markdown or is refused with its place."""
    for path in sorted(shared("corpus").glob("*.md")):
        checklist = read_markdown(path.read_bytes(), path.name)
        again = read_yaml(convert(checklist, "yaml").encode(), path.name)
        assert difference(checklist, again) == ""


def survives(path: Path) -> None:
    """Assert that a Markdown file goes to YAML and back."""
    checklist = read_markdown(path.read_bytes(), path.name)
    again = read_yaml(convert(checklist, "yaml").encode(), path.name)
    assert difference(checklist, again) == ""
    back = read_markdown(convert(again, "markdown").encode(), path.name)
    assert difference(checklist, back) == ""


MARKDOWN = """---
variables:
  DATABASE: {type: path, default: ~/data/app.db}
cwd: ~/app
---
# Release 1.2 \\#3

**Risk:** LOW

Read all of it first.

## Deployment (TIGER-A)

- [ ] **Stop** the app (MANDATORY)
  Look first.

  ```yaml step
  id: stop
  action:
    process.stop:
      program: app
  confirm: STOP
  ```
- [x] Migrate
  ```bash
  ./migrate "$DATABASE"
  # Should return 0
  ```
  ```sql
  SELECT 1
  ```
  - [ ] Sub-step

## Rollback

1. **Choose**

   **Option 1: Restore (Recommended)**
   ```sh
   ./restore
   ```
   **Option 2: Down**
   ```sh
   ./down
   ```

## Notes

- **TIGER-A (risk):** Mind the gap.
"""


def test_every_kind_of_thing_survives(tmp_path: Path) -> None:
    """Variables, metadata, facts, code, options, numbered steps, ticks, sub-steps and notes go both ways."""
    path = tmp_path / "a.md"
    path.write_text(MARKDOWN)
    survives(path)
    text = convert(read_markdown(MARKDOWN.encode(), "a.md"), "yaml")
    assert "id: stop" in text
    assert text.count("id:") == 1
    assert "run: |\n" not in text.split("language: sql")[1].split("Sub-step")[0]


def test_yaml_is_written_as_a_person_would() -> None:
    """Scripts are blocks, titles plain, and nothing is said that titles and order say already."""
    text = convert(
        read_yaml(
            b"{title: T, sections: [{title: Rollback, steps: [{title: 'a: b', run: \"x 'y'\\nz\"}]}]}", "a"
        ),
        "yaml",
    )
    assert text == (
        "title: T\n\nsections:\n  - title: Rollback\n    steps:\n"
        "      - title: \"a: b\"\n        run: |\n          x 'y'\n          z\n"
    )


@pytest.mark.parametrize(
    ("data", "to", "words"),
    [
        ("{title: T, steps: [{title: A, text: '- [ ] hidden step'}]}", "markdown", "`A`"),
        ("{title: T, sections: [{title: S, text: '# Heading'}]}", "markdown", "differently"),
        ('{title: T, steps: [{title: A, text: "```\\nrm\\n```"}]}', "markdown", "`A`"),
        ("{title: T, steps: [{title: A, numbered: true}]}", "markdown", "differently"),
    ],
)
def test_what_cannot_be_said_is_refused(data: str, to: str, words: str) -> None:
    """Prose that Markdown would read as a step, a heading or code is refused, never silently changed."""
    with pytest.raises(ChecklistError) as raised:
        convert(read_yaml(data.encode(), "a.yaml"), to)
    assert words in raised.value.what


def test_options_of_other_numbers_are_refused() -> None:
    """YAML numbers options by their order; a Markdown file that numbers them otherwise is told."""
    markdown = "- [ ] Choose\n\n  Option 2: a\n\n  Option 1: b\n"
    with pytest.raises(ChecklistError, match="numbered"):
        convert(read_markdown(markdown.encode(), "a.md"), "yaml")


def test_ids_stay() -> None:
    """A step whose made id would change with the format keeps its old one, stated."""
    markdown = "Before.\n\n- [ ] A\n\n# One\n\n- [ ] A\n\n# Two\n\n- [ ] A\n- [ ] A\n"
    checklist = read_markdown(markdown.encode(), "a.md")
    again = read_yaml(convert(checklist, "yaml").encode(), "a.md")
    assert [step.id for _, step in again.walk()] == [step.id for _, step in checklist.walk()]
