"""The commit of the checklist's repository, read from git's own files."""

from __future__ import annotations

import subprocess
from pathlib import Path

from orion_deploy.run.repository import commit_of


def git(folder: Path, *arguments: str) -> str:
    """Run git with an identity of its own."""
    return subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.invalid", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def test_the_commit_is_what_git_says(tmp_path: Path) -> None:
    """Loose refs, packed refs, a detached head and a worktree all give `git rev-parse HEAD`."""
    repo = tmp_path / "repo"
    (repo / "deep").mkdir(parents=True)
    git(repo, "init", "-q", "-b", "main")
    assert commit_of(repo) == ""
    git(repo, "commit", "-q", "--allow-empty", "-m", "one")
    head = git(repo, "rev-parse", "HEAD")
    assert commit_of(repo / "deep") == head
    git(repo, "pack-refs", "--all")
    assert commit_of(repo) == head
    git(repo, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    git(tmp_path / "side", "commit", "-q", "--allow-empty", "-m", "two")
    assert commit_of(tmp_path / "side") == git(tmp_path / "side", "rev-parse", "HEAD") != head
    git(repo, "checkout", "-q", "--detach")
    assert commit_of(repo) == head


def test_no_repository_and_a_broken_one_give_nothing(tmp_path: Path) -> None:
    """Evidence that cannot be had is left out; nothing is raised."""
    assert commit_of(tmp_path / "nowhere") == ""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_bytes(b"\xff\xfe")
    assert commit_of(tmp_path) == ""
