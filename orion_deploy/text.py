"""Text from a checklist or a process is hostile until `plain()` has seen it.

Nothing here imports anything of the project. Two forms: `plain` makes every control character visible,
for text that a person approves (a command with a bidi override must look strange); `stripped` drops
terminal sequences first, for output panes, where colour codes are noise and not an attack to be shown.
"""

from __future__ import annotations

import re

_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
_SEQUENCE = re.compile(
    "\x1b(?:\\[[0-?]*[ -/]*[@-~]|[\\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\\\|\x9c)?|[ -/]*[0-~])"
    "|\x9b[0-?]*[ -/]*[@-~]|[\x90\x98\x9d-\x9f][^\x07\x1b\x9c]*(?:\x07|\x1b\\\\|\x9c)?"
)


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 32:
        return chr(0x2400 + code)
    if code == 127:
        return "\u2421"
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    return f"<U+{code:04X}>"


def plain(text: str) -> str:
    """Return `text` with every control, bidi and invisible character made visible.

    Newlines and tabs stay; CRLF becomes LF; ESC becomes the picture U+241B, a right-to-left override
    becomes `<U+202E>`. The result holds no byte that a terminal acts upon. Zero-width joiners are shown
    too: a command must look like what will run.
    """
    if text.isascii() and text.isprintable():
        return text
    return _CONTROL.sub(_visible, text.replace("\r\n", "\n"))


def plain_line(text: str) -> str:
    """Return `plain(text)` on one line: line breaks and tabs become spaces."""
    if text.isascii() and text.isprintable():
        return text
    return plain(text).replace("\n", " ").replace("\t", " ")


def stripped(text: str) -> str:
    """Return a process's output for the screen: terminal sequences dropped, the rest made `plain`.

    A carriage return within a line (a progress bar) keeps what was written last.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _SEQUENCE.sub("", text.replace("\r\n", "\n"))
    if "\r" in text:
        text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return _CONTROL.sub(_visible, text)


def is_hidden(text: str) -> bool:
    """Tell whether `text` holds characters that a reader would not see (bidi, zero-width, controls)."""
    return _CONTROL.search(text.replace("\r\n", "\n")) is not None
