"""Placeholders in commands: words such as `<VERSION>` that a person fills in before a step may run.

Filling in is the one place where text is put into a script, so it takes only values that mean the same in
every shell: a value that a shell could read as more than a word is refused, never quoted and hoped for.
A value that must hold other characters belongs into a variable, which reaches the script as environment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from orion_deploy.checklist.shell_text import Script, parse
from orion_deploy.errors import RefusedError

VALUE_CHARACTERS_MAX: Final = 1_000

_PLACEHOLDER = re.compile(
    r"(?<![<\\])<(?P<angle>[A-Za-z][\w.:/#-]*(?: [A-Za-z][\w.:/#-]*)*)>"
    r"|(?<![\w$/-])(?<!\$\{)(?P<your>YOUR[_-][A-Z0-9][A-Z0-9_-]*|[Yy]our[_-][a-z0-9][a-z0-9_-]*)(?!\w)"
    r"|(?<!\$)\{\{ ?(?P<braces>[A-Za-z][\w-]*(?: [A-Za-z][\w-]*)*) ?\}\}"
    r"|(?<![\w.$])v?(?P<version>X\.Y(?:\.Z)?|x\.y(?:\.z)?)(?![\w])"
)
_CLOSING_TAG = re.compile(r"</([A-Za-z][\w.:/#-]*)>")
_TEMPLATE_WORDS: Final = frozenset(
    ("end", "else", "if", "range", "with", "define", "template", "block", "break", "continue")
)
"""Words of Go templates, which `docker` and `kubectl` take in `--format '{{...}}'`."""
_ANGLE_WORDS: Final = frozenset(("stdin", "br", "hr", "p", "html", "body", "div", "span", "pre", "code"))
"""What stands in angle brackets and is no placeholder: a file handle of Perl, HTML in a here-document."""
_BARE_VALUE = re.compile(r"[\w./:@%+,][\w./:@%+,-]*")
_QUOTED_VALUE = re.compile(r"[\w./:@%+,=][\w./:@%+,= -]*")


def find_placeholders(script: str) -> tuple[str, ...]:
    """Return the placeholders of a script as they are written, each once, in order; comments have none."""
    if _PLACEHOLDER.search(script) is None:
        return ()
    return tuple(dict.fromkeys(match[0] for match in _matches(parse(script))))


def fill(script: str, answers: Mapping[str, str]) -> str:
    """Return the script with its placeholders filled in.

    `answers` maps a placeholder as it is written (`<VERSION>`) to its value.
    Raises RefusedError when one is missing, or when its value could mean more to the shell than one word.
    """
    parsed = parse(script)
    parts, at = [], 0
    for match in _matches(parsed):
        name = match[0]
        if name not in answers:
            raise RefusedError(
                f"the placeholder `{name}` is not filled in", help="give its value, or edit the command"
            )
        why = why_unsafe(answers[name], is_quoted=parsed.state_at(match.start()) in ("'", '"'))
        if why:
            raise RefusedError(
                f"the value for `{name}` {why}", help="edit the command instead, and quote the value there"
            )
        parts += [script[at : match.start()], answers[name]]
        at = match.end()
    return "".join(parts) + script[at:]


def why_unsafe(value: str, *, is_quoted: bool = False) -> str:
    """Say why a value cannot stand in a script, or return an empty string. Within quotes, spaces are safe too."""
    if not value:
        return "is empty"
    if len(value) > VALUE_CHARACTERS_MAX:
        return f"is longer than {VALUE_CHARACTERS_MAX} characters"
    if value.startswith("-"):
        return "begins with `-`: the command would read it as an option"
    if _PLACEHOLDER.search(value):
        return "is itself a placeholder"
    allowed = _QUOTED_VALUE if is_quoted else _BARE_VALUE
    if allowed.fullmatch(value):
        return ""
    bad = next(char for char in value if not allowed.fullmatch("a" + char))
    named = {"\n": "a line break", "\t": "a tab", " ": "a space"}.get(bad, f"`{bad}`")
    return f"holds {named}, which means something to the shell"


def _matches(script: Script) -> Iterator[re.Match[str]]:
    closed = frozenset(_CLOSING_TAG.findall(script.text))
    for match in _PLACEHOLDER.finditer(script.text):
        if script.state_at(match.start()) != "#" and _is_meant(script.text, match, closed):
            yield match


def _is_meant(text: str, match: re.Match[str], closed: frozenset[str]) -> bool:
    """Tell a placeholder from HTML (whose tags are `closed` somewhere), C includes and templates of other tools."""
    if angle := match["angle"]:
        if angle.lower() in _ANGLE_WORDS or angle.split()[0] in closed:
            return False
        return not text.endswith("#include ", 0, match.start())
    if braces := match["braces"]:
        return braces.split()[0] not in _TEMPLATE_WORDS
    if match["your"]:
        return text[match.end() : match.end() + 1] != "=" or text[match.start() - 1 : match.start()] not in (
            "",
            " ",
            "\n",
        )
    return True
