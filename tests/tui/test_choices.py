"""What the picker offers, and a person's own keys from their file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.sessions import book, opened

from orion_deploy.tui.app import read_keymap
from orion_deploy.tui.choices import offers, title_of


def test_runs_to_go_on_with_come_first(tmp_path: Path) -> None:
    """An unfinished run, then the checklists here, then those that came with the app; a finished run is not offered."""
    here = book(tmp_path, "# Here\n\n- [ ] one\n", "here.md")
    done = book(tmp_path, "# Done\n\n- [ ] one\n", "done.md")
    with opened(here, cwd=str(tmp_path)) as driven:
        driven.session.note("on it")
    with opened(done, cwd=str(tmp_path)) as driven:
        driven.session.tick(driven.session.step("1").id)
        driven.session.finish()
    found = offers(tmp_path)
    assert [(offer.kind, offer.shown) for offer in found][:3] == [
        ("resume", "here.md"),
        ("open", "done.md"),
        ("open", "here.md"),
    ]
    assert all(offer.kind == "bundled" for offer in found[3:])
    assert found[3:]
    assert found[0].run is not None
    assert found[0].run.counts["total"] == 1


def test_only_checklists_are_offered(tmp_path: Path) -> None:
    """Files without tasks, hidden files, folders and pipes are none; folders of runbooks are looked into."""
    import os

    book(tmp_path, "# Prose\n\nno tasks\n", "readme.md")
    book(tmp_path, "- [ ] x\n", ".hidden.md")
    (tmp_path / "folder.md").mkdir()
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "runbooks").mkdir()
    book(tmp_path / "runbooks", "- [ ] x\n", "night.md")
    book(tmp_path, "title: Y\nsections:\n- title: a\n  steps:\n  - title: b\n", "y.yaml")
    assert [offer.shown for offer in offers(tmp_path) if offer.kind == "open"] == [
        "y.yaml",
        "runbooks/night.md",
    ]


def test_titles_are_found_and_harmless(tmp_path: Path) -> None:
    """The first heading behind any front matter; control characters are visible; without one the name."""
    assert title_of(book(tmp_path, "---\n# no: title\n---\n\n# A\x1b[2J title\n", "a.md")) == "A␛[2J title"
    assert title_of(book(tmp_path, "# a comment\ntitle: 'Of YAML'\n", "b.yaml")) == "Of YAML"
    assert title_of(book(tmp_path, "- [ ] x\n", "c.md")) == "c.md"


def test_own_keys_are_read_and_faults_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sound file is used, a broken one is said, a missing one is nothing."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert read_keymap() == ({}, [])
    path = tmp_path / "orion-deploy" / "keys.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"tick": "T", "nonsense": "x"}))
    keymap, faults = read_keymap()
    assert keymap == {"tick": "T"}
    assert len(faults) == 1
    path.write_text("{")
    assert read_keymap()[0] == {}
    assert "is not JSON" in read_keymap()[1][0]
    path.write_text("[]")
    assert "does not hold an object" in read_keymap()[1][0]
