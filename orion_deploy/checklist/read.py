"""Read a checklist: the one door to both spec formats.

`read` is pure (bytes in, `Checklist` out); `load` reads the file once and keeps its bytes, so that what was
approved is what runs.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from typing import Final

from orion_deploy.checklist.model import Checklist
from orion_deploy.errors import ChecklistError, Place

MARKDOWN_BYTES_MAX: Final = 16_000_000
"""Bytes of a Markdown file: a checklist of 10,000 steps has about 2.3 million."""
YAML_BYTES_MAX: Final = 1_000_000
"""Bytes of a YAML file (design, "Hostile input")."""

YAML_ENDINGS: Final = (".yaml", ".yml")
MARKDOWN_ENDINGS: Final = (".md", ".markdown", ".mdown", ".mkd")
ENDINGS: Final = MARKDOWN_ENDINGS + YAML_ENDINGS
"""File names that are taken for checklists where a folder is searched."""

_SNIFFED_BYTES: Final = 4_096
_LIKE_YAML: Final = re.compile(rb"%YAML\b|(?:title|sections|steps|metadata|variables):(?:\s|$)")
_SPECIAL: Final = (
    (stat.S_ISDIR, "a folder", "name the checklist in it: a file that ends in .md or .yaml"),
    (stat.S_ISFIFO, "a pipe", "save what it carries to a file first: what was approved must be what runs"),
    (stat.S_ISSOCK, "a socket", "name a file"),
    (stat.S_ISCHR, "a device", "name a file"),
    (stat.S_ISBLK, "a device", "name a file"),
)


def read(data: bytes, path: str) -> Checklist:
    """Return the checklist that a file's bytes say. `path` tells the format by its ending, and names places.

    Raises ChecklistError for what cannot be a checklist, with its place and what to do.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ChecklistError("the file is UTF-16", where=Place(path), help="save it as UTF-8")
    if is_yaml(data, path):
        _refuse_large(len(data), YAML_BYTES_MAX, path)
        from orion_deploy.checklist.yaml_reader import read_yaml

        return read_yaml(data, path)
    _refuse_large(len(data), MARKDOWN_BYTES_MAX, path)
    from orion_deploy.checklist.markdown import read_markdown

    return read_markdown(data, path)


def is_yaml(data: bytes, path: str) -> bool:
    """Whether a file is YAML: by its ending, or, where that says nothing, by how it begins."""
    name = path.lower()
    if name.endswith(YAML_ENDINGS):
        return True
    if name.endswith(MARKDOWN_ENDINGS):
        return False
    lines = [
        line for line in data[:_SNIFFED_BYTES].removeprefix(b"\xef\xbb\xbf").splitlines() if line.strip()
    ]
    if lines and lines[0].rstrip() == b"---":
        if any(line.rstrip() in (b"---", b"...") for line in lines[1:]):
            return False
        lines = [line for line in lines[1:] if not line.startswith(b"#")]
    return bool(lines) and _LIKE_YAML.match(lines[0]) is not None


def load(path: str | os.PathLike[str]) -> tuple[Checklist, bytes]:
    """Read the file at `path`; return its checklist and its very bytes.

    Raises ChecklistError when there is no such file, when it is no regular file, cannot be read, is too
    large, or is no checklist.
    """
    name = os.fspath(path)
    data = _bytes_of(name)
    return read(data, name), data


def _bytes_of(name: str) -> bytes:
    """Return a file's bytes, at most `MARKDOWN_BYTES_MAX`. A pipe is never opened for waiting."""
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise _not_read(name, error) from None
    try:
        found = os.fstat(descriptor)
        for is_special, what, help in _SPECIAL:
            if is_special(found.st_mode):
                raise ChecklistError(f"this is {what}, not a checklist", where=Place(name), help=help)
        _refuse_large(found.st_size, MARKDOWN_BYTES_MAX, name)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(MARKDOWN_BYTES_MAX + 1)
    except OSError as error:
        raise _not_read(name, error) from None
    finally:
        os.close(descriptor)
    _refuse_large(len(data), MARKDOWN_BYTES_MAX, name)
    return data


def _not_read(name: str, error: OSError | ValueError) -> ChecklistError:
    code = error.errno if isinstance(error, OSError) else None
    if code in (errno.ENOENT, errno.ENOTDIR):
        what, help = "there is no such file", "`orion-deploy new NAME` writes a checklist to start from"
    elif code in (errno.EACCES, errno.EPERM):
        what, help = "the file may not be read", "ask for the permission to read it, or copy it"
    elif code == errno.ENXIO:
        what, help = "this is a socket, not a checklist", "name a file"
    else:
        reason = os.strerror(code) if code else str(error)
        what, help = f"the file cannot be read: {reason}", ""
    return ChecklistError(what, where=Place(name), help=help)


def _refuse_large(size: int, size_max: int, path: str) -> None:
    if size > size_max:
        raise ChecklistError(
            f"the file has {size:,} bytes; at most {size_max:,} are read",
            where=Place(path),
            help="split the checklist, and keep data in files of its own",
        )
