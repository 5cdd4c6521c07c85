"""Looking and writing: `show`, `lint`, `approve`, `kinds`, `new`, `convert`, `schema`. None of them executes anything."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from support.cli import ended, orion, terminal
from support.sessions import book

BOOK = """\
# Release

## Deploy

- [ ] Stop the shop
  ```bash
  touch executed; pkill -f shop
  ```
- [ ] Keep at hand
  ```bash
  # Save this command for quick rollback if needed
  touch executed
  ```
"""


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A checklist that must not be executed by looking at it."""
    return book(tmp_path, BOOK, "release.md")


def test_looking_never_executes_and_never_writes(release: Path) -> None:
    """Show, lint, status, approve as JSON, convert: the folder is as it was."""
    for arguments in (["show"], ["show", "--json"], ["lint"], ["status"], ["approve", "--json"], ["convert"]):
        done = orion(arguments[0], release.name, *arguments[1:], cwd=release.parent)
        assert done.code in (0, 1), done
        assert done.out
    assert os.listdir(release.parent) == ["release.md"]


def test_show_json_is_the_contract(release: Path) -> None:
    """Title, metadata, variables, sections; a section's steps; a step's id, title, code with language, text, role, line."""
    shown = orion("show", release.name, "--json", cwd=release.parent).json
    assert {"title", "metadata", "variables", "sections"} <= set(shown)
    (section,) = [each for each in shown["sections"] if each["title"] == "Deploy"]
    assert {"title", "kind", "level", "line", "steps", "code", "sections"} <= set(section)
    step = section["steps"][0]
    assert {"id", "title", "checked", "depth", "mandatory", "line", "tags", "kind", "code", "steps"} <= set(
        step
    )
    assert step["code"] == [
        {"language": "bash", "text": "touch executed; pkill -f shop", "role": "command", "line": 6}
    ]


def test_lint_says_where_why_and_what_instead(release: Path) -> None:
    """Findings as a compiler writes them, and as data; exit code 1."""
    done = orion("lint", release.name, cwd=release.parent)
    assert done.code == 1
    assert re.search(r"--> release\.md:7:\d+", done.out)
    assert "^^^" in done.out
    assert "why: " in done.out
    assert "instead:" in done.out
    found = orion("lint", release.name, "--json", cwd=release.parent)
    assert found.code == 1
    assert {"rule", "line", "column", "why", "instead"} <= set(found.json[0])


def test_lint_without_findings(tmp_path: Path) -> None:
    """A sound checklist: exit code 0, an empty list."""
    book(tmp_path, "# R\n\n- [ ] Ask Ann\n", "sound.md")
    assert orion("lint", "sound.md", "--json", cwd=tmp_path).json == []
    assert orion("lint", "sound.md", cwd=tmp_path).code == 0


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ("check: {files.exist: {path: x}}", "there is no kind `files.exist`"),
        ("check: {files.exists: {pth: x}}", "pth"),
        ("action: {process.stop: {deadline_s: soon}}", "deadline_s"),
        ("check: {files.exists: {}}", "path"),
    ],
)
def test_lint_finds_typed_steps_that_cannot_run(facts: str, message: str, tmp_path: Path) -> None:
    """A kind that is not known, and parameters that do not fit it, are found before the night of the deployment."""
    book(tmp_path, f"# R\n\n- [ ] Look\n\n  ```yaml step\n  {facts}\n  ```\n", "typed.md")
    done = orion("lint", "typed.md", "--json", cwd=tmp_path)
    assert done.code == 1
    found = [each for each in done.json if each["rule"] == "typed-step"]
    assert message in " ".join(each["message"] for each in found)
    assert {each["line"] for each in found} == {6}


