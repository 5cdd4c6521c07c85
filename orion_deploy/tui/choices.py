"""What the picker offers: runs to go on with, checklists here, checklists that came with the app. It only reads."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orion_deploy import bundled
from orion_deploy.errors import OrionError
from orion_deploy.run.glance import Glance
from orion_deploy.run.places import Places, RunInfo, checked
from orion_deploy.text import plain_line

LOOKED_AT_BYTES_MAX = 256 * 1024
"""Bytes of a file that are looked at for tasks."""
FILES_MAX = 500
FOLDERS = ("", "checklists", "docs", "runbooks")
"""Folders that are looked into, below the one that one stands in."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One line of the picker."""

    kind: str
    """`resume`, `open`, or `bundled`."""
    path: Path
    shown: str
    """The path as a person would type it, plain."""
    title: str
    run: RunInfo | None = None


def offers(folder: Path) -> list[Offer]:
    """Everything to choose from: runs to go on with first, the latest at the top."""
    here = [
        Offer("open", path, plain_line(os.path.relpath(path, folder)), title_of(path))
        for path in checklists_in(folder)
    ]
    going: list[Offer] = []
    glance = Glance()
    for offer in here:
        try:
            runs = Places.of(offer.path).list_runs()
        except OrionError:
            continue
        going += [
            Offer("resume", offer.path, offer.shown, offer.title, checked(run, glance))
            for run in runs
            if run.finished is None
        ]
    going.sort(key=lambda offer: offer.run.last if offer.run else 0.0, reverse=True)
    mine = {os.path.realpath(offer.path) for offer in here}
    came = [
        Offer("bundled", path, plain_line(path.name), title_of(path))
        for path in bundled.checklists()
        if os.path.realpath(path) not in mine
    ]
    return going + here + came


def checklists_in(folder: Path) -> Iterator[Path]:
    """Files here that hold tasks: Markdown with a checkbox, YAML with sections and steps."""
    count = 0
    for name in FOLDERS:
        try:
            names = sorted(os.listdir(folder / name))
        except OSError:
            continue
        for file_name in names:
            path = folder / name / file_name
            if file_name.startswith(".") or not file_name.endswith(bundled.SUFFIXES):
                continue
            count += 1
            if count > FILES_MAX:
                return
            if is_checklist(path):
                yield path


def is_checklist(path: Path) -> bool:
    """Whether a file looks like a checklist; only its beginning is read."""
    data = _beginning(path)
    if path.suffix == ".md":
        return b"[ ]" in data or b"[x]" in data
    return b"steps:" in data and b"title:" in data


def title_of(path: Path) -> str:
    """The first heading or `title:` of a file, plain; its name where there is none."""
    text = _beginning(path).decode("utf-8", "replace")
    if path.suffix != ".md":
        match = re.search(r"^title:\s*(.+)$", text, re.MULTILINE)
        return plain_line(match[1].strip().strip("\"'")) if match else plain_line(path.name)
    if text.startswith("---\n"):
        text = text[4:].partition("\n---\n")[2]
    match = re.search(r"^#{1,2}\s+(.+?)\s*#*$", text, re.MULTILINE)
    return plain_line(match[1]) if match else plain_line(path.name)


def _beginning(path: Path) -> bytes:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        return os.read(fd, LOOKED_AT_BYTES_MAX)
    except OSError:
        return b""
    finally:
        os.close(fd)
