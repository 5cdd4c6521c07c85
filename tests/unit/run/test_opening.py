"""Opening a run where something about its state, or its file, is not as it should be."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from support.sessions import book, opened

from orion_deploy.errors import ChecklistError, StoreError
from orion_deploy.run.opening import open_session

TEXT = "# R\n\n## S\n\n- [ ] Think\n- [ ] Act\n"


def test_a_state_file_of_a_newer_program_is_refused_and_kept(tmp_path: Path) -> None:
    """What a newer version wrote is neither misread nor overwritten: one error says so, and the bytes stay."""
    path = book(tmp_path, TEXT)
    with opened(path) as run:
        run.session.tick("1")
    sidecar = tmp_path / "book.md.state.json"
    sidecar.write_text(sidecar.read_text().replace('"schema": 1', '"schema": 99'))
    before = sidecar.read_bytes()
    with pytest.raises(StoreError, match="newer") as refused:
        open_session(path)
    assert "schema 99" in refused.value.what
    assert "orion-deploy" in refused.value.help
    assert sidecar.read_bytes() == before


def test_a_run_whose_folder_is_gone_is_not_begun_again(tmp_path: Path) -> None:
    """The state file knows of a run, its folder is not there: a new run would carry the deployment out twice."""
    path = book(tmp_path, TEXT)
    with opened(path) as run:
        run.session.tick("1")
        name = run.session.run
    shutil.rmtree(tmp_path / "book.md.runs")
    with pytest.raises(StoreError, match=name) as refused:
        open_session(path)
    assert "book.md.state.json" in refused.value.help
    (tmp_path / "book.md.state.json").unlink()
    with opened(path) as again:
        assert not again.session.resume.is_resumed


def test_a_finished_run_whose_folder_is_gone_holds_nothing_up(tmp_path: Path) -> None:
    """What was finished is over: the next deployment begins."""
    path = book(tmp_path, TEXT)
    with opened(path) as run:
        run.session.finish()
    shutil.rmtree(tmp_path / "book.md.runs")
    with opened(path) as again:
        assert not again.session.resume.is_resumed


def test_a_damaged_state_file_is_made_anew_from_the_journal(tmp_path: Path) -> None:
    """The sidecar is only a snapshot: the journal is the truth, and the next session writes it anew."""
    path = book(tmp_path, TEXT)
    with opened(path) as run:
        run.session.tick("1")
        name = run.session.run
    sidecar = tmp_path / "book.md.state.json"
    sidecar.write_bytes(b"{ not json")
    with opened(path) as again:
        assert again.session.run == name
    assert json.loads(sidecar.read_text())["run"] == name


def test_an_unknown_kind_is_an_error_of_the_file_not_of_the_night(tmp_path: Path) -> None:
    """A mistyped kind is refused when the checklist is opened, with its line and the nearest name."""
    path = book(
        tmp_path, TEXT + "- [ ] Check\n\n  ```yaml step\n  check: {sqlite.readyy: {path: a.db}}\n  ```\n"
    )
    with pytest.raises(ChecklistError, match=r"sqlite\.readyy") as refused:
        open_session(path)
    assert refused.value.where is not None
    assert refused.value.where.line == 10
    assert "`sqlite.ready`" in refused.value.help
    assert not (tmp_path / "book.md.runs").exists()


def test_an_action_is_no_check(tmp_path: Path) -> None:
    """A check may be repeated at will: what changes something cannot be written as one."""
    block = "\n  ```yaml step\n  check: {process.stop: {program: shop}}\n  ```\n"
    with pytest.raises(ChecklistError, match="changes something"):
        open_session(book(tmp_path, f"{TEXT}- [ ] Stop\n{block}"))
