"""A secret never reaches the disk: the pump replaces it, in every form in which a script is likely to print it.

`forms` works the forms out (in the app, which has the libraries); `Redactor` is part of the supervisor's
program. What a stream becomes does not depend on how it was cut into pieces.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

SHOWN_AS = b"***"
SECRET_BYTES_MIN = 4
"""A shorter value is left alone: it would blot out ordinary text, and tell by that what it is."""
DERIVED_BYTES_MIN = 6
"""Of a derived form (a line of a key, an inner part of base64): shorter ones occur by chance."""


def forms(secrets: Iterable[str]) -> list[bytes]:
    """Return what to look for, longest first: each value as it is, by lines, in base64, hex, URL and quoted forms.

    base64 is cut at three places, so that a value inside a longer text (`user:password`) is found as well.
    """
    found: set[bytes] = set()
    for secret in secrets:
        value = secret.encode("utf-8", "surrogateescape")
        if len(value) < SECRET_BYTES_MIN:
            continue
        found.add(value)
        derived = {*_lines(value), *_quoted(secret), *_base64(value), *_hex(value)}
        found |= {form for form in derived if len(form) >= DERIVED_BYTES_MIN}
    return sorted(found, key=len, reverse=True)


def _lines(value: bytes) -> list[bytes]:
    return [line.strip() for line in value.splitlines()] + [value.strip()]


def _quoted(secret: str) -> list[bytes]:
    """URL, JSON and shell notations; percent signs in capitals and in small letters."""
    import json
    import re
    import shlex
    from urllib.parse import quote, quote_plus

    def small(text: str) -> str:
        return re.sub("%[0-9A-F]{2}", lambda m: m[0].lower(), text)

    url = [quote(secret, "", errors="surrogateescape"), quote(secret, errors="surrogateescape")]
    url.append(quote_plus(secret, errors="surrogateescape"))
    texts = [*url, *map(small, url), json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]]
    texts += [
        shlex.quote(secret).strip("'"),
        secret.replace("'", "'\\''"),
        re.sub(r"([^\w])", r"\\\1", secret),
    ]
    return [text.encode("utf-8", "surrogateescape") for text in texts]


def _base64(value: bytes) -> list[bytes]:
    """The part of the base64 text that depends on `value` alone, for each of the three places where it can begin."""
    from base64 import b64encode, urlsafe_b64encode

    found = []
    for encode in (b64encode, urlsafe_b64encode):
        for before in range(3):
            text = encode(b"\0" * before + value)
            # A character holds six bits: those which also hold bits of a neighbour are left out.
            found.append(text[-(-before * 8 // 6) : (before + len(value)) * 8 // 6])
    return found


def _hex(value: bytes) -> list[bytes]:
    return [value.hex().encode(), value.hex().upper().encode()]


class Redactor:
    """Replaces the forms in a stream. It holds back only what could be the beginning of one."""

    def __init__(self, wanted: list[bytes]) -> None:
        self._forms = sorted(wanted, key=len, reverse=True)
        self._held = b""
        self._pattern = None
        if wanted:
            import re

            self._pattern = re.compile(b"|".join(re.escape(form) for form in self._forms))

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to replace."""
        return self._pattern is not None

    def feed(self, data: bytes) -> bytes:
        """Return what of the stream can go on, with its secrets replaced."""
        if self._pattern is None:
            return data
        data = self._held + data
        done = []
        at = 0
        hold = self._hold_from(data, at)
        # A match that begins before `hold` is the longest at its place: a longer one would be held back.
        while (match := self._pattern.search(data, at)) is not None and match.start() < hold:
            done += [data[at : match.start()], SHOWN_AS]
            at = match.end()
            if at > hold:
                hold = self._hold_from(data, at)
        done.append(data[at:hold])
        self._held = data[hold:]
        return b"".join(done)

    def finish(self) -> bytes:
        """Return what was held back, at the stream's end."""
        rest, self._held = self._held, b""
        return self._pattern.sub(SHOWN_AS, rest) if self._pattern else rest

    def _hold_from(self, data: bytes, start: int) -> int:
        """Return the first place from `start` on where the rest of `data` begins a form and is shorter than it."""
        first = len(data)
        for form in self._forms:
            at = data.find(form[:1], max(start, len(data) - len(form) + 1))
            while 0 <= at < first:
                if form.startswith(data[at:]):
                    first = at
                    break
                at = data.find(form[:1], at + 1)
        return first