def test_lint_fix_writes_what_is_so_already(release: Path) -> None:
    """`--fix` writes `yaml step` blocks, keeps everything else and the file's mode, and has nothing to do twice."""
    release.chmod(0o640)
    fixed = orion("lint", release.name, "--fix", cwd=release.parent)
    text = release.read_text()
    assert "```yaml step" in text
    assert [line for line in text.splitlines() if line in BOOK.splitlines()] != []
    assert all(line in text.splitlines() for line in BOOK.splitlines())
    assert release.stat().st_mode & 0o777 == 0o640
    assert "approve it again" in fixed.err
    again = orion("lint", release.name, "--fix", cwd=release.parent)
    assert "nothing to fix" in again.err
    assert release.read_text() == text
    assert os.listdir(release.parent) == ["release.md"]


def test_lint_fix_through_a_link_writes_the_file_it_means(release: Path) -> None:
    """A symbolic link stays one."""
    link = release.with_name("latest.md")
    link.symlink_to(release.name)
    orion("lint", "latest.md", "--fix", cwd=release.parent)
    assert link.is_symlink()
    assert "```yaml step" in release.read_text()


def test_approve_shows_what_would_run_and_asks(release: Path) -> None:
    """In a terminal: every command, then a question whose default is no."""
    with terminal("approve", release.name, cwd=release.parent) as child:
        child.expect(re.escape("[y/N] "))
        assert "touch executed; pkill -f shop" in (child.before or "")
        child.sendline("")
        child.expect("nothing was approved")
        assert ended(child) == 3
    assert orion("approve", release.name, "--json", cwd=release.parent).json["approved"] is False
    with terminal("approve", release.name, cwd=release.parent) as child:
        child.expect(re.escape("[y/N] "))
        child.sendline("y")
        assert ended(child) == 0
    assert orion("approve", release.name, "--json", cwd=release.parent).json["approved"] is True


def test_approve_without_a_terminal_needs_yes(release: Path) -> None:
    """It cannot ask, so it says what to do; exit code 3."""
    done = orion("approve", release.name, cwd=release.parent)
    assert done.code == 3
    assert "--yes" in done.err
    assert orion("approve", release.name, "--yes", cwd=release.parent).code == 0
    assert "approved already" in orion("approve", release.name, cwd=release.parent).err


def test_approve_shows_the_diff_since_the_last_time(release: Path) -> None:
    """After an approval only what changed is shown, with hidden characters named."""
    orion("approve", release.name, "--yes", cwd=release.parent)
    release.write_text(BOOK.replace("pkill -f shop", "pkill -f shop \u202e# gone\u202c"))
    done = orion("approve", release.name, cwd=release.parent)
    assert done.code == 3
    assert "changed since it was last approved" in done.out
    assert "-  touch executed; pkill -f shop" in done.out
    assert "+  touch executed; pkill -f shop <U+202E># gone<U+202C>" in done.out
    assert "an editor does not show" in done.out
    assert "Keep at hand" not in done.out.split("@@")[0]


def test_hidden_characters_in_a_command_are_pointed_at(tmp_path: Path) -> None:
    """Bidi and zero-width characters of a command are made visible, and said."""
    book(tmp_path, "# R\n\n- [ ] Go\n  ```bash\n  echo a\u200bb\n  ```\n", "hidden.md")
    done = orion("approve", "hidden.md", cwd=tmp_path)
    assert "echo a<U+200B>b" in done.out
    assert "an editor does not show" in done.out


def test_kinds_lists_every_kind_and_tells_all_of_one(tmp_path: Path) -> None:
    """The table, one in full with its parameters and an example, and both as data; a mistyped one names the nearest."""
    from orion_deploy.kinds.registry import kind_names

    listed = orion("kinds", cwd=tmp_path).out
    assert [line.split()[0] for line in listed.splitlines()] == ["shell.command", *kind_names()]
    shell = orion("kinds", "shell", cwd=tmp_path)
    assert "A command: a shell block below a step" in shell.out
    assert "  run  " in shell.out
    one = orion("kinds", "sqlite.backup", cwd=tmp_path).out
    assert "Parameters:" in one
    assert "Example:" in one
    assert orion("kinds", "sqlite.backup", "--json", cwd=tmp_path).json["name"] == "sqlite.backup"
    assert len(orion("kinds", "--json", cwd=tmp_path).json) == 1 + len(kind_names())
    wrong = orion("kinds", "sqlite.bakcup", cwd=tmp_path)
    assert wrong.code == 2
    assert "did you mean `sqlite.backup`?" in wrong.err


