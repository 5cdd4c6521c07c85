"""Which commit a folder stands at, read from git's own files: no process is started for a line of evidence."""

from __future__ import annotations

import re
from pathlib import Path

_HASH = re.compile(r"[0-9a-f]{40,64}")
_FILE_BYTES_MAX = 4 * 1024 * 1024


def commit_of(folder: Path) -> str:
    """Return the commit hash that HEAD of the repository around `folder` names, or an empty string.

    Reads `.git/HEAD`, the ref it names and `packed-refs`; worktrees and submodules (`.git` as a file) too.
    Never raises: evidence that cannot be had is left out.
    """
    try:
        git = _git_folder(folder)
        return _head(git) if git is not None else ""
    except (OSError, UnicodeDecodeError, ValueError):
        return ""


def _git_folder(folder: Path) -> Path | None:
    for parent in (folder, *folder.parents):
        candidate = parent / ".git"
        if candidate.is_dir():
            return candidate
        if candidate.is_file():
            text = _read(candidate)
            if text.startswith("gitdir: "):
                return (parent / text.removeprefix("gitdir: ").strip()).resolve()
    return None


def _head(git: Path) -> str:
    head = _read(git / "HEAD").strip()
    if not head.startswith("ref: "):
        return head if _HASH.fullmatch(head) else ""
    ref = head.removeprefix("ref: ").strip()
    common = git / "commondir"
    homes = [git]
    if common.is_file():
        homes.append((git / _read(common).strip()).resolve())
    for home in homes:
        loose = home / ref
        if loose.is_file():
            return _read(loose).strip()
    for home in homes:
        packed = home / "packed-refs"
        if packed.is_file():
            for line in _read(packed).splitlines():
                commit, _, name = line.partition(" ")
                if name == ref:
                    return commit
    return ""


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_FILE_BYTES_MAX).decode("utf-8")
