"""What makes a step the same step: its id, made from words that people keep, and its digest, made from what it says.

Ids are `section.step`: ASCII, bounded, safe as a file's name and as a shell's word. Both spec formats use this page.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.checklist.model import CodeBlock, Expectation, Option, Role, StepFacts

SLUG_CHARACTERS_MAX: Final = 48
ID_CHARACTERS_MAX: Final = 120
DIGEST_CHARACTERS: Final = 16

_HASH_CHARACTERS: Final = 6
_WORD = re.compile(r"[a-z0-9]+")
_APOSTROPHE = re.compile("['\u2019]")
_NO_FACTS: Final = StepFacts()


def slug(text: str) -> str:
    """Return words as lower-case ASCII joined by hyphens, never empty.

    Where that would lose letters (another script), or where the words are longer than `SLUG_CHARACTERS_MAX`,
    a short hash of the whole text is added.
    """
    spelled = text
    is_lossy = False
    if not text.isascii():
        spelled = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
        is_lossy = any(char.isalnum() and not char.isascii() for char in spelled)
    name = "-".join(_WORD.findall(_APOSTROPHE.sub("", spelled.lower())))
    if not name and not is_lossy:
        return "untitled"
    if not is_lossy and len(name) <= SLUG_CHARACTERS_MAX:
        return name
    kept = _cut(name, SLUG_CHARACTERS_MAX - _HASH_CHARACTERS - 1)
    return f"{kept}-{_short_hash(text)}" if kept else _short_hash(text)


def _cut(name: str, length: int) -> str:
    """Return at most `length` characters of `name`, ending at a whole word where one ends not too early."""
    if len(name) <= length:
        return name
    head = name[: length + 1]
    at = max(head.rfind("-"), head.rfind("."))
    return name[: at if at > length // 2 else length].rstrip("-.")


def _short_hash(text: str) -> str:
    digest = hashlib.sha256(" ".join(text.split()).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:_HASH_CHARACTERS]


class Ids:
    """Hands ids out, each once. Ids that an author chose are claimed first; a made one never takes such a name."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._next: dict[str, int] = {}

    def claim(self, name: str) -> bool:
        """Take an id that the author chose; False when it is taken."""
        if name in self._taken:
            return False
        self._taken.add(name)
        return True

    def make(self, parent: str, title: str) -> str:
        """Return a new id from the parent's id (empty at the top) and a title; equal ones are numbered in order."""
        base = f"{parent}.{slug(title)}" if parent else slug(title)
        if len(base) > ID_CHARACTERS_MAX:
            base = f"{_cut(base, ID_CHARACTERS_MAX - _HASH_CHARACTERS - 1)}-{_short_hash(base)}"
        name = base
        number = self._next.get(base, 1)
        while name in self._taken:
            number += 1
            name = f"{base}-{number}"
        self._next[base] = number
        self._taken.add(name)
        return name


def digest_of(
    title: str,
    body: str = "",
    code: Iterable[CodeBlock] = (),
    options: Iterable[Option] = (),
    facts: StepFacts = _NO_FACTS,
) -> str:
    """Return the digest of what a step says and would run: sha256, its first 16 hex digits.

    Prose counts by its words, code by its lines without trailing spaces and without blank lines around it;
    so neither a tick nor a shift in the file changes it. Spaces within a command's line count: they can be
    the difference between two commands.
    """
    parts = ["1", " ".join(title.split()), " ".join(body.split())]
    for block in code:
        if block.role is Role.STEP:  # its facts count, however they are written
            continue
        lines = "\n".join([line.rstrip() for line in block.text.split("\n")]).strip("\n")
        parts.append(f"{block.language.lower()}\x1f{block.option or 0}\x1f{lines}")
    parts += [f"{option.number}\x1f{option.title}" for option in options]
    if facts != _NO_FACTS and (said := facts_json(facts)):
        parts.append(json.dumps(said, sort_keys=True, default=str))
    joined = "\x1e".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(joined).hexdigest()[:DIGEST_CHARACTERS]


def facts_json(facts: StepFacts) -> dict[str, object]:
    """Return what the facts say, by the keys of the YAML format; what is not said is left out, and so are lines."""
    values: dict[str, object] = {
        "check": _call_json(facts.check),
        "action": _call_json(facts.action),
        "watch": _call_json(facts.watch),
        "for": facts.watch_for,
        "every": facts.watch_every,
        "expect": [expectation_json(e) for e in facts.expect] or None,
        "confirm": facts.confirm,
        "timeout": facts.timeout_s,
        "auto": facts.auto,
        "reference": facts.reference or None,
        "needs": list(facts.needs) or None,
        "idempotent": facts.idempotent or None,
        "verify": _call_json(facts.verify),
        "when": facts.when,
        "interactive": facts.interactive,
        "cwd": facts.cwd,
        "env": dict(facts.env) or None,
        "shell": facts.shell,
    }
    return {key: value for key, value in values.items() if value is not None}


def expectation_json(expectation: Expectation) -> dict[str, object]:
    """Return an expectation as `{text, matcher, value}`."""
    return {"text": expectation.text, "matcher": expectation.matcher, "value": expectation.value}


def _call_json(call: KindCall | None) -> dict[str, object] | None:
    return None if call is None else {call.name: _plain(call.parameters)}


def _plain(value: object) -> object:
    """Return a parameter with plain dicts and lists in it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