@pytest.mark.parametrize("name", ["release", "release.md", "release.yaml"])
def test_new_writes_a_sound_checklist_and_overwrites_nothing(name: str, tmp_path: Path) -> None:
    """What it writes has no findings; a second time it refuses."""
    done = orion("new", name, cwd=tmp_path)
    assert done.code == 0
    path = tmp_path / done.out.strip()
    assert path.is_file()
    assert path.suffix == (".yaml" if name.endswith(".yaml") else ".md")
    assert orion("lint", path.name, cwd=tmp_path).code == 0
    path.write_text("mine")
    again = orion("new", name, cwd=tmp_path)
    assert again.code == 2
    assert "is there already" in again.err
    assert path.read_text() == "mine"


def test_new_needs_a_folder_that_is_there(tmp_path: Path) -> None:
    """No folders are made by the way."""
    done = orion("new", "there/release", cwd=tmp_path)
    assert done.code == 2
    assert "the folder `there` is not there" in done.err
    assert os.listdir(tmp_path) == []


def test_convert_there_and_back_says_the_same(release: Path) -> None:
    """Markdown to YAML and back: the same titles, commands and roles."""
    folder = release.parent
    (folder / "release.yaml").write_text(orion("convert", "release.md", cwd=folder).out)
    (folder / "again.md").write_text(orion("convert", "release.yaml", cwd=folder).out)

    def said(name: str) -> list[tuple[str, list[tuple[str, str]]]]:
        shown = orion("show", name, "--json", cwd=folder).json
        return [
            (step["title"], [(block["text"], block["role"]) for block in step["code"]])
            for section in shown["sections"]
            for step in section["steps"]
        ]

    assert said("release.md") == said("release.yaml") == said("again.md")


def test_convert_to_a_terminal_is_safe(tmp_path: Path) -> None:
    """A file gets exactly what the checklist says; a terminal sees control characters named."""
    book(tmp_path, "# R\n\n- [ ] Step \u202eevil\n", "hostile.md")
    assert "\\u202e" in orion("convert", "hostile.md", cwd=tmp_path).out.lower()
    with terminal("convert", "hostile.md", cwd=tmp_path) as child:
        ended(child)
        assert "\u202e" not in (child.before or "")


def test_schema_is_json_with_every_kind(tmp_path: Path) -> None:
    """Editors are offered the kinds there are."""
    done = orion("schema", cwd=tmp_path)
    assert done.json["$schema"].startswith("https://json-schema.org/")
    assert "sqlite.backup" in json.dumps(done.json)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into every folder")
def test_a_folder_that_may_not_be_entered_is_not_called_empty(tmp_path: Path) -> None:
    """What may not be looked at is not said to be missing: the way out is another one."""
    (tmp_path / "closed").mkdir()
    (tmp_path / "closed" / "release.md").write_text("# R\n")
    (tmp_path / "closed").chmod(0o600)
    try:
        done = orion("show", "closed/release.md", cwd=tmp_path)
    finally:
        (tmp_path / "closed").chmod(0o700)
    assert done.code == 2
    assert "Permission denied" in done.err


def test_a_name_that_no_file_can_have_is_one_clear_error(tmp_path: Path) -> None:
    """A name longer than the file system takes is said to be that, and is not looked for among the neighbours."""
    done = orion("show", "x" * 300 + ".md", cwd=tmp_path)
    assert done.code == 2
    assert "File name too long" in done.err
