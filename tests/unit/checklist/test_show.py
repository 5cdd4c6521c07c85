"""`show` says what the app sees, by the contract's names."""

from __future__ import annotations

import json
from typing import Any

from orion_deploy.checklist.markdown import read_markdown
from orion_deploy.checklist.show import to_json, to_text
from orion_deploy.checklist.yaml_reader import read_yaml

MARKDOWN = """---
variables:
  DB: {default: a.db, secret: true}
---
# Plan

**Risk:** low

## Go (T-1)

- [x] **Stop** it ____
  - [ ] look
    ```yaml step
    id: look
    check:
      files.exists: {path: $DB}
    timeout: 5s
    ```
- [ ] how

  Option 1: a (recommended)
  ```sh
  cp <FROM> x  # Should return nothing
  ```
  Option 2: b
  ```console
  $ ls
  out
  ```

```sql
select 1
```

## Rollback

1. back
   - [ ] inner

## Notes

- **T-1:** careful
"""


def shown(text: str) -> dict[str, Any]:
    """What `show --json` prints."""
    found: dict[str, Any] = json.loads(json.dumps(to_json(read_markdown(text.encode(), "plan.md"))))
    return found


def test_checklist() -> None:
    """The whole file: title, facts, variables, sections, notes."""
    found = shown(MARKDOWN)
    assert (found["title"], found["source"], found["metadata"]) == ("Plan", "markdown", {"Risk": "low"})
    assert found["variables"] == [
        {"name": "DB", "default": "a.db", "prompt": "", "secret": True, "type": "text", "line": 3}
    ]
    assert [
        (s["id"], s["title"], s["kind"], s["level"], s["line"], s["sections"]) for s in found["sections"]
    ] == [
        ("go-t-1", "Go (T-1)", "steps", 2, 9, []),
        ("rollback", "Rollback", "rollback", 2, 35, []),
        ("notes", "Notes", "notes", 2, 40, []),
    ]
    assert (found["notes"], found["problems"], len(found["digest"])) == ({"T-1": "careful"}, [], 64)


def test_steps() -> None:
    """A step has all names of the contract; facts have those of the YAML format; steps nest."""
    go = shown(MARKDOWN)["sections"][0]
    stop, how = go["steps"]
    expected = {
        "id": "go-t-1.stop-it", "title": "Stop it ____", "checked": True, "task": True, "depth": 0, "mandatory": False,
        "optional": False, "line": 11, "tags": ["T-1"], "kind": "manual", "body": "", "options": [], "blanks": 1, "code": [],
    }  # fmt: skip
    assert {key: stop[key] for key in expected} == expected
    (look,) = stop["steps"]
    assert (look["id"], look["depth"], look["kind"], look["timeout"]) == ("look", 1, "files.exists", 5.0)
    assert look["check"] == {"files.exists": {"path": "$DB"}}
    assert [block["role"] for block in look["code"]] == ["step"]
    assert how["kind"] == "choice"
    assert how["options"] == [
        {"number": 1, "title": "a", "recommended": True, "line": 21},
        {"number": 2, "title": "b", "recommended": False, "line": 25},
    ]
    assert how["code"] == [
        {"language": "sh", "text": "cp <FROM> x  # Should return nothing", "role": "command", "line": 22, "option": 1,
         "placeholders": ["<FROM>"]},
        {"language": "console", "text": "$ ls\nout", "role": "command", "line": 26, "option": 2, "script": "ls"},
    ]  # fmt: skip
    assert how["expect"] == [
        {"text": "Should return nothing", "matcher": "nothing", "value": "", "line": 23, "from_comment": True}
    ]
    assert go["code"] == [{"language": "sql", "text": "select 1", "role": "sample", "line": 31}]


def test_depth_counts_tasks() -> None:
    """A task within a numbered step has the depth that GitHub gives it."""
    back = shown(MARKDOWN)["sections"][1]["steps"][0]
    assert (back["task"], back["depth"], back["steps"][0]["task"], back["steps"][0]["depth"]) == (
        False,
        0,
        True,
        0,
    )


def test_alike_in_both_formats() -> None:
    """The same checklist as YAML shows the same steps, but for lines, levels and digests of files."""
    yaml = b"""
title: Plan
metadata: {Risk: low}
sections:
  - title: Go
    steps:
      - title: Stop it
        run: |
          ls
          # Should return 0
        steps:
          - title: look
            id: look
            check: {files.exists: {path: x}}
"""
    markdown = """# Plan

**Risk:** low

## Go
- [ ] Stop it
  ```bash
  ls
  # Should return 0
  ```
  - [ ] look
    ```yaml step
    id: look
    check: {files.exists: {path: x}}
    ```
"""
    ours, theirs = shown(markdown), to_json(read_yaml(yaml, "plan.yaml"))
    for found in (ours, theirs):
        found.pop("source")
        found.pop("digest")
    assert _without_places(ours) == _without_places(theirs)


def _without_places(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_places(inner)
            for key, inner in value.items()
            if key not in ("line", "level", "digest")
        }
    if isinstance(value, list):
        return [
            _without_places(inner)
            for inner in value
            if not (isinstance(inner, dict) and inner.get("role") == "step")
        ]
    return value


def test_deep_nesting_is_shown() -> None:
    """Two hundred steps within one another, and as many sections, become JSON and lines."""
    text = "".join("  " * depth + "- [ ] a\n" for depth in range(200))
    assert json.dumps(shown(text)).count('"title": "a"') == 200
    assert to_text(read_markdown(text.encode(), "a.md")).count("[ ] a") == 200


def test_text_is_safe_and_complete() -> None:
    """The readable form names every step, block and option, and no byte of it moves a cursor."""
    hostile = MARKDOWN.replace("careful", "care\x1b[31mful\u202e").replace(
        "] look\n", "] look \x1b]0;x\x07\n"
    )
    text = to_text(read_markdown(hostile.encode(), "plan.md"))
    assert not any(ord(char) < 32 and char != "\n" for char in text)
    assert "\u202e" not in text
    for words in (
        "[x] Stop it ____",
        "option 1: a (recommended)",
        "to fill in: <FROM>",
        "T-1: care",
        "Rollback [rollback]",
        "(secret)",
    ):
        assert words in text
    assert "a.db" not in text
