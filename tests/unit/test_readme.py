"""The README says what is: its tables are made from the code, its commands are the ones that CI runs, its links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md"), *(ROOT / "checklists").glob("*.md")])


def _tables() -> ModuleType:
    spec = importlib.util.spec_from_file_location("readme_tables", ROOT / "scripts" / "readme_tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_are_those_of_the_code() -> None:
    """Keys, commands, exit codes, faults, kinds and limits; `python scripts/readme_tables.py` brings them up to date."""
    assert _tables().written(README) == README


@pytest.mark.parametrize(
    ("name", "command"),
    [
        (
            "demo-command",
            "python3 -m venv .venv && .venv/bin/pip install -q . && .venv/bin/orion-deploy demo",
        ),
        (
            "test-command",
            "python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]' && .venv/bin/pytest",
        ),
    ],
)
def test_the_two_commands_can_be_taken_out_by_a_machine(name: str, command: str) -> None:
    """Behind each marker stands one block with one line."""
    found = re.search(rf"<!-- {name} -->\n```sh\n(.*?)\n```\n", README, re.DOTALL)
    assert found is not None
    assert found[1] == command


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    """Files that a page links to, or shows, are there; so are the headings that it links to in itself."""
    text = page.read_text("utf-8")
    headings = {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        if "://" in path:
            continue
        assert not path or (page.parent / path).exists(), target
        assert path or anchor in headings, target


def test_every_page_is_listed() -> None:
    """A page of docs/ that the index does not name is never read."""
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "index.md" or f"({page.name})" in index, page.name


def test_examples_of_checklists_can_be_read() -> None:
    """What the README shows as a checklist is one, in both formats, with the steps that it claims."""
    from orion_deploy.checklist.read import read

    markdown, facts = re.findall(r"````markdown\n(.*?)````", README, re.DOTALL)
    whole = read((markdown.replace("## Rollback", f"{facts}\n## Rollback")).encode(), "README.md")
    assert [step.title for _, step in whole.walk()] == [
        "Tell the support team",
        "See that the disk has room",
        "Stop the shop",
        "Start the old version",
    ]
    (yaml,) = re.findall(r"```yaml\n(title: .*?)```", README, re.DOTALL)
    same = read(yaml.encode(), "README.yaml")
    assert [step.title for _, step in same.walk()] == [step.title for _, step in whole.walk()][:3]
    assert [step.kind for _, step in same.walk()] == ["manual", "command", "process.stop"]
