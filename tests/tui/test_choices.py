"""What the picker offers, and a person's own keys from their file."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from support.sessions import book, opened

from orion_deploy.tui.app import read_keymap
from orion_deploy.tui.choices import offers, title_of
from orion_deploy.tui.lines import text_of
from orion_deploy.tui.screens.picker import PickList, reminder_line


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


def test_a_run_says_what_it_still_waits_for(tmp_path: Path) -> None:
    """Below an unfinished run: its watches, its open criteria and gates, and when the next is due; below others nothing."""
    text = (
        "# R\n\n- [ ] Deploy\n\n## Success criteria\n\n- [ ] No complaints after 24 hours\n- [ ] It works\n"
    )
    path = book(tmp_path, text, "release.md")
    with opened(path, cwd=str(tmp_path)) as driven:
        driven.session.tick("1")
    plain = book(tmp_path, "# P\n\n- [ ] one\n", "plain.md")
    with opened(plain, cwd=str(tmp_path)) as driven:
        driven.session.note("on it")
    now = time.time()
    said = {
        offer.shown: text_of(reminder_line(offer, now)).strip() for offer in offers(tmp_path) if offer.run
    }
    assert said["plain.md"] == ""
    assert said["release.md"].startswith("2 of 2 criteria and gates open, next due in 23 h 59 min, ")
    (release,) = [offer for offer in offers(tmp_path) if offer.run and offer.shown == "release.md"]
    (late,) = reminder_line(release, now + 90_000)
    assert late.role == "warn"
    found = offers(tmp_path)
    rows = PickList(found, now).rows
    below = rows[rows.index(found.index(release)) + 1]
    assert isinstance(below, tuple)
    assert "criteria and gates open" in text_of(below)


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
