"""FILE: a path, or the name of a bundled checklist; where there is neither, the error names what is near."""

from __future__ import annotations

import os
from pathlib import Path

from orion_deploy.bundled import SUFFIXES
from orion_deploy.errors import ExitCode, OrionError, did_you_mean

LISTED_MAX = 5


def resolve(text: str) -> Path:
    """Return the checklist's path. A bundled one is named on stderr, so that nobody takes it for their own.

    Raises:
        OrionError: there is no such file; with the nearest names.
    """
    if text == "-":
        raise OrionError(
            "a checklist is a file: its state stands beside it, and standard input has no place",
            help="write it to a file first",
        )
    if os.path.isdir(text):
        raise OrionError(f"`{text}` is a folder, not a checklist", help=_in_folder(text))
    if _is_there(text):
        return Path(text)
    from orion_deploy import bundled
    from orion_deploy.cli.out import talk
    from orion_deploy.text import plain_line

    found = bundled.checklist(text)
    if found is not None:
        talk(
            f"note: no file `{plain_line(text)}` here; this is the bundled checklist {plain_line(str(found))}"
        )
        return found
    raise OrionError(f"there is no checklist `{text}`", help=_near(text), exit_code=ExitCode.USAGE)


def _is_there(text: str) -> bool:
    """Whether anything has this name. Raises OrionError when that may not be looked at: it is not the same as no."""
    try:
        os.lstat(text)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise OrionError(
            f"`{text}` cannot be looked at: {why}",
            help="look at the name, and at the rights of the folders on the way to it",
            exit_code=ExitCode.USAGE,
        ) from error
    return True


def checklists_in(folder: str) -> list[str]:
    """Names of the files in a folder that could be checklists; empty where it cannot be read."""
    try:
        return sorted(name for name in os.listdir(folder) if name.lower().endswith(SUFFIXES))
    except OSError:
        return []


def _near(text: str) -> str:
    from orion_deploy import bundled
    from orion_deploy.cli.table import MODULES

    folder, name = os.path.split(text)
    if folder and not os.path.isdir(folder):
        return f"the folder `{folder}` is not there either"
    here = checklists_in(folder or ".")
    known = {name: os.path.join(folder, name) for name in here}
    known |= {os.path.splitext(name)[0]: path for name, path in known.items()}
    if not folder:
        known |= {path.stem: path.stem for path in bundled.checklists()}
        if near := did_you_mean(name, MODULES):
            return near.replace("mean ", "mean the command ")
    if near := did_you_mean(name, known):
        word = near.split("`")[1]
        return f"did you mean `{known[word]}`?"
    return _in_folder(folder or ".")


def _in_folder(folder: str) -> str:
    names = checklists_in(folder)
    if not names:
        return (
            "there is no checklist there; `orion-deploy new NAME` begins one, `orion-deploy demo` shows one"
        )
    more = f" and {len(names) - LISTED_MAX} more" if len(names) > LISTED_MAX else ""
    return f"there: {', '.join(names[:LISTED_MAX])}{more}"
