"""Approvals: exactly these bytes, by this user, and for every other byte again."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from support.others import give_away

from orion_deploy.errors import NotRecordedError, StoreError
from orion_deploy.run.approvals import approve, is_approved, last_approved

DATA = b"- [ ] a\n"


def digest(data: bytes) -> str:
    """sha256, hex."""
    return hashlib.sha256(data).hexdigest()


def test_only_what_was_approved_is(tmp_path: Path) -> None:
    """One byte more is another checklist; the same bytes elsewhere are the same."""
    path = tmp_path / "a.md"
    assert not is_approved(digest(DATA))
    assert last_approved(path) is None
    assert approve(path, DATA) == digest(DATA)
    assert is_approved(digest(DATA))
    assert not is_approved(digest(DATA + b" "))
    assert last_approved(path) == DATA
    assert last_approved(tmp_path / "b.md") is None


def test_the_last_approval_of_a_path_is_what_the_diff_is_against(tmp_path: Path) -> None:
    """Earlier ones stay approved; a symbolic link is the file that it means."""
    path = tmp_path / "a.md"
    path.write_bytes(DATA)
    (tmp_path / "link.md").symlink_to("a.md")
    approve(path, DATA)
    approve(tmp_path / "link.md", DATA + b"- [ ] b\n")
    assert last_approved(path) == DATA + b"- [ ] b\n"
    assert is_approved(digest(DATA))


def test_what_is_on_the_disk_is_believed_by_its_content_only(tmp_path: Path, own_home: Path) -> None:
    """A damaged, emptied or exchanged approval is none."""
    approve(tmp_path / "a.md", DATA)
    path = own_home / ".local/state/orion-deploy/approvals" / digest(DATA)
    for content in (b"", DATA[:-1], b"rm -rf /\n"):
        path.write_bytes(content)
        assert not is_approved(digest(DATA))
        assert last_approved(tmp_path / "a.md") is None


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "x" * 64, "A" * 64, "by-path"])
def test_a_digest_is_no_path(name: str) -> None:
    """What is no sha256 is not approved, and no file is looked for."""
    assert not is_approved(name)


def test_approvals_are_private(tmp_path: Path, own_home: Path) -> None:
    """Nobody else can approve for us, or read what we run."""
    before = os.umask(0)
    try:
        approve(tmp_path / "a.md", DATA)
    finally:
        os.umask(before)
    folder = own_home / ".local/state/orion-deploy"
    for path in [folder, *folder.rglob("*")]:
        assert path.lstat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.parametrize("kind", ["symbolic link", "anyone's", "another's"])
def test_approvals_of_others_are_not_believed(tmp_path: Path, own_home: Path, kind: str) -> None:
    """A folder that others can put things into approves nothing."""
    approve(tmp_path / "a.md", DATA)
    folder = own_home / ".local/state/orion-deploy/approvals"
    if kind == "symbolic link":
        folder.rename(folder.with_name("real"))
        folder.symlink_to("real")
    elif kind == "anyone's":
        os.chmod(folder, 0o777)
    else:
        give_away(folder)
    with pytest.raises(StoreError):
        is_approved(digest(DATA))
    with pytest.raises(StoreError):
        approve(tmp_path / "a.md", DATA)


def test_an_approval_that_cannot_be_written_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 6, and nothing was run."""
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file" / "state"))
    with pytest.raises((NotRecordedError, StoreError)):
        approve(tmp_path / "a.md", DATA)
