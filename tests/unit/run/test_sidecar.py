"""The sidecar: readable by people and scripts, cheap to read, and never taken for more than the journal knows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.build import checklist, section, state_after, step

from orion_deploy.errors import StoreError
from orion_deploy.run import events as ev
from orion_deploy.run import journal, sidecar
from orion_deploy.run.describe import describe
from orion_deploy.run.edge import Edge
from orion_deploy.run.fold import fold
from orion_deploy.run.state import RunState
from orion_deploy.run.store import Store

BOOK = checklist(
    section("Before", step("backup", "true", mandatory=True), step("check")),
    section("After", step("look", title="Look — \x1b[31mred\u202e \U000e0041")),
)
STATE = state_after(ev.Ticked(step="backup", value="12 MB"), ev.Noted(step="look", text="a\nb"))
LINK = journal.Link(2, "0badf00d", "ab" * 16, 345)


def written(tmp_path: Path, document: dict[str, Any]) -> Path:
    """A sidecar with this content."""
    path = tmp_path / "a.md.state.json"
    path.write_bytes(sidecar.encode(document, LINK, 1000.0))
    return path


def test_what_was_described_is_what_is_read(tmp_path: Path) -> None:
    """Nothing of the description is lost, and format, schema and journal stand beside it."""
    document = describe(BOOK, STATE, "one")
    read = sidecar.read(written(tmp_path, document))
    assert read is not None
    assert {key: read[key] for key in document} == document
    assert (read["format"], read["schema"], read["written_at"]) == ("orion-deploy state", 1, 1000.0)
    assert read["journal"] == {"records": 2, "bytes": 345, "crc": "0badf00d", "hash": "ab" * 16}


def test_a_person_can_read_it(tmp_path: Path) -> None:
    """One step a line, letters as letters, and nothing that a terminal would act upon."""
    text = written(tmp_path, describe(BOOK, STATE, "one")).read_text("utf-8")
    lines = text.splitlines()
    assert len([line for line in lines if '"status": ' in line]) == 3
    assert any('"id": "backup"' in line and '"status": "done"' in line for line in lines)
    assert "Look — \\u001b[31mred\\u202e \\udb40\\udc41" in text
    assert all(line.isprintable() for line in lines)


def test_the_summary_is_read_without_the_steps(tmp_path: Path) -> None:
    """However long the sections are, only the head of the file is read."""
    document = describe(BOOK, STATE, "one")
    path = written(tmp_path, document)
    summary = sidecar.summary(path)
    whole = sidecar.read(path)
    assert whole is not None
    assert summary == {key: value for key, value in whole.items() if key != "sections"}
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b'"sections"') + 20])
    assert sidecar.summary(path) == summary
    with pytest.raises(StoreError):
        sidecar.read(path)


def test_a_long_summary_is_read_all_the_same(tmp_path: Path) -> None:
    """Notes may be longer than the part that is read first."""
    document = {**describe(BOOK, STATE, "one"), "notes": ["x" * sidecar.SUMMARY_BYTES_MAX]}
    summary = sidecar.summary(written(tmp_path, document))
    assert summary is not None
    assert summary["notes"] == document["notes"]
    assert "sections" not in summary


def test_only_a_missing_sidecar_is_none(tmp_path: Path) -> None:
    """What cannot be read, is damaged, foreign or newer says so, and where."""
    assert sidecar.read(tmp_path / "none") is None
    assert sidecar.summary(tmp_path / "none") is None
    path = tmp_path / "a.md.state.json"
    newer = '{"format": "orion-deploy state", "schema": 2}'
    for text in (
        "",
        "{",
        "[]",
        "null",
        '{"format": "other", "schema": 1}',
        newer,
        '{"format": "orion-deploy state"}',
    ):
        path.write_text(text)
        for read in (sidecar.read, sidecar.summary):
            with pytest.raises(StoreError) as caught:
                read(path)
            assert str(path) in caught.value.render()
    path.unlink()
    path.symlink_to("elsewhere")
    with pytest.raises(StoreError):
        sidecar.read(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(StoreError):
        sidecar.read(path)


def test_it_is_current_as_long_as_the_journal_is_the_same(tmp_path: Path) -> None:
    """One more record, one changed byte at the end, another length or no journal: not current."""
    run = tmp_path / "a.md.runs" / "one"
    store = Store.open(run, edge=Edge())
    store.append(ev.Ticked(step="a"))
    store.snapshot(force=True)
    document = sidecar.read(run / "state.json")
    assert document is not None
    path = run / "journal.jsonl"
    assert sidecar.is_current(document, path)
    store.append(ev.Unticked(step="a"))
    assert not sidecar.is_current(document, path)
    store.close()
    data = path.read_bytes()[: document["journal"]["bytes"]]
    path.write_bytes(data[:-5] + bytes([data[-5] ^ 1]) + data[-4:])
    assert not sidecar.is_current(document, path)
    path.write_bytes(data)
    assert sidecar.is_current(document, path)
    assert not sidecar.is_current(document, tmp_path / "none")
    assert not sidecar.is_current({}, path)


def test_without_a_checklist_the_counts_are_of_all_steps() -> None:
    """What can be said from the journal alone."""
    run = fold([ev.Opened(checklist="a.md", digest="d", cwd="/", steps={"a": "1", "b": "2", "c": "3"})])
    run = fold([ev.Ticked(step="a", override="r"), ev.Skipped(step="b", reason="r")], run)
    counts = sidecar.bare(run, "one")["counts"]
    assert counts == {"total": 3, "done": 1, "skipped": 1, "open": 1, "overrides": 1}
    assert sidecar.bare(RunState(), "one")["counts"]["total"] == 0


def test_reading_it_loads_next_to_nothing() -> None:
    """`status` answers at the speed of the interpreter's start: no dataclasses, no pathlib, nothing of ours."""
    code = (
        "import sys; import __future__, json, os; known = set(sys.modules)\n"
        "from orion_deploy.run import sidecar; sidecar.read('none'); sidecar.is_current({}, 'none')\n"
        "print(sorted(set(sys.modules) - known))"
    )
    got = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(got.stdout.replace("'", '"')) == [
        "orion_deploy",
        "orion_deploy.run",
        "orion_deploy.run.sidecar",
    ]
