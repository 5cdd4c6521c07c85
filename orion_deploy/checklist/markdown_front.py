"""Facts about a Markdown checklist as a whole: its front matter, and lines such as `**Risk Level:** MEDIUM`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from orion_deploy.checklist.model import Problem
from orion_deploy.errors import ChecklistError

if TYPE_CHECKING:
    from orion_deploy.checklist.facts import ParsedFacts

KEY_CHARACTERS_MAX: Final = 60
FRONT_LINES_MAX: Final = 2_000

_FACT = re.compile(
    rf"(?:\*\*|__)(?P<key>[^*_:\n][^*:\n]{{0,{KEY_CHARACTERS_MAX}}}?)(?::(?:\*\*|__)|(?:\*\*|__)\s*:)\s*(?P<value>\S.*)"
)
_KEY = re.compile(r"[\"']?[A-Za-z_][\w .-]*[\"']?\s*:(?:\s|$)")
_OWN_KEY = re.compile(r"^(?:variables|cwd|carry|metadata)\s*:", re.MULTILINE)
_SIMPLE = re.compile(r"([A-Za-z_][\w .-]*?)\s*:\s+(\S.*)")


def facts_in_lines(lines: list[str], plain: Callable[[str], str]) -> list[tuple[str, str]]:
    """Return the facts of a paragraph's lines; nothing, where not every line is one."""
    facts: list[tuple[str, str]] = []
    for line in lines:
        match = _FACT.fullmatch(line.strip().removesuffix("\\"))
        if match is None:
            return []
        facts.append((plain(match["key"]), plain(match["value"].strip())))
    return facts


def front_matter_end(lines: list[str]) -> int:
    """Return the index of the first line behind the front matter, 0 where there is none.

    It is what stands between a first line `---` and the next one (or `...`), and begins with a key.
    """
    if not lines or lines[0].rstrip() != "---":
        return 0
    begins = False
    for index, line in enumerate(lines[1:FRONT_LINES_MAX], start=1):
        bare = line.strip()
        if line.rstrip() in ("---", "..."):
            return index + 1 if begins or index == 1 else 0
        if not begins and bare and not bare.startswith("#"):
            if _KEY.match(line) is None:
                return 0
            begins = True
    return 0


def read_front_matter(lines: list[str], end: int, path: str) -> tuple[ParsedFacts, list[Problem]]:
    """Read the front matter in `lines[:end]`.

    Templates of GitHub hold front matter that is no sound YAML; that is a problem, not an error, unless the
    front matter speaks of variables or other keys of this project. Raises ChecklistError then.
    """
    from orion_deploy.checklist.facts import ParsedFacts, parse_front_matter

    text = "\n".join(lines[1 : end - 1])
    try:
        return parse_front_matter(text, path, 2, lines), []
    except ChecklistError as error:
        if _OWN_KEY.search(text):
            raise
        pairs = (_SIMPLE.fullmatch(line.rstrip()) for line in lines[1 : end - 1])
        metadata = {pair[1]: pair[2].strip("\"'") for pair in pairs if pair}
        line = error.where.line if error.where is not None and error.where.line else 1
        problem = Problem(
            "front-matter", f"the front matter is no sound YAML: {error.what}", line, help=error.help
        )
        return ParsedFacts(metadata=metadata), [problem]
