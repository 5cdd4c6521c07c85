"""How the operator wants to be told: `notify.json` in the app's configuration folder. What is wrong with it is said, and not used."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from orion_deploy.errors import did_you_mean
from orion_deploy.text import plain_line

FILE_NAME = "notify.json"
FILE_BYTES_MAX = 64 * 1024
TERMINALS = ("osc9", "osc777", "off")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is on by default is the bell; everything that leaves the screen is off."""

    bell: bool = True
    terminal: str = "off"
    """`osc9` or `osc777`: a notification by the terminal, while the app is open."""
    on_trigger: str = ""
    """A command of the shell, or an address: when a watch fires."""
    on_done: str = ""
    """The same, when a watch has come to its end."""


DEFAULT = Wishes()


def is_address(target: str) -> bool:
    """Whether a target is an address to POST to, and not a command."""
    return _SCHEME.match(target) is not None


def path_of(environ: Mapping[str, str]) -> str:
    """Where the file is."""
    base = environ.get("XDG_CONFIG_HOME", "")
    folder = base if os.path.isabs(base) else os.path.expanduser("~/.config")
    return os.path.join(folder, "orion-deploy", FILE_NAME)


def read_wishes(environ: Mapping[str, str]) -> tuple[Wishes, str]:
    """What is wished, and what is wrong with the file, in one sentence; empty where nothing is.

    What is wrong counts as not wished; the rest of the file does.
    """
    path = path_of(environ)
    try:
        text = _read(path)
    except FileNotFoundError:
        return DEFAULT, ""
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return DEFAULT, plain_line(f"{FILE_NAME} is not used: {reason} ({path})")
    wishes, faults = parse(text)
    return wishes, plain_line(f"{FILE_NAME}: {'; '.join(faults)} ({path})") if faults else ""


def _read(path: str) -> str:
    """The text. Raises OSError; ValueError where it is not to be trusted, or is no text."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        seen = os.fstat(fd)
        if not stat.S_ISREG(seen.st_mode):
            raise ValueError("it is no file")
        if seen.st_uid not in (0, os.geteuid()) or seen.st_mode & 0o022:
            raise ValueError("others may write to it, and it names what is run (chmod go-w)")
        return os.read(fd, FILE_BYTES_MAX).decode()
    finally:
        os.close(fd)


def parse(text: str) -> tuple[Wishes, tuple[str, ...]]:
    """What the text of the file wishes, and a sentence for each thing in it that is wrong. Pure."""
    try:
        content: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        return DEFAULT, (f"it is not JSON: {error}",)
    if not isinstance(content, dict):
        return DEFAULT, ("it does not hold an object",)
    names = [field.name for field in fields(Wishes)]
    wishes, faults = DEFAULT, []
    for name, value in content.items():
        why = (
            f"there is no `{name}`; {did_you_mean(name, names)}" if name not in names else _fault(name, value)
        )
        if why:
            faults.append(why)
        else:
            given: Any = value.strip() if isinstance(value, str) else value
            wishes = replace(wishes, **{name: given})
    return wishes, tuple(faults)


def _fault(name: str, value: object) -> str:
    if name == "bell":
        return "" if isinstance(value, bool) else "`bell` must be true or false"
    if name == "terminal":
        return "" if value in TERMINALS else f"`terminal` must be one of {', '.join(TERMINALS)}"
    if not isinstance(value, str) or "\0" in value:
        return f"`{name}` must be a command, or an address that begins with http:// or https://"
    scheme = _SCHEME.match(value.strip())
    if scheme is not None and scheme[1].lower() not in ("http", "https"):
        return f"`{name}` cannot go to {scheme[1]}://, only to http:// and https://"
    return ""
